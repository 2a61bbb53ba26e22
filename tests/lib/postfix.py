"""postfix.py - a private Postfix for live tests: own configuration, queue, data and log, only ports of 127.0.0.1.

It never touches the system's Postfix.  Its master gives work to processes of the user postfix, so only root can run it; in a user
namespace of an ordinary user there is but one uid, and master refuses to run with that.

    Postfix(folder, services="10025 inet n - n - - smtpd", settings="x = y")
    .log_lines(pattern), .wait_log(pattern), .flush(), .queue(), .stop()"""
import os
import pwd
import re
import shutil
import subprocess
import time

MAIN = """
compatibility_level = 3.6
config_directory = %(config)s
queue_directory = %(queue)s
data_directory = %(data)s
maillog_file = %(log)s
maillog_file_prefixes = %(folder)s
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mta.example.com
mydestination =
local_transport = error:no local delivery
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, check_client_access static:permit, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_dns_support_level = disabled
lmtp_tls_security_level = none
smtp_line_length_limit = 0
lmtp_line_length_limit = 0
message_size_limit = 60000000
mailbox_size_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
smtp_destination_concurrency_limit = 4
smtp_connection_cache_on_demand = no
biff = no
%(settings)s
"""

MASTER = """
postlog   unix-dgram n - n - 1 postlogd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
lmtp      unix - - n - - lmtp
relay     unix - - n - - smtp
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
showq     unix n - n - - showq
%(services)s
"""


def why_not():
    """None where a private Postfix can be run, else the reason."""
    if os.getuid() != 0:
        return "only root can run a private Postfix (tools/check run by root does)"
    if not os.access("/usr/sbin/postfix", os.X_OK):
        return "postfix is not installed"
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return "there is no user postfix"
    return None


class Postfix:
    def __init__(self, folder, services, settings="", seconds=60):
        self.folder = folder
        self.config, self.log = os.path.join(folder, "config"), os.path.join(folder, "maillog")
        self.spool = os.path.join(folder, "queue")
        data = os.path.join(folder, "data")
        postfix = pwd.getpwnam("postfix")
        for path in self.config, self.spool, data:
            os.makedirs(path)
            os.chmod(path, 0o755)
        os.chown(data, postfix.pw_uid, postfix.pw_gid)
        os.chmod(data, 0o700)
        values = {"config": self.config, "queue": self.spool, "data": data, "log": self.log, "folder": folder, "settings": settings, "services": services}
        for name, text in ("main.cf", MAIN), ("master.cf", MASTER):
            with open(os.path.join(self.config, name), "w") as f:
                f.write(text % values)
            os.chmod(f.name, 0o644)
        for name in "dynamicmaps.cf", "postfix-files":
            source = os.path.join("/etc/postfix", name)
            if os.path.exists(source):
                shutil.copy(source, self.config)
        self.run("check")
        program = os.path.join(self.setting("daemon_directory"), "master")
        self.process = subprocess.Popen([program, "-d", "-c", self.config], stdin=subprocess.DEVNULL,
                                        stdout=open(os.path.join(folder, "out"), "ab"), stderr=subprocess.STDOUT, start_new_session=True)
        self.wait_log("daemon started", seconds=seconds)

    def run(self, *arguments):
        done = subprocess.run(["/usr/sbin/postfix", "-c", self.config] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        text = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            raise RuntimeError("postfix %s: %s\n%s" % (" ".join(arguments), text, self.log_text()[-2000:]))
        return text

    def setting(self, name):
        return subprocess.check_output(["/usr/sbin/postconf", "-c", self.config, "-h", name]).decode().strip()

    def log_text(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log_lines(self, pattern=""):
        return [line for line in self.log_text().splitlines() if re.search(pattern, line)]

    def wait_log(self, pattern, count=1, seconds=30):
        until = time.monotonic() + seconds
        while len(self.log_lines(pattern)) < count:
            if self.process.poll() is not None or time.monotonic() > until:
                with open(os.path.join(self.folder, "out"), errors="replace") as f:
                    raise TimeoutError("no line /%s/ in Postfix's log, which ends:\n%s%s" % (pattern, self.log_text()[-3000:], f.read()[-1000:]))
            time.sleep(0.05)
        return self.log_lines(pattern)[-1]

    def flush(self):
        """Try everything in the queue again, now."""
        subprocess.run(["/usr/sbin/postqueue", "-c", self.config, "-f"], check=True, timeout=60)

    def queue(self):
        """Names of the mails that are still in the queue."""
        return [name for kind in ("incoming", "active", "deferred") for _, _, names in os.walk(os.path.join(self.spool, kind)) for name in names]

    def wait_empty(self, seconds=30):
        until = time.monotonic() + seconds
        while self.queue():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def stop(self):
        """Master ends its children as it goes."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
