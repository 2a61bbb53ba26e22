#!/usr/bin/python3
"""sidebyside.py - do scanners of one mail really work side by side?  (see README.md; run by hand)

Five scanners that take 100 ms each: two daemons asked over sockets, a program, one in the jailed opener and one written in
Lua.  A mail that all five look at must take less than 1.6 times what one alone takes, one mail at a time and four at once.

    sidebyside.py --build-dir BUILD"""
import argparse
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--build-dir", required=True)
parser.add_argument("--rounds", type=int, default=9)
ARGUMENTS = parser.parse_args()
os.environ["POSTERN_BUILD"] = os.path.abspath(ARGUMENTS.build_dir)
os.environ.setdefault("POSTERN_SOURCE", os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from catcher import Catcher  # noqa: E402
from postern import Folder, Postern, mail  # noqa: E402
from smtpclient import Client  # noqa: E402

DELAY = 0.1
FLOOR = 1.6

PLUGIN = r"""
#include <postern/plugin.h>
#include <time.h>
static enum postern_result scan(struct postern_call *call, const struct postern_mail *mail)
{
	struct timespec t = { .tv_nsec = %d };
	(void)call; (void)mail;
	nanosleep(&t, NULL);
	return POSTERN_OK;
}
static const struct postern_scanner_ops ops = { .size = sizeof ops, .scan = scan };
static const struct postern_option none[] = { { 0 } };
const struct postern_plugin postern_plugin = { POSTERN_PLUGIN_HEAD, .name = "slowscan", .version = "1", .doc = "Takes its time.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .options = none, .scanner = &ops };
"""

SCANNERS = {
    "first": 'clamd { "%(run)s/first", name = "first", canary_interval = "0s" }',
    "second": 'clamd { "%(run)s/second", name = "second", canary_interval = "0s" }',
    "program": 'command { "/bin/sleep", args = "%(delay)s", clean = { 0 }, infected = { 1 } }',
    "opener": 'plugin("slowscan", "%(folder)s/plugin/slowscan.so") {}',
    "lua": 'scanner "lua" { scan = function(part, host) host.run({ "/bin/sleep", "%(delay)s" }) return false end }',
}


class SlowDaemon:
    """Speaks as much of clamd's protocol as a clean mail needs, and takes its time for each scan."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    @staticmethod
    def talk(peer):
        waiting, number, session = b"", 0, False
        while True:
            while b"\0" not in waiting:
                try:
                    data, descriptors, _, _ = socket.recv_fds(peer, 4096, 8)
                except OSError:
                    return
                for fd in descriptors:
                    os.close(fd)
                if not data:
                    return
                waiting += data
            command, waiting = waiting.split(b"\0", 1)
            command = command.lstrip(b"z")
            if command == b"IDSESSION":
                session = True
                continue
            if command == b"END":
                return
            if not command:     # the byte that carried a descriptor
                continue
            number += 1
            answer = {b"PING": b"PONG", b"VERSION": b"ClamAV 1.0.0/1/Sat Nov 21 00:00:00 2026"}.get(command)
            if command in (b"FILDES", b"INSTREAM"):
                time.sleep(DELAY)
                answer = b"fd[1]: OK"
            peer.sendall((b"%d: " % number if session else b"") + (answer or b"UNKNOWN COMMAND") + b"\0")


def build_plugin(folder):
    source = os.path.join(folder, "slowscan.c")
    with open(source, "w") as f:
        f.write(PLUGIN % int(DELAY * 1e9))
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-I", os.path.join(os.environ["POSTERN_SOURCE"], "core"), "-o",
                    os.path.join(folder, "slowscan.so"), source], check=True)
    os.chmod(os.path.join(folder, "slowscan.so"), 0o644)


def one_mail(address):
    with Client(address) as client:
        client.hello()
        started = time.monotonic()
        reply = client.send_mail(mail(), ["b@example.com"])
        if not str(reply).startswith("250") and "250" not in str(reply)[:12]:
            raise SystemExit("a mail was refused: %s" % reply)
        return time.monotonic() - started


def measure(address, at_once):
    """The median time of a mail, with so many on their way at once."""
    times = []
    for _ in range(ARGUMENTS.rounds):
        threads = [threading.Thread(target=lambda: times.append(one_mail(address))) for _ in range(at_once)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    return statistics.median(times), min(times), max(times)


def run(names):
    with Folder() as folder, Catcher() as hop:
        run_folder, plugin = folder.own("run", mode=0o755), folder.join("plugin")
        os.mkdir(plugin, 0o755)
        build_plugin(plugin)
        for name in ("first", "second"):
            SlowDaemon(os.path.join(run_folder, name))
        values = {"run": run_folder, "folder": folder.path, "delay": DELAY}
        scanners = ", ".join(SCANNERS[name] % values for name in names)
        with Postern(next_hop=hop, folder=folder, scanners=scanners, lua="max_servers = 4\nmax_requests = 1000\n") as p:
            for _ in range(8):
                one_mail(p.address)
            return {n: measure(p.address, n) for n in (1, 4)}


def main():
    alone = {name: run([name]) for name in SCANNERS}
    together = run(list(SCANNERS))
    missed = False
    for n in (1, 4):
        print("%d mail%s at once, seconds per mail: median (least to greatest)" % (n, "" if n == 1 else "s"))
        for name, figures in list(alone.items()) + [("all five", together)]:
            print("  %-9s %.3f (%.3f to %.3f)" % ((name,) + figures[n]))
        ratio = together[n][0] / statistics.median([figures[n][0] for figures in alone.values()])
        print("  all five take %.2f times one alone; wanted: less than %.1f: %s" % (ratio, FLOOR, "met" if ratio < FLOOR else "MISSED"))
        missed |= ratio >= FLOOR
    return 1 if missed else 0


sys.exit(main())
