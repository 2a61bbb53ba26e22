-- Who we are.  Other settings build on these.

compatibility_level = 1            -- keep the defaults of this version when Postern is upgraded

-- mydomain   = "example.com"      -- unset: this host's name
-- myhostname = "mx.example.com"   -- unset: this host's name; should be fully qualified

-- Which recipients and senders are ours.  ".example.com" stands for the domain and all below it.
local_domains_maps = { { "." .. mydomain } }

-- A Postfix table, or an exception in front of a domain with all below it:
-- local_domains_maps = { hash "/etc/postfix/local_domains", { "!other.example.com", ".example.com" } }
