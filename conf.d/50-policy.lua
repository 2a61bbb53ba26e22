-- What becomes of mail: D_PASS, D_REJECT, D_DISCARD or D_TEMPFAIL (D_BOUNCE is answered as D_REJECT until Postern writes bounces).

final_virus_destiny     = D_DISCARD
final_unchecked_destiny = D_PASS   -- what could not be looked into: encrypted, too deep, too large

-- Recipients who get their mail even so:
-- virus_lovers_maps = { { ["abuse@"] = true, ["postmaster@example.com"] = true } }

-- A policy bank lays other values over these settings for some of the mail.  Clients in mynetworks get the bank MYNETS.
policy_bank.ORIGINATING = { originating = true, final_virus_destiny = D_REJECT }
