#!/usr/bin/python3
"""The daemon with a real directory (slapd, started here): every attribute takes effect on the setting it stands for, with the entry told by
`posternctl explain`; real mails' fates flip; what is answered while the directory cannot, and after it was started anew."""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lib")]
from postern import *  # noqa: E402,F401,F403
from ldap_attributes import ATTRIBUTES  # noqa: E402
import fates  # noqa: E402
import private_slapd  # noqa: E402
from private_slapd import BASE, PASSWORD, READER, Slapd  # noqa: E402

DIRECTORY = r"""
enable_ldap = true
default_ldap = { hostname = "@URL@", base = "@BASE@", bind_dn = "@DN@", bind_password = "@PASSWORD@", timeout = 10 }
"""
WORKERS = 3
BREAKER = DIRECTORY.replace("timeout = 10", 'timeout = "%s", probe_interval = "%s"') + """
max_servers = %d
lookup_cache_ttl = 0
local_domains_maps = { { ".example.com" } }
"""
LUA = DIRECTORY + r"""
lookup_cache_ttl = 0
log_level = 1
local_domains_maps = { { ".example.com" } }
recipient_delimiter = "+"
final_virus_destiny = D_REJECT
virus_lovers_maps = { { ["b@example.com"] = true } }
banned_admin_maps = { ldap_field "description" }
policy_bank.NOLDAP = { enable_ldap = false }
policy_bank_hook = function(mail) return ({ ["noldap@example.org"] = "NOLDAP" })[mail.sender] end
"""


def fields():
    """attribute: (setting, type) of every line of fields.def."""
    with open(os.path.join(SOURCE, "core/config/settings/fields.def"), encoding="utf-8") as f:
        return {a: (s, kind) for s, a, kind in re.findall(r'^FIELD\((\w+), "\w+", "(\w+)", (\w+)\)', f.read(), re.M)}


def asked(p, recipient, sender="sender@example.org"):
    code, out, err = p.ctl("--json", "explain", "--from", sender, "--to", recipient)
    return json.loads(out if code == 0 else err)


def shows(lua, kind, value):
    if kind == "NUMBER":
        return abs(float(lua) - float(value)) < 0.001
    return lua == {"TRUE": "true", "FALSE": "false"}[value] if kind.startswith("BOOLEAN") else json.dumps(value) in lua or value in lua


def every_attribute(t, p, directory):
    known = fields()
    table = [(name, values, n) for n, (name, values, _) in enumerate(ATTRIBUTES)]
    directory.add_many([("uid=at%d,%s" % (n, BASE), {"mail": "at%d@example.com" % n, name: values}) for name, values, n in table])
    for name, values, n in table:
        address = "at%d@example.com" % n
        if name in ("amavisWhitelistSender", "amavisBlacklistSender"):
            r = asked(p, address, values[0])["recipients"][0]
            t.equal((r["whitelisted"], r["blacklisted"]), (name == "amavisWhitelistSender", name == "amavisBlacklistSender"), "attribute " + name)
            continue
        if name not in known:
            t.skip("attribute " + name, "not in force: obsolete")
            continue
        setting, kind = known[name]
        by_sender = "bysender" in setting
        answer = asked(p, "x@example.com" if by_sender else address, address if by_sender else "sender@example.org")
        said = [s for s in (answer["for_all"] if by_sender else answer["recipients"][0]["settings"]) if s["setting"] == setting]
        t.equal([(s["source"], s["row"], s["field"]) for s in said], [("ldap", address, name)], "attribute " + name)
        t.ok(said and all(shows(said[0]["lua"], kind, v) for v in values), "its value: " + name, "got: %s wanted: %s" % (said, values))


def more_fates(t, p, directory, hop):
    directory.add("uid=lover," + BASE, mail="lover@example.com", amavisVirusLover="TRUE", amavisAddrExtensionVirus="inf")
    directory.add("uid=dom," + BASE, mail="@example.com", amavisVirusLover="FALSE")
    directory.add("uid=blind," + BASE, mail="blind@example.com", amavisBypassVirusChecks="TRUE")
    directory.add("uid=guest," + BASE, mail="guest@example.net", amavisLocal="TRUE")
    directory.add("uid=away," + BASE, mail="away@example.com", amavisLocal="FALSE")
    directory.add("uid=huge," + BASE, mail="huge@example.com", amavisMessageSizeLimit="100000")
    before = len(hop.mails)
    t.match(send(p.port, eicar_mail(), ["lover@example.com"]).text, "^250 2.0.0", "amavisVirusLover")
    t.equal(hop.mails[before].recipients, ["lover+inf@example.com"], "amavisAddrExtensionVirus")
    t.match(send(p.port, eicar_mail(), ["a@example.com"]).text, "^554", "the domain's entry")
    t.match(send(p.port, eicar_mail(), ["b@example.com"]).text, "^554", "LDAP says no before a table says yes")
    t.match(send(p.port, eicar_mail(), ["lover@example.com"], "noldap@example.org").text, "^554", "a bank without LDAP")
    directory.replace("uid=dom," + BASE, "amavisVirusLover", [])
    t.match(send(p.port, eicar_mail(), ["b@example.com"]).text, "^250 2.0.0", "where LDAP says nothing the table does")
    t.match(send(p.port, eicar_mail(), ["blind@example.com"]).text, "^250 2.0.0", "amavisBypassVirusChecks")
    send(p.port, mail(), ["guest@example.net"])
    t.match(p.wait_log(r"<guest@example\.net>.*queued_as"), "{RelayedInbound}", "amavisLocal TRUE")
    send(p.port, mail(), ["away@example.com"])
    t.match(p.wait_log(r"<away@example\.com>.*queued_as"), "{RelayedOpenRelay}", "amavisLocal FALSE")
    with Client(p.port) as c:
        c.hello()
        c.say("MAIL FROM:<a@example.org> SIZE=100001")
        t.match(c.say("RCPT TO:<huge@example.com>").text, "^552 5.3.4 Declared message size", "amavisMessageSizeLimit, at RCPT")
    for local in ("*()", "\"*()\\\\\"", "\"' )(mail=*\"", "\"a b\""):
        t.match(send(p.port, eicar_mail(), [local + "@example.com"]).text, "^554|^501|^553", "an odd address finds nobody else's entry: " + local)


def field(t, p, directory):
    directory.add("uid=field," + BASE, mail="field@example.com", description="boss@example.com")
    said = [s for s in asked(p, "field@example.com")["recipients"][0]["settings"] if s["setting"] == "banned_admin_maps"]
    t.equal([s["lua"] for s in said], ['"boss@example.com"'], "ldap_field reads an attribute of any name")


def left(t, p, directory):
    """The client goes while the directory is waited for."""
    with Client(p.port) as c:
        c.hello()
        c.envelope(["gone@example.com"])
        c.say("DATA")
        directory.pause()
        c.write(b"Subject: x\r\n\r\nx\r\n.\r\n")
        p.wait(lambda: [w for w in p.status()["processes"] if w.get("stage") == "settle" and w["log_id"]], 20, "no worker asks")
    t.match(p.wait_log(r"cancelled: settle"), r"ldap.*cancelled.*; nothing was delivered", "a mail that is given up is no failed lookup")
    t.equal(p.counter("mails-cancelled"), 1, "and counted once")
    directory.go_on()


def dead(t, p, directory):
    directory.restart()
    t.match(send(p.port, eicar_mail(), ["lover@example.com"]).text, "^250 2.0.0", "a directory started anew is asked again, unseen")
    directory.kill()
    answer = send(p.port, mail(), ["a@example.com", "b@example.com"]).text
    t.match(answer, r"^451 4\.5\.0 Error in processing, id=\S+, settings could not be looked up: .*Connection refused", "no directory: the mail waits")
    t.match(asked(p, "a@example.com")["error"], "Connection refused", "explain tells")
    directory.start()
    t.match(p.wait(lambda: (lambda r: r if r.code == 250 else None)(send(p.port, mail(), ["a@example.com"]))).text, "^250", "it is back")


def breaker(p):
    return ([i["breaker"] for i in p.status()["plugins"] if i["name"] == "ldap"] or ["never asked"])[0]


def silent(t, p, directory):
    """It takes connections and says nothing: one worker waits for it, the others learn that from the first."""
    t.match(send(p.port, mail(), ["a@example.com"]).text, "^250", "silent directory: asked before")
    t.equal(breaker(p), "closed", "status says that it answers")
    directory.pause()
    t.match(send(p.port, mail(), ["a@example.com"]).text, "^451 .*settings could not be looked up: .*ldap: .*time over", "the first mail waits for it in vain")
    t.equal(breaker(p), "suspect", "which is no proof yet")
    t.match(send(p.port, mail(), ["a@example.com"]).text, "^451 .*ldap: not asked, it does not answer", "the next is asked nothing, the directory has been asked without a name")
    t.equal(breaker(p), "open", "status says so")
    said = [send(p.port, mail(), ["b%d@example.com" % n]).text for n in range(3 * WORKERS)]
    t.equal([s for s in said if "ldap: not asked, it has not answered for" not in s], [], "no worker asks within probe_interval")
    t.equal(p.counter("breakers-opened"), 1, "counted once")
    t.equal(len(p.log_lines("ldap: does not answer; asked again every 3600.0 s only")), 1, "one line says so")


def back(t, p, directory):
    """The same with an interval that ends within the test."""
    directory.kill()
    while breaker(p) != "open":
        t.match(send(p.port, mail(), ["a@example.com"]).text, "^451 ", "dead directory: the mail waits")
    directory.start()
    p.wait(lambda: send(p.port, mail(), ["a@example.com"]).code == 250, 30, "not asked again")
    t.equal(breaker(p), "closed", "a directory that is back is asked again")
    t.equal((p.counter("breakers-opened"), p.counter("breakers-closed")), (1, 1), "counted once each")
    t.equal(len(p.log_lines("ldap: does not answer; asked again")), 1, "one line that it does not answer")
    t.equal(len(p.log_lines("ldap: answers again, after")), 1, "one line that it does")


class Entry:
    """What fates.py asks of a source."""
    label, empty = "ldap", False

    def __init__(self, directory):
        self.directory, self.dn, self.there = directory, "uid=r," + BASE, []
        self.kinds = fates.fields()
        directory.add(self.dn, mail="r@example.com")

    def set(self, columns):
        for attribute in self.there:
            self.directory.replace(self.dn, attribute, [])
        self.there = [self.kinds[column][0] for column in columns]
        for column, value in columns.items():
            attribute, kind, _ = self.kinds[column]
            self.directory.replace(self.dn, attribute, [{"Y": "TRUE", "N": "FALSE"}[value] if kind.startswith("BOOLEAN") else value])


def filled(text, directory):
    for mark, value in (("@URL@", directory.url), ("@BASE@", BASE), ("@DN@", READER), ("@PASSWORD@", PASSWORD)):
        text = text.replace(mark, value)
    return text


def every_fate(t, directory, hop):
    with Catcher() as other, Postern(t, hop, filled(DIRECTORY, directory) + fates.LUA + fates.KEEPS_NONE) as p:
        fates.every_field(t, Entry(directory), p, hop, other)


def main():
    private_slapd.skip_without_slapd()
    if not os.path.exists(os.path.join(BUILD, "plugins/lookup/ldap.la")):
        skip_all("the plugin ldap is not built")
    with Tap() as t, Slapd() as directory, Catcher() as hop:
        every_fate(t, directory, hop)
        with Postern(t, hop, filled(LUA, directory)) as p:
            every_attribute(t, p, directory)
            more_fates(t, p, directory, hop)
            field(t, p, directory)
            left(t, p, directory)
            dead(t, p, directory)
            t.ok(PASSWORD not in p.log_text(), "no password in the log")
        with Postern(t, hop, filled(BREAKER % ("3s", "1h", WORKERS), directory)) as p:
            silent(t, p, directory)
        directory.go_on()
        with Postern(t, hop, filled(BREAKER % ("3s", "100ms", WORKERS), directory)) as p:
            back(t, p, directory)


if __name__ == "__main__":
    main()
