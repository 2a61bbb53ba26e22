listen_sockets = { "127.0.0.1:10024", "localhost" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
