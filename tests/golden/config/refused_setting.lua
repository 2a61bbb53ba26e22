auth_required_inp = true
bypass_virus_checks_maps = { true }
compatibility_level = 1
