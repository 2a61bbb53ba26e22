-- Parts that are not let in, by name, type and what they hold.  Tried on every part and container of a mail, down to the last archive
-- member: declared MIME types and names as they are, detected types as ".exe", and UNDECIPHERABLE, ENCRYPTED, AMBIGUOUS, MACRO, AUTOEXEC
-- for what was found.  The first rule that matches decides; a result of false lets the part in.  What becomes of the mail is
-- final_banned_destiny; who gets it all the same, banned_files_lovers_maps.

banned_filename_re = re {
  -- { rx([[^invoice-\d+\.js$]], "i"), false },       -- an exception goes in front

  -- by content, whatever it is called: programs and libraries, shortcuts, installers, disk images, notebooks.  (Of scripts only the name
  -- counts: a text that looks like one may be a letter about it, and does nothing until it is called so.)
  [[^\.(exe-ms|dll|lnk|chm|hlp|msi|jar|apk|appx|iso|udf|img|vhd|vhdx|vmdk|wim|one|settingcontent-ms)$]],
  rx([[^application/(x-msdownload|x-msdos-program|hta|x-ms-shortcut|x-ms-installer|java-archive)$]], "i"),

  -- an extension that only pretends
  rx([[(?# double extension )\.[a-z0-9]{2,4}\s*\.(exe|scr|pif|com|bat|cmd|cpl|lnk|vb[es]?|jse?|ws[fh]|hta|ps1|msi|jar|iso|img)$]], "i"),
  rx([[(?# class id )\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$]], "i"),

  -- what Windows runs when it is opened (the dot in front keeps these rules from detected types)
  rx([[(?# program ).\.(exe|ex_|com|scr|pif|cpl|dll|ocx|sys|drv|vxd|msi|msp|mst|msu|msix|msixbundle|appx|appxbundle|appinstaller|application)$]], "i"),
  rx([[(?# program ).\.(app|appcontent-ms|gadget|diagcab|diagcfg|diagpkg|msc|scf|jar|jnlp|xbap|xnk|ppkg|apk)$]], "i"),
  rx([[(?# script ).\.(bat|cmd|vb|vbs|vbe|vbp|js|jse|mjs|ws|wsf|wsh|wsc|sct|hta|htc|reg|inf|shb|shs|bas|prg|fxp|plg|pcd|vsw|vsmacros)$]], "i"),
  rx([[(?# script ).\.(ps1|ps1xml|ps2|ps2xml|psc1|psc2|psd1|psm1|pssc|cdxml|msh|msh1|msh2|mshxml|msh1xml|msh2xml|pyw|pyc|pyo|pyz|pyzw|csh|ksh)$]], "i"),
  -- rx([[(?# script ).\.(py|pl|sh|asp|aspx)$]], "i"),       -- of other systems, and of those who write programs
  rx([[(?# database program ).\.(ade|adp|mad|maf|mag|mam|maq|mas|mau|mav|maw|mcf|mda|mde|mdt|mdw|mdz|accda|accde|accdr|accdu)$]], "i"),
  -- rx([[(?# database ).\.(mdb|accdb)$]], "i"),
  rx([[(?# shortcut ).\.(lnk|url|website|webloc|inetloc|fileloc|desktop|library-ms|search-ms|searchconnector-ms|settingcontent-ms|appref-ms)$]], "i"),
  rx([[(?# shortcut ).\.(theme|themepack|deskthemepack|rdp|wsb|grp|udl|webpnp|printerexport|ins|isp|its|prf|ops|osd)$]], "i"),
  rx([[(?# help file ).\.(chm|hlp|hpj|cnt)$]], "i"),

  -- what other systems run when it is opened
  rx([[(?# program ).\.(dmg|command|terminal|scpt|applescript|appimage)$]], "i"),

  -- disk images: what lies in them carries no mark of where it came from
  rx([[(?# disk image ).\.(iso|img|vhd|vhdx|vmdk|udf|wim)$]], "i"),

  -- documents that run code
  rx([[(?# notebook ).\.(one|onepkg)$]], "i"),
  rx([[(?# add-in ).\.(xll|wll|xla|xlam|ppa|ppam|iqy|oqy|rqy|slk|dqy|odc)$]], "i"),
  [[(?# macro that runs by itself )^AUTOEXEC$]],
  -- rx([[(?# macro document ).\.(docm|dotm|xlsm|xltm|xlsb|pptm|potm|ppsm|sldm)$]], "i"),
  -- [[(?# macro )^MACRO$]],                           -- every macro
  -- [[(?# encrypted )^ENCRYPTED$]],                   -- everything that nobody can look into
}

-- More rules for some recipients; all sets that the list yields for one count, in order:
-- banned_rules.NOZIP = re { [[(?# archive )^\.(zip|rar|7z)$]] }
-- banned_filename_maps = { { ["office@example.com"] = "NOZIP" }, "DEFAULT" }

final_banned_destiny = D_DISCARD
