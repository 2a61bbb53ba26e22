"""faulty.py - what the fault cases share: the daemon tests' library, the scanners that misbehave, mails that ask for it."""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403 pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
from postern import BUILD, mail, send  # noqa: E402 pylint: disable=wrong-import-position

BUSY = ("settle", "open", "check", "judge", "act", "deliver", "answer")


def faulty(where, options=""):
    """The Lua of a scanner that misbehaves: where is opener or worker."""
    return 'plugin("faulty%s", "%s/tests/fault/plugins/.libs/faulty%s.so") { %s }' % (where, BUILD, where, options)


def trying(what, subject=None):
    return mail(b"Hello.\r\n", subject or "tries to " + what, ["X-Try: " + what])


class Later(threading.Thread):
    """A mail sent beside what the test does; .reply, or .error."""
    def __init__(self, address, data, **named):
        super().__init__(daemon=True)
        self.arguments, self.named, self.reply, self.error = (address, data), named, None, None
        self.start()

    def run(self):
        try:
            self.reply = send(*self.arguments, **self.named)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e

    def wait(self, seconds=60):
        self.join(seconds)
        return self.reply


def worker_at(p, stage, seconds=20):
    """The process record of a worker that has a mail at that stage."""
    def find():
        return next((w for w in p.status()["processes"] if w["role"] == "worker" and w["stage"] == stage), None)
    return p.wait(find, seconds, "no worker at stage " + stage)


def kill(pid):
    os.kill(pid, signal.SIGKILL)
