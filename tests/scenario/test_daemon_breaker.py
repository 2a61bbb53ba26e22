#!/usr/bin/python3
"""test_daemon_breaker.py - the only scanner is gone, hangs up, or hangs: it is tried seldom, no mail is called clean meanwhile, and
one line each says that it has gone and that it is back; a mail that makes it hang does not switch it off."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from fakeclamd import FakeClamd  # noqa: E402

PROBE_S = 1.0
WORKERS = 2
OUTAGE_S = 4.0
CLAMD = 'clamd { socket = "%s", session = false, fildes = false, canary_interval = 0, timeout = "3s", probe_interval = "1s" }'


def breaker(p):
    return [i for i in p.status()["plugins"] if i["name"] == "clamd"][0]["breaker"]


def outage(t, p, hop, clamd, what, begin, end):
    opened, closed = p.counter("breakers-opened"), p.counter("breakers-closed")
    t.equal(send(p.port, mail()).code, 250, what + ": passes before")
    hop.forget()
    before = clamd.connects
    begin()
    began, replies = time.monotonic(), []
    while time.monotonic() - began < OUTAGE_S:
        replies.append(send(p.port, mail()).code)
    lasted = time.monotonic() - began
    connects = clamd.connects - before
    t.equal(set(replies), {451}, what + ": every mail of %d waits with the MTA" % len(replies))
    t.equal(len(hop.caught), 0, what + ": none passed")
    t.ok(connects <= lasted / PROBE_S + WORKERS, what + ": it was tried seldom", "%d connects in %.1f s" % (connects, lasted))
    t.ok(len(replies) > 10, what + ": mails did not wait for it", "%d mails in %.1f s" % (len(replies), lasted))
    t.equal(breaker(p), "open", what + ": status says so")
    end()
    back = time.monotonic()
    while send(p.port, mail()).code != 250 and time.monotonic() - back < 10:
        time.sleep(0.05)
    t.ok(time.monotonic() - back < 10, what + ": the scanner is asked again")
    tries = clamd.connects
    t.equal(send(p.port, eicar_mail()).text[:9], "250 2.7.0", what + ": and finds")
    t.ok(clamd.connects - tries <= 2, what + ": without further questions")
    t.equal(breaker(p), "closed", what + ": status says that it is back")
    t.equal(p.counter("breakers-opened") - opened, 1, what + ": counted once")
    t.equal(p.counter("breakers-closed") - closed, 1, what + ": and once that it is back")


def hostile_mail(t, p, hop, clamd):
    """Its content makes the scanner hang: that says nothing about the scanner."""
    opened = p.counter("breakers-opened")
    for _ in range(3):
        t.equal(send(p.port, mail(b"\xff makes it hang\r\n")).code, 451, "a mail that hangs the scanner is not clean")
        t.equal(send(p.port, mail()).code, 250, "the next is scanned")
    t.equal(p.counter("breakers-opened") - opened, 0, "the breaker stays closed")


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder:
        path = os.path.join(folder.own("run", mode=0o755), "fake.sock")
        with FakeClamd(path) as clamd, Postern(t, hop, 'local_domains_maps = { { ".example.com" } }', scanners=CLAMD % path, folder=folder) as p:
            set_mode = lambda mode: (lambda: setattr(clamd, "mode", mode))
            outage(t, p, hop, clamd, "hanging up", set_mode("drop"), set_mode("answer"))
            outage(t, p, hop, clamd, "refusing", clamd.close, clamd.listen)
            t.equal(len(p.log_lines("clamd: does not answer; asked again")), 2, "one line each that it does not answer")
            t.equal(len(p.log_lines("clamd: answers again")), 2, "one line each that it does")
            t.ok(p.log_lines(r"clamd: not asked, it has not answered for \d+ s; next try in"), "a mail's own line says why it was not asked")
            hostile_mail(t, p, hop, clamd)
            send(p.port, mail())
            clamd.mode = "hang"
            t.equal(send(p.port, mail()).code, 451, "hanging: the first costs its time")
            t.equal(send(p.port, mail()).code, 451, "hanging: the next asks without content")
            p.wait(lambda: breaker(p) == "open", 10, "the breaker of a hanging scanner stays closed")
            clamd.mode = "answer"
            p.wait(lambda: send(p.port, mail()).code == 250, 10, "not asked again")
            t.ok(True, "hanging: asked again when it answers")


if __name__ == "__main__":
    main()
