#!/usr/bin/python3
"""test_daemon_refusals.py - when the world around does not work, the MTA keeps the mail: quarantine that cannot be written, next hops
that are down or odd, a work area that is full, mails that loop.  Nothing of a mail is left in TEMPBASE after its answer."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
local_domains_maps = { { ".example.com" } }
work_area_limit = 300000
next_hop_retry_interval = 1
quarantine_subdir_levels = 0
"""
BANKS = {
    "NOWHERE": '{ forward_method = "smtp:[127.0.0.1]:%(port2)d" }',
    "SECOND": '{ forward_method = { "smtp:[127.0.0.1]:%(port2)d", "%(next_hop)s" } }',
    "ARCHIVE": '{ archive_quarantine_method = "local:archive-%%m.gz", clean_quarantine_method = "local:clean-%%m" }',
    "UNKNOWNHOST": '{ forward_method = "smtp:[no-such-host.invalid]:25" }',
}


def line_of(p, data):
    return p.wait_log(r"(Passed|Blocked) .*" + re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode()))


def nothing_left(t, p, what):
    left = p.temp_files()
    t.equal(left, [], what + ": nothing is left in the work area")


def quarantine_fails(t, p, hop):
    os.chmod(p.quarantine, 0o555)
    data = eicar_mail()
    reply = send(p.port, data)
    t.match(reply.text, r"^451 4\.5\.0 Error in processing, id=\S+, .*quarantine", "quarantine not writable: 451")
    t.match(line_of(p, data), r"Blocked INFECTED .*\{TempFailedInbound\}", "quarantine not writable: the log line")
    t.match(p.wait_log("quarantine: .*local"), re.escape(p.quarantine) + r".*Permission denied", "quarantine not writable: the log names the folder and why")
    t.equal(send(p.port, mail()).code, 250, "quarantine not writable: clean mail passes")
    nothing_left(t, p, "quarantine not writable")
    os.chmod(p.quarantine, 0o750)
    t.match(send(p.port, data).text, r"^250 2\.7\.0 Ok, discarded", "quarantine writable again: the next try is settled")
    t.equal(len(p.quarantined("virus-")), 1, "and kept once")
    t.equal([os.path.basename(f) for f in p.quarantined() if not re.match(r"virus-[A-Za-z0-9][A-Za-z0-9_+-]{10}[A-Za-z0-9]$", os.path.basename(f))], [],
            "no half file is left in the quarantine")


def archive(t, p, hop):
    data = mail(b"kept\r\n")
    t.equal(send(p.ports["ARCHIVE"], data).code, 250, "clean and archive quarantines: passed")
    t.match(line_of(p, data), r"Passed CLEAN \{RelayedInbound,Quarantined,Archived\}.*quarantine: .*archive-", "clean and archive quarantines: the log line")
    import gzip
    kept = [gzip.open(f).read() for f in p.quarantined("archive-")]
    t.ok(len(kept) == 1 and kept[0].endswith(b"\n\nkept\n"), "clean and archive quarantines: a gz file that can be read", kept)
    t.equal(len(p.quarantined("clean-")), 1, "clean and archive quarantines: and one more")


def next_hop_down(t, p, hop):
    data = mail()
    reply = send(p.ports["NOWHERE"], data)
    t.match(reply.text, r"^451 4\.4\.1 Can.t connect to ", "next hop down: 451")
    t.match(reply.text, r"127\.0\.0\.1.*%d.*(refused|connect)" % p.values["port2"], "next hop down: says whom")
    t.match(line_of(p, data), r"Blocked MTA-BLOCKED \{TempFailedInbound\}", "next hop down: the log line")
    replies = send(p.ports["NOWHERE"], mail(), ["a@example.com", "b@example.com"], lmtp=True)
    t.equal([r.code // 10 for r in replies], [45, 45], "next hop down, LMTP: each has a reply")
    hop.forget()
    t.match(send(p.ports["SECOND"], mail()).text, r"^250 2\.0\.0 from MTA\(%s\)" % re.escape(hop.method), "the second of two next hops steps in")
    t.equal(len(hop.wait_mails(1)), 1, "and has it once")
    nothing_left(t, p, "next hop down")
    t.match(send(p.ports["UNKNOWNHOST"], mail(), timeout=60).text, r"^45[01] 4\.", "a next hop whose name is unknown")


def next_hop_odd(t, p, hop):
    for key, value, pattern, what in [
            (".", "452 4.3.1 disk full", r"^452 4\.3\.1 .*from MTA\(.*\): 452 4\.3\.1 disk full", "refuses for now after the data"),
            (".", "554 5.6.0 no thanks", r"^554 5\.6\.0 .*from MTA\(.*\): 554 5\.6\.0 no thanks", "refuses for good after the data"),
            (".", CLOSE, r"^4\d\d 4\.", "hangs up after the data"),
            ("DATA", "451 4.3.0 not now", r"^451 4\.3\.0 ", "refuses DATA"),
            ("MAIL", "550 5.1.8 bad sender", r"^550 5\.1\.8 .*bad sender", "refuses the sender"),
            ("CONNECT", "421 4.7.0 go away", r"^4\d\d 4\.", "greets with 421"),
            ("EHLO", Raw(b"\xff\xfe nonsense\r\n"), r"^4\d\d 4\.", "talks nonsense")]:
        hop.replies.clear()
        hop.replies[key] = value
        hop.hang_up()
        data = mail()
        t.match(send(p.port, data).text, pattern, "the next hop " + what)
        hop.replies.clear()
        hop.hang_up()
        time.sleep(1.1)     # past next_hop_retry_interval
        nothing_left(t, p, "the next hop " + what)
    hop.forget()
    t.equal(send(p.port, mail()).code, 250, "and is well again")
    t.equal(len(hop.caught), 1, "with one mail")


def work_area(t, p, hop):
    with Client(p.port) as c:
        c.hello()
        t.match(c.say("MAIL FROM:<s@example.org> SIZE=400000").text, r"^452 4\.3\.1 ", "announced size does not fit: 452 at MAIL")
        big = mail(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 6000)
        t.match(c.send_mail(big, ["rcpt@example.com"]).text, r"^452 4\.3\.1 ", "a mail that does not fit: 452 after the data")
        nothing_left(t, p, "a full work area")
        t.equal(c.send_mail(mail(), ["rcpt@example.com"]).code, 250, "the session goes on, a small mail passes")
    with Client(p.port) as first, Client(p.port) as second:
        for c in first, second:
            c.hello()
            c.envelope(["rcpt@example.com"])
            c.say("DATA")
        half = stuff(mail((b"y" * 70 + b"\r\n") * 2800))        # two of them are too much at once
        first.write(half[:-5])
        p.wait(lambda: p.status()["work_area_bytes"] > 150000, what="the first is not spooled")
        second.write(half)
        t.match(second.final().text, r"^452 4\.3\.1 ", "full through another session: 452")
        first.write(half[-5:])
        t.equal(first.final().code, 250, "that session's mail passes")
    t.equal(p.wait(lambda: p.status()["work_area_bytes"] == 0), True, "the work area is empty again, by account")
    t.ok(p.counter("work-area-full") >= 3, "and the refusals are counted")
    nothing_left(t, p, "after it")


def loops(t, p, hop):
    received = ["Received: from a by b; Sat, 21 Nov 2026 03:00:00 +0000"]
    t.equal(send(p.port, mail(headers=received * 90)).code, 250, "90 Received fields pass")
    data = mail(headers=received * 101)
    t.match(send(p.port, data).text, r"^554 5\.4\.6 ", "101 Received fields: a loop")
    t.match(line_of(p, data), r"Blocked MTA-BLOCKED \{RejectedInbound\}", "a loop: the log line")
    nothing_left(t, p, "a loop")


def client_leaves(t, p, hop):
    """A client that goes away in the middle leaves nothing behind."""
    with Client(p.port) as c:
        c.hello()
        c.envelope(["rcpt@example.com"])
        c.say("DATA")
        c.write(b"Subject: half a mail\r\n\r\n" + b"z" * 50000)
        p.wait(lambda: p.status()["work_area_bytes"] > 0, what="nothing is spooled")
    t.ok(p.wait(lambda: p.status()["work_area_bytes"] == 0), "a client that leaves in the middle: nothing is left by account")
    nothing_left(t, p, "a client that leaves in the middle")


def main():
    with Tap() as t, Catcher() as hop, Postern(t, hop, LUA, banks=BANKS) as p:
        quarantine_fails(t, p, hop)
        archive(t, p, hop)
        next_hop_down(t, p, hop)
        next_hop_odd(t, p, hop)
        work_area(t, p, hop)
        loops(t, p, hop)
        client_leaves(t, p, hop)


if __name__ == "__main__":
    main()
