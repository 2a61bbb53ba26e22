"""private_postgresql.py - a PostgreSQL server of the test's own: its folder, its socket, a port on loopback. Started as the daemon's user.

The same face as private_mariadb.MariaDB."""
import glob
import os
import shutil
import signal
import subprocess
import time

from halt import halt
from postern import SOURCE, Folder, daemon_user, free_port

USER, PASSWORD, DATABASE = "tester", "secret!word", "mail"

CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {1}
unix_socket_directories = '{0}'
fsync = off
shared_buffers = 16MB
logging_collector = off
{2}
"""
ACCESS = """
local all root_of_test trust
local all all md5
host all all 127.0.0.1/32 md5
"""


def program(name):
    """The newest of those that Debian installs side by side."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name), key=lambda p: int(p.split("/")[4])) if name else []
    return found[-1] if found else shutil.which(name, path="/usr/local/pgsql/bin:/usr/bin")


def is_there():
    return bool(program("postgres") and program("initdb") and program("psql"))


class PostgreSQL:
    kind = "postgresql"

    def __init__(self, extra=""):
        self.folder = Folder()
        self.home = self.folder.own("db")
        self.data = os.path.join(self.home, "data")
        self.port = free_port()
        self.socket = self.home
        self.process = None
        self.run(program("initdb"), "-D", self.data, "-U", "root_of_test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.write("postgresql.conf", "a", CONFIGURATION.format(self.home, self.port, extra))
        self.write("pg_hba.conf", "w", ACCESS)
        self.start()
        self.sql("CREATE ROLE tester LOGIN PASSWORD 'secret!word'", database="postgres")
        self.sql("CREATE DATABASE mail OWNER tester", database="postgres")

    @staticmethod
    def who():
        _, uid, gid = daemon_user()
        return {"user": uid, "group": gid, "extra_groups": []} if os.getuid() == 0 else {}

    def write(self, name, mode, text):
        with open(os.path.join(self.data, name), mode, encoding="ascii") as f:
            f.write(text)

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "HOME": self.home, "LC_ALL": "C"}

    def run(self, *arguments, stdin=None):
        done = subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
                              cwd=self.home, env=self.environment(), **self.who())
        if done.returncode != 0:
            raise RuntimeError("%s: exit %d\n%s" % (arguments[0], done.returncode, done.stdout.decode(errors="replace")[-3000:]))
        return done.stdout

    def start(self):
        with open(os.path.join(self.home, "log"), "ab") as out:
            self.process = subprocess.Popen([program("postgres"), "-D", self.data], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            cwd=self.home, env=self.environment(), **self.who())
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.sql("SELECT 1", database="postgres")
                return
            except RuntimeError:
                time.sleep(0.05)
        with open(os.path.join(self.home, "log"), encoding="utf-8", errors="replace") as f:
            raise RuntimeError("postgres does not start: " + f.read()[-3000:])

    def sql(self, text, database=DATABASE, user="root_of_test"):
        """Statements as the server's root; its words."""
        return self.run(program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-p", str(self.port), "-U", user, "-d", database,
                        stdin=text if isinstance(text, bytes) else text.encode()).decode(errors="replace")

    def load(self, name):
        """A file of schema/postgresql, as the owner of the tables."""
        with open(os.path.join(SOURCE, "schema/postgresql", name), "rb") as f:
            self.sql(b"SET ROLE tester;\n" + f.read())

    def dsn(self, options="", database=DATABASE, host="127.0.0.1"):
        return "postgresql://%s:%s@%s:%d/%s%s" % (USER, "secret%21word", host, self.port, database, options)

    def kill_connections(self):
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '%s'" % USER)

    def kill_and_wait(self):
        self.kill_connections()
        until = time.monotonic() + 30
        while self.connections() and time.monotonic() < until:
            time.sleep(0.02)

    def connections(self):
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = '%s'" % USER))

    def children(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]

    def signal(self, number):
        """The server and every process of it."""
        for pid in [self.process.pid] + self.children():
            os.kill(pid, number)
            if number == signal.SIGSTOP:
                halt(pid)

    def kill(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def stop(self):
        self.kill()
        self.folder.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
