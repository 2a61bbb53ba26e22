#!/usr/bin/python3
"""The icap plugin against scripted servers: every way in which one may answer. Clean is only 204 or the very bytes that were sent."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
import tap  # noqa: E402
from fake_scanner import GARBAGE, HANG_S, Full, Server, in_single_bytes  # noqa: E402

OPTIONS = (b"ICAP/1.0 200 OK\r\nMethods: RESPMOD, REQMOD\r\nService: Fake/1\r\nISTag: \"one\"\r\nOptions-TTL: 3600\r\n"
           b"Encapsulated: null-body=0\r\n%s\r\n")
FULL = b"Allow: 204\r\nPreview: 16\r\n"
CLEAN = b"ICAP/1.0 204 No modifications needed\r\nISTag: \"one\"\r\n\r\n"
CONTINUE = b"ICAP/1.0 100 Continue\r\n\r\n"
BLOCKED = b"HTTP/1.0 403 Forbidden\r\nContent-Type: text/html\r\n\r\n"


def answer_200(http, body=None, headers=b"ISTag: \"one\"\r\n"):
    where = b"res-hdr=0, null-body=%d" % len(http) if body is None else b"res-hdr=0, res-body=%d" % len(http)
    chunks = b"" if body is None else b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (body[:7], body[7:]) if c) + b"0\r\n\r\n"
    return b"ICAP/1.0 200 OK\r\n%sEncapsulated: %s\r\n\r\n%s%s" % (headers, where, http, chunks)


def infected(headers):
    return answer_200(BLOCKED, b"<html>no</html>", headers)


class Request:
    """What came with one RESPMOD: head, content before and behind 100 Continue."""

    def __init__(self, talk, wants_rest=True):
        self.head = talk.until(b"\r\n\r\n").decode()
        self.talk = talk
        if self.head.startswith("OPTIONS"):
            return
        self.request, self.response = talk.until(b"\r\n\r\n") + b"\r\n\r\n", talk.until(b"\r\n\r\n") + b"\r\n\r\n"
        assert "Encapsulated: req-hdr=0, res-hdr=%d, res-body=%d" % (len(self.request), len(self.request) + len(self.response)) in self.head
        self.preview, self.content = "Preview:" in self.head, b""
        self.complete = self.chunks() or not self.preview
        self.first = len(self.content)
        if not self.complete and wants_rest:
            talk.say(CONTINUE)
            self.chunks()
            self.complete = True
        assert not self.complete or b"Content-Length: %d\r\n" % len(self.content) in self.response

    def chunks(self):
        """True: the sender said that this was all (ieof)."""
        while True:
            line = self.talk.line()
            n = int(line.split(b";")[0], 16)
            self.content += self.talk.take(n)
            assert self.talk.take(2) == b"\r\n"
            if n == 0:
                return b"ieof" in line


def serving(reply, options=FULL, seen=None, wants_rest=True):
    """Answers OPTIONS, then reply: bytes, or a function of the request."""
    def script(talk, number):
        while True:
            request = Request(talk, wants_rest)
            if seen is not None:
                seen.append((number, request))
            if request.head.startswith("OPTIONS"):
                talk.say(OPTIONS % options)
            elif callable(reply):
                reply(talk, request)
            else:
                talk.say(reply)
    return script


def scan(address, content=b"hello, this is a part of some bytes", deadline_ms=5000, options=(), times=1):
    with probe.Folder() as folder:
        part = folder.file("part", content)
        extra = [x for o in options for x in ("-o", o)]
        addresses = [address] if isinstance(address, str) else address
        sockets = [x for a in addresses for x in ("-o", "socket=" + a)]
        answers, _, _ = probe.run("-t", deadline_ms, "-r", times, "-P", part, "-p", "icap", *sockets, *extra)
        return answers if times > 1 else answers[0]


def ask(reply, tcp=False, options=(), service=FULL, content=b"hello, this is a part of some bytes", seen=None, wants_rest=True, **how):
    with Server(serving(reply, service, seen, wants_rest), tcp) as server:
        return scan(server.address, content, options=options, **how)


def expect(reply, result, error="", found=None, **how):
    answer = ask(reply, **how)
    assert answer.result == result and answer.found == (found or []) and error in answer.error, (reply, answer)


def test_clean():
    for tcp in (False, True):
        expect(CLEAN, "OK", tcp=tcp)


def test_content_arrives_whole():
    for content in (b"x", b"y" * 15, b"z" * 16, b"a" * 17, os.urandom(65536), os.urandom(65536 + 16), os.urandom(3000000)):
        for service in (FULL, b"Preview: 0\r\nAllow: 204\r\n", b"Preview: 99999999\r\nAllow: 204\r\n", b"Allow: 204\r\n"):
            seen = []
            expect(CLEAN, "OK", content=content, service=service, seen=seen)
            assert seen[1][1].content == content, (len(content), service)
            assert seen[1][1].preview == (b"Preview" in service)
            if service == FULL:
                assert seen[1][1].first == min(16, len(content))


def test_what_was_not_seen_is_not_clean():
    """A server lets pass behind the preview what it does not look at: types that it leaves out, what is too large for it."""
    seen = []
    expect(CLEAN, "NOTHING", "has not looked at all of its 100000 bytes", content=b"q" * 100000, seen=seen, wants_rest=False)
    assert seen[1][1].content == b"q" * 16
    expect(CLEAN, "OK", content=b"q" * 100000, wants_rest=False, options=["trust_early=1"])
    expect(CLEAN, "OK", content=b"q" * 16, wants_rest=False)
    expect(infected(b"X-Infection-Found: Type=0; Resolution=2; Threat=Early;\r\n"), "OK", found=["p001:Early"], content=b"q" * 100000, wants_rest=False)


def test_an_answer_before_the_part_is_none():
    """What stands behind the answer to OPTIONS is no answer to the part that is sent next."""
    def script(talk, number):
        if number == 0:
            assert Request(talk).head.startswith("OPTIONS")
            talk.say(OPTIONS % FULL + CLEAN)
            talk.rest()
        serving(infected(b"X-Virus-ID: Real\r\n"))(talk, number)
    with Server(script) as server:
        answers = scan(server.address, times=3)
    assert all(a.found == ["p001:Real"] for a in answers), answers


def test_an_early_answer_ends_the_connection():
    """A server that lets a part pass before it has got it: that is not clean, and nothing else is asked on this connection."""
    def script(talk, number):
        if number == 0:
            talk.until(b"\r\n\r\n")
            talk.say(OPTIONS % b"Allow: 204\r\n")
        talk.take(100000)
        talk.say(CLEAN)
        talk.rest()
    with Server(script) as server:
        answers = scan(server.address, content=b"x" * 5000000, times=2)
        assert all(a.result == "NOTHING" for a in answers) and server.connections == 2, (answers, server.connections)


def test_two_answers_are_none():
    for twice in (CLEAN + CLEAN, CLEAN + infected(b"X-Virus-ID: Other\r\n")):
        expect(twice, "BROKEN", "more than one answer")
    expect(CLEAN + b"\r\n", "OK")


def test_a_header_that_comes_twice():
    expect(b"ICAP/1.0 204 OK\r\nX-Virus-ID: no\r\nX-Virus-ID: Second\r\n\r\n", "OK", found=["p001:Second"])


def test_named_behind_the_content():
    def reply(talk, request):
        talk.say(answer_200(b"HTTP/1.1 200 OK\r\n\r\n", request.content)[:-2] + b"X-Infection-Found: Threat=Trailing;\r\n\r\n")
    expect(reply, "OK", found=["p001:Trailing"])


def test_named_under_another_status():
    for status in (b"403 Forbidden", b"201 Created", b"500 Infected"):
        expect(b"ICAP/1.0 " + status + b"\r\nX-Infection-Found: Type=0; Threat=Told;\r\n\r\n", "OK", found=["p001:Told"])
    expect(b"ICAP/1.0 413 Too large\r\n\r\n", "LIMIT", "413")


def test_a_part_that_upsets_it_hides_nothing():
    def reply(talk, request):
        talk.say({b"bad": infected(b"X-Virus-ID: Behind\r\n"), b"fine": CLEAN}.get(request.content, b"ICAP/1.0 500 Error\r\n\r\n"))
    with Server(serving(reply)) as server, probe.Folder() as folder:
        parts = [x for n, content in enumerate((b"fine", b"upset", b"bad")) for x in ("-P", folder.file("part%d" % n, content))]
        answers, _, _ = probe.run(*parts, "-p", "icap", "-o", "socket=" + server.address)
    assert answers[0].found == ["p003:Behind"] and answers[0].result == "TEMPFAIL", answers


def test_what_is_asked():
    seen = []
    expect(CLEAN, "OK", seen=seen, options=["service=av/x?mode=simple"])
    options, respmod = seen[0][1].head, seen[1][1].head
    assert options.startswith("OPTIONS icap://localhost/av/x?mode=simple ICAP/1.0\r\nHost: localhost\r\n"), options
    assert respmod.startswith("RESPMOD icap://localhost/av/x?mode=simple ICAP/1.0\r\n") and "\r\nAllow: 204\r\n" in respmod, respmod
    seen = []
    expect(CLEAN, "OK", seen=seen, options=["allow_204=0", "preview=0"])
    assert "Allow:" not in seen[1][1].head and "Preview:" not in seen[1][1].head
    seen = []
    expect(CLEAN, "OK", seen=seen, service=b"")
    assert "Allow:" not in seen[1][1].head and "Preview:" not in seen[1][1].head


def test_names():
    expect(infected(b"X-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;\r\n"), "OK", found=["p001:Eicar-Test"])
    expect(infected(b"x-infection-found: Type=0; Resolution=2; threat=Some Name (a: b)\r\n"), "OK", found=["p001:Some Name (a: b)"])
    expect(infected(b"X-Virus-ID: EICAR test file\r\n"), "OK", found=["p001:EICAR test file"])
    expect(infected(b"X-Violations-Found: 2\r\n\tone\r\n\tFirst\r\n\t0\r\n\t0\r\n\ttwo\r\n\tSecond\r\n\t0\r\n\t0\r\n"), "OK",
           found=["p001:First", "p001:Second"])
    expect(infected(b"X-Violations-Found: 1\r\n"), "OK", found=["p001:(unnamed)"])
    expect(infected(b"X-Infection-Found: Type=0; Threat=;\r\n"), "OK", found=["p001:(unnamed)"])
    expect(infected(b"X-Infection-Found: Threat=A\x1b[2JB;\r\n"), "OK", found=["p001:A\\033[2JB"])


def test_a_named_204_is_no_clean():
    expect(b"ICAP/1.0 204 OK\r\nX-Infection-Found: Type=0; Resolution=0; Threat=Told;\r\n\r\n", "OK", found=["p001:Told"])


def test_named_in_the_http_answer():
    expect(answer_200(b"HTTP/1.1 200 OK\r\nX-Virus-ID: Inner\r\n\r\n", b"no"), "OK", found=["p001:Inner"])


def test_blocked_without_a_name():
    expect(infected(b""), "OK", found=["p001:(unnamed)"])
    expect(answer_200(b"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n"), "OK", found=["p001:(unnamed)"])
    expect(infected(b""), "OK", found=["p001:(unnamed)"], options=["blocked=403", "blocked=451"])
    expect(answer_200(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), "BROKEN", "not in `blocked`", options=["blocked=403"])


def test_headers_that_say_nothing_was_found():
    for value in (b"0", b"no", b"None", b"", b"no threats", b"No threats found", b"clean"):
        expect(b"ICAP/1.0 204 OK\r\nX-Virus-ID: " + value + b"\r\n\r\n", "OK")
        expect(infected(b"X-Virus-ID: " + value + b"\r\n"), "OK", found=["p001:(unnamed)"])
    expect(b"ICAP/1.0 204 OK\r\nX-Virus-ID: cleaner.exe\r\n\r\n", "OK", found=["p001:cleaner.exe"])


def test_options_for_other_servers():
    expect(infected(b"X-My: found <Worm.A> and <Worm.B>\r\n"), "OK", found=["p001:Worm.A", "p001:Worm.B"],
           options=["headers=X-My", "names=<(.*?)>"])
    expect(b"ICAP/1.0 204 OK\r\nX-My: fine\r\n\r\n", "OK", options=["headers=X-My", "clean=^fine$"])


def test_found_inside_a_file_name_means_nothing():
    expect(b"ICAP/1.0 204 OK\r\nX-File: /tmp/X-Infection-Found: Threat=FOUND;\r\n\r\n", "OK")
    expect(b"ICAP/1.0 500 OK\r\nX-File: ICAP/1.0 204 OK\r\n\r\n", "TEMPFAIL", "ICAP/1.0 500 OK")


def test_the_content_comes_back():
    def echo(change):
        def reply(talk, request):
            talk.say(answer_200(b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n", change(request.content)))
        return reply
    for content in (b"x", os.urandom(300000)):
        expect(echo(lambda c: c), "OK", content=content, service=b"")
        for change in (lambda c: c[:-1], lambda c: c + b"x", lambda c: b"<html>blocked</html>", lambda c: b"", lambda c: bytes([c[0] ^ 1]) + c[1:]):
            expect(echo(change), "BROKEN", "sends other content back and names no malware", content=content, service=b"")
    expect(answer_200(b"HTTP/1.1 200 OK\r\n\r\n"), "BROKEN", "sends other content back", service=b"")


def test_damaged_content_comes_back():
    head = b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    for chunks in (b"zz\r\n", b"-1\r\n", b"2\r\nhello\r\n", b"fffffffffffffffff\r\n", b"\r\n"):
        expect(head + chunks, "BROKEN", "comes back damaged", content=b"hello")
    for chunks in (b"", b"5\r\nhel", b"5\r\nhello\r\n0\r\n"):
        answer = ask(lambda talk, request: (talk.say(head + chunks), talk.conn.close()), content=b"hello")  # noqa: B023
        assert answer.result == "TEMPFAIL" and not answer.found, (chunks, answer)


def test_content_comes_back_too_early():
    def script(talk, _):
        talk.until(b"\r\n\r\n")
        talk.say(OPTIONS % b"")
        talk.until(b"\r\n\r\n")
        talk.say(answer_200(b"HTTP/1.1 200 OK\r\n\r\n", b"x"))
        talk.rest()
    with Server(script) as server:
        answer = scan(server.address, os.urandom(5000000))
    assert answer.result == "BROKEN" and "before it has got all" in answer.error, answer


def test_found_before_all_was_sent():
    def script(talk, _):
        talk.until(b"\r\n\r\n")
        talk.say(OPTIONS % b"Allow: 204\r\n")
        talk.take(100000)
        talk.say(infected(b"X-Virus-ID: Early\r\n"))
        # unread bytes: closing resets the connection under the plugin's writes
    for tcp in (False, True):
        with Server(script, tcp) as server:
            answer = scan(server.address, os.urandom(5000000))
        assert answer.found == ["p001:Early"] or (tcp and answer.result == "TEMPFAIL"), answer


def test_status():
    expect(b"ICAP/1.0 404 ICAP Service not found\r\n\r\n", "BROKEN", "service virus_scan: the server says \"ICAP/1.0 404")
    for status in (b"100 Continue", b"201 Created", b"206 Partial", b"400 Bad", b"408 Timeout", b"500 Error", b"503 Overload", b"505 X", b"999 X"):
        expect(b"ICAP/1.0 " + status + b"\r\n\r\n", "TEMPFAIL", "the server says", content=b"x")
    expect(b"ICAP/1.0 200 OK\r\n\r\n", "BROKEN", "without an HTTP answer")
    expect(b"ICAP/1.0 200 OK\r\nEncapsulated: req-hdr=0, null-body=19\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n", "BROKEN")


def test_garbage():
    for garbage in GARBAGE + (b"ICAP/1.0\r\n\r\n", b"ICAP/1.0 20\r\n\r\n", b"ICAP/1.0 2040 OK\r\n\r\n", b"ICAP/1.0 204 OK\r\nno header\r\n\r\n",
                              b"ICAP/1.0 204 OK\r\n folded\r\n\r\n", b"ICAP/1.0 204 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
                              b"ICAP/1.0 204 OK\r\na: b\r\n" + b" c\r\n" * 9000 + b"\r\n"):
        def reply(talk, _):
            talk.say(garbage)  # noqa: B023
            talk.conn.close()
        answer = ask(reply)
        assert answer.result in ("BROKEN", "TEMPFAIL") and not answer.found and answer.error, (garbage[:40], answer)

        def at_once(talk, _):
            talk.say(garbage)  # noqa: B023
            talk.rest()
        with Server(at_once) as server:
            answer = scan(server.address)
        assert answer.result in ("BROKEN", "TEMPFAIL") and not answer.found and answer.error, (garbage[:40], answer)


def test_options_refused():
    def script(answer):
        def play(talk, _):
            talk.until(b"\r\n\r\n")
            talk.say(answer)
            talk.rest()
        return play
    for text, result, error in ((b"ICAP/1.0 404 Service not found\r\n\r\n", "BROKEN", "404"), (b"ICAP/1.0 503 Busy\r\n\r\n", "TEMPFAIL", "503"),
                                (b"ICAP/1.0 200 OK\r\nMethods: REQMOD\r\n\r\n", "BROKEN", "does not offer RESPMOD")):
        with Server(script(text)) as server:
            answer = scan(server.address)
        assert answer.result == result and error in answer.error, (text, answer)


def test_half_an_answer():
    whole = infected(b"X-Infection-Found: Threat=Half;\r\n")
    for reply in (b"", CLEAN[:-2], CLEAN[:10], b"ICAP/1.0 204", whole[:30], answer_200(BLOCKED)[:-3]):
        answer = ask(lambda talk, request: (talk.say(reply), talk.conn.close()))  # noqa: B023
        assert answer.result == "TEMPFAIL" and not answer.found and "closed the connection" in answer.error, (reply, answer)


def test_one_byte_at_a_time():
    answer = ask(lambda talk, request: in_single_bytes(talk, infected(b"X-Infection-Found: Threat=Slow;\r\n")))
    assert answer.found == ["p001:Slow"], answer
    answer = ask(lambda talk, request: in_single_bytes(talk, CLEAN))
    assert answer.result == "OK" and not answer.found, answer


def test_close_at_once():
    with Server(lambda talk, _: None) as server:
        answer = scan(server.address)
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


def test_hang_at_options():
    with Server(lambda talk, _: time.sleep(HANG_S)) as server:
        hangs(server)


def test_hang_at_reply():
    for part in (b"", b"ICAP/1.0 2", CLEAN[:-2]):
        with Server(serving(lambda talk, request: (talk.say(part), time.sleep(HANG_S)))) as server:  # noqa: B023
            hangs(server)


def test_connection_is_kept():
    seen = []
    with Server(serving(CLEAN, seen=seen)) as server:
        answers = scan(server.address, times=5)
        assert server.connections == 1
    assert [a.result for a in answers] == ["OK"] * 5
    assert [r.head.split(" ")[0] for _, r in seen] == ["OPTIONS"] + ["RESPMOD"] * 5
    with Server(serving(CLEAN)) as server:
        scan(server.address, times=3, options=["session=0"])
        assert server.connections == 3, server.connections


def test_server_that_closes_behind_each_answer():
    def reply(talk, request):
        talk.say(CLEAN)
        raise EOFError
    seen = []
    with Server(serving(reply, seen=seen)) as server:
        answers = scan(server.address, times=4)
    assert [a.result for a in answers] == ["OK"] * 4, answers
    assert [r.head.split(" ")[0] for _, r in seen].count("OPTIONS") == 1, seen


def test_options_are_learned_anew():
    seen = []
    with Server(serving(CLEAN.replace(b"one", b"two"), seen=seen)) as server:
        scan(server.address, times=3)
    assert [r.head.split(" ")[0] for _, r in seen] == ["OPTIONS", "RESPMOD"] * 3, seen


def test_another_server_takes_over():
    for first in (lambda talk, _: None, serving(b"ICAP/1.0 503 Busy\r\n\r\n"), serving(b"ICAP/1.0 404 None\r\n\r\n"),
                  serving(lambda talk, _: (talk.say(b"junk\r\n"), talk.conn.close()))):
        with Server(first) as a, Server(serving(infected(b"X-Virus-ID: Second\r\n"))) as b:
            answers = scan([a.address, b.address], times=3)
        assert [x.found for x in answers] == [["p001:Second"]] * 3, answers
        assert a.connections <= 2, a.connections
    with Server(serving(CLEAN)) as server:
        assert scan(["/nonexistent/socket", server.address]).result == "OK"


def test_version():
    with Server(serving(CLEAN)) as server:
        answers, _, _ = probe.run("-v", "-p", "icap", "-o", "socket=" + server.address)
    assert answers[0].result == "OK" and answers[0].fields["version"] == "Fake/1 \"one\"", answers


def test_any_server_tells_its_version():
    for first in (lambda talk, _: None, lambda talk, _: (talk.say(b"ICAP/1.0 404 None\r\n\r\n"), talk.rest())):
        with Server(first) as a, Server(serving(CLEAN)) as b:
            answers, _, _ = probe.run("-v", "-p", "icap", "-o", "socket=" + a.address, "-o", "socket=" + b.address)
        assert answers[0].result == "OK" and answers[0].fields["version"] == "Fake/1 \"one\"", answers


def test_bad_service_name():
    try:
        probe.run("-p", "icap", "-o", "service=a b\r\nX: y")
    except AssertionError as problem:
        assert "a character that no URL may hold" in str(problem), problem
    else:
        raise AssertionError("accepted")


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
