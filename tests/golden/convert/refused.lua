-- Converted by convert-amavisd-conf from refused.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Where mail goes
forward_method = { "smtp:[127.0.0.1]:10025", "smtp:[127.0.0.1]:10026" }  -- refused.conf:5
notify_method = "smtp:[127.0.0.1]:10025"  -- refused.conf:5

-- Virus scanners
av_scanners = {  -- refused.conf:12
	sophie {
		"/run/good",
		query = [[{}\n]],
		reply = "eof",
		session = false,
		clean = "OK",
		infected = "BAD",
		name = "good",
	},
	sophie {
		"/run/good2",
		query = [[{}\n]],
		reply = "eof",
		session = false,
		clean = "OK",
		infected = "BAD",
		name = "good/2",
	},
}

-- Banned parts and header tests
banned_filename_re = re { rx("fine") }  -- refused.conf:11

-- Quarantine
quarantine_method_by_ccat[CC_CLEAN] = "local:clean-%m"  -- refused.conf:7

-- Databases
sql_clause.sel_policy = "SELECT 2"  -- refused.conf:9

-- Policy banks
policy_bank.A = { originating = true }  -- refused.conf:10

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
--   refused.conf:4: inet_acl: refused by posternd: "not-an-address" is not an IP network
--   refused.conf:6: child_timeout: refused by posternd: "soon" is wrong; expected a number of seconds (or "30s", "5m", "2h")
--   refused.conf:5: forward_method, nosuch:elsewhere: refused by posternd: there is no delivery method "nosuch:"; expected "smtp:[127.0.0.1]:10025", "lmtp:..." or another "scheme:rest"
--   refused.conf:3: mynetworks: refused by posternd: "10.0.0.0/99": bad prefix length or mask
--   refused.conf:12: av_scanners, bad pattern: refused by posternd: bad regular expression "\p{XPosixSpace}OK": unknown property after \P or \p at offset 15
--   refused.conf:12: av_scanners, bad socket: refused by posternd: "no port": expected host:port, [address]:port or an absolute path
--   refused.conf:8: sql_clause, sel_nothing: refused by posternd: unknown statement; expected sel_policy, sel_wblist, ins_msg and the like
--   refused.conf:10: policy bank A, log_level: refused by posternd: 99 is out of range; expected a whole number from -3 to 5
--   refused.conf:10: policy bank A, smtpd_timeout: refused by posternd: 1 is out of range; expected a number of seconds (or "30s", "5m", "2h") from 5 to 86400
--   refused.conf:10: policy bank A, virus_quarantine_method: refused by posternd: there is no delivery method "nosuch:"; expected "smtp:[127.0.0.1]:10025", "lmtp:..." or another "scheme:rest"
--   refused.conf:11: banned_filename_re: the regular expression \p{XPosixAlnum}: refused by posternd: unknown property after \P or \p

-- Taken over with a difference:
--   refused.conf:5: forward_method: several methods are tried in order; amavisd-new chose one at random
