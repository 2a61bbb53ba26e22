"""fakeclamd.py - a clamd by script, for what a real one will not do at command: hang, hang up, be gone, come back.

    with FakeClamd(path) as clamd: clamd.mode = "hang"; ...; clamd.connects"""
import os
import socket
import struct
import threading

MODES = ("answer", "hang", "drop")      # drop: takes the connection and closes it at once


class FakeDaemon:
    """Listens at a path; what it says to a connection, talk(conn) of those made of it does."""

    def __init__(self, path):
        self.path, self.mode, self.connects = path, "answer", 0
        self.lock, self.held, self.listener = threading.Lock(), [], None
        self.listen()

    def listen(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def close(self):
        """Connections are refused from now on, those there are end."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.let_go()

    def let_go(self):
        with self.lock:
            held, self.held = self.held, []
        for conn in held:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connects += 1
                self.held.append(conn)
            if self.mode == "drop":
                conn.close()
            else:
                threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakeClamd(FakeDaemon):
    def __init__(self, path, version="ClamAV 9.9.9/27000/Sat Nov 21 03:00:00 2026"):
        self.version, self.scans = version, 0
        self.silent = b"\xff"           # content that it never answers for
        super().__init__(path)

    def talk(self, conn):
        try:
            with conn, conn.makefile("rb") as f:
                while self.command(conn, f):
                    pass
        except (OSError, EOFError, struct.error):
            pass

    def command(self, conn, f):
        word = b""
        while not word.endswith(b"\0"):
            c = f.read(1)
            if not c:
                return False
            word += c
        content = b""
        while word == b"zINSTREAM\0":
            n = struct.unpack("!I", f.read(4))[0]
            if n == 0:
                break
            content += f.read(n)
        if self.mode == "hang" or self.silent in content:
            threading.Event().wait(120)
            return False
        if word == b"zVERSION\0":
            conn.sendall(self.version.encode() + b"\0")
        elif word == b"zPING\0":
            conn.sendall(b"PONG\0")
        elif word == b"zINSTREAM\0":
            self.scans += 1
            self.answered(content)
            conn.sendall(b"stream: Fake.Found FOUND\0" if b"EICAR-STANDARD" in content else b"stream: OK\0")
        else:
            conn.sendall(b"UNKNOWN COMMAND\0")
        return False                    # one question for each connection, as clamd has it without IDSESSION

    def answered(self, content):
        """For those who want to know what was scanned."""
