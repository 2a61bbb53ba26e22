compatibility_level = 1
av_scanners = { clamd { socket = "/run/clamav/clamd.ctl" } }
local_domains_maps = { setting "mynetworks_maps", setting "mynetworks_maps", setting "mynetworks_maps" }
mynetworks_maps = { setting "local_domains_maps", setting "local_domains_maps", setting "local_domains_maps" }
policy_bank.A = { forward_method = setting "forward_method" }
