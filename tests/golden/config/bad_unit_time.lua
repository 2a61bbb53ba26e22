child_timeout = "8 fortnights"
bypass_virus_checks_maps = { true }
compatibility_level = 1
