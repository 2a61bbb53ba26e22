#!/usr/bin/python3
"""test_daemon_opener.py - an opener that ends while it has a mail: that mail gets 451 with its id (or passes as unchecked where
opener_failure says so), all others go on; a mail that has ended too many is not opened again."""
import os
import re
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
local_domains_maps = { { ".example.com" } }
max_servers = 1
child_timeout = 60
"""
BANKS = {"UNCHECKED": '{ opener_failure = "unchecked" }', "REFUSE": '{ opener_failure = "unchecked", final_unchecked_destiny = D_REJECT }',
         "SHORT": "{ child_timeout = 2 }", "SHORTUNCHECKED": '{ child_timeout = 2, opener_failure = "unchecked" }'}


class Sending(threading.Thread):
    """A mail under way."""

    def __init__(self, port, data, **options):
        super().__init__(daemon=True)
        self.arguments, self.options, self.reply = (port, data), options, None
        self.start()

    def run(self):
        try:
            self.reply = send(*self.arguments, **self.options)
        except (OSError, Closed) as e:
            self.reply = Reply(["000 %r" % e])

    def wait(self, seconds=60):
        self.join(seconds)
        return self.reply


def opener(p):
    """The opener that waits for the next mail."""
    return p.wait(lambda: p.role_pids("opener"), what="no opener")[0]


def opening(p):
    return [x for x in p.status()["processes"] if x["role"] == "opener" and x["stage"] == "opening"]


def kill_while_open(p, port, data, **options):
    """The opener is stopped before the mail comes, so that it surely holds it when it is killed."""
    pid = opener(p)
    os.kill(pid, signal.SIGSTOP)
    sending = Sending(port, data, **options)
    held = p.wait(lambda: opening(p), what="the mail is not with the opener")
    os.kill(pid, signal.SIGKILL)
    return sending.wait(), held[0]


def line_of(p, data):
    return p.wait_log(r"(Passed|Blocked) .*" + re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode()))


def killed(t, p, hop):
    data = mail(b"unlucky\r\n")
    reply, held = kill_while_open(p, p.port, data)
    t.match(reply.text, r"^451 4\.5\.0 Error in processing, id=%s" % re.escape(held["log_id"]), "killed: 451 with its id")
    t.match(line_of(p, data), r"Blocked UNCHECKED \{TempFailedInbound\}", "killed: the log line")
    t.ok(p.log_lines(re.escape("(%s)" % held["log_id"]) + ".*opener: it ended while it had the mail"), "killed: the log says why")
    t.ok(opener(p) != held["pid"], "killed: there is another opener")
    t.equal(send(p.port, data).code, 250, "killed: the next try is taken")
    t.equal([c.below for c in hop.caught], [b"unlucky\r\n"], "killed: and arrives once")
    t.match(send(p.port, eicar_mail()).text, "^250 2.7.0 Ok, discarded", "killed: a virus is found all the same")
    hop.forget()
    replies, held = kill_while_open(p, p.port, mail(), recipients=["a@example.com", "b@example.com"], lmtp=True)
    t.ok(all(r.code == 451 for r in replies) and len(replies) == 2, "killed, LMTP: 451 for each", replies)


def killed_unchecked(t, p, hop):
    hop.forget()
    data = mail(b"unchecked\r\n")
    reply, _ = kill_while_open(p, p.ports["UNCHECKED"], data)
    t.match(reply.text, r"^250 2\.0\.0 from MTA", "killed, unchecked: it passes")
    t.match(line_of(p, data), r"Passed UNCHECKED \{RelayedTaggedInbound\}", "killed, unchecked: the log line")
    t.equal(hop.last().field("x-virus-scanned"), None, "killed, unchecked: nothing says that it was scanned")
    data = mail(b"refused\r\n")
    reply, _ = kill_while_open(p, p.ports["REFUSE"], data)
    t.match(reply.text, r"^554 5\.7\.0 Reject, id=\S+ - UNCHECKED", "killed, unchecked is refused: the reply")


def stuck(t, p, hop):
    """It neither answers nor ends: the mail's deadline does."""
    hop.forget()
    pid = opener(p)
    os.kill(pid, signal.SIGSTOP)
    reply = send(p.ports["SHORT"], mail())
    t.match(reply.text, r"^451 4\.5\.0 .*id=", "stuck: 451 at the deadline")
    p.wait(lambda: pid not in p.role_pids("opener") and pid not in p.pids(), what="the stuck opener is still there")
    t.ok(True, "stuck: that opener is replaced")
    t.equal(send(p.port, mail()).code, 250, "stuck: the next mail passes")


def poison(t, p, hop):
    """After poison_limit deaths the mail is not given to an opener again."""
    hop.forget()
    data = mail(b"poison\r\n")
    for number in 1, 2, 3:
        reply, _ = kill_while_open(p, p.port, data)
        t.equal(reply.code, 451, "poison, death %d: 451" % number)
    pid = opener(p)
    os.kill(pid, signal.SIGSTOP)
    reply = send(p.port, data)
    t.match(reply.text, r"^451 4\.5\.0 .*too often", "poison: the fourth try is answered without an opener")
    os.kill(pid, signal.SIGCONT)
    t.ok(p.log_lines("this mail has ended 3 openers or workers"), "poison: the log says so")
    t.equal(p.counter("mails-poisoned"), 1, "poison: counted")
    t.equal(hop.caught, [], "poison: it has not passed")
    t.equal(send(p.port, mail(b"poison\r\n", "another")).code, 250, "poison: another mail passes")
    code, _, err = p.reload(LUA + 'poison_action = "unchecked"\n')
    t.equal(code, 0, "poison, unchecked: reload" + (err if code else ""))
    t.match(send(p.port, data).text, r"^250 2\.0\.0 from MTA", "poison, unchecked: it passes")
    t.match(line_of(p, data), r"Passed UNCHECKED", "poison, unchecked: the log line")


def killed_others(t, p, hop):
    """A worker, reception and the templates die and are replaced; the session of a worker's mail gets 451."""
    hop.forget()
    pid = opener(p)
    os.kill(pid, signal.SIGSTOP)
    sending = Sending(p.port, mail())
    p.wait(lambda: opening(p))
    worker = p.role_pids("worker")[0]
    os.kill(worker, signal.SIGKILL)
    t.match(sending.wait().text, r"^451 4\.", "worker killed: 451")
    if pid in p.pids():
        os.kill(pid, signal.SIGCONT)
    for role in "reception", "worker-template", "opener-template":
        p.wait(lambda: p.status()["generations"] == 1 and p.role_pids(role), 30, "no single generation")
        pid = p.role_pids(role)[0]
        os.kill(pid, signal.SIGKILL)
        p.wait(lambda: pid not in p.pids() and p.role_pids(role) not in ([], [pid]) and served(p), 30, "no mail after the %s was killed" % role)
        t.ok(True, "%s killed: mails are taken again" % role)
    p.wait(lambda: p.status()["generations"] == 1, 30, "the old generations do not leave")
    t.match(send(p.port, eicar_mail()).text, "^250 2.7.0 Ok, discarded", "and viruses found")


def served(p):
    try:
        return send(p.port, mail()).code == 250
    except (OSError, Closed):
        return False


def main():
    with Tap() as t, Catcher() as hop, Postern(t, hop, LUA, banks=BANKS) as p:
        killed(t, p, hop)
        killed_unchecked(t, p, hop)
        stuck(t, p, hop)
        poison(t, p, hop)
        killed_others(t, p, hop)
        p.wait(lambda: not p.temp_files(), what="something is left in the work area")
        t.ok(True, "nothing is left in the work area")


if __name__ == "__main__":
    main()
