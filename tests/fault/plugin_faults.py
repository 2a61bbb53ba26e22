#!/usr/bin/python3
"""plugin_faults.py - a plugin that crashes, hangs, exits or eats memory costs its own mail a 451 with its id, and nobody else anything."""
import re

from faulty import *  # pylint: disable=wildcard-import,unused-wildcard-import

LUA = """
child_timeout = 3
child_timeout_grace = 1
opener_memory_limit = "64M"
worker_memory_limit = "64M"
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
        for what in "crash", "hang", "spin", "exit", "leave", "eat":
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


def named(where, name, options=""):
    return faulty(where, 'name = "%s", %s' % (name, options))


def of(p, name):
    return next(i for i in p.status()["plugins"] if i["name"] == name)


def in_its_version(t):
    """Not every question is a mail's: a new worker asks for the version."""
    with Folder() as folder, Catcher() as hop:
        trap = folder.join("trap")
        scanners = named("worker", "innocent", "reacts = false") + ", " + named("worker", "culprit", 'trap = "%s"' % trap)
        with Postern(t, hop, LUA + "max_requests = 1\n", scanners=scanners, folder=folder, name="version") as p:
            with open(trap, "wb"):
                os.chmod(folder.path, 0o755)
            t.equal(send(p.address, mail()).code, 250, "version: a mail passes")
            t.match(p.wait_log(r"worker \d+ died"), r"at stage starting, asking culprit", "version: the log names who was asked")
            os.unlink(trap)
            t.ok(of(p, "culprit")["deaths"] > 0 and of(p, "innocent")["deaths"] == 0, "version: counted with the right one")
            t.equal(send(p.address, mail()).code, 250, "version: mails go on")


def the_right_one(t):
    """Several of a kind, side by side: log and counters name the one that did it."""
    scanners = ", ".join([named("worker", "innocent", "reacts = false"), named("worker", "culprit"), named("opener", "quiet", "reacts = false"),
                          named("opener", "inner", "reacts = false")])
    with Catcher() as hop, Postern(t, hop, LUA, scanners=scanners, name="several") as p:
        for n, what in enumerate(("crash", "exit", "eat", "leave"), 1):
            before = of(p, "innocent")["deaths"]
            t.match(str(send(p.address, trying(what))), r"^451 ", "%s: 451" % what)
            # Who leaves past all handlers takes along the name of who is being asked at that moment.
            t.match(p.wait_log(r"worker \d+ died", n), r"died \(.*\) at stage check, asking %sculprit, last mail" % ("(innocent, )?" if what == "leave" else ""),
                    "%s: the log names who was asked" % what)
            if what != "leave":
                t.equal(of(p, "innocent")["deaths"], before, "%s: nobody else's counter has it" % what)
        t.equal(of(p, "culprit")["deaths"], 4, "its counter has them all")
        t.equal(p.counter("worker-deaths"), 4, "nor is one missed that leaves with a code of success")
    in_its_version(t)
    scanners = named("opener", "quiet", "reacts = false") + ", " + named("opener", "inner")
    with Catcher() as hop, Postern(t, hop, LUA, scanners=scanners, name="several in the opener") as p:
        for n, what in enumerate(("crash", "exit", "spin"), 1):
            t.match(str(send(p.address, trying(what))), r"^451 ", "opener, %s: 451" % what)
            t.match(p.wait_log(r"asking \w+: opener: ", n), r"asking inner: opener: ", "opener, %s: the log names who was asked" % what)
        t.equal((of(p, "quiet")["failed"], of(p, "inner")["failed"]), (0, 3), "opener: it is counted with the right one")


def nonsense(t):
    """What is no answer counts as none, and what on_error says is done."""
    banks = {}
    for action in "ignore", "tempfail", "unchecked":
        banks[action.upper()] = "{ av_scanners = { %s, %s } }" % (named("worker", "good-" + action, "reacts = false"),
                                                                   named("worker", "bad-" + action, 'on_error = "%s"' % action))
        banks["INNER" + action.upper()] = "{ av_scanners = { %s, %s } }" % (named("opener", "inner-good-" + action, "reacts = false"),
                                                                            named("opener", "inner-bad-" + action, 'on_error = "%s"' % action))
    wanted = {"IGNORE": (250, "Passed CLEAN"), "TEMPFAIL": (451, "Blocked "), "UNCHECKED": (250, "Passed UNCHECKED")}
    with Catcher() as hop, Postern(t, hop, LUA, banks=banks, name="nonsense") as p:
        for bank in banks:
            code, line = wanted[bank.replace("INNER", "")]
            for what in "result", "broken":
                data = trying(what)
                t.equal(send(p.ports[bank], data).code, code, "%s, %s: as on_error says" % (bank, what))
                told = re.search(rb"Message-ID: <(\S+)>", data).group(1).decode()
                t.match(p.wait_log(r"(Passed|Blocked) .*" + re.escape(told)), line, "%s, %s: the log's word" % (bank, what))
            name = bank.lower().replace("inner", "inner-bad-") if "INNER" in bank else "bad-" + bank.lower()
            t.match(p.wait_log(r"scan: %s: it returned" % name), "it returned 99, which is no result", bank + ": the log names it")
            t.ok(p.log_lines(r"scan: %s: \\?.*broken" % name), bank + ": and what it said, with nothing in it that a terminal would obey")
            t.equal((of(p, name)["failed"], of(p, name.replace("bad", "good"))["failed"]), (2, 0), bank + ": counted with the right one")
        for bank in "IGNORE", "INNERIGNORE":
            t.match(str(send(p.ports[bank], trying("names"))), r"^250 2\.7\.0 Ok, discarded", bank + ": names that make no sense are names")
            kept = p.quarantined("virus-")[-1]
            with open(kept, "rb") as f:
                header = f.read().split(b"\n\n", 1)[0]
            t.ok(b"\nX-Forged" not in header and b"\x1b" not in header and b"\xff" not in header, bank + ": they forge nothing")
            t.ok(len(header) < 200000, bank + ": nor fill the quarantine", str(len(header)))
        t.equal(send(p.port, mail()).code, 451 if not p.values["scanners"] else 250, "mails go on")
        t.equal(p.counter("worker-deaths"), 0, "nobody has died")
        t.ok("\x1b" not in p.log_text(), "nothing of it stands raw in the log")


def leaks(t):
    """Descriptors that are left open: told once by name, the process replaced, no mail lost over it."""
    for where in "worker", "opener":
        scanners = named(where, "tidy", "reacts = false") + ", " + named(where, "leaky")
        with Catcher() as hop, Postern(t, hop, LUA + "max_servers = 1\n", scanners=scanners, name="leaks in the " + where) as p:
            before = p.role_pids(where)
            codes = {send(p.address, trying("leak")).code for _ in range(60)}
            t.equal(codes, {250}, where + ", leak: every mail passes")
            t.match(p.wait_log("leaves descriptors open"), "leaky: leaves descriptors open", where + ", leak: the log names it")
            t.equal(p.log_lines("tidy: leaves"), [], where + ", leak: and nobody else")
            p.wait(lambda: p.role_pids(where) and p.role_pids(where) != before, 10, "the leaking process is not replaced")
            t.ok(True, where + ", leak: the process is replaced")
            if where == "worker":
                t.ok(of(p, "leaky")["leaks"] > 0 and of(p, "tidy")["leaks"] == 0, "worker, leak: counted with the right one")


if __name__ == "__main__":
    with Tap() as tap:
        in_the_opener(tap)
        unchecked(tap)
        in_the_worker(tap)
        the_right_one(tap)
        nonsense(tap)
        leaks(tap)
