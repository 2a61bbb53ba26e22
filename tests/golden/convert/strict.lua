-- Converted by convert-amavisd-conf from strict.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- What becomes of mail
virus_lovers_acl = { "boss.com" }  -- strict.conf:3

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
--   @example: is declared nowhere, and the file says "use strict": amavisd-new would have refused it
