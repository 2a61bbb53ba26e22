-- Converted by convert-amavisd-conf from legacy.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Where mail comes in
inet_socket_port = "10024"  -- legacy.conf:13

-- Where mail goes
forward_method = { "smtp:[192.0.2.1]:25", "smtp:[192.0.2.2]:25" }  -- legacy.conf:17
notify_method = "smtp:[127.0.0.1]:10025"  -- legacy.conf:17

-- What becomes of mail
final_destiny_maps_by_ccat = { [CC_CATCHALL] = D_PASS, [CC_VIRUS] = D_BOUNCE }  -- legacy.conf:11
spam_lovers_acl = { ".friend.example.com" }  -- legacy.conf:16

-- Virus scanners
bypass_virus_checks_maps = { true }  -- legacy.conf:34

-- Quarantine
virus_quarantine_method = "local:virus-%i-%n"  -- legacy.conf:22

-- Notifications
virus_admin = { ["."] = "postmaster@example.com", [".example.com"] = "admin@example.com" }  -- legacy.conf:10

-- Databases
lookup_sql_dsn = {  -- legacy.conf:28
	{ "DBI:mysql:database=mail;host=127.0.0.1;port=3306", "user1", "pass\"wd" },
	{ "DBI:SQLite:dbname=/var/x.db", "", "" },
}
storage_sql_dsn = lookup_sql_dsn  -- legacy.conf:29
partition_tag = undef  -- legacy.conf:31
default_ldap = { hostname = { "localhost", "ldap2" }, tls = 0 }  -- legacy.conf:30
storage_redis_dsn = { "redis://:s%2Fe%40c@127.0.0.1:6379/1" }  -- legacy.conf:27

-- Policy banks
policy_bank.EMPTY = {}  -- legacy.conf:33

-- Defaults: where nothing is said, Postern does otherwise than amavisd-new, which would have
-- max_requests = 20
-- virus_scanners_failure_is_fatal = false
-- MAXLEVELS = undef
-- MAXFILES = undef
-- MIN_EXPANSION_QUOTA = undef
-- MAX_EXPANSION_QUOTA = undef
-- syslog_ident = "amavis"
-- X_HEADER_LINE = "amavisd-new at " .. mydomain

-- Not taken over:
--   legacy.conf:21: bad_header_quarantine_method: refused by posternd: there is no delivery method "nosuch:"; expected "smtp:[127.0.0.1]:10025", "lmtp:..." or another "scheme:rest"
--   legacy.conf:23: log_level: refused by posternd: 7 is out of range; expected a whole number from -3 to 5
--   legacy.conf:18: daemon_chroot_dir: refused by Postern: openers are confined by seccomp and Landlock and own no path but their scratch folder; a chroot would only hide plugins and databases: remove it
--   legacy.conf:19: file: refused by Postern: file types are told by libmagic in process; no program is run for it: remove it
--   legacy.conf:31: partition_tag: a subroutine in Perl (legacy.conf:31)
--   legacy.conf:27: storage_redis_dsn: of the Redis server: ttl
--   legacy.conf:12: @virus_quarantine_method: is no setting; it is $virus_quarantine_method that amavisd-new reads
--   legacy.conf:24: DKIM key main._domainkey.example.com: /var/dkim/example.com.key.pem: Postern does not sign yet
--   legacy.conf:25: call of a_function_of_old(): a function that only amavisd-new has
--   legacy.conf:39: hook Amavis::Custom::checks: a subroutine in Perl
--   legacy.conf:38: hook Amavis::Custom::new: a subroutine in Perl

-- Needs no counterpart:
--   legacy.conf:20: pid_file: no pid file is needed: posternctl and the service manager know the master
--   legacy.conf:26: decoders: Postern has its own decoders
--   legacy.conf:6: relayhost_is_client: retired: write * in forward_method
--   legacy.conf:7: warnvirussender: retired: use final_virus_destiny
--   legacy.conf:8: sa_auto_whitelist: retired: SpamAssassin's own configuration says it
--   legacy.conf:5: SYSLOG_LEVEL: retired: use syslog_facility
--   $gzip, $lha, $unrar: Postern has its own decoders
--   $max_request, @my_friends: no settings: variables of your own, or settings misspelt; their values are used where the files use them

-- Taken over with a difference:
--   legacy.conf:4: logfile: /var/log/amavis.log is not written: do_syslog goes before it
--   legacy.conf:17: forward_method: several methods are tried in order; amavisd-new chose one at random
