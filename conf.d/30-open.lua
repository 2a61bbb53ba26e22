-- How far mails are taken apart.  All decoders that are installed are used, in a fixed order.

-- Only some of them: all else stays shut (postern.lua(5), "Opening"); {}: nothing but MIME.
-- decoders = { archive { }, mspack { }, ole { }, pdf { } }

-- Limits, with their defaults:
-- MAXLEVELS           = 14        -- containers within containers
-- MAXFILES            = 1500      -- parts of one mail
-- MAX_EXPANSION_QUOTA = "300M"    -- bytes of all of them

-- Words of a mail's text that are tried as passwords of its encrypted archives; 0: none.
-- archive_password_words = 20

-- Containers that scanners get beside what is in them:
-- keep_decoded_original_maps = { re { [[^(Zip|RAR|7-zip) archive]] } }
