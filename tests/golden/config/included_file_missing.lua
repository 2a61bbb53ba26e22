
include "parts/nothing_here.lua"
bypass_virus_checks_maps = { true }
compatibility_level = 1
