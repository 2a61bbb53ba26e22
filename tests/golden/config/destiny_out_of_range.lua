final_virus_destiny = 7
bypass_virus_checks_maps = { true }
compatibility_level = 1
