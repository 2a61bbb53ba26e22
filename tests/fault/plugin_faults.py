#!/usr/bin/python3
"""plugin_faults.py - a plugin that crashes, hangs, exits or eats memory costs its own mail a 451 with its id, and nobody else anything."""
from faulty import *  # pylint: disable=wildcard-import,unused-wildcard-import

LUA = """
child_timeout = 3
child_timeout_grace = 1
opener_memory_limit = "64M"
opener_cpu_limit = 1
max_servers = 2
poison_limit = 0
"""


def in_the_opener(t):
    with Catcher() as hop, Postern(t, hop, LUA, scanners=faulty("opener")) as p:
        for what in "crash", "exit", "eat", "spin", "hang":
            died = p.counter("opener-deaths")
            bad = Later(p.address, trying(what))
            time.sleep(0.2)
            beside = send(p.address, mail(subject="beside " + what))
            t.equal(beside.code, 250, "opener, %s: a mail beside it passes" % what)
            t.match(str(bad.wait()), r"^451 4\.\S+ .*id=\d+-\d+", "opener, %s: 451 with its id" % what)
            t.equal(send(p.address, mail(subject="after " + what)).code, 250, "opener, %s: the next mail passes" % what)
            t.equal(p.counter("opener-deaths"), died + 1, "opener, %s: counted once" % what)
        t.equal(p.counter("worker-deaths"), 0, "opener: no worker died of it")
        t.equal(len([m for m in hop.caught if m.field("x-try")]), 0, "opener: none of these mails was delivered")


def unchecked(t):
    with Catcher() as hop, Postern(t, hop, LUA + 'opener_failure = "unchecked"', scanners=faulty("opener")) as p:
        for what in "crash", "hang":
            t.equal(send(p.address, trying(what)).code, 250, "opener_failure unchecked, %s: passes" % what)
        t.equal(p.counter("mails-unchecked"), 2, "opener_failure unchecked: counted as such")


def in_the_worker(t):
    with Catcher() as hop, Postern(t, hop, LUA, scanners=faulty("worker")) as p:
        for what in "crash", "hang", "spin", "exit":
            began = time.monotonic()
            bad = Later(p.address, trying(what))
            time.sleep(0.1)
            t.equal(send(p.address, mail(subject="beside " + what)).code, 250, "worker, %s: a mail beside it passes" % what)
            t.match(str(bad.wait()), r"^451 4\.\S+ .*id=\d+-\d+", "worker, %s: 451 with its id" % what)
            took = time.monotonic() - began
            t.ok(took < 6, "worker, %s: answered within deadline and grace" % what, "%.1f s" % took)
            p.wait(lambda: len(p.role_pids("worker")) == 2, 10, "the worker is not replaced")
            t.equal(send(p.address, mail(subject="after " + what)).code, 250, "worker, %s: the next mail passes" % what)
        t.equal(len([m for m in hop.caught if m.field("x-try")]), 0, "worker: none of these mails was delivered")


if __name__ == "__main__":
    with Tap() as tap:
        in_the_opener(tap)
        unchecked(tap)
        in_the_worker(tap)
