max_servers = 0
bypass_virus_checks_maps = { true }
compatibility_level = 1
