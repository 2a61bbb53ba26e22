-- Converted by convert-amavisd-conf from texts.conf.
-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.

compatibility_level = 1  -- the defaults that this was written for

-- Who we are
myhostname = "mx.example.com"  -- texts.conf:13
mydomain = "example.com"  -- texts.conf:14
localhost_name = "example.com"  -- texts.conf:15

-- Where mail comes in
inet_socket_bind = { "0.0.0.0", "[::]" }  -- texts.conf:27
unix_socket_mode = tonumber("770", 8)  -- texts.conf:16
smtpd_greeting_banner = [=[ends in a bracket\]]=]  -- texts.conf:4
smtpd_quit_banner = "tab\tand bell\x07"  -- texts.conf:5

-- Addresses and networks
originating = true  -- texts.conf:24

-- Virus scanners
bypass_virus_checks_maps = { true }  -- texts.conf:28

-- Quarantine
virus_quarantine_to = ""  -- texts.conf:23

-- Notifications
-- texts.conf:9
notify_virus_admin_templ = [==[Subject: x

back\slash ]] and ]=] end
]==]
notify_virus_recips_templ = "carriage\\\r\nreturn\r\n"  -- texts.conf:11
notify_spam_admin_templ = "\nbegins with a newline\\\nsecond\n"  -- texts.conf:10
notify_spam_recips_templ = ""  -- texts.conf:12

-- What is changed in mail
X_HEADER_LINE = [=[a "quoted" and back\slashed ]] text]=]  -- texts.conf:3
undecipherable_subject_tag = "***\xe4\xf6*** "  -- texts.conf:6

-- Log
log_level = 2  -- texts.conf:21

-- Spam
sa_tag_level_deflt = 2.5  -- texts.conf:18
sa_kill_level_deflt = -1  -- texts.conf:19
sa_spam_subject_tag = "*ä* "  -- texts.conf:8
sa_spam_subject_tag1 = "*Grüße ☺* "  -- texts.conf:7
sa_mail_body_size_limit = 409600  -- texts.conf:20

-- Policy banks
policy_bank["end"] = { log_level = 1 }  -- texts.conf:25
policy_bank["with \"quote\""] = { log_level = 2 }  -- texts.conf:26

-- Defaults: where nothing is said, Postern does otherwise than amavisd-new, which would have
-- max_requests = 20
-- virus_scanners_failure_is_fatal = false
-- MAXLEVELS = undef
-- MAXFILES = undef
-- MIN_EXPANSION_QUOTA = undef
-- MAX_EXPANSION_QUOTA = undef
-- syslog_ident = "amavis"
-- do_syslog = false

-- Not taken over:
--   texts.conf:12: notify_spam_recips_templ: a text with a NUL character in it
