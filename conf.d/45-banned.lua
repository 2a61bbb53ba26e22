-- Parts that are not let in, by name, type and what they hold.  Tried on every part and container of a mail, down to the last archive
-- member: declared MIME types and names as they are, detected types as ".exe", and UNDECIPHERABLE, ENCRYPTED, AMBIGUOUS, MACRO, AUTOEXEC
-- for what was found.  The first rule that matches decides; a result of false lets the part in.  What becomes of the mail is
-- final_banned_destiny; who gets it all the same, banned_files_lovers_maps.

banned_filename_re = re {
  -- { rx([[^invoice-\d+\.js$]], "i"), false },       -- an exception goes in front

  -- programs and libraries, by content whatever they are called
  [[^\.(exe-ms|dll)$]],
  rx([[^application/(x-msdownload|x-msdos-program|hta|x-ms-shortcut|x-ms-installer|java-archive)$]], "i"),

  -- an extension that only pretends
  rx([[(?# double extension )\.[a-z0-9]{2,4}\s*\.(exe|scr|pif|com|bat|cmd|cpl|lnk|vb[es]?|jse?|ws[fh]|hta|ps1|msi|jar|iso|img)$]], "i"),
  rx([[(?# class id )\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$]], "i"),

  -- what Windows runs when it is opened
  rx([[(?# program )\.(exe|com|scr|pif|cpl|dll|ocx|sys|drv|msi|msp|mst|msix|msixbundle|appx|appxbundle|appinstaller|application|gadget|diagcab|msc|scf|jar|jnlp)$]], "i"),
  rx([[(?# script )\.(bat|cmd|vb|vbs|vbe|js|jse|ws|wsf|wsh|wsc|sct|hta|ps1|ps1xml|ps2|psc1|psd1|psm1|msh|shb|shs|reg|inf|ade|adp|mde)$]], "i"),
  rx([[(?# shortcut )\.(lnk|url|website|library-ms|search-ms|searchconnector-ms|settingcontent-ms|appref-ms|theme|themepack|rdp)$]], "i"),
  rx([[(?# help file )\.(chm|hlp)$]], "i"),
  [[^\.(lnk|chm)$]],

  -- disk images: what lies in them carries no mark of where it came from
  rx([[(?# disk image )\.(iso|img|vhd|vhdx|vmdk|udf|wim)$]], "i"),
  [[^\.(iso|vhd|vhdx)$]],

  -- documents that run code
  rx([[(?# notebook )\.(one|onepkg)$]], "i"),
  rx([[(?# add-in )\.(xll|wll|xla|xlam|ppa|ppam|iqy|oqy|rqy|slk|dqy|odc)$]], "i"),
  [[(?# macro that runs by itself )^AUTOEXEC$]],
  -- rx([[(?# macro document )\.(docm|dotm|xlsm|xltm|xlsb|pptm|potm|ppsm|sldm)$]], "i"),
  -- [[(?# macro )^MACRO$]],                           -- every macro
  -- [[(?# encrypted )^ENCRYPTED$]],                   -- everything that nobody can look into
}

-- More rules for some recipients; all sets that the list yields for one count, in order:
-- banned_rules.NOZIP = re { [[(?# archive )^\.(zip|rar|7z)$]] }
-- banned_filename_maps = { { ["office@example.com"] = "NOZIP" }, "DEFAULT" }

final_banned_destiny = D_DISCARD
