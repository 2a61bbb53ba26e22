bypass_virus_checks_maps = { true }
compatibility_level = 1
inet_acl = list "parts/more_domains"
xforward_hosts = { "127.0.0.1", "exmaple.com" }
mynetworks = { "10.0.0.0/8", "!10.1.0.0/33" }
policy_bank.A = { inet_acl = re { "^10" } }
policy_bank.B = { inet_acl = "127.0.0.1" }
mynetworks_maps = { { "10.0.0.0/8", "exmaple.com" }, { ["10.0.0.1"] = true } }
client_ipaddr_policy = { { { "192.0.2.1", "::1" }, "C" }, { { "192.0.2.0/24", "192.0.2.300" }, "C" }, { { ["192.0.2.1"] = true }, "C" } }
policy_bank.C = { ip_repu_ignore_maps = { { "10.0.0.0/40" } } }
