myhostname = "filter.example.com"
final_destiny_maps_by_ccat[CC_VIRUS] = "D_REJECT"
final_destiny_maps_by_ccat[CC_BANNED] = 7
final_destiny_maps_by_ccat["CC_UNCHECKED,1"] = "reject"
final_destiny_maps_by_ccat[CC_BADH] = { { ["a@example.com"] = "bounce", ["b@example.com"] = "-3", ["c@example.com"] = "D_REJECT", ["d@example.com"] = undef },
  re { { "^x", "never" }, { "^(.*)@y", "$1" }, { "^z", D_PASS } }, { ".example.net" }, D_BOUNCE }
message_size_limit_maps = { { ["a@example.com"] = "lots", ["b@example.com"] = "10M", ["c@example.com"] = 100000, ["d@example.com"] = "200000" }, "2G" }
policy_bank.X = { message_size_limit_maps = { "big" }, final_destiny_maps_by_ccat = { REPLACE = true, [CC_SPAM] = D_BOUNCE, [CC_OVERSIZED] = { "D_REFUSE" } } }
forward_method_maps = { { [".example.com"] = "smpt:[192.0.2.1]:25", [".example.net"] = const { "lmtp:/run/x", "10025" }, [".example.org"] = "smtp:[192.0.2.1]:25",
  [".example"] = "" }, { ".ours.example" }, re { { "^(.*)@", "smtp:$1:25" } }, setting "forward_method" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
final_destiny_maps_by_ccat[CC_SPAM] = "D_$1"
