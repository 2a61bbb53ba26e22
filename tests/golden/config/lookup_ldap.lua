-- default_ldap is read wherever it stands.
local_domains_maps = { lookup "ldap:///ou=domains,dc=example,dc=com?associatedDomain?one?(associatedDomain=%m)" }
virus_lovers_maps = { lookup "ldap:///?virusLover", lookup "ldap:///??all" }
default_ldap = { name = "staff", hostname = "dir.example.com", base = "dc=example,dc=com", bind_dn = "cn=postern", bind_password = "geheim" }
bypass_virus_checks_maps = { true }
compatibility_level = 1
