#!/usr/bin/python3
"""test_daemon_many_parts.py - a mail of more than a thousand parts: asking a scanner about each takes neither memory nor descriptors that
grow with their number."""
import os
import re
import resource
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from fakeclamd import FakeClamd, FakeDaemon  # noqa: E402

PARTS = 1200
OPEN_FILES = 1024               # what a process has by default
MORE_MAX_KB = 40 * 1024

LUA = """
max_servers = 1
child_timeout = 120
"""
BANKS = {
    "CLAMD": '{ av_scanners = { clamd { "%(run)s/clamd", session = false, fildes = false, canary_interval = 0, name = "bytes" } } }',
    "LINES": r'{ av_scanners = { av.avast { "%(run)s/avast" } } }',
    "DRWEB": '{ av_scanners = { av.drwebd { "%(run)s/drwebd" } } }',
    "PIECES": """{ av_scanners = { scanner "pieces" { scan = function(part)
        local text, n = "", 0
        if not part:read():find("LONG", 1, true) then return false end
        for at = 0, 4000 do n = n + #part:read(10, 10 * at) end
        return n >= 40000 and "Read.Whole"
    end } } }""",
    "NOPROGRAM": '{ av_scanners = { scanner "runs" { scan = function(part, host) return host.run({ "/nonexistent/program" }).output end } } }',
}


class Avast(FakeDaemon):
    def talk(self, conn):
        try:
            with conn, conn.makefile("rb") as lines:
                conn.sendall(b"220 hello\r\n")
                for line in lines:
                    path = line.split()[1]
                    conn.sendall(b"210 SCAN DATA\r\nSCAN %s\t[+]0.0\t0\r\n200 SCAN OK\r\n" % path)
        except OSError:
            pass


class Drwebd(FakeDaemon):
    def __init__(self, path):
        self.open = self.most = 0
        super().__init__(path)

    def talk(self, conn):
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
        with conn, conn.makefile("rb") as f:
            size = struct.unpack("!IIII", f.read(16))[3]
            f.read(size)
            conn.sendall(struct.pack("!II", 0x100000, 0))
            f.read(1)           # up to its closing
        with self.lock:
            self.open -= 1
            self.held.remove(conn)


def many_parts():
    lines = [b"From: sender@example.org\r\nTo: rcpt@example.com\r\nDate: Thu, 26 Nov 2026 09:00:00 +0000\r\nSubject: many\r\n"
             b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"]
    lines += [b"--b\r\nContent-Type: text/plain\r\n\r\npart %d\r\n" % n for n in range(PARTS)]
    return b"".join(lines) + b"--b--\r\n"


def memory_kb(pid, what):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"(?m)^%s:\s+(\d+) kB" % what, f.read()).group(1))


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    with Tap() as t, Catcher() as hop, Folder() as folder:
        run = folder.own("run", mode=0o755)
        with FakeClamd(os.path.join(run, "clamd")), Avast(os.path.join(run, "avast")), Drwebd(os.path.join(run, "drwebd")) as drwebd, \
                Postern(t, hop, LUA, banks=BANKS, folder=folder) as p:
            worker = p.role_pids("worker")[0]
            sanitized = memory_kb(worker, "VmSize") > 1 << 30
            for bank in "CLAMD", "LINES", "DRWEB":
                t.equal(send(p.ports[bank], mail(), timeout=120).code, 250, bank + ": a first mail")
                before = memory_kb(worker, "VmHWM")
                t.equal(send(p.ports[bank], many_parts(), timeout=120).code, 250, "%s: %d parts are scanned" % (bank, PARTS))
                more = memory_kb(worker, "VmHWM") - before
                print("# %s: %d kB more" % (bank, more))
                t.ok(sanitized or more < MORE_MAX_KB, bank + ": for some memory only", "%d kB" % more)
            t.ok(drwebd.most <= 20, "DRWEB: a connection lasts as long as its part", str(drwebd.most))
            t.match(str(send(p.ports["PIECES"], mail(b"LONG" + b"x" * 50000 + b"\r\n"), timeout=60)), "INFECTED: Read.Whole", "a part may be read in small pieces")
            t.match(str(send(p.ports["NOPROGRAM"], mail(), timeout=60)), r"451 .*/nonexistent/program: there is no such program", "why a program could not be run is told")
            t.equal(p.role_pids("worker"), [worker], "by one and the same worker")


if __name__ == "__main__":
    main()
