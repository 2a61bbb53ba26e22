#!/usr/bin/python3
"""The clamd plugin against a real clamd: descriptors, streams, sessions, limits, its death."""
import atexit
import io
import os
import signal
import sys
import threading
import time
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import private_clamd  # noqa: E402
import probe  # noqa: E402
import tap  # noqa: E402

NAME = "Eicar-Test-Signature.UNOFFICIAL"


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("eicar.com", data)
    return out.getvalue()


def scan(address, *contents, arguments=(), options=()):
    with probe.Folder() as folder:
        parts = [x for n, content in enumerate(contents) for x in ("-P", folder.file("in%d" % n, content))]
        extra = [x for o in options for x in ("-o", o)]
        answers, _, err = probe.run(*arguments, *parts, "-p", "clamd", "-o", "socket=" + address, *extra)
        return answers, err


def test_version():
    for address in (CLAMD.socket, CLAMD.tcp):
        answers, _ = scan(address, arguments=["-v"])
        assert answers[0].result == "OK" and answers[0].fields["version"].startswith("ClamAV "), answers


def test_descriptors():
    answers, err = scan(CLAMD.socket, b"hello", probe.EICAR, zipped(probe.EICAR))
    assert answers[0].found == ["p002:" + NAME, "p003:" + NAME], answers
    assert "does not take descriptors" not in err, err


def test_stream_over_tcp():
    answers, _ = scan(CLAMD.tcp, b"hello", probe.EICAR, zipped(probe.EICAR))
    assert answers[0].found == ["p002:" + NAME, "p003:" + NAME], answers


def test_clean():
    for address in (CLAMD.socket, CLAMD.tcp):
        answers, _ = scan(address, b"hello", b"", os.urandom(300000))
        assert answers[0].result == "OK" and not answers[0].found and not answers[0].error, answers


def test_stream_limit():
    answers, _ = scan(CLAMD.tcp, os.urandom(3000000))
    assert answers[0].result == "LIMIT" and "size limit exceeded" in answers[0].error, answers
    answers, _ = scan(CLAMD.tcp, os.urandom(3000000), b"hello")
    assert answers[0].result == "LIMIT", answers


def test_no_limit_for_descriptors():
    answers, _ = scan(CLAMD.socket, os.urandom(3000000))
    assert answers[0].result == "OK", answers


def test_without_sessions():
    for address in (CLAMD.socket, CLAMD.tcp):
        answers, _ = scan(address, b"hello", probe.EICAR, options=["session=0"], arguments=["-v"])
        assert [a.result for a in answers] == ["OK", "OK"] and answers[1].found == ["p002:" + NAME], answers


def test_one_session_for_many_mails():
    answers, _ = scan(CLAMD.socket, b"hello", probe.EICAR, arguments=["-r", "20"])
    assert len(answers) == 20 and all(a.found == ["p002:" + NAME] for a in answers), answers
    with open(CLAMD.folder.join("out"), encoding="utf-8", errors="replace") as f:
        assert "ERROR" not in f.read()


def test_two_side_by_side():
    with probe.Folder() as folder:
        part = folder.file("in", probe.EICAR)
        answers, _, _ = probe.run("-P", part, "-p", "clamd", "-o", "socket=" + CLAMD.socket, "-p", "clamd", "-o", "socket=" + CLAMD.tcp)
    assert [(a.name, a.found) for a in answers] == [("clamd", ["p001:" + NAME]), ("clamd/2", ["p001:" + NAME])], answers


def test_no_temporary_folder_is_not_clean_over_a_stream():
    """clamd keeps streams in its temporary folder: without one it must answer with an error, and we must not call that clean."""
    os.rename(CLAMD.folder.join("tmp"), CLAMD.folder.join("tmp-away"))
    try:
        answers, _ = scan(CLAMD.tcp, b"hello")
        assert answers[0].result == "TEMPFAIL", answers
    finally:
        os.rename(CLAMD.folder.join("tmp-away"), CLAMD.folder.join("tmp"))


def test_canary_tells_of_a_clamd_that_is_blind():
    """Without its temporary folder clamd says OK to descriptors; the test text that it found at start is what tells."""
    with probe.Folder() as folder:
        part = folder.file("in", b"hello")
        process = probe.start("-v", "-r", "9", "-P", part, "-p", "clamd", "-o", "socket=" + CLAMD.socket, "-o", "canary_interval=1s")
        assert probe.next_answer(process).verb == "version"
        assert probe.next_answer(process).result == "OK"
        os.rename(CLAMD.folder.join("tmp"), CLAMD.folder.join("tmp-away"))
        time.sleep(2.1)
        try:
            probe.again(process)
            answer = probe.next_answer(process)
            assert answer.result == "TEMPFAIL" and "does not find the EICAR" in answer.error, answer
        finally:
            os.rename(CLAMD.folder.join("tmp-away"), CLAMD.folder.join("tmp"))
        probe.again(process)
        assert probe.next_answer(process).result == "OK"
        probe.finish(process)


def test_killed_in_the_middle():
    with probe.Folder() as folder:
        part = folder.file("in", probe.EICAR)
        process = probe.start("-r", "9", "-t", "5000", "-P", part, "-p", "clamd", "-o", "socket=" + CLAMD.socket)
        assert probe.next_answer(process).found == ["p001:" + NAME]
        CLAMD.process.send_signal(signal.SIGSTOP)
        killer = threading.Timer(0.5, CLAMD.kill)
        killer.start()
        answer = probe.again(process)
        assert answer.result == "TEMPFAIL" and not answer.found, answer
        killer.join()
        answer = probe.again(process)
        assert answer.result == "TEMPFAIL" and "Connection refused" in answer.error, answer
        CLAMD.start()
        assert probe.again(process).found == ["p001:" + NAME]
        probe.finish(process)


def test_stopped_clamd_costs_the_deadline():
    CLAMD.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answers, _ = scan(CLAMD.socket, b"hello", arguments=["-t", "700"])
        assert answers[0].result == "TEMPFAIL" and int(answers[0].fields["ms"]) < 1500, answers
        assert time.monotonic() - began < 8
    finally:
        CLAMD.process.send_signal(signal.SIGCONT)


def test_all_names():
    """ALLMATCHSCAN, by path; over the TCP socket too, where clamd sees the same files."""
    for address in (CLAMD.socket, CLAMD.tcp):
        answers, _ = scan(address, b"hello", probe.EICAR, options=["allmatch=1"])
        assert answers[0].found == ["p002:" + NAME, "p002:Other-Signature.UNOFFICIAL"], answers
        answers, _ = scan(address, b"hello", os.urandom(3000), options=["allmatch=1"])
        assert answers[0].result == "OK" and not answers[0].found and not answers[0].error, answers


def test_limits_of_a_clamd_that_tells_of_them():
    """As the manual advises. One that does not tell calls clean what it has not looked at."""
    telling = private_clamd.Clamd("MaxFileSize 100K\nAlertExceedsMax yes\n")
    try:
        for address in (telling.socket, telling.tcp):
            for content in (os.urandom(300000), b"x" * 300000 + probe.EICAR):
                answers, _ = scan(address, content, probe.EICAR)
                assert answers[0].result == "LIMIT" and answers[0].found == ["p002:" + NAME], answers
    finally:
        telling.stop()


def test_another_clamd_takes_over():
    """The first of two clamds dies while it is in use; the second answers the same mail."""
    other = private_clamd.Clamd()
    try:
        with probe.Folder() as folder:
            part = folder.file("in", probe.EICAR)
            process = probe.start("-r", "9", "-P", part, "-p", "clamd", "-o", "socket=" + other.socket, "-o", "socket=" + CLAMD.socket)
            assert probe.next_answer(process).found == ["p001:" + NAME]
            other.kill()
            answer = probe.again(process)
            assert answer.result == "OK" and answer.found == ["p001:" + NAME], answer
            assert probe.again(process).result == "OK"
            probe.finish(process)
    finally:
        other.stop()


if __name__ == "__main__":
    private_clamd.skip_without_clamd()
    CLAMD = private_clamd.Clamd()
    atexit.register(CLAMD.stop)
    tap.run(sys.modules[__name__])
