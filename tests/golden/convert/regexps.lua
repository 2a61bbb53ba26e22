-- Converted by convert-amavisd-conf from regexps.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Virus scanners
bypass_virus_checks_maps = { true }  -- regexps.conf:18

-- Banned parts and header tests
banned_filename_re = re {  -- regexps.conf:12
	rx([[\.[^./]*\.(exe|vbs)\.?$]], "i"),
	{ rx([[^\.(rpm|cpio)$]]), 0 },
	{ rx("DISCARDED"), "DISCARD" },
	{ rx("undecided"), undef },
	rx("^(?x: application / x-ms(?:download|dos-program) )$", "i"),
	rx([[\.(?^i:e(?:xe|xx))$]]),
	rx([[ a b # comment
     c ]], "ix"),
	rx("(?xx) a  b [ c] "),
	rx("^a$", "m"),
	rx("a.b", "s"),
	rx("(a)(?:b)", "n"),
	rx("word"),
	rx("name]=]here]]$"),
	rx([["quoted"]]),
	rx([[\x{263a}]], "u"),
	rx([[smile \x{263A}]], "u"),
	rx("a plain text"),
}
banned_rules.DEFAULT = banned_filename_re  -- regexps.conf:15
banned_rules["NO-MS-EXEC"] = re { rx([[^\.(exe-ms)$]]) }  -- regexps.conf:15
banned_rules.NONE = undef  -- regexps.conf:15
banned_namepath_re = re {  -- regexps.conf:16
	{
		rx([[(?# a comment)
       N= .* \.exe $]], "imx"),
		"DISCARD",
	},
}

-- Defaults: where nothing is said, Postern does otherwise than amavisd-new, which would have
-- max_requests = 20
-- virus_scanners_failure_is_fatal = false
-- MAXLEVELS = undef
-- MAXFILES = undef
-- MIN_EXPANSION_QUOTA = undef
-- MAX_EXPANSION_QUOTA = undef
-- syslog_ident = "amavis"
-- do_syslog = false
-- X_HEADER_LINE = "amavisd-new at " .. mydomain

-- Not taken over:
--   regexps.conf:12: banned_filename_re: the regular expression (?{ 1 })code: it runs Perl code
--   regexps.conf:12: banned_filename_re: the regular expression \b{wb}word: it uses \b{...}
--   regexps.conf:12: banned_filename_re: the regular expression \p{XPosixSpace}posix: refused by posternd: unknown property after \P or \p
