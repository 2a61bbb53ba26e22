#!/usr/bin/python3
"""test_daemon_tables.py - a table file that changes on disk is taken up without a reload, under load: the fate of mails flips, no mail is
lost or turned away while workers are replaced, a mail in hand ends as it began; a broken or missing file leaves the old table in
force and is told once, with file and line."""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
compatibility_level = 1
plugin_check_interval = 1
max_servers = 3
local_domains_maps = { { ".example.com" } }
final_virus_destiny = D_REJECT
virus_lovers_maps = { hash "lovers", pcre "lovers.pcre", list "lovers.list" }
"""


class Gate:
    """The next hop holds the mails whose subject says so."""

    def __init__(self):
        self.event = threading.Event()
        self.holding = False

    def __call__(self, session, line):
        if b" hold\r\n" in session.mails[-1].raw:
            self.holding = True
            self.event.wait(60)


class Load(threading.Thread):
    """Clean mails, on one session after another."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.going, self.replies = address, True, []

    def run(self):
        while self.going:
            try:
                self.replies.append(send(self.address, mail(b"clean\r\n"), ["load@example.com"]).code)
            except (OSError, Closed) as e:
                self.replies.append(str(e))
            time.sleep(0.002)

    def finish(self):
        self.going = False
        self.join()
        return self.replies


def put(p, name, text):
    """In place in one step, as postmap and editors do."""
    path = p.folder.join(name)
    with open(path + ".new", "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


def fate(p, recipient):
    return str(send(p.address, eicar_mail(), [recipient]))


def passes(p, recipient):
    return "INFECTED" not in fate(p, recipient)


def becomes(p, recipient, wanted):
    """A worker that was being made when the file changed still has the old table, and is replaced in its turn."""
    return p.wait(lambda: passes(p, recipient) == wanted, 20, "the new table is not taken up")


def change(p, name, text, held=0):
    """Put the file, and wait until every worker that had the old one is gone but those with a held mail: they are replaced one by one."""
    before = set(p.role_pids("worker"))
    put(p, name, text)
    p.wait(lambda: len(before & set(p.role_pids("worker"))) <= held, 30, "workers with the old table stay")


def changes_under_load(t, p, hop, gate):
    t.ok(not passes(p, "boss@example.com"), "nobody loves viruses at first")
    template = p.role_pids("worker-template")
    load = [Load(p.address) for _ in range(3)]
    for one in load:
        one.start()
    change(p, "lovers", "boss@example.com  yes\n")
    t.ok(becomes(p, "boss@example.com", True), "a line more in the file: the mail passes")
    gate.event.clear()
    held = []
    holder = threading.Thread(target=lambda: held.append(send(p.address, eicar_mail("hold"), ["boss@example.com"])))
    holder.start()
    p.wait(lambda: gate.holding, 20, "the held mail does not come")
    change(p, "lovers", "other@example.com  yes\n", held=1)
    t.ok(becomes(p, "boss@example.com", False), "the line is gone: the next mail is blocked")
    t.ok(not held, "a mail in hand is still in hand when the file has changed")
    gate.event.set()
    holder.join()
    t.match(str(held[0]), r"^250 2\.0\.0 from MTA", "and ends by the table that it began with")
    t.ok(passes(p, "other@example.com"), "others follow the new table")
    codes = [code for one in load for code in one.finish()]
    t.equal(sorted(set(codes)), [250], "no mail was turned away meanwhile")
    t.ok(len(codes) > 10, "there was load")
    delivered = sum("load@example.com" in m.recipients for m in hop.mails)
    t.equal(delivered, len(codes), "each was delivered once")
    t.equal(p.role_pids("worker-template"), template, "the worker template is the same")
    t.equal(p.status()["generation"], 1, "no generation was started")
    t.equal(p.log_lines(r"worker \d+ died"), [], "no worker died")


def broken_keeps_the_old(t, p):
    change(p, "lovers.pcre", "/^fan@/ yes\n")
    t.ok(becomes(p, "fan@example.com", True), "another kind of table is taken up alike")
    put(p, "lovers.pcre", "/^fan@/ no\n/(unclosed/ yes\n")
    p.wait_log(r"lovers\.pcre:2: bad regular expression .*stays in use")
    t.ok(passes(p, "fan@example.com"), "with a broken line the old table stays in force")
    os.unlink(p.folder.join("lovers"))
    p.wait_log(r"lovers: No such file or directory; what was read before stays in use")
    t.ok(passes(p, "other@example.com"), "without the file the old table stays in force")
    put(p, "lovers.list", "!other@example.com\n.example.net\n")
    p.wait_log(r"list: changed on disk")
    t.equal(len(p.log_lines(r"lovers\.pcre:2:")), 1, "what is wrong is told once")
    t.equal(len(p.log_lines(r"lovers: No such file")), 1, "what is missing is told once")
    change(p, "lovers", "other@example.com 0\n")
    t.ok(becomes(p, "other@example.com", False), "the file that is back is taken up, \"0\" is no")
    change(p, "lovers.pcre", "/^nobody@/ yes\n")
    t.ok(becomes(p, "fan@example.com", False), "the mended file is taken up")


def check_tells(t, p):
    put(p, "lovers.pcre", "/^fan@/ yes\n/(unclosed/ yes\n")
    code, _, err = p.posternd("-t")
    t.equal(code, 0, "-t: a line that cannot be used is no error")
    t.match(err, r"lovers\.pcre:2: warning: bad regular expression .*: the line is left out", "-t: it is a warning with file and line")
    os.chmod(p.folder.join("lovers"), 0o646)
    os.unlink(p.folder.join("lovers.list"))
    os.mkdir(p.folder.join("lovers.list"))
    code, _, err = p.posternd("-t")
    t.equal(code, 78, "-t: files that cannot be taken are errors")
    t.match(err, r"postern\.lua:\d+: hash: .*/lovers: writable by everyone", "-t: one that everybody may write")
    t.match(err, r"postern\.lua:\d+: list: .*/lovers\.list: not a regular file", "-t: a folder, told in the same run")
    code, _, err = p.reload()
    t.ok(code != 0, "a reload with such files fails")
    t.match(err, r"hash: .*writable by everyone(.|\n)*list: .*not a regular file", "and says so to whoever asked")
    t.ok(not passes(p, "other@example.com"), "and changes nothing")
    p.configure(LUA + "lovres = 1\n")
    code, _, err = p.posternd("-t")
    t.match(err, r"lovres: unknown setting", "-t: what is wrong with the configuration")
    t.match(err, r"postern\.lua:\d+: hash: .*/lovers: writable by everyone", "-t: and with a file, told in the same run")


def main():
    gate = Gate()
    folder = Folder()
    for name in "lovers", "lovers.pcre", "lovers.list":
        with open(folder.join(name), "w") as f:
            f.write("# nobody yet\n")
        os.chmod(folder.join(name), 0o644)
    try:
        with Tap() as t, Catcher(replies={".": gate}) as hop, Postern(t, hop, LUA, folder=folder) as p:
            changes_under_load(t, p, hop, gate)
            broken_keeps_the_old(t, p)
            check_tells(t, p)
    finally:
        folder.remove()


main()
