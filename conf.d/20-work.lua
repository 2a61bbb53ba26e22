-- How much at once, and for how long.

max_servers   = 2                  -- mails in hand at the same time; a few per processor core
child_timeout = "8m"               -- for one mail, waiting included; past it the MTA is asked to try again

-- smtpd_message_size_limit = "50M"
