virus_name_to_policy_bank_maps = { { EICAR = "NOWHERE", Other = "NIGHT" } }
header_to_policy_bank_maps = { re { { "^X:", "NIGHTS" }, { "^Y: (.*)", "$1" }, { "^Z:", true } } }
policy_bank.NIGHT = { client_ipaddr_policy = { { { "192.0.2.1" }, "LOST" } }, ACTION = 7 }
policy_bank_hook = "NIGHT"
bypass_virus_checks_maps = { true }
