-- What is logged, and where to.

do_syslog = true
syslog_facility = "mail"
log_level = 0                      -- 0: one line per mail; 1-2: information; 3-5: debugging

-- syslog_ident = "amavis"         -- for log analysers that know amavisd-new only
