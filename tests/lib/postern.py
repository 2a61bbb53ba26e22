"""postern.py - a posternd of our own for a test, watched: started, asked, reloaded, stopped, and looked through afterwards.

    from postern import *
    with Tap() as t, Catcher() as hop, Postern(t, hop) as p:
        reply = send(p.port, b"Subject: x\\r\\n\\r\\nhello\\r\\n")
        t.equal(reply.code, 250, "taken")
        t.match(p.wait_log("Passed CLEAN"), "queued_as: FAKE0001", "the log says so")

The configuration begins with what a test needs (folders, one port, libclamav with a database that knows EICAR, log to a file);
`lua=` is put behind it, and what is assigned again there wins.  Run by root the daemon becomes "postern" (or "nobody").
At the end: no process left, nothing in TEMPBASE, no report of a sanitizer, no assertion; each is a test point."""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from catcher import *  # noqa: E402,F401,F403
from smtpclient import Client, Closed, Reply, send, stuff  # noqa: E402,F401
from tapout import Tap, skip_all  # noqa: E402,F401
from virus import EICAR, EICAR_NAME, EXACT_SCANNER, Clamd, clamd_program, free_port, make_database  # noqa: E402,F401

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
SOURCE = os.environ.get("POSTERN_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FAULTS = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error: |SUMMARY: \w+Sanitizer|Assertion .* failed|"
                    r"GLib-CRITICAL|GLib-GObject-CRITICAL|GMime-CRITICAL|talloc abort|Bad talloc magic", re.I)

PREAMBLE = """
MYHOME = "%(home)s"
TEMPBASE = "%(temp)s"
QUARANTINEDIR = "%(quarantine)s"
mydomain = "example.com"
myhostname = "filter.example.com"
do_syslog = false
max_servers = 2
listen_sockets = { "127.0.0.1:%(port)d" }
forward_method = "%(next_hop)s"
av_scanners = { %(scanners)s }
%(user)s
"""


def daemon_user():
    """Whom a daemon started by us runs as: (name, uid, gid); by root "postern" where it exists."""
    if os.getuid() != 0:
        me = pwd.getpwuid(os.getuid())
        return me.pw_name, me.pw_uid, me.pw_gid
    for name in "postern", "nobody":
        try:
            user = pwd.getpwnam(name)
            return user.pw_name, user.pw_uid, user.pw_gid
        except KeyError:
            continue
    raise RuntimeError("neither a user postern nor a user nobody")


def scratch_parent():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


class Folder:
    """A temporary folder that the daemon's user may enter; gone at the end."""

    def __init__(self, parent=None):
        self.path = tempfile.mkdtemp(prefix="postern-test-", dir=parent or scratch_parent())
        os.chmod(self.path, 0o755)

    def join(self, *names):
        return os.path.join(self.path, *names)

    def own(self, *names, mode=0o750):
        """A folder in it that belongs to the daemon's user."""
        path = self.join(*names)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if os.getuid() == 0:
            os.chown(path, *daemon_user()[1:])
        return path

    def remove(self):
        for root, folders, _ in os.walk(self.path):     # a test may have taken its rights away
            for name in folders:
                try:
                    os.chmod(os.path.join(root, name), 0o755)
                except OSError:
                    pass
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class Postern:
    def __init__(self, tap=None, next_hop="smtp:[127.0.0.1]:9", lua="", scanners=None, folder=None, preamble=PREAMBLE,
                 options=(), environment=None, seconds=60, start=True, name="postern", port=None, banks=None):
        """next_hop: a Catcher or a method; scanners: Lua between the braces of av_scanners, default libclamav;
        banks: {"NAME": "lua of a table"}, each a policy bank with a port of its own, .ports["NAME"];
        lua: more configuration, %(key)s of .values replaced ("%%" stands for "%" then) unless it holds no "%("."""
        self.tap, self.name, self.seconds, self.options = tap, name, seconds, list(options)
        self.banks = banks or {}
        self.ports = {bank: free_port() for bank in self.banks}
        self.own_folder = folder is None
        self.folder = folder or Folder()
        self.environment = environment or {}
        self.port = port or free_port()
        self.preamble = preamble
        self.user, self.uid, self.gid = daemon_user()
        home = self.folder.own("home")
        self.control = os.path.join(home, "postern.ctl")
        self.log = self.folder.join("log")
        self.config_file = self.folder.join("postern.lua")
        database = make_database(self.folder.join("database"))
        self.values = {
            "home": home, "temp": self.folder.own("tmp"), "quarantine": self.folder.own("quarantine"), "port": self.port,
            "port2": free_port(), "port3": free_port(), "database": database, "folder": self.folder.path, "run": self.folder.own("run", mode=0o755),
            "next_hop": next_hop if isinstance(next_hop, str) else next_hop.method, "user": 'daemon_user = "%s"' % self.user,
        }
        self.values["scanners"] = 'clamav { database = "%s" }' % database if scanners is None else self.fill(scanners)
        self.temp, self.quarantine = self.values["temp"], self.values["quarantine"]
        self.address = ("127.0.0.1", self.port)
        self.process = None
        self.problems = []
        self.configure(lua)
        if start:
            self.start()

    # -- configuration

    def fill(self, text):
        return text % self.values if "%(" in text else text

    def configure(self, lua=""):
        """Write the configuration anew: the preamble, then this."""
        with open(self.config_file, "w") as f:
            f.write(self.preamble % self.values + self.fill_banks() + self.fill(lua) + "\n")
        os.chmod(self.config_file, 0o644)

    def fill_banks(self):
        text = ""
        for bank, port in self.ports.items():
            text += "policy_bank.%s = %s\ninterface_policy[\"%d\"] = \"%s\"\n" % (bank, self.fill(self.banks[bank]), port, bank)
        listen = ['"127.0.0.1:%d"' % port for port in [self.port] + list(self.ports.values())]
        return text + "listen_sockets = { %s }\n" % ", ".join(listen)

    def posternd(self, *arguments, timeout=60):
        """Run posternd with -c of this configuration and these: (exit code, standard output, standard error)."""
        done = subprocess.run([os.path.join(BUILD, "posternd"), "-c", self.config_file, "--build-dir", BUILD] + list(arguments),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False,
                              env=self.full_environment())
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    # -- life

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "posternd"), "-c", self.config_file, "-f", "--build-dir", BUILD] + self.options,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                env=self.full_environment())
        self.wait(self.is_up, self.seconds, "posternd does not come up")

    def full_environment(self):
        """Leaks are looked for by unit tests; a role that ends gives its memory back to the system as it is."""
        environment = dict(os.environ, **self.environment)
        environment["ASAN_OPTIONS"] = ":".join(filter(None, [environment.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        return environment

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError("posternd ended with %d:\n%s" % (self.process.returncode, self.log_text()[-3000:]))
        if not os.path.exists(self.control):
            return False
        status = self.status(quiet=True)
        return bool(status) and status["generation"] > 0 and any(
            p["role"] == "reception" and p["stage"] == "active" for p in status["processes"])

    def wait(self, condition, seconds=20, what="waited in vain"):
        until = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > until:
                raise TimeoutError("%s; the log ends:\n%s" % (what, self.log_text()[-3000:]))
            time.sleep(0.02)

    def pids(self):
        """All processes of this daemon: those of its session."""
        found = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as f:
                    rest = f.read().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            if rest[3] == str(self.process.pid) and rest[0] != "Z":
                found.append(int(path.split("/")[2]))
        return found

    def stop(self, seconds=60):
        """TERM, and wait until the master has ended; its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_end(seconds)

    def wait_end(self, seconds=60):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.problems.append("it does not stop: " + self.log_text()[-2000:])
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.process.wait(10)
            return -1
        until = time.monotonic() + 10
        while self.pids() and time.monotonic() < until:
            time.sleep(0.05)
        return code

    # -- asking

    def ctl(self, *arguments):
        """posternctl: (exit code, standard output, standard error)."""
        done = subprocess.run([os.path.join(BUILD, "posternctl"), "-s", self.control] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def status(self, quiet=False):
        code, out, err = self.ctl("--json", "status")
        if code != 0:
            if quiet:
                return None
            raise RuntimeError("posternctl status: %d %s" % (code, err))
        return json.loads(out)

    def reload(self, lua=None):
        """Write the configuration anew where one is given, then posternctl reload: (exit code, standard output, standard error)."""
        if lua is not None:
            self.configure(lua)
        return self.ctl("reload")

    def role_pids(self, role, generation=None):
        return [p["pid"] for p in self.status()["processes"] if p["role"] == role and generation in (None, p["generation"])]

    def counter(self, name):
        return self.status()["counters"][name]

    # -- log

    def log_text(self):
        with open(self.log, errors="surrogateescape") as f:
            return f.read()

    def log_lines(self, pattern=""):
        return [line for line in self.log_text().splitlines() if re.search(pattern, line)]

    def wait_log(self, pattern, count=1, seconds=20):
        """The last of at least so many log lines that match."""
        def enough():
            lines = self.log_lines(pattern)
            return lines[-1] if len(lines) >= count else None
        return self.wait(enough, seconds, "no log line matches /%s/" % pattern)

    # -- folders

    def temp_files(self):
        """Everything below TEMPBASE but empty folders directly in it (openers' scratch folders)."""
        found = []
        for root, folders, files in os.walk(self.temp):
            found += [os.path.relpath(os.path.join(root, name), self.temp) for name in files]
            if root != self.temp:
                found += [os.path.relpath(os.path.join(root, name), self.temp) for name in folders]
        return found

    def quarantined(self, prefix=""):
        """Paths of quarantined mails, oldest first."""
        found = [os.path.join(root, name) for root, _, files in os.walk(self.quarantine) for name in files if name.startswith(prefix)]
        return sorted(found, key=lambda path: (os.stat(path).st_mtime_ns, path))

    # -- the end

    def look_through(self):
        """What a stopped daemon has left behind or should never have said."""
        problems = list(self.problems)
        left = self.pids()
        if left:
            problems.append("processes left: %s" % left)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        if os.path.isdir(self.temp) and os.listdir(self.temp):
            problems.append("left in TEMPBASE: %s" % (self.temp_files() or os.listdir(self.temp)))
        text = self.log_text()
        fault = FAULTS.search(text)
        if fault:
            problems.append("a fault in the log:\n" + text[max(0, fault.start() - 500):fault.start() + 4000])
        return problems

    def close(self):
        code = self.stop()
        problems = self.look_through()
        if code not in (0, None):
            problems.append("the master's exit code is %d" % code)
        if problems and os.environ.get("POSTERN_KEEP"):
            problems.append("kept: " + self.folder.path)
        elif self.own_folder:
            self.folder.remove()
        return problems

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        text = self.log_text() if kind else ""
        problems = self.close()
        if kind and self.tap:
            self.tap.note("the log of %s ends:\n%s" % (self.name, text[-4000:]))
        if self.tap:
            self.tap.ok(not problems, "%s: stopped, nothing left behind, no fault" % self.name, "\n".join(problems))
        elif problems and kind is None:
            raise AssertionError("\n".join(problems))


def mail(body=b"Hello.\r\n", subject="a test", headers=()):
    """A plain mail: a few header fields, an empty line, the body as it is."""
    fields = ["From: Sender <sender@example.org>", "To: rcpt@example.com", "Subject: " + subject, "Date: Sat, 21 Nov 2026 03:00:00 +0000",
              "Message-ID: <%d.%d@example.org>" % (os.getpid(), time.monotonic_ns())] + list(headers)
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def eicar_mail(subject="a virus"):
    return mail(EICAR + b"\r\n", subject)
