forward_method = "smtpp:[127.0.0.1]:10025"
bypass_virus_checks_maps = { true }
compatibility_level = 1
