"""sqlprobe.py - talks to sql_probe: one question a line, the rows of its answers as dictionaries."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import postern  # noqa: E402

PROBE = os.path.join(postern.BUILD, "tests/scenario/sql_probe")
PREAMBLE = 'bypass_virus_checks_maps = { true }\ncompatibility_level = "1"\n'


def encode(word):
    data = word if isinstance(word, bytes) else word.encode()
    return "".join(chr(b) if 33 <= b <= 126 and b != 37 else "%%%02X" % b for b in data)


def decode(word):
    return None if word == "NULL" else re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m.group(1), 16)]), word.encode())


class Answer:
    """error: what failed, or None; rows: of name to bytes (None: NULL); keys: of the rows."""

    def __init__(self, lines):
        self.lines = lines
        self.text = "\n".join(lines)
        self.origin = self.error = self.kind = self.result = None
        self.rows, self.keys, self.fields = [], [], {}
        for line in lines:
            self.take(line)

    def take(self, line):
        word, _, rest = line.partition(" ")
        if word == "from":
            self.origin = rest
        elif word == "failed":
            self.kind, _, self.error = rest.partition(" ")
        elif word == "result":
            self.result, _, rest = rest.partition(" ")
            numbers, _, self.error = rest.partition(" error=")
            self.fields = {name: int(value) for name, value in re.findall(r"(\w+)=(-?\d+)", numbers)}
        elif word == "row":
            pairs = rest.split(" ") if rest else []
            self.keys.append(decode(pairs.pop(0)[4:]) if pairs and pairs[0].startswith("key:") else None)
            self.rows.append({name: decode(value) for name, _, value in (pair.partition("=") for pair in pairs)})
        elif word in ("wb", "value"):
            self.result = decode(rest.split(" ")[0])

    def __repr__(self):
        return "<%s>" % self.text[:1500]


class Probe:
    """A configuration (Lua, behind the preamble) and a sql_probe that has read it. stderr: what it complained of."""

    def __init__(self, folder, lua, pass_fds=()):
        path = folder.join("probe%d.lua" % id(self))
        with open(path, "w", encoding="utf-8") as f:
            f.write(PREAMBLE + lua)
        self.log = open(folder.join("probe%d.err" % id(self)), "w+b")   # pylint: disable=consider-using-with
        environment = dict(os.environ, POSTERN_BUILD=postern.BUILD)
        self.process = subprocess.Popen([PROBE, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment, pass_fds=pass_fds)
        self.started = self.read()

    def read(self):
        lines = []
        while True:
            line = self.process.stdout.readline().decode(errors="replace")
            if not line:
                raise RuntimeError("the probe ended: %s\n%s" % ("\n".join(lines), self.stderr()))
            if line == ".\n":
                return lines
            lines.append(line.rstrip("\n"))

    def stderr(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def say(self, *words):
        """The answer is read() when it is there."""
        self.process.stdin.write((" ".join(encode(w) for w in words) + "\n").encode())
        self.process.stdin.flush()

    def ask(self, *words):
        self.say(*words)
        return Answer(self.read())

    def fetch(self, address, local=False):
        return self.ask("fetch", address, *(["local"] if local else []))

    def execute(self, statement, *parameters, database=0):
        return self.ask("execute", str(database), statement, *parameters)

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(30)
        self.process.stdout.close()
        said = self.stderr()
        self.log.close()
        if status != 0:
            raise RuntimeError("the probe ended with %d:\n%s" % (status, said))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.close()


def refused(folder, lua):
    """What posternd -t would say of such a configuration: exit code and text."""
    path = folder.join("refused.lua")
    with open(path, "w", encoding="utf-8") as f:
        f.write(PREAMBLE + lua)
    done = subprocess.run([PROBE, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=dict(os.environ, POSTERN_BUILD=postern.BUILD), timeout=60, check=False)
    return done.returncode, done.stderr.decode(errors="replace")
