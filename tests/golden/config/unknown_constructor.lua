av_scanners = {
	clamdd { socket = "/run/clamav/clamd.ctl" },
}
compatibility_level = 1
