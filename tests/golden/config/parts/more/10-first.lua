max_serves = 3
mydomain.x = 1
max_servers = "never seen"
