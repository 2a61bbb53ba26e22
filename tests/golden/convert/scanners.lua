-- Converted by convert-amavisd-conf from scanners.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Who we are
path = "bin"  -- scanners.conf:3

-- Virus scanners
av_scanners = {  -- scanners.conf:18
	clamd { "/var/run/clamav/clamd.ctl", name = "ClamAV-clamd" },
	clamd { { "127.0.0.1:3310", "/run/clamd" }, name = "clamd stream" },
	sophie {
		"/var/run/sophie",
		query = [[{}/\n]],
		clean = rx([[(?-m)^0+(:|[\000\r\n]*$)]]),
		infected = rx([[(?-m)^1(:|[\000\r\n]*$)]]),
		names = rx([[(?-m)(?x)^ -?\d+ : (.*?) \s* $]], "x"),
		name = "Sophie",
	},
	sophie {
		"127.0.0.1:55555",
		query = [[SCAN {}/*\r\n]],
		reply = "eof",
		session = false,
		clean = "(?-m)^200",
		infected = "^403",
		names = rx([[(?-m)^403 .*?: ([^\r\n]+)]]),
		name = "Line daemon",
	},
	sssp { "/var/run/savdi/sssp.sock", name = "Sophos-SSSP" },
	savapi { "/var/tmp/.savapi3", product = "12345", name = "Avira SAVAPI" },
	smtpscan {
		"[127.0.0.1]:10099",
		protocol = "lmtp",
		recipient = "test@localhost",
		clean = "(?-m)^250 ",
		infected = rx([[(?-m)^5\d\d .*infected]]),
		names = rx([[infected: (\S+)]]),
		name = "relay",
	},
	clamav { name = "Mail::ClamAV" },
	command {
		"first",
		args = { "-c", "'a", "b'", "{}" },
		clean = { 0 },
		infected = { 1, 2, 3 },
		names = rx([[(?-m)(?|(?|Name:|called) (.+)|\s+holds\s+(.+)$)]]),
		name = "There",
	},
	command { "second", args = "-r {}", infected = rx("virus", "i"), name = "Names by Perl" },
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
--   scanners.conf:18: av_scanners: Sophos SAVI: needs the function sophos_savi, which has no counterpart
--   scanners.conf:18: av_scanners: always-clean: is a subroutine in Perl (scanners.conf:18)
--   scanners.conf:20: av_scanners_backup: Verdict by Perl: infected: is neither exit codes nor a regular expression

-- Taken over with a difference:
--   scanners.conf:18: av_scanners: There: what was to run before and after it (Perl) is left out
--   scanners.conf:18: av_scanners: Names by Perl: names: a subroutine in Perl; malware is told without its name

-- Left out:
--   scanners.conf:18: av_scanners: programs that are not on this host, left out as amavisd-new did: Not there
