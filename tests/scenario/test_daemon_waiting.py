#!/usr/bin/python3
"""test_daemon_waiting.py - for whom a mail waits: a scanner that hangs holds up neither what the others find nor the mail beyond its own
timeout; no scanner outlasts the mail's deadline; and a client that goes takes its mail's connections and programs with it.

Told by the order of what the scanners see, never by a clock."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

PATIENCE_S = 40         # of the client; child_timeout is longer where it shall not be what ends the wait


class Watched:
    """A daemon that takes lines; what it says to those that name a part, answer tells, or nothing does. All of them tell what they saw
    to one list, in order."""

    def __init__(self, path, name, events, answer=None, greeting=b""):
        self.name, self.all, self.answer, self.greeting = name, events, answer, greeting
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            conn, _ = self.listener.accept()
            self.all.append((self.name, "connected", ""))
            threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn):
        asked = False
        try:
            conn.sendall(self.greeting)
            for line in conn.makefile("rb"):
                if line == b"/dev/null\n":
                    conn.sendall(b"0\n")
                    continue
                asked = True
                self.all.append((self.name, "asked", line.strip().decode(errors="replace")))
                reply = self.answer(line) if self.answer else None
                if reply:
                    conn.sendall(reply)
                    self.all.append((self.name, "answered", ""))
        except OSError:
            pass
        if asked:
            self.all.append((self.name, "closed", ""))
        conn.close()


def seen(events, name, what):
    """The place of the first such event, or None."""
    return next((k for k, e in enumerate(events) if e[:2] == (name, what)), None)


def finds_eicar(line):
    with open(line.strip(), "rb") as f:
        return b"1:Quick.Found\n" if EICAR in f.read() else b"0\n"


HANGING = """
sophie { "%(run)s/quick", name = "quick", query = "{}/*\\n" },
sophie { "%(run)s/mute", name = "mute", query = "{}/*\\n", timeout = "1s", probe_interval = "1h" },
command { "/bin/sleep", args = "300", name = "program", clean = { 0 }, infected = { 1 }, timeout = "1s" },
scanner "luamute" { timeout = "1s", scan = function(part, host) local c = host.connect("%(run)s/luamute") c:write("part\\n") c:read() return false end },
"""


def one_hangs(t, hop):
    with Folder() as folder:
        run, events = folder.own("run", mode=0o755), []
        Watched(os.path.join(run, "quick"), "quick", events, finds_eicar)
        Watched(os.path.join(run, "mute"), "mute", events)
        Watched(os.path.join(run, "luamute"), "luamute", events)
        lua = 'local_domains_maps = { { ".example.com" } }\nmax_servers = 1\nchild_timeout = 300\n'
        with Postern(t, hop, lua, scanners=HANGING, folder=folder, name="three that hang") as p:
            reply = send(p.port, eicar_mail(), timeout=PATIENCE_S)
            t.match(reply.text, r"^250 2\.7\.0 Ok, discarded, .*Quick\.Found", "what one finds counts while others hang")
            t.match(p.wait_log("scan: mute: "), "time over", "the one that hangs ends at its own timeout, not the mail's")
            t.match(p.wait_log("scan: program: "), "time", "so does a program")
            t.match(p.wait_log("scan: luamute: "), "time", "and a scanner in Lua")
            p.wait(lambda: None not in (seen(events, "mute", "closed"), seen(events, "luamute", "closed")), 20, "a connection stays open")
            answered = seen(events, "quick", "answered")
            t.ok(answered is not None and answered < min(seen(events, "mute", "closed"), seen(events, "luamute", "closed")),
                 "the quick one had answered before any of the others was given up", repr(events))


def mails_deadline(t, hop):
    with Folder() as folder:
        run, events = folder.own("run", mode=0o755), []
        Watched(os.path.join(run, "mute"), "mute", events)
        Watched(os.path.join(run, "savapi"), "savapi", events, lambda line: b"100 ok\n" if line.startswith(b"SET") else b"200\n", b"100 SAVAPI:4.0\n")
        scanners = 'sophie { "%(run)s/mute", name = "mute", query = "{}/*\\n", timeout = "200s", on_error = "tempfail" }, savapi { "%(run)s/savapi" }'
        with Postern(t, hop, "max_servers = 1\nchild_timeout = 3\nlog_level = 2\n", scanners=scanners, folder=folder, name="the mail's deadline") as p:
            t.match(send(p.port, mail(), timeout=PATIENCE_S).text, r"^451 4\.5\.0 Error in processing, id=\d+-\d+, virus scanner mute: .*time over",
                    "the mail's deadline ends a scanner that has a longer timeout")
            p.wait(lambda: seen(events, "mute", "closed") is not None, 20, "the connection stays open")
            limits = [int(text.split()[-1]) for name, what, text in events if name == "savapi" and text.startswith("SET SCAN_TIMEOUT")]
            t.ok(limits and max(limits) <= 3, "a scanner that can be told a limit is told the mail's", repr(events))


def client_goes(t, hop):
    with Folder() as folder:
        run, events = folder.own("run", mode=0o755), []
        Watched(os.path.join(run, "mute"), "mute", events)
        Watched(os.path.join(run, "other"), "other", events)
        scanners = 'sophie { { "%(run)s/mute", "%(run)s/other" }, name = "mute", query = "{}/*\\n" }, ' \
            'command { "/bin/sleep", args = "300", clean = { 0 }, infected = { 1 } }'
        with Postern(t, hop, "max_servers = 1\nchild_timeout = 300\n", scanners=scanners, folder=folder, name="a client that goes") as p:
            with Client(p.port) as client:
                client.hello()
                client.envelope(["rcpt@example.com"])
                client.say("DATA")
                client.write(stuff(mail()))
                p.wait(lambda: seen(events, "mute", "asked") is not None, 20, "the scanner is not asked")
                p.wait(lambda: sleepers(p), 20, "no program runs")
                t.equal(seen(events, "mute", "closed"), None, "while the client waits the scanner is waited for")
            p.wait(lambda: seen(events, "mute", "closed") is not None, 20, "the connection to the scanner stays open")
            t.ok(True, "the client goes: the scanner sees its connection end")
            p.wait(lambda: not sleepers(p), 20, "the program goes on")
            t.ok(True, "and its program ends")
            t.equal(len(hop.caught), 0, "nothing was delivered")
            t.equal(seen(events, "other", "connected"), None, "and nobody else is asked for a client that has gone")
            t.equal(p.counter("breakers-opened"), 0, "the scanner is not blamed")


def sleepers(p):
    found = []
    for pid in p.pids():
        try:
            with open("/proc/%d/comm" % pid) as f:
                found += [pid] if f.read().strip() == "sleep" else []
        except OSError:
            continue
    return found


def main():
    with Tap() as t, Catcher() as hop:
        one_hangs(t, hop)
        mails_deadline(t, hop)
        client_goes(t, hop)


if __name__ == "__main__":
    main()
