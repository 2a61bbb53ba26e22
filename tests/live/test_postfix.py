#!/usr/bin/python3
"""test_postfix.py - Postern behind a real Postfix, with a real clamd and with libclamav.

Postfix runs in a folder of its own (tests/lib/postfix.py) and hands mail to Postern in the three ways that it has: content_filter over
SMTP, content_filter over LMTP, and smtpd_proxy_filter before its queue.  Mail comes back to another port of the same Postfix and goes
on to a catcher, which keeps every byte.

Postfix needs root: `tools/check` run by root starts this test as root; run by an ordinary user it is skipped, and says so."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import postfix  # noqa: E402

SERVICES = """
127.0.0.1:%(smtp)d  inet n - n - - smtpd -o content_filter=scan-smtp:[127.0.0.1]:%(filter)d
127.0.0.1:%(lmtp)d  inet n - n - - smtpd -o content_filter=scan-lmtp:inet:[127.0.0.1]:%(filter)d
127.0.0.1:%(proxy)d inet n - n - - smtpd -o smtpd_proxy_filter=[127.0.0.1]:%(before)d -o smtpd_proxy_options=
127.0.0.1:%(late)d  inet n - n - - smtpd -o content_filter=scan-smtp:[127.0.0.1]:%(elsewhere)d
127.0.0.1:%(latelmtp)d inet n - n - - smtpd -o content_filter=scan-lmtp:inet:[127.0.0.1]:%(elsewhere)d
127.0.0.1:%(back)d  inet n - n - - smtpd -o content_filter= -o smtpd_authorized_xforward_hosts=127.0.0.0/8
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
scan-smtp unix - - n - 4 smtp -o smtp_send_xforward_command=yes
scan-lmtp unix - - n - 4 lmtp -o lmtp_send_xforward_command=yes
"""

SETTINGS = """
default_transport = smtp:[127.0.0.1]:%(hop)d
smtpd_authorized_xclient_hosts = 127.0.0.0/8
"""

# Port 2 stands before the queue, where a virus can be refused; port 3 has a next hop of its own, which is down at times.
LUA = """
listen_sockets = { "127.0.0.1:%%(port)d", "127.0.0.1:%(before)d", "127.0.0.1:%(elsewhere)d" }
forward_method = "smtp:[127.0.0.1]:%(back)d"
local_domains_maps = { { ".example.com" } }
virus_lovers_maps = { { ["lover@example.com"] = true } }
policy_bank.BEFORE = { final_virus_destiny = D_REJECT }
policy_bank.ELSEWHERE = { forward_method = "%(late_method)s" }
interface_policy["%(before)d"] = "BEFORE"
interface_policy["%(elsewhere)d"] = "ELSEWHERE"
next_hop_retry_interval = 1
"""

CLIENT = "192.0.2.7"
BANK = {"smtp": "", "lmtp": "", "proxy": "BEFORE "}     # what the log line says of policy banks


def bodies():
    """Mails whose bytes below the header must arrive as they are."""
    mixed = b"".join(bytes([33 + (i * 7 + k) % 90 for k in range(i % 76)]) + b"\r\n" for i in range(1100))
    return [
        ("a plain text", b"Hello.\r\n"),
        ("8-bit text", "Grüße aus Köln, \u2019tis\r\n".encode() + bytes(range(128, 256)) + b"\r\n"),
        ("control characters", b"".join(bytes([c]) for c in range(1, 32) if c not in (10, 13)) + b"\x7f\r\n"),
        ("long lines", b"x" * 998 + b"\r\n" + b"y" * 5000 + b"\r\n" + b"z" * 100000 + b"\r\nend\r\n"),
        ("dots", b".\r\n..\r\n...\r\n.x\r\n..x\r\nx.\r\n.\r\n\r\n.\r\n"),
        ("no body", b""),
        ("empty lines at the end", b"text\r\n\r\n\r\n\r\n"),
        ("empty lines only", b"\r\n\r\n"),
        ("what looks like a header", b"From: x\r\nX-Quarantine-ID: <y>\r\n\r\nFrom the start\r\n"),
        ("2 MiB", (mixed * 60)[:2 * 1024 * 1024 - 2] + b"\r\n"),
    ]


class Stage:
    """The whole set-up with one scanner: Postfix, Postern, and the words with which a test asks them."""

    def __init__(self, t, mta, filter_, hop, ports, scanner):
        self.t, self.mta, self.filter, self.hop, self.ports, self.scanner = t, mta, filter_, hop, ports, scanner

    def send(self, way, data, recipients=("rcpt@example.com",), chunked=False):
        with Client(self.ports[way]) as c:
            c.hello()
            c.say("XCLIENT ADDR=%s NAME=client.example.net PORT=4321" % CLIENT)
            c.hello("helo.example.net")
            if not chunked:
                return c.send_mail(data, list(recipients))
            c.envelope(list(recipients))
            c.write(b"BDAT %d LAST\r\n" % len(data) + data)
            return c.read()

    def queue_ids(self, message_id):
        return re.findall(r" ([0-9A-F]+): message-id=%s$" % re.escape(message_id), self.mta.log_text(), re.M)

    def name(self, way, what):
        return "%s, %s: %s" % (self.scanner, way, what)


def message_id(data):
    return re.search(rb"Message-ID: (\S+)", data).group(1).decode()


def size_as_received(caught):
    """What Postern took, counted with line ends as one: all below the fields that Postfix and Postern have put on top."""
    fields = caught.fields()
    after = next(i for i, (name, raw) in enumerate(fields) if name == "received" and b"(postern, port" in raw) + 1
    own = ("x-virus-scanned", "x-quarantine-id", "x-amavis-alert")
    while fields[after][0] in own:
        after += 1
    data = b"".join(raw for _, raw in fields[after:]) + b"\r\n" + caught.below
    return len(data) - data.count(b"\r\n")


def check_line(s, way, data, caught):
    """The main log line of a clean mail, field by field."""
    t, mid = s.t, message_id(data)
    line = s.filter.wait_log("Passed CLEAN.*" + re.escape(mid))
    t.match(line, r"Passed CLEAN \{RelayedInbound\}, %s\[192\.0\.2\.7\](:4321)?( \[[0-9.]+\])? <sender@example\.org> -> <rcpt@example\.com>, " % BANK[way],
            s.name(way, "client, sender and recipient in the log line"))
    ids = s.queue_ids(mid)
    if way == "proxy":
        t.no_match(line, "Queue-ID", s.name(way, "no Queue-ID before the queue"))
    else:
        t.match(line, "Queue-ID: %s, " % ids[0], s.name(way, "Queue-ID is Postfix's"))
    t.match(line, r"mail_id: [A-Za-z0-9][A-Za-z0-9_+-]{10}[A-Za-z0-9], Hits: -, size: %d, queued_as: %s, \d+ ms$" % (size_as_received(caught), ids[-1]),
            s.name(way, "mail_id, size and queued_as"))
    t.equal(re.search(r"mail_id: (\S+),", line).group(1), re.search(r"id (\S+)", by_postern(caught)).group(1), s.name(way, "mail_id is that of the Received field"))


def by_postern(caught):
    return next(raw.decode() for name, raw in caught.fields() if name == "received" and b"(postern, port" in raw)


def clean_mails(s, way):
    mails = [(what, mail(body, what)) for what, body in bodies()]
    s.hop.forget()
    replies = [s.send(way, data) for _, data in mails]
    chunk = mail(b"no line end here", "by BDAT")
    replies.append(s.send(way, chunk, chunked=True))
    mails.append(("no line end at the end", chunk + b"\r\n"))
    s.t.ok(all(r.code == 250 for r in replies), s.name(way, "clean mails are taken"), [r.text for r in replies if r.code != 250])
    if way == "proxy":
        s.t.match(replies[0].text, r"^250 2\.0\.0 from MTA\(smtp:\[127\.0\.0\.1\]:%d\): 250 2\.0\.0 Ok: queued as [0-9A-F]+$" % s.ports["back"],
                  s.name(way, "the client reads the next hop's words"))
    else:
        s.mta.wait_log(r"relay=127\.0\.0\.1\[127\.0\.0\.1\]:%d.*status=sent \(250 2\.0\.0 from MTA\(smtp:\[127\.0\.0\.1\]:%d\): 250 2\.0\.0 Ok: queued as"
                       % (s.ports["filter"], s.ports["back"]))
    caught = {c.field("message-id"): c for c in s.hop.wait_mails(len(mails), 60)}
    for what, data in mails:
        got = caught.get(message_id(data))
        s.t.ok(got is not None and got.below == data.split(b"\r\n\r\n", 1)[1], s.name(way, "%s arrives byte for byte" % what),
               "not at all" if got is None else "%r ..." % got.below[:200])
    s.t.equal(len(caught), len(s.hop.caught), s.name(way, "each once"))
    first = caught[message_id(mails[0][1])]
    check_line(s, way, mails[0][1], first)
    check_line(s, way, mails[-2][1], caught[message_id(mails[-2][1])])
    s.t.equal(first.names()[-5:], ["from", "to", "subject", "date", "message-id"], s.name(way, "the mail's own fields in their order"))
    s.t.equal(first.field("x-virus-scanned"), "postern at example.com", s.name(way, "X-Virus-Scanned"))
    s.t.ok(s.mta.wait_empty(), s.name(way, "Postfix's queue is empty"), s.mta.queue())


def quarantine_of(s, data):
    line = s.filter.wait_log("Blocked INFECTED.*" + re.escape(message_id(data)))
    mail_id = re.search(r"mail_id: (\S+),", line).group(1)
    return line, mail_id, [p for p in s.filter.quarantined() if os.path.basename(p) == "virus-" + mail_id]


def infected_mail(s, way):
    """Refused before the queue, discarded behind it; in both cases it lies in quarantine with the right fields."""
    t, data = s.t, eicar_mail("infected over %s" % way)
    s.hop.forget()
    reply = s.send(way, data)
    line, mail_id, files = quarantine_of(s, data)
    if way == "proxy":
        t.match(reply.text, r"^554 5\.7\.0 Reject, id=\S+ - INFECTED: Eicar-Test-Signature", s.name(way, "the client is refused"))
    else:
        t.equal(reply.code, 250, s.name(way, "Postfix takes it"))
        s.mta.wait_log(r"to=<rcpt@example\.com>.*dsn=2\.7\.0, status=sent \(250 2\.7\.0 Ok, discarded, id=\S+ - INFECTED: Eicar")
    t.match(line, r"Blocked INFECTED \(Eicar-Test-Signature[^)]*\) \{%sInbound,Quarantined\}, %s\[192\.0\.2\.7\].* quarantine: virus-%s, "
            % ("Rejected" if way == "proxy" else "Discarded", BANK[way], mail_id), s.name(way, "the log line of a virus"))
    if way != "proxy":
        t.match(line, "Queue-ID: %s, " % s.queue_ids(message_id(data))[0], s.name(way, "with Postfix's Queue-ID"))
    t.no_match(line, "queued_as", s.name(way, "not queued anywhere"))
    t.equal(len(files), 1, s.name(way, "one quarantined copy"))
    check_quarantined(s, way, data, files[0], mail_id)
    t.ok(s.mta.wait_empty(), s.name(way, "nothing of it in Postfix's queue"), s.mta.queue())
    t.equal(len(s.hop.caught), 0, s.name(way, "nothing of it at the catcher"))


def check_quarantined(s, way, data, path, mail_id):
    with open(path, "rb") as f:
        kept = f.read()
    header, body = kept.split(b"\n\n", 1)
    added = header[:header.index(b"\nReceived: from helo.example.net ")].decode()     # Postfix's field, the first of the mail itself
    wanted = ["Return-Path: <sender@example.org>", "Delivered-To: virus-quarantine", "X-Envelope-From: <sender@example.org>",
              "X-Envelope-To: <rcpt@example.com>", "X-Envelope-To-Blocked: <rcpt@example.com>", "X-Quarantine-ID: <%s>" % mail_id]
    s.t.equal(added.split("\n")[:6], wanted, s.name(way, "fields on top of the quarantined copy"))
    s.t.match(added, r"^X-Amavis-Alert: INFECTED, message contains virus:\s+Eicar-Test-Signature", s.name(way, "X-Amavis-Alert in it"))
    s.t.ok(b"\r" not in kept and body == data.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n"), s.name(way, "the virus in it, LF line ends"))
    s.t.equal(os.stat(path).st_mode & 0o777, 0o640, s.name(way, "mode of the copy"))


def three_recipients(s, way):
    t, data = s.t, mail(b"to three\r\n")
    s.hop.forget()
    s.send(way, data, ["a@example.com", "b@example.com", "c@example.net"])
    line = s.filter.wait_log("Passed CLEAN.*" + re.escape(message_id(data)))
    t.match(line, r"\{RelayedInbound,RelayedOpenRelay\}, .*-> (<a@example\.com>,<b@example\.com>,<c@example\.net>), ", s.name(way, "three recipients in one log line"))
    s.mta.wait_empty()
    got = sorted(r for c in s.hop.wait_mails(1) for r in c.recipients)
    t.equal(got, ["a@example.com", "b@example.com", "c@example.net"], s.name(way, "each of three recipients has it once"))


def infected_for_a_lover(s, way):
    """One of two wants viruses.  Before the queue there is but one reply for both."""
    t, data = s.t, eicar_mail("for a lover")
    s.hop.forget()
    reply = s.send(way, data, ["rcpt@example.com", "lover@example.com"])
    caught = s.hop.wait_mails(1)
    t.equal([r for c in caught for r in c.recipients], ["lover@example.com"], s.name(way, "only who loves viruses gets one"))
    t.match(caught[0].field("x-amavis-alert") if caught else "", "^INFECTED, message contains virus: Eicar-Test-Signature", s.name(way, "with a warning on top"))
    if way == "proxy":
        t.match(reply.text, r"^250 2\.0\.0 from MTA.*, but 1 REJECT$", s.name(way, "one reply for both"))
    s.filter.wait_log(r"Passed INFECTED.*-> <lover@example\.com>.*" + re.escape(message_id(data)))
    line, mail_id, files = quarantine_of(s, data)
    t.match(line, r"-> <rcpt@example\.com>, ", s.name(way, "a log line for each fate"))
    t.equal(len(files), 1, s.name(way, "one quarantined copy for both"))
    t.ok(mail_id and s.mta.wait_empty(), s.name(way, "Postfix's queue is empty again"))


def next_hop_down(s, way, late):
    """Postern has nobody to hand it to: Postfix keeps it and delivers it once, later."""
    t, data = s.t, mail(b"patience\r\n")
    late.down()
    late.forget()
    t.equal(s.send(way, data).code, 250, s.name(way, "Postfix takes it while the next hop is down"))
    mid = message_id(data)
    s.mta.wait_log(r"%s: to=.*status=deferred \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 45[01] 4\." % wait_queue_id(s, mid))
    t.ok(s.mta.queue(), s.name(way, "it is in Postfix's queue"))
    t.match(s.filter.wait_log(re.escape(mid)), r"Blocked MTA-BLOCKED \{TempFailedInbound\}", s.name(way, "the log says that it waits"))
    late.up()
    s.mta.flush()
    t.ok(s.mta.wait_empty(60), s.name(way, "it leaves the queue when the next hop is there again"), s.mta.log_text()[-1500:])
    t.equal([c.below for c in late.caught], [b"patience\r\n"], s.name(way, "and has been delivered once"))
    t.match(s.filter.wait_log("Passed CLEAN.*" + re.escape(mid)), "queued_as: FAKE", s.name(way, "the log says so"))


def wait_queue_id(s, mid):
    s.mta.wait_log("message-id=" + re.escape(mid))
    return s.queue_ids(mid)[0]


def leaves_queue(s, tries=30):
    """Postfix tries again and again: what comes within a probe interval of the scanner waits once more."""
    for _ in range(tries):
        s.mta.flush()
        if s.mta.wait_empty(2):
            return True
    return False


def scanner_down(s, way, clamd):
    """The scanner is gone: Postfix keeps the mail, and has it scanned once the scanner is back."""
    t, data, virus = s.t, mail(b"unscanned\r\n"), eicar_mail("unscanned virus")
    s.hop.forget()
    clamd.stop()
    t.equal([s.send(way, data).code, s.send(way, virus).code], [250, 250], s.name(way, "Postfix takes mails while clamd is down"))
    for one in data, virus:
        s.mta.wait_log(r"%s: to=.*status=deferred \(.* said: 451 4\.5\.0 Error in processing, id=" % wait_queue_id(s, message_id(one)))
    t.equal(s.hop.caught, [], s.name(way, "nothing passes unscanned"))
    clamd.start()
    t.ok(leaves_queue(s), s.name(way, "both leave the queue when clamd is back"), s.mta.log_text()[-1500:])
    t.equal([c.below for c in s.hop.wait_mails(1)], [b"unscanned\r\n"], s.name(way, "the clean one has arrived once"))
    t.equal(len(quarantine_of(s, virus)[2]), 1, s.name(way, "the virus lies in quarantine"))


def with_scanner(t, mta, hop, late, ports, scanner, lua, clamd=None):
    values = dict(ports, late_method=late.method)
    with Postern(t, "smtp:[127.0.0.1]:%d" % ports["back"], lua=LUA % values, scanners=lua, port=ports["filter"], name="posternd with " + scanner) as filter_:
        s = Stage(t, mta, filter_, hop, ports, scanner)
        for way in "smtp", "lmtp", "proxy":
            clean_mails(s, way)
            infected_mail(s, way)
            three_recipients(s, way)
            infected_for_a_lover(s, way)
        next_hop_down(s, "late", late)
        next_hop_down(s, "latelmtp", late)
        if clamd:
            scanner_down(s, "smtp", clamd)
        t.equal(filter_.temp_files(), [], s.name("all", "nothing is left in the work area"))


def main():
    if postfix.why_not():
        skip_all(postfix.why_not())
    if not clamd_program():
        skip_all("clamd is not installed")
    names = ("smtp", "lmtp", "proxy", "late", "latelmtp", "back", "filter", "before", "elsewhere")
    ports = {name: free_port() for name in names}
    with Tap() as t, Folder() as folder, Catcher() as hop, Catcher() as late, Clamd(folder.path) as clamd:
        with postfix.Postfix(folder.join("postfix"), SERVICES % ports, SETTINGS % {"hop": hop.port}) as mta:
            with_scanner(t, mta, hop, late, ports, "clamd", 'clamd { socket = "%s" }' % clamd.socket, clamd)
            with_scanner(t, mta, hop, late, ports, "clamd over TCP", 'clamd { socket = "127.0.0.1:%d" }' % clamd.port)
            with_scanner(t, mta, hop, late, ports, "libclamav", None)


if __name__ == "__main__":
    main()
