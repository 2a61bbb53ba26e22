mydomain = "example.com"
bypass_virus_checks_maps = { true }
av_scanners = {
	command { "clamscan", infected = rx [[(]], clean = { 0 } },
	command { "clamscan", infected = { 1 }, names = rx [[\p{NoSuch}]] },
}
