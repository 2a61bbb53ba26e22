-- Converted by convert-amavisd-conf from lookups.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Where mail comes in
listen_sockets = { "/run/lmtp.sock", "10024" }  -- lookups.conf:31
message_size_limit_maps = { { ["."] = 65536, ["big@example.com"] = 10485760 }, re { { rx("^x"), 100000 } } }  -- lookups.conf:13

-- Where mail goes
forward_method_maps = {  -- lookups.conf:27
	{ [".example.com"] = const { "smtp:[192.0.2.1]:25", "smtp:[192.0.2.2]:25" } },
	setting "forward_method",
}

-- Addresses and networks
mynetworks = { "127.0.0.0/8", "[::1]", "10.1.0.0/16", "!10.2.0.1", "10.2.0.0/16" }  -- lookups.conf:5
local_domains = read_hash "@HERE@/tables/domains"  -- lookups.conf:4
local_domains_acl = { ".example.com", "!not.example.com" }  -- lookups.conf:3
debug_sender_acl = read_array "@HERE@/tables/nets"  -- lookups.conf:6
debug_recipient_maps = { sql_field("debug", "boolean"), true }  -- lookups.conf:17

-- What becomes of mail
final_destiny_maps_by_ccat = {  -- lookups.conf:25
	[CC_CATCHALL] = D_PASS,
	[CC_MTA] = D_TEMPFAIL,
	["CC_MTA,1"] = D_TEMPFAIL,
	["CC_MTA,2"] = D_REJECT,
	[CC_OVERSIZED] = D_BOUNCE,
	[CC_BADH] = setting "final_bad_header_destiny",
	[CC_SPAM] = setting "final_spam_destiny",
	[CC_UNCHECKED] = setting "final_unchecked_destiny",
	[CC_BANNED] = setting "final_banned_destiny",
	[CC_VIRUS] = setting "final_virus_destiny",
}
smtp_reason_by_ccat[CC_VIRUS] = "id=%n - INFECTED: %V"  -- lookups.conf:26
lovers_maps_by_ccat["CC_BADH,2"] = setting "virus_lovers_maps"  -- lookups.conf:29
local table_1 = { ["one@example.com"] = true, ["three@example.com"] = undef, ["two@example.com"] = false }
virus_lovers_maps = { table_1, { "!x.example.com", ".example.com" }, false }  -- lookups.conf:9
unchecked_lovers_maps = { table_1, read_hash "@HERE@/tables/domains" }  -- lookups.conf:10
spam_lovers_maps = { { ["x@example.com"] = true } }  -- lookups.conf:18

-- Virus scanners
av_scanners = {  -- lookups.conf:20
	clamd { "/run/clamd", name = "clamd" },
}
bypass_virus_checks = { ["abuse@"] = true }  -- lookups.conf:11
bypass_virus_checks_re = re {  -- lookups.conf:12
	rx("^(abuse|hostmaster)@", "i"),
	{ rx([[^list-(.*)\@example\.com$]]), "x$1" },
}

-- Banned parts and header tests
bypass_banned_checks_maps = { setting "bypass_virus_checks_maps" }  -- lookups.conf:28

-- Quarantine
virus_quarantine_to_maps = { "virus-quarantine", { ["x@example.com"] = "" } }  -- lookups.conf:23

-- Notifications
notify_virus_admin_templ = read_text "@HERE@/tables/template"  -- lookups.conf:19

-- Databases
lookup_sql_dsn = { { "DBI:Pg:database=mail;host=db.example.com", "u", "p\\w" } }  -- lookups.conf:7
storage_sql_dsn = lookup_sql_dsn  -- lookups.conf:7
sql_clause.sel_wblist = undef  -- lookups.conf:24
default_ldap = { base = "dc=example", verify = "none" }  -- lookups.conf:30

-- Spam
score_sender_maps = {  -- lookups.conf:15
	{
		["."] = { re { { rx("^(bulk|offers)@", "i"), 5.5 } }, { ["nobody@example.net"] = -3 } },
		["u@example.com"] = { { ["press@example.org"] = 10 } },
	},
}

-- Policy banks
policy_bank.LMTP = { protocol = "LMTP" }  -- lookups.conf:36
interface_policy["/run/lmtp.sock"] = "LMTP"  -- lookups.conf:34
client_ipaddr_policy = {  -- lookups.conf:16
	{ { "192.0.2.0/24" }, "MYNETS" },
	{ mynetworks, "MYNETS" },
	{ { "192.0.2.0/24", "198.51.100.0/24", "203.0.113.7" }, "MYNETS" },
	{ { ["192.0.2.0/24"] = "one", ["198.51.100.0/24"] = "two words", ["203.0.113.7"] = true }, "MYNETS" },
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
--   lookups.conf:30: default_ldap, nonsense: refused by posternd: unknown option; ldap takes: hostname, port, scheme, localaddr, inet6, version, timeout, base, scope, deref, query_filter, bind_dn, bind_password, tls, verify, sslversion, clientcert, clientkey, cafile, capath, sasl, sasl_mech, sasl_auth_id, size_limit, retry_interval, attributes, result, name, timeout, probe_interval
--   lookups.conf:30: default_ldap, sslversion: refused by posternd: ldap: sslversion: "tlsv1" is not spoken; expected "tlsv1_2" or "tlsv1_3", the oldest version to accept
--   lookups.conf:33: listener SOCK: speaks AM.PDP by its policy bank PDP, which Postern does not; the listener is left out
--   lookups.conf:17: debug_recipient_maps: the function somewhere as a lookup table
--   lookups.conf:17: debug_recipient_maps: a DNS list (q_dns_a list.example.com) as a lookup table
--   lookups.conf:25: final_destiny_maps_by_ccat: ["CC_BANNED,1"]: a subroutine in Perl (lookups.conf:25)
--   lookups.conf:25: final_destiny_maps_by_ccat: [CC_VIRUS]: a subroutine in Perl (lookups.conf:25); Postern's default stands in its place
--   lookups.conf:26: smtp_reason_by_ccat, 9: [CC_VIRUS]: a subroutine in Perl (lookups.conf:26); Postern's default stands in its place
--   lookups.conf:21: bad_header_lovers_maps: a subroutine in Perl (lookups.conf:21) as a lookup table
--   lookups.conf:28: bypass_banned_checks_maps: a subroutine in Perl (lookups.conf:28) as a lookup table

-- Taken over with a difference:
--   @HERE@/tables/domains, @HERE@/tables/nets, @HERE@/tables/template: read by Postern too: keep it when amavisd-new is removed, or change the path
