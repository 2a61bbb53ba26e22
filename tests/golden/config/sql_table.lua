virus_lovers_maps = { sql "SELECT virus_lover FROM people WHERE address IN (%k)" }
local_domains_maps = { sql { "SELECT 1 WHERE %q", dsn = "sqlite:/nowhere.db" } }
bypass_banned_checks_maps = { sql { 5 } }
message_size_limit_maps = { sql { "SELECT 1 WHERE 'x' = %a", dsn = "sqlite:nowhere.db" } }
archive_quarantine_to_maps = { sql { "SELECT 1", database = "x" } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
