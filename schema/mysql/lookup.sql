-- lookup.sql - recipients' own settings, for MariaDB and MySQL:  mysql mail < lookup.sql
--
-- postern-sql(5) says what the columns mean. NULL: the tables of the configuration decide.
-- An address is looked up as itself, then without its extension, then by its user, domain and parent domains: "user@example.com",
-- "@example.com", "@.example.com", "@.com", "@."; of the rows found the one of the highest priority comes first, so let
-- priority follow that order. Addresses are octets: all in lower case.

CREATE TABLE policy (
  id                            int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  policy_name                   varchar(32) DEFAULT NULL,	-- for people
  -- lovers: Y: a mail of that kind is passed on all the same
  virus_lover                   char(1) DEFAULT NULL,
  spam_lover                    char(1) DEFAULT NULL,
  unchecked_lover               char(1) DEFAULT NULL,
  banned_files_lover            char(1) DEFAULT NULL,
  bad_header_lover              char(1) DEFAULT NULL,
  -- Y: this check is not made
  bypass_virus_checks           char(1) DEFAULT NULL,
  bypass_spam_checks            char(1) DEFAULT NULL,
  bypass_banned_checks          char(1) DEFAULT NULL,
  bypass_header_checks          char(1) DEFAULT NULL,
  -- where mail of a kind is kept: an address, or a file below the quarantine; '' keeps none
  virus_quarantine_to           varchar(64) DEFAULT NULL,
  spam_quarantine_to            varchar(64) DEFAULT NULL,
  banned_quarantine_to          varchar(64) DEFAULT NULL,
  unchecked_quarantine_to       varchar(64) DEFAULT NULL,
  bad_header_quarantine_to      varchar(64) DEFAULT NULL,
  clean_quarantine_to           varchar(64) DEFAULT NULL,
  archive_quarantine_to         varchar(64) DEFAULT NULL,
  -- points of spam from which a mail is tagged, is marked as spam, is blocked
  spam_tag_level                float DEFAULT NULL,
  spam_tag2_level               float DEFAULT NULL,
  spam_tag3_level               float DEFAULT NULL,
  spam_kill_level               float DEFAULT NULL,
  -- ... and from which nobody is told, and nothing kept
  spam_dsn_cutoff_level         float DEFAULT NULL,
  spam_quarantine_cutoff_level  float DEFAULT NULL,
  -- what goes in front of the subject
  spam_subject_tag              varchar(64) DEFAULT NULL,
  spam_subject_tag2             varchar(64) DEFAULT NULL,
  spam_subject_tag3             varchar(64) DEFAULT NULL,
  -- what is added to the local part of the recipient's address, "spam"
  addr_extension_virus          varchar(64) DEFAULT NULL,
  addr_extension_spam           varchar(64) DEFAULT NULL,
  addr_extension_banned         varchar(64) DEFAULT NULL,
  addr_extension_bad_header     varchar(64) DEFAULT NULL,
  -- Y: the recipient is told of mail that was blocked
  warnvirusrecip                char(1) DEFAULT NULL,
  warnbannedrecip               char(1) DEFAULT NULL,
  warnbadhrecip                 char(1) DEFAULT NULL,
  -- who is told besides
  newvirus_admin                varchar(64) DEFAULT NULL,
  virus_admin                   varchar(64) DEFAULT NULL,
  spam_admin                    varchar(64) DEFAULT NULL,
  banned_admin                  varchar(64) DEFAULT NULL,
  bad_header_admin              varchar(64) DEFAULT NULL,
  -- names of rules of banned_rules, separated by commas
  banned_rulenames              varchar(64) DEFAULT NULL,
  -- bytes; larger mails are refused
  message_size_limit            integer DEFAULT NULL,
  -- name of a disclaimer; next hop, "smtp:[192.0.2.1]:25"; SpamAssassin's settings
  disclaimer_options            varchar(64) DEFAULT NULL,
  forward_method                varchar(255) DEFAULT NULL,
  sa_userconf                   varchar(64) DEFAULT NULL,
  sa_username                   varchar(64) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE users (
  id                            int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  priority                      integer NOT NULL DEFAULT 7,	-- higher comes first
  policy_id                     int unsigned NOT NULL DEFAULT 1,	-- policy.id; without such a row all its fields are NULL
  email                         varbinary(255) NOT NULL UNIQUE,
  fullname                      varchar(255) DEFAULT NULL,	-- for people
  local                         char(1) DEFAULT NULL	-- Y: one of ours, N: not; NULL: local_domains_maps decides
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX users_idx_policy ON users (policy_id);

-- Senders, for the white and black lists.
CREATE TABLE mailaddr (
  id                            int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  priority                      integer NOT NULL DEFAULT 7,
  email                         varbinary(255) NOT NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What a recipient (users.id) thinks of a sender (mailaddr.id): W or Y, B or N, a blank (neither, whatever comes behind), or points.
CREATE TABLE wblist (
  rid                           int unsigned NOT NULL,
  sid                           int unsigned NOT NULL,
  wb                            varchar(10) NOT NULL,
  PRIMARY KEY (rid, sid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX wblist_idx_sid ON wblist (sid);
