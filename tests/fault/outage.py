#!/usr/bin/python3
"""outage.py - what it costs that the only scanner is gone: one that refuses, then one that hangs, while mails come all the time.

    POSTERN_BUILD=/path/to/build tests/fault/outage.py              60 s of each, the shipped probe interval (three minutes)
    POSTERN_BUILD=/path/to/build tests/fault/outage.py --short      some seconds of each: part of `make check`

Three scanners at once, each the only one of its policy bank: a clamd, a Sophie, and a clamd of a site that lets mails pass
unchecked.  Each bank has clients that offer mails without a pause and try again whatever gets a 4xx.  Promised, and counted
by the scanners themselves, the log and the next hop:

  connects during the outage   at most outage / probe interval + workers
  after the outage             the first try is answered and its mail passes: within one probe interval (timed in the full run only)
  every mail                   is delivered in the end; what passed was scanned, or says that it was not

Output is TAP; figures come as comments."""
import argparse
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faulty import *  # noqa: E402 pylint: disable=wildcard-import,unused-wildcard-import,wrong-import-position
from fakeclamd import FakeClamd, FakeDaemon  # noqa: E402 pylint: disable=wrong-import-position

WORKERS = 4
CLIENTS = 3             # for each bank
PAUSE_S = 0.02          # before a mail is tried again
TOKEN = re.compile(rb"token-[a-z]+-[0-9]+-[0-9]+")


class FakeSophie(FakeDaemon):
    """Takes the name of a file, looks into it, and answers."""

    def __init__(self, path):
        self.seen = set()
        super().__init__(path)

    def talk(self, conn):
        try:
            with conn, conn.makefile("rb") as lines:
                for line in lines:
                    if self.mode == "hang":
                        threading.Event().wait(120)
                        return
                    with open(line.rstrip(b"\n"), "rb") as f:
                        self.seen.update(TOKEN.findall(f.read()))
                    conn.sendall(b"0\n")
        except OSError:
            pass


class SeeingClamd(FakeClamd):
    """Remembers what it has answered for."""

    def __init__(self, path):
        self.seen = set()
        super().__init__(path)

    def answered(self, content):
        self.seen.update(TOKEN.findall(content))


class Bank:
    """One scanner, its mails, and what became of them."""

    def __init__(self, name, fake, instance):
        self.name, self.fake, self.instance = name, fake, instance
        self.port, self.taken, self.waits, self.odd = None, 0, 0, []
        self.first_taken = None         # (time, when that try began) since mark()
        self.lock, self.stop, self.threads = threading.Lock(), threading.Event(), []

    def start(self, port):
        self.port = port
        self.threads = [threading.Thread(target=self.offer, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def mark(self):
        with self.lock:
            self.first_taken = None

    def offer(self, client):
        number = 0
        while not self.stop.is_set():
            number += 1
            token = "token-%s-%d-%d" % (self.name.lower(), client, number)
            data = mail(token.encode() + b"\r\n", token)
            while not self.try_once(data):
                time.sleep(PAUSE_S)

    def try_once(self, data):
        began = time.monotonic()
        reply = send(self.port, data, timeout=120)
        with self.lock:
            if reply.code == 250:
                self.taken += 1
                self.first_taken = self.first_taken or (time.monotonic(), began)
                return True
            self.waits += 1
            if reply.code // 100 != 4:
                self.odd.append(reply.text)
                return True
        return False

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)
        return not any(thread.is_alive() for thread in self.threads)


class Outage:
    def __init__(self, tap, p, hop, banks, settings):
        self.t, self.p, self.hop, self.banks, self.settings = tap, p, hop, banks, settings
        self.marks = {}

    def tries(self, bank):
        """Connections that the scanner saw, and those that nobody took: of each of these its mail has a line."""
        refused = self.p.log_lines("scan: %s: (not asked, it does not answer: )?connect " % bank.instance)
        return bank.fake.connects + len(refused)

    def begin(self, mode):
        for bank in self.banks:
            self.marks[bank.name] = self.tries(bank)
            if mode == "refuse":
                bank.fake.close()
            else:
                bank.fake.mode = "hang"
                bank.fake.let_go()

    def end(self, mode):
        for bank in self.banks:
            bank.mark()
            if mode == "refuse":
                bank.fake.listen()
            else:
                bank.fake.mode = "answer"
                bank.fake.let_go()

    def run(self, mode):
        s = self.settings
        waits = {bank.name: bank.waits for bank in self.banks}
        began = time.monotonic()
        self.begin(mode)
        time.sleep(s.seconds)
        for bank in self.banks:
            self.p.wait(lambda: self.breaker(bank) == "open", 60, "%s, %s: nobody has noticed" % (bank.name, mode))  # pylint: disable=cell-var-from-loop
        lasted = time.monotonic() - began
        tries = {bank.name: self.tries(bank) - self.marks[bank.name] for bank in self.banks}
        back = time.monotonic()
        self.end(mode)
        for bank in self.banks:
            self.judge(bank, mode, lasted, tries[bank.name], bank.waits - waits[bank.name], back)

    def judge(self, bank, mode, lasted, tries, waits, back):
        what, most = "%s, %s" % (bank.name, mode), lasted / self.settings.probe_s + WORKERS
        self.t.ok(tries <= most, what + ": it was tried seldom", "%d tries in %.1f s, at most %.1f" % (tries, lasted, most))
        self.p.wait(lambda: bank.first_taken and self.breaker(bank) == "closed", 60, what + ": does not come back")
        took = bank.first_taken[0] - back
        print("# %s: %.1f s, %d tries (at most %.1f), %d mails put off; the first passes %.2f s after it" % (what, lasted, tries, most, waits, took))
        if not self.settings.short and bank.name != "LENIENT":
            self.t.ok(took <= self.settings.probe_s + 1, what + ": back within one probe interval", "%.1f s" % took)
        if bank.name != "LENIENT":
            self.t.ok(waits > 0, what + ": mails waited with the MTA")

    def breaker(self, bank):
        record = [i for i in self.p.status()["plugins"] if i["name"] == bank.instance]
        return record and record[0]["breaker"]

    def at_the_end(self):
        for bank in self.banks:
            self.t.ok(bank.finish() and not bank.odd, bank.name + ": every mail was taken in the end", "\n".join(bank.odd[:5]))
        count = sum(bank.taken for bank in self.banks)
        self.t.ok(len(self.hop.wait_mails(count)) >= count, "each of %d mails was delivered" % count)
        by_token = {}
        for m in self.hop.caught:
            by_token.setdefault(TOKEN.search(m.body).group(0), []).append(m)
        self.t.equal([token for token, mails in by_token.items() if len(mails) > 1], [], "none of them twice")
        for bank in self.banks:
            mine = [mails[0] for token, mails in by_token.items() if token.startswith(b"token-%s-" % bank.name.lower().encode())]
            told = [m for m in mine if m.field("x-amavis-hold")]
            unscanned = [m for m in mine if TOKEN.search(m.body).group(0) not in bank.fake.seen]
            self.t.equal([m for m in unscanned if m not in told or m.field("x-virus-scanned")], [], bank.name + ": what passed without a scan says so")
            self.t.ok(bool(unscanned) == (bank.name == "LENIENT"), bank.name + ": " + ("some passed unchecked, as its settings say" if
                      bank.name == "LENIENT" else "none passed without a scan"), "%d of %d" % (len(unscanned), len(mine)))
        for bank in self.banks:
            lines = [len(self.p.log_lines("%s: %s" % (bank.instance, text))) for text in ("does not answer; asked again", "answers again")]
            self.t.equal(lines, [2, 2], bank.name + ": one line for each change of state")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seconds", type=float, help="of each outage")
    parser.add_argument("--probe", type=float, dest="probe_s", help="probe_interval in seconds")
    a = parser.parse_args()
    a.seconds = a.seconds or (5 if a.short else 60)
    a.probe_s = a.probe_s or (1 if a.short else 10)
    a.timeout_s = 2 if a.short else 10
    return a


def main():
    settings = arguments()
    common = 'timeout = "%ds", probe_interval = "%dms"' % (settings.timeout_s, settings.probe_s * 1000)
    clamd = 'clamd { "%%(run)s/%s", name = "%s", session = false, fildes = false, canary_interval = 0, ' + common + " }"
    sophie = 'sophie { "%(run)s/sophie", name = "sophie", query = "{}/*\\n", ' + common + " }"
    with Tap() as t, Catcher() as hop, Folder() as folder:
        run = folder.own("run", mode=0o755)
        path = lambda name: os.path.join(run, name)  # noqa: E731
        banks = [Bank("CLAMD", SeeingClamd(path("clamd")), "clamd"), Bank("SOPHIE", FakeSophie(path("sophie")), "sophie"),
                 Bank("LENIENT", SeeingClamd(path("lenient")), "lenient")]
        texts = {"CLAMD": "{ av_scanners = { %s } }" % (clamd % ("clamd", "clamd")), "SOPHIE": "{ av_scanners = { %s } }" % sophie,
                 "LENIENT": "{ av_scanners = { %s }, virus_scanners_failure_is_fatal = false }" % (clamd % ("lenient", "lenient"))}
        lua = 'local_domains_maps = { { ".example.com" } }\nmax_servers = %d\n' % WORKERS
        with Postern(t, hop, lua, banks=texts, folder=folder) as p:
            for bank in banks:
                bank.start(p.ports[bank.name])
            p.wait(lambda: all(bank.taken >= CLIENTS for bank in banks), 30, "no mail passes at the beginning")
            outage = Outage(t, p, hop, banks, settings)
            outage.run("refuse")
            outage.run("hang")
            p.wait(lambda: all(bank.first_taken for bank in banks), 30, "no mail passes at the end")
            outage.at_the_end()


if __name__ == "__main__":
    main()
