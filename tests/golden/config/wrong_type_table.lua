interface_policy = "AUTH"
bypass_virus_checks_maps = { true }
compatibility_level = 1
