#!/usr/bin/python3
"""test_check_scanners.py - posternd -tt: each scanner finds the test virus, leaves a clean text alone, and says how it went; 78 where one does not."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from fakeclamd import FakeClamd  # noqa: E402


def fake(path, more=""):
    return 'clamd { socket = "%s", session = false, canary_interval = 0, timeout = "2s"%s }' % (path, more)


def main():
    with Tap() as t, Folder() as folder:
        path = os.path.join(folder.own("run", mode=0o755), "fake.sock")
        with FakeClamd(path) as clamd:
            p = Postern(None, scanners='clamav { database = "%%(database)s" }, %s' % fake(path, ", fildes = false"), folder=folder, start=False)
            code, out, err = p.posternd("-tt")
            t.equal(code, 0, "all good")
            t.match(out, r"clamav: good\n  way: within this process\n  version: ClamAV \S.*\n  test virus: \S+ \(\d+ us\)\n  clean text: clean \(\d+ us\)", "libclamav")
            t.match(out, r"clamd: good\n  way: %s, content sent\n  version: ClamAV 9\.9\.9.*\n  test virus: Fake\.Found" % re.escape(path), "a clamd by script")
            clamd.mode = "drop"
            code, out, err = p.posternd("-tt")
            t.equal(code, 78, "one does not answer")
            t.match(out, r"clamd: FAILED", "it is named")
            t.match(out, r"clamav: good", "the other is tried all the same")
        code, out, err = p.posternd("-tt")
        t.equal((code, "clamd: FAILED" in out), (78, True), "nobody listens")
        with open(folder.join("script"), "w") as f:
            f.write('test "$1" = -V && echo "Script 1.2" && exit 3\ngrep -rq EICAR-STANDARD "$1" && echo "x: By.Script FOUND" && exit 1\nexit 0\n')
        p.values["scanners"] = 'command { "/bin/sh", args = { "%s", "{}" }, version_args = { "%s", "-V" }, version = [[Script (\\S+)]], ' \
            'clean = { 0 }, infected = { 1 }, names = [[: (.+) FOUND$]] }' % (folder.join("script"), folder.join("script"))
        p.configure()
        code, out, err = p.posternd("-tt")
        t.match(out, r"command: good\n  way: program /bin/sh\n  version: 1\.2\n  test virus: By\.Script", "a program that tells its version")
        if clamd_program():
            with Clamd(folder.path) as real:
                p.values["scanners"] = 'clamd { socket = "%s" }, clamd { socket = "127.0.0.1:%d", name = "tcp" }' % (real.socket, real.port)
                p.configure()
                code, out, err = p.posternd("-tt")
                t.equal(code, 0, "a real clamd")
                t.match(out, r"clamd: good\n  way: %s, descriptor passed" % re.escape(real.socket), "over its unix socket")
                t.match(out, r"tcp: good\n  way: \S+, content sent", "and by TCP")


if __name__ == "__main__":
    main()
