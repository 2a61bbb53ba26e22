-- Converted by convert-amavisd-conf from banks.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Who we are
mydomain = "example.com"  -- banks.conf:3

-- Where mail comes in
inet_socket_port = { "10024", "10026" }  -- banks.conf:6
inet_acl = { "127.0.0.1", "!192.0.2.2/31", "192.0.2.0/24" }  -- banks.conf:4

-- Addresses and networks
mynetworks = { "10.0.0.0/8" }  -- banks.conf:5

-- What becomes of mail
final_destiny_maps_by_ccat[CC_UNCHECKED] = D_TEMPFAIL  -- banks.conf:31
final_destiny_maps_by_ccat["CC_UNCHECKED,1"] = { { ["x@example.com"] = D_PASS }, D_REJECT }  -- banks.conf:32
local shared = { ["one@example.com"] = 1, ["two@example.com"] = 0 }
lovers_maps_by_ccat[CC_SPAMMY] = { shared }  -- banks.conf:33

-- Virus scanners
bypass_virus_checks_maps = { true }  -- banks.conf:38

-- Quarantine
quarantine_method_by_ccat[CC_CLEAN] = "local:clean-%m"  -- banks.conf:35

-- Notifications
admin_maps_by_ccat[CC_UNCHECKED] = setting "virus_admin_maps"  -- banks.conf:34

-- What is changed in mail
addr_extension_maps_by_ccat = { [CC_SPAM] = undef, [CC_VIRUS] = { "virus" } }  -- banks.conf:36

-- Databases
lookup_sql_dsn = { { "DBI:SQLite:dbname=/nonexistent/prefs.db", "", "" } }  -- banks.conf:39

-- Policy banks
policy_bank["A-B"] = { smtpd_discard_ehlo_keywords = { "8BITMIME" } }  -- banks.conf:29
policy_bank.ABSENT = {}
policy_bank.FIELDS = {  -- banks.conf:40
	bad_header_lovers_maps = { shared },
	message_size_limit_maps = { sql_field("my_limit", "number") },
	spam_lovers_maps = { sql_field("my_lover", "boolean"), true },
	virus_lovers_maps = { shared },
}
policy_bank.MYNETS = {  -- banks.conf:11
	av_scanners = {},
	bypass_virus_checks_maps = { shared },
	final_virus_destiny = D_REJECT,
	forward_method = "smtp:*:10027",
	originating = true,
	smtp_reason_by_ccat = { ["CC_BADH,2"] = "eight", [CC_SPAM] = "no", ["REPLACE"] = 1 },
	spam_kill_level_maps = { 7.5 },
	unchecked_lovers_maps = { true },
	virus_admin_maps = { "virusalert@example.com" },
}
policy_bank.ORIGINATING = {  -- banks.conf:28
	inet_acl = mynetworks,
	local_domains_maps = { { ".extra.example.com" }, shared },
	protocol = "LMTP",
	virus_quarantine_method = undef,
}
policy_bank.PARTNER = {}
interface_policy["10026"] = "ORIGINATING"  -- banks.conf:7
interface_policy["192.0.2.2:10024"] = "A-B,ABSENT"  -- banks.conf:44
client_ipaddr_policy = { { { "198.51.100.0/24" }, "PARTNER,MYNETS" }, { mynetworks, "MYNETS" } }  -- banks.conf:45

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
--   banks.conf:11: policy bank MYNETS, log_level: refused by posternd: "high" is wrong; expected a whole number
--   banks.conf:8: listener 10028: speaks QMQPqq by its policy bank QUICK, which Postern does not; the listener is left out
--   banks.conf:37: final_destiny_maps_by_ccat, CC_BANNED: the key CC_BANNED is a text, not a category: amavisd-new never finds it; in Perl, a comma must follow the name of a category
--   banks.conf:11: policy bank MYNETS, max_servers: can be set globally only
--   banks.conf:11: policy bank MYNETS, no_such_thing: there is no such setting (amavisd-new ignores it as well)
--   banks.conf:11: policy bank MYNETS, smtp_reason_by_ccat: the key CC_VIRUS is a text, not a category: amavisd-new never finds it; in Perl, a comma must follow the name of a category
--   banks.conf:28: policy bank ORIGINATING, ACTION: a subroutine in Perl (banks.conf:27)
--   banks.conf:9: interface_policy, 192.0.2.1:10024: there is no policy bank NOBODY (amavisd-new ignores it as well)

-- Needs no counterpart:
--   %shared: no settings: variables of your own, or settings misspelt; their values are used where the files use them

-- Taken over with a difference:
--   policy bank ABSENT: named, but defined nowhere: written as an empty bank, where amavisd-new ignores the name
--   policy bank PARTNER: named, but defined nowhere: written as an empty bank, where amavisd-new ignores the name
--   banks.conf:40: policy bank FIELDS, bad_header_lovers_maps: SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank
--   banks.conf:11: policy bank MYNETS, bypass_virus_checks_maps: SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank
--   banks.conf:11: policy bank MYNETS, spam_kill_level_maps: SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank
--   banks.conf:11: policy bank MYNETS, unchecked_lovers_maps: SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank
--   banks.conf:11: policy bank MYNETS, virus_admin_maps: SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank
--   banks.conf:28: policy bank ORIGINATING, local_domains_maps: SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank
