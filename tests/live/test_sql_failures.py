#!/usr/bin/python3
"""SQL lookups when databases fail: connections killed, servers killed, restarted, stopped, silent; wrong addresses, passwords,
certificates; several in a row; what an answer of old is good for."""
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
import private_mariadb  # noqa: E402
import private_postgresql  # noqa: E402
import private_sqlite  # noqa: E402
from postern import Folder, Tap  # noqa: E402
from sqlprobe import Answer, Probe  # noqa: E402

ADDRESS = "user@example.com"
NO_CACHE = "\nlookup_cache_ttl = 0\n"
PATIENCE = 30


def fill(db, name="first"):
    db.load("lookup.sql")
    db.sql("INSERT INTO policy (id, policy_name) VALUES (1, '%s')" % name)
    db.sql("INSERT INTO users (id, policy_id, email) VALUES (1, 1, '%s')" % ADDRESS)


def name_of(answer):
    return [row["policy_name"] for row in answer.rows]


def dsn(db, options="probe_interval=300ms&connect_timeout=1s&timeout=2s"):
    return 'lookup_sql_dsn = { "%s" }' % db.dsn("?" + options)


def until_answered(p):
    """It comes back by itself; how long that takes is another matter."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = p.fetch(ADDRESS)
        if answer.error is None:
            break
        time.sleep(0.1)
    return answer


def test_connections(t, db, folder):
    with Probe(folder, dsn(db) + NO_CACHE) as p:
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "an answer")
        for n in range(3):
            t.equal(db.connections(), 1, "one connection is kept")
            db.kill_and_wait()
            answer = p.fetch(ADDRESS)
            t.equal((answer.error, name_of(answer)), (None, [b"first"]), "the connection was killed between two statements: time %d" % (n + 1))
        p.execute("BEGIN")
        p.execute("INSERT INTO mailaddr (email) VALUES ('within@example.com')")
        db.kill_and_wait()
        answer = p.execute("INSERT INTO mailaddr (email) VALUES ('after@example.com')")
        t.equal(answer.result, "TEMPFAIL", "lost in the middle of a transaction: that is no other connection's to go on with")
        t.match(answer.error, "in the middle of a transaction", "and says so")
        t.equal(p.execute("SELECT email FROM mailaddr").rows, [], "nothing of it was done")
        db.kill_and_wait()
        t.equal(p.execute("INSERT INTO mailaddr (email) VALUES ('lone@example.com')").result, "OK", "a writing statement over a connection known to be dead")
        t.equal(len(p.execute("SELECT email FROM mailaddr").rows), 1, "is done once")


def test_idle(t, db, folder):
    """The server ends what is idle for a second."""
    db.sql({"mysql": "SET GLOBAL wait_timeout = 1", "postgresql": "ALTER ROLE tester SET idle_session_timeout = '1s'"}[db.kind])
    with Probe(folder, dsn(db) + NO_CACHE) as p:
        p.fetch(ADDRESS)
        until = time.monotonic() + PATIENCE
        while db.connections() and time.monotonic() < until:
            time.sleep(0.1)
        answer = p.fetch(ADDRESS)
        t.equal((answer.error, name_of(answer)), (None, [b"first"]), "the server had ended the connection for being idle")
    db.sql({"mysql": "SET GLOBAL wait_timeout = 28800", "postgresql": "ALTER ROLE tester RESET idle_session_timeout"}[db.kind])


def test_killed_within(t, db, folder):
    """KILL while the statement runs."""
    slow = {"mysql": "SELECT SLEEP(60)", "postgresql": "SELECT 1 FROM pg_sleep(60)"}[db.kind]
    with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn() + NO_CACHE) as p:
        p.ask("time", "20000")
        p.ask("ping", "0")
        p.process.stdin.write(("execute 0 %s\n" % slow.replace(" ", "%20")).encode())
        p.process.stdin.flush()
        running = {"mysql": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'",
                   "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT 1 FROM pg_sleep%' AND state = 'active'"}[db.kind]
        killed = 0
        until = time.monotonic() + PATIENCE
        while killed < 2 and time.monotonic() < until:
            if db.sql(running).strip() == "1":
                db.kill_connections()
                killed += 1
            time.sleep(0.05)
        lines = p.read()
        t.equal(killed, 2, "asked a second time over a new connection, and killed again")
        t.match(" ".join(lines), "^result TEMPFAIL", "then it has failed for now")
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "the next is answered")


def test_names(t, db, folder):
    """What a pooler may do: put statements of two workers to one server."""
    if db.kind != "postgresql":
        return
    ask = "SELECT name FROM pg_prepared_statements"
    with Probe(folder, dsn(db)) as p, Probe(folder, dsn(db)) as other:
        names, others = ([row["name"].decode() for row in probe.execute(ask).rows] for probe in (p, other))
        t.ok(len(names) == len(others) == 1 and names != others, "no two workers give a statement the same name", names + others)
        ours, _, number = names[0].rpartition("_")
        p.execute("PREPARE %s_%d AS SELECT 'of another'" % (ours, int(number) + 2))
        answer = p.execute("SELECT 'ours' AS x")
        t.equal((answer.result, answer.rows), ("OK", [{"x": b"ours"}]), "where the server knows another of that name, the statement is prepared anew")
        t.equal(len(p.execute(ask).rows), 2, "over a new connection")


def test_restart(t, db, folder):
    with Probe(folder, dsn(db) + NO_CACHE) as p:
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "an answer")
        db.kill()
        answer = p.fetch(ADDRESS)
        t.equal(answer.kind, "ENVIRONMENT", "the server is killed: no answer for now")
        t.match(answer.error, "%s:mail@127.0.0.1:%d: connect to" % (db.kind, db.port), "which names the server")
        t.no_match(answer.error, "secret", "and no password")
        errors = [p.fetch(ADDRESS).error or "" for _ in range(5)]
        t.ok(any("not asked, it" in e for e in errors), "soon it is not even asked", errors)
        db.start()
        answer = until_answered(p)
        t.equal((answer.error, name_of(answer)), (None, [b"first"]), "the server is back, and asked again")


def test_stopped(t, db, folder):
    with Probe(folder, dsn(db) + NO_CACHE) as p:
        p.fetch(ADDRESS)
        db.signal(signal.SIGSTOP)
        try:
            answer = p.fetch(ADDRESS)
            t.match(answer.error or "", "no answer in time", "a server that has stopped costs no more than its timeout")
            errors = [p.fetch(ADDRESS).error or "" for _ in range(4)]
            t.ok(any("not asked, it" in e for e in errors), "and then nothing", errors)
        finally:
            db.signal(signal.SIGCONT)
        answer = until_answered(p)
        t.equal((answer.error, name_of(answer)), (None, [b"first"]), "it goes on")


def test_silent(t, folder):
    """Somebody listens and says nothing."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(5)
        for scheme in "mysql", "postgresql":
            lua = 'lookup_sql_dsn = "%s://u:secret@127.0.0.1:%d/mail?connect_timeout=300ms"' % (scheme, s.getsockname()[1]) + NO_CACHE
            with Probe(folder, lua) as p:
                answer = p.fetch(ADDRESS)
                t.match(answer.error or "", "connect to 127.0.0.1:.*: no answer in time", "%s: a server that never says a word" % scheme)
                t.no_match(answer.error or "", "secret", "no password")
                p.ask("time", "200")
                t.match(p.fetch(ADDRESS).error or "", "no answer in time|not asked", "%s: the mail's time counts as well" % scheme)


def greeting():
    """MariaDB's first words: it knows TLS."""
    capabilities = 0x00088a09
    body = b"\x0a10.11.6-MariaDB\0" + struct.pack("<I8sxHBHHB10x", 7, b"abcdefgh", capabilities & 0xffff, 0x21, 2, capabilities >> 16, 21) + b"ijklmnopqrst\0mysql_native_password\0"
    return struct.pack("<I", len(body)) + body


def test_silent_in_handshake(t, folder):
    """A server that takes up TLS and then says nothing, or no end of it."""
    def serve(listener, drip):
        while True:
            try:
                conn, _ = listener.accept()
                kept.append(conn)
                conn.sendall(greeting())
                for byte in b"\x16\x03\x03\x3f\x00\x02\x00\x3e\x00" * drip + b"\x02" * 3000 * drip:
                    time.sleep(0.02)
                    conn.sendall(bytes([byte]))
            except OSError:
                if listener.fileno() < 0:
                    return

    kept = []
    for drip in 0, 1:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener, drip), daemon=True).start()
            lua = 'lookup_sql_dsn = "mysql://u:secret@127.0.0.1:%d/mail?tls=unverified&connect_timeout=500ms"' % listener.getsockname()[1] + NO_CACHE
            with Probe(folder, lua) as p:
                ending = threading.Timer(30, lambda: [conn.shutdown(socket.SHUT_RDWR) for conn in kept])
                ending.start()
                t.match(p.fetch(ADDRESS).error or "", "connect to 127.0.0.1:.*: no answer in time", "mysql: a handshake %s" % ("byte by byte" if drip else "without an answer"))
                ending.cancel()


def given_up(t, folder, lua, what, *question, ready=None):
    """The mail's client leaves while a database is waited for. A test does not measure time; but it would wait 100 s."""
    left, leave = os.pipe()
    with Probe(folder, lua + NO_CACHE, pass_fds=[left]) as p:
        p.ask("time", "100000")
        p.ask("cancel", str(left))
        began = time.monotonic()
        p.say(*question)
        if ready:
            ready()
        else:
            time.sleep(0.3)
        os.close(leave)
        answer = Answer(p.read())
        t.ok(time.monotonic() - began < 40, "%s: given up" % what, answer)
        t.ok(answer.kind == "CANCELLED" or answer.result == "TEMPFAIL", "%s: as nobody's any more, not as failed" % what, answer)
    os.close(left)


def test_given_up(t, folder):
    with socket.socket() as s, private_sqlite.SQLite() as second:
        fill(second, "second")
        s.bind(("127.0.0.1", 0))
        s.listen(5)
        kept = []
        for scheme in "mysql", "postgresql":
            lua = 'lookup_sql_dsn = { "%s://u:x@127.0.0.1:%d/mail?connect_timeout=100s&timeout=100s", "%s" }' % (scheme, s.getsockname()[1], second.dsn())
            given_up(t, folder, lua, scheme, "fetch", ADDRESS, ready=lambda: kept.append(s.accept()))
    with private_sqlite.SQLite() as db:
        fill(db)
        lua = 'lookup_sql_dsn = "%s"' % db.dsn("?busy_timeout=100s&timeout=100s")
        given_up(t, folder, lua, "SQLite, a statement without end", "execute", "0", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
        db.sql("PRAGMA journal_mode = DELETE")
        writer = sqlite3.connect(db.file, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        given_up(t, folder, lua, "SQLite, held by a writer", "fetch", ADDRESS)
        writer.close()


def test_several(t, db, folder):
    """A list is tried in order; the one that answers stays."""
    with private_sqlite.SQLite() as second:
        fill(second, "second")
        lua = 'lookup_sql_dsn = { "%s", "%s" }' % (db.dsn("?probe_interval=300ms&connect_timeout=1s&timeout=2s"), second.dsn()) + NO_CACHE
        with Probe(folder, lua) as p:
            t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "of two the first")
            db.kill()
            answer = p.fetch(ADDRESS)
            t.equal((answer.error, name_of(answer)), (None, [b"second"]), "the first is killed: the second")
            db.start()
            t.equal(name_of(p.fetch(ADDRESS)), [b"second"], "which stays")
            second.sql("ALTER TABLE users RENAME TO people")
            answer = p.fetch(ADDRESS)
            t.match(answer.error or "", "sqlite:.*: no such table: users", "one that calls the statement wrong has answered: no other is asked")
        dead = "mysql://u:secret@127.0.0.1:1/mail?connect_timeout=1s"
        with Probe(folder, 'lookup_sql_dsn = { "%s", "sqlite:/nowhere/at/all.db", "%s" }' % (dead, db.dsn()) + NO_CACHE) as p:
            t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "two that are not there, and one that is")
            answer = p.ask("check")
            t.match(answer.text, "^mysql:mail@127.0.0.1:1: FAILED", "-tt names each that fails")
            t.match(answer.text, "^sqlite:/nowhere/at/all.db: FAILED: there is no such file", "and why")
            t.match(answer.text, "^%s:mail@127.0.0.1:%d: answers" % (db.kind, db.port), "and the one that does not")
        with Probe(folder, 'lookup_sql_dsn = { "%s", "sqlite:/nowhere/at/all.db" }' % dead + NO_CACHE) as p:
            answer = p.fetch(ADDRESS)
            t.match(answer.error, "mysql:mail@127.0.0.1:1: .*; sqlite:/nowhere/at/all.db: ", "where none answers all are named")


def test_cache(t, db, folder):
    with Probe(folder, dsn(db) + "\nlookup_cache_ttl = 3600") as p:
        p.fetch(ADDRESS)
        p.fetch("nobody@example.com")
        db.kill()
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "what was answered a moment ago is not asked again")
        answer = p.fetch("nobody@example.com")
        t.equal((answer.error, answer.rows), (None, []), "that there is nothing likewise")
        t.ok(p.fetch("other@example.com").error, "what was not asked is not known")
        db.start()
    with Probe(folder, dsn(db) + '\nlookup_cache_ttl = 1\nlookup_failure = "stale"\nlookup_stale_age = 3600') as p:
        p.fetch(ADDRESS)
        db.kill()
        time.sleep(1.1)
        answer = p.fetch(ADDRESS)
        t.equal((answer.error, name_of(answer)), (None, [b"first"]), "lookup_failure = stale: the last known answer stands in")
        t.match(p.stderr(), "the last known answer stands in", "with a line in the log")
        t.ok(p.fetch("other@example.com").error, "where there is none, there is none")
        db.start()
    with Probe(folder, dsn(db) + '\nlookup_cache_ttl = 1\nlookup_failure = "stale"\nlookup_stale_age = 1') as p:
        p.fetch(ADDRESS)
        db.kill()
        time.sleep(1.1)
        t.ok(p.fetch(ADDRESS).error, "one that is too old does not stand in")
        db.start()


def test_wrong(t, db, folder):
    there = db.dsn()
    for what, wrong, words in ("password", there.replace("secret%21word", "verysecretone"), "(?i)denied|authentication failed"), \
                              ("user", there.replace("tester", "nobodyatall"), "(?i)denied|nobodyatall"), \
                              ("database", there.replace("/mail", "/nosuchdb"), "(?i)nosuchdb|denied"), \
                              ("host", there.replace("127.0.0.1", "no-such-host.invalid"), "no-such-host.invalid"):
        with Probe(folder, 'lookup_sql_dsn = "%s"' % wrong + NO_CACHE) as p:
            answer = p.fetch(ADDRESS)
            t.match(answer.error or "", words, "a wrong %s is named" % what)
            t.no_match(answer.error or "", "secret", "no password (%s)" % what)
    with Probe(folder, 'lookup_sql_dsn = "%s"\nsql_clause.sel_wblist = "SELECT wb FROM nolist WHERE rid = ? AND x IN (%%k)"' % there + NO_CACHE) as p:
        answer = p.ask("wblist", "1", ADDRESS)
        t.match(answer.error or "", "^sel_wblist: %s:.*nolist" % db.kind, "a table that is not there is named, with statement and database")
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "the rest goes on")
    if db.kind == "mysql":
        db.sql("DELIMITER //\nCREATE FUNCTION not_ready() RETURNS int BEGIN SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = 1047, MESSAGE_TEXT = 'not ready'; RETURN 1; END//\n")
        with Probe(folder, 'lookup_sql_dsn = "%s"' % there) as p:
            t.equal(p.execute("SELECT not_ready()").result, "TEMPFAIL", "a cluster's node that is not ready has failed for now")
            t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "and is asked again")
    over_socket = "%s://tester:secret%%21word@localhost/mail?socket=%s" % (db.kind, db.socket)
    if db.kind == "postgresql":
        over_socket = "postgresql://tester:secret%%21word@:%d/mail?socket=%s" % (db.port, db.socket)
    with Probe(folder, 'lookup_sql_dsn = "%s"' % over_socket) as p:
        answer = p.fetch(ADDRESS)
        t.equal((answer.error, name_of(answer)), (None, [b"first"]), "over the unix socket")
    dbi = {"mysql": "DBI:mysql:database=mail;host=127.0.0.1;port=%d", "postgresql": "DBI:Pg:dbname=mail;host=127.0.0.1;port=%d"}[db.kind] % db.port
    with Probe(folder, 'lookup_sql_dsn = { { "%s", "tester", "secret!word" } }' % dbi) as p:
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "by amavisd-new's triple")
    constructor = '%s { "mail", server = "127.0.0.1", port = %d, user = "tester", password = "secret!word" }' % (db.kind, db.port)
    with Probe(folder, "lookup_sql_dsn = { %s }" % constructor) as p:
        t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "by the plugin's constructor")


# ---- TLS ----

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def make_certificates(folder):
    """A CA, one that has nothing to do with it, and a server's certificate for "localhost"."""
    for ca in "ca", "other":
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test " + ca, "-keyout", folder.join(ca + ".key"), "-out", folder.join(ca + ".pem"))
    with open(folder.join("ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:localhost\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", folder.join("server.key"), "-out", folder.join("server.csr"))
    openssl("x509", "-req", "-in", folder.join("server.csr"), "-CA", folder.join("ca.pem"), "-CAkey", folder.join("ca.key"), "-CAcreateserial",
            "-days", "2", "-extfile", folder.join("ext"), "-out", folder.join("server.pem"))
    for name in "server.key", "server.pem", "ca.pem", "other.pem":
        os.chmod(folder.join(name), 0o600 if name.endswith(".key") else 0o644)
        if os.getuid() == 0:
            _, uid, gid = private_sqlite.daemon_user()
            os.chown(folder.join(name), uid, gid)


def test_tls(t, db, folder, certificates):
    def ask(host, options):
        with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn("?" + options, host=host) + NO_CACHE) as p:
            return p.fetch(ADDRESS)
    ca, other = certificates.join("ca.pem"), certificates.join("other.pem")
    t.equal(name_of(ask("localhost", "tls=on&ca=" + ca)), [b"first"], "TLS: the right CA and the right name")
    t.match(ask("localhost", "tls=on&ca=" + other).error or "", "(?i)certificate|SSL|TLS", "TLS: another CA is refused")
    t.match(ask("127.0.0.1", "tls=on&ca=" + ca).error or "", "(?i)certificate|SSL|TLS|name", "TLS: another name is refused")
    t.match(ask("localhost", "tls=on").error or "", "(?i)certificate|SSL|TLS", "TLS: the system's CAs do not know it")
    t.equal(name_of(ask("127.0.0.1", "tls=unverified")), [b"first"], "TLS: unverified asks nobody")
    with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn("?timeout=1s&tls=unverified") + NO_CACHE) as p:
        p.fetch(ADDRESS)
        db.signal(signal.SIGSTOP)
        ending = threading.Timer(30, lambda: db.signal(signal.SIGCONT))
        ending.start()
        t.match(p.fetch(ADDRESS).error or "", "no answer in time", "TLS: a server that has stopped costs no more than its timeout")
        ending.cancel()
        db.signal(signal.SIGCONT)


def tls_settings(kind, certificates):
    cert, key = certificates.join("server.pem"), certificates.join("server.key")
    if kind == "mysql":
        return "ssl-cert=%s\nssl-key=%s\nssl-ca=%s\n" % (cert, key, certificates.join("ca.pem"))
    return "ssl = on\nssl_cert_file = '%s'\nssl_key_file = '%s'\n" % (cert, key)


# ---- SQLite ----

def test_sqlite(t, folder):
    with private_sqlite.SQLite() as db:
        fill(db)
        db.sql("PRAGMA journal_mode = DELETE")
        with Probe(folder, 'lookup_sql_dsn = "%s"' % db.dsn("?busy_timeout=300ms") + NO_CACHE) as p:
            t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "SQLite: an answer")
            writer = sqlite3.connect(db.file, isolation_level=None)
            writer.execute("BEGIN EXCLUSIVE")
            answer = p.fetch(ADDRESS)
            t.equal(answer.kind, "ENVIRONMENT", "SQLite: held by a writer for longer than busy_timeout: no answer for now")
            t.match(answer.error, "locked", "and says so")
            writer.execute("ROLLBACK")
            writer.close()
            t.equal(name_of(p.fetch(ADDRESS)), [b"first"], "SQLite: then it goes on")
            with private_sqlite.SQLite() as other:
                fill(other, "second")
                os.rename(other.file, db.file)
            t.equal(name_of(p.fetch(ADDRESS)), [b"second"], "SQLite: another file in its place is the one that is asked")
            p.ask("time", "300")
            answer = p.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
            t.match(answer.error, "time over", "SQLite: a statement without end is interrupted")
            t.equal(name_of(p.fetch(ADDRESS)), [b"second"], "SQLite: and the next answered")
            with open(db.file, "wb") as f:
                f.write(b"this is no database" * 100)
            t.match(p.fetch(ADDRESS).error or "", "(?i)not a database|malformed|disk image", "SQLite: a file that is none")
            with private_sqlite.SQLite() as third:
                fill(third, "third")
                with Probe(folder, 'lookup_sql_dsn = { "%s", "%s" }' % (db.dsn(), third.dsn()) + NO_CACHE) as both:
                    answer = both.fetch(ADDRESS)
                    t.equal((answer.error, name_of(answer)), (None, [b"third"]), "SQLite: a damaged file gives way to the next database")
            os.unlink(db.file)
            t.match(p.fetch(ADDRESS).error or "", "there is no such file", "SQLite: no file")


def test_server(t, folder, certificates, make):
    with make(tls_settings(make.kind, certificates)) as db:
        fill(db)
        for test in test_connections, test_idle, test_killed_within, test_names, test_restart, test_stopped, test_several, test_cache, test_wrong:
            test(t, db, folder)
        test_tls(t, db, folder, certificates)


def main():
    wanted = sys.argv[1:] or ["sqlite", "mysql", "postgresql"]
    with Tap() as t, Folder() as folder, Folder() as certificates:
        make_certificates(certificates)
        if "sqlite" in wanted:
            test_sqlite(t, folder)
            test_silent(t, folder)
            test_silent_in_handshake(t, folder)
            test_given_up(t, folder)
        for there, make in (private_mariadb.is_there, private_mariadb.MariaDB), (private_postgresql.is_there, private_postgresql.PostgreSQL):
            if make.kind not in wanted:
                continue
            if not there():
                t.skip(make.kind, "no server of it on this machine")
                continue
            t.note(make.kind)
            test_server(t, folder, certificates, make)


if __name__ == "__main__":
    main()
