policy_bank.AUTH = { originatng = true }
bypass_virus_checks_maps = { true }
compatibility_level = 1
