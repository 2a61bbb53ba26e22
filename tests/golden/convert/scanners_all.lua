-- Converted by convert-amavisd-conf from scanners_all.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Who we are
path = "none"  -- scanners_all.conf:4

-- Virus scanners
av_scanners = {  -- scanners_all.conf:5
	command {
		"/nonexistent/first",
		args = "-r {}/*",
		clean = { 0 },
		infected = { 1, 2, 3 },
		names = ": (.+)",
		name = "There",
	},
	command { "not-there-at-all", args = { "{}" }, clean = { 0, 3 }, infected = "virus", name = "Not there" },
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
