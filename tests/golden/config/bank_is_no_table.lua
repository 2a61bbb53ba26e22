policy_bank.AUTH = "yes"
bypass_virus_checks_maps = { true }
compatibility_level = 1
