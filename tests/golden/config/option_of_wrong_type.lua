av_scanners = { clamd { socket = "/run/clamav/clamd.ctl", timeout = "soon" } }
compatibility_level = 1
