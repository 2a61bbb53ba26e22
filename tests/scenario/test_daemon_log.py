#!/usr/bin/python3
"""test_daemon_log.py - the log as JSON, control characters in it, and secrets: never in a log, a dump, an answer, a command line, or
the memory of a process that has to do with strangers."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = 'compatibility_level = 1\nlocal_domains_maps = { { ".example.com" } }\nvirus_lovers_maps = { { ["lover@example.com"] = true } }\n'
# In two pieces, so that our own memory and files do not count.
SECRET = "top" + "most4711hush"
SECRETS = """
amavis_auth_pass = "%(s)s1"
lookup_sql_dsn = { "mysql://user:%(s)s2@127.0.0.1/mail" }
storage_sql_dsn = { { "DBI:Pg:dbname=mail;host=127.0.0.1", "user", "%(s)s3" } }
policy_bank.AUTH = { amavis_auth_pass = "%(s)s4" }
log_level = 5
""" % {"s": SECRET}


def events(p):
    """All lines of the log, each of which must be one JSON object."""
    return [json.loads(line) for line in p.log_lines("^.")]


def json_log(t, hop):
    with Postern(t, hop, LUA + "log_json = true\nlog_level = 2\n", name="posternd that logs JSON") as p:
        data = mail(b"x\r\n", 'odd "quotes" and \\ backslash')
        send(p.port, data, ["a@example.com", "b@example.net"], xforward={"ADDR": "198.51.100.7", "PORT": "4711", "IDENT": "QUEUE1"})
        send(p.port, eicar_mail(), ["rcpt@example.com", "lover@example.com"], xforward={"ADDR": "198.51.100.8"})
        p.wait_log('"virusnames"')
        p.wait(lambda: len([e for e in events(p) if "mail_id" in e]) >= 2)
        try:
            all_events = events(p)
            t.ok(True, "JSON: each line is an object")
        except ValueError as e:
            t.ok(False, "JSON: each line is an object", "%s\n%s" % (e, p.log_text()))
            return
        mails = [e for e in all_events if "mail_id" in e]
        t.equal(len(mails), 2, "JSON: one event for each mail")
        first, second = mails
        t.equal((first["client_ip"], str(first["client_port"]), first["queue_id"]), ("198.51.100.7", "4711", "QUEUE1"), "JSON: client, port, queue id")
        t.equal((first["mail_from"], first["rcpt_to"], first["rcpt_num"]), ("<sender@example.org>", ["<a@example.com>", "<b@example.net>"], 2), "JSON: sender and recipients")
        t.equal(first["subject"], 'odd "quotes" and \\ backslash', "JSON: a subject with quotes")
        t.equal([(r["rcpt_to"], r["action"], r["rcpt_is_local"]) for r in first["recipients"]],
                [("<a@example.com>", "PASS", True), ("<b@example.net>", "PASS", False)], "JSON: fates of recipients")
        t.ok("Eicar" in str(second["virusnames"]) and second["content_type"] == "Virus", "JSON: names of viruses", second)
        t.equal(sorted((r["rcpt_to"], r["action"]) for r in second["recipients"]), [("<lover@example.com>", "PASS"), ("<rcpt@example.com>", "DISCARD")],
                "JSON: one recipient passed, one not")
        t.match(json.dumps(second["quarantine"]), "virus-", "JSON: the quarantined copy")


def control_characters(t, hop):
    with Postern(t, hop, LUA, name="posternd with odd mail") as p:
        data = (b"From: x@example.org\r\nSubject: a\r\nMessage-ID: <a\x1b[31m\x07(b)\x08@example.org>\r\n\r\nx\r\n")
        send(p.port, data)
        with Client(p.port) as c:
            c.hello("evil\x1b[2Jname")
            c.xforward(ADDR="198.51.100.7", IDENT="Q\x1b]0;x", NAME="n\x7f\x80")
            c.say(b"MAIL FROM:<\"a\\\x1b[31mb\"@example.org>")
            c.say("RCPT TO:<rcpt@example.com>")
            c.data(mail())
        p.wait_log("Passed BAD-HEADER-7")
        with open(p.log, "rb") as f:
            text = f.read()
        t.ok(not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", text), "control characters: none reaches the log", repr(text))
        t.match(text.decode(errors="replace"), r"Message-ID: <a\\033\[31m\\007", "control characters: they are shown as escapes")
        many = ["%s%02d@example.com" % ("l" * 50, i) for i in range(80)]
        send(p.port, mail(), many)
        p.wait_log(r"\) \.\.\..*%s>, Message-ID: .*queued_as: " % many[-1])
        lines = p.log_lines("l" * 30)
        t.ok(len(lines) > 3 and max(len(line) for line in lines) < 1100, "long lines: continued in others", [len(line) for line in lines])
        whole = re.sub(r"\.\.\.\n[^)]*\) \.\.\.", "", "\n".join(lines))
        t.ok(all("<%s>" % r in whole for r in many), "long lines: nothing is lost")


def secrets(t, hop):
    with Postern(t, hop, LUA + SECRETS, name="posternd with secrets") as p:
        send(p.port, mail())
        send(p.port, eicar_mail())
        said = {"posternd -n": p.posternd("-n"), "posternd -n --json": p.posternd("-n", "--json"), "posternd -t": p.posternd("-t"),
                "posternctl status": p.ctl("status"), "posternctl --json status": p.ctl("--json", "status")}
        for what, (code, out, err) in said.items():
            t.equal(code, 0, what + ": exit code")
            t.ok(SECRET not in out + err, what + ": no secret", out + err)
        t.ok("amavis_auth_pass" in said["posternd -n"][1] and "lookup_sql_dsn" in said["posternd -n"][1], "posternd -n: the settings are there", said["posternd -n"][1])
        broken = LUA + SECRETS + 'lookup_sql_dsn = { "nonsense://user:%s5@127.0.0.1/mail" }\nstorage_sql_dsn = { { "DBI:odd:x", "user", "%s6" } }\namavis_auth_pass = { "%s7" }\n' % (SECRET, SECRET, SECRET)
        code, out, err = p.reload(broken)
        t.equal(code, 78, "errors about secrets: refused")
        t.match(out + err, "lookup_sql_dsn", "errors about secrets: said")
        t.ok(SECRET not in out + err, "errors about secrets: without them", out + err)
        t.ok(SECRET not in p.log_text(), "the log at level 5: no secret", [line for line in p.log_lines(SECRET)])
        for pid in p.pids():
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                t.ok(SECRET.encode() not in f.read(), "command line of a process: no secret")
        for role in "master", "opener", "opener-template", "reception":
            for pid in p.role_pids(role):
                memory_has_none(t, pid, role)
        search_works(t, p.role_pids("worker-template")[0])


def memory_has_none(t, pid, role):
    """Whoever takes a stranger's bytes apart, or its ancestor, has never had a secret."""
    name = "memory of the %s: no secret" % role
    try:
        found = [hex(place) for place in search_memory(pid, SECRET.encode())]
    except PermissionError:
        t.skip(name, "its memory may not be read here")
        return
    t.ok(not found, name, found)


def search_works(t, pid):
    try:
        t.ok(any(search_memory(pid, SECRET.encode())), "memory of the worker-template: it is found there, so the search works")
    except PermissionError:
        t.skip("the search works", "its memory may not be read here")


def search_memory(pid, needle):
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            begin, end = (int(x, 16) for x in span.split("-"))
            if "rw" not in rights or end - begin > 1 << 30:     # the sanitizer's shadow is terabytes of nothing
                continue
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, ValueError):
                continue
            at = data.find(needle)
            if at >= 0:
                yield begin + at


def main():
    with Tap() as t, Catcher() as hop:
        json_log(t, hop)
        control_characters(t, hop)
        secrets(t, hop)


if __name__ == "__main__":
    main()
