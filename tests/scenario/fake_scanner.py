"""fake_scanner.py - scripted scanners: a listener that runs a script for each connection, and the ways in which a reply can go wrong."""
import array
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402


class Talk:
    """One connection of the plugin, from the other side."""

    def __init__(self, conn):
        self.conn, self.data, self.fds = conn, b"", []

    def receive(self):
        if self.conn.family != socket.AF_UNIX:
            return self.conn.recv(65536)
        data, ancillary, _, _ = self.conn.recvmsg(65536, socket.CMSG_LEN(4))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(content[:4])
                self.fds += list(fds)
        return data

    def more(self):
        data = self.receive()
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


class ClamdTalk(Talk):
    """Commands as clamd gets them."""

    def word(self):
        return self.until(b"\0")

    def command(self):
        """The next command; IDSESSION is passed over."""
        word = self.word()
        return self.word() if word == b"zIDSESSION" else word

    def part(self):
        """A command with its content."""
        command = self.command()
        if command == b"zFILDES":
            self.take(1)
            with os.fdopen(self.fds.pop(0), "rb") as f:
                return command, f.read()
        content = b""
        while True:
            n = struct.unpack("!I", self.take(4))[0]
            if n == 0:
                return command, content
            content += self.take(n)


class Server:
    """Calls script(talk, number) for each connection, each in a thread of its own, and closes it unless the script returns True."""

    def __init__(self, script, tcp=False, talk=Talk):
        self.folder = probe.Folder()
        if tcp:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        else:
            self.address = self.folder.join("socket")
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.address)
        self.script, self.talk, self.connections, self.errors, self.open = script, talk, 0, [], []
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
        talk, keep = self.talk(conn), False
        try:
            keep = self.script(talk, number) is True
        except (EOFError, OSError):
            pass
        except Exception as problem:  # pylint: disable=broad-except
            self.errors.append(problem)
        for fd in talk.fds:
            os.close(fd)
        if not keep:
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
