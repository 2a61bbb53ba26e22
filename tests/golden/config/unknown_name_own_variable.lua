helper_table_of_mine = { "a" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
