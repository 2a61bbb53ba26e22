include "parts/*.lua"
max_servers = "many"
bypass_virus_checks_maps = { true }
compatibility_level = 1
