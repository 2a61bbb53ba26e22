include "parts/more/*.lua"
compatibility_level = 1
av_scanners = { clamd { socket = "/run/clamav/clamd.ctl" } }
smtpd_timeout = "1s"
