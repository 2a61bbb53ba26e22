#!/usr/bin/python3
"""The clamd plugin against scripted peers: every way in which a clamd, or something else, may answer. None of them is clean but a whole OK."""
import functools
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_scanner  # noqa: E402
import probe  # noqa: E402
import tap  # noqa: E402

Server = functools.partial(fake_scanner.Server, talk=fake_scanner.ClamdTalk)


def scan(server, content=b"hello", deadline_ms=5000, options=(), times=1, canary="0"):
    with probe.Folder() as folder:
        part = folder.file("part", content)
        extra = [x for o in ["canary_interval=" + canary, *options] for x in ("-o", o)]
        answers, _, err = probe.run("-t", deadline_ms, "-r", times, "-P", part, "-p", "clamd", "-o", "socket=" + server.address, *extra)
        return answers if times > 1 else answers[0], err


def answering(reply, hold=False):
    def script(talk, _):
        talk.part()
        talk.say(reply)
        return hold
    return script


def expect(reply, result, error="", found=None, **options):
    with Server(answering(reply)) as server:
        answer, _ = scan(server, **options)
    assert answer.result == result, answer
    assert error in answer.error, answer
    assert answer.found == (found or []), answer


def test_clean():
    expect(b"1: fd[10]: OK\0", "OK")


def test_found():
    expect(b"1: fd[10]: Win.Test.EICAR_HDB-1 FOUND\0", "OK", found=["p001:Win.Test.EICAR_HDB-1"])


def test_name_with_blanks():
    expect(b"1: fd[10]: Some Name (with: things) FOUND\0", "OK", found=["p001:Some Name (with: things)"])


def test_name_that_ends_in_ok():
    expect(b"1: fd[10]: OK FOUND\0", "OK", found=["p001:OK"])


def test_null_found():
    expect(b"1: fd[10]: (null) FOUND\0", "OK", found=["p001:(unnamed)"])
    expect(b"1: fd[10]: FOUND\0", "OK", found=["p001:(unnamed)"])


def test_found_inside_a_file_name_is_never_clean():
    expect(b"1: /tmp/a: X FOUND/b: OK\0", "BROKEN", "this is not clamd, it said \"X FOUND/b: OK\"")
    expect(b"1: /tmp/a FOUND: ERROR OK\0", "BROKEN")


def test_control_characters_in_a_name():
    expect(b"1: fd[10]: A\x1b[2J\rB FOUND\0", "OK", found=["p001:A\\033[2J\\015B"])


def test_limit_found_is_a_limit():
    expect(b"1: fd[10]: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", "LIMIT", "Heuristics.Limits.Exceeded.MaxFileSize")


def test_garbage():
    expect(b"1: fd[10]: MAYBE\0", "BROKEN", "this is not clamd, it said \"MAYBE\"")
    expect(b"\0", "BROKEN", "this is not clamd")
    expect(b"1: \0", "BROKEN")
    expect(b"OK\0", "BROKEN")
    expect(b"1: OK\0", "BROKEN")


def test_reply_to_another_command():
    expect(b"2: fd[10]: OK\0", "BROKEN")


def test_more_than_one_reply():
    expect(b"1: fd[10]: OK\0001: fd[10]: Bad FOUND\0", "BROKEN", "something else behind it")
    expect(b"1: fd[10]: OK\0002: fd[10]: OK\0", "BROKEN", "something else behind it")
    expect(b"1: fd[10]: OK\0\n", "OK")


def test_ok_before_it_has_the_part():
    """Whoever says so has not looked at it; without sessions no number tells what was answered."""
    def script(talk, _):
        talk.take(20000)
        talk.say(b"stream: OK\0")
        talk.rest()
    with Server(script) as server:
        answer, _ = scan(server, content=b"x" * 5000000, options=["session=0", "fildes=0"])
    assert answer.result == "BROKEN" and "OK before it had got the part" in answer.error, answer


def test_not_clamd():
    expect(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "BROKEN", "this is not clamd, it said \"HTTP/1.1 400 Bad Request")
    expect(b"220 mx.example.com ESMTP\r\n", "BROKEN", "this is not clamd, it said \"220 mx.example.com ESMTP")


def test_endless_reply():
    expect(b"1: fd[10]: " + b"A" * 70000 + b" FOUND\0", "BROKEN")


def test_early_close():
    expect(b"", "TEMPFAIL", "clamd closed the connection after 0 bytes of reply")
    expect(b"1: fd[10]: O", "TEMPFAIL", "closed the connection after 12 bytes")
    expect(b"1: fd[10]: OK", "TEMPFAIL", "closed the connection after 13 bytes")


def test_close_without_reading():
    with Server(lambda talk, _: False) as server:
        answer, _ = scan(server)
    assert answer.result == "TEMPFAIL", answer


def test_one_byte_at_a_time():
    def script(talk, _):
        talk.part()
        for byte in b"1: fd[10]: Some.Name FOUND\0":
            talk.say(bytes([byte]))
            time.sleep(0.002)
    with Server(script) as server:
        answer, _ = scan(server)
    assert answer.found == ["p001:Some.Name"], answer


def test_refused():
    with Server(lambda talk, _: False) as server:
        os.unlink(server.address)
        nobody = socket.socket(socket.AF_UNIX)
        nobody.bind(server.address)     # a socket at which nobody listens
        answer, _ = scan(server)
        nobody.close()
        assert answer.result == "TEMPFAIL" and "Connection refused" in answer.error, answer
        os.unlink(server.address)
        answer, _ = scan(server)
        assert answer.result == "TEMPFAIL" and server.address in answer.error and "No such file" in answer.error, answer


def hangs(script, tcp=False):
    with Server(script, tcp) as server:
        began = time.monotonic()
        answer, _ = scan(server, deadline_ms=600)
        took = time.monotonic() - began
    assert answer.result == "TEMPFAIL", answer
    assert int(answer.fields["ms"]) < 1500, answer
    assert took < 8, took


def test_hang_at_reply():
    hangs(lambda talk, _: (talk.part(), time.sleep(3)))


def test_hang_before_reading():
    hangs(lambda talk, _: time.sleep(3))


def test_hang_in_the_middle_of_a_reply():
    hangs(lambda talk, _: (talk.part(), talk.say(b"1: fd[10"), time.sleep(3)))


def test_hang_at_connect():
    with fake_scanner.Full() as full, probe.Folder() as folder:
        answers, _, _ = probe.run("-t", 600, "-P", folder.file("part", b"x"), "-p", "clamd", "-o", "socket=" + full.address)
    assert answers[0].result == "TEMPFAIL" and int(answers[0].fields["ms"]) < 1500, answers


def test_second_socket_is_asked():
    with Server(answering(b"1: fd[10]: OK\0")) as server, probe.Folder() as folder:
        part = folder.file("part", b"x")
        answers, _, _ = probe.run("-P", part, "-p", "clamd", "-o", "socket=/nonexistent/ctl", "-o", "socket=" + server.address)
    assert answers[0].result == "OK", answers


def test_size_limit_with_broken_pipe():
    def script(talk, _):
        talk.command()
        talk.take(20000)
        talk.say(b"INSTREAM size limit exceeded. ERROR\0")
        # Unread bytes in the socket: closing it resets the connection under the plugin's writes.
    for tcp in (False, True):
        with Server(script, tcp) as server:
            answer, _ = scan(server, content=b"x" * 5000000, options=["fildes=0"])
        assert answer.result == "LIMIT" and "size limit exceeded" in answer.error, answer


def test_stream_content_is_the_part():
    seen = []

    def script(talk, _):
        seen.append(talk.part())
        talk.say(b"1: stream: OK\0")
    content = bytes(range(256)) * 1000
    with Server(script, tcp=True) as server:
        answer, _ = scan(server, content=content)
    assert answer.result == "OK" and seen == [(b"zINSTREAM", content)], answer


def test_descriptor_content_is_the_part():
    seen = []

    def script(talk, _):
        seen.append(talk.part())
        talk.say(b"1: fd[10]: OK\0")
    with Server(script) as server:
        answer, _ = scan(server, content=b"abc")
    assert answer.result == "OK" and seen == [(b"zFILDES", b"abc")], (answer, seen)


def test_refused_descriptor_becomes_a_stream():
    commands = []

    def script(talk, number):
        n = 0
        while True:
            n += 1
            command, content = talk.part()
            commands.append((number, command, content))
            if command == b"zFILDES":
                talk.say(b"%d: fd[10]: Access denied. ERROR\0" % n)
                return False
            talk.say(b"%d: stream: OK\0" % n)
    with Server(script) as server:
        answers, err = scan(server, times=3)
    assert [a.result for a in answers] == ["OK"] * 3, answers
    assert [c[:2] for c in commands] == [(0, b"zFILDES"), (1, b"zINSTREAM"), (1, b"zINSTREAM"), (1, b"zINSTREAM")], commands
    assert err.count("does not take descriptors") == 1, err


def test_error_to_a_stream():
    def script(talk, _):
        talk.part()
        talk.say(b"1: stream: Can't allocate memory ERROR\0")
    with Server(script, tcp=True) as server:
        answer, _ = scan(server)
    assert answer.result == "TEMPFAIL" and "clamd says: Can't allocate memory" in answer.error, answer


def test_session_is_kept():
    def script(talk, _):
        for n in range(1, 4):
            talk.part()
            talk.say(b"%d: fd[10]: OK\0" % n)
    with Server(script) as server:
        answers, _ = scan(server, times=3)
        assert server.connections == 1, server.connections
    assert [a.result for a in answers] == ["OK"] * 3, answers


def test_stale_session_is_reopened_once():
    def script(talk, number):
        talk.part()
        talk.say(b"1: fd[10]: OK\0")
        if number == 0:
            talk.command()      # the second part's command: dies with it
    with Server(script) as server:
        answers, _ = scan(server, times=2)
        assert server.connections == 2, server.connections
    assert [a.result for a in answers] == ["OK", "OK"], answers

    def dead(talk, number):
        if number == 0:
            talk.part()
            talk.say(b"1: fd[10]: OK\0")
        talk.command()
    with Server(dead) as server:
        answers, _ = scan(server, times=2)
        assert server.connections == 2, server.connections
    assert [a.result for a in answers] == ["OK", "TEMPFAIL"], answers


def test_a_session_that_says_it_ends_is_reopened():
    def script(talk, number):
        talk.part()
        talk.say(b"1: fd[10]: OK\0")
        if number == 0:
            talk.command()
            talk.say(b"COMMAND READ TIMED OUT\0")
    with Server(script) as server:
        answers, _ = scan(server, times=2)
        assert server.connections == 2, server.connections
    assert [a.result for a in answers] == ["OK", "OK"], answers


def test_text_that_must_be_found():
    """Known once found, though nothing was sent at start; what it does not find later makes its OK worthless."""
    def script(verdicts):
        def answer(talk, _):
            for n, verdict in enumerate(verdicts, 1):
                _, content = talk.part()
                assert (content == probe.EICAR) == (n != 2), (n, content)
                time.sleep(0.02)        # longer than the shortest interval
                talk.say(b"%d: fd[10]: %s\0" % (n, verdict))
            talk.more()
        return answer
    with Server(script([b"Eicar FOUND", b"OK"])) as server:
        assert scan(server, canary="5m")[0].result == "OK"
    with Server(script([b"OK", b"OK"])) as server:      # it does not know it
        assert scan(server, canary="5m")[0].result == "OK"
    with Server(script([b"Eicar FOUND", b"OK", b"OK"])) as server:
        answers, _ = scan(server, canary="1ms", times=2)
    assert [a.result for a in answers] == ["OK", "TEMPFAIL"] and "EICAR test text" in answers[1].error, answers


def test_without_sessions():
    def script(talk, _):
        assert talk.word() == b"zFILDES"
        talk.take(1)
        talk.say(b"fd[10]: Some.Name FOUND\0")
    with Server(script) as server:
        answer, _ = scan(server, options=["session=0"])
    assert answer.found == ["p001:Some.Name"], answer


def version(script):
    with Server(script) as server:
        answers, _, _ = probe.run("-t", 2000, "-v", "-p", "clamd", "-o", "socket=" + server.address)
    return answers[0]


def test_version():
    def script(talk, number):
        if number > 0:
            return      # the test text, which this clamd does not want to hear of
        assert talk.command() == b"zPING"
        talk.say(b"1: PONG\0")
        assert talk.command() == b"zVERSION"
        talk.say(b"2: ClamAV 1.0.9/27432/Thu Oct 17 10:00:00 2024\0")
    answer = version(script)
    assert answer.fields["version"] == "ClamAV 1.0.9/27432/Thu Oct 17 10:00:00 2024", answer


def test_any_clamd_tells_its_version():
    def script(talk, number):
        if number == 0:
            talk.command()
            talk.say(b"1: PONG\0")
            talk.command()
            talk.say(b"2: ClamAV 1\0")
    for first in (lambda talk, _: None, lambda talk, _: (talk.command(), talk.say(b"1: NO\0"))):
        with Server(first) as a, Server(script) as b:
            answers, _, _ = probe.run("-v", "-t", 3000, "-p", "clamd", "-o", "socket=" + a.address, "-o", "socket=" + b.address, "-o", "canary_interval=0")
        assert answers[0].result == "OK" and answers[0].fields["version"] == "ClamAV 1", answers


def test_version_of_something_else():
    answer = version(lambda talk, _: (talk.command(), talk.say(b"220 smtp ready\r\n")))
    assert answer.result == "BROKEN" and "this is not clamd, it said \"220 smtp ready" in answer.error, answer
    answer = version(lambda talk, _: (talk.command(), talk.say(b"1: NO\0")))
    assert answer.result == "BROKEN" and "it said \"NO\"" in answer.error, answer


def all_matching(replies):
    """A clamd that says this, "{}" being the path that it was given; other commands are answered OK."""
    def script(talk, _):
        word = talk.word()
        if word.startswith(b"zALLMATCHSCAN "):
            talk.say(replies.replace(b"{}", word.split(b" ", 1)[1]))
            return
        command = talk.word() if word == b"zIDSESSION" else word
        assert command == b"zFILDES", command
        talk.take(1)
        os.close(talk.fds.pop(0))
        talk.say(b"1: fd[10]: OK\0")
    return script


def all_names(replies):
    with Server(all_matching(replies)) as server:
        answer, err = scan(server, options=["allmatch=1"])
    return answer, err


def test_all_names():
    answer, _ = all_names(b"{}: One FOUND\0{}: Two FOUND\0")
    assert answer.result == "OK" and answer.found == ["p001:One", "p001:Two"], answer
    answer, _ = all_names(b"{}: OK\0")
    assert answer.result == "OK" and not answer.found, answer
    answer, _ = all_names(b"{}: Heuristics.Limits.Exceeded.MaxFiles FOUND\0{}: OK\0")
    assert answer.result == "LIMIT", answer
    answer, _ = all_names(b"{}: One FOUND\0{}: Read error ERROR\0")
    assert answer.found == ["p001:One"], answer


def test_all_names_half_said_is_not_clean():
    for replies in (b"", b"{}: O", b"{}: OK", b"{}: One FOUN"):
        answer, _ = all_names(replies)
        assert answer.result == "TEMPFAIL" and not answer.found, (replies, answer)
    for replies in (b"/tmp/other: OK\0", b"{} FOUND: OK\0", b"nonsense\0", b"UNKNOWN COMMAND\0", b"{}: OK\0{}: MAYBE\0", b"\0" * 9):
        answer, _ = all_names(replies)
        assert answer.result == "BROKEN" and not answer.found, (replies, answer)


def test_all_names_refused_is_asked_the_usual_way():
    answer, err = all_names(b"{}: File path check failure: Permission denied. ERROR\0")
    assert answer.result == "OK" and not answer.found, answer
    assert err.count("allmatch: clamd does not read the part (File path check failure: Permission denied.)") == 1, err


def two_servers(first, second, deadline_ms=5000, times=1, options=(), canary="0"):
    with Server(first) as a, Server(second) as b, probe.Folder() as folder:
        part = folder.file("part", b"x")
        extra = [x for o in ["canary_interval=" + canary, *options] for x in ("-o", o)]
        answers, _, _ = probe.run("-t", deadline_ms, "-r", times, "-P", part, "-p", "clamd", "-o", "socket=" + a.address,
                                  "-o", "socket=" + b.address, *extra)
        return answers, a.connections, b.connections


def found_each_time(talk, _):
    n = 0
    while True:
        n += 1
        talk.part()
        talk.say(b"%d: fd[10]: Second FOUND\0" % n)


def test_failover_within_a_mail():
    for reply in (b"", b"1: fd[10]: O", b"nonsense\0", b"1: fd[10]: Can't create temporary directory ERROR\0"):
        answers, first, second = two_servers(answering(reply), found_each_time, times=3)
        assert all(a.result == "OK" and a.found == ["p001:Second"] for a in answers) and len(answers) == 3, (reply, answers)
        assert first <= 2 and second == 1, (reply, first, second)


def several(script, contents, *options):
    with Server(script) as server, probe.Folder() as folder:
        parts = [x for n, content in enumerate(contents) for x in ("-P", folder.file("part%d" % n, content))]
        answers, _, _ = probe.run("-t", 5000, *parts, "-p", "clamd", "-o", "socket=" + server.address, "-o", "canary_interval=0", *options)
        return answers[0]


def test_a_part_that_upsets_it_hides_nothing():
    replies = {b"error": b"Can't allocate memory ERROR\0", b"odd": b"MAYBE\0", b"limit": b"Heuristics.Limits.Exceeded.MaxFiles FOUND\0", b"bad": b"Bad FOUND\0"}

    def script(talk, _):
        n = 0
        while True:
            n += 1
            _, content = talk.part()
            if content == b"crash":
                return
            talk.say(b"%d: fd[10]: " % n + replies.get(content, b"OK\0"))
    for upsetting in (b"error", b"odd", b"limit", b"crash"):
        answer = several(script, [b"fine", upsetting, b"fine", b"bad"])
        assert answer.found == ["p004:Bad"] and answer.result != "OK" and answer.error, (upsetting, answer)
        assert several(script, [b"fine", upsetting, b"fine"]).result not in ("OK", "NOTHING")


def test_who_steps_in_must_find_the_text_too():
    def finds_it_and_dies(talk, number):
        if number > 0:
            return
        talk.part()
        talk.say(b"1: fd[10]: Eicar FOUND\0")

    def says(*verdicts):
        def answer(talk, _):
            for n, verdict in enumerate(verdicts, 1):
                talk.part()
                talk.say(b"%d: fd[10]: %s\0" % (n, verdict))
            talk.more()
        return answer
    answers, _, second = two_servers(finds_it_and_dies, says(b"OK", b"OK"), canary="5m")
    assert answers[0].result == "TEMPFAIL" and "EICAR test text" in answers[0].error and second == 1, answers
    answers, _, _ = two_servers(finds_it_and_dies, says(b"OK", b"Eicar FOUND", b"OK"), canary="5m", times=2)
    assert [a.result for a in answers] == ["OK", "OK"], answers


def test_a_session_with_another_does_not_vouch():
    """The first takes no connection any more while its session lives on: that it finds the text says nothing about the second."""
    def first(talk, _):
        n = 0
        while True:
            n += 1
            talk.part()
            if n == 1:
                servers[0].refuse()
            talk.say(b"%d: fd[10]: Eicar FOUND\0" % n)

    def blind(talk, number):
        if number == 0:
            all_matching(b"{}: OK\0")(talk, number)
            return
        n = 0
        while True:
            n += 1
            talk.part()
            talk.say(b"%d: fd[10]: OK\0" % n)
    with Server(first) as a, Server(blind) as b, probe.Folder() as folder:
        servers = [a]
        answers, _, _ = probe.run("-t", 5000, "-P", folder.file("part", b"x"), "-p", "clamd", "-o", "socket=" + a.address, "-o", "socket=" + b.address,
                                  "-o", "allmatch=1")
    assert answers[0].result == "TEMPFAIL" and "EICAR test text" in answers[0].error, answers


def test_a_hanging_clamd_costs_one_mail():
    answers, _, _ = two_servers(lambda talk, _: (talk.part(), time.sleep(5)), found_each_time, deadline_ms=700, times=2)
    assert answers[0].result == "TEMPFAIL" and answers[1].found == ["p001:Second"], answers


def test_all_of_them_fail():
    answers, first, second = two_servers(answering(b""), answering(b""))
    assert answers[0].result == "TEMPFAIL" and first == second == 1, (answers, first, second)


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
