soft_bounce = "no"
bypass_virus_checks_maps = { true }
compatibility_level = 1
