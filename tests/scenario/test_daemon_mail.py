#!/usr/bin/python3
"""test_daemon_mail.py - what happens to the bytes of a mail on its way through: nothing below the header, nothing to fields that no
setting names; own fields on top; forged own ones taken out; and over Unix sockets, SMTP and LMTP, in and out."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

# Header tests and repairs are told of in test_daemon_banned.py.
LUA = """
bypass_header_checks_maps = { true }
allow_fixing_improper_header = false
undecipherable_subject_tag = undef
local_domains_maps = { { ".example.com" } }
listen_sockets = { "127.0.0.1:%(port)d", "%(run)s/smtp", "%(run)s/lmtp" }
unix_socket_mode = tonumber("666", 8)
policy_bank.SPEAKSLMTP = { protocol = "LMTP" }
policy_bank.VIALMTP = { forward_method = "lmtp:%(folder)s/hop" }
policy_bank.UNTAGGED = { X_HEADER_TAG = undef }
policy_bank.CLEANS = { remove_existing_x_scanned_headers = true }
interface_policy["%(run)s/lmtp"] = "SPEAKSLMTP,VIALMTP"
client_ipaddr_policy = { { { "192.0.2.1" }, "VIALMTP" }, { { "192.0.2.2" }, "UNTAGGED" }, { { "192.0.2.3" }, "CLEANS" } }
"""

ODD_HEADER = b"".join([
    b"Received: from somewhere\r\n\tby elsewhere;\r\n  Sat, 21 Nov 2026 03:00:00 +0000\r\n",
    b"X-Empty:\r\n",
    b"X-Blank: \t \r\n",
    b"subject:no blank behind the colon\r\n",
    b"SUBJECT: a second one\r\n",
    b"X-Folded: one\r\n two\r\n\tthree\r\n",
    b"X-8bit: Gr\xc3\xbc\xc3\x9fe \xe4\xf6\xfc\r\n",
    b"X-Blank-Before-Colon : kept\r\n",
    b"X-Long: " + b"a" * 3000 + b"\r\n",
    b"From: =?utf-8?q?S=C3=A9nder?= <sender@example.org>\r\n",
    b"To: rcpt@example.com,\r\n  other@example.com\r\n",
    b"X-Control: \x01\x02\x7f\r\n",
    b"Message-ID: <odd@example.org>\r\n",
    b"X-Spam-Status: Yes, score=5\r\n",
    b"Dkim-Signature: v=1;\r\n\ta=rsa-sha256; b=abc\r\n",
    b"X-Quarantine-Id-Not: this is another field\r\n",
])


def through(t, p, hop, data, what, address=None, recipients=("rcpt@example.com",), to=None, lmtp=False):
    hop.forget()
    reply = send(to or p.port, data, recipients, lmtp=lmtp, xforward={"ADDR": address} if address else None)
    reply = reply[0] if lmtp else reply
    t.equal(reply.code, 250, what + ": taken")
    caught = hop.wait_mails(1)
    return caught[0] if caught else None


def odd_header(t, p, hop):
    body = b"..\r\n.\r\n\x80\xff\r\n"
    caught = through(t, p, hop, ODD_HEADER + b"\r\n" + body, "an odd header")
    t.ok(caught.body.endswith(ODD_HEADER + b"\r\n" + body), "an odd header: all its bytes in their order", caught.body)
    top = caught.body[:-len(ODD_HEADER + b"\r\n" + body)]
    t.equal([name for name, _ in split_fields(top)], ["received", "x-virus-scanned"], "an odd header: two fields on top of it")
    t.match(top.decode(), r"\AReceived: from client\.example \(\[127\.0\.0\.1\]\)\r\n by localhost \(filter\.example\.com \[127\.0\.0\.1\]\) "
            r"\(postern, port %d\)\r\n with ESMTP id [A-Za-z0-9_+-]{12}\r\n for <rcpt@example\.com>; \w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n" % p.port,
            "the Received field")
    for what, data in [("no header", b"\r\njust a body\r\n"), ("no body", b"Subject: x\r\n"), ("no empty line", b"Subject: x\r\nnot a field\r\nmore\r\n"),
                       ("nothing at all", b""), ("a line of mbox first", b"From sender Sat Nov 21\r\nSubject: x\r\n\r\nbody\r\n")]:
        caught = through(t, p, hop, data, what)
        t.ok(caught is not None and caught.body.endswith(data), what + ": kept as it is", caught and caught.body)


def forged(t, p, hop):
    forged_fields = [b"X-Amavis-Alert: INFECTED, not at all\r\n", b"x-amavis-hold: nothing\r\n", b"X-QUARANTINE-ID: <forged>\r\n",
                     b"X-Amavis-Alert : blank\r\n\tand folded\r\n"]
    kept = [b"Subject: forged\r\n", b"X-Amavis-Other: stays\r\n", b"X-Virus-Scanned: by someone else\r\n", b"From: a@b\r\n"]
    data = forged_fields[0] + kept[0] + forged_fields[1] + kept[1] + forged_fields[2] + kept[2] + forged_fields[3] + kept[3] + b"\r\nX-Amavis-Alert: in the body\r\n"
    caught = through(t, p, hop, data, "forged fields")
    wanted = b"".join(kept) + b"\r\nX-Amavis-Alert: in the body\r\n"
    t.ok(caught.body.endswith(wanted), "forged fields: what is ours alone is taken out, the rest stays", caught.body)
    t.no_match(caught.header.decode(), "(?i)X-Amavis-(Alert|Hold)|X-Quarantine-ID", "forged fields: none is left")
    caught = through(t, p, hop, data, "to a recipient elsewhere", recipients=["x@example.net"])
    t.no_match(caught.header.decode(), "(?i)X-Amavis-(Alert|Hold)|X-Quarantine-ID|postern at", "to a recipient elsewhere: taken out, nothing added")
    caught = through(t, p, hop, data, "remove_existing_x_scanned_headers", "192.0.2.3")
    t.equal([raw for name, raw in caught.fields() if name == "x-virus-scanned"], [b"X-Virus-Scanned: postern at example.com\r\n"],
            "remove_existing_x_scanned_headers: only our own is left")
    caught = through(t, p, hop, mail(), "X_HEADER_TAG = undef", "192.0.2.2")
    t.equal(caught.field("x-virus-scanned"), None, "X_HEADER_TAG = undef: no such field")


def bare_newlines(t, p, hop):
    """The one change that the bytes below the header may see."""
    with Client(p.port) as c:
        c.hello()
        c.envelope(["rcpt@example.com"])
        c.say("DATA")
        hop.forget()
        c.write(b"Subject: x\r\n\r\none\ntwo\rthree\r\nfour\n.\nfive\r.\rsix\r\n.\r\n")
        t.equal(c.final().code, 250, "bare CR and LF: taken as one mail")
        t.equal(hop.last().below, b"one\r\ntwo\r\nthree\r\nfour\r\n.\r\nfive\r\n.\r\nsix\r\n", "bare CR and LF: passed on as CRLF, dots stuffed")
        t.equal(len(hop.caught), 1, "bare CR and LF: one mail at the next hop")


def sockets(t, p, hop, unix_hop):
    run = p.values["run"]
    caught = through(t, p, hop, mail(b"by unix\r\n"), "SMTP over a Unix socket", to=run + "/smtp")
    t.equal(caught.below, b"by unix\r\n", "SMTP over a Unix socket: arrives")
    t.match(caught.header.decode(), r"\(postern, unix socket\)\r\n with ESMTP id", "SMTP over a Unix socket: the Received field says so")
    caught = through(t, p, unix_hop, mail(b"by lmtp\r\n"), "LMTP from Unix socket to Unix socket", to=run + "/lmtp", lmtp=True)
    t.equal(caught.below, b"by lmtp\r\n", "LMTP from Unix socket to Unix socket: arrives")
    t.match(caught.header.decode(), r"with LMTP id", "LMTP from Unix socket to Unix socket: the Received field says so")
    t.match(send(p.port, mail(), xforward={"ADDR": "192.0.2.1"}).text, r"^250 2\.\d\.\d from MTA\(lmtp:.*/hop\): 250 2\.1\.5 <rcpt@example\.com> Ok: queued as FAKE",
            "from SMTP to LMTP: the next hop's reply")
    unix_hop.replies[".:<b@example.com>"] = "550 5.2.2 mailbox full"
    replies = send(run + "/lmtp", mail(), ["a@example.com", "b@example.com"], lmtp=True)
    t.match(replies[0].text, "^250 2", "LMTP in and out: one is taken")
    t.match(replies[1].text, "^550 5\\.2\\.2 .*mailbox full", "LMTP in and out: one is refused")
    unix_hop.forget()
    data = mail()
    tries = [send(p.port, data, ["a@example.com", "b@example.com"], xforward={"ADDR": "192.0.2.1"}).text for _ in range(2)]
    t.match(tries[0], "^451 4\\.5\\.0 .*1 of 2 recipients have it", "SMTP in, LMTP out: one reply cannot say that one has it and one never will")
    t.match(tries[1], "^550 5\\.2\\.2 .*mailbox full", "SMTP in, LMTP out: the second try learns of the refusal")
    t.equal([c.recipients for c in unix_hop.caught], [["a@example.com", "b@example.com"], ["b@example.com"]], "SMTP in, LMTP out: who has it is not asked again")
    t.equal(os.stat(run + "/smtp").st_mode & 0o777, 0o666, "unix_socket_mode")


def handed_on(t, p, hop):
    """Envelope parameters, 8BITMIME, SMTPUTF8, DSN and XFORWARD go on to the next hop."""
    hop.forget()
    with Client(p.port) as c:
        c.hello("helo.example.net")
        t.ok(c.xforward(NAME="mail.example.net", ADDR="198.51.100.7", PORT="4711", HELO="helo.example.net", IDENT="QUEUE12345", SOURCE="REMOTE", PROTO="ESMTP"), "XFORWARD is taken")
        c.say("MAIL FROM:<sender@example.org> BODY=8BITMIME RET=HDRS ENVID=abc+2Bdef")
        c.say("RCPT TO:<rcpt@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;orig+2Brcpt@example.com")
        t.equal(c.data(mail("grün\r\n".encode())).code, 250, "parameters: taken")
    caught = hop.last()
    t.match(caught.mail_line, r"BODY=8BITMIME", "parameters: 8BITMIME")
    t.match(caught.mail_line, r"RET=HDRS.*ENVID=abc\+2Bdef|ENVID=abc\+2Bdef.*RET=HDRS", "parameters: RET and ENVID")
    t.match(caught.rcpt_lines[0], r"NOTIFY=FAILURE,DELAY", "parameters: NOTIFY")
    t.match(caught.rcpt_lines[0], r"ORCPT=rfc822;orig\+2Brcpt@example\.com", "parameters: ORCPT")
    seen = hop.xforward()
    wanted = {"NAME": "mail.example.net", "ADDR": "198.51.100.7", "PORT": "4711", "HELO": "helo.example.net", "SOURCE": "REMOTE", "PROTO": "ESMTP"}
    t.equal({k: seen.get(k) for k in wanted}, wanted, "parameters: XFORWARD goes on")
    t.match(p.wait_log("QUEUE12345"), r", \[198\.51\.100\.7\]:4711 .*, Queue-ID: QUEUE12345, Message-ID: ", "the log line has client, port and Queue-ID")
    hop.forget()
    reply = send(p.port, mail(), ["r\u00e9cipient@example.com"], "s\u00e9nder@example.org", mail_options="SMTPUTF8")
    t.equal(reply.code, 250, "SMTPUTF8: taken")
    t.match(hop.last().mail_line, "SMTPUTF8", "SMTPUTF8: handed on")
    t.equal(hop.last().recipients, ["r\u00e9cipient@example.com"], "SMTPUTF8: the address as it is")


def main():
    with Tap() as t, Folder() as folder, Catcher() as hop, Catcher(lmtp=True, path=folder.join("hop")) as unix_hop:
        with Postern(t, hop, LUA, folder=folder) as p:
            odd_header(t, p, hop)
            forged(t, p, hop)
            bare_newlines(t, p, hop)
            sockets(t, p, hop, unix_hop)
            handed_on(t, p, hop)
            t.equal(p.temp_files(), [], "nothing is left in the work area")


if __name__ == "__main__":
    main()
