#!/usr/bin/python3
"""The savapi plugin against a scripted savapi."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bad_ways  # noqa: E402
import tap  # noqa: E402
from fake_products import savapi_request, savapi_start  # noqa: E402
from fake_scanner import Server  # noqa: E402


SAVAPI = bad_ways.Dialogue("savapi", savapi_start, b"200 \n", b"310 /x/p001 <<< Eicar-Test-Signature ; virus ; Contains code of it >>>\n319 done\n",
                           "Eicar-Test-Signature", again=savapi_request, options=["product=12345"])
bad_ways.define(sys.modules[__name__], SAVAPI)


def test_answers():
    for reply, result, found in (
            (b"210 nothing\n", "OK", []), (b"319 infected\n", "OK", ["p001:(unnamed)"]), (b"310\n319\n", "OK", ["p001:(unnamed)"]),
            (b"310 Name One ; virus ; x\n420 Two ; susp ; y\n319 \n", "OK", ["p001:Name One", "p001:Two"]),
            (b"310 One\n200 clean\n", "OK", ["p001:One"]), (b"310 One\n31", "TEMPFAIL", ["p001:One"]), (b"310 One\nnonsense\n", "BROKEN", ["p001:One"]),
            (b"310 One\n500 broken off\n", "TEMPFAIL", ["p001:One"]), (b"430 encrypted\n310 One\n319 \n", "NOTHING", ["p001:One"]),
            (b"430 encrypted\n200 \n", "NOTHING", []), (b"421 x\n422 y\n210 \n", "NOTHING", []),
            (b"350 out of memory\n", "TEMPFAIL", []), (b"300 \n", "TEMPFAIL", []), (b"100 ok\n", "TEMPFAIL", []), (b"2000\n", "BROKEN", [])):
        answer = SAVAPI.hear(reply)
        assert answer.result == result and answer.found == found, (reply, answer)


def test_found_inside_a_file_name():
    for reply in (b"FOUND/200 OK\n", b"310FOUND\n200 \n", b" 200 clean\n", b"/tmp/FOUND: 200\n", b"500 /tmp/200 FOUND\n", b"430 /200 FOUND\n430 200\n"):
        bad_ways.not_clean(SAVAPI.hear(reply), reply)


def test_a_part_that_upsets_it_hides_nothing():
    bad_ways.upset_by_a_part(SAVAPI, [b"350 cannot open\n", b"200 \n", SAVAPI.found])


def test_settings_refused():
    def script(talk, _):
        talk.say(b"100 SAVAPI:4.0\n")
        talk.until(b"\n")
        talk.say(b"500 no licence\n")
    with Server(script) as server:
        answer = SAVAPI.scan(server.address)
    assert answer.result == "TEMPFAIL" and "does not take SET PRODUCT: 500 no licence" in answer.error, answer


def test_version():
    def script(talk, _):
        talk.say(b"100 SAVAPI:4.0\n")
        talk.until(b"\n")
        talk.say(b"100 PRODUCT:12345\n")
        talk.rest()
    with Server(script) as server:
        answer = SAVAPI.version(server.address)
        assert answer.result == "OK" and answer.fields["version"] == "SAVAPI:4.0", answer
    bad_ways.question_goes_on(SAVAPI, script, "SAVAPI:4.0")
    with Server(lambda talk, _: talk.say(b"220 mail\n")) as server:
        assert SAVAPI.version(server.address).result == "BROKEN"
    with Server(lambda talk, _: talk.rest()) as server:
        assert SAVAPI.version(server.address, deadline_ms=400).result == "TEMPFAIL"


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
