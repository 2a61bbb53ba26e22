-- purge.sql - throws away what is old in the mail log and the quarantine, for MariaDB and MySQL. Load it once:
--
--   mysql mail < purge.sql
--
-- then daily  CALL postern_purge(60, 14);  by cron, or by the server itself:
--
--   CREATE EVENT postern_purge ON SCHEDULE EVERY 1 DAY DO CALL postern_purge(60, 14);
--   SET GLOBAL event_scheduler = ON;
--
-- days: how long everything is kept. passed_days: how long the log of mails is kept of which nothing is in quarantine.
-- A mail still in hand after a day belonged to a process that died. It works in batches, each a short transaction of its own,
-- so that mail goes on meanwhile; an address is looked at only once all mails with it are gone.

DROP PROCEDURE IF EXISTS postern_purge_mails;
DROP PROCEDURE IF EXISTS postern_purge;
DELIMITER //

-- Mails that arrived before `before`: all, or only those that are not kept, or those still in hand.
CREATE PROCEDURE postern_purge_mails(IN before_s bigint, IN kind varchar(8))
MODIFIES SQL DATA
BEGIN
  DECLARE found integer DEFAULT 1;
  CREATE TEMPORARY TABLE IF NOT EXISTS postern_old (partition_tag integer NOT NULL, mail_id varbinary(16) NOT NULL, PRIMARY KEY (partition_tag, mail_id));
  WHILE found > 0 DO
    DELETE FROM postern_old;
    INSERT INTO postern_old SELECT partition_tag, mail_id FROM msgs
      WHERE time_num < before_s AND (kind = 'all' OR (kind = 'passed' AND quar_type IS NULL) OR (kind = 'in hand' AND content IS NULL))
      ORDER BY time_num LIMIT 1000;
    SET found = ROW_COUNT();
    DELETE q FROM quarantine q JOIN postern_old o ON q.partition_tag = o.partition_tag AND q.mail_id = o.mail_id;
    DELETE r FROM msgrcpt r JOIN postern_old o ON r.partition_tag = o.partition_tag AND r.mail_id = o.mail_id;
    DELETE m FROM msgs m JOIN postern_old o ON m.partition_tag = o.partition_tag AND m.mail_id = o.mail_id;
    COMMIT;
  END WHILE;
  DROP TEMPORARY TABLE postern_old;
END //

CREATE PROCEDURE postern_purge(IN days integer, IN passed_days integer)
MODIFIES SQL DATA
BEGIN
  DECLARE now_s bigint DEFAULT UNIX_TIMESTAMP();
  DECLARE last_id bigint unsigned DEFAULT 0;
  DECLARE next_id bigint unsigned DEFAULT 0;
  CALL postern_purge_mails(now_s - 86400 * days, 'all');
  CALL postern_purge_mails(now_s - 86400 * passed_days, 'passed');
  CALL postern_purge_mails(now_s - 86400, 'in hand');
  WHILE next_id IS NOT NULL DO
    SET next_id = (SELECT MAX(id) FROM (SELECT id FROM maddr WHERE id > last_id ORDER BY id LIMIT 1000) batch);
    DELETE FROM maddr WHERE id > last_id AND id <= next_id
      AND NOT EXISTS (SELECT 1 FROM msgs WHERE msgs.sid = maddr.id) AND NOT EXISTS (SELECT 1 FROM msgrcpt WHERE msgrcpt.rid = maddr.id);
    COMMIT;
    SET last_id = next_id;
  END WHILE;
END //
DELIMITER ;
