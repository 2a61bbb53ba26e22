-- Where copies of blocked mail are kept; unset QUARANTINEDIR to keep none.

QUARANTINEDIR = MYHOME .. "/quarantine"
quarantine_subdir_levels = 1       -- sub-folders by the first character of the mail id

virus_quarantine_method = "local:virus-%m"   -- undef: no copies of infected mail
banned_files_quarantine_method = "local:banned-%m"
bad_header_quarantine_method = undef         -- mail with a bad header passes; "local:badh-%m" keeps a copy
-- unchecked_quarantine_method = "local:unchecked-%m"
