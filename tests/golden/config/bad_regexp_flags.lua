local_domains_maps = { rx([[example]], "iq") }
bypass_virus_checks_maps = { true }
compatibility_level = 1
