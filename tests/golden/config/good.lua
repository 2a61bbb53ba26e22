compatibility_level = 1
mydomain         = "example.com"
max_servers      = 4
listen_sockets   = { "127.0.0.1:10024", "[::1]:10024", "127.0.0.1:10026", "/run/postern/ampdp.sock" }
forward_method   = { "smtp:[127.0.0.1]:10025" }
local_domains_maps = { hash "parts/local_domains", { "!other.example.com", ".example.com" }, read_array "parts/more_domains" }
final_virus_destiny    = D_DISCARD
virus_quarantine_method = "local:virus-%m"
QUARANTINEDIR    = "/var/lib/postern/quarantine"
av_scanners = {
	clamd { socket = "/run/clamav/clamd.ctl" },
	undef,
	clamd { socket = "/run/clamav/other.ctl" },
}
av_scanners_backup = {
	command { "clamscan", args = "--stdout --no-summary -r {}", clean = { 0 }, infected = { 1 }, names = [[: (.+) FOUND$]] },
}
virus_lovers_maps = { { ["postmaster@example.com"] = true, ["abuse@"] = true, ["boss@example.com"] = false } }
policy_bank.AUTH = { originating = true, final_virus_destiny = D_REJECT }
policy_bank.AUTH.virus_quarantine_method = undef
interface_policy["10026"] = "AUTH"
interface_policy["SOCK"] = "AUTH"
client_ipaddr_policy = { { { "192.0.2.0/24" }, "AUTH,MYNETS" }, { cidr { "198.51.100.0/24" }, "AUTH" } }
smtpd_message_size_limit = "25M"
child_timeout = "8m"
bypass_virus_checks_maps = { function(key, mail) return key == "x@example.com" end }
final_destiny_maps_by_ccat["CC_UNCHECKED,1"] = D_REJECT
policy_bank.BOUNCED = { final_destiny_maps_by_ccat = { REPLACE = true, [CC_SPAM] = D_DISCARD } }
