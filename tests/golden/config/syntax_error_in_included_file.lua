include "parts/broken.lua"
bypass_virus_checks_maps = { true }
compatibility_level = 1
