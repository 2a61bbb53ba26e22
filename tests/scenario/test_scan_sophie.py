#!/usr/bin/python3
"""The sophie plugin: its own protocol, and others made of options."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bad_ways  # noqa: E402
import tap  # noqa: E402
from fake_scanner import Server  # noqa: E402

SOPHIE = bad_ways.Dialogue("sophie", lambda talk: talk.until(b"\n"), b"0\n", b"1:EICAR-AV-Test\n", "EICAR-AV-Test")
EOF = bad_ways.Dialogue("sophie", lambda talk: talk.until(b"\n"), b"/tmp/p001: fine\nEND\n", b"/tmp/p001: Bad Thing FOUND\nEND\n", "Bad Thing",
                        options=["query=SCAN {}/*\\n", "reply=eof", "clean=: fine\\nEND\\n\\z", "infected= FOUND$", "names=: (.+) FOUND$"])
bad_ways.define(sys.modules[__name__], SOPHIE)
# Without sessions, by what the reply's end says.
EOF_WAYS = [w for w in bad_ways.ALL if w.__name__ not in ("kept", "stale", "one_answer_too_many", "garbage")]


def test_reply_up_to_the_end_of_file():
    for way in EOF_WAYS:
        way(EOF)


def test_found_inside_a_file_name_is_never_clean():
    for reply in (b"0: /tmp/X FOUND/p001\n", b"0:1:Virus\n", b"0 1:Virus\n", b"1", b"-1:cannot open 0\n", b"\n", b"00x\n"):
        bad_ways.not_clean(SOPHIE.hear(reply), reply)
    bad_ways.not_clean(EOF.hear(b"/tmp/a FOUND: clean: OK\n"), "FOUND in a name")
    assert EOF.hear(b"/tmp/a: fine\nEND\n/tmp/b: X FOUND\n").found == ["p001:X"]


def test_nul_ends_a_reply():
    assert SOPHIE.hear(b"0\0").result == "OK"
    assert SOPHIE.hear(b"1:Name\0").found == ["p000:Name"]
    assert SOPHIE.hear(b"1\n").found == ["p000:(unnamed)"]


def queries(*options, parts=1):
    seen = []

    def script(talk, _):
        while True:
            seen.append(talk.until(b"\n"))
            talk.say(b"0\n")
    with Server(script) as server:
        answer = SOPHIE.scan(server.address, options=options, parts=parts)
    assert answer.result == "OK", answer
    return seen


def test_queries():
    folder, = queries()
    assert re.fullmatch(rb"/tmp/scan_probe-\w+/", folder), folder
    first, second = queries("query=SCAN {}/*\\r\\n", parts=2)
    assert re.fullmatch(rb"SCAN /tmp/scan_probe-\w+/p001\r", first) and second.endswith(b"/p002\r"), (first, second)
    packed, = queries("query=\\x00\\x7f\\\\{#}{}/*\\0\\q\\n")
    path = packed[7:-3]
    assert packed == b"\0\x7f\\" + len(path).to_bytes(4, "big") + path + b"\0\\q" and path.endswith(b"/p001"), packed


def test_findings_say_which_part():
    def script(talk, _):
        while True:
            talk.say(b"1:Bad\n" if talk.until(b"\n").endswith(b"p002") else b"0\n")
    with Server(script) as server:
        assert SOPHIE.scan(server.address, options=["query={}/*\\n"], parts=3).found == ["p002:Bad"]


def test_a_part_that_upsets_it_hides_nothing():
    for upset in (b"-1:cannot open\n", b"maybe\n", b""):
        def script(talk, _):
            while True:
                query = talk.until(b"\n")
                if query.endswith(b"p001") and not upset:  # noqa: B023
                    return
                talk.say(upset if query.endswith(b"p001") else b"1:Bad\n" if query.endswith(b"p003") else b"0\n")  # noqa: B023
        with Server(script) as server:
            answer = SOPHIE.scan(server.address, options=["query={}/*\\n"], parts=3)
            assert answer.found == ["p003:Bad"] and answer.result in ("TEMPFAIL", "BROKEN"), (upset, answer)
            answer = SOPHIE.scan(server.address, options=["query={}/*\\n"], parts=2)
            bad_ways.not_clean(answer, upset)


def test_greeting():
    def script(greeting):
        def run(talk, _):
            talk.say(greeting)
            talk.until(b"\n")
            talk.say(b"0\n")
        return run
    for greeting, result in ((b"220 hello\r\n", "OK"), (b"500 no\r\n", "TEMPFAIL"), (b"220", "TEMPFAIL")):
        with Server(script(greeting)) as server:
            answer = SOPHIE.scan(server.address, options=["greeting=\\A220 "], deadline_ms=700)
            assert answer.result == result, (greeting, answer)


MANY = bad_ways.Dialogue("sophie", lambda talk: (talk.say(b"220-hello\r\n220 ready\r\n"), talk.until(b"\n")), b"210 data\r\nfine\r\n200 done\r\n",
                         b"210 data\r\nBad Thing!\r\nfine\r\n200 done\r\n", "Bad Thing", again=lambda talk: talk.until(b"\n"),
                         options=["greeting=\\A220", "last=\\A2[02]0 ", "clean=\\A210 data\\n(fine\\n)+200 done\\n\\z", "infected=!$", "names=^(.+)!$"])


def test_reply_of_several_lines():
    for way in bad_ways.ALL:
        if way.__name__ != "garbage":       # which has lines that Sophie would know
            way(MANY)


def test_replies_without_end():
    def script(talk, _):
        MANY.start(talk)
        talk.say(b"210 data\r\n" + b"fine\r\n" * 2000)
        talk.rest()
    with Server(script) as server:
        answer = MANY.scan(server.address)
        assert answer.result == "TEMPFAIL" and "more than 1000 lines" in answer.error, answer

    def long_lines(talk, _):
        MANY.start(talk)
        talk.say((b"f" * 8000 + b"\r\n") * 40)
        talk.rest()
    with Server(long_lines) as server:
        answer = MANY.scan(server.address)
        assert answer.result == "TEMPFAIL" and "more than 204800 bytes" in answer.error, answer


def test_without_sessions():
    with Server(SOPHIE.answering(SOPHIE.clean)) as server:
        answers = SOPHIE.scan(server.address, options=["session=0"], times=3)
        assert [a.result for a in answers] == ["OK"] * 3 and server.connections == 3, answers


def version_of(reply, *options, query=b"/dev/null/"):
    seen = []

    def script(talk, _):
        seen.append(talk.until(b"\n"))
        talk.say(reply)
    with Server(script) as server:
        answer = SOPHIE.version(server.address, options=options, deadline_ms=700)
    assert seen and set(seen) == {query}, seen
    return answer


def test_version():
    asks = "version_query=VERSION\\n"
    answer = version_of(b"Daemon 1.2, base 345\n", asks, query=b"VERSION")
    assert answer.result == "OK" and answer.fields["version"] == "Daemon 1.2, base 345", answer
    answer = version_of(b"Daemon 1.2, base 345\n", asks, r"version=base (\d+)", query=b"VERSION")
    assert answer.fields["version"] == "345", answer
    answer = version_of(b"", asks, query=b"VERSION")
    assert answer.result == "TEMPFAIL", answer


def test_any_of_them_tells_its_version():
    asking = bad_ways.Dialogue("sophie", SOPHIE.start, SOPHIE.clean, SOPHIE.found, SOPHIE.name, options=["version_query=VERSION\\n", "version=^Daemon (.*)"])
    with Server(lambda talk, _: None) as first, Server(lambda talk, _: (talk.until(b"\n"), talk.say(b"Daemon 7\n"))) as second:
        answer = asking.version(first.address, second.address)
    assert answer.result == "OK" and answer.fields["version"] == "7", answer


def test_does_it_answer_at_all():
    """Without a query for the version any answer about an empty file will do; a connection that ends tells nothing."""
    for reply, result in ((b"0\n", "OK"), (b"-1:not a folder\n", "OK"), (b"", "NOTHING")):
        answer = version_of(reply)
        assert answer.result == result and not answer.fields["version"], (reply, answer)
    with Server(lambda talk, _: talk.rest()) as server:
        assert SOPHIE.version(server.address, deadline_ms=400).result == "TEMPFAIL"
        server.refuse()
        assert SOPHIE.version(server.address, deadline_ms=400).result == "TEMPFAIL"


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
