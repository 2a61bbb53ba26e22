local_domains_maps = { rx([[a{2,1}]]) }
bypass_virus_checks_maps = { true }
compatibility_level = 1
