"""virus.py - a harmless test virus, a database that knows it, and a private clamd.

No file of the source tree holds the test virus in one piece, so that no scanner objects to the tree."""
import os
import random
import shutil
import signal
import socket
import subprocess
import time

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-" + b"TEST-FILE!$H+H*"
EICAR_NAME = "Eicar-Test-Signature"

# A scanner that knows nothing but a part equal to the test virus: what it finds was opened.
EXACT_SCANNER = """scanner "exact" { scan = function(part, host)
  local virus = [[X5O!P%%@AP[4\\PZX54(P^)7CC)7}$]] .. "EICAR-STANDARD-ANTIVIRUS-" .. "TEST-FILE!$H+H*"
  return part.size == #virus and part:read() == virus and "Exact.EICAR"
end }""".replace("%%", "%")


def make_database(folder):
    """A ClamAV database of one signature in the folder (made if need be)."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "test.ndb")
    with open(path, "w") as f:
        f.write("%s:0:*:%s\n" % (EICAR_NAME, EICAR.hex()))
    os.chmod(folder, 0o755)
    os.chmod(path, 0o644)
    return folder


def clamd_program():
    for folder in ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]:
        if os.access(os.path.join(folder, "clamd"), os.X_OK):
            return os.path.join(folder, "clamd")
    return None


class Clamd:
    """A clamd of our own, with a Unix socket (.socket) and a TCP port (.port), as the user who runs the test.

    with Clamd(folder) as clamd: ... 'clamd { socket = "%s" }' % clamd.socket ..."""

    def __init__(self, folder, database=None, settings="", seconds=60):
        self.folder = os.path.join(folder, "clamd")
        os.makedirs(os.path.join(self.folder, "tmp"), exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, "clamd.sock")
        self.port = free_port()
        self.log = os.path.join(self.folder, "log")
        self.database = database or make_database(os.path.join(folder, "clamdb"))
        self.conf = os.path.join(self.folder, "clamd.conf")
        with open(self.conf, "w") as f:
            f.write("Foreground yes\nDatabaseDirectory %s\nLocalSocket %s\nLocalSocketMode 666\nFixStaleSocket yes\n"
                    "TCPSocket %d\nTCPAddr 127.0.0.1\nTemporaryDirectory %s/tmp\nMaxThreads 8\nSelfCheck 3600\n"
                    "ConcurrentDatabaseReload no\n%s\n" % (self.database, self.socket, self.port, self.folder, settings))
        self.process = None
        self.seconds = seconds
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([clamd_program(), "-c", self.conf], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + self.seconds
        while not self.ping():
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.log, errors="replace") as f:
                    raise RuntimeError("clamd does not answer: " + f.read()[-2000:])
            time.sleep(0.05)

    def ping(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(self.socket)
                s.sendall(b"zPING\0")
                return s.recv(64).startswith(b"PONG")
        except OSError:
            return False

    def stop(self):
        """Gone, with its sockets; start() brings it back."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    """A port nobody listens at, below those that the system gives to outgoing connections."""
    for _ in range(1000):
        port = random.randrange(12000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")
