#!/usr/bin/python3
"""Reception under pressure: clients that do not read or do not stop sending, many sessions, workers that come and go."""
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("POSTERN_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path[:0] = [os.path.join(SOURCE, "tests/golden"), os.path.join(SOURCE, "tests/scenario")]
import smtp
import tap

LIMITS = ["smtpd_error_limit=1000000", "smtpd_junk_command_limit=1000000"]


class Running:
    """A probe, ended and looked through for sanitizer reports when the block is left."""
    def __init__(self, *settings, **more):
        self.folder = tempfile.TemporaryDirectory(prefix="postern-reception-")
        self.errors = tempfile.TemporaryFile("w+")
        self.probe = smtp.Probe(["TEMPBASE=" + self.folder.name] + LIMITS + list(settings), self.errors, **more)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.lines = self.probe.finish()
        self.errors.seek(0)
        log = self.errors.read()
        self.folder.cleanup()
        assert "Sanitizer" not in log and "runtime error" not in log, log[-4000:]
        if what[0] is None:
            assert "exit 0" in self.lines, self.lines[-5:]
            state = [line for line in self.lines if line.startswith("state")][-1]
            assert state.startswith("state connections 0 waiting 0 bytes 0 pending 0"), state

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.probe.port))
        s.settimeout(30)
        return s

    def count(self, name):
        return sum(int(line.split()[2]) for line in self.lines if line.startswith("count %s " % name))


def lines(file, n):
    return [file.readline().decode() for _ in range(n)]


def greet(s, verb=b"HELO"):
    file = s.makefile("rb")
    lines(file, 1)
    s.sendall(verb + b" c\r\n")
    while file.readline()[3:4] == b"-":
        pass
    return file


def send_mail(s, file, sender=b"ok@a.example", body=b"x\r\n", recipients=1):
    s.sendall(b"MAIL FROM:<%s>\r\n" % sender + b"RCPT TO:<b@b.example>\r\n" * recipients + b"DATA\r\n")
    lines(file, 2 + recipients)
    s.sendall(body + b".\r\n")


def test_client_that_does_not_read():
    with Running() as r:
        s = r.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        file = greet(s)
        n = 300000
        sender = threading.Thread(target=s.sendall, args=(b"NOOP\r\n" * n,))
        sender.start()
        time.sleep(0.5)
        other = r.connect()
        other_file = greet(other)
        send_mail(other, other_file)
        assert lines(other_file, 1)[0].startswith("250 2.0.0 from MTA")
        got = lines(file, n)
        assert all(line == "250 2.0.0 Ok NOOP\r\n" for line in got)
        sender.join()
        s.close()
        other.close()


def test_client_that_goes_while_it_does_not_read():
    with Running() as r:
        s = r.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greet(s)
        s.setblocking(False)
        try:
            for _ in range(2000):
                s.send(b"NOOP\r\n" * 1000)
        except BlockingIOError:
            pass
        s.close()


def test_input_behind_a_mail_is_kept_but_bounded():
    with Running() as r:
        s = r.connect()
        file = greet(s)
        send_mail(s, file, b"slow600@a.example")
        n = 50000
        sender = threading.Thread(target=s.sendall, args=(b"NOOP\r\n" * n,))
        sender.start()
        got = lines(file, n + 1)
        assert got[0].startswith("250 2.0.0 from MTA") and all(line == "250 2.0.0 Ok NOOP\r\n" for line in got[1:])
        sender.join()
        s.close()


def test_client_goes_behind_much_kept_input():
    """More than is kept, but no more than the kernel takes: a FIN behind a closed window would reach nobody."""
    with Running() as r:
        s = r.connect()
        file = greet(s)
        send_mail(s, file, b"hang@a.example")
        r.probe.wait("JOB")
        s.sendall(b"NOOP\r\n" * 20000)
        time.sleep(0.3)
        s.close()
        file.close()
        r.probe.wait("CANCEL")
    assert r.count("mails-cancelled") == 1


def test_many_sessions_few_workers():
    with Running("workers=3") as r:
        sessions = [r.connect() for _ in range(200)]
        files = [greet(s) for s in sessions]
        for s, file in zip(sessions, files):
            send_mail(s, file, body=b"line\r\n" * 500)
        for file in files:
            assert lines(file, 1)[0].startswith("250 2.0.0 from MTA")
        for s in sessions:
            s.close()
    assert r.count("mails") == 200 and r.count("bytes") == 200 * 3000


def test_workers_that_leave_and_die():
    with Running("workers=4") as r:
        results = []

        def client(number):
            s = r.connect()
            file = greet(s)
            for i in range(6):
                send_mail(s, file, [b"ok@a.example", b"leaving@a.example", b"die@a.example"][(number + i) % 3])
                results.append(lines(file, 1)[0][:3])
            s.close()
        threads = [threading.Thread(target=client, args=(n,)) for n in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert results.count("250") == 48 and results.count("451") == 24, results


def test_workers_that_retire():
    """A worker that would leave gets no further job, or does the one that crossed its wish: no mail is turned away."""
    with Running("workers=2") as r:
        results = []

        def client():
            s = r.connect()
            file = greet(s)
            for _ in range(8):
                send_mail(s, file, b"retire@a.example")
                results.append(lines(file, 1)[0][:3])
                time.sleep(0.01)
            s.close()
        threads = [threading.Thread(target=client) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert results.count("250") == 64, results
        time.sleep(0.2)
        with r.connect() as s:
            file = greet(s)
            send_mail(s, file, b"retire@a.example")
            assert lines(file, 1)[0].startswith("250"), "and the workers come back"
    assert r.count("mails") == 65


def test_big_mail_is_stored_to_the_byte():
    with Running() as r:
        s = r.connect()
        file = greet(s)
        body = b"".join(b"%d %s\r\n" % (i, b"." * (i % 90)) for i in range(60000))
        stuffed = body.replace(b"\r\n.", b"\r\n..")
        send_mail(s, file, body=stuffed)
        assert lines(file, 1)[0].startswith("250")
        s.close()
    assert any(line.endswith(" size %d" % len(body)) for line in r.lines if line.startswith("JOB"))


def test_many_recipients():
    with Running() as r:
        s = r.connect()
        file = greet(s, b"LHLO")
        send_mail(s, file, recipients=1100)
        got = lines(file, 1100)
        assert all(line.startswith("250") for line in got)
        s.close()


def test_out_of_descriptors():
    """Clients past the limit wait in the backlog; a mail without a descriptor for its file is told 452."""
    with Running(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))) as r:
        sessions = [r.connect() for _ in range(60)]
        file = greet(sessions[0])
        send_mail(sessions[0], file)
        assert lines(file, 1)[0].startswith("452 4.3.1")
        for s in sessions[1:50]:
            s.close()
        last = greet(sessions[59])
        send_mail(sessions[59], last)
        assert lines(last, 1)[0].startswith("250 2.0.0 from MTA")


MOUNT = """
import ctypes, os, sys
folder = next(a for a in sys.argv if a.startswith("TEMPBASE="))[9:]
if ctypes.CDLL(None, use_errno=True).mount(b"x", folder.encode(), b"tmpfs", 0, b"size=256k") != 0:
    sys.exit("no tmpfs")
if len(sys.argv) > 2:
    os.execv(sys.argv[1], sys.argv[1:])
"""


def test_no_space_left():
    wrapper = ["unshare", "-rm", sys.executable, "-c", MOUNT]
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(wrapper + ["TEMPBASE=" + folder], check=False, capture_output=True).returncode != 0:
            print("# no file system of our own can be mounted here: not tested")
            return
    with Running(wrapper=wrapper) as r:
        s = r.connect()
        file = greet(s)
        send_mail(s, file, body=b"x" * 500000 + b"\r\n")
        assert lines(file, 1)[0].startswith("452 4.3.1")
        send_mail(s, file)
        assert lines(file, 1)[0].startswith("250 2.0.0 from MTA")
        s.close()
    assert r.count("work-area-full") == 1


def test_drain_under_load():
    with Running("workers=3") as r:
        outcome = []

        def client():
            s = r.connect()
            file = s.makefile("rb")
            file.readline()
            s.sendall(b"HELO c\r\n")
            if not file.readline().startswith(b"250"):
                return
            while True:
                try:
                    s.sendall(b"MAIL FROM:<slow20@a.example>\r\n")
                    if not file.readline().startswith(b"250"):
                        break
                    s.sendall(b"RCPT TO:<b@b.example>\r\nDATA\r\n")
                    lines(file, 2)
                    s.sendall(b"x\r\n.\r\n")
                except OSError:
                    break
                outcome.append(file.readline()[:3])
            s.close()
        threads = [threading.Thread(target=client) for _ in range(20)]
        for t in threads:
            t.start()
        time.sleep(0.5)
        r.probe.command("drain")
        for t in threads:
            t.join()
        assert len(outcome) >= 20 and set(outcome) == {b"250"}, set(outcome)


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
