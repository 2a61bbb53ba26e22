storage_sql_dsn = { "DBI:Oracle:database=x", "user", "topsecret" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
