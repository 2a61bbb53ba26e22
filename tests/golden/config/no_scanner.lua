mydomain = "example.com"
compatibility_level = 1
