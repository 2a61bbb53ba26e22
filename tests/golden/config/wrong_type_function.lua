mydomain = function() return "example.com" end
bypass_virus_checks_maps = { true }
compatibility_level = 1
