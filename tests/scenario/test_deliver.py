#!/usr/bin/python3
"""The next-hop client against scripted servers: what goes over the wire, and what becomes of each recipient."""
import os
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("POSTERN_SOURCE", "."), "tests/scenario"))
import tap
from fake_next_hop import ALL_OFFERS, CLOSE, HANG, RESET, Delay, FakeNextHop, Raw, Slow, Then

PROBE = os.path.join(os.environ.get("POSTERN_BUILD", "."), "tests/scenario/deliver_probe")
HERE = tempfile.TemporaryDirectory(prefix="deliver-")
SMALL = b"Received: from a\r\n\tby b\r\nSubject: hello\r\n\r\nbody\r\n.\r\n.dot\r\nend\r\n"
hops = []


def new_hop(**options):
    hop = FakeNextHop(**options)
    hops.append(hop)
    return hop


def dead_method():
    """A port on which nobody listens."""
    hop = FakeNextHop()
    hop.stop()
    return hop.method


class Outcome:
    def __init__(self):
        self.committed = []       # (indices, reply)
        self.results = {}         # index -> (code, queued_as, next hop, reply)
        self.order = []           # kinds of lines as they came
        self.ms = None

    def code(self, index=0):
        return self.results[index][0]

    def reply(self, index=0):
        return self.results[index][3]


class Probe:
    def __init__(self, pass_fds=()):
        self.process = subprocess.Popen([PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=pass_fds,
                                        stderr=subprocess.PIPE)
        self.errors = []
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        for line in self.process.stderr:
            self.errors.append(line.decode("utf-8", "replace"))

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def go(self, *methods, mail=SMALL, rcpt=("r@example.com",), **options):
        path = os.path.join(HERE.name, "mail")
        with open(path, "wb") as out:
            out.write(mail)
        for key, value in options.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                self.say("%s %s" % (key.replace("__", "."), one))
        for one in methods:
            self.say("method " + one)
        for one in rcpt:
            self.say("rcpt " + one)
        self.say("mail " + path)
        self.say("go")
        return self.outcome()

    def outcome(self):
        out = Outcome()
        while True:
            line = self.process.stdout.readline().decode().rstrip("\n")
            if not line:
                raise AssertionError("the probe died:\n" + "".join(self.errors))
            fields = line.split("\t")
            out.order.append(fields[0])
            if fields[0] == "committed":
                out.committed.append(([int(i) for i in fields[1].split(",")], fields[2]))
            elif fields[0] == "result":
                out.results[int(fields[1])] = (int(fields[2]), None if fields[3] == "-" else fields[3],
                                               None if fields[4] == "-" else fields[4], fields[5])
            else:
                out.ms = int(fields[1])
                return out

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(20)
        for hop in hops:
            hop.stop()
        hops.clear()
        assert code == 0, "probe ended with %d:\n%s" % (code, "".join(self.errors))


def once(*methods, **options):
    probe = Probe()
    out = probe.go(*methods, **options)
    probe.end()
    return out


def equal(got, wanted):
    assert got == wanted, "got %r, wanted %r" % (got, wanted)


# ---- the plain way ----

def test_one_mail_pipelined():
    hop = new_hop()
    out = once(hop.method)
    equal(out.results[0], (250, "FAKE0001", hop.method, "250 2.0.0 from MTA(%s): 250 2.0.0 Ok: queued as FAKE0001" % hop.method))
    equal(out.committed, [([0], out.reply())])
    equal(out.order, ["committed", "result", "done"])
    equal(hop.mails[0].raw, SMALL.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    equal(hop.mails[0].body, SMALL)
    equal(hop.sessions[0].commands[0], "EHLO probe.example")
    # XFORWARD, MAIL, RCPT and DATA travel together, and the body with its dot in one piece
    envelope = [c for c in hop.sessions[0].chunks if b"MAIL FROM" in c][0]
    assert envelope.endswith(b"RCPT TO:<r@example.com>\r\nDATA\r\n"), envelope
    assert envelope.startswith(b"XFORWARD "), envelope
    assert hop.mails[0].raw in hop.sessions[0].chunks


def test_without_pipelining():
    hop = new_hop(offers=["8BITMIME"])
    out = once(hop.method, rcpt=("a@x", "b@x"))
    equal([out.code(0), out.code(1)], [250, 250])
    equal(out.committed[0][0], [0, 1])
    for chunk in hop.sessions[0].chunks[:-1]:
        equal(chunk.count(b"\r\n"), 1)
    equal(hop.mails[0].recipients, ["a@x", "b@x"])


def test_helo_where_ehlo_is_refused():
    hop = new_hop(replies={"EHLO": "502 5.5.1 what?"})
    out = once(hop.method)
    equal(out.code(), 250)
    equal(hop.sessions[0].commands[:3], ["EHLO probe.example", "HELO probe.example", "MAIL FROM:<sender@example.org>"])


def test_edits_and_size():
    hop = new_hop()
    once(hop.method, prepend=["X-One: 1", "X-Two: 2"], remove="received", mail=SMALL[:-2])
    wanted = b"X-Two: 2\r\nX-One: 1\r\n" + SMALL[SMALL.index(b"Subject"):]
    equal(hop.mails[0].body, wanted)
    # the line end that the mail lacks comes with the dot
    assert " SIZE=%d" % (len(wanted) - 2) in hop.mails[0].mail_line, hop.mails[0].mail_line


def test_empty_mail_and_null_sender():
    hop = new_hop()
    out = once(hop.method, mail=b"", sender="")
    equal(out.code(), 250)
    equal(hop.mails[0].raw, b".\r\n")
    assert hop.mails[0].mail_line.startswith("MAIL FROM:<> "), hop.mails[0].mail_line


def test_unix_socket_and_star():
    unix = new_hop(path=os.path.join(HERE.name, "sock"))
    star = new_hop()
    probe = Probe()
    equal(probe.go(unix.method).results[0][2], "smtp:" + os.path.join(HERE.name, "sock"))
    out = probe.go("smtp:*:*", socket="127.0.0.1:%d" % (star.port - 1))
    equal(out.results[0][2], star.method)
    out = probe.go("smtp:*:*", socket="/run/x.sock")
    equal(out.reply(), "451 4.3.5 No usable next hop is configured")
    probe.end()


def test_big_mails():
    line = b"0123456789" * 7 + b"\r\n"
    mail = b"Subject: big\r\n\r\n" + line * 300000 + b".\r\n" + line * 3 + b"..\r\n"
    hop = new_hop(keep_bytes=False)
    out = once(hop.method, mail=mail)
    equal(out.code(), 250)
    assert hop.mails[0].body == mail
    print("# %d MiB in %d ms" % (len(mail) >> 20, out.ms))


def test_mail_sizes_around_blocks():
    hop = new_hop()
    probe = Probe()
    for size in [65530, 65535, 65536, 65537, 131071, 131072, 131073, 196608]:
        for end in [b"", b"\r\n", b"\r\n."]:
            mail = (b"A: b\r\n\r\n" + b"x" * size)[:size - len(end)] + end
            equal(probe.go(hop.method, mail=mail).code(), 250)
            assert hop.mails[-1].body == (mail if mail.endswith(b"\r\n") else mail + b"\r\n"), (size, end)
    equal(len(hop.sessions), 1)
    probe.end()


def test_thousands_of_recipients():
    hop = new_hop()
    out = once(hop.method, rcpt=["r%d@example.com" % i for i in range(3000)])
    equal(len(hop.mails[0].recipients), 3000)
    equal(out.committed[0][0], list(range(3000)))


# ---- answers ----

def test_some_recipients_refused():
    hop = new_hop(replies={"RCPT:<b@x>": "550 5.1.1 <b@x>: unknown", "RCPT:<c@x>": "450 4.2.0 greylisted"})
    out = once(hop.method, rcpt=("a@x", "b@x", "c@x", "d@x"))
    equal([out.code(i) for i in range(4)], [250, 550, 450, 250])
    equal(out.reply(1), "550 5.1.1 from MTA(%s): 550 5.1.1 <b@x>: unknown" % hop.method)
    equal(out.committed[0][0], [0, 3])
    equal(hop.mails[0].recipients, ["a@x", "d@x"])


def test_all_recipients_refused():
    hop = new_hop(replies={"RCPT": "550 5.1.1 unknown", "DATA-EMPTY": ["554 5.5.1 no valid recipients", "354 go ahead"]})
    probe = Probe()
    equal(probe.go(hop.method).code(), 550)
    out = probe.go(hop.method)           # this one says 354: no dot may follow
    equal(out.code(), 550)
    equal(out.committed, [])
    assert hop.wait(lambda: hop.sessions[0].closed)
    assert not hop.sessions[0].received.endswith(b".\r\n")
    equal(hop.mails, [])
    equal(hop.sessions[0].commands.count("RSET"), 1)
    probe.end()


def test_mail_refused():
    hop = new_hop(replies={"MAIL": ["550 5.1.8 sender unknown", None]})
    probe = Probe()
    out = probe.go(hop.method, dead_method(), rcpt=("a@x", "b@x"))
    equal([out.code(0), out.code(1)], [550, 550])
    equal(probe.go(hop.method).code(), 250)      # the same connection, reset
    equal(len(hop.sessions), 1)
    assert "RSET" in hop.sessions[0].commands
    probe.end()


def test_data_refused():
    for code in (451, 554):
        hop = new_hop(replies={"DATA": "%d too much" % code})
        out = once(hop.method, rcpt=("a@x", "b@x"))
        equal([out.code(0), out.code(1)], [code, code])
        equal(out.reply(), "%d %d.5.0 from MTA(%s): %d too much" % (code, code // 100, hop.method, code))
        equal(out.committed, [])


def test_final_dot_refused():
    hop = new_hop(replies={".": "554-5.7.1 virus\n554 5.7.1 found"})
    out = once(hop.method)
    equal(out.reply(), "554 5.7.1 from MTA(%s): 554 5.7.1 virus found" % hop.method)
    equal(out.committed, [])


def test_452_splits_the_transaction():
    taken = []

    def two_each(session, line):
        taken.append(line)
        if len(session.current.recipients) >= 2:
            return "452 4.5.3 too many recipients"
        return None
    hop = new_hop(replies={"RCPT": two_each})
    out = once(hop.method, rcpt=["r%d@x" % i for i in range(5)])
    equal([out.code(i) for i in range(5)], [250] * 5)
    equal([c[0] for c in out.committed], [[0, 1], [2, 3], [4]])
    equal([m.recipients for m in hop.mails], [["r0@x", "r1@x"], ["r2@x", "r3@x"], ["r4@x"]])
    equal(out.results[4][1], "FAKE0003")
    equal(len(hop.sessions), 1)


def test_452_to_all_is_an_answer():
    hop = new_hop(replies={"RCPT": "452 4.2.2 mailbox full"})
    out = once(hop.method, rcpt=("a@x", "b@x"))
    equal([out.code(0), out.code(1)], [452, 452])


def test_lmtp_answers_each():
    hop = new_hop(lmtp=True, replies={"RCPT:<b@x>": "550 5.1.1 no", ".:<c@x>": "452 4.2.2 full"})
    out = once(hop.method, rcpt=("a@x", "b@x", "c@x", "d@x"))
    equal([out.code(i) for i in range(4)], [250, 550, 452, 250])
    equal([c[0] for c in out.committed], [[0], [3]])
    equal(hop.sessions[0].commands[0], "LHLO probe.example")
    assert "queued as" in out.reply(3)


def test_lmtp_commits_as_it_reads():
    hop = new_hop(lmtp=True, replies={".:<b@x>": CLOSE})
    out = once(hop.method, rcpt=("a@x", "b@x", "c@x"))
    equal([out.code(i) for i in range(3)], [250, 451, 451])
    equal([c[0] for c in out.committed], [[0]])
    assert "unknown whether" in out.reply(1), out.reply(1)


# ---- failover ----

def test_next_hop_down():
    method = dead_method()
    out = once(method)
    equal(out.code(), 451)
    assert out.reply().startswith("451 4.4.1 Can't connect to %s: " % method), out.reply()
    assert "refused" in out.reply(), out.reply()


def test_failover_and_memory():
    dead, hop = dead_method(), new_hop()
    port = int(dead.rsplit(":", 1)[1])
    probe = Probe()
    equal(probe.go(dead, hop.method, retry_ms=1500).results[0][2], hop.method)
    alive = new_hop(port=port)
    equal(probe.go(dead, hop.method).results[0][2], hop.method)      # remembered
    equal(probe.go(dead).results[0][2], alive.method)                # but tried where it is the only one
    equal(probe.go(dead, hop.method).results[0][2], alive.method)    # which has made it good again
    probe.end()


def test_all_dead_are_tried():
    one, two = dead_method(), dead_method()
    probe = Probe()
    equal(probe.go(one, two).code(), 451)
    hop = new_hop(port=int(two.rsplit(":", 1)[1]))
    equal(probe.go(one, two).results[0][2], hop.method)
    probe.end()


def test_failures_that_lead_to_the_next():
    for replies in ({"CONNECT": "421 4.3.2 busy"}, {"CONNECT": "554 5.7.1 no"}, {"EHLO": "421 4.3.2 no"}, {"MAIL": "421 4.3.2 no"},
                    {"MAIL": "451 4.3.0 later"}, {"CONNECT": CLOSE}, {"MAIL": CLOSE}, {"EHLO": RESET}, {"RCPT": "421 4.3.2 no"},
                    {"CONNECT": "garbage"}, {"MAIL": "354 what"}, {"DATA": "250 what"}, {"DATA": CLOSE},
                    {"EHLO": Raw(b"250" + b"x" * 10000)}):
        bad, good = new_hop(replies=replies), new_hop()
        out = once(bad.method, good.method)
        equal((replies, out.code(), out.results[0][2]), (replies, 250, good.method))
        equal(len(out.committed), 1)


def test_what_is_told_when_none_is_left():
    for replies, wanted in (({"CONNECT": "421 4.3.2 busy"}, "451 4.3.0 from MTA(%s): greeting: refused: 421 4.3.2 busy"),
                            ({"CONNECT": "554 5.7.1 no"}, "451 4.3.0 from MTA(%s): greeting: refused: 554 5.7.1 no"),
                            ({"MAIL": "451 4.3.0 later"}, "451 4.3.0 from MTA(%s): 451 4.3.0 later"),
                            ({"MAIL": "421 4.3.2 busy"}, "451 4.3.2 from MTA(%s): 421 4.3.2 busy"),
                            ({"DATA": "421 busy"}, "451 4.4.2 from MTA(%s): 421 busy"),
                            ({".": "421 4.3.2 busy"}, "451 4.3.2 from MTA(%s): 421 4.3.2 busy"),
                            ({"MAIL": CLOSE}, "451 4.4.2 from MTA(%s): MAIL: connection lost"),
                            ({"MAIL": Raw(b"\x00\xff\r\n")}, "451 4.4.2 from MTA(%s): MAIL: not an SMTP reply"),
                            ({"MAIL": Raw(b"250-a\r\n" * 1000)}, "451 4.4.2 from MTA(%s): MAIL: not an SMTP reply"),
                            ({"CONNECT": CLOSE}, "451 4.4.2 from MTA(%s): greeting: connection lost")):
        hop = new_hop(replies=replies)
        equal(once(hop.method).reply(), wanted % hop.method)


def test_lost_within_the_body_goes_to_the_next():
    mail = b"A: b\r\n\r\n" + b"x" * 70 + b"\r\n" * 4000000
    bad, good = new_hop(replies={"BODY": CLOSE}, keep_bytes=False), new_hop(keep_bytes=False)
    out = once(bad.method, good.method, mail=mail)
    equal((out.code(), out.results[0][2]), (250, good.method))
    equal(len(bad.mails), 0)


def test_lost_after_the_dot_goes_nowhere():
    for last in (CLOSE, RESET, "354 what", Raw(b"?\r\n"), Raw(b"250")):
        bad, good = new_hop(replies={".": Then(last, CLOSE)}), new_hop()
        out = once(bad.method, good.method)
        equal(out.code(), 451)
        equal(out.committed, [])
        equal(len(good.sessions), 0)


def test_early_refusal_of_the_body():
    mail = b"A: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * 100000
    hop = new_hop(replies={"BODY": Delay(0.1, Then("552 5.3.4 too big", HANG))}, keep_bytes=False)
    out = once(hop.method, mail=mail)
    assert out.ms < 3000, out.ms
    equal(out.reply(), "552 5.3.4 from MTA(%s): 552 5.3.4 too big" % hop.method)
    equal(out.committed, [])


def test_no_reply_is_believed_before_the_dot():
    # one 250 too many must not be taken for the answer to the mail
    hop = new_hop(replies={"DATA": Raw(b"354 go\r\n250 2.0.0 Ok: queued as NEVER\r\n"), ".": "554 5.6.0 no"})
    hop.replies["DATA"] = Raw(b"354 go\r\n250 2.0.0 Ok: queued as NEVER\r\n")
    out = once(hop.method)
    equal(out.code(), 451)
    equal(out.committed, [])


# ---- kept connections ----

def test_reuse():
    hop = new_hop()
    probe = Probe()
    for _ in range(3):
        equal(probe.go(hop.method).code(), 250)
    equal(len(hop.sessions), 1)
    equal(len(hop.mails), 3)
    probe.go(hop.method, localhost_name="other.example")
    equal(len(hop.sessions), 2)
    probe.end()
    assert "RSET" not in hop.sessions[0].commands


def test_no_cache_quits():
    hop = new_hop()
    probe = Probe()
    probe.go(hop.method, cache=0)
    probe.go(hop.method, cache=0)
    probe.say("idle")
    assert hop.wait(lambda: len(hop.sessions) == 2 and all(s.commands[-1] == "QUIT" for s in hop.sessions))
    probe.end()


def test_stale_connection_is_noticed():
    hop = new_hop()
    probe = Probe()
    probe.go(hop.method)
    hop.hang_up()
    time.sleep(0.05)
    equal(probe.go(hop.method).code(), 250)
    equal(len(hop.sessions), 2)
    probe.end()


def test_connection_that_dies_at_mail_is_tried_afresh():
    for value in (CLOSE, RESET, "421 4.4.2 timeout"):
        count = []

        def second_dies(session, line, value=value, count=count):
            count.append(line)
            return value if len(count) == 2 else None
        hop = new_hop(replies={"MAIL": second_dies})
        probe = Probe()
        probe.go(hop.method)
        equal(probe.go(hop.method).code(), 250)
        equal(len(hop.sessions), 2)
        equal(len(hop.mails), 2)
        probe.end()


def test_fresh_connection_that_dies_is_not_tried_again():
    hop = new_hop(replies={"MAIL": CLOSE})
    equal(once(hop.method).code(), 451)
    equal(len(hop.sessions), 1)


# ---- time and cancel ----

def test_hang_ends_at_the_deadline():
    for replies in ({"CONNECT": HANG}, {"EHLO": HANG}, {"MAIL": HANG}, {"DATA": HANG}, {".": HANG}):
        hop = new_hop(replies=replies)
        out = once(hop.method, deadline_ms=300)
        equal((replies, out.code()), (replies, 451))
        assert 250 <= out.ms < 2000, out.ms
        assert "timed out" in out.reply(), out.reply()


def test_hanging_hop_leaves_time_for_the_next():
    bad, good = new_hop(replies={"MAIL": HANG}), new_hop()
    out = once(bad.method, good.method, deadline_ms=1000)
    equal((out.code(), out.results[0][2]), (250, good.method))
    assert out.ms < 900, out.ms


def test_hop_that_takes_no_body():
    mail = b"A: b\r\n\r\n" + b"x" * 20000000
    hop = new_hop(replies={"BODY": HANG}, keep_bytes=False)
    out = once(hop.method, mail=mail, deadline_ms=400)
    equal(out.code(), 451)
    assert 350 <= out.ms < 2000, out.ms


def cancelled_at(key, **options):
    """Cancel when the hop sees `key`; the hop's answer comes later."""
    out_fd, in_fd = os.pipe()

    def cancel(session, line):
        os.write(in_fd, b"x")
        time.sleep(0.05)
    hop = new_hop(replies={key: cancel})
    probe = Probe(pass_fds=(out_fd,))
    out = probe.go(hop.method, cancel_fd=out_fd, **options)
    probe.end()
    os.close(out_fd)
    os.close(in_fd)
    return hop, out


def test_cancel_before_the_dot():
    for key in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA"):
        hop, out = cancelled_at(key)
        equal((key, out.code(), out.committed), (key, 451, []))
        assert "the client has gone" in out.reply(), out.reply()
        equal(hop.mails, [])
        assert not hop.sessions[0].received.endswith(b".\r\n")


def test_cancel_within_the_body():
    hop, out = cancelled_at("BODY", mail=b"A: b\r\n\r\n" + b"x" * 20000000)
    equal((out.code(), out.committed, hop.mails), (451, [], []))


def test_cancel_after_the_dot_comes_too_late():
    hop, out = cancelled_at(".")
    equal(out.code(), 250)
    equal(len(out.committed), 1)
    equal(len(hop.mails), 1)


# ---- extensions ----

def test_dsn_and_auth_pass():
    hop = new_hop()
    once(hop.method, ret="HDRS", envid="e+2B1", auth="<>", rcpt=("a@x 6 rfc822;a+40x", "b@x 1", "c@x 0", "d@x 14"))
    mail = hop.mails[0]
    assert mail.mail_line.endswith(" RET=HDRS ENVID=e+2B1 AUTH=<>"), mail.mail_line
    equal(mail.rcpt_lines, ["RCPT TO:<a@x> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+40x", "RCPT TO:<b@x> NOTIFY=NEVER",
                            "RCPT TO:<c@x>", "RCPT TO:<d@x> NOTIFY=SUCCESS,FAILURE,DELAY"])


def test_dsn_is_kept_back():
    for offers, dsn in ((["PIPELINING"], 1), (ALL_OFFERS[:-2], 0)):
        hop = new_hop(offers=offers)
        once(hop.method, dsn=dsn, ret="HDRS", envid="e", auth="<>", rcpt=("a@x 6 rfc822;a",))
        equal(hop.mails[0].rcpt_lines, ["RCPT TO:<a@x>"])
        assert "RET=" not in hop.mails[0].mail_line and "AUTH=" not in hop.mails[0].mail_line, hop.mails[0].mail_line


EIGHT = b"Subject: x\r\n\r\n\xc3\xa4\r\n"


def test_8bitmime():
    no_8bit = [o for o in ALL_OFFERS if o != "8BITMIME"]
    for offers, mail, declared, wanted in (
            (ALL_OFFERS, SMALL, 0, ""), (ALL_OFFERS, SMALL, 1, " BODY=7BIT"), (ALL_OFFERS, SMALL, 2, " BODY=8BITMIME"),
            (ALL_OFFERS, EIGHT, 0, " BODY=8BITMIME"), (ALL_OFFERS, EIGHT, 1, " BODY=8BITMIME"),
            (no_8bit, SMALL, 2, ""), (no_8bit, EIGHT, 0, "")):
        hop = new_hop(offers=offers)
        out = once(hop.method, mail=mail, body=declared)
        equal(out.code(), 250)
        line = hop.mails[0].mail_line
        equal(line[line.index(" BODY"):] if " BODY" in line else "", wanted)


def test_8bitmime_refused():
    lacks, has = new_hop(offers=["PIPELINING"]), new_hop()
    probe = Probe()
    out = probe.go(lacks.method, mail=EIGHT, body=2)
    equal(out.reply(), "550 5.6.3 Conversion to 7BIT required but not supported by " + lacks.method)
    equal(probe.go(lacks.method, has.method, mail=EIGHT, body=2).results[0][2], has.method)
    equal(probe.go(dead_method(), lacks.method, mail=EIGHT, body=2).code(), 451)
    equal(probe.go(lacks.method).code(), 250)
    equal(len(lacks.sessions), 1)
    probe.end()


def test_smtputf8():
    head = b"Subject: \xc3\xa4\r\n\r\nx\r\n"
    for options, wanted in (({"smtputf8": 1}, False), ({"smtputf8": 1, "mail": head}, True), ({"mail": head}, False),
                            ({"smtputf8": 1, "sender": "ä@x"}, True), ({"smtputf8": 1, "rcpt": ("ä@x",)}, True)):
        hop = new_hop()
        equal(once(hop.method, **options).code(), 250)
        equal((options, " SMTPUTF8" in hop.mails[0].mail_line), (options, wanted))


def test_smtputf8_refused():
    lacks = ["PIPELINING", "8BITMIME"]
    head = b"Subject: \xc3\xa4\r\n\r\nx\r\n"
    hop = new_hop(offers=lacks)
    probe = Probe()
    out = probe.go(hop.method, smtputf8=1, rcpt=("ä@x", "b@x"))
    equal([out.code(0), out.code(1)], [553, 250])
    assert out.reply(0).startswith("553 5.6.7 "), out.reply(0)
    assert probe.go(hop.method, smtputf8=1, rcpt=("ä@x",)).reply().startswith("553 5.6.7 ")
    assert probe.go(hop.method, smtputf8=1, sender="ä@x").reply().startswith("550 5.6.7 ")
    assert probe.go(hop.method, smtputf8=1, mail=head).reply().startswith("554 5.6.9 ")
    equal(probe.go(hop.method, mail=head).code(), 250)
    probe.end()


def test_xforward_bytes():
    hop = new_hop()
    probe = Probe()
    probe.go(hop.method, client__address="2001:db8::1", client__port="4711", client__name="mail.example.net", client__helo="a=b",
             client__protocol="SMTP", client__ident="3F2A", client__source="REMOTE")
    probe.go(hop.method)
    probe.go(hop.method, xforward=0)
    said = [c for c in hop.sessions[0].commands if c.startswith("XFORWARD")]
    equal(said, ["XFORWARD NAME=mail.example.net ADDR=IPv6:2001:db8::1 PORT=4711 PROTO=SMTP HELO=a+3Db IDENT=3F2A SOURCE=REMOTE",
                 "XFORWARD NAME=[UNAVAILABLE] ADDR=127.0.0.1 PORT=[UNAVAILABLE] PROTO=ESMTP HELO=peer.example"
                 " IDENT=[UNAVAILABLE] SOURCE=[UNAVAILABLE]"])
    probe.end()


def test_xforward_partly_offered_and_refused():
    hop = new_hop(offers=["PIPELINING", "XFORWARD ADDR HELO"], replies={"XFORWARD": "550 5.7.0 no"})
    equal(once(hop.method).code(), 250)
    assert "XFORWARD ADDR=127.0.0.1 HELO=peer.example" in hop.sessions[0].commands


# ---- odd peers ----

def test_one_byte_replies():
    hop = new_hop(lmtp=True, replies={key: Slow(text) for key, text in (
        ("CONNECT", "220 a"), ("LHLO", "250-a\n250-PIPELINING\n250 DSN"), ("MAIL", "250 a"), ("RCPT", "250-a\n250 b"),
        ("DATA", "354 a"), (".", "250-2.1.5 Ok:\n250 2.1.5 queued as SLOW"))})
    out = once(hop.method, rcpt=("a@x", "b@x"))
    equal([out.results[i][1] for i in (0, 1)], ["SLOW", "SLOW"])


def test_replies_cannot_forge():
    hop = new_hop(replies={".": Raw(b"250 2.0.0 Ok\x00\x1b[2J\xff\ttab\r\n")})
    equal(once(hop.method).reply(), "250 2.0.0 from MTA(%s): 250 2.0.0 Ok??[2J? tab" % hop.method)


def test_bad_addresses_are_not_said():
    hop = new_hop()
    probe = Probe()
    out = probe.go(hop.method, rcpt=("a>b@x", "ok@x"))
    equal([out.code(0), out.code(1)], [553, 250])
    equal(probe.go(hop.method, sender="a@b> SIZE=1").code(), 553)
    equal(probe.go(hop.method, rcpt=("a>b@x",)).code(), 553)
    equal(probe.go(hop.method, ret="a\x7fb", envid="a b").code(), 250)
    assert "RET" not in hop.mails[-1].mail_line and "ENVID" not in hop.mails[-1].mail_line
    probe.end()


def test_slow_but_in_time():
    hop = new_hop(replies={"DATA": Delay(0.2, "354 go"), ".": Delay(0.2, None)})
    equal(once(hop.method).code(), 250)


tap.run(sys.modules[__name__])
