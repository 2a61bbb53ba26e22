#!/usr/bin/python3
"""test_daemon_banks.py - which policy banks a mail gets by the port it comes in at and by its client's address, what they change,
and what the log line says of them."""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
local_domains_maps = { { ".example.com" } }
mynetworks = { "192.0.2.0/24", "!203.0.113.9", "203.0.113.0/24", "2001:db8:1::/48" }
policy_bank.MYNETS = { final_virus_destiny = D_REJECT }
policy_bank.PARTNER = { final_virus_destiny = D_REJECT, virus_quarantine_method = "local:partner-%%m" }
policy_bank.SOCK = { final_virus_destiny = D_TEMPFAIL }
policy_bank.PATH = { }
interface_policy.SOCK = "SOCK"
interface_policy["%(run)s/in"] = "PATH"
"""
PARTNERS = """
client_ipaddr_policy = { { { "198.51.100.7", "198.51.100.128/25" }, "PARTNER" }, { mynetworks, "MYNETS" } }
"""
BANKS = {"ORIG": "{ originating = true }", "NOREJECT": "{ final_virus_destiny = D_DISCARD }"}


def line_of(p, data):
    return p.wait_log(re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode()))


def says(t, p, what, pattern, address=None, port=None, recipients=("rcpt@example.com",), sender="sender@example.org", virus=False):
    """Send one mail and hold its log line and its reply."""
    data = eicar_mail(what) if virus else mail(subject=what)
    reply = send(port or p.port, data, recipients, sender, xforward={"ADDR": address} if address else None)
    t.match(line_of(p, data), pattern, what)
    return reply


def by_client(t, p):
    says(t, p, "a stranger", r"Passed CLEAN \{RelayedInbound\}, \[198\.51\.100\.7\] (\[[0-9.]+\] )?<sender@example\.org> -> <rcpt@example\.com>", "198.51.100.7")
    says(t, p, "one of mynetworks is originating", r"\{RelayedInternal\}, MYNETS LOCAL \[192\.0\.2\.1\] ", "192.0.2.1")
    says(t, p, "to the outside", r"\{RelayedOutbound\}, MYNETS LOCAL \[192\.0\.2\.1\] ", "192.0.2.1", recipients=["x@example.net"])
    says(t, p, "to both", r"\{RelayedInternal,RelayedOutbound\}, MYNETS LOCAL ", "192.0.2.1", recipients=["rcpt@example.com", "x@example.net"])
    says(t, p, "the outside to the outside", r"\{RelayedOpenRelay\}, \[198\.51\.100\.7\] ", "198.51.100.7", recipients=["x@example.net"])
    says(t, p, "an exception of mynetworks", r"\{RelayedInbound\}, \[203\.0\.113\.9\] ", "203.0.113.9")
    says(t, p, "its network", r"\{RelayedInternal\}, MYNETS LOCAL \[203\.0\.113\.8\] ", "203.0.113.8")
    says(t, p, "IPv6 in mynetworks", r"\{RelayedInternal\}, MYNETS LOCAL \[2001:db8:1:2::3\] ", "IPV6:2001:db8:1:2::3")
    says(t, p, "IPv6 elsewhere", r"\{RelayedInbound\}, \[2001:db8:2::3\] ", "IPV6:2001:db8:2::3")
    says(t, p, "no address known", r"\{RelayedInbound\}, <sender@example\.org> ", "[UNAVAILABLE]")
    says(t, p, "no XFORWARD at all", r"\{RelayedInbound\}, <sender@example\.org> ")
    reply = says(t, p, "a virus from mynetworks", r"Blocked INFECTED .*\{RejectedInternal,Quarantined\}, MYNETS LOCAL ", "192.0.2.1", virus=True)
    t.match(reply.text, r"^554 5\.7\.0 Reject", "the bank's destiny holds")
    reply = says(t, p, "a virus from a stranger", r"Blocked INFECTED .*\{DiscardedInbound,Quarantined\}, \[198", "198.51.100.7", virus=True)
    t.match(reply.text, r"^250 2\.7\.0 Ok, discarded", "the base setting's destiny holds")


def by_interface(t, p):
    orig, noreject = p.ports["ORIG"], p.ports["NOREJECT"]
    says(t, p, "by port", r"\{RelayedInternal\}, ORIG LOCAL \[198\.51\.100\.7\] ", "198.51.100.7", orig)
    says(t, p, "by port and client", r"\{RelayedInternal\}, ORIG/MYNETS LOCAL \[192\.0\.2\.1\] ", "192.0.2.1", orig)
    reply = says(t, p, "the later bank lies on top", r"\{RejectedInternal,Quarantined\}, NOREJECT/MYNETS LOCAL ", "192.0.2.1", noreject, virus=True)
    t.match(reply.text, "^554", "of the earlier one")
    path = p.values["run"] + "/in"
    with Client(path) as c:
        t.ok(c.hello(), "a Unix socket")
        data = eicar_mail("by socket")
        t.match(c.send_mail(data, ["rcpt@example.com"]).text, "^450 4", "banks of a Unix socket")
        t.match(line_of(p, data), r"\{TempFailedInbound,Quarantined\}, SOCK/PATH <sender", "are those of SOCK and of its path")


def lasts_one_mail(t, p):
    """A session's second mail starts anew."""
    with Client(p.port) as c:
        c.hello()
        first, second, third = mail(), mail(), mail()
        c.xforward(ADDR="192.0.2.1")
        c.send_mail(first, ["rcpt@example.com"])
        c.xforward(ADDR="198.51.100.7")
        c.send_mail(second, ["rcpt@example.com"])
        c.hello()
        c.send_mail(third, ["rcpt@example.com"])
        t.match(line_of(p, first), "MYNETS LOCAL", "a session's first mail")
        t.no_match(line_of(p, second), "MYNETS|LOCAL", "its second mail, for another client")
        t.no_match(line_of(p, third), r"MYNETS|\[198\.51", "XFORWARD ends with EHLO")


def by_other_lists(t, p):
    """After a reload: a list of ours instead of mynetworks, and the bank of users of our own."""
    code, out, err = p.reload(LUA + PARTNERS + 'policy_bank.MYUSERS = { final_virus_destiny = D_PASS }\nunix_socketname = "%(run)s/in"\n')
    t.equal(code, 0, "reload with client_ipaddr_policy" + (err and ": " + err))
    reply = says(t, p, "a partner", r"\{RejectedInbound,Quarantined\}, PARTNER \[198\.51\.100\.200\].*quarantine: partner-", "198.51.100.200", virus=True)
    t.match(reply.text, "^554", "has the bank's destiny and quarantine")
    says(t, p, "the first match wins", r"\{RelayedInbound\}, PARTNER \[198\.51\.100\.7\]", "198.51.100.7")
    says(t, p, "mynetworks behind it", r"\{RelayedInternal\}, MYNETS LOCAL \[192\.0\.2\.1\]", "192.0.2.1")
    says(t, p, "nobody's", r"\{RelayedInbound\}, \[198\.51\.100\.8\]", "198.51.100.8")
    says(t, p, "our users from our networks", r"\{RelayedInternal\}, MYNETS/MYUSERS LOCAL ", "192.0.2.1", sender="us@example.com")
    says(t, p, "their sender from elsewhere", r"\{RelayedInbound\}, \[198\.51\.100\.8\]", "198.51.100.8", sender="us@example.com")
    says(t, p, "the null sender is no user", r"\{RelayedInternal\}, MYNETS LOCAL \[192\.0\.2\.1\] (\[[0-9.]+\] )?<> -> ", "192.0.2.1", sender="")


EVERYWHERE = """
local_domains_maps = { { ".example.com" } }
listen_sockets = { "0.0.0.0:%(port)d", %(six)s "localhost:%(port2)d", "127.0.0.5:%(port2)d" }
inet_acl = { "127.0.0.0/8", "[::1]" }
policy_bank.PORT = { }
policy_bank.ALL = { }
policy_bank.TWO = { originating = true, smtpd_greeting_banner = "the second", inet_acl = { "127.0.0.0/8", "!0.0.0.0/0" },
  smtpd_discard_ehlo_keywords = { "DSN" } }
policy_bank.THREE = { inet_acl = { "127.0.0.3" } }
policy_bank.NOBODY = { inet_acl = {} }
policy_bank.SIX = { smtpd_greeting_banner = "the sixth" }
policy_bank.NAMED = { }
interface_policy["%(port)d"] = "PORT"
interface_policy["0.0.0.0:%(port)d"] = "ALL"
interface_policy["127.0.0.2:%(port)d"] = "TWO"
interface_policy["127.0.0.3:%(port)d"] = "THREE"
interface_policy["127.0.0.4:%(port)d"] = "NOBODY"
interface_policy["127.0.0.5:%(port2)d"] = "NOBODY"
interface_policy["[0:0::1]:%(port)d"] = "PORT"
interface_policy["[::1]:%(port)d"] = "SIX"
interface_policy["localhost:%(port2)d"] = "NAMED"
"""


def with_six():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def banks_at(p, address):
    """What a session there is greeted with, whether DSN is offered, and the log line of a mail."""
    data = mail()
    with Client(address) as c:
        hello = c.hello()
        c.send_mail(data, ["rcpt@example.com"])
        return c.greeting.text, "DSN" in hello.text, line_of(p, data)


def everywhere(t, hop):
    """A listener at every address: what counts is where the client has connected to."""
    with Postern(t, hop, start=False, name="everywhere") as p:
        six = with_six()
        p.values["six"] = '"[::]:%d",' % p.port if six else ""
        p.configure(EVERYWHERE)
        p.start()
        greeting, dsn, line = banks_at(p, ("127.0.0.1", p.port))
        t.match(greeting, r"\[127\.0\.0\.1\] ", "an address that no bank names: the greeting")
        t.match(line, r"\{RelayedInbound\}, PORT/ALL ", "it has the banks of its port and of its listener")
        greeting, dsn, line = banks_at(p, ("127.0.0.2", p.port))
        t.match(greeting, "the second", "an address with a bank: its greeting")
        t.ok(not dsn, "what it does not offer")
        t.match(line, r"\{RelayedInternal\}, PORT/ALL/TWO <sender@", "and what its mails are")
        with Client(("127.0.0.3", p.port)) as c:
            t.match(c.greeting.text, r"^421 4\.7\.1 Access denied", "inet_acl of the address's bank")
        for address in ("127.0.0.4", p.port), ("127.0.0.5", p.values["port2"]):
            with Client(address) as c:
                t.match(c.greeting.text, r"^421 4\.7\.1 Access denied", "%s: an empty inet_acl lets nobody in" % address[0])
        greeting, dsn, line = banks_at(p, ("127.0.0.1", p.values["port2"]))
        t.match(line, r"\{RelayedInbound\}, NAMED ", "a listener by name has the bank of that name")
        if six:
            greeting, dsn, line = banks_at(p, ("::1", p.port))
            t.match(greeting, "the sixth", "IPv6: the greeting")
            t.match(line, r"\{RelayedInbound\}, PORT/SIX ", "IPv6: the banks")
        banks_at(p, ("127.0.0.2", p.port))
        t.match(hop.last().field("Received"), r"by localhost \(filter\.example\.com \[127\.0\.0\.2\]\)", "the address stands in Received")
        code, out, err = p.ctl("explain", "--from", "a@example.org", "--to", "rcpt@example.com", "--interface", "127.0.0.2:%d" % p.port)
        t.match(out, r"policy banks: PORT/ALL/TWO\n", "explain of an address")


def main():
    with Tap() as t, Catcher() as hop, Postern(t, hop, LUA + 'unix_socketname = "%(run)s/in"\n', banks=BANKS) as p:
        by_client(t, p)
        by_interface(t, p)
        lasts_one_mail(t, p)
        by_other_lists(t, p)
        everywhere(t, hop)


if __name__ == "__main__":
    main()
