banned_rules.DEFAULT = re{ 5 }
bypass_virus_checks_maps = { true }
compatibility_level = 1
