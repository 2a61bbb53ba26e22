#!/usr/bin/python3
"""test_daemon_sql.py - the daemon asks a SQLite file: a row decides a mail's fate, no password is ever shown; posternd -tt."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from private_sqlite import SQLite  # noqa: E402

INFECTED = b"Subject: x\r\n\r\n" + EICAR + b"\r\n"
LUA = """
bypass_virus_checks_maps = { sql "SELECT bypass_virus_checks FROM users, policy WHERE policy_id = policy.id AND email IN (%%k) ORDER BY priority DESC" }
lookup_sql_dsn = { "%s", "mysql://user:topsecret@127.0.0.1:1/mail" }
lookup_cache_ttl = 0
final_virus_destiny = D_REJECT
"""


def test_fates(t, db, p):
    t.equal(send(p.port, INFECTED).code, 554, "a virus is rejected")
    db.sql("UPDATE policy SET bypass_virus_checks = 'Y'")
    t.equal(send(p.port, INFECTED).code, 250, "a row says that this recipient's mail is not checked")
    db.sql("UPDATE policy SET bypass_virus_checks = NULL")
    t.equal(send(p.port, INFECTED).code, 554, "and no longer says so")


def test_dumps(t, p):
    code, out, err = p.posternd("-n")
    t.match(out, "lookup_sql_dsn", "-n shows that there are databases")
    t.no_match(out + err + open(p.log, encoding="utf-8", errors="replace").read(), "topsecret", "and nothing shows the password")
    t.match(out, r"bypass_virus_checks_maps = .*sql \{ \"SELECT bypass_virus_checks", "a statement is shown as it was written")
    code, out, err = p.posternd("-tt")
    t.equal(code, 78, "-tt: one of two databases is not there")
    t.match(out, r"^sqlite:\S+: answers \(\d+ us\)\n  sel_policy: \d+ columns \(\d+ us\)\n  sel_wblist: 1 columns", "-tt: the one that is")
    t.match(out, r"^mysql:mail@127.0.0.1:1: FAILED: .*connect to 127.0.0.1:1", "-tt: the one that is not")
    t.no_match(out + err, "topsecret", "-tt shows no password")
    p.configure('lookup_sql_dsn = "%s"\nsql_select_white_black_list = undef\n' % p.dsn)
    code, out, err = p.posternd("-tt")
    t.match(out, "sel_policy: ", "the older name of a statement set to undef: the others are put")
    t.no_match(out, "sel_wblist", "it is not")


def main():
    with Tap() as t, Catcher() as hop, SQLite() as db:
        os.chmod(db.folder.path, 0o755)
        db.load("lookup.sql")
        db.sql("INSERT INTO policy (id, policy_name) VALUES (1, 'x')")
        db.sql("INSERT INTO users (id, policy_id, email) VALUES (1, 1, '@example.com')")
        with Postern(t, hop, lua=LUA.replace("%%", "%").replace("%s", db.dsn())) as p:
            p.dsn = db.dsn()
            test_fates(t, db, p)
            test_dumps(t, p)


if __name__ == "__main__":
    main()
