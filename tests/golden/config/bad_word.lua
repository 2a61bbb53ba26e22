smtpd_bare_newline = "ignore"
bypass_virus_checks_maps = { true }
compatibility_level = 1
