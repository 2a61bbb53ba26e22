#!/usr/bin/python3
"""test_daemon_lua_scanner.py - scanners written in the configuration: what they see, what their answers mean, what their errors cost."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import probe
from catcher import Catcher
from fakeclamd import FakeClamd, FakeDaemon
from postern import Folder, Postern, mail
from smtpclient import send
from tapout import Tap

WORDS = """scanner "words" {
  timeout = 5,
  scan = function(part, host)
    local text = part:read()
    if text:find("OVERRUN", 1, true) then while true do end end
    if text:find("WHOLE=" .. part.size, 1, true) then return "never" end
    if text:find("RAISE", 1, true) then error("it was asked to") end
    if text:find("CANNOT SAY", 1, true) then return nil end
    if text:find("NONSENSE", 1, true) then return 42 end
    if text:find("NAMED TABLE", 1, true) then return { virus = "Kept.In.A.Field" } end
    if text:find("HOLES", 1, true) then return { nil, nil, nil, [9] = "Behind.Holes" } end
    if text:find("TWO NAMES", 1, true) then return { "First.Name", "Second.Name" } end
    if text:find("PROGRAM", 1, true) then
      local r = host.run({ "/bin/cat" }, part)
      if r.exit_code == 0 and r.output == text then return "Program." .. part.type end
    end
    if text:find("ARGUMENTS", 1, true) then
      return host.run({ "/bin/echo", "Said", "so" }).output:find("Said so", 1, true) and "Arguments.Passed"
    end
    if text:find("DAEMON", 1, true) then
      local c = host.connect("%(run)s/daemon")
      c:write("SIZE " .. part.size .. "\\n")
      local line = c:read_until("\\n", 100)
      c:close()
      return line ~= "clean" and line
    end
    if text:find("OPEN A FILE", 1, true) then return io and "Has.io" or os and "Has.os" or false end
    if text:find("KEEP", 1, true) then kept = kept or part end
    return text:find("BADWORD", 1, true) and "Word." .. part.mime_type .. "." .. part.placement or false
  end
}"""


MORE = """
local tell = rx([[tell (\\w+) to (\\w+)]], "i")
av_scanners = { scanner "more" {
  timeout = 5, paths = true,
  version = function(host)
    local c = host.connect("%(run)s/session")
    c:write("VERSION\\n")
    local line = c:read_until("\\n", 100)
    c:keep()
    return host.match("^version (\\\\S+)", line)
  end,
  scan = function(part, host)
    local text = part:read()
    if text:find("TOO BIG", 1, true) then host.fail("limit", "larger than it likes") end
    if text:find("NO SENSE", 1, true) then host.fail("broken", "it speaks in tongues") end
    local word = host.match(tell, text)
    if word == "Sender" then return "Mail." .. host.mail.sender .. "." .. host.mail.recipients[1] .. "." .. #host.mail.recipients end
    if word == "path" then return part.path:match("/p%%d+$") and "Path.Known" end
    local c = host.kept() or host.connect("%(run)s/session")
    if not c:is_local() or c:readable() then error("odd connection") end
    c:write(text:match("^%%C*") .. "\\n")
    local answer = c:read_until("\\n", 100)
    c:keep()
    host.output(answer)
    return answer ~= "clean" and answer
  end
} }
child_timeout = 20
max_servers = 1
"""


class LineDaemon(FakeDaemon):
    """Answers what answer(line) gives; one line for each connection, or as many as come."""

    def __init__(self, path, answer, once):
        self.answer, self.once = answer, once
        super().__init__(path)

    def talk(self, conn):
        for line in conn.makefile("rb"):
            conn.sendall(self.answer(line))
            if self.once:
                break
        conn.close()


def large(line):
    return b"Daemon.Found\n" if line.startswith(b"SIZE ") and int(line.split()[1]) > 10 else b"clean\n"


def session(line):
    return b"version 7.1\n" if line == b"VERSION\n" else b"Session.Found\n" if b"session" in line else b"clean\n"


def more_helpers(t, hop):
    """What plugins in C have, scanners in Lua have: a kept connection, regular expressions, the version, results, paths, the mail."""
    with Folder() as folder:
        daemon = LineDaemon(os.path.join(folder.own("run", mode=0o755), "session"), session, False)
        with Postern(tap=t, next_hop=hop, lua=MORE, folder=folder) as p:
            def answer(text):
                return str(send(p.address, mail(body=text.encode() + b"\r\n")))

            for n in range(3):
                t.match(answer("in session %d" % n), r"INFECTED: Session\.Found", "a daemon asked over and over")
            t.match(answer("nothing"), r"250 2\.0\.0 from MTA", "and clean")
            t.equal(daemon.connects, 1, "over one connection, which the version was asked on")
            t.match(p.wait_log("found: Session"), r"by more \(7\.1\)", "its version is in the finding")
            t.match(answer("tell Sender to us"), r"INFECTED: Mail\.sender@example\.org\.rcpt@example\.com\.1", "the mail's envelope, and what rx() made")
            t.match(answer("tell path to us"), r"INFECTED: Path\.Known", "a path")
            t.match(answer("TOO BIG"), r"451 .*more: larger than it likes", "a limit")
            t.match(answer("NO SENSE"), r"451 .*more: it speaks in tongues", "nonsense")
            code, out, _ = p.posternd("-t")
            t.equal(code, 0, "-t is content")
            code, out, err = p.posternd("-tt")
            t.match(out, r"more: FAILED\n  way: \S+session, content sent\n  version: 7\.1\n", "-tt tells way and version")
    for key, wanted in (("version", r"scanner: version: expected function\(host\)"), ("paths", "scanner: paths: expected true or false")):
        with Folder() as folder:
            p = Postern(next_hop=hop, scanners='scanner "x" { %s = 3, scan = function() return false end }' % key, folder=folder, start=False)
            t.match("".join(p.posternd("-t")[1:]), wanted, key + " that is none")

BESIDE = """
av_scanners = {
  clamd { "%(run)s/clamd", session = false, fildes = false, canary_interval = 0, name = "beside" },
  scanner "words" { scan = function(part, host)
    host.run({ "/bin/sleep", "0.01" })
    return false
  end },
}
max_servers = 1
"""


class SlowClamd(FakeClamd):
    def answered(self, content):
        time.sleep(0.1)


def beside_others(t, hop):
    """What others open while it is asked is not left open by it."""
    parts = b"".join(b"--b\r\n\r\n%d\r\n" % n for n in range(8)) + b"--b--\r\n"
    with Folder() as folder, SlowClamd(os.path.join(folder.own("run", mode=0o755), "clamd")):
        with Postern(tap=t, next_hop=hop, lua=BESIDE, folder=folder, name="beside others") as p:
            codes = {send(p.address, mail(parts, headers=("Content-Type: multipart/mixed; boundary=b",))).code for _ in range(12)}
            t.equal(codes, {250}, "beside a scanner on a thread every mail passes")
            t.equal(p.log_lines("leaves descriptors open"), [], "and nobody is said to leave descriptors open")


def reads_all_or_says_so(t):
    """What does not fit into one part:read() is not cut where a scanner believes it has all."""
    scanner = 'av_scanners = { scanner "reads" { scan = function(part) local text = part:read(%s) return text:find("needle", 1, true) and "Found.It" or false end } }\n'
    pieces = 'av_scanners = { scanner "pieces" { scan = function(part) for at = 0, part.size - 1, 1 << 20 do ' \
        'if part:read(1 << 20, at):find("needle", 1, true) then return "Found.It" end end return false end } }\n'
    with probe.Folder() as folder:
        def ask(config, size):
            part = folder.file("part", b"")
            with open(part, "r+b") as f:
                f.truncate(size - 6)
                f.seek(0, 2)
                f.write(b"needle")
            return probe.run("-c", folder.file("postern.lua", config.encode()), "-P", part)[0][0]
        t.equal(ask(scanner % "", 16 << 20).found, ["p001:Found.It"], "all of a part comes at once")
        answer = ask(scanner % "", (16 << 20) + 1)
        t.equal((answer.result, answer.found), ("LIMIT", []), "or it is over the limit, not cut")
        t.match(answer.error, r"reads: part p001: part:read\(\) gives 16777216 bytes at once, and it has 16777217; read it in pieces", "and why")
        t.equal(ask(scanner % "part.size", (16 << 20) + 1).result, "LIMIT", "also where all is asked for by its size")
        t.equal(ask(scanner % "1 << 40", 16 << 20).found, ["p001:Found.It"], "more than there is is all")
        t.equal(ask(pieces, (16 << 20) + 100).found, ["p001:Found.It"], "in pieces it is read")


def who_is_asked_on(t):
    """Behind a failure the other parts are asked about, unless no connection comes about: each of them would cost as long again."""
    config = 'av_scanners = { scanner "asks" { scan = function(part, host) host.log(0, "asked about " .. part.number) %s end } }\n'
    with probe.Folder() as folder:
        parts = [x for n in range(4) for x in ("-P", folder.file("part%d" % n, b"x"))]
        for failure, asked in (('error("odd")', 4), ('host.connect("/nonexistent/socket")', 1)):
            answers, _, log = probe.run("-c", folder.file("postern.lua", (config % failure).encode()), *parts)
            t.equal((answers[0].result, log.count("asked about ")), ("TEMPFAIL", asked), "parts that are asked about where it fails by " + failure)


def main():
    with Tap() as t, Catcher() as hop, Postern(tap=t, next_hop=hop, scanners=WORDS, lua="child_timeout = 20\nmax_servers = 1\n") as p:
        LineDaemon(os.path.join(p.values["run"], "daemon"), large, True)

        def answer(text):
            return str(send(p.address, mail(body=text.encode() + b"\r\n")))

        t.match(answer("nothing special"), r"250 2\.0\.0 from MTA", "false is clean")
        t.match(answer("a BADWORD"), r"INFECTED: Word\.text/plain\.1", "a string is a name; the part shows its type and place")
        t.match(answer("TWO NAMES"), r"INFECTED: First\.Name, Second\.Name", "a list is names")
        t.match(answer("PROGRAM"), r"INFECTED: Program\.", "a program may be run over the part")
        t.match(answer("ARGUMENTS"), r"INFECTED: Arguments\.Passed", "with arguments and without the part too")
        t.match(answer("ask the DAEMON"), r"INFECTED: Daemon\.Found", "a daemon may be asked")
        t.match(answer("RAISE"), r"451 .*postern\.lua:\d+: it was asked to", "an error is no verdict, and says where")
        t.match(answer("NONSENSE"), r"451 .*returned a number; expected", "nor is an answer that makes no sense")
        t.match(answer("NAMED TABLE"), r"451 .*a table that is no list of names", "nor a table that is no list")
        t.match(answer("HOLES"), r"451 .*words: ", "nor one with holes")
        t.match(answer("CANNOT SAY"), r"451 .*no virus scanner could tell, words: ", "nil vouches for nothing")
        t.match(answer("OVERRUN"), r"451 ", "an endless loop ends at the scanner's timeout")
        t.match(answer("OPEN A FILE"), r"451 .*unknown name io", "there is no io and no os")
        t.match(answer("nothing special"), r"250 2\.0\.0 from MTA", "and the worker goes on")
        t.equal(len(hop.caught), 2, "only clean mails were passed on")
        code, changed, _ = p.posternd("-n")
        t.match(changed, r'scanner "words"', "-n names it")
        more_helpers(t, hop)
        beside_others(t, hop)
        reads_all_or_says_so(t)
        who_is_asked_on(t)


main()
