av_scanners = {
	clamav { },
	clamd { sockett = "/run/clamav/clamd.ctl" },
}
compatibility_level = 1
