load("return 1")()
bypass_virus_checks_maps = { true }
compatibility_level = 1
