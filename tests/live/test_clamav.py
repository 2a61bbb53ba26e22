#!/usr/bin/python3
"""libclamav through its plugin, with a database of one signature; above all: what it cannot scan is not clean."""
import gzip
import io
import os
import sys
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import private_clamd  # noqa: E402
import probe  # noqa: E402
import tap  # noqa: E402

NAME = "Eicar-Test-Signature.UNOFFICIAL"


def zipped(data, name="eicar.com"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return out.getvalue()


def scan(*contents, arguments=(), options=(), signature=None):
    with probe.Folder() as folder:
        database = private_clamd.make_database(folder)
        if signature:
            os.unlink(os.path.join(database, "test.ndb"))
            with open(os.path.join(database, "other.ndb"), "w", encoding="ascii") as f:
                f.write(signature)
        os.mkdir(folder.join("work"))
        parts = [x for n, content in enumerate(contents) for x in ("-P", folder.file("in%d" % n, content))]
        extra = [x for o in options for x in ("-o", o)]
        answers, out, _ = probe.run("-w", folder.join("work"), *arguments, *parts, "-p", "clamav", "-o", "database=" + database, *extra)
        left = os.listdir(folder.join("work")) if os.path.isdir(folder.join("work")) else []
        assert left == [], left
        return answers, out


def test_plain_and_zipped():
    answers, _ = scan(b"hello", probe.EICAR, zipped(probe.EICAR))
    assert answers[0].result == "OK" and answers[0].found == ["p002:" + NAME, "p003:" + NAME], answers


def test_large_parts():
    answers, _ = scan(os.urandom(3000000), zipped(os.urandom(2000000) + b"x", "a") + b"", zipped(probe.EICAR) + b"\0" * 2000000)
    assert answers[0].result == "OK" and answers[0].found == ["p003:" + NAME], answers


def test_clean():
    answers, _ = scan(b"hello", b"", b"<html><body>x</body></html>")
    assert answers[0].result == "OK" and not answers[0].found and not answers[0].error, answers


def test_whole_mail():
    mail = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + __import__("base64").encodebytes(probe.EICAR).replace(b"\n", b"\r\n") + b"--b--\r\n")
    with probe.Folder() as folder:
        path = folder.file("mail", mail)
        answers, _ = scan(arguments=["-m", path])
    assert answers[0].found == ["p000:" + NAME], answers


def test_version():
    answers, _ = scan(arguments=["-v"])
    assert answers[0].fields["version"].startswith("ClamAV "), answers


def test_no_temporary_folder_is_not_clean():
    for content in (b"hello", probe.EICAR, zipped(probe.EICAR)):
        answers, _ = scan(content, arguments=["-x"])
        assert answers[0].result == "TEMPFAIL" and "temporary directory" in answers[0].error, answers


def test_no_temporary_folder_is_not_clean_without_canary():
    other = "Other:0:*:6f746865722d74686174\n"
    for content in (b"hello", b"other-that"):
        answers, _ = scan(content, arguments=["-x"], signature=other)
        assert answers[0].result == "TEMPFAIL", answers


def test_limits():
    packed, raw = zipped(b"a" * 3000000), os.urandom(3000000)
    for content in (packed, raw, gzip.compress(b"a" * 3000000), zipped(b"a" * 1500000 + probe.EICAR)):
        answers, _ = scan(content, options=["max_filesize=1M"])
        assert answers[0].result == "LIMIT" and "Heuristics.Limits.Exceeded" in answers[0].error, answers
    for content in (packed, raw):
        answers, _ = scan(content, options=["max_filesize=1M", "alert_exceeds_max=1"])
        assert len(answers[0].found) == 1 and answers[0].found[0].startswith("p001:Heuristics.Limits.Exceeded"), answers


def test_virus_beside_a_limit():
    answers, _ = scan(zipped(b"a" * 3000000), probe.EICAR, options=["max_filesize=1M"])
    assert answers[0].result == "LIMIT" and answers[0].found == ["p002:" + NAME], answers
    assert "part p001: Heuristics.Limits.Exceeded" in answers[0].error, answers


def test_deep_nesting_is_a_limit():
    data = b"innermost"
    for n in range(12):
        data = zipped(data, "%d.zip" % n)
    answers, _ = scan(data, options=["max_recursion=4"])
    assert answers[0].result == "LIMIT", answers


def test_many_scans_with_canary():
    answers, _ = scan(b"hello", probe.EICAR, arguments=["-r", "10"], options=["canary_interval=1s"])
    assert len(answers) == 10 and all(a.found == ["p002:" + NAME] for a in answers), answers


def test_missing_database():
    try:
        probe.run("-p", "clamav", "-o", "database=/nonexistent/db")
    except AssertionError as problem:
        assert "/nonexistent/db" in str(problem), problem
    else:
        raise AssertionError("loaded")


if __name__ == "__main__":
    if not os.path.exists(os.path.join(probe.BUILD, "plugins/scanner/clamav.la")):
        print("1..0 # SKIP the clamav plugin is not built")
        sys.exit(0)
    tap.run(sys.modules[__name__])
