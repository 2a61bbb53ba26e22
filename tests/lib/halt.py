"""halt.py - stop a server where it stands, and be sure that it has stopped: SIGSTOP alone comes when it comes."""
import glob
import os
import signal
import time


def is_halted(pid):
    for path in glob.glob("/proc/%d/task/*/stat" % pid):
        try:
            with open(path) as f:
                if f.read().rsplit(") ", 1)[1][0] not in "TtZX":
                    return False
        except OSError:
            continue
    return True


def halt(pid, seconds=10):
    """Every thread of it stands still when this returns."""
    os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + seconds
    while not is_halted(pid):
        if time.monotonic() > until:
            raise TimeoutError("process %d does not stop" % pid)
        time.sleep(0.002)
