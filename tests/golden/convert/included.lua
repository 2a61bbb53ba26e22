-- Converted by convert-amavisd-conf from included.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Who we are
MYHOME = "/var/lib/amavis"  -- included.conf:3
max_servers = 3  -- one:2

-- Virus scanners
bypass_virus_checks_maps = { true }  -- included.conf:6

-- Quarantine
QUARANTINEDIR = "/var/lib/amavis/virusmails"  -- two:3

-- Log
log_level = 2  -- two:2

-- Defaults: what amavisd-new does where nothing is said
max_requests = 20
virus_scanners_failure_is_fatal = false
MAXLEVELS = undef
MAXFILES = undef
MIN_EXPANSION_QUOTA = undef
MAX_EXPANSION_QUOTA = undef
syslog_ident = "amavis"
do_syslog = false
X_HEADER_LINE = "amavisd-new at " .. mydomain
