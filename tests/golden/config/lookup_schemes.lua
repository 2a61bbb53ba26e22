virus_lovers_maps = { lookup "sql:SELECT virus_lover FROM people WHERE address IN (%k)" }
banned_files_lovers_maps = { lookup "sql:" }
bad_header_lovers_maps = { lookup "sql:SELECT 1 WHERE %q" }
local_domains_maps = { lookup "ldap:///ou=domains,dc=example,dc=com?mail" }
message_size_limit_maps = { lookup "ldap:/etc/postfix/ldap.cf" }
archive_quarantine_to_maps = { lookup "ldap://dir.example.com/dc=example,dc=com?mail?deep?(mail=%m)" }
clean_quarantine_to_maps = { lookup "ldaps://dir.example.com/dc=example,dc=com?mail??(mail=%x)" }
unchecked_lovers_maps = { lookup "ldapi://%2frun%2fldapi/dc=example,dc=com??sub?(&(mail=%m)(note=why?))" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
