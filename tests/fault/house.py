"""house.py - a private posternd for fault tests: its folders, its configuration, its processes, its status, its end.

Everything lies in one folder below /dev/shm (TEMPBASE must be on tmpfs), and
every process is known by the configuration file on its command line, so that
nothing of another posternd is ever touched.  It asks the control socket itself
(one record each way): a look must cost less than the stages it wants to see."""
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

BUILD = os.environ.get("POSTERN_BUILD") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../../b"))
SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
# In two pieces, so that no scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

RECORD_CONTROL = 22
WIRE_VERSION = 1


def program(name):
    """The real program, not libtool's wrapper: the wrapper would be one more process to wait for."""
    real = os.path.join(BUILD, ".libs", name)
    return real if os.path.exists(real) else os.path.join(BUILD, name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, seconds, condition, pause=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError("%s: not within %g s" % (what, seconds))


def lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(lua(v) for v in value) + " }"
    if isinstance(value, Raw):
        return value.text
    return json.dumps(value)


class Raw:
    """Lua as it is written."""
    def __init__(self, text):
        self.text = text


class House:
    def __init__(self, next_hop_port, **settings):
        self.folder = tempfile.mkdtemp(prefix="postern-fault-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        os.chmod(self.folder, 0o755)
        self.work_area = self.path("work")
        self.quarantine = self.path("quarantine")
        self.control = self.path("ctl")
        self.log_path = self.path("log")
        self.config = self.path("postern.lua")
        self.smtp_port, self.lmtp_port = free_port(), free_port()
        self.database = self.path("database")
        os.mkdir(self.database)
        with open(os.path.join(self.database, "test.ndb"), "w") as f:
            f.write("Eicar-Test-Signature:0:*:%s\n" % EICAR.hex())
        self.settings = {
            "MYHOME": self.path("home"), "TEMPBASE": self.work_area, "QUARANTINEDIR": self.quarantine,
            "control_socket": self.control, "do_syslog": False, "logfile": self.log_path, "log_level": 1,
            "listen_sockets": ["127.0.0.1:%d" % self.smtp_port, "127.0.0.1:%d" % self.lmtp_port],
            "forward_method": "smtp:[127.0.0.1]:%d" % next_hop_port,
            "virus_quarantine_method": "local:virus-%m", "final_virus_destiny": Raw("D_DISCARD"),
            "av_scanners": Raw("{ clamav { database = %s } }" % json.dumps(self.database)),
            "max_servers": 4,
        }
        if os.getuid() == 0:
            self.settings["daemon_user"] = "root" if not any(line.startswith("postern:") for line in open("/etc/passwd")) else "postern"
        self.settings.update(settings)
        self.write_config()
        self.master = None
        self.output = self.path("output")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_config(self, extra="", **settings):
        self.settings.update(settings)
        fresh = self.config + ".new"
        with open(fresh, "w") as f:
            for name, value in self.settings.items():
                f.write("%s = %s\n" % (name, lua(value)))
            f.write(extra)
        os.rename(fresh, self.config)

    # --- life ---

    def start(self, seconds=60):
        with open(self.output, "ab") as out:
            self.master = subprocess.Popen([program("posternd"), "-c", self.config, "--build-dir", BUILD, "-f"],
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")
        wait_until("posternd is up", seconds, self.is_up)
        return self

    def is_up(self):
        if self.master.poll() is not None:
            raise AssertionError("posternd has ended with %s:\n%s\n%s" % (self.master.returncode, self.read(self.output), self.log()))
        try:
            return self.status()["generation"] > 0
        except (OSError, ValueError):
            return False

    def stop(self, seconds=60):
        """In good order; the exit code."""
        if self.master.poll() is None:
            self.master.send_signal(signal.SIGTERM)
        return self.master.wait(seconds)

    def close(self, keep=False):
        """Whatever became of the test: nothing of ours is left."""
        if self.master and self.master.poll() is None:
            self.master.kill()
            self.master.wait()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def owns(self, pid):
        """A living process of this house, by the configuration on its command line."""
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                return self.config.encode() in f.read().split(b"\0") and pid != os.getpid()
        except OSError:
            return False

    def processes(self):
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and self.owns(int(name))]

    # --- control ---

    def ask(self, command, seconds=60):
        """(exit code, text)"""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(seconds)
            s.connect(self.control)
            text = command.encode()
            fields = struct.pack("<I", len(text)) + text
            s.send(struct.pack("<HHI", RECORD_CONTROL, WIRE_VERSION, len(fields)) + fields)
            answer = s.recv(256 * 1024)
        if len(answer) < 12:
            raise OSError("no answer to %s" % command)
        code, _, rest = answer[12:].decode().partition("\n")
        return int(code), rest

    def status(self):
        return json.loads(self.ask("status json", 20)[1])

    def reload(self, seconds=60):
        return self.ask("reload", seconds)

    # --- what is left ---

    @staticmethod
    def read(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def log(self):
        return self.read(self.log_path)

    def files_in_work_area(self):
        return [os.path.join(folder, name) for folder, folders, files in os.walk(self.work_area) for name in folders + files]

    def counters(self):
        return self.status()["counters"]


def pick(processes, role):
    return [p for p in processes if p["role"] == role]


def seed_from(arguments):
    seed = arguments if arguments is not None else random.SystemRandom().randrange(1 << 30)
    return seed, random.Random(seed)
