sql_clause.sel_policy = "SELECT * FROM users WHERE email = %x"
sql_clause.sel_wblist = "SELECT wb FROM wblist WHERE note LIKE '%x' AND rid = ? AND sender = %a"
sql_select_policy = "SELECT * FROM users WHERE email = 'a"
sql_select_white_black_list = "SELECT wb FROM wblist WHERE rid = ? AND sender IN (%k) AND 5 % 3 = 2 AND x %% 2 = 0"
policy_bank.B = { sql_clause = { sel_policy = "SELECT * FROM users WHERE id = ?" } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
