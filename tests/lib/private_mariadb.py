"""private_mariadb.py - a MariaDB server of the test's own: its folder, its socket, a port on loopback. Started as the daemon's user.

    with MariaDB() as db:
        db.sql("CREATE TABLE x (a int)")
        db.dsn()            mysql://tester:secret%21word@127.0.0.1:PORT/mail"""
import os
import shutil
import signal
import socket
import subprocess
import time

from halt import halt
from postern import SOURCE, Folder, daemon_user, free_port

USER, PASSWORD, DATABASE = "tester", "secret!word", "mail"
PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"

CONFIGURATION = """[mysqld]
datadir={0}/data
socket={0}/s
pid-file={0}/pid
port={1}
bind-address=127.0.0.1
log-error={0}/log
tmpdir={0}
innodb-buffer-pool-size=16M
innodb-log-file-size=8M
innodb-flush-log-at-trx-commit=0
innodb-fast-shutdown=2
performance-schema=OFF
skip-name-resolve
skip-log-bin
{2}
"""


def program(*names):
    for name in names:
        found = shutil.which(name, path=PATH)
        if found:
            return found
    return None


def is_there():
    return bool(program("mariadbd", "mysqld") and program("mariadb-install-db", "mysql_install_db") and program("mariadb", "mysql"))


class MariaDB:
    kind = "mysql"

    def __init__(self, extra=""):
        self.folder = Folder()
        self.home = self.folder.own("db")
        self.port = free_port()
        self.socket = os.path.join(self.home, "s")
        self.configuration = os.path.join(self.home, "my.cnf")
        with open(self.configuration, "w", encoding="ascii") as f:
            f.write(CONFIGURATION.format(self.home, self.port, extra))
        self.process = None
        self.run(program("mariadb-install-db", "mysql_install_db"), "--defaults-file=" + self.configuration, "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--skip-name-resolve")
        self.start()
        self.sql("CREATE DATABASE mail CHARACTER SET utf8mb4; CREATE USER 'tester'@'%' IDENTIFIED BY 'secret!word'; "
                 "GRANT ALL ON mail.* TO 'tester'@'%'", database=None)

    @staticmethod
    def who():
        _, uid, gid = daemon_user()
        return {"user": uid, "group": gid, "extra_groups": []} if os.getuid() == 0 else {}

    def run(self, *arguments, stdin=None, check=True):
        done = subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
                              cwd=self.home, env={"PATH": PATH, "HOME": self.home}, **self.who())
        if check and done.returncode != 0:
            raise RuntimeError("%s: exit %d\n%s" % (arguments[0], done.returncode, done.stdout.decode(errors="replace")[-3000:]))
        return done.stdout

    def start(self):
        with open(os.path.join(self.home, "out"), "ab") as out:
            self.process = subprocess.Popen([program("mariadbd", "mysqld"), "--defaults-file=" + self.configuration], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL, cwd=self.home, env={"PATH": PATH, "HOME": self.home}, **self.who())
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            if self.answers():
                return
            time.sleep(0.05)
        with open(os.path.join(self.home, "log"), encoding="utf-8", errors="replace") as f:
            raise RuntimeError("mariadbd does not start: " + f.read()[-3000:])

    def answers(self):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.settimeout(5)
                s.connect(self.socket)
                return b"\x0a" in s.recv(16)
            except OSError:
                return False

    def sql(self, text, database=DATABASE):
        """Statements as the server's root; its words."""
        return self.run(program("mariadb", "mysql"), "--no-defaults", "--socket=" + self.socket, "-uroot", "-N", "-B", "--default-character-set=utf8mb4", *([database] if database else []),
                        stdin=text if isinstance(text, bytes) else text.encode()).decode(errors="replace")

    def load(self, name):
        """A file of schema/mysql."""
        with open(os.path.join(SOURCE, "schema/mysql", name), "rb") as f:
            self.sql(f.read())

    def dsn(self, options="", database=DATABASE, host="127.0.0.1"):
        return "mysql://%s:%s@%s:%d/%s%s" % (USER, "secret%21word", host, self.port, database, options)

    def kill_connections(self):
        """Those of the tester."""
        for line in self.sql("SELECT id FROM information_schema.processlist WHERE user = '%s'" % USER).split():
            self.sql("KILL CONNECTION %s" % line)

    def kill_and_wait(self):
        self.kill_connections()
        until = time.monotonic() + 30
        while self.connections() and time.monotonic() < until:
            time.sleep(0.02)

    def connections(self):
        return len(self.sql("SELECT id FROM information_schema.processlist WHERE user = '%s'" % USER).split())

    def signal(self, number):
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            halt(self.process.pid)

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.kill()
        self.folder.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
