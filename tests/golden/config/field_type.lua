virus_lovers_maps = { sql_field("virus_lover", "bool") }
spam_lovers_maps = { ldap_field { } }
bypass_virus_checks_maps = { sql_field "bypass_virus_checks", true }
