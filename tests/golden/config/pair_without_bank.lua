client_ipaddr_policy = { { { "192.0.2.1" } } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
