#!/usr/bin/python3
"""The icap plugin against a real c-icap with its virus_scan module: previews, kept connections, the death of the engine behind it."""
import atexit
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import private_icap  # noqa: E402
import probe  # noqa: E402
import tap  # noqa: E402

NAME = "Eicar-Test-Signature.UNOFFICIAL"


def scan(*contents, arguments=(), options=(), address=None):
    with probe.Folder() as folder:
        parts = [x for n, content in enumerate(contents) for x in ("-P", folder.file("in%d" % n, content))]
        extra = [x for o in options for x in ("-o", o)]
        answers, _, _ = probe.run(*arguments, *parts, "-p", "icap", "-o", "socket=" + (address or ICAP.address), *extra)
        return answers


def test_version():
    answers = scan(arguments=["-v"])
    assert answers[0].result == "OK" and answers[0].fields["version"], answers


def test_found():
    for options in ((), ("preview=0",), ("allow_204=0",), ("session=0",)):
        answers = scan(b"hello", probe.EICAR, options=options)
        assert answers[0].result == "OK" and answers[0].found == ["p002:" + NAME], (options, answers)


def test_clean():
    for content in (b"x", b"hello" * 1000, random.Random(7).randbytes(300000), random.Random(8).randbytes(3000000)):
        answers = scan(content)
        assert answers[0].result == "OK" and not answers[0].found and not answers[0].error, (len(content), answers)


LEFT_OUT = [begin + random.Random(9).randbytes(100000) for begin in (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"%PDF-1.7\n")]


def test_a_type_that_it_leaves_out():
    """PNG and PDF are not in its ScanFileTypes: it lets them pass behind the preview."""
    for content in LEFT_OUT:
        answers = scan(content)
        assert answers[0].result == "NOTHING" and "has not looked at all of its" in answers[0].error, answers
        assert scan(content, options=["trust_early=1"])[0].result == "OK"


def test_the_manual_makes_it_look():
    """With the types that the manual names nothing is left out."""
    said = set()
    for name in ("plugins/scanner/icap.md", "man/postern-icap.5.in"):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", name), encoding="utf-8") as f:
            said |= set(re.findall(r"^ *virus_scan\.ScanFileTypes (.*)$", f.read(), re.M))
    assert len(said) == 1, said
    types = said.pop()
    other = private_icap.Icap(types)
    try:
        for content in LEFT_OUT + [b"GIF89a" + LEFT_OUT[0], b"\0\0\1\xba" + LEFT_OUT[0], b"MZ" + LEFT_OUT[0]]:
            answers = scan(content, address=other.address)
            assert answers[0].result == "OK" and not answers[0].error, (content[:10], answers)
    finally:
        other.stop()


def test_many():
    answers = scan(b"hello", probe.EICAR, arguments=["-r", "20"])
    assert len(answers) == 20 and all(a.result == "OK" and a.found == ["p002:" + NAME] for a in answers), answers


def test_no_such_service():
    answers = scan(b"hello", options=["service=nothing"])
    assert answers[0].result == "BROKEN" and "404" in answers[0].error, answers


def test_dead_engine_is_not_clean():
    ICAP.clamd.kill()
    for content in (b"hello", probe.EICAR):
        answers = scan(content)
        assert answers[0].result in ("TEMPFAIL", "BROKEN") and not answers[0].found, answers


if __name__ == "__main__":
    private_icap.skip_without_icap()
    ICAP = private_icap.Icap()
    atexit.register(ICAP.stop)
    tap.run(sys.modules[__name__])
