-- Where mail comes in: SMTP and LMTP are told apart by the client's first word.

listen_sockets = { "127.0.0.1:10024", "[::1]:10024" }

-- A second port for mail of our own users, with a policy bank of its own (see 50-policy.lua):
-- listen_sockets = { "127.0.0.1:10024", "[::1]:10024", "127.0.0.1:10026" }
-- interface_policy["10026"] = "ORIGINATING"

-- Who may connect:
-- inet_acl = { "127.0.0.1", "[::1]", "192.0.2.0/24" }
