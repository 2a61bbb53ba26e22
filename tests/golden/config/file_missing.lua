local_domains_maps = { hash "/nonexistent/local_domains" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
