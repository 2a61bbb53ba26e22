mydomain = "example\0.com"
bypass_virus_checks_maps = { true }
compatibility_level = 1
