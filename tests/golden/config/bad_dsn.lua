lookup_sql_dsn = { "mysqll://user:topsecret@127.0.0.1/mail" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
