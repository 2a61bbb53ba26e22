#!/usr/bin/python3
"""test_daemon_unpack.py - programs that take parts apart: what they make is opened, what they do wrong is not "clean", and from their
jail nothing gets out.  unpack_probe.c is such a program that does what the part tells it."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from formats import mail_with  # noqa: E402

PROBE = os.path.join(BUILD, "tests/scenario/unpack_probe")
MAGIC = {"arj": b"\x60\xea\x28\x05\n", "lrz": b"LRZI\n", "zoo": b"ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd\n", "ace": b"1234567**ACE**\n", "sit": b"SIT!\n", "rpm": b"\xed\xab\xee\xdb\n"}
LUA = """
decoder_time_limit = 3
decoder_cpu_limit = 1
MIN_EXPANSION_QUOTA = "2M"
MAX_EXPANSION_QUOTA = "2M"
MAXFILES = 100
decoders = {
  unpack { "%(probe)s", name = "probe", types = "arj", args = { "{}" }, suffix = ".arj", memory = "256M" },
  unpack { "%(probe)s", name = "stream", types = "lrz", output = "content" },
  unpack { "%(probe)s", name = "locked", types = "ace", args = { "{}", "-p{password}" }, no_password = "none", encrypted = { 7 } },
  unpack { "%(probe)s", name = "threads", types = "sit", args = { "{}" }, threads = 8 },
  unpack { "%(script)s", name = "script", types = "zoo", args = { "{}" } },
  unpack { "no-such-program", name = "absent", types = "rpm", args = { "{}" } },
}
"""


class Attachment:
    name, suffix = "unpack", ".bin"

    def __init__(self, kind, word):
        self.data = MAGIC[kind] + word.encode() + b"\n"
        self.filename = "sample." + kind


class Scanned:
    """What posternctl scan says of a mail with a part that tells the program what to do."""

    def __init__(self, p, word, kind="arj", text=None):
        path = p.folder.join("mail")
        content = mail_with(Attachment(kind, word))
        with open(path, "wb") as f:
            f.write(content.replace(b"See there.", text or b"See there."))
        self.code, self.out, self.err = p.ctl("scan", "--json", "--tree", path)
        tree = json.loads(self.out)["tree"] if self.out.startswith("{") else []
        self.part = next((x for x in tree if x["placement"] == "1/2"), {})
        self.children = [x for x in tree if x["placement"].startswith("1/2/")]
        self.names = [name for x in self.children for name in x["names"]]
        self.attributes, self.note = self.part.get("attributes", "?"), self.part.get("note", "")

    def __str__(self):
        return "%d %s%s" % (self.code, self.out, self.err)


def jail(t, p):
    for word in "connect", "read", "write", "processes", "links", "memory", "inheritance":
        s = Scanned(p, word)
        said = [name for name in s.names if name.endswith((" denied", " ALLOWED"))]
        wrong = [name for name in said if name.endswith(" ALLOWED") and name != "read the part ALLOWED"]
        t.ok(said and not wrong, "%s: nothing is to be had in the jail" % word, "%s\n%s" % (wrong, s))
        t.equal(s.part.get("decoder"), "probe", "%s: what it made was taken" % word)
    s = Scanned(p, "read")
    t.ok("read the part ALLOWED" in s.names, "the part itself can be read", str(s))
    t.ok(not os.path.exists("/tmp/postern-unpack-probe") and not os.path.exists("/dev/shm/postern-unpack-probe"), "nothing was made elsewhere")
    s = Scanned(p, "links")
    t.ok(not [x for x in s.children if set(x["attributes"]) & set("LS")], "no link and no device was made", str(s))
    s = Scanned(p, "processes", "sit")
    t.ok("thread ALLOWED" in s.names and "fork denied" in s.names and "clone denied" in s.names, "threads where they are asked for, processes never", str(s))


def results(t, p):
    s = Scanned(p, "words")
    t.ok(s.names == ["words"] and "U" not in s.attributes, "a good end: opened", str(s))
    s = Scanned(p, "words", "lrz")
    t.ok(s.part.get("decoder") == "stream" and len(s.children) == 1 and s.children[0]["size"] > 0, "what comes on standard output is one content", str(s))
    t.equal(s.children and s.children[0]["names"], ["sample"], "named as the part without its end")
    for word, note in (("fail", "exit code 3"), ("nothing", "made nothing"), ("abort", "signal %d" % signal.SIGABRT), ("trace", "signal %d" % signal.SIGSYS),
                       ("no such word", "exit code 91")):
        s = Scanned(p, word)
        t.ok("U" in s.attributes and note in s.note, "%s: undecipherable" % word, str(s))
    t.ok("words" in Scanned(p, "fail").names, "what a failing program made is looked at all the same")
    s = Scanned(p, "fail", "lrz")
    t.ok("U" in s.attributes and s.children and "U" in s.children[0]["attributes"], "half a content is one, and undecipherable", str(s))
    s = Scanned(p, "words", "zoo")
    t.ok("U" in s.attributes and "script" in s.note, "a script is no program: undecipherable, and said", str(s))
    s = Scanned(p, "words", "rpm")
    t.ok("U" in s.attributes and "no such program" in s.note, "a program that is not there: undecipherable, and said", str(s))


def names(t, p):
    s = Scanned(p, "names")
    wanted = ["-rf", "..dots..", "; touch $(id) | & `x`", "folder/in it", "line\nfeed", "n" * 255]
    t.ok(not [name for name in wanted if name not in s.names], "names of every kind are told as they stand", str(s))
    t.ok(len(s.children) == 7 and "U" not in s.attributes, "and each is one part", str(s))
    s = Scanned(p, "deep")
    t.ok("U" in "".join([s.attributes] + [x["attributes"] for x in s.children]), "too deep to be looked into: undecipherable", str(s))


def passwords(t, p):
    s = Scanned(p, "locked", "ace", b"The password is: opensesame")
    t.ok("K" in s.attributes and "U" not in s.attributes and s.names == ["opened"], "a word of the mail opens it", str(s))
    s = Scanned(p, "locked", "ace", b"No such word here.")
    t.ok("C" in s.attributes and "U" in s.attributes, "no word opens it: encrypted", str(s))


def limits(t, p):
    for word in "fill", "large", "babble", "many", "spin", "wait":
        s = Scanned(p, word)
        t.ok(p.temp_files() == [], "%s: nothing of it stays" % word, str(p.temp_files()))
        t.ok("over limits" in s.out or "limit" in s.out or "hold" in s.out, "%s: stopped at a limit" % word, str(s))
    t.ok(not running(p), "no program runs any more")


def running(p):
    found = []
    for pid in p.pids():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == "unpack_probe":
                    found.append(pid)
        except OSError:
            pass
    return found


def client_with(p, word):
    """Send a mail that makes the program wait; the client, before its reply is read."""
    c = Client(p.address)
    c.hello()
    for command in "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.com>", "DATA":
        c.say(command)
    c.write(stuff(mail_with(Attachment("arj", word)).replace(b"\n", b"\r\n")))
    return c


def parent_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(") ", 1)[1].split()[1])


def faults(t, p, hop):
    for who in "program", "opener", "worker", "client":
        before = len(hop.mails)
        c = client_with(p, "wait")
        program = p.wait(lambda: running(p), what="the program does not start")[0]
        if who == "client":
            c.close()
        else:
            for pid in {"program": [program], "opener": p.role_pids("opener"), "worker": [parent_of(program)]}[who]:
                os.kill(pid, signal.SIGKILL)
            reply = c.read()
            t.ok(reply.code in (250, 451) if who == "program" else reply.code == 451, "%s killed: %s" % (who, reply), str(reply))
            c.close()
        p.wait(lambda: not running(p), what="the program outlives the " + who)
        t.ok(True, "%s gone: the program is, too" % who)
        p.wait(lambda: not p.temp_files(), what="files stay")
        if who == "program":
            t.ok(p.log_lines("UNCHECKED"), "a mail whose program was killed is unchecked", p.log_text()[-2000:])
        elif who == "client":
            p.wait(lambda: p.counter("mails-cancelled") > 0, what="the mail is not cancelled")
            t.equal(len(hop.mails), before, "a client that left: nothing is delivered")
    t.equal(send(p.port, mail()).code, 250, "and it goes on")


def by_hand(t):
    done = subprocess.run([os.path.join(BUILD, "postern-unpack"), "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    t.ok(done.returncode == 71 and b"started by a worker, not by hand" in done.stderr, "postern-unpack by hand says what it is", str(done))


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder:
        by_hand(t)
        script = folder.join("script")
        with open(script, "w") as f:
            f.write("#!/bin/sh\ntouch made\n")
        os.chmod(script, 0o755)
        lua = LUA % {"probe": PROBE, "script": script}
        with Postern(t, hop, scanners=EXACT_SCANNER, folder=folder, lua=lua) as p:
            jail(t, p)
            results(t, p)
            names(t, p)
            passwords(t, p)
            limits(t, p)
            faults(t, p, hop)


if __name__ == "__main__":
    main()
