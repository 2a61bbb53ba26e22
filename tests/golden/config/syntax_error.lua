max_servers = 4
mydomain = = "example.com"
