io.open("/etc/passwd")
bypass_virus_checks_maps = { true }
compatibility_level = 1
