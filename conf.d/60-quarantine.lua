-- Where copies of blocked mail are kept; unset QUARANTINEDIR to keep none.

QUARANTINEDIR = MYHOME .. "/quarantine"
quarantine_subdir_levels = 1       -- sub-folders by the first character of the mail id

virus_quarantine_method = "local:virus-%m"   -- undef: no copies of infected mail
