"""private_clamd.py - a clamd of the test's own: its folder, its sockets, a small database. Loopback only."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
import probe  # noqa: E402

CONFIGURATION = """LocalSocket {0}/clamd.ctl
TCPSocket {1}
TCPAddr 127.0.0.1
DatabaseDirectory {0}/db
TemporaryDirectory {0}/tmp
LogFile {0}/clamd.log
Foreground yes
StreamMaxLength 1M
"""


def find():
    return shutil.which("clamd", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")


def skip_without_clamd():
    if not find():
        print("1..0 # SKIP no clamd on this machine")
        sys.exit(0)


def make_database(folder, second=False):
    """A folder with one signature, the EICAR test text, and one that only ALLMATCHSCAN tells: a piece of it."""
    path = folder.join("db")
    os.mkdir(path)
    with open(os.path.join(path, "test.ndb"), "w", encoding="ascii") as f:
        f.write("Eicar-Test-Signature:0:0:%s\n" % probe.EICAR.hex())
        if second:
            f.write("Other-Signature:0:*:%s\n" % b"EICAR-STANDARD".hex())
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Clamd:
    def __init__(self, more=""):
        self.folder = probe.Folder()
        make_database(self.folder, second=True)
        os.mkdir(self.folder.join("tmp"))
        self.port = free_port()
        self.socket = self.folder.join("clamd.ctl")
        self.tcp = "127.0.0.1:%d" % self.port
        self.folder.file("clamd.conf", (CONFIGURATION.format(self.folder.path, self.port) + more).encode())
        self.process = None
        self.start()

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        with open(self.folder.join("out"), "ab") as out:
            self.process = subprocess.Popen([find(), "-c", self.folder.join("clamd.conf")], stdout=out, stderr=out)
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            if self.ping():
                return
            time.sleep(0.05)
        with open(self.folder.join("out"), encoding="utf-8", errors="replace") as f:
            raise RuntimeError("clamd does not start: " + f.read())

    def ping(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.socket)
                s.sendall(b"zPING\0")
                return s.recv(16) == b"PONG\0"
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.folder.__exit__()
