"""clamd.py - a private clamd with a database that knows EICAR alone, where the program is installed."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from house import EICAR, wait_until


class Clamd:
    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="postern-fault-clamd-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, "socket")
        os.mkdir(os.path.join(self.folder, "db"))
        with open(os.path.join(self.folder, "db", "test.ndb"), "w") as f:
            f.write("Eicar-Test-Signature:0:*:%s\n" % EICAR.hex())
        with open(os.path.join(self.folder, "conf"), "w") as f:
            f.write("LocalSocket %s\nLocalSocketMode 666\nDatabaseDirectory %s\nForeground yes\nMaxThreads 8\nSelfCheck 0\nTemporaryDirectory %s\n" % (
                self.socket, os.path.join(self.folder, "db"), self.folder))
        self.process = subprocess.Popen([program, "-c", os.path.join(self.folder, "conf")], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(self.socket)
                s.sendall(b"zPING\0")
                return s.recv(16).startswith(b"PONG")
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_if_there():
    program = shutil.which("clamd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not program:
        return None
    c = Clamd(program)
    try:
        wait_until("clamd answers", 30, c.answers)
    except AssertionError:
        c.stop()
        return None
    return c
