banned_rules.DEFAULT = re{
	[[\.exe$]],
	[[(unclosed]],
}
bypass_virus_checks_maps = { true }
compatibility_level = 1
