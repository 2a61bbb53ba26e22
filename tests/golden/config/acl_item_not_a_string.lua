local_domains_maps = { { "example.com", true } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
