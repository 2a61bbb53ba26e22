policy_bank.AUTH = { originating = true }
interface_policy["10026"] = "AUHT"
bypass_virus_checks_maps = { true }
compatibility_level = 1
