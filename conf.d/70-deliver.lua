-- Where mail goes on to.  Methods in a list are tried in order.

forward_method = "smtp:[127.0.0.1]:10025"
-- forward_method = { "smtp:[192.0.2.1]:10025", "smtp:[192.0.2.2]:10025" }
-- forward_method = "lmtp:/run/dovecot/lmtp"
