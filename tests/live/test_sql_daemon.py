#!/usr/bin/python3
"""test_sql_daemon.py - the daemon with recipients' settings in SQLite, MariaDB and PostgreSQL: every column whose feature there is changes
the fate of a real mail; servers whose connections are killed, that are killed, restarted and stopped in the middle; hostile addresses."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import private_mariadb  # noqa: E402
import private_postgresql  # noqa: E402
import private_sqlite  # noqa: E402
import fates  # noqa: E402


def set_row(db, columns):
    """The one row, all NULL but these."""
    users = {k: v for k, v in columns.items() if k == "local"}
    policy = {k: v for k, v in columns.items() if k != "local"}

    def literal(value):
        return str(value) if isinstance(value, int) else "'%s'" % value
    db.sql("DELETE FROM users")
    db.sql("DELETE FROM policy")
    db.sql("INSERT INTO policy (%s) VALUES (%s)" % (", ".join(["id"] + list(policy)), ", ".join(["1"] + [literal(v) for v in policy.values()])))
    db.sql("INSERT INTO users (%s) VALUES (%s)" % (", ".join(["id", "policy_id", "email"] + list(users)),
                                                   ", ".join(["1", "1", "'r@example.com'"] + [literal(v) for v in users.values()])))


class Rows:
    empty = True

    def __init__(self, db):
        self.db, self.label = db, db.kind

    def set(self, columns):
        set_row(self.db, columns)


def hostile(t, db, p):
    set_row(db, {})
    for local in "'; DROP TABLE users; --", "*()\\", "a\"b", "%k?$1:x", "x' OR '1'='1":
        address = '"%s"@example.com' % local.replace("\\", "\\\\").replace('"', '\\"')
        t.equal(send(p.port, mail(), [address]).code, 250, "%s: an address with %s in it" % (db.kind, local))
    t.equal(send(p.port, mail(), ["%s@example.com" % ("a" * 400)]).code, 250, "%s: a long one" % db.kind)
    t.equal(db.sql("SELECT count(*) FROM users").strip(), "1", "%s: the tables are as they were" % db.kind)


def patiently(p, data):
    """Sent until it is taken; the replies before are 451."""
    refusals = []

    def taken():
        reply = send(p.port, data, ["r@example.com"])
        if reply.code != 250:
            refusals.append(reply)
        return reply if reply.code == 250 else None
    return p.wait(taken, 60, "mail is not taken again"), refusals


def outages(t, db, p):
    set_row(db, {"virus_lover": "Y"})
    t.equal(send(p.port, eicar_mail(), ["r@example.com"]).code, 250, "%s: as the row says" % db.kind)
    for _ in range(2):
        db.kill_and_wait()
        t.equal(send(p.port, eicar_mail(), ["r@example.com"]).code, 250, "%s: connections killed between two mails: nobody notices" % db.kind)
    db.kill()
    reply = send(p.port, eicar_mail(), ["r@example.com"])
    t.match(reply.text, r"^451 4\.5\.0 .*%s:mail@" % db.kind, "%s: killed: the mail waits, the database is named" % db.kind)
    t.no_match(reply.text, "secret", "%s: no password" % db.kind)
    db.start()
    _, refusals = patiently(p, eicar_mail())
    t.ok(all(r.code == 451 for r in refusals), "%s: restarted: mail is taken again, as the row says" % db.kind, refusals)
    db.signal(signal.SIGSTOP)
    try:
        reply = send(p.port, eicar_mail(), ["r@example.com"])
        t.match(reply.text, "^451 .*(no answer in time|not asked)", "%s: stopped: the mail waits" % db.kind)
    finally:
        db.signal(signal.SIGCONT)
    _, refusals = patiently(p, eicar_mail())
    t.ok(all(r.code == 451 for r in refusals), "%s: goes on: mail is taken again" % db.kind, refusals)
    t.no_match(p.log_text(), "secret", "%s: no password in the log" % db.kind)


def with_database(t, db):
    os.chmod(db.folder.path, 0o755)
    db.load("lookup.sql")
    with Catcher() as hop, Catcher() as other:
        dsn = db.dsn("?busy_timeout=5s" if db.kind == "sqlite" else "?timeout=2s&connect_timeout=1s&probe_interval=500ms")
        lua = 'lookup_sql_dsn = "%s"\n' % dsn.replace("%", "%%") + fates.LUA
        with Postern(t, hop, lua) as p:
            fates.every_field(t, Rows(db), p, hop, other)
            hostile(t, db, p)
            if db.kind != "sqlite":
                outages(t, db, p)


def main():
    wanted = sys.argv[1:] or ["sqlite", "mysql", "postgresql"]
    with Tap() as t:
        for there, make in (lambda: True, private_sqlite.SQLite), (private_mariadb.is_there, private_mariadb.MariaDB), \
                           (private_postgresql.is_there, private_postgresql.PostgreSQL):
            if make.kind not in wanted:
                continue
            if not there():
                t.skip(make.kind, "no server of it on this machine")
                continue
            with make() as db:
                with_database(t, db)


if __name__ == "__main__":
    main()
