av_scanners = {
	clamd { socket = "/run/a.ctl", name = "one" },
	clamd { socket = "/run/b.ctl", name = "one" },
}
compatibility_level = 1
