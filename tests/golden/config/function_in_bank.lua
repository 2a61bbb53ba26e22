compatibility_level = 1
av_scanners = { clamd { socket = "/run/clamav/clamd.ctl" } }
policy_bank.AUTH = { 5, originating = true, bypass_virus_checks_maps = { function(key) return key == "x" end } }
policy_bank[7] = { originating = "perhaps" }
