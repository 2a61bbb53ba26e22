local t = nil
mydomain = "example.com"
myhostname = t.name
