compatibility_level = 1
av_scanners = { clamd { socket = "/run/clamav/clamd.ctl" } }
final_virus_destiny = D_BOUNCE
sa_tag_level_deflt = 2.0
smtpd_timeout = "5m"
