#!/usr/bin/python3
"""test_daemon_sources.py - a database or a Redis server takes connections and says nothing: the first mails wait for it, then all workers
know, and no mail asks it within probe_interval; none is called anything meanwhile, and one line each says that it has gone and is back."""
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from test_redis import FakeRedis  # noqa: E402

WORKERS = 3
MAILS_UNTIL_KNOWN = 4
SQL = 'lookup_sql_dsn = "%s://u:p@127.0.0.1:%d/mail?timeout=1s&connect_timeout=900ms&probe_interval=%s"\nlocal_domains_maps = { { ".example.com" } }'
REDIS = 'local_domains_maps = { redis { "%s", timeout = "1s", probe_interval = "%s" }, { ".example.com" } }'
NOT_ASKED = "not asked, it does not answer|not asked, it has not answered for"
WITHIN = "not asked, it has not answered for"


class Silent:
    """Takes every connection and keeps it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                self.connections.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        for conn in [self.listener] + self.connections:
            conn.close()


def until_known(t, p, what):
    replies = []
    while not replies or (not re.search(NOT_ASKED, replies[-1]) and len(replies) <= MAILS_UNTIL_KNOWN):
        replies.append(send(p.port, mail()).text)
    t.equal({r[:3] for r in replies}, {"451"}, what + ": every mail waits with the MTA")
    t.match(replies[-1], NOT_ASKED, what + ": soon it is not asked any more")


def unasked(t, hop, lua, what, asked):
    """asked(): how often the server has been asked so far."""
    with Postern(t, hop, "max_servers = %d\nlookup_cache_ttl = 0\n" % WORKERS + lua) as p:
        until_known(t, p, what)
        before = asked()
        replies = [send(p.port, mail()).text for _ in range(3 * WORKERS)]
        t.equal([r for r in replies if r[:3] != "451" or WITHIN not in r], [], what + ": every worker knows")
        t.equal(asked(), before, what + ": nobody asks it within probe_interval")
        t.equal(len(p.log_lines("does not answer; asked again every")), 1, what + ": one line that it does not answer")


def comes_back(t, hop, server):
    with Postern(t, hop, "max_servers = %d\n" % WORKERS + REDIS % (server.path, "100ms")) as p:
        until_known(t, p, "redis")
        server.way = None
        p.wait(lambda: send(p.port, mail()).code == 250, 20, "not asked again")
        t.ok(["MGET", "postern"] in server.commands, "redis: it is asked for a key of nobody first", server.commands)
        t.equal(len(p.log_lines("redis: answers again, after")), 1, "redis: one line that it is back")


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder:
        for plugin in "mysql", "postgresql":
            if not os.path.exists(os.path.join(BUILD, "plugins/database/%s.la" % plugin)):
                t.skip(plugin, "the plugin is not built")
                continue
            server = Silent()
            unasked(t, hop, SQL % (plugin, server.port, "1h"), plugin, lambda s=server: len(s.connections))
            server.close()
        server = FakeRedis(os.path.join(folder.own("run", mode=0o755), "redis.sock"))
        server.way = lambda *_: True
        unasked(t, hop, REDIS % (server.path, "1h"), "redis", lambda: len(server.commands))
        comes_back(t, hop, server)
        server.down()


if __name__ == "__main__":
    main()
