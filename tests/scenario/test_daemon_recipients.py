#!/usr/bin/python3
"""test_daemon_recipients.py - what single recipients have of their own: size limits at RCPT and after the data, address extensions, white and
black lists in the log; and `posternctl explain`, which says where each setting comes from."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = r"""
local_domains_maps = { { ".example.com" } }
recipient_delimiter = "+"
message_size_limit_maps = {
  { ["small@example.com"] = 70000, ["later@example.com"] = 70000, ["passed@example.com"] = 70000, ["tiny@example.com"] = 10,
    ["gladly@example.com"] = 70000 },
}
final_destiny_maps_by_ccat[CC_OVERSIZED] = {
  { ["later@example.com"] = D_TEMPFAIL, ["passed@example.com"] = D_PASS }, D_REJECT,
}
lovers_maps_by_ccat[CC_OVERSIZED] = { { ["gladly@example.com"] = true } }
virus_lovers_maps = { { ["lover@example.com"] = true } }
addr_extension_virus_maps = { { [".example.com"] = "virus" } }
addr_rewrite_maps_by_ccat[CC_CLEAN] = { { ["old@example.com"] = "new@" } }
"""
LISTS = r"""
log_json = true
whitelist_sender_maps = { { ["friend@example.org"] = true } }
per_recip_blacklist_sender_lookup_tables = { ["a@example.com"] = { ["sender@example.org"] = true } }
score_sender_maps = { { ["."] = { { ["sender@example.org"] = 1.5 } } } }
bypass_spam_checks_maps = { { ["b@example.com"] = true } }
"""
EXPLAIN = r"""
lookup_sql_dsn = {}
client_ipaddr_policy = { { { "192.0.2.0/24" }, "MYNETS" } }
policy_bank.MYNETS = { final_virus_destiny = D_REJECT, attachment_password = "hunter2" }
policy_bank_hook = function(mail) if mail.sender == "vip@example.org" then return "VIP, GONE" end end
policy_bank.VIP = { virus_lovers_maps = { { ["boss@"] = true }, function(key) return key:find("any") ~= nil end } }
virus_lovers_maps = { re { { [[^lover\+(\w+)@]], true } } }
final_destiny_maps_by_ccat[CC_BANNED] = { { ["boss@example.com"] = D_PASS } }
score_sender_maps = { { ["."] = { { ["vip@example.org"] = -2 } } } }
broken = nil
"""


def stages(p):
    """What the workers of the generation in force do."""
    status = p.status()
    return sorted(w["stage"] for w in status["processes"] if w["role"] == "worker" and w["generation"] == status["generation"])


def sizes(t, p):
    t.equal(p.wait(lambda: stages(p) == ["idle", "idle", "reserved"] and stages(p)), ["idle", "idle", "reserved"],
            "a worker more than max_servers is there for questions")
    with Client(p.port) as c:
        c.hello()
        c.say("MAIL FROM:<sender@example.org> SIZE=70001")
        t.equal(c.say("RCPT TO:<small@example.com>").text,
                "552 5.3.4 Declared message size (70001 B) exceeds size limit for recipient <small@example.com>", "more than the recipient takes")
        t.equal(c.say("RCPT TO:<small+ext@example.com>").text,
                "552 5.3.4 Declared message size (70001 B) exceeds size limit for recipient <small+ext@example.com>", "by the keys of the table")
        t.match(c.say("RCPT TO:<later@example.com>").text, "^452 4.3.4 Declared", "as its destiny says: tempfail")
        t.match(c.say("RCPT TO:<passed@example.com>").text, "^250 2.3.4 Declared", "as its destiny says: passed")
        t.match(c.say("RCPT TO:<gladly@example.com>").text, "^250 2.3.4 Declared", "who loves such mails gets them")
        t.equal(c.say("RCPT TO:<other@example.com>").text, "250 2.1.5 Recipient <other@example.com> OK", "one without a limit")
        c.say("RSET")
        c.say("MAIL FROM:<sender@example.org> SIZE=70000")
        t.match(c.say("RCPT TO:<small@example.com>").text, "^250 2.1.5 ", "just as much as it takes")
        t.match(c.say("RCPT TO:<tiny@example.com>").text, "^552 5.3.4 ", "limits below 64 KiB are raised to it")
        c.say("RSET")
        c.say("MAIL FROM:<sender@example.org> SIZE=65536")
        t.match(c.say("RCPT TO:<tiny@example.com>").text, "^250 2.1.5 ", "which everybody takes")
    big = mail((b"x" * 76 + b"\r\n") * 1000)
    t.match(send(p.port, big, ["small@example.com"]).text, "^552 5.3.4 Reject, .*exceeds recipient's size limit", "not declared: measured when it is there")
    t.match(send(p.port, big, ["later@example.com"]).text, "^450 4.3.4 Temporary failure, ", "with the same destinies")
    t.match(send(p.port, big, ["passed@example.com"]).text, "^250 2.0.0", "of each recipient")
    t.match(send(p.port, big, ["gladly@example.com"]).text, "^250 2.0.0", "and the same lovers")


def extensions(t, p, hop):
    before = len(hop.mails)
    send(p.port, eicar_mail("to a lover"), ["lover@example.com"])
    t.equal(hop.mails[before].recipients, ["lover+virus@example.com"], "who loves viruses gets them with the extension")
    t.match(p.wait_log(r"<lover@example\.com>.*queued_as"), r"Passed INFECTED .*\{RelayedTaggedInbound", "which the log calls tagged")
    send(p.port, eicar_mail("to a lover"), ["lover+old@example.com"])
    t.equal(hop.mails[before + 1].recipients, ["lover+virus@example.com"], "in place of another one")
    send(p.port, mail(), ["old@example.com", "lover@example.com", "old@example.net"])
    hop.wait_mails(before + 4)
    t.equal(sorted(hop.mails[before + 2].recipients + hop.mails[before + 3].recipients), ["lover@example.com", "new@example.com", "old@example.net"], "a rewritten address, local only")


def lists(t, p):
    t.equal(p.reload(LISTS)[0], 0, "reload")
    data = mail(headers=["Reply-To: friend@example.org"])
    send(p.port, data, ["a@example.com", "b@example.com"])
    event = json.loads(p.wait_log(re.escape(re.search(rb"Message-ID: <(\S+)>", data).group(1).decode())).split("{", 1)[1].join(["{", ""]))
    a, b = event["recipients"]
    t.equal((a.get("blacklisted"), a.get("whitelisted"), b.get("blacklisted")), (True, None, None), "blacklisted by one recipient")
    t.equal((a.get("bypass_spam_checks"), b.get("bypass_spam_checks")), (None, True), "bypassing spam checks")
    t.equal(event.get("tests"), ["AM.WBL=1.5", "AM.WBL=1.5"], "a score for each")
    data = mail().replace(b"From: Sender <sender@example.org>", b"From: \"A, friend\" <friend@example.org>")
    send(p.port, data, ["b@example.com"], "somebody@example.net")
    event = json.loads(p.wait_log(re.escape(re.search(rb"Message-ID: <(\S+)>", data).group(1).decode())).split("{", 1)[1].join(["{", ""]))
    t.equal(event["recipients"][0].get("whitelisted"), True, "whitelisted by From")
    t.ok(p.wait(lambda: stages(p) == ["idle", "idle"]), "no size limits: nobody is there for questions")


def setting_of(answer, name, recipient=None):
    where = answer["settings"] if recipient is None else answer["recipients"][recipient]["settings"]
    return next((s for s in where if s["setting"] == name), {})


def explain(t, p):
    t.equal(p.reload(LUA + EXPLAIN.replace("broken = nil\n", ""))[0], 0, "reload")
    code, out, err = p.ctl("explain", "--from", "vip@example.org", "--to", "boss@example.com", "--client", "192.0.2.9")
    t.equal((code, err), (0, ""), "explain")
    t.match(out, r"mail from <vip@example\.org>, client 192\.0\.2\.9, by 127\.0\.0\.1:%d, originating\n" % p.port, "the mail, by the first listener")
    t.match(out, r"policy banks: MYNETS/VIP\n  MYNETS: client_ipaddr_policy\[1\], client \[192\.0\.2\.9\] by 192\.0\.2\.0/24, \S*postern\.lua:\d+\n"
            r"  VIP: policy_bank_hook\n  GONE: policy_bank_hook \(there is no such bank\)\n", "banks in order, with their reasons")
    t.match(out, r"  final_virus_destiny = D_REJECT\n    policy bank MYNETS, \S*postern\.lua:\d+\n", "a setting of a bank")
    t.match(out, r"  originating = true\n    policy bank MYNETS\n", "what MYNETS implies")
    t.match(out, r"  recipient_delimiter = \"\+\"\n    \S*postern\.lua:\d+\n", "a setting of the base")
    t.no_match(out, "hunter2", "no secret")
    t.match(out, r"recipient <boss@example\.com>: local, internal\n  score AM\.WBL=-2\n", "the recipient")
    t.match(out, r"  virus_lovers_maps = true\n    table 1 of virus_lovers_maps, \S*postern\.lua:\d+, matched by boss@\n", "table, place and key")
    t.match(out, r"  final_destiny_maps_by_ccat\[CC_BANNED\] = D_PASS\n    table 1 of final_destiny_maps_by_ccat, ", "by content category")
    code, out, err = p.ctl("--json", "explain", "--from", "", "--to", "lover+Any@example.com", "--to", "x@example.net", "--interface", "10026")
    answer = json.loads(out)
    t.equal((answer["mail_from"], answer["interface"], answer["banks"], answer["originating"]), ("", "10026", [], False), "as JSON: another interface, no banks")
    t.equal([(r["rcpt_to"], r["is_local"], r["direction"]) for r in answer["recipients"]],
            [("lover+Any@example.com", True, "inbound"), ("x@example.net", False, "open relay")], "recipients and directions")
    lover = setting_of(answer, "virus_lovers_maps", 0)
    t.equal((lover.get("lua"), lover.get("source"), lover.get("table"), lover.get("key")), ("true", "table", 1, r'rx("^lover\\+(\\w+)@")'), "the rule that matched")
    t.match(lover.get("place", ""), r"postern\.lua:\d+$", "and where it stands")
    t.equal(setting_of(answer, "virus_lovers_maps", 1), {}, "nothing where nobody said anything")
    t.equal(setting_of(answer, "recipient_delimiter").get("lua"), '"+"', "settings as Lua")
    code, out, err = p.ctl("explain", "--from", "vip@example.org", "--to", "any@example.com")
    t.match(out, r"  virus_lovers_maps = true\n    table 2 of virus_lovers_maps, \S*postern\.lua:\d+", "a function")
    for words, what in ((["--from", "a@b"], "no recipient"), (["--to", "a@b"], "no sender"), (["--from", "a b", "--to", "a@b"], "a bad sender"),
                        (["--from", "a@b", "--to", "<>"], "the null recipient"), (["--from", "a@b", "--to", "a@b", "--client", "10.1"], "a client that is none")):
        code, out, err = p.ctl("explain", *words)
        t.equal((code, out, bool(err)), (64, "", True), what)
    t.equal(p.ctl("explain")[0], 64, "no words at all")
    t.match(p.ctl("explain", "--from", "a@b.c", "--to", "b@c.d", "--client", "[IPv6:2001:db8::1]")[1], "^mail from <a@b.c>, client 2001:db8::1, ",
            "a client as MTAs write it")
    t.equal(p.ctl("status", "--from", "x@y")[0], 64, "words of explain for something else")


def explain_failure(t, p):
    t.equal(p.reload(LUA + 'policy_bank_hook = function(mail) return mail.no.such end\n')[0], 0, "reload")
    code, out, err = p.ctl("explain", "--from", "a@b.c", "--to", "b@c.d")
    t.equal(code, 2, "what cannot be settled")
    t.match(err, r"could not be settled, the mail would be answered 451: policy banks: policy_bank_hook: \S*postern\.lua:\d+: ", "is told, with the place")
    t.match(json.loads(p.ctl("--json", "explain", "--from", "a@b.c", "--to", "b@c.d")[2])["error"], "policy_bank_hook", "in JSON too")


def main():
    with Tap() as t, Catcher() as hop, Postern(t, hop, LUA) as p:
        sizes(t, p)
        extensions(t, p, hop)
        lists(t, p)
        explain(t, p)
        explain_failure(t, p)


if __name__ == "__main__":
    main()
