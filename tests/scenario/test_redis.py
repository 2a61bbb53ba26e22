#!/usr/bin/python3
"""test_redis.py - the plugin redis against a server that plays it well and badly: which keys it asks and how, and that no bad way of
answering is ever taken for "no such key"."""
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from lookupprobe import *  # noqa: E402,F401,F403
from tapout import Tap  # noqa: E402


class FakeRedis:
    """Knows some strings and hashes; way: a function of (server, connection, words) that may answer instead (True), or None."""

    def __init__(self, path):
        self.path = path
        self.strings, self.hashes, self.password, self.way = {}, {}, None, None
        self.commands, self.connections = [], []
        self.listener = None
        self.listen()

    def listen(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(16)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            self.connections.append(conn)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def hang_up(self):
        for conn in self.connections:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connections = []

    def down(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)
        self.hang_up()

    def serve(self, conn):
        stream = conn.makefile("rb")
        trusted = self.password is None
        try:
            while True:
                line = stream.readline()
                if not line:
                    return
                words = []
                for _ in range(int(line[1:])):
                    n = int(stream.readline()[1:])
                    words.append(stream.read(n).decode("utf-8", "surrogateescape"))
                    stream.read(2)
                self.commands.append(words)
                if self.way and self.way(self, conn, words):
                    continue
                if words[0] == "AUTH":
                    trusted = words[-1] == self.password
                    conn.sendall(b"+OK\r\n" if trusted else b"-WRONGPASS invalid username-password pair\r\n")
                elif not trusted:
                    conn.sendall(b"-NOAUTH Authentication required.\r\n")
                elif words[0] == "SELECT":
                    conn.sendall(b"+OK\r\n")
                else:
                    known, keys = (self.strings, words[1:]) if words[0] == "MGET" else (self.hashes.get(words[1], {}), words[2:])
                    conn.sendall(self.array([known.get(key) for key in keys]))
        except (OSError, ValueError):
            pass
        finally:
            conn.close()

    @staticmethod
    def array(values):
        out = b"*%d\r\n" % len(values)
        for value in values:
            out += b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value.encode()), value.encode())
        return out


def asks(t, f, server):
    server.strings = {"user@example.com": "$3 of $5", ".example.com": "below", "10.1": "network", "Eicar": "virus", "x'\r\nFLUSHALL@y": "odd"}
    with Probe(f, '{ redis "%s" }' % server.path, recipient_delimiter="+") as p:
        t.equal(p.ask("User+x@Example.com")[:2], ("user of example.com", "user@example.com"), "the most specific key wins, with its pieces put in")
        t.equal(server.commands[-1], ["MGET", "User+x@Example.com", "user+x@example.com", "user@example.com", "user+x@", "user@", "example.com",
                                      ".example.com", ".com", "."], "all keys go in one question")
        t.equal(p.ask("x@a.example.com")[:2], ("below", ".example.com"), "a parent domain")
        t.equal(p.ask("x@example.org"), None, "no such key")
        t.equal(p.ask(""), None, "the null sender")
        t.equal(server.commands[-1], ["MGET", "", "@", "."], "and its keys")
        t.equal((p.client("10.1.2.3")[0], p.names("Other", "Eicar")[0]), ("network", "virus"), "clients and names")
        t.equal(len(server.connections), 1, "one connection for all")
        server.strings["a'; *1@x.org"] = "plain"
        t.equal(p.result("a'; *1@x.org"), "plain", "an address is never more than bytes")
        server.hang_up()
        t.equal(p.result("user@example.com"), "user of example.com", "a connection that has gone away is made anew")
    server.commands.clear()
    server.hashes = {"lovers": {"user@example.com": "1"}}
    server.password = "s3cret"
    with Probe(f, '{ redis { "%s", password = "s3cret", user = "postern", database = 3, hash = "lovers", prefix = "p:" } }' % server.path) as p:
        p.ask("user@example.com")
        t.equal(server.commands, [["AUTH", "postern", "s3cret"], ["SELECT", "3"],
                                  ["HMGET", "lovers", "p:user@example.com", "p:user@", "p:example.com", "p:.example.com", "p:.com", "p:."]],
                "user, password, database, hash and prefix")
    with Probe(f, '{ redis { "%s", hash = "lovers", password = "s3cret" } }' % server.path) as p:
        t.equal(p.result("user@example.com"), "1", "a field of a hash")
    with Probe(f, '{ redis { "%s", password = "wr0ng" } }' % server.path) as p:
        answer = p.ask("user@example.com")
        t.match(answer, r"redis: the server says: WRONGPASS", "a wrong password is told")
        t.ok("wr0ng" not in answer, "and not shown")
    with Probe(f, '{ redis "%s" }' % server.path) as p:
        t.match(p.ask("user@example.com"), r"NOAUTH", "a missing password is told")
    server.password = None


def raw(data, close=False):
    def way(_, conn, words):
        conn.sendall(data)
        if close:
            conn.shutdown(socket.SHUT_RDWR)
        return True
    return way


def slowly(server, conn, words):
    for byte in FakeRedis.array([server.strings.get(key) for key in words[1:]]):
        conn.sendall(bytes([byte]))
    return True


def bad_ways(t, f, server):
    server.strings = {"user@example.com": "yes"}
    ways = [("closes without a word", raw(b"", True), "closed the connection"), ("closes within the count", raw(b"*6\r", True), "closed"),
            ("closes within a length", raw(b"*6\r\n$3\r\n", True), "closed"), ("closes within a value", raw(b"*6\r\n$3\r\nye", True), "closed"),
            ("too few values", raw(b"*1\r\n$3\r\nyes\r\n"), "no Redis protocol"), ("too many values", raw(b"*99\r\n"), "no Redis protocol"),
            ("no count", raw(b"*\r\n"), "no Redis protocol"), ("a count that is no number", raw(b"*six\r\n"), "no Redis protocol"),
            ("a negative count", raw(b"*-1\r\n"), "no Redis protocol"), ("nonsense", raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "no Redis protocol"),
            ("a status", raw(b"+OK\r\n"), "no Redis protocol"), ("an empty line", raw(b"\r\n"), "no Redis protocol"),
            ("a nested array", raw(b"*6\r\n*1\r\n$1\r\nx\r\n"), "no Redis protocol"), ("a length below nothing", raw(b"*6\r\n$-2\r\n"), "no Redis protocol"),
            ("a value of another length", raw(b"*6\r\n$2\r\nyes\r\n"), "no Redis protocol"),
            ("a huge value", raw(b"*6\r\n$999999999\r\n"), "a value of 999999999 bytes"), ("an endless line", raw(b"*" + b"9" * 100000), "more than 4096 bytes"),
            ("an error", raw(b"-ERR unknown command\r\n"), "ERR unknown command"), ("loading", raw(b"-LOADING Redis is loading\r\n"), "LOADING"),
            ("WRONGTYPE", raw(b"-WRONGTYPE Operation against a key\r\n"), "WRONGTYPE"), ("a reply of control characters", raw(b"-\x1b[31mERR\x00\x07\r\n"), "says")]
    for name, way, why in ways:
        server.way = way
        with Probe(f, '{ redis "%s", true }' % server.path) as p:
            answer = p.ask("user@example.com")
            t.ok(isinstance(answer, Failed) and why in answer, "a server that answers %s: failed" % name, repr(answer))
            server.way = None
            t.equal(p.result("user@example.com"), "yes", "and after that it is asked again")
    server.way = slowly
    with Probe(f, '{ redis "%s" }' % server.path) as p:
        t.equal(p.result("user@example.com"), "yes", "a server that answers byte by byte")
    server.way = lambda *_: True
    with Probe(f, '{ redis { "%s", timeout = "300ms" }, true }' % server.path) as p:
        t.match(p.ask("user@example.com"), r"time over", "a server that never answers: failed when its timeout is over")
    server.way = None
    with Probe(f, '{ redis "%s", true }' % server.path) as p:
        server.down()
        t.match(p.ask("user@example.com"), r"No such file|refused", "a server that is down: failed")
        server.listen()
        t.equal(p.result("user@example.com"), "yes", "up again: answered")


def thorough_check(t, f, server):
    path = f.write("check.lua", 'compatibility_level = 1\nbypass_virus_checks_maps = { true }\nvirus_lovers_maps = { redis { "%s", password = "s3cret" } }\n'
                   % server.path)

    def check():
        done = subprocess.run([os.path.join(BUILD, "posternd"), "-c", path, "--build-dir", BUILD, "-tt"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        return done.returncode, done.stdout.decode()
    server.password = "s3cret"
    t.equal(check(), (0, "redis: good: it answers\n"), "-tt: a server that answers")
    server.password = "other"
    code, out = check()
    t.match(out, r"^redis: FAILED: .*WRONGPASS", "-tt: a server that refuses is told")
    t.ok(code == 78 and "s3cret" not in out, "-tt: and is an error, without the password")
    server.password = None


def main():
    with Tap() as t, Tables() as f:
        server = FakeRedis(f.join("redis.sock"))
        asks(t, f, server)
        bad_ways(t, f, server)
        thorough_check(t, f, server)


if __name__ == "__main__":
    main()
