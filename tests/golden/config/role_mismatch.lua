local_domains_maps = { clamd { socket = "/run/clamav/clamd.ctl" } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
