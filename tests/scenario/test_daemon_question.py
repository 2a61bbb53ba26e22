#!/usr/bin/python3
"""test_daemon_question.py - a directory or key server that has failed once is asked whether anybody is there; one that does not like that
question, and answers all others, is not taken for dead."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from postern import *  # noqa: E402,F401,F403
from test_redis import FakeRedis  # noqa: E402

LUA = """
lookup_cache_ttl = 0
max_servers = 1
local_domains_maps = { %s, { ".example.com" } }
"""
BIND, SEARCH = 0x60, 0x63
ANSWERS = {BIND: 0x61, SEARCH: 0x65}
OPERATIONS_ERROR = 1


def tlv(tag, content):
    return bytes((tag, len(content))) + content


def take(data):
    """One BER element off the front: (tag, content, rest)."""
    n, at = data[1], 2
    if n & 0x80:
        at += n & 0x7f
        n = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + n], data[at + n:]


class FakeDirectory:
    """Knows nobody, says so to every search, and calls one for the entry without a name an error, as some do."""

    def __init__(self):
        self.conn, self.nameless = None, 0
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.address = "ldap://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.refuse = False
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            self.conn, _ = self.listener.accept()
            try:
                while not self.refuse:
                    self.answer(self.conn.recv(65536))
            except (OSError, IndexError):
                pass
            self.conn.close()

    def answer(self, request):
        """Small enough to come at once."""
        _, message, _ = take(request)
        _, number, rest = take(message)
        tag, content, _ = take(rest)
        nameless = tag == SEARCH and content[:2] == b"\x04\x00"
        self.nameless += nameless
        if tag in ANSWERS:
            result = tlv(0x0a, bytes((OPERATIONS_ERROR if nameless else 0,))) + b"\x04\x00\x04\x00"
            self.conn.sendall(tlv(0x30, tlv(0x02, number) + tlv(ANSWERS[tag], result)))

    def down(self):
        self.refuse = True
        self.conn.shutdown(socket.SHUT_RDWR)

    def up(self):
        self.refuse = False


def fails_once(t, p, name, down, up):
    t.match(send(p.port, mail()).text, "^250 2.0.0 from MTA", name + " answers")
    down()
    t.match(send(p.port, mail()).text, r"^451 .*settings could not be looked up", name + " has gone: the mail waits")
    up()
    t.match(send(p.port, mail()).text, "^250 2.0.0 from MTA", name + " is back, and asked although it does not like the question")
    t.equal(p.log_lines("does not answer; asked again"), [], name + " is not said to be dead")


def redis(t, hop):
    """Redis that cannot write its data to the disk answers PING with that error, and reads on."""
    def cannot_save(_, conn, words):
        if words[0] != "PING":
            return False
        conn.sendall(b"-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\r\n")
        return True
    with Folder() as folder:
        server = FakeRedis(folder.join("redis"))
        server.way = cannot_save
        with Postern(t, hop, LUA % ('redis { "%s", probe_interval = "1h" }' % server.path), name="with redis") as p:
            fails_once(t, p, "redis", server.down, server.listen)


def directory(t, hop):
    if not os.path.exists(os.path.join(BUILD, "plugins/lookup/.libs/ldap.so")):
        t.skip("the same with a directory", "the plugin ldap is not built")
        return
    server = FakeDirectory()
    options = 'hostname = "%s", base = "dc=x", query_filter = "(mail=%%m)", result = "mail", probe_interval = "1h"' % server.address
    with Postern(t, hop, LUA % ("ldap { %s }" % options), name="with ldap") as p:
        fails_once(t, p, "ldap", server.down, server.up)
        t.equal(server.nameless, 1, "ldap: it was asked for the entry without a name")


def main():
    with Tap() as t, Catcher() as hop:
        redis(t, hop)
        directory(t, hop)


if __name__ == "__main__":
    main()
