#!/usr/bin/python3
"""test_daemon_ldap.py - the daemon with a real directory: every attribute takes effect on the setting it stands for, entry told by
`posternctl explain`; white and black lists; real mails' fates; what is answered while the directory is gone."""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lib")]
from postern import *  # noqa: E402,F401,F403

LUA = r"""
enable_ldap = true
lookup_cache_ttl = 0
default_ldap = { hostname = "127.0.0.1:%d", base = "%s", timeout = "3s" }
local_domains_maps = { { ".example.com" } }
recipient_delimiter = "+"
final_virus_destiny = D_REJECT
virus_lovers_maps = { { ["table@example.com"] = true } }
"""


def fields():
    with open(os.path.join(SOURCE, "core/config/settings/fields.def"), encoding="utf-8") as f:
        return re.findall(r'^FIELD\((\w+), "\w+", "(\w+)", (\w+)\)', f.read(), re.M)


def add(slapd, base, uid, **attributes):
    slapd.add("uid=%s,%s" % (uid, base), **attributes)


def asked(p, recipient, sender="sender@example.org"):
    code, out, err = p.ctl("--json", "explain", "--from", sender, "--to", recipient)
    return json.loads(out if code == 0 else err)


def as_lua(setting, kind, values):
    if kind == "NUMBER":
        number = float(values[0])
        return str(int(number)) if number == int(number) else values[0]
    if kind.startswith("BOOLEAN"):
        return "true" if values[0] == "TRUE" else "false"
    text = ['"%s"' % v for v in values]
    if setting == "banned_filename_maps":
        return "{ %s, \"DEFAULT\" }" % text[0]
    return text[0] if len(text) == 1 else "{ %s }" % ", ".join(text)


def every_attribute(t, p, slapd, base, attributes):
    kinds = {attribute: (setting, kind) for setting, attribute, kind in fields()}
    told = 0
    for n, (attribute, values, setting) in enumerate(attributes):
        if attribute not in kinds:
            t.note(attribute + ": " + ("no setting" if setting is None else "asked by sender, see below"))
            continue
        told += 1
        address = "attr%d@example.com" % n
        add(slapd, base, "attr%d" % n, mail=address, **{attribute: values})
        by_sender = "bysender" in setting
        answer = asked(p, "x@example.com" if by_sender else address, address if by_sender else "sender@example.org")
        said = [s for s in (answer["for_all"] if by_sender else answer["recipients"][0]["settings"]) if s["setting"] == setting]
        expected = as_lua(setting, kinds[attribute][1], values)
        t.equal([(s["lua"], s["source"], s["field"]) for s in said], [(expected, "ldap", attribute)], attribute)
    t.equal(told, len(kinds), "all attributes of fields.def were tried")


def fates(t, p, slapd, base, hop):
    add(slapd, base, "lover", mail="lover@example.com", amavisVirusLover="TRUE", amavisAddrExtensionVirus="inf")
    add(slapd, base, "hater", mail="table@example.com", amavisVirusLover="FALSE")
    add(slapd, base, "domain", mail="@example.com", amavisSpamTagLevel="2.5")
    before = len(hop.mails)
    t.match(send(p.port, eicar_mail(), ["lover@example.com"]).text, "^250 2.0.0", "a virus lover by LDAP")
    t.equal(hop.mails[before].recipients, ["lover+inf@example.com"], "with an address extension")
    t.match(send(p.port, eicar_mail(), ["table@example.com"]).text, "^554", "LDAP says no before a table says yes")
    slapd.replace("uid=hater," + base, "amavisVirusLover", ["TRUE"])
    t.match(send(p.port, eicar_mail(), ["table@example.com"]).text, "^250", "and then it says yes")
    add(slapd, base, "guest", mail="guest@example.net", amavisVirusLover="FALSE")
    send(p.port, mail(), ["guest@example.net"])
    t.match(p.wait_log(r"<guest@example\.net>.*queued_as"), "{RelayedInbound}", "an entry without amavisLocal makes a recipient local")
    add(slapd, base, "huge", mail="huge@example.com", amavisMessageSizeLimit="100000")
    with Client(p.port) as c:
        c.hello()
        c.say("MAIL FROM:<a@example.org> SIZE=100001")
        t.match(c.say("RCPT TO:<huge@example.com>").text, "^552 5.3.4 Declared message size", "a size limit, at RCPT")


def lists(t, p, slapd, base):
    add(slapd, base, "listed", mail="listed@example.com", amavisWhitelistSender=["friend@example.org", ".good.example"],
        amavisBlacklistSender=["foe@example.org", "@bad.example"])
    for sender, expected in (("friend@example.org", (True, False)), ("a@sub.good.example", (True, False)), ("foe@example.org", (False, True)),
                             ("a@bad.example", (False, True)), ("a@example.org", (False, False))):
        r = asked(p, "listed@example.com", sender)["recipients"][0]
        t.equal((r["whitelisted"], r["blacklisted"]), expected, "lists: " + sender)


def dead(t, p, slapd):
    slapd.kill()
    reply = send(p.port, mail(), ["a@example.com", "b@example.com"])
    t.match(reply.text, r"^451 4\.5\.0 Error in processing, id=\S+, settings could not be looked up: .*ldap", "no directory: the mail waits, and it is named")
    t.match(asked(p, "a@example.com")["error"], "ldap", "explain tells")
    slapd.restart()
    t.match(p.wait(lambda: (lambda r: r if r.code == 250 else None)(send(p.port, mail(), ["a@example.com"])), 40).text, "^250", "it is back")


def main():
    if not os.path.exists(os.path.join(BUILD, "plugins/lookup/ldap.la")):
        skip_all("the plugin ldap is not built")
    from ldap_attributes import ATTRIBUTES
    import private_slapd
    private_slapd.skip_without_slapd()
    with Tap() as t, Catcher() as hop, private_slapd.Slapd() as slapd:
        with Postern(t, hop, LUA % (slapd.port, private_slapd.BASE)) as p:
            every_attribute(t, p, slapd, private_slapd.BASE, ATTRIBUTES)
            fates(t, p, slapd, private_slapd.BASE, hop)
            lists(t, p, slapd, private_slapd.BASE)
            dead(t, p, slapd)


if __name__ == "__main__":
    main()
