#!/usr/bin/python3
"""test_daemon_policy.py - policy banks beyond interface and client: by header field, by a function of the mail, ACTION, the name shown,
a bank with scanners of its own; and what is answered where one of them fails."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = r"""
local_domains_maps = { { ".example.com" } }
path = "%(folder)s/bin:" .. path
client_ipaddr_policy = { { { "192.0.2.0/24" }, "MYNETS" } }
policy_bank.MYNETS = { ACTION = function(mail, bank)
  if mail.client_address == "192.0.2.99" then return "ACTED," .. bank end
  if mail.client_address == "192.0.2.2" then return "ACTED" end
end }
policy_bank.ACTED = { policy_bank_name = "ByAction", final_virus_destiny = D_REJECT }
policy_bank.LIST = { final_virus_destiny = D_TEMPFAIL }
policy_bank.FOLDED = { policy_bank_name = "Folded" }
policy_bank.NIGHT = { final_virus_destiny = D_REJECT }
policy_bank.OWN = { av_scanners = { command { "ownscan", args = "{}", clean = { 0 }, infected = { 1 }, names = [[FOUND (.+)]] } } }
header_to_policy_bank_maps = {
  re { { [[(?i)^List-Id:.*<lists\.example\.org>$]], "LIST" }, { [[^X-Fold: one\n two$]], "FOLDED" }, { [[^Subject:]], true } },
  { ["X-Exact: yes"] = "FOLDED" },
}
policy_bank_hook = function(mail)
  if mail.sender == "broken@example.org" then return mail.nothing.there end
  if mail.sender == "number@example.org" then return 7 end
  if mail.sender == "none@example.org" then return "NOSUCH" end
  if mail.sender == "own@example.org" then return "OWN" end
  if mail.sender == "night@example.org" then
    local t = mail.time
    assert(t.year >= 2024 and t.month >= 1 and t.month <= 12 and t.hour < 24 and t.min < 60 and t.wday <= 7 and t.yday <= 366 and t.isdst ~= nil)
    assert(mail.recipients[1] == "rcpt@example.com" and mail.helo == "there.example.org" and mail.size > 100 and mail.protocol == "ESMTP")
    assert(mail.interface == "127.0.0.1:%(port)s" and mail.client_name == "name.example.net" and not mail.originating and mail.policy_banks == "")
    return "NIGHT, LIST"
  end
end
"""
STATIC = r"""
virus_name_to_policy_bank_maps = { { EICAR = "NOWHERE" } }
header_to_policy_bank_maps = { re { { "^X:", "NIGHTS" }, { "^Y: (.*)", "$1" } } }
policy_bank.NIGHT = { client_ipaddr_policy = { { { "192.0.2.1" }, "LOST" } }, ACTION = 7 }
"""


def line_of(p, data):
    return p.wait_log(re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode()))


def says(t, p, what, pattern, sender="sender@example.org", virus=False, headers=(), **xforward):
    data = mail(EICAR + b"\r\n" if virus else b"Hello.\r\n", what, headers)
    reply = send(p.port, data, ["rcpt@example.com"], sender, xforward=xforward or None)
    t.match(line_of(p, data), pattern, what)
    return reply


def by_header(t, p):
    says(t, p, "no header names a bank", r"\{RelayedInbound\}, <sender@")
    reply = says(t, p, "a header field names a bank", r"\{TempFailedInbound,Quarantined\}, LIST <sender@", virus=True,
                 headers=["List-ID: Our list <lists.example.org>"])
    t.match(reply.text, "^450 4", "which holds")
    says(t, p, "another list does not", r"\{RelayedInbound\}, <sender@", headers=["List-Id: <lists.example.net>"])
    says(t, p, "a folded field is asked as it came, the bank is shown by its name", r"\{RelayedInbound\}, Folded <sender@", headers=["X-Fold: one\r\n two"])
    says(t, p, "a hash has whole fields", r"\{RelayedInbound\}, Folded <sender@", headers=["X-Exact: yes"])
    says(t, p, "named twice in a row it is loaded once", r"\{RelayedInbound\}, LIST <sender@", headers=["List-Id: <lists.example.org>"] * 2)


def by_action(t, p):
    says(t, p, "no further bank from ACTION", r"\{RelayedInternal\}, MYNETS LOCAL \[192\.0\.2\.1\]", ADDR="192.0.2.1")
    reply = says(t, p, "a bank from ACTION", r"\{RejectedInternal,Quarantined\}, MYNETS/ByAction LOCAL \[192\.0\.2\.2\]", virus=True, ADDR="192.0.2.2")
    t.match(reply.text, "^554", "lies on top")
    reply = send(p.port, mail(subject="round and round"), ["rcpt@example.com"], xforward={"ADDR": "192.0.2.99"})
    t.match(reply.text, r"^451 4\.5\.0 .*policy_bank\.MYNETS: ACTION: banks that name banks, 8 times over", "banks that name each other for ever end")


def by_hook(t, p):
    reply = says(t, p, "the hook sees the mail", r"\{TempFailedInbound,Quarantined\}, NIGHT/LIST ", "night@example.org", True,
                 NAME="name.example.net", HELO="there.example.org")
    t.match(reply.text, "^450 4", "its banks hold in their order")
    data = mail(subject="broken")
    reply = send(p.port, data, ["rcpt@example.com", "b@example.com"], "broken@example.org")
    t.match(reply.text, r"^451 4\.5\.0 Error in processing, id=[0-9-]+, settings could not be looked up: policy banks: policy_bank_hook: \S*postern\.lua:\d+: ",
            "a hook that fails: the mail waits, file and line are told")
    t.match(p.wait_log("policy_bank_hook"), r"postern\.lua:\d+:.*nothing", "and in the log")
    reply = send(p.port, mail(subject="a number"), ["rcpt@example.com"], "number@example.org")
    t.match(reply.text, "^451 .*its result is no string", "so does one whose result is no name")
    says(t, p, "an unknown bank does no harm", r"\{RelayedInbound\}, <none@", "none@example.org")
    t.match(p.wait_log("NOSUCH"), r'there is no policy bank "NOSUCH", which policy_bank_hook names', "and is told")
    t.equal(p.counter("worker-deaths"), 0, "no worker has died")


def own_scanner(t, p):
    reply = says(t, p, "a bank's own scanner is searched for in the path", r"INFECTED \(Own\.Virus\) \{Discarded", "own@example.org")
    t.match(reply.text, "^250 2.7.0", "and has found something")


def static_names(t, p):
    p.configure(STATIC)
    code, out, err = p.posternd("-t")
    t.equal(code, 78, "names of banks that are none: exit code")
    t.match(out + err, r'postern\.lua:\d+: virus_name_to_policy_bank_maps: there is no policy bank "NOWHERE"', "in a hash")
    t.match(out + err, r'header_to_policy_bank_maps: there is no policy bank "NIGHTS"; did you mean "NIGHT"\?', "in re{}")
    t.match(out + err, r'policy_bank\.NIGHT\.client_ipaddr_policy\[1\]\[2\]: there is no policy bank "LOST"', "in a bank")
    t.match(out + err, r'policy_bank\.NIGHT\.ACTION: 7 is wrong; expected a function of \(mail, bank\)', "an ACTION that is none")
    t.no_match(out + err, r'"\$1"', "a name that a mail will say is not one")


def main():
    with Tap() as t, Catcher() as hop, Postern(t, hop, start=False) as p:
        p.folder.own("bin", mode=0o755)
        with open(p.folder.join("bin", "ownscan"), "w") as f:
            f.write("#!/usr/bin/python3 -IS\nprint('FOUND Own.Virus')\nraise SystemExit(1)\n")
        os.chmod(p.folder.join("bin", "ownscan"), 0o755)
        p.configure(LUA)
        p.start()
        by_header(t, p)
        by_action(t, p)
        by_hook(t, p)
        own_scanner(t, p)
        static_names(t, p)


if __name__ == "__main__":
    main()
