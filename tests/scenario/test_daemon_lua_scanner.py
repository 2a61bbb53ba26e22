#!/usr/bin/python3
"""test_daemon_lua_scanner.py - scanners written in the configuration: what they see, what their answers mean, what their errors cost."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from catcher import Catcher
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


class LineDaemon:
    """Answers one line per connection: a name where the line says a size above 10, else "clean"."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.socket.accept()
            line = peer.makefile("rb").readline()
            peer.sendall(b"Daemon.Found\n" if line.startswith(b"SIZE ") and int(line.split()[1]) > 10 else b"clean\n")
            peer.close()


def main():
    with Tap() as t, Catcher() as hop, Postern(tap=t, next_hop=hop, scanners=WORDS, lua="child_timeout = 20\nmax_servers = 1\n") as p:
        LineDaemon(os.path.join(p.values["run"], "daemon"))

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
        t.match(answer("CANNOT SAY"), r"451 .*no virus scanner has answered", "nil vouches for nothing")
        t.match(answer("OVERRUN"), r"451 ", "an endless loop ends at the scanner's timeout")
        t.match(answer("OPEN A FILE"), r"451 .*unknown name io", "there is no io and no os")
        t.match(answer("nothing special"), r"250 2\.0\.0 from MTA", "and the worker goes on")
        t.equal(len(hop.caught), 2, "only clean mails were passed on")
        code, changed, _ = p.posternd("-n")
        t.match(changed, r'scanner "words"', "-n names it")


main()
