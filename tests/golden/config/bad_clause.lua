sql_clause.sel_polcy = "SELECT 1"
bypass_virus_checks_maps = { true }
compatibility_level = 1
