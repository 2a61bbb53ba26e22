#!/usr/bin/python3
"""delivered_once.py - who has a mail already does not get it again: next hops that take some, processes that die just then, clients that go."""
from faulty import *  # pylint: disable=wildcard-import,unused-wildcard-import

SCANNERS = faulty("opener")


def copies(hop, subject):
    """recipient -> how many"""
    found = {}
    for caught in hop.caught:
        if caught.field("subject") != subject:
            continue
        for r in caught.recipients:
            found[r] = found.get(r, 0) + 1
    return found


def hop_takes_some(t):
    with Catcher() as hop, Postern(t, hop, scanners=SCANNERS) as p:
        data = mail(subject="some")
        hop.replies["RCPT:<b@example.com>"] = ["451 4.2.0 not now", "250 2.1.5 Ok"]
        reply = send(p.address, data, ["a@example.com", "b@example.com"])
        t.equal(reply.code, 451, "SMTP, the next hop takes A and not B: 451")
        reply = send(p.address, data, ["a@example.com", "b@example.com"])
        t.equal(reply.code, 250, "SMTP: the retry is acknowledged")
        t.equal(copies(hop, "some"), {"a@example.com": 1, "b@example.com": 1}, "SMTP: each has one copy")
        t.equal((p.counter("delivered-noted"), p.counter("delivered-skipped")), (1, 1), "SMTP: noted once, skipped once")
        t.equal(send(p.address, data, ["a@example.com"]).code, 250, "SMTP: the same mail once more")
        t.equal(copies(hop, "some")["a@example.com"], 2, "SMTP: is delivered again, the entry is used up")
        with open(p.folder.join("home", "ledger")) as f:
            t.equal([line.split()[0] for line in f], ["D", "C"], "SMTP: the file says noted, then used up")
        hop.replies["RCPT:<b@example.com>"] = ["451 4.2.0 not now", "250 2.1.5 Ok"]
        data = mail(subject="some more")
        t.equal(send(p.address, data, ["a@example.com", "b@example.com"]).code, 451, "restart: 451 before it")
        p.stop()
        p.start()
        t.equal(send(p.address, data, ["a@example.com", "b@example.com"]).code, 250, "restart: the retry after it")
        t.equal(copies(hop, "some more"), {"a@example.com": 1, "b@example.com": 1}, "restart: remembered, each has one copy")


class Window:
    """A next hop that takes a second for its last word: .at_dot is set when it has the whole mail."""
    def __init__(self, hop):
        self.at_dot = threading.Event()
        hop.replies["."] = self.answer

    def answer(self, *_):
        self.at_dot.set()
        return Delay(1.0, "250 2.0.0 Ok")


def worker_dies(t):
    """An LMTP hop has taken A and thinks about B when the worker is killed: A must not have it twice."""
    with Catcher(lmtp=True) as hop, Postern(t, hop, scanners=SCANNERS) as p:
        for number in range(5):
            subject = "worker %d" % number
            data = mail(subject=subject)
            asked = threading.Event()

            def think(*_, event=asked):
                event.set()
                return Delay(5, CLOSE)
            taken = {}
            for r in "a@example.com", "b@example.com":
                hop.replies[".:<%s>" % r] = lambda *_, who=r: taken.update({who: taken.get(who, 0) + 1}) or "250 2.0.0 Ok"
            hop.replies[".:<b@example.com>"] = think
            client = Later(p.address, data, recipients=["a@example.com", "b@example.com"])
            asked.wait(20)
            time.sleep(0.5)     # the hop is silent for five seconds: time enough to hear its first 250
            kill(worker_at(p, "deliver")["pid"])
            t.match(str(client.wait()), "^451 .*id=", "worker killed after the next hop's 250 for A: 451 with its id (%d)" % number)
            hop.replies[".:<b@example.com>"] = lambda *_: taken.update(b=1) or "250 2.0.0 Ok"
            t.equal(send(p.address, data, ["a@example.com", "b@example.com"]).code, 250, "worker killed: the retry is acknowledged (%d)" % number)
            t.equal((taken.get("a@example.com"), taken.get("b")), (1, 1), "worker killed: A and B have one copy each (%d)" % number)
        t.equal(p.counter("delivered-skipped"), 5, "worker killed: skipped each time")


def reception_dies(t):
    """The client is gone when the next hop has taken the mail: its retry brings no second copy, even when it comes at once."""
    with Catcher() as hop, Postern(t, hop, "max_servers = 3", scanners=SCANNERS) as p:
        for number in range(5):
            subject = "reception %d" % number
            data = mail(subject=subject)
            window = Window(hop)
            client = Later(p.address, data)
            window.at_dot.wait(20)
            old = p.role_pids("reception")
            kill(old[0])
            client.wait()
            p.wait(lambda: p.role_pids("reception") not in ([], old), 20)
            p.wait(p.is_up, 20)
            began = time.monotonic()
            t.equal(send(p.address, data).code, 250, "reception killed while the next hop thinks: the retry is acknowledged (%d)" % number)
            took = time.monotonic() - began
            t.equal(copies(hop, subject), {"rcpt@example.com": 1}, "reception killed while the next hop thinks: one copy (%d, %.1f s)" % (number, took))


def client_hangs_up(t):
    """As above, but it is the client that has gone."""
    with Catcher() as hop, Postern(t, hop, "max_servers = 3", scanners=SCANNERS) as p:
        data = mail(subject="hangs up")
        window = Window(hop)
        c = Client(p.address)
        c.hello()
        c.envelope(["rcpt@example.com"])
        c.say("DATA")
        c.write(stuff(data))
        window.at_dot.wait(20)
        c.close()
        hop.replies["."] = "250 2.0.0 Ok"
        t.equal(send(p.address, data).code, 250, "the client goes while the next hop thinks: its retry is acknowledged")
        t.equal(copies(hop, "hangs up"), {"rcpt@example.com": 1}, "the client goes while the next hop thinks: one copy")


def cancelled(t):
    """The client goes while a scanner waits: nothing is delivered, the worker is free again."""
    with Catcher() as hop, Postern(t, hop, "max_servers = 1\nchild_timeout = 60", scanners=faulty("opener")) as p:
        c = Client(p.address)
        c.hello()
        c.envelope(["rcpt@example.com"])
        c.say("DATA")
        c.write(stuff(trying("hang", "cancelled")))
        worker_at(p, "check")
        c.close()
        began = time.monotonic()
        t.equal(send(p.address, mail(subject="next")).code, 250, "CANCEL: the only worker takes the next mail")
        t.ok(time.monotonic() - began < 20, "CANCEL: long before the mail's time is over")
        t.equal(copies(hop, "cancelled"), {}, "CANCEL: nothing was delivered")
        t.ok(p.counter("mails-cancelled") >= 1, "CANCEL: counted")


if __name__ == "__main__":
    with Tap() as tap:
        hop_takes_some(tap)
        worker_dies(tap)
        reception_dies(tap)
        client_hangs_up(tap)
        cancelled(tap)
