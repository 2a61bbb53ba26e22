av_scanners = { clamd { socket = "/run/x" } }
local_domains_maps = {
	{
		"example.com",
		7.5,
	},
}


max_servers =
	"many"
compatibility_level = 1
