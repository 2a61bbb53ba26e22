virus_lovers_maps = { { "boss@example.com", ["abuse@"] = true } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
