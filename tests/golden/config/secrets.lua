compatibility_level = 1
av_scanners = { clamd { socket = "/run/clamav/clamd.ctl" } }
lookup_sql_dsn = { "mysql://user:topsecret@127.0.0.1/mail" }
storage_sql_dsn = { { "DBI:Pg:dbname=mail;host=127.0.0.1", "user", "topsecret" }, "sqlite:/var/lib/postern/log.db" }
amavis_auth_pass = "topsecret"
policy_bank.AUTH = { amavis_auth_pass = "topsecret" }
