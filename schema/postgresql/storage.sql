-- storage.sql - the mail log and the quarantine, for PostgreSQL:  psql -d mail -f storage.sql
--
-- One row of msgs for each mail, one of msgrcpt for each of its recipients, the mail itself in pieces in quarantine where it is
-- kept. partition_tag is the setting of that name: rows of one period, so that they can be thrown away together.
-- Nothing goes by itself: see purge.sql. The indexes are those that purging and looking back need.

-- Every address once.
CREATE TABLE maddr (
  partition_tag                 integer DEFAULT 0 NOT NULL,
  id                            bigserial PRIMARY KEY,
  email                         bytea NOT NULL,	-- as in the envelope, without brackets
  domain                        varchar(255) NOT NULL,	-- labels reversed: com.example.sub
  CONSTRAINT part_email UNIQUE (partition_tag, email)
);

CREATE TABLE msgs (
  partition_tag                 integer DEFAULT 0 NOT NULL,
  mail_id                       bytea NOT NULL,
  secret_id                     bytea DEFAULT '',	-- proves the right to have it released
  am_id                         varchar(20) NOT NULL,	-- log id
  time_num                      integer NOT NULL,	-- arrival, seconds since 1970
  time_iso                      char(16) NOT NULL,	-- arrival, 20261126T093000Z
  sid                           bigint NOT NULL,	-- sender, maddr.id
  policy                        varchar(255) DEFAULT '',	-- names of the policy banks
  client_addr                   varchar(255) DEFAULT '',
  size                          integer NOT NULL,	-- bytes
  originating                   char(1) DEFAULT ' ' NOT NULL,	-- Y: from one of ours
  content                       char(1) DEFAULT NULL,	-- what it is: V B U S Y M H O T C; NULL: still in hand
  quar_type                     char(1) DEFAULT NULL,	-- where it is kept: F Z B Q M L; NULL: nowhere
  quar_loc                      bytea DEFAULT '',	-- and under which name
  dsn_sent                      char(1) DEFAULT NULL,	-- Y: the sender was told, N: not, q: not, although wanted
  spam_level                    real DEFAULT NULL,
  message_id                    varchar(255) DEFAULT '',
  from_addr                     varchar(255) DEFAULT '',	-- From field, UTF-8
  subject                       varchar(255) DEFAULT '',	-- Subject field, UTF-8
  host                          varchar(255) NOT NULL,	-- that wrote this
  PRIMARY KEY (partition_tag, mail_id)
);
CREATE INDEX msgs_idx_sid ON msgs (sid);
CREATE INDEX msgs_idx_time_num ON msgs (time_num);
CREATE INDEX msgs_idx_mess_id ON msgs (message_id);
CREATE INDEX msgs_idx_mail_id ON msgs (mail_id);

CREATE TABLE msgrcpt (
  partition_tag                 integer DEFAULT 0 NOT NULL,
  mail_id                       bytea NOT NULL,
  rseqnum                       integer DEFAULT 0 NOT NULL,	-- recipients are numbered from 1
  rid                           bigint NOT NULL,	-- recipient, maddr.id
  is_local                      char(1) DEFAULT ' ' NOT NULL,	-- Y N
  content                       char(1) DEFAULT ' ' NOT NULL,	-- as in msgs, for this recipient
  ds                            char(1) NOT NULL,	-- P passed, R rejected, B bounced, D discarded, T put off
  rs                            char(1) NOT NULL,	-- of a kept mail: blank, V viewed, R released, p release is pending, D to be deleted
  bl                            char(1) DEFAULT ' ',	-- Y: sender on the black list
  wl                            char(1) DEFAULT ' ',	-- Y: sender on the white list
  bspam_level                   real DEFAULT NULL,	-- points with those of the recipient's own lists
  smtp_resp                     varchar(255) DEFAULT '',
  PRIMARY KEY (partition_tag, mail_id, rseqnum)
);
CREATE INDEX msgrcpt_idx_mail_id ON msgrcpt (mail_id);
CREATE INDEX msgrcpt_idx_rid ON msgrcpt (rid);

CREATE TABLE quarantine (
  partition_tag                 integer DEFAULT 0 NOT NULL,
  mail_id                       bytea NOT NULL,
  chunk_ind                     integer NOT NULL,	-- pieces are numbered from 1
  mail_text                     bytea NOT NULL,
  PRIMARY KEY (partition_tag, mail_id, chunk_ind)
);
