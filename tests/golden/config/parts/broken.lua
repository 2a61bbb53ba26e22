max_servers = 4
av_scanners = { clamd { socket = "/x" }
mydomain = "example.com"
