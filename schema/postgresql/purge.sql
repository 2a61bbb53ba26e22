-- purge.sql - throws away what is old in the mail log and the quarantine, for PostgreSQL. Load it once:
--
--   psql -d mail -f purge.sql
--
-- then daily, by cron:  psql -d mail -c "CALL postern_purge('60 days', '14 days')"
--
-- keep: how long everything is kept. keep_passed: how long the log of mails is kept of which nothing is in quarantine.
-- A mail still in hand after a day belonged to a process that died. It works in batches, each a short transaction of its own,
-- so that mail goes on meanwhile.

-- Mails that arrived before `before_s`: all, or only those that are not kept, or those still in hand.
CREATE OR REPLACE PROCEDURE postern_purge_mails(before_s bigint, kind text) LANGUAGE plpgsql AS $$
DECLARE
  found_count bigint := 1;
BEGIN
  WHILE found_count > 0 LOOP
    WITH old AS (
      SELECT partition_tag, mail_id FROM msgs
        WHERE time_num < before_s AND (kind = 'all' OR (kind = 'passed' AND quar_type IS NULL) OR (kind = 'in hand' AND content IS NULL))
        ORDER BY time_num LIMIT 1000),
    q AS (DELETE FROM quarantine USING old WHERE quarantine.partition_tag = old.partition_tag AND quarantine.mail_id = old.mail_id),
    r AS (DELETE FROM msgrcpt USING old WHERE msgrcpt.partition_tag = old.partition_tag AND msgrcpt.mail_id = old.mail_id)
    DELETE FROM msgs USING old WHERE msgs.partition_tag = old.partition_tag AND msgs.mail_id = old.mail_id;
    GET DIAGNOSTICS found_count = ROW_COUNT;
    COMMIT;
  END LOOP;
END $$;

CREATE OR REPLACE PROCEDURE postern_purge(keep interval, keep_passed interval) LANGUAGE plpgsql AS $$
DECLARE
  now_s bigint := extract(epoch FROM now())::bigint;
  last_id bigint := 0;
  next_id bigint;
BEGIN
  CALL postern_purge_mails(now_s - extract(epoch FROM keep)::bigint, 'all');
  CALL postern_purge_mails(now_s - extract(epoch FROM keep_passed)::bigint, 'passed');
  CALL postern_purge_mails(now_s - 86400, 'in hand');
  LOOP
    SELECT max(id) INTO next_id FROM (SELECT id FROM maddr WHERE id > last_id ORDER BY id LIMIT 1000) batch;
    EXIT WHEN next_id IS NULL;
    DELETE FROM maddr WHERE id > last_id AND id <= next_id
      AND NOT EXISTS (SELECT 1 FROM msgs WHERE sid = maddr.id) AND NOT EXISTS (SELECT 1 FROM msgrcpt WHERE rid = maddr.id);
    COMMIT;
    last_id := next_id;
  END LOOP;
END $$;
