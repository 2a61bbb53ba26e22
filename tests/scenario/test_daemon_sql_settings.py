#!/usr/bin/python3
"""test_daemon_sql_settings.py - every column of recipients' records in SQL takes effect on the setting it stands for, with the row told by
`posternctl explain`; order of sources, banks, wblist; real mails' fates; what is answered while the database cannot."""
import os
import re
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import json  # noqa: E402

PLUGIN = os.path.join(BUILD, "plugins/database/sqlite.la")
SCHEMA = os.path.join(SOURCE, "schema/sqlite/lookup.sql")
LUA = r"""
lookup_sql_dsn = "sqlite:%(folder)s/home/prefs.db"
lookup_cache_ttl = 0
local_domains_maps = { { ".example.com" } }
recipient_delimiter = "+"
final_virus_destiny = D_REJECT
virus_lovers_maps = { { ["b@example.com"] = true } }
policy_bank.LOVES = { virus_lovers_maps = { { ["c@example.com"] = true } } }
policy_bank.ALONE = { virus_lovers_maps = { { ["c@example.com"] = true } }, lookup_maps_imply_sql_and_ldap = false }
policy_bank_hook = function(mail) return ({ ["loves@example.org"] = "LOVES", ["alone@example.org"] = "ALONE" })[mail.sender] end
"""
TEXTS = {"forward_method": "smtp:[127.0.0.1]:9", "banned_rulenames": "A,B"}     # others get a text of their own


class Database:
    """The tables as they are shipped."""

    def __init__(self, p):
        self.path = p.folder.join("home", "prefs.db")
        self.owner = (p.uid, p.gid)
        with open(SCHEMA, encoding="utf-8") as f:
            self.run(f.read(), script=True)
        if os.getuid() == 0:
            os.chown(self.path, *self.owner)

    def run(self, text, *values, script=False):
        db = sqlite3.connect(self.path, timeout=20)
        try:
            rows = db.executescript(text).fetchall() if script else db.execute(text, values).fetchall()
            db.commit()
            return rows
        finally:
            db.close()

    def columns(self):
        return {table: [row[1] for row in self.run("PRAGMA table_info(%s)" % table)] for table in ("users", "policy")}

    def user(self, address, priority=7, **columns):
        """A user with a policy of its own."""
        known = self.columns()
        self.run("INSERT INTO policy (policy_name) VALUES (?)", address)
        policy_id = self.run("SELECT MAX(id) FROM policy")[0][0]
        self.run("INSERT INTO users (email, priority, policy_id) VALUES (?, ?, ?)", address, priority, policy_id)
        for column, value in columns.items():
            if column in known["users"]:
                self.run("UPDATE users SET %s = ? WHERE email = ?" % column, value, address)
            else:
                self.run("UPDATE policy SET %s = ? WHERE id = ?" % column, value, policy_id)
        return self.run("SELECT id FROM users WHERE email = ?", address)[0][0]


def fields():
    """(setting, column, type) of every line of fields.def."""
    with open(os.path.join(SOURCE, "core/config/settings/fields.def"), encoding="utf-8") as f:
        return re.findall(r'^FIELD\((\w+), "(\w+)", "\w+", (\w+)\)', f.read(), re.M)


def asked(p, recipient, sender="sender@example.org"):
    code, out, err = p.ctl("--json", "explain", "--from", sender, "--to", recipient)
    return json.loads(out if code == 0 else err)


def every_column(t, p, db):
    known = sum(db.columns().values(), [])
    for n, (setting, column, kind) in enumerate(fields()):
        if column not in known:
            t.ok(False, column + " is a column of the shipped tables")
            continue
        address = "col%d@example.com" % n
        value = {"NUMBER": 65537.0 + n, "STRING": TEXTS.get(column, "text-%d" % n)}.get(kind, "N" if column == "local" else "Y")
        lua = {"NUMBER": str(65537 + n), "STRING": '"%s"' % value}.get(kind, "false" if column == "local" else "true")
        if column == "banned_rulenames":
            lua = '{ "A,B", "DEFAULT" }'
        by_sender = "bysender" in setting
        db.user(address, **{column: value})
        answer = asked(p, "x@example.com" if by_sender else address, address if by_sender else "sender@example.org")
        said = [s for s in (answer["for_all"] if by_sender else answer["recipients"][0]["settings"]) if s["setting"] == setting]
        t.equal([(s["lua"], s["source"], s["row"], s["field"]) for s in said], [(lua, "sql", address, column)], "column " + column)


def fates(t, p, db, hop):
    db.user("lover@example.com", virus_lover="Y", addr_extension_virus="inf")
    db.user("@example.com", priority=5, virus_lover="N", spam_tag2_level=6.5)
    db.user("b@example.com", virus_lover=None)
    db.user("blind@example.com", bypass_virus_checks="Y")
    db.user("guest@example.net", local="Y")
    db.user("away@example.com", local="N")
    before = len(hop.mails)
    t.match(send(p.port, eicar_mail(), ["lover@example.com"]).text, "^250 2.0.0", "a virus lover by SQL")
    t.equal(hop.mails[before].recipients, ["lover+inf@example.com"], "and an address extension")
    t.match(send(p.port, eicar_mail(), ["a@example.com"]).text, "^554", "who has the domain's row")
    t.match(send(p.port, eicar_mail(), ["b@example.com"]).text, "^554", "SQL says no before a table says yes: NULL falls through to the domain's row")
    db.run("UPDATE policy SET virus_lover = NULL WHERE policy_name = '@example.com'")
    t.match(send(p.port, eicar_mail(), ["b@example.com"]).text, "^250 2.0.0", "where SQL says nothing the table does")
    t.match(send(p.port, eicar_mail(), ["blind@example.com"]).text, "^250 2.0.0", "bypassing virus checks by SQL")
    send(p.port, mail(), ["guest@example.net"])
    t.match(p.wait_log(r"<guest@example\.net>.*queued_as"), "{RelayedInbound}", "a row makes a recipient local")
    send(p.port, mail(), ["away@example.com"])
    t.match(p.wait_log(r"<away@example\.com>.*queued_as"), "{RelayedOpenRelay}", "or says that it is not")
    db.user("huge@example.com", message_size_limit=100000)
    with Client(p.port) as c:
        c.hello()
        c.say("MAIL FROM:<a@example.org> SIZE=100001")
        t.match(c.say("RCPT TO:<huge@example.com>").text, "^552 5.3.4 Declared message size", "a size limit, at RCPT")


def banks(t, p, db):
    db.user("d@example.com", virus_lover="Y")
    for sender, what, d, c in (("x@example.org", "no bank", 250, 554), ("loves@example.org", "a bank's own list keeps SQL", 250, 250),
                               ("alone@example.org", "unless the bank says otherwise", 554, 250)):
        t.equal((send(p.port, eicar_mail(), ["d@example.com"], sender).code, send(p.port, eicar_mail(), ["c@example.com"], sender).code), (d, c), what)


def wblist(t, p, db):
    users_id = db.user("listed@example.com")
    for address, wb in (("friend@example.org", "W"), ("@example.info", "B"), ("soft@example.org", "-3.5")):
        db.run("INSERT INTO mailaddr (priority, email) VALUES (?, ?)", 7, address)
        db.run("INSERT INTO wblist (rid, sid, wb) VALUES (?, (SELECT id FROM mailaddr WHERE email = ?), ?)", users_id, address, wb)
    for sender, expected in (("friend@example.org", (True, False, [])), ("foe@example.info", (False, True, [])),
                             ("soft@example.org", (False, False, ["AM.WBL=-3.5"])), ("x@example.org", (False, False, []))):
        r = asked(p, "listed@example.com", sender)["recipients"][0]
        t.equal((r["whitelisted"], r["blacklisted"], r["scores"]), expected, "wblist: " + sender)


def bad_rows(t, p, db):
    db.user("bad@example.com", spam_kill_level="lots")
    db.run("UPDATE policy SET spam_kill_level = 9 WHERE policy_name = '@example.com'")
    said = [s for s in asked(p, "bad@example.com")["recipients"][0]["settings"] if s["setting"] == "spam_kill_level_maps"]
    t.equal([(s["lua"], s["row"]) for s in said], [("9", "@example.com")], "what is no number counts as not set")
    t.match(p.wait_log("lots"), r'<bad@example\.com>: sqlite:\S+: spam_kill_level "lots" is not a number', "and is told, with column and database")
    for address in ("'; DROP TABLE users; --@example.com", "\"a b\"@example.com", "*()\\@example.com"):
        t.match(send(p.port, mail(), ["\"%s\"@example.com" % address.replace("\\", "\\\\").replace("\"", "\\\"")]).text, "^250", "an odd address")
    t.ok(db.run("SELECT COUNT(*) FROM users")[0][0] > 40, "and the tables are still there")


def dead(t, p, db):
    os.rename(db.path, db.path + ".away")
    data = mail()
    t.match(send(p.port, data, ["a@example.com", "b@example.com"]).text,
            r"^451 4\.5\.0 Error in processing, id=\S+, settings could not be looked up: .*sqlite:", "no database: the mail waits, and it is named")
    with Client(p.port) as c:
        c.hello()
        c.say("MAIL FROM:<a@example.org> SIZE=1000000")
        t.match(c.say("RCPT TO:<huge@example.com>").text, "^250 2.1.5", "at RCPT no answer is no objection")
    answer = asked(p, "a@example.com")
    t.match(answer["error"], "sqlite:", "explain tells")
    os.rename(db.path + ".away", db.path)
    t.match(p.wait(lambda: (lambda r: r if r.code == 250 else None)(send(p.port, mail(), ["a@example.com"]))).text, "^250", "it is back")


def main():
    if not os.path.exists(PLUGIN) or not os.path.exists(SCHEMA):
        skip_all("the plugin sqlite is not built")
    with Tap() as t, Catcher() as hop, Postern(t, hop, LUA, start=False) as p:
        db = Database(p)
        p.start()
        every_column(t, p, db)
        fates(t, p, db, hop)
        banks(t, p, db)
        wblist(t, p, db)
        bad_rows(t, p, db)
        dead(t, p, db)


if __name__ == "__main__":
    main()
