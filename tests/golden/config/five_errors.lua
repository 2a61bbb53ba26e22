-- Five mistakes, five lines, all at once.
mydomian = "example.com"

max_servers = "many"

av_scanners = {
	clamd {
		sockett = "/run/clamav/clamd.ctl",
	},
}

final_virus_destiny = D_DISCRAD

policy_bank.AUTH = {
	originating = true,
	daemon_user = "nobody",
}
compatibility_level = 1
