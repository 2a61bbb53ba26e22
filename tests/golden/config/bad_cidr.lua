mynetworks_maps = { cidr{ "10.0.0.0/8", "192.0.2.0/33" } }
bypass_virus_checks_maps = { true }
compatibility_level = 1
