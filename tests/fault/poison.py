#!/usr/bin/python3
"""poison.py - a mail that kills its opener or worker is remembered: after poison_limit deaths it is not opened again."""
from faulty import *  # pylint: disable=wildcard-import,unused-wildcard-import

LUA = """
child_timeout = 20
poison_limit = 3
max_servers = 2
"""


def deaths(p, data, count):
    return [send(p.address, data).code for _ in range(count)]


def of_openers(t, action, wanted):
    with Catcher() as hop, Postern(t, hop, LUA + 'poison_action = "%s"' % action, scanners=faulty("opener")) as p:
        data = trying("crash", "poison")
        t.equal(deaths(p, data, 3), [451] * 3, "%s: three times 451" % action)
        t.equal(p.counter("opener-deaths"), 3, "%s: three openers died" % action)
        t.equal(p.counter("mails-poisoned"), 0, "%s: until then it was opened" % action)
        reply = send(p.address, data)
        t.equal(reply.code, wanted, "%s: then %d" % (action, wanted))
        t.equal((p.counter("opener-deaths"), p.counter("mails-poisoned")), (3, 1), "%s: not opened again" % action)
        t.equal(send(p.address, mail(subject="another")).code, 250, "%s: other mails pass" % action)
        t.equal(len([m for m in hop.caught if m.field("x-try")]), 1 if wanted == 250 else 0, "%s: delivered or not" % action)
        before = len(p.log_lines("died with this mail|has now cost"))
        p.stop()
        p.start()
        t.equal(send(p.address, data).code, wanted, "%s: remembered over a restart" % action)
        t.equal(len(p.log_lines("died with this mail|has now cost")), before, "%s: nobody died of it after the restart" % action)


def of_workers(t):
    with Catcher() as hop, Postern(t, hop, LUA, scanners=faulty("worker")) as p:
        data = trying("crash", "worker's poison")
        t.equal(deaths(p, data, 3), [451] * 3, "worker: three times 451")
        p.wait(lambda: p.counter("worker-deaths") >= 3, 10, "worker: not counted")    # by who reaps it, after the client was told
        t.equal(p.counter("worker-deaths"), 3, "worker: three of them died, each counted once")
        t.equal(send(p.address, data).code, 451, "worker: then 451 still")
        t.equal((p.counter("worker-deaths"), p.counter("mails-poisoned")), (3, 1), "worker: not asked again")


def forgiven(t):
    """Deaths that were not the mail's fault are forgotten once it has been opened."""
    with Catcher() as hop, Postern(t, hop, LUA, scanners=faulty("opener")) as p:
        data = mail(subject="innocent")
        hop.replies["."] = Delay(2, "250 2.0.0 Ok")
        for number in range(2):
            bad = Later(p.address, data)
            kill(worker_at(p, "deliver")["pid"])
            t.equal(bad.wait().code, 451, "innocent: killed from outside, 451 (%d)" % number)
        hop.replies["."] = "250 2.0.0 Ok"
        t.equal(send(p.address, data).code, 250, "innocent: the third try passes")
        with open(p.folder.join("home", "ledger")) as f:
            lines = [line.split()[0] for line in f]
        t.equal(lines.count("P"), 2, "innocent: two deaths in the ledger's file")
        t.ok(lines and lines[-1] == "C", "innocent: and the line that forgives them", " ".join(lines))
        p.stop()
        p.start()
        hop.replies["."] = Delay(2, "250 2.0.0 Ok")
        bad = Later(p.address, data)
        kill(worker_at(p, "deliver")["pid"])
        bad.wait()
        t.match(p.log_text(), r"died with this mail, death number 1 of it\n(?s:.*)posternd?|death number 1", "innocent: forgiven over a restart too")
        t.no_match(p.log_text(), "death number 3", "innocent: nobody counted to three")


if __name__ == "__main__":
    with Tap() as tap:
        of_openers(tap, "tempfail", 451)
        of_openers(tap, "unchecked", 250)
        of_workers(tap)
        forgiven(tap)
