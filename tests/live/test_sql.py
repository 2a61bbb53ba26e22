#!/usr/bin/python3
"""SQL lookups against SQLite and private MariaDB and PostgreSQL servers, with the tables of schema/: what is found for
which address, what of an address reaches the database, what statements of one's own may say, white and black lists."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
import private_mariadb  # noqa: E402
import private_postgresql  # noqa: E402
import private_sqlite  # noqa: E402
from postern import Folder, Tap  # noqa: E402
from sqlprobe import Probe  # noqa: E402

HOSTILE = ["*()\\@x", "'; DROP TABLE users; --@example.com", "a\"b'c`d@example.com", "%k?$1@example.com", "\\'@example.com", "x' OR '1'='1"]
ROWS = """
INSERT INTO policy (id, policy_name, virus_lover, spam_tag2_level, spam_kill_level, virus_quarantine_to, spam_subject_tag2)
  VALUES (1, 'user', 'Y', 6.31, NULL, '', NULL);
INSERT INTO policy (id, policy_name, virus_lover, spam_tag2_level, spam_kill_level, virus_quarantine_to, spam_subject_tag2)
  VALUES (2, 'domain', 'N', 5, 9.5, 'virus@example.com', '[SPAM] ');
INSERT INTO users (id, priority, policy_id, email, fullname) VALUES (11, 7, 1, 'user@sub.example.com', 'J\u00f6rg');
INSERT INTO users (id, priority, policy_id, email) VALUES (12, 5, 2, '@sub.example.com');
INSERT INTO users (id, priority, policy_id, email) VALUES (13, 6, 2, 'user+list@sub.example.com');
INSERT INTO users (id, priority, policy_id, email) VALUES (14, 3, 77, '@.com');
INSERT INTO users (id, priority, policy_id, email) VALUES (15, 9, 2, 'lonely');
INSERT INTO users (id, priority, policy_id, email) VALUES (16, 1, 2, '@.');
INSERT INTO mailaddr (id, priority, email) VALUES (1, 5, '@example.net');
INSERT INTO mailaddr (id, priority, email) VALUES (2, 9, 'good@example.net');
INSERT INTO mailaddr (id, priority, email) VALUES (3, 1, 'lonely');
INSERT INTO wblist (rid, sid, wb) VALUES (11, 3, '2');
INSERT INTO wblist (rid, sid, wb) VALUES (11, 1, 'B');
INSERT INTO wblist (rid, sid, wb) VALUES (11, 2, 'W');
INSERT INTO wblist (rid, sid, wb) VALUES (12, 1, '-1.5');
"""


def keys(answer):
    return [key.decode() for key in answer.keys]


def test_records(t, db, p):
    answer = p.fetch("User+list@Sub.example.com")
    t.equal(keys(answer), ["user@sub.example.com", "user+list@sub.example.com", "@sub.example.com", "@.com", "@."], "rows by priority, each with its key")
    row = answer.rows[0]
    t.equal(row["id"], b"11", "of columns of one name the last counts")
    t.equal((row["virus_lover"], row["spam_tag2_level"], row["spam_kill_level"]), (b"Y", b"6.31", None), "a flag, a number, NULL")
    t.equal((row["virus_quarantine_to"], row["fullname"]), (b"", "J\u00f6rg".encode()), "an empty text is not NULL; UTF-8")
    t.equal(answer.rows[2]["spam_subject_tag2"], b"[SPAM] ", "a blank at the end stays")
    t.equal(answer.rows[3]["policy_name"], None, "a user without policy has NULLs")
    t.equal(keys(p.fetch("lonely@example.org")), ["@."], "a bare user is no key of a stranger")
    t.equal(keys(p.fetch("lonely@example.org", local=True)), ["lonely", "@."], "but one of ours")
    t.equal(keys(p.fetch("")), ["@."], "the null sender")
    t.match(answer.origin, "^%s:" % db.kind, "the record says where it comes from")
    t.no_match(answer.origin, "secret", "without the password")


def test_hostile(t, db, p):
    for n, address in enumerate(HOSTILE):
        answer = p.fetch(address)
        t.equal((answer.error, keys(answer)[-1:]), (None, ["@."]), "hostile address %d is only looked for" % n)
    before = db.sql("SELECT count(*) FROM users").strip()
    t.equal(before, "6", "the tables are as they were")
    for n, address in enumerate(HOSTILE):
        answer = p.execute("INSERT INTO users (id, email) VALUES (?, ?)", "t:%d" % (100 + n), "t:" + address)
        t.equal(answer.result, "OK", "hostile address %d is stored through a parameter" % n)
    for n, address in enumerate(HOSTILE):
        t.ok(address in keys(p.fetch(address)), "and found as it is")
    p.execute("DELETE FROM users WHERE id >= 100")
    answer = p.fetch("j\u00f6rg@example.com")
    t.equal(answer.error, None, "8-bit addresses are asked for")
    t.ok("@." in keys(answer), "with ? for what is not printable")
    p.execute("INSERT INTO users (id, email) VALUES (200, 'j??rg@example.com')")
    t.ok("j??rg@example.com" in keys(p.fetch("j\u00f6rg@example.com")), "as amavisd-new does")
    p.execute("DELETE FROM users WHERE id >= 100")
    answer = p.fetch("a" * 20000 + "@example.com")
    t.equal((answer.error, keys(answer)), (None, ["@.com", "@."]), "a very long address")
    answer = p.fetch("user@" + ".".join("abcdefghijklmnopqrstuvwxyz"))
    t.equal(answer.error, None, "very many keys")


def test_octets(t, db, folder):
    word = b"a\0b\\c'\xff"
    with Probe(folder, 'lookup_sql_dsn = "%s"\nsql_allow_8bit_address = true' % db.dsn()) as p:
        types = {"mysql": "CAST(? AS binary)", "postgresql": "CAST(? AS bytea)", "sqlite": "CAST(? AS blob)"}
        answer = p.execute("SELECT %s AS x" % types[db.kind], b"o:" + word)
        t.equal(answer.rows, [{"x": word}], "octets come back as they went, NUL among them")
        if db.kind == "postgresql":
            p.execute("ALTER TABLE users ALTER COLUMN email TYPE bytea USING convert_to(email, 'UTF8')")
        try:
            p.execute("INSERT INTO users (id, email) VALUES (300, ?)", ("t:" if db.kind == "sqlite" else "o:") + "j\u00f6rg@example.com")
            answer = p.fetch("j\u00f6rg@example.com")
            t.equal((answer.error, [r["id"] for r in answer.rows][:1]), (None, [b"300"]), "with sql_allow_8bit_address an 8-bit address is found as it is")
        finally:
            p.execute("DELETE FROM users WHERE id >= 100")
            if db.kind == "postgresql":
                p.execute("ALTER TABLE users ALTER COLUMN email TYPE varchar(255) USING convert_from(email, 'UTF8')")


def test_wblist(t, _db, p):
    t.equal(p.ask("wblist", "11", "good@example.net").result, b"W", "a sender on the white list")
    t.equal(p.ask("wblist", "11", "other@example.net").result, b"B", "his domain on the black list")
    t.equal(p.ask("wblist", "12", "good@example.net").result, b"-1.5", "points")
    t.equal(p.ask("wblist", "99", "good@example.net").result, None, "a recipient without a list")
    t.equal(p.ask("wblist", "11", "x@example.org").result, None, "a sender on none")
    t.equal(p.ask("wblist", "11", "lonely@example.org").result, None, "a bare user is no key of a stranger")
    t.equal(p.ask("wblist", "11", "lonely@example.org", "local").result, b"2", "but one of ours")


def test_clauses(t, db, folder):
    clause = ("SELECT %a AS a, %l AS l, %u AS u, %e AS e, %d AS d, %L AS is_local, 'it''s %k ?' AS literal, 7 % 4 AS rest, '%a' AS quoted -- %q?\\n"
              "FROM users WHERE email IN (%k) ORDER BY priority DESC")
    if db.kind == "postgresql":
        for letter in "alued":
            clause = clause.replace("%" + letter + " AS", "CAST(%" + letter + " AS text) AS", 1)
        clause = clause.replace("%L AS", "CAST(%L AS text) AS")
    lua = 'lookup_sql_dsn = "%s"\nsql_clause.sel_policy = "%s"\nsql_clause.sel_wblist = undef\n' % (db.dsn(), clause)
    with Probe(folder, lua) as p:
        answer = p.fetch("User+list@Sub.Example.com", local=True)
        t.equal(answer.error, None, "a statement of one's own")
        t.equal(answer.rows[:1], [{"a": b"User+list@Sub.Example.com", "l": b"User+list", "u": b"user", "e": b"+list", "d": b"sub.example.com",
                                   "is_local": b"1", "literal": b"it's %k ?", "rest": b"3", "quoted": b"%a"}], "every placeholder; what is quoted stays")
        t.equal(p.ask("wblist", "11", "good@example.net").result, None, "undef: no such list")
    for nothing in "undef", '""':
        with Probe(folder, 'lookup_sql_dsn = "%s"\nsql_clause.sel_policy = %s' % (db.dsn(), nothing)) as p:
            answer = p.fetch("user@sub.example.com")
            t.equal((answer.error, answer.rows), (None, []), "sel_policy = %s: nobody has settings there" % nothing)
    for name, lua in ("sql_select_policy", 'sql_select_policy = "SELECT id, policy_id FROM users WHERE email = %%a"'), \
                     ("sql_select_white_black_list", 'sql_select_white_black_list = "SELECT sid FROM wblist WHERE rid = ?"'):
        with Probe(folder, 'lookup_sql_dsn = "%s"\n' % db.dsn() + lua.replace("%%", "%")) as p:
            if name == "sql_select_policy":
                t.equal(p.fetch("user@sub.example.com").rows, [{"id": b"11", "policy_id": b"1"}], "the older name of sel_policy")
            else:
                t.ok(p.ask("wblist", "12", "x@y").result == b"1", "the older name of sel_wblist; without a column wb the first")


def test_table(t, db, folder):
    lua = """
local_domains_maps = { sql { "SELECT email FROM users WHERE email IN (%%k) ORDER BY priority DESC", dsn = "%s" } }
virus_lovers_maps = { sql "SELECT virus_lover FROM policy, users WHERE policy.id = policy_id AND email IN (%%k) ORDER BY priority DESC", { ["never@example.com"] = 5 } }
lookup_sql_dsn = { "%s" }
sql_lookups_no_at_means_domain = true
""" % (db.dsn(), db.dsn())
    with Probe(folder, lua) as p:
        t.equal(p.ask("lookup", "local_domains_maps", "user+x@sub.example.com").result, b"user@sub.example.com", "sql{} with a database of its own")
        t.equal(p.ask("lookup", "virus_lovers_maps", "user@sub.example.com").result, b"Y", "sql{} with that of lookup_sql_dsn")
        t.equal(p.ask("lookup", "virus_lovers_maps", "never@example.com").result, b"5", "what it does not know the next table may")
        t.match(p.ask("check").text, r"sql\{\} at \S+\.lua:\d+: 1 columns", "-tt puts the statements of sql{} as well")
    lua = 'virus_lovers_maps = { lookup "sql:SELECT virus_lover FROM policy, users WHERE policy.id = policy_id AND email IN (%%k) ORDER BY priority DESC" }\nlookup_sql_dsn = "%s"'
    with Probe(folder, lua % db.dsn()) as p:
        t.equal(p.ask("lookup", "virus_lovers_maps", "user@sub.example.com").result, b"Y", 'lookup "sql:SELECT ..." is put to lookup_sql_dsn')
    with Probe(folder, 'local_domains_maps = { sql { "SELECT no_such_thing FROM users", dsn = "%s" } }' % db.dsn()) as p:
        t.match(p.ask("lookup", "local_domains_maps", "x@example.com").error, r"\.lua:\d+: sql: .*no_such_thing", "a lookup that fails names the table's place")
        t.match(p.ask("check").text, r"sql\{\} at \S+: FAILED: .*no_such_thing", "and tells what is wrong with one")


def test_settings(t, db, folder):
    with Probe(folder, 'lookup_sql_dsn = "%s"\ntrim_trailing_space_in_lookup_result_fields = true' % db.dsn()) as p:
        t.equal(p.fetch("user+list@sub.example.com").rows[1]["spam_subject_tag2"], b"[SPAM]", "trim_trailing_space_in_lookup_result_fields")
    p_lua = 'lookup_sql_dsn = "%s"\nsql_lookups_no_at_means_domain = true' % db.dsn()
    db.sql("INSERT INTO users (id, policy_id, email) VALUES (400, 1, 'sub.example.com')")
    with Probe(folder, p_lua) as p:
        t.equal(keys(p.fetch("x@sub.example.com")), ["sub.example.com"], "sql_lookups_no_at_means_domain")
    db.sql("DELETE FROM users WHERE id = 400")


def test_check(t, db, folder):
    with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn()) as p:
        answer = p.ask("check")
        t.match(answer.text, r"^%s:.*: answers" % db.kind, "-tt: it is there")
        t.match(answer.text, r"^good", "and knows its tables")
        t.no_match(answer.text, "not there", "with every column")
    db.sql("ALTER TABLE policy DROP COLUMN spam_tag3_level")
    with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn()) as p:
        answer = p.ask("check")
        t.match(answer.text, "not there.*: spam_tag3_level$", "-tt names a column that is not there")
        t.equal(p.fetch("user@sub.example.com").error, None, "without it the rest goes on")
    db.sql("ALTER TABLE policy ADD COLUMN spam_tag3_level float")
    lua = 'lookup_sql_dsn = "%s"\nsql_clause.sel_policy = "SELECT no_such_thing FROM users WHERE email IN (%%k)"' % db.dsn()
    with Probe(folder, lua) as p:
        answer = p.fetch("user@sub.example.com")
        t.equal(answer.kind, "CONFIG", "a statement that names a missing column fails")
        t.match(answer.error, "no_such_thing", "and names it")
        t.match(answer.error, "^sel_policy: %s:" % db.kind, "with the statement and the database")
        t.no_match(answer.error, "secret", "and no password")
        t.match(p.ask("check").text, "FAILED: .*no_such_thing", "-tt names it too")
        t.equal(p.ask("wblist", "11", "good@example.net").result, b"W", "the rest goes on")


def test_changes(t, db, folder):
    """The tables change under prepared statements."""
    with Probe(folder, 'lookup_sql_dsn = "%s"\nlookup_cache_ttl = 0' % db.dsn()) as p:
        t.equal(p.fetch("user@sub.example.com").error, None, "asked once")
        db.sql("ALTER TABLE policy ADD COLUMN brand_new varchar(5) DEFAULT 'new'")
        answer = p.fetch("user@sub.example.com")
        t.equal((answer.error, [r.get("brand_new") for r in answer.rows[:1]]), (None, [b"new"]), "a new column is seen by the next statement")
        db.sql("ALTER TABLE policy DROP COLUMN brand_new")
        answer = p.fetch("user@sub.example.com")
        t.equal((answer.error, "brand_new" in answer.rows[0]), (None, False), "and one that is gone is gone")


def test_execute(t, db, p):
    table = {"mysql": "id int AUTO_INCREMENT PRIMARY KEY", "postgresql": "id serial PRIMARY KEY", "sqlite": "id integer PRIMARY KEY"}[db.kind]
    p.execute("CREATE TABLE things (%s, name varchar(50) UNIQUE, data %s)" % (table, {"postgresql": "bytea", "mysql": "longblob", "sqlite": "blob"}[db.kind]))
    answer = p.execute("INSERT INTO things (name, data) VALUES (?, ?)", "t:one", b"o:\0\1\2")
    t.equal((answer.result, answer.fields["affected"]), ("OK", 1), "an insert says that it changed a row")
    if db.kind != "postgresql":
        t.equal(answer.fields["id"], 1, "and which number it has")
    t.equal(p.execute("INSERT INTO things (name) VALUES (?)", "t:one").result, "NOTHING", "a second one of that name is no row, and no failure")
    t.equal(p.execute("INSERT INTO things (name) VALUES (?)", "n:").result, "OK", "NULL")
    t.equal(p.execute("SELECT name, data FROM things ORDER BY id").rows, [{"name": b"one", "data": b"\0\1\2"}, {"name": None, "data": None}], "read back")
    t.equal(p.execute("UPDATE things SET name = ? WHERE id > ?", "t:x", "t:99").fields["affected"], 0, "an update of nothing")
    for words in ("BEGIN",), ("DELETE FROM things",), ("ROLLBACK",):
        t.equal(p.execute(*words).result, "OK", words[0])
    t.equal(len(p.execute("SELECT id FROM things").rows), 2, "what was rolled back is as it was")
    t.match(p.execute("SELECT 1 FROM nowhere").error, "nowhere", "a table that is not there is named")
    t.equal(p.execute("SELEKT").result, "BROKEN", "nonsense")
    t.equal(p.execute("").result, "BROKEN", "nothing at all")
    t.equal(p.execute("SELECT ?", "t:1", "t:2").result, "BROKEN", "too many parameters")
    big = "x" * 100000
    p.execute("INSERT INTO things (data) VALUES (?)", "o:" + big)
    t.equal(p.execute("SELECT data FROM things WHERE id > 2 AND data IS NOT NULL").rows, [{"data": big.encode()}], "a value of 100,000 bytes")
    numbers = "SELECT a.id FROM things a, things b, things c, things d, things e, things f, things g"
    answer = p.execute(numbers)
    t.equal((answer.result, len(answer.rows)), ("LIMIT", 1000), "more rows than are taken")
    t.equal(len(p.execute("SELECT id FROM things").rows), 3, "and the next statement is answered")
    for n in range(150):
        answer = p.execute("SELECT %d + CAST(? AS %s) AS n" % (n, "signed" if db.kind == "mysql" else "integer"), "t:1")
        if answer.rows != [{"n": b"%d" % (n + 1)}]:
            break
    t.equal(answer.rows, [{"n": b"150"}], "more statements than are kept prepared")
    p.execute("DROP TABLE things")


def test_rows_without_select(t, db, p):
    """Rows are rows, whatever the statement begins with."""
    for text in "WITH x AS (SELECT 1 AS a) SELECT a FROM x", "/* ours */ SELECT 1 AS a", "-- ours\nSELECT 1 AS a", "(SELECT 1 AS a)":
        if (db.kind, text[0]) != ("sqlite", "("):
            answer = p.execute(text)
            t.equal((answer.result, answer.rows), ("OK", [{"a": b"1"}]), "without parameters: %r" % text)
    if db.kind != "mysql":
        return
    t.equal(len(p.execute("SHOW TABLES LIKE 'users'").rows), 1, "SHOW")
    db.sql("DELIMITER //\nCREATE PROCEDURE one() BEGIN SELECT 1 AS a; END//\n")
    for n in range(2):
        answer = p.execute("CALL one()")
        t.equal((answer.result, answer.rows), ("OK", [{"a": b"1"}]), "a procedure's rows, time %d" % (n + 1))
    t.equal(p.execute("SELECT 2 AS a").rows, [{"a": b"2"}], "and the next statement's are its own")
    db.sql("DELIMITER //\nCREATE PROCEDURE two() BEGIN SELECT 1 AS a; SELECT 2 AS b; END//\n"
           "CREATE PROCEDURE fails() BEGIN SELECT 1 AS a; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'after its rows'; END//\n")
    for procedure, words in ("two", "rows more than once"), ("fails", "after its rows"):
        answer = p.execute("CALL %s()" % procedure)
        t.match(answer.error or "", words, "a procedure: " + words)
        t.equal((answer.result, p.execute("SELECT 2 AS a").rows), ("BROKEN", [{"a": b"2"}]), "is an error, and not the next statement's")
    t.equal(p.execute("PREPARE ours FROM 'SELECT 1 AS a'").result, "OK", "what cannot be prepared is put as it is")
    answer = p.execute("EXECUTE ours")
    t.match(answer.error or "", "has answered with rows", "but its rows are not taken for none")
    t.equal(answer.result, "BROKEN", "which is an error")
    t.match(p.execute("EXECUTE ours", "t:1").error or "", "can have no parameters", "nor can it have parameters")
    t.equal(p.execute("SELECT 2 AS a").rows, [{"a": b"2"}], "the next statement is answered")


def test_storage(t, db):
    """The tables of the log, and what purge.sql leaves of them."""
    db.load("storage.sql")
    ago = {"mysql": "UNIX_TIMESTAMP() - 86400 * %d", "postgresql": "extract(epoch FROM now())::int - 86400 * %d",
           "sqlite": "CAST(strftime('%%s', 'now') AS integer) - 86400 * %d"}[db.kind]
    quarantined = ["NULL", "'Q'"]
    text = "".join("INSERT INTO maddr (id, email, domain) VALUES (%d, 'u%d@example.com', 'com.example');\n" % (n, n) for n in range(1, 9))
    for n, (days, kind, content) in enumerate([(100, 1, "'S'"), (20, 1, "'S'"), (20, 0, "'C'"), (3, 0, "'C'"), (3, 0, "NULL")], 1):
        text += ("INSERT INTO msgs (mail_id, am_id, time_num, time_iso, sid, size, host, quar_type, content) VALUES ('m%d', 'x', %s, '20260101T000000Z', "
                 "%d, 5, 'h', %s, %s);\n" % (n, ago % days, n, quarantined[kind], content))
        text += "INSERT INTO msgrcpt (mail_id, rseqnum, rid, ds, rs) VALUES ('m%d', 1, 8, 'P', ' ');\n" % n
        text += "INSERT INTO quarantine (mail_id, chunk_ind, mail_text) VALUES ('m%d', 1, 'x');\n" % n
    db.sql(text)
    if db.kind == "sqlite":
        with open(os.path.join(private_sqlite.SOURCE, "schema/sqlite/purge.sql"), encoding="utf-8") as f:
            lines = [line for line in f if not line.startswith(".")]
        db.sql("".join(lines).replace("@days", "60").replace("@passed_days", "14").replace("PRAGMA wal_checkpoint(TRUNCATE);", ""))
    else:
        db.load("purge.sql")
        db.sql({"mysql": "CALL postern_purge(60, 14)", "postgresql": "CALL postern_purge('60 days', '14 days')"}[db.kind])
    for table, column, left in ("msgs", "mail_id", 2), ("msgrcpt", "mail_id", 2), ("quarantine", "mail_id", 2), ("maddr", "id", 3):
        t.equal(db.sql("SELECT count(%s) FROM %s" % (column, table)).strip(), str(left), "purging leaves %d rows of %s" % (left, table))


def test_database(t, db):
    db.load("lookup.sql")
    db.sql(ROWS)
    with Folder() as folder:
        with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn()) as p:
            test_records(t, db, p)
            test_wblist(t, db, p)
        with Probe(folder, 'lookup_sql_dsn = { "%s" }\nlookup_cache_ttl = 0' % db.dsn()) as p:
            test_hostile(t, db, p)
            test_execute(t, db, p)
            test_rows_without_select(t, db, p)
        for test in test_clauses, test_table, test_settings, test_check, test_changes, test_octets:
            test(t, db, folder)
    test_storage(t, db)


def main():
    wanted = sys.argv[1:] or ["sqlite", "mysql", "postgresql"]
    with Tap() as t:
        for name, there, make in ("sqlite", lambda: True, private_sqlite.SQLite), ("mysql", private_mariadb.is_there, private_mariadb.MariaDB), \
                                 ("postgresql", private_postgresql.is_there, private_postgresql.PostgreSQL):
            if name not in wanted:
                continue
            if not there():
                t.skip(name, "no server of it on this machine")
                continue
            t.note(name)
            with make() as db:
                test_database(t, db)


if __name__ == "__main__":
    main()
