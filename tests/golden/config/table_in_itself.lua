local t = {}
t[1] = t
virus_lovers_maps = { t }
bypass_virus_checks_maps = { true }
compatibility_level = 1
