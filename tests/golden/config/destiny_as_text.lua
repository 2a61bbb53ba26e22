final_virus_destiny = "D_DISCARD"
bypass_virus_checks_maps = { true }
compatibility_level = 1
