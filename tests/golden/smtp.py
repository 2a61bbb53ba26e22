#!/usr/bin/python3
"""Golden dialogues with reception: tests/golden/smtp/NAME.in is played, what comes back is compared with NAME.ref.

Lines of an .in file:
  # text            nothing
  set NAME=VALUE    an argument of tests/scenario/reception_probe (before anything else)
  > text            send the line and CRLF
  >> expression     send these bytes (a Python expression of bytes) in one packet
  >1 expression     the same, each byte in a packet of its own
  < [N]             read N replies (1)
  eof               the server has closed the connection
  close | reset     the client does, without a word or with a reset
  session NAME      speak in that connection from now on; it is made when there is none
  wait TEXT         until a worker or the probe prints a line that starts so
  do COMMAND        for the probe: drain, kill-master, worker, state
  pause MS
"smtp.py --update" writes the .ref files anew."""
import glob
import os
import queue
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
SOURCE = os.environ.get("POSTERN_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PROBE = os.path.join(BUILD, "tests/scenario/reception_probe")
TIMEOUT = 20


class Probe:
    def __init__(self, arguments, errors, wrapper=(), **more):
        self.process = subprocess.Popen(list(wrapper) + [PROBE] + arguments, **more, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.lines, self.seen = [], 0
        self.fresh = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.port = int(self.wait("port").split()[1])
        self.wait("ready")

    def read(self):
        for line in self.process.stdout:
            self.fresh.put(line.rstrip("\n"))
        self.fresh.put(None)

    def next(self, timeout):
        line = self.fresh.get(timeout=timeout)
        if line is None:
            raise EOFError("the probe has ended")
        self.lines.append(line)

    def wait(self, text):
        end = time.monotonic() + TIMEOUT
        while True:
            while self.seen < len(self.lines):
                self.seen += 1
                if self.lines[self.seen - 1].startswith(text):
                    return self.lines[self.seen - 1]
            self.next(max(0.01, end - time.monotonic()))

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def finish(self):
        self.process.stdin.close()
        try:
            while True:
                self.next(TIMEOUT)
        except EOFError:
            pass
        except queue.Empty:
            self.process.kill()     # and the kernel its children
            self.lines.append("(the probe does not end)")
        self.process.wait(TIMEOUT)
        return [line for line in self.lines if not line.startswith(("port ", "ready "))]


class Session:
    def __init__(self, probe, path):
        if path:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection(("127.0.0.1", probe.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(TIMEOUT)
        self.file = self.socket.makefile("rb")

    def send(self, data, out):
        try:
            self.socket.sendall(data)
        except OSError:
            out.append("(cannot send)")

    def reply(self, out):
        while True:
            try:
                line = self.file.readline()
            except (OSError, ValueError) as e:
                line = b""
                out.append("(%s)" % type(e).__name__)
            if not line:
                out.append("(closed)")
                return
            out.append("S: " + line.decode("utf-8", "backslashreplace").rstrip("\r\n") + ("" if line.endswith(b"\r\n") else " (no CRLF)"))
            if line[3:4] != b"-":
                return

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


class Dialogue:
    def __init__(self, lines):
        self.out, self.sessions, self.name = [], {}, "A"
        self.lines = [line.rstrip("\n") for line in lines]
        self.folder = tempfile.TemporaryDirectory(prefix="postern-golden-")
        self.arguments = ["TEMPBASE=" + self.folder.name]
        self.path = None
        self.probe = None

    def session(self):
        if self.name not in self.sessions:
            self.sessions[self.name] = Session(self.probe, self.path)
        return self.sessions[self.name]

    def prepare(self, line):
        value = line[4:].replace("@DIR@", self.folder.name)
        self.arguments.append(value)
        if value.startswith("unix="):
            self.path = value[5:]

    def send(self, line):
        how, _, text = line.partition(" ")
        self.out.append("C: " + text)
        if how == ">":
            self.session().send(text.encode() + b"\r\n", self.out)
            return
        data = eval(text, {"__builtins__": {"bytes": bytes}})
        for piece in ([data[i:i + 1] for i in range(len(data))] if how == ">1" else [data]):
            self.session().send(piece, self.out)
            if how == ">1":
                time.sleep(0.0005)

    def play(self, line):
        word, _, rest = line.partition(" ")
        if word in (">", ">>", ">1"):
            self.send(line)
        elif word == "<":
            for _ in range(int(rest or 1)):
                self.session().reply(self.out)
        elif word == "eof":
            self.session().reply(self.out)
        elif word in ("close", "reset"):
            self.out.append("(client: %s)" % word)
            getattr(self.sessions.pop(self.name), word)()
        elif word == "session":
            self.name = rest
            self.out.append("-- session " + rest)
            self.session()
        elif word == "wait":
            self.probe.wait(rest)
        elif word == "do":
            self.out.append("-- " + rest)
            self.probe.command(rest)
        elif word == "pause":
            time.sleep(int(rest) / 1000)
        else:
            raise ValueError("what is %r?" % line)

    def run(self):
        with self.folder, tempfile.TemporaryFile("w+") as errors:
            for line in self.lines:
                if line.startswith("set "):
                    self.prepare(line)
            self.probe = Probe(self.arguments, errors)
            try:
                for line in self.lines:
                    if line and not line.startswith(("#", "set ")):
                        self.play(line)
            except Exception as e:
                self.out.append("(%s: %s)" % (type(e).__name__, e))
            for session in self.sessions.values():
                session.close()
            self.out += ["", "-- workers"] + self.probe.finish()
            errors.seek(0)
            return "\n".join(self.out) + "\n", errors.read()


def compare(number, path, update):
    with open(path, encoding="utf-8") as f:
        got, log = Dialogue(f.readlines()).run()
    reference = path[:-3] + ".ref"
    if "Sanitizer" in log:
        got += "(sanitizer report)\n"
    if update:
        with open(reference, "w", encoding="utf-8") as f:
            f.write(got)
    with open(reference, encoding="utf-8") as f:
        wanted = f.read()
    name = os.path.basename(path)[:-3]
    print("%sok %d - %s" % ("" if got == wanted else "not ", number, name), flush=True)
    if got != wanted:
        import difflib
        for line in list(difflib.unified_diff(wanted.splitlines(), got.splitlines(), "wanted", "got", lineterm="")) + log.splitlines()[-40:]:
            print("# " + line)
    return got == wanted


def main():
    update = "--update" in sys.argv
    chosen = [a for a in sys.argv[1:] if not a.startswith("-")]
    paths = sorted(glob.glob(os.path.join(SOURCE, "tests/golden/smtp/*.in")))
    paths = [p for p in paths if not chosen or os.path.basename(p)[:-3] in chosen]
    print("1..%d" % len(paths))
    good = [compare(i + 1, p, update) for i, p in enumerate(paths)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
