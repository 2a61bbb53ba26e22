#!/usr/bin/python3
"""test_daemon_scanners.py - scanners that do not answer: none at all is 451 (or UNCHECKED where that is allowed), backups step in,
on_error says what one failure means, and what one of them has found stands whatever the others do. Programs that are not there are
told once and left out."""
import base64
import os
import re
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_scanner import Server  # noqa: E402
from postern import *  # noqa: E402,F401,F403
from test_scan_icap import CLEAN, serving  # noqa: E402


def scanners(*items):
    return "av_scanners = { %s }" % ", ".join(items)


def backups(*items):
    return "av_scanners_backup = { %s }" % ", ".join(items)


def dead(name, more=""):
    return 'clamd { socket = "%%(run)s/nobody", name = "%s"%s }' % (name, more)


def absent(name, more=""):
    return 'av.clamscan { "/nonexistent/%s", name = "%s"%s }' % (name, name, more)


def live(name):
    return 'clamav { database = "%%(database)s", name = "%s" }' % name


def says(name, script):
    """A scanner of our own: a shell script over the folder of parts."""
    return 'command { "/bin/sh", args = { "%%(folder)s/%s", "{}" }, name = "%s", clean = { 0 }, infected = { 1 }, names = [[found (\\S+)]] }' % (script, name)


# Says of a text that it is a sign of spam, and fails at what is no text.
SOFT = 'scanner "%s" { scan = function(part, host) if part.type ~= "txt" then error("it broke off") end; return "Soft.Mark" end }'
# The same, and cannot say of what is no text.
UNSURE = 'scanner "unsure" { scan = function(part, host) if part.type == "txt" then return "Soft.Mark" end; return nil end }'
# Fails at a text, and finds something in all else.
UPSET = 'scanner "upset" { scan = function(part, host) if part.type == "txt" then error("it broke off") end; return "Hidden.Behind" end }'
SOFTLY = 'virus_name_to_spam_score_maps = { { ["Soft.Mark"] = 0.1 } }'
MIXED = ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"]
TWO_PARTS = ("--b\r\n\r\nHello.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
             "AQIDBAUGBwg=\r\n--b--\r\n").encode()

BANKS = {
    "SOFT": "{ %s, %s }" % (scanners(SOFT % "soft"), SOFTLY),
    "UNSURE": "{ %s, %s }" % (scanners(UNSURE), SOFTLY),
    "UPSET": "{ %s, virus_scanners_failure_is_fatal = false }" % scanners(UPSET),
    "SOFTBACKUP": "{ %s, %s, %s }" % (scanners(SOFT % "soft-2"), backups(live("vouches")), SOFTLY),
    "SOFTBACKUPS": "{ %s, %s, %s }" % (scanners(dead("primary-4")), backups(SOFT % "soft-3", live("vouches-2")), SOFTLY),
    "NONE": "{ %s }" % scanners(dead("none")),
    "NOTFATAL": "{ %s, virus_scanners_failure_is_fatal = false }" % scanners(dead("notfatal")),
    "BACKUP": "{ %s, %s }" % (scanners(dead("primary")), backups(dead("first-backup"), live("second-backup"))),
    "BACKUPPROGRAM": "{ %s, %s }" % (scanners(dead("primary-2")), backups(says("grep-backup", "grep"))),
    "UNASKED": "{ %s, %s }" % (scanners(live("answers")), backups(says("unasked", "finds"))),
    "BACKUPDEAD": "{ %s, %s }" % (scanners(dead("primary-3")), backups(dead("dead-backup"))),
    "IGNORE": "{ %s }" % scanners(live("one"), dead("two")),
    "TEMPFAIL": "{ %s }" % scanners(live("three"), dead("four", ', on_error = "tempfail"')),
    "UNCHECKED": "{ %s }" % scanners(live("five"), dead("six", ', on_error = "unchecked"')),
    "TWO": "{ %s }" % scanners(live("seven"), says("eight", "finds")),
    "ODD": "{ %s }" % scanners(says("odd", "fails")),
    "SLOW": "{ %s, child_timeout = 3 }" % scanners(says("slow", "sleeps")),
    "ABSENT": "{ %s }" % scanners(absent("absent-1"), live("nine")),
    "ABSENTONLY": "{ %s }" % scanners(absent("absent-2")),
    "ABSENTBACKUP": "{ %s, %s }" % (scanners(absent("absent-3")), backups(absent("absent-4"), says("ten", "finds"))),
    "ABSENTTEMPFAIL": "{ %s }" % scanners(live("eleven"), absent("absent-5", ', on_error = "tempfail"')),
    "NOBODY": "{ av_scanners = {}, virus_scanners_failure_is_fatal = true }",
}
SCRIPTS = {
    "grep": b'if grep -rq EICAR-STANDARD "$@"; then echo found by-grep; exit 1; fi; exit 0\n',
    "finds": b"echo found always; exit 1\n",
    "fails": b"echo something odd; exit 7\n",
    "sleeps": b"exec sleep 60\n",
}


def line_of(p, data):
    return p.wait_log(r"(Passed|Blocked) .*" + re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode()))


def one(t, p, hop, bank, data, reply_pattern, line_pattern, passed, what):
    hop.forget()
    reply = send(p.ports[bank], data, timeout=30)
    t.match(reply.text, reply_pattern, what + ": the reply")
    line = line_of(p, data)
    t.match(line, line_pattern, what + ": the log line")
    t.equal(len(hop.caught), 1 if passed else 0, what + (": passed" if passed else ": not passed"))
    return line


WAIT = r"^451 4\.5\.0 Error in processing, id=\d{5,}-\d\d"


def nobody_answers(t, p, hop):
    for kind, data in ("clean", mail()), ("infected", eicar_mail()):
        one(t, p, hop, "NONE", data, WAIT, r"Blocked .*\{TempFailedInbound\}", False, "no scanner answers, %s" % kind)
        one(t, p, hop, "BACKUPDEAD", data, WAIT, r"Blocked .*\{TempFailedInbound\}", False, "nor does a backup, %s" % kind)
        one(t, p, hop, "ODD", data, WAIT, r"Blocked .*\{TempFailedInbound\}", False, "an exit code that says nothing, %s" % kind)
        one(t, p, hop, "NOBODY", data, WAIT, r"Blocked .*\{TempFailedInbound\}", False, "a bank without scanners, %s" % kind)
    t.ok(p.log_lines("ALL VIRUS SCANNERS FAILED"), "the log says that all have failed")
    t.ok(p.log_lines("NO VIRUS SCANNERS AVAILABLE"), "or that there are none")
    t.match(p.wait_log("none: .*nobody"), r"scan: none: .*%s/nobody: No such file" % re.escape(p.values["run"]), "the log names scanner, place and reason")
    one(t, p, hop, "NOTFATAL", mail(), r"^250 2\.0\.0 from MTA", r"Passed UNCHECKED \{RelayedTaggedInbound\}", True, "not fatal: passed as unchecked")
    t.match(hop.last().field("x-amavis-hold") or "", "scanner", "not fatal: X-Amavis-Hold")
    t.equal(hop.last().field("x-virus-scanned"), None, "not fatal: nothing says that it was scanned")


def backups_step_in(t, p, hop):
    one(t, p, hop, "BACKUP", mail(), "^250 2.0.0 from MTA", r"Passed CLEAN", True, "a backup in the opener, clean")
    one(t, p, hop, "BACKUP", eicar_mail(), r"^250 2\.7\.0 Ok, discarded, .*Eicar", r"Blocked INFECTED \(Eicar", False, "a backup in the opener, infected")
    t.ok(p.log_lines("asking the backup first-backup") and p.log_lines("asking the backup second-backup"), "backups are asked one after another")
    one(t, p, hop, "BACKUPPROGRAM", mail(), "^250 2.0.0 from MTA", r"Passed CLEAN", True, "a program as backup, clean")
    one(t, p, hop, "BACKUPPROGRAM", eicar_mail(), r"^250 2\.7\.0 Ok, discarded, .*by-grep", r"Blocked INFECTED \(by-grep\)", False, "a program as backup, infected")
    one(t, p, hop, "UNASKED", mail(), "^250 2.0.0 from MTA", r"Passed CLEAN", True, "a backup is not asked where a primary answers")


def backups_see_no_less(t, p, hop):
    """What could not be opened is unchecked whoever scans, and so it is told."""
    def odd(data):
        body = "--b\r\n\r\nHello.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n"
        return mail((body % base64.b64encode(data).decode()).encode(), headers=MIXED)
    for what, data in ("nobody opens", b"SIT!\0\1" + b"x" * 100), ("is damaged", zlib.compress(b"x" * 300, 9, 31)[:-12]):
        one(t, p, hop, "BACKUP", odd(data), "^250 2.0.0 from MTA", "Passed UNCHECKED ", True, "a backup in the opener, what " + what)


def a_sign_of_spam_and_a_failure(t, p, hop):
    one(t, p, hop, "SOFT", mail(), "^250 2.0.0 from MTA", "Passed CLEAN", True, "a sign of spam, and all was looked at")
    one(t, p, hop, "SOFT", mail(TWO_PARTS, headers=MIXED), WAIT, r"TempFailedInbound", False, "a sign of spam, and the rest was not looked at")
    one(t, p, hop, "UNSURE", mail(TWO_PARTS, headers=MIXED), WAIT, r"TempFailedInbound", False, "a sign of spam, and of the rest it could not say")
    one(t, p, hop, "SOFTBACKUP", mail(TWO_PARTS, headers=MIXED), "^250 2.0.0 from MTA", "Passed CLEAN", True,
        "a backup looks at the rest")
    t.ok(p.log_lines("asking the backup vouches"), "the backup was asked")
    one(t, p, hop, "SOFTBACKUPS", mail(TWO_PARTS, headers=MIXED), "^250 2.0.0 from MTA", "Passed CLEAN", True,
        "the next backup looks at what one before it has not")


def a_failure_hides_nothing(t, p, hop):
    one(t, p, hop, "UPSET", mail(), "^250 2.0.0 from MTA", "Passed UNCHECKED", True, "it fails over one part")
    one(t, p, hop, "UPSET", mail(TWO_PARTS, headers=MIXED), r"^250 2\.7\.0 Ok, discarded", r"Blocked INFECTED \(Hidden\.Behind\)", False,
        "and finds what is behind it")


def one_of_two_fails(t, p, hop):
    one(t, p, hop, "IGNORE", mail(), "^250 2.0.0 from MTA", r"Passed CLEAN", True, "one of two fails, ignore")
    t.equal(hop.last().field("x-virus-scanned"), "postern at example.com", "one of two fails, ignore: it was scanned")
    one(t, p, hop, "TEMPFAIL", mail(), WAIT, r"Blocked .*\{TempFailedInbound\}", False, "one of two fails, tempfail")
    one(t, p, hop, "UNCHECKED", mail(), "^250 2.0.0 from MTA", r"Passed UNCHECKED", True, "one of two fails, unchecked")
    for bank in "IGNORE", "TEMPFAIL", "UNCHECKED":
        one(t, p, hop, bank, eicar_mail(), r"^250 2\.7\.0 Ok, discarded", r"Blocked INFECTED \(Eicar", False, "what the other found stands, " + bank.lower())
    one(t, p, hop, "TWO", mail(), r"^250 2\.7\.0 Ok, discarded", r"Blocked INFECTED \(always\)", False, "infected by one is infected")
    line = one(t, p, hop, "TWO", eicar_mail(), r"^250 2\.7\.0 Ok, discarded", r"Blocked INFECTED", False, "both find something")
    t.match(line, r"INFECTED \((Eicar[^,)]*, always|always, Eicar[^,)]*)\)", "both names are logged")


def programs_that_are_not_there(t, p, hop):
    one(t, p, hop, "ABSENT", mail(), "^250 2.0.0 from MTA", r"Passed CLEAN", True, "its program is not there, another scanner vouches")
    one(t, p, hop, "ABSENTONLY", mail(), WAIT, r"Blocked .*\{TempFailedInbound\}", False, "its program is not there, nor another scanner")
    one(t, p, hop, "ABSENTBACKUP", mail(), r"^250 2\.7\.0 Ok, discarded", r"Blocked INFECTED \(always\)", False, "its program is not there, a backup finds")
    one(t, p, hop, "ABSENTTEMPFAIL", mail(), WAIT, r"Blocked .*\{TempFailedInbound\}", False, "its program is not there, and on_error says that it must answer")
    for n in range(1, 5):
        lines = p.log_lines("absent-%d" % n)
        t.equal(len(lines), 1, "absent-%d: one line in all, at start" % n)
        t.match("\n".join(lines), r'postern\.lua:\d+: absent-%d: no program "/nonexistent/absent-%d": not available until' % (n, n), "and what it says")
    code, out, err = p.posternd("-t")
    t.equal(code, 0, "-t takes it")
    t.match(err + out, r'warning: absent-1: no program "/nonexistent/absent-1"', "with a warning")


def deadline(t, p, hop):
    started = time.monotonic()
    one(t, p, hop, "SLOW", mail(), WAIT, r"Blocked .*\{TempFailedInbound\}", False, "a scanner that does not come back")
    t.ok(2 <= time.monotonic() - started < 15, "child_timeout holds", "%.1f s" % (time.monotonic() - started))
    p.wait(lambda: not [pid for pid in p.pids() if "sleep" in command_of(pid)], 10, "the scanner's program is still there")
    t.ok(True, "its program is ended")


def command_of(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read()
    except OSError:
        return ""


def with_clamd(t, hop):
    """A clamd that goes and comes while mails come."""
    with Folder() as folder, Clamd(folder.path) as clamd:
        lua = 'local_domains_maps = { { ".example.com" } }\n'
        with Postern(t, hop, lua, scanners='clamd { socket = "%s", probe_interval = "50ms" }' % clamd.socket, name="posternd with clamd") as p:
            p.ports = {"": p.port}
            one(t, p, hop, "", mail(), "^250 2.0.0 from MTA", "Passed CLEAN", True, "clamd is there, clean")
            clamd.stop()
            one(t, p, hop, "", eicar_mail(), WAIT, r"TempFailedInbound", False, "clamd is gone, infected")
            one(t, p, hop, "", mail(), WAIT, r"TempFailedInbound", False, "clamd is gone, clean")
            clamd.start()
            one(t, p, hop, "", eicar_mail(), r"^250 2\.7\.0 Ok, discarded", "Blocked INFECTED", False, "clamd is back, infected")
            one(t, p, hop, "", mail(), "^250 2.0.0 from MTA", "Passed CLEAN", True, "clamd is back, clean")


LONG = b"More than the beginning of a part, which is all that some servers ask for.\r\n"


def with_a_picky_icap(t, hop):
    """As c-icap comes with Debian: it takes the beginning of what it leaves out, and lets it pass."""
    lua = 'local_domains_maps = { { ".example.com" } }\n'
    with Server(serving(CLEAN, wants_rest=False), tcp=True) as server:
        with Postern(t, hop, lua, scanners='icap { "%s" }' % server.address, name="posternd with icap") as p:
            p.ports = {"": p.port}
            one(t, p, hop, "", mail(body=LONG), WAIT + r", no virus scanner could tell, icap: part p\d+: .* has not looked at all of its .*ScanFileTypes.*trust_early",
                r"Blocked .*\{TempFailedInbound\}", False, "the only scanner has seen the beginning")
            t.ok(p.log_lines("NO VIRUS SCANNER COULD TELL: icap: part p.*trust_early"), "the log says who, why, and what to do")
            t.ok(not p.log_lines("NO VIRUS SCANNERS AVAILABLE"), "and not that there are none")
        with Postern(t, hop, lua, scanners='icap { "%s", trust_early = true }' % server.address, name="posternd with icap, trusted") as p:
            p.ports = {"": p.port}
            one(t, p, hop, "", mail(body=LONG), "^250 2.0.0 from MTA", "Passed CLEAN", True, "it is trusted, as the log has advised")


def main():
    if not os.access("/bin/sh", os.X_OK):
        skip_all("no /bin/sh")
    with Tap() as t, Catcher() as hop, Folder() as folder:
        for name, text in SCRIPTS.items():
            with open(folder.join(name), "wb") as f:
                f.write(text)
        with Postern(t, hop, 'local_domains_maps = { { ".example.com" } }', banks=BANKS, folder=folder) as p:
            nobody_answers(t, p, hop)
            backups_step_in(t, p, hop)
            backups_see_no_less(t, p, hop)
            a_sign_of_spam_and_a_failure(t, p, hop)
            a_failure_hides_nothing(t, p, hop)
            one_of_two_fails(t, p, hop)
            programs_that_are_not_there(t, p, hop)
            deadline(t, p, hop)
            t.equal(p.temp_files(), [], "nothing is left in the work area")
        with_a_picky_icap(t, hop)
        if clamd_program():
            with_clamd(t, hop)


if __name__ == "__main__":
    main()
