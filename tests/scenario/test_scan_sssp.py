#!/usr/bin/python3
"""The sssp plugin against a scripted savdid."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bad_ways  # noqa: E402
import tap  # noqa: E402
from fake_products import sssp_request, sssp_results as results, sssp_start as start  # noqa: E402
from fake_scanner import Server  # noqa: E402

ACC = b"ACC 4A2F/1\r\n"
SSSP = bad_ways.Dialogue("sssp", start, results(b"DONE OK 0000 The function call succeeded"),
                         results(b"VIRUS EICAR-AV-Test /data", b"OK 0203 /data", b"DONE OK 0203 Virus found during virus scan"), "EICAR-AV-Test",
                         again=sssp_request)
bad_ways.define(sys.modules[__name__], SSSP)


def test_content():
    seen, content = [], bytes(range(256)) * 2000

    def script(talk, _):
        seen.append(start(talk))
        talk.say(SSSP.clean)
    with Server(script) as server:
        assert SSSP.scan(server.address, content=content).result == "OK"
    assert seen == [content]


def test_accepted_before_the_content_comes():
    def script(talk, _):
        talk.say(b"OK SSSP/1.0\r\n")
        size = int(talk.line().rsplit(b" ", 1)[1])
        talk.say(ACC)
        talk.take(size)
        talk.say(SSSP.found[len(ACC):])
    with Server(script) as server:
        assert SSSP.scan(server.address, content=b"x" * 3000000).found == ["p001:EICAR-AV-Test"]


def test_found_inside_a_file_name():
    for line in (b"OK 0000 /tmp/VIRUS X/DONE OK 0000", b"FILE /VIRUS Bad /x", b"DONE FAIL 0000 VIRUS", b"DONE OK 00000 x", b"DONE OK 0203x y", b"DONE OK", b"DONE"):
        bad_ways.not_clean(SSSP.hear(results(line)), line)
    assert SSSP.hear(results(b"VIRUS A/Name-B.c /x/OK 0000/DONE OK 0000", b"DONE OK 0000")).found == ["p001:A/Name-B.c"]


def test_virus_without_its_line():
    assert SSSP.hear(results(b"DONE OK 0203 Virus found")).found == ["p001:(unnamed)"]


def test_found_and_then_broken_off():
    assert SSSP.hear(ACC + b"VIRUS One /x\r\nVIRUS Two /y\r\nDO").found == ["p001:One", "p001:Two"]


def test_a_part_that_upsets_it_hides_nothing():
    bad_ways.upset_by_a_part(SSSP, [results(b"DONE FAIL 0201 aborted"), results(b"DONE OK 0000 fine"), SSSP.found])


def test_found_and_failed_vouches_for_nothing():
    """What was named stands; whether it is but a sign of spam, and all else fine, it does not say."""
    for reply, result in ((results(b"VIRUS One /x", b"DONE FAIL 0201 aborted"), "TEMPFAIL"), (ACC + b"VIRUS One /x\r\n", "TEMPFAIL"),
                          (results(b"VIRUS One /x", b"FAIL 0212 /y", b"DONE OK 0203 found"), "NOTHING")):
        answer = SSSP.hear(reply)
        assert answer.found == ["p001:One"] and answer.result == result, (reply, answer)


def test_what_could_not_be_looked_into():
    for lines in ((b"FAIL 0212 /x", b"DONE OK 0000 done"), (b"DONE FAIL 0212 encrypted",), (b"DONE OK 020f corrupt",)):
        answer = SSSP.hear(results(*lines))
        assert answer.result == "NOTHING" and "could not look into it" in answer.error, answer
    answer = SSSP.hear(results(b"DONE FAIL 0201 aborted"))
    assert answer.result == "TEMPFAIL" and "savdid says: DONE FAIL 0201 aborted" in answer.error, answer


def test_rejected():
    def script(reply):
        def run(talk, _):
            talk.say(b"OK SSSP/1.0\r\n")
            talk.line()
            talk.say(reply)
        return run
    for reply, result, error in ((b"REJ 4\r\n", "LIMIT", "maxscandata"), (b"REJ 5\r\n", "TEMPFAIL", "must allow SCANDATA"), (b"NO\r\n", "BROKEN", "this is not SSSP")):
        with Server(script(reply)) as server:
            answer = SSSP.scan(server.address, content=b"x" * 5000000)
            assert answer.result == result and error in answer.error, answer


def test_version():
    def script(reply):
        def run(talk, _):
            talk.say(b"OK SSSP/1.0\r\n")
            query = talk.line()
            assert query == b"SSSP/1.0 QUERY SERVER", query
            talk.say(reply)
            talk.rest()
        return run
    for reply, result, version in ((ACC + b"version: SAV Dynamic Interface 2.4.0\r\nmaxscandata: 0\r\n\r\n", "OK", "SAV Dynamic Interface 2.4.0"),
                                   (ACC + b"\r\n", "OK", ""), (b"REJ 1\r\n", "OK", ""), (b"NO\r\n", "BROKEN", ""), (ACC, "TEMPFAIL", "")):
        with Server(script(reply)) as server:
            answer = SSSP.version(server.address, deadline_ms=400)
            assert answer.result == result and answer.fields["version"] == version, (reply, answer)
    bad_ways.question_goes_on(SSSP, script(ACC + b"version: 2.4\r\n\r\n"), "2.4")


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
