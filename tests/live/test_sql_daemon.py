#!/usr/bin/python3
"""test_sql_daemon.py - the daemon with recipients' settings in SQLite, MariaDB and PostgreSQL: every column whose feature there is changes
the fate of a real mail; servers whose connections are killed, that are killed, restarted and stopped in the middle; hostile addresses."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import private_mariadb  # noqa: E402
import private_postgresql  # noqa: E402
import private_sqlite  # noqa: E402

LUA = r"""
lookup_sql_dsn = "%(dsn)s"
lookup_cache_ttl = 0
local_domains_maps = { { ".example.com" } }
recipient_delimiter = "+"
final_virus_destiny = D_REJECT
final_unchecked_destiny = D_REJECT
virus_scanners_failure_is_fatal = false
clean_quarantine_method = "local:clean-%%m"
archive_quarantine_method = "local:archive-%%m"
unchecked_quarantine_method = "local:unchecked-%%m"
clean_quarantine_to_maps = {}
archive_quarantine_to_maps = {}
policy_bank.UNCHECKED = { av_scanners = { clamd { "%(run)s/nobody", on_error = "unchecked", timeout = "1s", canary_interval = 0 } }, av_scanners_backup = {} }
policy_bank_hook = function(mail) return mail.sender == "unchecked@example.org" and "UNCHECKED" or nil end
"""

# What is seen of a mail: the reply's code, recipients at the next hop, other next hop, kept files, direction in the log.
PLAIN, INFECTED, LARGE, UNCHECKED = "plain", "infected", "large", "unchecked"
COLUMNS = [
    # column, value, mail, what without it, what with it
    ("virus_lover", "Y", INFECTED, {"code": 554}, {"code": 250}),
    ("bypass_virus_checks", "Y", INFECTED, {"code": 554}, {"code": 250}),
    ("virus_quarantine_to", "", INFECTED, {"kept": ["virus"]}, {"kept": []}),
    ("addr_extension_virus", "inf", INFECTED, {"to": ["r@example.com"]}, {"to": ["r+inf@example.com"]}),
    ("clean_quarantine_to", "clean-quarantine", PLAIN, {"kept": []}, {"kept": ["clean"]}),
    ("archive_quarantine_to", "archive-quarantine", PLAIN, {"kept": []}, {"kept": ["archive"]}),
    ("forward_method", "%(other)s", PLAIN, {"other": 0}, {"other": 1}),
    ("message_size_limit", 70000, LARGE, {"code": 250}, {"code": 552}),
    ("local", "N", PLAIN, {"direction": "Inbound"}, {"direction": "OpenRelay"}),
    ("unchecked_lover", "Y", UNCHECKED, {"code": 554}, {"code": 250}),
    ("unchecked_quarantine_to", "", UNCHECKED, {"kept": ["unchecked"]}, {"kept": []}),
]
ALSO = {"addr_extension_virus": {"virus_lover": "Y"}}      # columns without which the mail would not get so far


def in_force():
    """(columns whose setting has an effect, those whose has none yet) as the sources tell."""
    statuses, yes, no = {}, [], []
    folder = os.path.join(SOURCE, "core/config/settings")
    for name in os.listdir(folder):
        if name.endswith(".def"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                statuses.update(re.findall(r"^SETTING\((\w+),.*?, (IN_FORCE|ACCEPTED|REFUSED), ", f.read(), re.M))
    with open(os.path.join(folder, "fields.def"), encoding="utf-8") as f:
        for setting, column in re.findall(r'^FIELD\((\w+), "(\w+)"', f.read(), re.M):
            (yes if statuses.get(setting) == "IN_FORCE" else no).append(column)
    return yes, no


def kept(p):
    found = []
    for _, _, names in os.walk(p.quarantine):
        found += names
    return sorted(found)


def observe(p, hop, other, kind):
    files, mails, others = kept(p), len(hop.mails), len(other.mails)
    data = {PLAIN: mail(), INFECTED: eicar_mail(), LARGE: mail(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 1100), UNCHECKED: mail()}[kind]
    reply = send(p.port, data, ["r@example.com"], "unchecked@example.org" if kind == UNCHECKED else "sender@example.org")
    new = [name for name in kept(p) if name not in files]
    to = hop.mails[mails].recipients if len(hop.mails) > mails else []
    line = p.log_lines(r"<r@example\.com>.*(queued_as|Blocked)")
    direction = re.findall(r"\{\w*?(Inbound|OpenRelay|Outbound|Internal)", line[-1]) if line else []
    return {"code": reply.code, "to": to, "other": len(other.mails) - others, "kept": sorted({name.split("-")[0] for name in new}),
            "direction": direction[-1] if direction else None, "text": reply.text}


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


def shown(seen, wanted):
    return {name: seen[name] for name in wanted}


def every_column(t, db, p, hop, other):
    yes, no = in_force()
    tried = {row[0] for row in COLUMNS}
    for column, value, kind, without, with_it in COLUMNS:
        value = value % {"other": other.method} if isinstance(value, str) else value
        also = ALSO.get(column, {})
        set_row(db, also)
        t.equal(shown(observe(p, hop, other, kind), without), without, "%s: %s is NULL" % (db.kind, column))
        set_row(db, dict(also, **{column: value}))
        t.equal(shown(observe(p, hop, other, kind), with_it), with_it, "%s: %s is %r" % (db.kind, column, value))
    t.note("no mail's fate to be seen yet: " + ", ".join(sorted(set(no) - tried)))
    t.note("in force, without a mail here: " + ", ".join(sorted(set(yes) - tried)))


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
        lua = LUA.replace("%(dsn)s", db.dsn("?busy_timeout=5s" if db.kind == "sqlite" else "?timeout=2s&connect_timeout=1s&probe_interval=500ms").replace("%", "%%"))
        with Postern(t, hop, lua) as p:
            every_column(t, db, p, hop, other)
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
