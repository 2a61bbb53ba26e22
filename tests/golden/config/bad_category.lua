final_destiny_maps_by_ccat["CC_VIRRUS"] = D_PASS
bypass_virus_checks_maps = { true }
compatibility_level = 1
