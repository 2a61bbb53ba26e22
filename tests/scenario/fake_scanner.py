"""fake_scanner.py - scripted scanners: a listener that runs a script for each connection, and the ways in which a reply can go wrong."""
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402


class Talk:
    """One connection of the plugin, from the other side."""

    def __init__(self, conn):
        self.conn, self.data = conn, b""

    def more(self):
        data = self.conn.recv(65536)
        if not data:
            raise EOFError
        self.data += data

    def take(self, n):
        while len(self.data) < n:
            self.more()
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def until(self, mark):
        while mark not in self.data:
            self.more()
        taken, self.data = self.data.split(mark, 1)
        return taken

    def line(self):
        return self.until(b"\r\n")

    def say(self, text):
        self.conn.sendall(text)

    def rest(self):
        """Everything up to the plugin's closing, read and thrown away: closing with unread bytes would reset the connection."""
        try:
            while True:
                self.more()
        except (EOFError, OSError):
            pass


class Server:
    """Calls script(talk, number) for each connection, each in a thread of its own."""

    def __init__(self, script, tcp=False):
        self.folder = probe.Folder()
        if tcp:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        else:
            self.address = self.folder.join("socket")
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.address)
        self.script, self.connections, self.errors, self.open = script, 0, [], []
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            self.open.append(conn)
            threading.Thread(target=self.one, args=(conn, number), daemon=True).start()

    def one(self, conn, number):
        try:
            self.script(Talk(conn), number)
        except (EOFError, OSError):
            pass
        except Exception as problem:  # pylint: disable=broad-except
            self.errors.append(problem)
        conn.close()

    def refuse(self):
        """From now on nobody listens."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.refuse()
        except OSError:
            pass
        for conn in self.open:
            conn.close()
        self.folder.__exit__()
        assert not self.errors, self.errors


class Full:
    """A socket whose queue of connections is full: connecting hangs."""

    def __init__(self):
        self.folder = probe.Folder()
        self.address = self.folder.join("socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        self.listener.listen(0)
        self.fill = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for s in self.fill:
            s.setblocking(False)
            try:
                s.connect(self.address)
            except BlockingIOError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.fill + [self.listener]:
            s.close()
        self.folder.__exit__()


def in_single_bytes(talk, text, pause_s=0.001):
    for byte in text:
        talk.say(bytes([byte]))
        time.sleep(pause_s)


HANG_S = 3
GARBAGE = (b"\0\0\0\0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff\xfe" * 50 + b"\r\n", b"1: stream: OK\0", b"* OK IMAP\r\n",
           b"A" * 20000, b"\r\n" * 300)
