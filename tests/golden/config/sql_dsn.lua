lookup_sql_dsn = {
  "mysql://user:topsecret@127.0.0.1/",
  "mysql://user:topsecret@127.0.0.1/mail?sokket=/run/x",
  "mysql://user:topsecret@127.0.0.1/mail?tls=perhaps",
  "postgresql://user:topsecret#x@127.0.0.1/mail",
  "sqlite:prefs.db",
  "redis://:topsecret@127.0.0.1/0",
  { "DBI:mysql:database=mail;host=127.0.0.1;mysql_read_default_group=topsecret", "user", "topsecret" },
  "mysql://user:topsecret@127.0.0.1/mail?tls",
}
bypass_virus_checks_maps = { true }
compatibility_level = 1
