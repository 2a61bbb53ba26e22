#!/usr/bin/python3
"""test_daemon_systemd.py - what a service manager sees: the socket it hands over is served, and it is told how the service is."""
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import BUILD, Postern
from tapout import Tap

# Becomes posternd with the listening socket at descriptor 3, as a service manager would.
LAUNCHER = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); "
            "os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])")


def launch(postern, listener, notify_path):
    with open(postern.log, "ab") as log:
        postern.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(listener.fileno()), os.path.join(BUILD, "posternd"), "-c", postern.config_file, "-f", "--build-dir", BUILD],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(listener.fileno(),), start_new_session=True,
            env=dict(postern.full_environment(), LISTEN_FDS="1", NOTIFY_SOCKET=notify_path))
    listener.close()


def main():
    with Tap() as t, Postern(tap=t, start=False) as p:
        notify_path = p.folder.join("notify")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(notify_path)
        os.chmod(notify_path, 0o777)
        notify.settimeout(60)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(p.address)
        listener.listen(8)
        launch(p, listener, notify_path)
        t.match(notify.recv(512).decode(), r"^READY=1$", "READY is told when mail is accepted")
        client = socket.create_connection(p.address, 20)
        t.match(client.recv(512).decode(), r"^220 ", "the socket handed over is served")
        client.close()
        p.process.send_signal(signal.SIGHUP)
        t.match(notify.recv(512).decode(), r"^RELOADING=1$", "a reload is told")
        t.match(notify.recv(512).decode(), r"^READY=1$", "and its end")
        client = socket.create_connection(p.address, 20)
        t.match(client.recv(512).decode(), r"^220 ", "the same socket serves the new generation")
        client.close()
        p.process.send_signal(signal.SIGTERM)
        t.match(notify.recv(512).decode(), r"^STOPPING=1$", "stopping is told")
        t.equal(p.wait_end(), 0, "it ends in good order")


main()
