"""probe.py - runs scan_probe and reads its lines; temporary files for the tests of scanners and quarantine."""
import os
import re
import shutil
import subprocess
import tempfile

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
PROBE = os.path.join(BUILD, "tests/scenario/scan_probe")
# Put together here, so that no scanner finds it in this file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-" + b"TEST-FILE!$H+H*"
LINE = re.compile(r'^(scan|version|deliver) (\S+) result=(\S+)(.*)$')
FIELD = re.compile(r'(\w+)=(?:<<(.*?)>>|(\S*))')


class Answer:
    """One line of the probe."""

    def __init__(self, match):
        self.verb, self.name, self.result = match.group(1, 2, 3)
        fields = [(key, quoted or plain) for key, quoted, plain in FIELD.findall(match.group(4))]
        self.found = [value for key, value in fields if key == "found"]
        if self.found:      # names may hold blanks
            self.found = re.findall(r'found=(p\d+:.*?)(?= found=| version=<<)', match.group(4))
        self.fields = dict(fields)
        self.error = self.fields.get("error", "")

    def __repr__(self):
        return "<%s %s %s %r %r>" % (self.verb, self.name, self.result, self.found, self.error)


def parse(text):
    return [Answer(m) for m in map(LINE.match, text.splitlines()) if m]


class Folder:
    """A temporary folder with files in it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="postern-test-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, data, mode=0o644):
        path = os.path.join(self.path, name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        return path

    def join(self, name):
        return os.path.join(self.path, name)


def run(*arguments, timeout=60):
    """Answers, standard output and standard error of one run."""
    done = subprocess.run([PROBE, "-b", BUILD] + [str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, check=False)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert done.returncode == 0, "exit %d\n%s%s" % (done.returncode, out, err)
    return parse(out), out, err


def start(*arguments):
    """A probe that waits for a line before each further scan."""
    return subprocess.Popen([PROBE, "-b", BUILD, "-i"] + [str(a) for a in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def next_answer(process):
    """Its next line of answers."""
    while True:
        line = process.stdout.readline().decode(errors="replace")
        assert line, "the probe ended"
        answers = parse(line)
        if answers:
            return answers[0]


def again(process):
    process.stdin.write(b"\n")
    process.stdin.flush()
    return next_answer(process)


def finish(process):
    process.stdin.close()
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == 0, rest
