#!/usr/bin/python3
"""The smtpscan plugin against scripted relays: every way in which one may answer; and the mail is never offered twice."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
import tap  # noqa: E402
from fake_scanner import GARBAGE, HANG_S, Full, Server, in_single_bytes  # noqa: E402

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"
CLEAN = b"250 2.0.0 taken\r\n"


class Dialogue:
    """What a relay says to each command; keys are the first words, \".\" is the end of the mail."""

    def __init__(self, final=CLEAN, said=None, **replies):
        self.replies = {"": b"220 relay.example ESMTP\r\n", "EHLO": b"250-relay.example\r\n250-8BITMIME\r\n250 SIZE\r\n", "HELO": b"250 x\r\n",
                        "LHLO": b"250 x\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go on\r\n", ".": final}
        self.replies.update(replies)
        self.said, self.mails = [] if said is None else said, []

    def answer(self, talk, word):
        reply = self.replies[word]
        if callable(reply):
            reply(talk)
        else:
            talk.say(reply)

    def __call__(self, talk, _):
        self.answer(talk, "")
        while True:
            line = talk.line().decode()
            self.said.append(line)
            if line == "QUIT":
                return
            word = line[:4]
            self.answer(talk, word)
            if word == "DATA" and self.replies["DATA"].startswith(b"3"):
                talk.data = b"\r\n" + talk.data
                self.mails.append((talk.until(b"\r\n.\r\n") + b"\r\n")[2:])
                self.answer(talk, ".")


def scan(address, mail=MAIL, deadline_ms=5000, options=(), times=1):
    with probe.Folder() as folder:
        path = folder.file("mail", mail)
        extra = [x for o in options for x in ("-o", o)]
        addresses = [address] if isinstance(address, str) else address
        sockets = [x for a in addresses for x in ("-o", "socket=" + a)]
        answers, _, _ = probe.run("-t", deadline_ms, "-r", times, "-m", path, "-p", "smtpscan", *sockets, *extra)
        return answers if times > 1 else answers[0]


def ask(script, tcp=False, **how):
    with Server(script, tcp) as server:
        return scan(server.address, **how)


def expect(script, result, error="", found=None, **how):
    answer = ask(script if callable(script) else Dialogue(script), **how)
    assert answer.result == result and answer.found == (found or []) and error in answer.error, (script, answer)


def test_clean():
    for tcp in (False, True):
        said = []
        expect(Dialogue(said=said), "OK", tcp=tcp)
        assert said == ["EHLO localhost", "MAIL FROM:<>", "RCPT TO:<dummy@localhost>", "DATA", "QUIT"], said


def test_lmtp():
    said = []
    expect(Dialogue(said=said), "OK", options=["protocol=lmtp", "helo=me.example", "sender=a@b", "recipient=t@d"])
    assert said == ["LHLO me.example", "MAIL FROM:<a@b>", "RCPT TO:<t@d>", "DATA", "QUIT"], said


def test_relay_without_ehlo():
    said = []
    expect(Dialogue(said=said, EHLO=b"502 what?\r\n"), "OK")
    assert said[:2] == ["EHLO localhost", "HELO localhost"], said


def test_the_mail_arrives():
    for mail, arrives in ((MAIL, MAIL), (b"A: b\n\nx\n", b"A: b\r\n\r\nx\r\n"), (b"A: b\r\n\r\n.\r\n..\r\n.x\r\n", b"A: b\r\n\r\n..\r\n...\r\n..x\r\n"),
                          (b"A: b\r\n\r\nno end", b"A: b\r\n\r\nno end\r\n"), (b"A: b\n\n\n.\nMAIL FROM:<x>\n", b"A: b\r\n\r\n\r\n..\r\nMAIL FROM:<x>\r\n"),
                          (b"A: b\r\n\r\n\r.\r\nx\r\n", b"A: b\r\n\r\n\r\n..\r\nx\r\n"), (b"A: b\r\n\r\nx\r.\rRCPT\r", b"A: b\r\n\r\nx\r\n..\r\nRCPT\r\n"),
                          (b"A: b\r\n\r\n" + b"y.\r\n.\n" * 60000, b"A: b\r\n\r\n" + b"y.\r\n..\r\n" * 60000)):
        relay = Dialogue()
        expect(relay, "OK", mail=mail)
        assert relay.mails == [arrives], (mail[:60], relay.mails[0][:80])
        assert "MAIL FROM:<x>" not in relay.said and "RCPT" not in relay.said


def test_more_than_one_final_reply():
    expect(CLEAN + CLEAN, "BROKEN", "said more than")
    expect(CLEAN + b"554 virus: Late\r\n", "BROKEN", "said more than")
    expect(CLEAN + b"\r\n", "OK")


def test_infected():
    expect(b"554 5.7.1 message contains a virus: Eicar-Test\r\n", "OK", found=["p000:Eicar-Test"])
    expect(b"550 5.7.1 Infected with: Worm.Klez (quarantined)\r\n", "OK", found=["p000:Worm.Klez"])
    expect(b"550 malware found (Some.Name)\r\n", "OK", found=["p000:Some.Name"])
    expect(b"554 Virus\r\n", "OK", found=["p000:(unnamed)"])
    expect(b"250 2.7.1 Ok, discarded, INFECTED: Eicar\r\n", "OK", found=["p000:Eicar"])
    expect(b"554-5.7.1 no\r\n554-virus: One\r\n554 virus: Two\r\n", "OK", found=["p000:One", "p000:Two"])
    expect(b"554 virus: A\x1b[2JB\r\n", "OK", found=["p000:A\\033[2JB"])


def test_options():
    options = ["infected=^554 5\\.7\\.1 ", "names=\\[(.*?)\\]", "clean=^250 clean$"]
    expect(b"554 5.7.1 [One] [Two]\r\n", "OK", found=["p000:One", "p000:Two"], options=options)
    expect(b"250 clean\r\n", "OK", options=options)
    expect(b"250 queued\r\n", "TEMPFAIL", "neither clean nor infected", options=options)


def test_final_replies_that_are_no_verdict():
    for reply in (b"451 try later\r\n", b"421 going\r\n", b"452 virus scanner is full\r\n", b"550 relaying denied\r\n", b"554 spam\r\n", b"354 more\r\n", b"199 x\r\n"):
        expect(reply, "TEMPFAIL", "neither clean nor infected")
    expect(b"550 is 250 2.0.0 taken\r\n", "TEMPFAIL")
    expect(b"550-no\r\n550 250 2.0.0 taken\r\n", "TEMPFAIL")


def test_refused_before_the_mail():
    for word, line in (("", "our connecting"), ("HELO", "HELO localhost"), ("MAIL", "MAIL FROM:<>"), ("RCPT", "RCPT TO:<dummy@localhost>"), ("DATA", "DATA")):
        for reply, result in ((b"550 no virus: x\r\n", "BROKEN"), (b"451 later\r\n", "TEMPFAIL")):
            relay = Dialogue(**{"EHLO": b"502 x\r\n", word: reply})
            expect(relay, result, "to %s it says \"%s" % (line, reply[:3].decode()))
            assert relay.mails == []
    expect(Dialogue(EHLO=b"421 busy\r\n"), "TEMPFAIL")


def test_found_in_a_file_name_of_another_reply_means_nothing():
    expect(Dialogue(RCPT=b"250 /tmp/virus: FOUND\r\n", EHLO=b"250-infected: FOUND\r\n250 x\r\n"), "OK")


def test_garbage():
    for garbage in GARBAGE + (b"2500 x\r\n", b"25\r\n", b"650 x\r\n", b"250_x\r\n", b"250-a\r\n251 b\r\n", b"250-a\r\n" * 200, b"250 a\0b\r\n"):
        for word in ("", "MAIL", "."):
            def play(talk):
                talk.say(garbage)  # noqa: B023
                talk.conn.close()
            answer = ask(Dialogue(**{word: play}))
            assert answer.result in ("BROKEN", "TEMPFAIL") and not answer.found and answer.error, (word, garbage[:40], answer)
    expect(Dialogue(**{"": b"HTTP/1.1 400 Bad\r\n"}), "BROKEN", "this is no SMTP server, it said \"HTTP/1.1 400 Bad\"")


def test_half_an_answer():
    for reply in (b"", b"25", b"250", b"250 2.0.0 taken", b"250-taken\r\n", b"554 virus: Half"):
        for word in ("", "RCPT", "."):
            answer = ask(Dialogue(**{word: lambda talk: (talk.say(reply), talk.conn.close())}))  # noqa: B023
            assert answer.result == "TEMPFAIL" and not answer.found and "closed the connection" in answer.error, (word, reply, answer)


def test_one_byte_at_a_time():
    expect(Dialogue(**{".": lambda talk: in_single_bytes(talk, b"554-no\r\n554 virus: Slow\r\n")}), "OK", found=["p000:Slow"])
    expect(Dialogue(**{".": lambda talk: in_single_bytes(talk, CLEAN), "": lambda talk: in_single_bytes(talk, b"220-a\r\n220 b\r\n")}), "OK")


def test_an_answer_before_the_end_of_the_mail():
    def relay(reply):
        def script(talk, _):
            talk.say(b"220 x\r\n")
            for answer in (b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n"):
                talk.line()
                talk.say(answer)
            talk.take(100000)
            talk.say(reply)
            time.sleep(1)
        return script
    big = MAIL + b"y" * 70 * 100000
    expect(relay(b"554 virus: Early\r\n"), "OK", found=["p000:Early"], mail=big)
    expect(relay(b"552 too big\r\n"), "TEMPFAIL", "552 too big", mail=big)
    expect(relay(b"250 fine\r\n"), "BROKEN", "before the end of the mail", mail=big)
    own = ["clean=^(250|554 5\\.7\\.9)"]
    expect(relay(b"554 5.7.9 fine\r\n"), "BROKEN", "before the end of the mail", mail=big, options=own)
    expect(relay(b"554 5.7.9 virus: Early\r\n"), "OK", found=["p000:Early"], mail=big, options=own)
    expect(b"554 5.7.9 fine\r\n", "OK", options=own)
    expect(b"554 5.7.9 fine\r\n554 virus: Other\r\n", "BROKEN", "it said more than", options=own)


def test_close_at_once():
    answer = ask(lambda talk, _: None)
    assert answer.result == "TEMPFAIL", answer


def test_refused():
    with Server(lambda talk, _: None) as server:
        server.refuse()
        answer = scan(server.address)
    assert answer.result == "TEMPFAIL" and server.address in answer.error, answer


def hangs(server):
    began = time.monotonic()
    answer = scan(server.address, deadline_ms=600)
    assert answer.result == "TEMPFAIL" and int(answer.fields["ms"]) < 1500 and not answer.found, answer
    assert time.monotonic() - began < 8


def test_hang_at_connect():
    with Full() as server:
        hangs(server)


def test_hang_at_reply():
    for word in ("", "EHLO", "RCPT", "."):
        for part in (b"", b"25", b"250-x\r\n"):
            with Server(Dialogue(**{word: lambda talk: (talk.say(part), time.sleep(HANG_S / 2))})) as server:  # noqa: B023
                hangs(server)


def test_another_relay_takes_over():
    for first in (lambda talk, _: None, Dialogue(MAIL=b"451 x\r\n"), Dialogue(**{"": b"554 no\r\n"}), Dialogue(DATA=b"junk\r\n")):
        with Server(first) as a, Server(Dialogue(b"554 virus: Second\r\n")) as b:
            answers = scan([a.address, b.address], times=3)
            assert [x.found for x in answers] == [["p000:Second"]] * 3 and a.connections == 1, (answers, a.connections)


def test_never_offered_twice():
    for final in (lambda talk: talk.conn.close(), b"junk\r\n", b"451 later\r\n", b"250-x\r\n251 y\r\n"):
        second = Dialogue()
        with Server(Dialogue(final)) as a, Server(second) as b:
            answer = scan([a.address, b.address])
            assert answer.result in ("TEMPFAIL", "BROKEN") and a.connections == 1 and b.connections == 0, (final, answer)


def test_version():
    with Server(Dialogue()) as server:
        answers, _, _ = probe.run("-v", "-p", "smtpscan", "-o", "socket=" + server.address)
    assert answers[0].result == "OK" and "relay.example ESMTP" in answers[0].fields["version"], answers


def test_any_relay_tells_its_version():
    for first in (lambda talk, _: None, Dialogue(**{"": b"554 no\r\n"}), Dialogue(**{"": b"junk\r\n"})):
        with Server(first) as a, Server(Dialogue()) as b:
            answers, _, _ = probe.run("-v", "-p", "smtpscan", "-o", "socket=" + a.address, "-o", "socket=" + b.address)
        assert answers[0].result == "OK" and "relay.example ESMTP" in answers[0].fields["version"], answers


def test_addresses_that_would_be_commands():
    for option in ("recipient=a> b", "recipient=", "sender=a\r\nDATA", "helo=a b", "helo="):
        try:
            probe.run("-p", "smtpscan", "-o", "socket=/x", "-o", option)
        except AssertionError as problem:
            assert "blank" in str(problem) or "empty" in str(problem) or "control" in str(problem), problem
        else:
            raise AssertionError("accepted")


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
