#!/usr/bin/python3
"""test_daemon_fates.py - what becomes of infected mail for each recipient, and what the client reads: over LMTP one reply each,
over SMTP one for all (the first 4xx wins; all discarded: 250; discarded and refused: 5xx; else 250 with a tail)."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
local_domains_maps = { { ".example.com" } }
virus_lovers_maps = { { ["lover@example.com"] = true } }
bypass_virus_checks_maps = { { ["bypass@example.com"] = true } }
"""
EACH = """{ final_destiny_maps_by_ccat = { [CC_VIRUS] = { { ["d@"] = D_DISCARD, ["r@"] = D_REJECT, ["t@"] = D_TEMPFAIL,
	["p@"] = D_PASS, ["b@"] = D_BOUNCE } } } }"""
BANKS = {
    "REJECT": "{ final_virus_destiny = D_REJECT }",
    "TEMPFAIL": "{ final_virus_destiny = D_TEMPFAIL }",
    "PASS": "{ final_virus_destiny = D_PASS }",
    "BOUNCE": "{ final_virus_destiny = D_BOUNCE }",
    "SOFT": "{ final_virus_destiny = D_REJECT, soft_bounce = true }",
    "EACH": EACH,
}
DISCARDED = r"^250 2\.7\.0 Ok, discarded, id=\d{5,}-\d\d(-\d+)? - INFECTED: Eicar-Test-Signature"
REFUSED = r"^554 5\.7\.0 Reject, id=\d{5,}-\d\d(-\d+)? - INFECTED: Eicar-Test-Signature"
LATER = r"^4\d\d 4\.7\.0 Temporary failure, id=\d{5,}-\d\d(-\d+)? - INFECTED: Eicar-Test-Signature"
TAKEN = r"^250 2\.0\.0 from MTA\(smtp:\[127\.0\.0\.1\]:\d+\): 250 2\.0\.0 Ok: queued as FAKE\d+"


def to(*names):
    return [name + "@example.com" for name in names]


def lmtp(t, p, hop, port, names, wanted, delivered, what):
    hop.forget()
    data = eicar_mail(what)
    replies = send(port, data, to(*names), lmtp=True)
    for name, reply, pattern in zip(names, replies, wanted):
        t.match(reply.text, pattern + "$" if pattern is TAKEN else pattern, "LMTP, %s: the reply for %s" % (what, name))
    t.equal(sorted(r for c in hop.caught for r in c.recipients), sorted(to(*delivered)), "LMTP, %s: who has it" % what)
    return data


def smtp(t, p, hop, port, names, wanted, delivered, what):
    hop.forget()
    data = eicar_mail(what)
    reply = send(port, data, to(*names))
    t.match(reply.text, wanted, "SMTP, %s: the reply" % what)
    t.equal(sorted(r for c in hop.caught for r in c.recipients), sorted(to(*delivered)), "SMTP, %s: who has it" % what)
    return data


def line_of(p, data, passed):
    mid = re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode())
    return p.wait_log("%s .*%s" % ("Passed" if passed else "Blocked", mid))


def fates_over_lmtp(t, p, hop):
    data = lmtp(t, p, hop, p.port, ["rcpt", "lover", "bypass"], [DISCARDED, TAKEN, TAKEN], ["lover", "bypass"], "discard, lover, bypass")
    alerts = {r: c.field("x-amavis-alert") for c in hop.caught for r in c.recipients}
    t.match(alerts["lover@example.com"] or "", "^INFECTED, message contains virus: Eicar", "who loves viruses is warned")
    t.equal(alerts["bypass@example.com"], None, "who does without checks is not")
    t.match(line_of(p, data, False), r"\{DiscardedInbound,RelayedTaggedInbound,RelayedInbound,Quarantined\}, .*-> <rcpt@example\.com>, quarantine: virus-", "log: blocked for one")
    t.match(line_of(p, data, True), r"Passed INFECTED \(Eicar-[^)]*\) .*-> <lover@example\.com>,<bypass@example\.com>, ", "log: passed for two")
    scanned = {r: c.field("x-virus-scanned") for c in hop.caught for r in c.recipients}
    t.equal([scanned["lover@example.com"], scanned["bypass@example.com"]], ["postern at example.com", None], "X-Virus-Scanned only where it was checked for")
    lmtp(t, p, hop, p.ports["REJECT"], ["rcpt", "lover"], [REFUSED, TAKEN], ["lover"], "reject, lover")
    lmtp(t, p, hop, p.ports["BOUNCE"], ["rcpt"], [REFUSED], [], "bounce")
    lmtp(t, p, hop, p.ports["EACH"], ["d", "r", "t", "p", "b"], [DISCARDED, REFUSED, LATER, TAKEN, REFUSED], ["p"], "one of each")


def one_reply_over_smtp(t, p, hop):
    smtp(t, p, hop, p.port, ["rcpt", "other"], DISCARDED, [], "all discarded")
    smtp(t, p, hop, p.ports["REJECT"], ["rcpt", "other"], REFUSED, [], "all refused")
    smtp(t, p, hop, p.ports["EACH"], ["d", "r"], REFUSED, [], "discarded and refused")
    smtp(t, p, hop, p.ports["EACH"], ["p", "r"], TAKEN + ", but 1 REJECT$", ["p"], "passed and refused")
    smtp(t, p, hop, p.ports["EACH"], ["p", "d"], TAKEN + "$", ["p"], "passed and discarded")
    smtp(t, p, hop, p.ports["EACH"], ["r", "d", "t"], LATER, [], "one must wait: all wait")
    smtp(t, p, hop, p.port, ["rcpt", "lover", "bypass"], TAKEN + "$", ["lover", "bypass"], "discard, lover, bypass")


def some_passed_some_wait(t, p, hop):
    """Who has the mail must not get it again when the client tries again for the sake of the others."""
    hop.forget()
    data = eicar_mail("twice")
    for attempt in 1, 2:
        reply = send(p.ports["EACH"], data, to("p", "t"))
        t.match(reply.text, "^4", "passed and waiting, try %d: the client must try again" % attempt)
    t.equal([r for c in hop.caught for r in c.recipients], to("p"), "the one who has it got it once")
    t.ok(p.wait_log("<p@example.com> has this mail from an earlier try"), "the log says why")


def destinies(t, p, hop):
    data = smtp(t, p, hop, p.ports["PASS"], ["rcpt"], TAKEN + "$", ["rcpt"], "D_PASS")
    caught = hop.last()
    names = caught.names()
    t.ok("x-amavis-alert" in names[:names.index("from")] and names[0] == "received", "D_PASS: X-Amavis-Alert on top", names)
    t.match(line_of(p, data, True), r"Passed INFECTED \(Eicar-[^)]*\) \{RelayedTaggedInbound,Quarantined\}", "D_PASS: the log line")
    t.ok(caught.field("x-quarantine-id") is not None, "D_PASS: X-Quarantine-ID, as a copy is kept")
    data = smtp(t, p, hop, p.ports["TEMPFAIL"], ["rcpt"], LATER, [], "D_TEMPFAIL")
    t.match(line_of(p, data, False), r"Blocked INFECTED \(Eicar-[^)]*\) \{TempFailedInbound", "D_TEMPFAIL: the log line")
    data = smtp(t, p, hop, p.ports["SOFT"], ["rcpt"], r"^450 4\.7\.0 Reject, id=\S+ - INFECTED: Eicar.* \(soft_bounce\)$", [], "soft_bounce")
    data = smtp(t, p, hop, p.ports["REJECT"], ["rcpt"], REFUSED, [], "D_REJECT")
    t.match(line_of(p, data, False), r"Blocked INFECTED \(Eicar-[^)]*\) \{RejectedInbound,Quarantined\}", "D_REJECT: the log line")
    data = smtp(t, p, hop, p.ports["BOUNCE"], ["rcpt"], REFUSED, [], "D_BOUNCE is answered as D_REJECT")
    data = eicar_mail("to elsewhere")
    t.match(send(p.port, data, ["x@example.net"]).text, DISCARDED, "a recipient who is not ours")
    t.match(line_of(p, data, False), r"\{DiscardedOpenRelay,Quarantined\}", "is logged as OpenRelay")


def all_bypass(t, p, hop):
    """Nobody wants a check: none is made, and nothing says that one was."""
    hop.forget()
    calls = p.counter("scans")
    data = eicar_mail("bypass")
    t.equal(send(p.port, data, to("bypass")).code, 250, "all bypass: taken")
    t.equal(p.counter("scans"), calls, "all bypass: no scanner was asked")
    t.equal(hop.last().below, EICAR + b"\r\n", "all bypass: passed as it came")
    t.match(line_of(p, data, True), r"Passed CLEAN \{RelayedInbound\}", "all bypass: the log line")


def next_hop_says_no(t, p, hop):
    """Replies of the next hop go back as they are, each to its recipient."""
    hop.replies["RCPT:<no@example.com>"] = "550 5.1.1 <no@example.com>: unknown here"
    hop.replies["RCPT:<later@example.com>"] = "450 4.2.0 <later@example.com>: greylisted"
    replies = send(p.port, mail(), to("yes", "no", "later"), lmtp=True)
    t.match(replies[0].text, TAKEN, "the next hop takes one")
    t.match(replies[1].text, r"^550 5\.1\.1 .*unknown here", "refuses one")
    t.match(replies[2].text, r"^450 4\.2\.0 .*greylisted", "has one wait")
    t.match(send(p.port, mail(), to("no")).text, r"^550 5\.1\.1 .*from MTA\(smtp:\[127\.0\.0\.1\]:\d+\): 550 5\.1\.1 <no@example\.com>: unknown here", "over SMTP too")
    del hop.replies["RCPT:<no@example.com>"], hop.replies["RCPT:<later@example.com>"]


def main():
    with Tap() as t, Catcher() as hop, Postern(t, hop, LUA, banks=BANKS) as p:
        fates_over_lmtp(t, p, hop)
        one_reply_over_smtp(t, p, hop)
        some_passed_some_wait(t, p, hop)
        destinies(t, p, hop)
        all_bypass(t, p, hop)
        next_hop_says_no(t, p, hop)
        t.equal(p.temp_files(), [], "nothing is left in the work area")


if __name__ == "__main__":
    main()
