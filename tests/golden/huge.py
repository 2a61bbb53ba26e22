#!/usr/bin/python3
"""huge.py - mails that are too much of something: the opener's memory stays bounded, it comes to an end, and none of them passes for clean."""
import os
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from views import BUILD, Tap  # noqa: E402
import hidden_mails as h  # noqa: E402

LIMITS = ["max_files=1500", "max_levels=14", "quota=314572800"]
MEMORY_BYTES = 768 * 1024 * 1024        # of the process, above what it reads
SECONDS = 300
MILLION = 1000 * 1000
TOP = h.TOP + h.MIME
MIXED = TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"



def giants():
    """(name, the mail)"""
    line = b"x" * (100 * MILLION)
    yield "a header line of 100 MB", TOP + b"X-A: " + line + b"\r\n\r\nbody\r\n"
    yield "a Content-Type of 100 MB", TOP + b"Content-Type: text/plain; name=\"" + line + b"\"\r\n\r\nbody\r\n"
    yield "a header line of 100 MB in a part", MIXED + b"--b\r\nX-A: " + line + b"\r\n\r\nbody\r\n--b--\r\n"
    yield "a header of nothing but 100 MB", line
    yield "a million fields", TOP + b"A: b\r\n" * MILLION + b"\r\nbody\r\n"
    yield "a million fields in a part", MIXED + b"--b\r\n" + b"A: b\r\n" * MILLION + b"\r\nbody\r\n--b--\r\n"
    yield "a million continuation lines", TOP + b"A: b\r\n" + b" c\r\n" * MILLION + b"\r\nbody\r\n"
    yield "a million Content-Types", TOP + b"Content-Type: a/b\r\n" * MILLION + b"\r\nbody\r\n"
    yield "a million lone CRs in a field", TOP + b"Content-Type: a/b" + b"\rc" * MILLION + b"\r\n\r\nbody\r\n"
    yield "a million parameters", TOP + b"Content-Type: a/b" + b"; name=x" * MILLION + b"\r\n\r\nbody\r\n"
    yield "a million boundaries", TOP + b"Content-Type: multipart/mixed" + b"".join(b"; boundary=b%d" % i for i in range(MILLION)) + b"\r\n\r\n--b1\r\n\r\nx\r\n"
    yield "10,000 parts", MIXED + b"".join(b"--b\r\n\r\n%d\r\n" % i for i in range(10000)) + b"--b--\r\n"
    yield "a million parts", MIXED + b"--b\r\n\r\nx\r\n" * MILLION + b"--b--\r\n"
    yield "10,000 parts of two boundaries", TOP + b"Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\n" + b"".join(b"--b\r\n\r\n%d\r\n--c\r\n\r\n%d\r\n" % (i, i) for i in range(10000))
    yield "10,000 parts that only begin like one", MIXED + b"".join(b"--b%d\r\nContent-Type: text/plain\r\n\r\n%d\r\n" % (i, i) for i in range(10000))
    yield "10 million lines of dashes", MIXED + b"--\r\n" * (10 * MILLION)
    yield "multiparts 1000 deep", h.nest(1000, h.part())
    yield "multiparts 20,000 deep", TOP + b"".join(b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (i, i) for i in range(20000)) + h.part()
    yield "multiparts 1000 deep of one boundary", TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 1000 + h.part()
    yield "messages 1000 deep", h.nest_messages(1000, h.mail(b"X: y", h.uuencode()))
    yield "messages 20,000 deep", TOP + b"Content-Type: message/rfc822\r\n\r\n" * 20000 + h.uuencode()
    yield "parts with 50 names each", MIXED + b"".join(b"--b\r\nContent-Type: a/b" + b"".join(b"; name=%0200d" % (i * 50 + k) for k in range(50)) + b"\r\n\r\nx\r\n" for i in range(2000))
    yield "100,000 uuencoded files", TOP + b"\r\n" + b"".join(b"begin 644 %d\r\n%s\r\nend\r\n" % (i, b"%:&5L;&\\") for i in range(100000))
    yield "100,000 yEnc files without end", TOP + b"\r\n" + b"".join(b"=ybegin line=128 size=5 name=%d\r\nabc\r\n" % i for i in range(100000))
    yield "a BinHex file of runs", TOP + b"\r\n" + h.binhex(b"C", length=2 * 1000 * MILLION, bomb=8 * MILLION)
    yield "base64 of 50 MB with junk in every line", TOP + b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + (b"QUJD" * 18 + b"!\r\n") * 700000
    yield "a multipart of 90 MB that claims base64", TOP + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"--b\r\n\r\n" + (b"QUJD" * 18 + b"\r\n") * (1200 * 1000)


def crowds():
    """The same, but there is nothing in them that would not be read."""
    yield "a million ends", MIXED + b"--b--\r\nx\r\n" * MILLION
    yield "a million addresses", TOP + b"Cc: a@example.com" + b",\r\n a@b" * MILLION + b"\r\n\r\nbody\r\n"
    yield "a million encoded words", TOP + b"X-A: b" + b"\r\n =?utf-8?q?a?=" * MILLION + b"\r\n\r\nbody\r\n"


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES + 400 * 1024 * 1024,) * 2)


def run(path):
    sanitized = os.environ.get("POSTERN_SANITIZED") or b"__asan_init" in open(os.path.join(BUILD, "tests/golden/tree_probe"), "rb").read()
    p = subprocess.Popen([os.path.join(BUILD, "tests/golden/tree_probe"), "-b", path] + LIMITS, stdout=subprocess.PIPE, preexec_fn=None if sanitized else limit_memory)
    try:
        out, _ = p.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        p.kill()
        return None, p.communicate()[0]
    return p.returncode, out


def main():
    with Tap() as t, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mail")
        for harmless, mails in (False, giants()), (True, crowds()):
            for name, data in mails:
                with open(path, "wb") as f:
                    f.write(data)
                started = time.monotonic()
                code, out = run(path)
                text = out.decode("latin-1")
                end = text[text.rfind("outcome "):][:300]
                t.note("%s: %.1f s, at most %d MiB so far" % (name, time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
                doubtful = "outcome LIMIT" in end or "ambiguous=1" in end or "undecipherable=1" in end
                t.ok(code == 0 and (doubtful or harmless), name, "exit %s\n%s" % (code, end))


if __name__ == "__main__":
    main()
