-- purge.sql - throws away what is old in the mail log and the quarantine, for SQLite. Run it daily:
--
--   sqlite3 -cmd ".parameter set @days 60" -cmd ".parameter set @passed_days 14" /var/lib/postern/log.db < purge.sql
--
-- @days: how long everything is kept. @passed_days: how long the log of mails is kept of which nothing is in quarantine.
-- A mail still in hand after a day belonged to a process that died. Each step is a short transaction: mail goes on meanwhile.
.timeout 30000
PRAGMA foreign_keys = OFF;

DELETE FROM msgs WHERE time_num < CAST(strftime('%s', 'now') AS integer) - 86400 * @days;
DELETE FROM msgs WHERE quar_type IS NULL AND time_num < CAST(strftime('%s', 'now') AS integer) - 86400 * @passed_days;
DELETE FROM msgs WHERE content IS NULL AND time_num < CAST(strftime('%s', 'now') AS integer) - 86400;
DELETE FROM quarantine WHERE NOT EXISTS
  (SELECT 1 FROM msgs m WHERE m.partition_tag = quarantine.partition_tag AND m.mail_id = quarantine.mail_id);
DELETE FROM msgrcpt WHERE NOT EXISTS
  (SELECT 1 FROM msgs m WHERE m.partition_tag = msgrcpt.partition_tag AND m.mail_id = msgrcpt.mail_id);
DELETE FROM maddr WHERE NOT EXISTS (SELECT 1 FROM msgs WHERE sid = maddr.id) AND NOT EXISTS (SELECT 1 FROM msgrcpt WHERE rid = maddr.id);
PRAGMA wal_checkpoint(TRUNCATE);
