policy_bank.AUTH = { max_servers = 8 }
bypass_virus_checks_maps = { true }
compatibility_level = 1
