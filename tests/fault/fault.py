#!/usr/bin/python3
"""fault.py - the fault test: a queue of mails against a posternd whose processes are killed while they hold one.

    POSTERN_BUILD=/path/to/build tests/fault/fault.py            the full run: 2,000 mails, 50 kills of each role (a good minute)
    POSTERN_BUILD=/path/to/build tests/fault/fault.py --short    200 mails, 5 kills of each role: part of `make check`

A client with 16 connections retries whatever gets a 4xx or a lost connection
until every recipient of every mail is acknowledged; a third of the mails carry
EICAR, a third have three recipients.  Meanwhile SIGKILL strikes workers,
openers, receptions and both templates, each at a moment at which it holds a
mail, and the configuration is loaded anew each second.  To be sure of that
moment without a race, a process is stopped (SIGSTOP), looked at once more in
`status`, and killed only when it still has what it had; else it goes on.

New mails are let go in step with the kills, so that both end together.  poison_limit is out of reach on purpose: the
kills are not the mails' fault, and a mail that is hit three times must still be acknowledged.

A second copy at the next hop is allowed only where a worker was killed in the
moment between the next hop's 250 and its own record of it; each one is traced
to its kill and printed.  Output is TAP; figures come as comments."""
import argparse
import asyncio
import collections
import os
import signal
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import Queue, kinds, make_mail, rng_from  # pylint: disable=wrong-import-position
from house import BUILD, House, Raw, pick, seed_from, wait_until  # pylint: disable=wrong-import-position
from sink import Sink, body_digest  # pylint: disable=wrong-import-position
import clamd  # pylint: disable=wrong-import-position

ROLES = ("worker", "opener", "reception", "worker-template", "opener-template")
BUSY = ("settle", "open", "check", "judge", "act", "deliver", "answer")
NEXT_HOP_MS = 15


class Kill:
    def __init__(self, role, pid, stage, log_id, generation):
        self.role, self.pid, self.stage, self.log_id, self.generation = role, pid, stage, log_id, generation
        self.stopped_at = self.at = time.monotonic()


class Killer(threading.Thread):
    def __init__(self, house, wanted, rng):
        super().__init__(daemon=True)
        self.house, self.wanted, self.rng, self.queue = house, wanted, rng, None
        self.kills, self.missed, self.trouble = [], 0, None
        self.looks = self.generations_most = 0
        self.finished = False
        self.batch, self.pause_s = 8, 0.0

    # --- looking ---

    def look(self):
        while True:
            try:
                status = self.house.status()
                break
            except (OSError, ValueError):
                if self.house.master.poll() is not None:
                    raise
                time.sleep(0.05)
        alive = {p["generation"] for p in status["processes"] if p["role"] != "master"}
        self.looks += 1
        self.generations_most = max(self.generations_most, status["generations"], len(alive))
        return status

    @staticmethod
    def busy_workers(status):
        return [p for p in pick(status["processes"], "worker") if p["stage"] in BUSY]

    def holders(self, status, role):
        """Those of a role that hold a mail now: [(pid, stage, log_id, generation)]"""
        processes, busy = status["processes"], self.busy_workers(status)
        if role == "worker":
            return [(p["pid"], p["stage"], p["log_id"], p["generation"]) for p in busy]
        if role == "opener":
            return [(p["pid"], p["stage"], p["log_id"], p["generation"]) for p in pick(processes, "opener") if p["stage"] in ("opening", "scanning") and p["log_id"]]
        waiting = status["mails_waiting"]
        found = []
        for p in pick(processes, role):
            own = sum(w["generation"] == p["generation"] for w in busy)
            if own and p["stage"] == "active":
                found.append((p["pid"], "mails in hand" if not waiting or role != "reception" else "in hand and waiting", None, p["generation"]))
        return found

    def choose(self, found):
        """The stage that was hit least so far."""
        hits = collections.Counter(k.stage for k in self.kills if k.role in ("worker", "opener"))
        self.rng.shuffle(found)
        return min(found, key=lambda f: hits[f[1]])

    # --- killing ---

    def send(self, pid, number):
        """Only to a process of this house; False: it has gone."""
        try:
            if not self.house.owns(pid):
                return False
            os.kill(pid, number)
            return True
        except ProcessLookupError:
            return False

    def strike(self, role):
        found = self.holders(self.look(), role)
        if not found:
            return False
        pid, stage, log_id, generation = self.choose(found)
        kill = Kill(role, pid, stage, log_id, generation)
        if not self.send(pid, signal.SIGSTOP):
            return False
        again = [f for f in self.holders(self.look(), role) if f[0] == pid and f[2] == log_id and (role not in ("worker", "opener") or f[1] == stage)]
        if not again:
            self.missed += 1
            self.send(pid, signal.SIGCONT)
            return False
        kill.at = time.monotonic()
        if self.send(pid, signal.SIGKILL):
            self.kills.append(kill)
        return kill in self.kills

    def feed(self):
        """Enough mails under way that somebody must hold one."""
        if self.queue.waiting() < 4:
            self.queue.release(4)

    def kill_one(self, role):
        self.queue.release(self.batch)
        end = time.monotonic() + 120
        while not self.strike(role):
            self.feed()
            time.sleep(0.002)
            if time.monotonic() > end:
                raise AssertionError("no %s was seen with a mail in hand for two minutes" % role)

    def let_work(self):
        """Kills go by the mails done, not by the clock alone: a busy machine shall not put more of them into one mail's life."""
        time.sleep(self.pause_s)
        enough, end = self.queue.done + self.batch, time.monotonic() + 60
        while self.queue.done < enough and time.monotonic() < end:
            self.feed()
            time.sleep(0.01)

    def run(self):
        try:
            for _ in range(self.wanted):
                row = list(ROLES)
                self.rng.shuffle(row)
                for role in row:
                    self.kill_one(role)
                    self.let_work()
        except BaseException:  # pylint: disable=broad-except
            self.trouble = traceback.format_exc()
        self.finished = True
        while self.queue and not self.queue.enough:     # goes on looking
            self.look()
            time.sleep(0.05)


class Reloader(threading.Thread):
    def __init__(self, house):
        super().__init__(daemon=True)
        self.house, self.good, self.failed, self.stop = house, 0, 0, False

    def run(self):
        while not self.stop:
            at = time.monotonic()
            try:
                self.good, self.failed = (self.good + 1, self.failed) if self.house.reload()[0] == 0 else (self.good, self.failed + 1)
            except OSError:
                self.failed += 1
            time.sleep(max(0.0, at + 1 - time.monotonic()))


# --- one phase: a protocol, its mails, its kills ---

async def phase(house, name, lmtp, count, kills_each, rng, number_from, pause_s):
    mails = [make_mail(number_from + k, kind, rng) for k, kind in enumerate(kinds(count, rng))]
    queue = Queue(mails, lmtp, house.lmtp_port if lmtp else house.smtp_port, 16, rng)
    spare = iter(range(number_from + count, number_from + 100 * count))
    queue.make_more = lambda: make_mail(next(spare), "clean", rng)
    killer = Killer(house, kills_each, rng)
    killer.queue, killer.batch = queue, max(1, count // max(1, kills_each * len(ROLES) + 1))
    killer.pause_s = pause_s
    reloader = Reloader(house)
    started = time.monotonic()
    killer.start()
    reloader.start()
    run = asyncio.ensure_future(queue.run())
    while not killer.finished and house.master.poll() is None:
        await asyncio.sleep(0.05)
    queue.release(len(queue.new))
    queue.enough = True
    try:
        await asyncio.wait_for(run, 180)
    finally:
        reloader.stop = True
    while reloader.is_alive() or killer.is_alive():
        await asyncio.sleep(0.05)
    print("# %s: %d mails in %.1f s, %d kills" % (name, len(queue.mails), time.monotonic() - started, len(killer.kills)), flush=True)
    return queue, killer, reloader


# --- what became of it ---

class Judgement:
    def __init__(self, house, sink, phases):
        self.house, self.sink = house, sink
        self.mails = [m for q, _, _ in phases for m in q.mails]
        self.queues, self.killers, self.reloaders = zip(*phases)
        self.kills = [k for killer in self.killers for k in killer.kills]
        self.copies = collections.defaultdict(list)
        for d in sink.deliveries:
            self.copies[(d.mail, d.recipient)].append(d)
        self.quarantined = self.read_quarantine()

    def read_quarantine(self):
        found = collections.Counter()
        for folder, _, files in os.walk(self.house.quarantine):
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    head = f.read(65536)
                at = head.find(b"X-Fault-Id: ")
                found[head[at + 12:].split(b"\n", 1)[0].decode().strip() if at >= 0 else name] += 1
        return found

    def lost(self):
        """Acknowledged, but neither at the next hop nor in quarantine."""
        rows = []
        for m in self.mails:
            if m.kind == "eicar":
                if not self.quarantined[m.identity]:
                    rows.append(m.identity)
                continue
            want = body_digest(m.data())
            rows += ["%s <%s>" % (m.identity, r) for r in m.recipients
                     if r not in m.pending and not any(d.digest == want for d in self.copies[(m.identity, r)])]
        return rows

    def duplicates(self):
        """[(mail, recipient, cause, explained)]"""
        rows, by_id = [], {m.identity: m for m in self.mails}
        for (identity, recipient), copies in self.copies.items():
            for first in copies[:-1]:
                rows.append((identity, recipient) + self.cause(by_id[identity], first))
        return rows

    def cause(self, mail, first):
        attempts = [a for a in mail.attempts if a.start <= first.at]
        if not attempts:
            return "no attempt had begun", False
        heard = attempts[-1]
        kills = [k for k in self.kills if k.role == "worker" and k.log_id == heard.log_id and k.stage == "deliver"]
        if kills:
            k = kills[0]
            return "worker %d killed at stage %s, %.1f ms after the next hop's 250 (stopped %.1f ms after it); the client heard: %s" % (
                k.pid, k.stage, (k.at - first.at) * 1000, (k.stopped_at - first.at) * 1000, heard.outcome), True
        return "no kill explains it; the client heard at attempt %d: %s" % (mail.attempts.index(heard) + 1, heard.outcome), False

    def attempts(self):
        return sum(len(m.attempts) for m in self.mails)

    def within(self, count):
        return sum(1 for m in self.mails if not m.pending and len(m.attempts) <= count)


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def ok(self, good, what, details=()):
        self.number += 1
        self.failed += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.number, what), flush=True)
        for line in list(details)[:20]:
            print("#   " + str(line).replace("\n", "\n#   "))


def figures(j, counters):
    stages = collections.Counter((k.role, k.stage) for k in j.kills)
    print("# attempts %d for %d mails, 4xx %d, connections lost %d, connections found closed before a mail %d" % (
        j.attempts(), len(j.mails), sum(q.answers_4xx for q in j.queues), sum(q.connections_lost for q in j.queues), sum(q.stale for q in j.queues)))
    print("# acknowledged within 1, 2, 3 attempts: %s; most attempts %d" % (
        ", ".join("%.2f %%" % (100.0 * j.within(n) / len(j.mails)) for n in (1, 2, 3)), max(len(m.attempts) for m in j.mails)))
    for role in ROLES:
        print("# kills of %s: %d (%s)" % (role, sum(n for (r, _), n in stages.items() if r == role),
                                         ", ".join("%s %d" % (s, n) for (r, s), n in sorted(stages.items()) if r == role)))
    print("# stopped but let go, because the mail had moved on: %d" % sum(k.missed for k in j.killers))
    print("# at the next hop: %d copies for %d (mail, recipient); hung up before its 250: %d" % (len(j.sink.deliveries), len(j.copies), j.sink.dropped))
    print("# in quarantine: %d files of %d mails" % (sum(j.quarantined.values()), len(j.quarantined)))
    print("# reloads: %d good, %d refused (a template of theirs was killed)" % (sum(r.good for r in j.reloaders), sum(r.failed for r in j.reloaders)))
    print("# looks at status: %d, generations seen at most: %d" % (sum(k.looks for k in j.killers), max(k.generations_most for k in j.killers)))
    print("# counters: " + ", ".join("%s %d" % (n, v) for n, v in counters.items() if v))


def verdicts(tap, j, kills_wanted, log):
    for killer in j.killers:
        if killer.trouble:
            tap.ok(False, "the killer did its work", killer.trouble.splitlines())
    counts = collections.Counter(k.role for k in j.kills)
    tap.ok(all(counts[r] >= kills_wanted for r in ROLES), "at least %d kills of each role, each with a mail in hand" % kills_wanted, [dict(counts)])
    tap.ok(all(not m.pending for m in j.mails), "every mail is acknowledged", [m.identity for m in j.mails if m.pending])
    refused = [r for q in j.queues for r in q.refused]
    tap.ok(not refused, "no mail got 5xx", refused)
    lost = j.lost()
    tap.ok(not lost, "lost: %d" % len(lost), lost)
    passed = j.sink.forbidden_seen + [d.mail for d in j.sink.deliveries if d.mail.startswith("eicar")]
    tap.ok(not passed, "EICAR passed: %d" % len(passed), passed)
    duplicates = j.duplicates()
    unexplained = [d for d in duplicates if not d[3]]
    tap.ok(not unexplained, "duplicates: %d, each of a worker killed between the next hop's 250 and its record" % len(duplicates),
           ["%s <%s>: %s" % d[:3] for d in duplicates])
    if unexplained:
        for d in unexplained[:5]:
            mail = next(m for m in j.mails if m.identity == d[0])
            print("#   %s:" % d[0])
            for c in j.copies[(d[0], d[1])]:
                print("#     copy at %.3f" % c.at)
            for a in mail.attempts:
                print("#     attempt %.3f-%.3f %s" % (a.start, a.end or 0, a.outcome))
    share = j.within(3) / len(j.mails)
    one_percent = max(1, len(j.mails) // 100)     # of a short run's mails one
    tap.ok(j.within(3) >= len(j.mails) - one_percent, "acknowledged within 3 attempts: %.2f %%" % (100 * share))
    most = max(k.generations_most for k in j.killers)
    tap.ok(most <= 2, "two generations at most were alive at any look (%d)" % most)


def clean_up_verdicts(tap, house, gauges):
    tap.ok(gauges == (0, 0, 0), "connections, mails waiting and bytes in the work area are back at 0", [gauges])
    began = time.monotonic()
    code = house.stop(60)
    tap.ok(code == 0, "stop in good order: exit code %d after %.1f s" % (code, time.monotonic() - began))
    left = house.processes()
    tap.ok(not left, "no process is left", left)
    files = house.files_in_work_area()
    tap.ok(not files, "no file is left below TEMPBASE", files)
    reports = [line for line in (house.read(house.output) + house.log()).splitlines() if "Sanitizer" in line or "runtime error:" in line]
    tap.ok(not reports, "no report of a sanitizer", reports)


def quiet(house):
    s = house.status()
    return (s["connections"], s["mails_waiting"], s["work_area_bytes"]) == (0, 0, 0)


async def run(o, tap):
    rng = rng_from(o.seed)
    sink = await Sink().start()
    sink.forbidden = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$"

    async def slowly(mail, recipients):
        await asyncio.sleep(rng.uniform(0, NEXT_HOP_MS / 500.0))
    sink.before_250 = slowly
    scanner = None if o.no_clamd else clamd.start_if_there()
    house = House(sink.port, max_servers=o.workers, poison_limit=1000, child_timeout=60, child_timeout_grace=5, smtpd_timeout=60)
    if scanner:
        house.write_config(av_scanners=Raw("{ clamav { database = \"%s\" }, clamd { socket = \"%s\" } }" % (house.database, scanner.socket)))
    print("# seed %d; scanners: libclamav%s; %d workers; build %s" % (o.seed, " and clamd" if scanner else "", o.workers, BUILD))
    try:
        await asyncio.get_running_loop().run_in_executor(None, house.start)
        phases = [await phase(house, "SMTP", False, o.mails, o.kills, rng, 0, o.pause)]
        phases.append(await phase(house, "LMTP", True, o.mails // 5, max(1, o.kills // 10), rng, 500000, o.pause))
        try:
            await asyncio.get_running_loop().run_in_executor(None, lambda: wait_until("quiet", 15, lambda: quiet(house)))
        except AssertionError:
            pass
        status = house.status()
        j = Judgement(house, sink, phases)
        figures(j, status["counters"])
        verdicts(tap, j, o.kills, house.log())
        clean_up_verdicts(tap, house, (status["connections"], status["mails_waiting"], status["work_area_bytes"]))
    finally:
        keep = o.keep or bool(tap.failed)
        house.close(keep=keep)
        if keep:
            print("# kept: %s" % house.folder)
        if scanner:
            scanner.stop()


def main():
    p = argparse.ArgumentParser(description="the fault test")
    p.add_argument("--short", action="store_true")
    p.add_argument("--mails", type=int)
    p.add_argument("--kills", type=int, help="of each role")
    p.add_argument("--workers", type=int, default=8)
    p.add_argument("--seed", type=int)
    p.add_argument("--pause", type=float, default=0.2, help="seconds after each kill, so that most of what it hit is under way again")
    p.add_argument("--no-clamd", action="store_true")
    p.add_argument("--keep", action="store_true", help="keep the folder with log and quarantine")
    o = p.parse_args()
    o.seed = seed_from(o.seed)[0]
    o.mails = o.mails or (200 if o.short else 2000)
    o.kills = o.kills if o.kills is not None else (5 if o.short else 50)
    o.no_clamd = o.no_clamd or o.short
    if o.short:
        o.workers = min(o.workers, 4)
    tap = Tap()
    began = time.monotonic()
    try:
        asyncio.run(run(o, tap))
    except BaseException:  # pylint: disable=broad-except
        tap.ok(False, "the test ran to its end", traceback.format_exc().splitlines())
    print("# %.1f s" % (time.monotonic() - began))
    print("1..%d" % tap.number)
    sys.exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
