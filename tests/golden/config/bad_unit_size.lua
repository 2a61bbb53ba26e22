smtpd_message_size_limit = "10Q"
bypass_virus_checks_maps = { true }
compatibility_level = 1
