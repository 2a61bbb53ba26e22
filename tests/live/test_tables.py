#!/usr/bin/python3
"""test_tables.py - tables made and asked by others' tools: Postfix' postmap reads the same text tables as we do and answers alike; cdb and
LMDB files of postmap, cdb and mdb_load; a private Redis server, stopped and started in the middle."""
import os
import random
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from lookupprobe import *  # noqa: E402,F401,F403
from tapout import Tap  # noqa: E402

os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
SEED = int(os.environ.get("POSTERN_SEED") or 0) or random.randrange(1, 1 << 30)


def run(arguments, **options):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False, **options)


class Postmap:
    """postmap with a configuration folder of its own; .types are the kinds of table that it knows."""

    def __init__(self, f):
        self.folder = f.join("postfix")
        os.mkdir(self.folder)
        for name in "main.cf", "master.cf", "dynamicmaps.cf":
            open(os.path.join(self.folder, name), "w").close()
        if os.path.exists("/etc/postfix/dynamicmaps.cf"):
            shutil.copy("/etc/postfix/dynamicmaps.cf", self.folder)
        if os.path.isdir("/etc/postfix/dynamicmaps.cf.d"):
            shutil.copytree("/etc/postfix/dynamicmaps.cf.d", os.path.join(self.folder, "dynamicmaps.cf.d"))
        self.types = run(["postconf", "-c", self.folder, "-m"]).stdout.decode().split() if shutil.which("postmap") else []

    def make(self, kind, path):
        done = run(["postmap", "-c", self.folder, "%s:%s" % (kind, path)])
        return done.returncode == 0 or done.stderr.decode()

    def ask(self, kind, path, keys):
        """{key: result} of those that it knows."""
        done = run(["postmap", "-c", self.folder, "-q", "-", "%s:%s" % (kind, path)], input="".join(k + "\n" for k in keys).encode())
        return dict(line.split("\t", 1) for line in done.stdout.decode().splitlines())


# ---- text tables: the same file, the same questions ----

def word(r):
    return "".join(r.choice("abcx") for _ in range(r.randint(1, 3)))


def random_rules(r, depth=0):
    lines = []
    for _ in range(r.randint(1, 6)):
        pattern = r.choice(["^%s", "%s$", "(%s)@", "@(.*)%s", "%s.*@", "[^%s]@", "^(.)(%s)"]) % word(r)
        if r.random() < 0.2 and depth < 3:
            lines += ["if %s/%s/" % (r.choice(["", "!"]), pattern)] + random_rules(r, depth + 1) + ["endif"]
        elif r.random() < 0.2:
            lines.append("!/%s/ not %s" % (pattern, word(r)))
        else:
            result = "$1 ${1} $(1) $$1" if "(" in pattern and r.random() < 0.7 else word(r)
            lines.append("/%s/%s %s" % (pattern, r.choice(["", "", "i"]), result))
    return lines


def random_addresses(r, count):
    names = [word(r) for _ in range(6)]
    return sorted({r.choice([str, str.upper, str.title])("%s%s@%s.%s" % (r.choice(names), r.choice(["", "+x"]), word(r), word(r))) for _ in range(count)})


def random_networks(r, depth=0):
    lines = []
    for _ in range(r.randint(1, 6)):
        bits = r.choice([8, 16, 24, 28, 32])
        number = (10 << 24 | r.getrandbits(18) << 6) >> (32 - bits) << (32 - bits)
        network = "%s/%d" % (socket.inet_ntoa(number.to_bytes(4, "big")), bits)
        if r.random() < 0.3:
            bits = r.choice([16, 32, 48, 64, 128])
            number = (0x2001 << 112 | r.getrandbits(3) << 80 | r.getrandbits(2)) >> (128 - bits) << (128 - bits)
            network = "%s/%d" % (socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big")), bits)
        if r.random() < 0.2 and depth < 3:
            lines += ["if %s%s" % (r.choice(["", "!"]), network)] + random_networks(r, depth + 1) + ["endif"]
        else:
            lines.append("%s%s %s" % (r.choice(["", "", "!"]), network, word(r)))
    return lines


def random_clients(r, count):
    v4 = {socket.inet_ntoa((10 << 24 | r.getrandbits(18) << 6 | r.getrandbits(6)).to_bytes(4, "big")) for _ in range(count)}
    v6 = {socket.inet_ntop(socket.AF_INET6, (0x2001 << 112 | r.getrandbits(3) << 80 | r.getrandbits(2)).to_bytes(16, "big")) for _ in range(count // 4)}
    return sorted(v4 | v6)


def same_answers(t, f, postmap, kind, make_lines, make_questions, ask):
    """`kind` asked of both with 60 random tables."""
    if kind not in postmap.types:
        t.skip("%s tables as postmap reads them" % kind, "this Postfix knows no %s tables" % kind)
        return
    r = random.Random("%s %d" % (kind, SEED))
    differences, asked, answered = [], 0, 0
    for _ in range(60):
        path = f.write("same", "\n".join(make_lines(r)) + "\n")
        questions = make_questions(r, 40)
        theirs = postmap.ask(kind, path, questions)
        with Probe(f, '{ %s "same" }' % kind) as p:
            for question in questions:
                answer = ask(p, question)
                ours = answer[0] if isinstance(answer, tuple) else answer
                if ours != theirs.get(question):
                    differences.append((question, ours, theirs.get(question), open(path).read()))
        asked, answered = asked + len(questions), answered + len(theirs)
    t.equal(differences[:1], [], "%s tables: %d questions, %d answered, all as postmap answers them" % (kind, asked, answered))


# ---- databases ----

PAIRS = {"user@example.com": "$3 of $5", ".example.org": "below", "10.1": "network", "zero@example.com": "0", "empty@example.com": ""}
ASKED = {"User+x@Example.com": "user of Example.com".lower(), "x@a.example.org": "below", "zero@example.com": "0", "nobody@example.net": None}


def asks_database(t, f, name, maps):
    with Probe(f, maps, recipient_delimiter="+") as p:
        t.equal({k: p.result(k) for k in ASKED}, ASKED, name + ": answers by the search order, pieces put in")
        t.equal(p.client("10.1.2.3")[:2], ("network", "10.1"), name + ": clients")
        t.equal(p.result("x" * 2000 + "@" + "y." * 100 + "z"), None, name + ": a key longer than any in it")


def as_text(pairs=None):
    return "".join("%s  %s\n" % (k, v or "0") for k, v in (pairs or PAIRS).items())


def cdb_tables(t, f, postmap):
    if not os.path.exists(os.path.join(BUILD, "plugins/lookup/cdb.la")):
        t.skip("cdb", "not built")
        return
    if "cdb" in postmap.types:
        f.write("made", as_text())
        t.equal(postmap.make("cdb", f.join("made")), True, "postmap cdb: made")
        asks_database(t, f, "cdb of postmap", '{ cdb "made.cdb" }')
        asks_database(t, f, 'lookup "cdb:..."', '{ lookup "cdb:%s" }' % f.join("made.cdb"))
    else:
        t.skip("cdb of postmap", "this Postfix knows no cdb tables")
    if not shutil.which("cdb"):
        t.skip("cdb of cdb", "no program cdb")
        return

    def make(name, pairs):
        text = "".join("+%d,%d:%s->%s\n" % (len(k), len(v), k, v) for k, v in pairs.items()) + "\n"
        done = run(["cdb", "-c", "-t", f.join("tmp"), f.join(name)], input=text.encode())
        os.chmod(f.join(name), 0o644)
        return done.returncode
    t.equal(make("own.cdb", PAIRS), 0, "cdb: made")
    asks_database(t, f, "cdb of cdb", '{ cdb "own.cdb" }')
    with Probe(f, '{ cdb "own.cdb" }') as p:
        make("own.cdb", {"user@example.com": "new"})
        t.equal((p.say("reload"), p.result("user@example.com")), ("reloaded", "new"), "cdb: a changed file is taken up")
        f.write("own.cdb", b"no database")
        t.match(p.say("reload"), r"kept\tcdb: .*not a constant database", "cdb: a broken one is not")
        t.equal(p.result("user@example.com"), "new", "cdb: the old one is asked")
    with open(f.join("made.cdb") if os.path.exists(f.join("made.cdb")) else f.join("own.cdb"), "rb") as whole:
        data = whole.read()
    r = random.Random(SEED)
    crashed = []
    for _ in range(100):
        broken = bytearray(data[:r.randint(2048, max(2049, len(data)))]) if len(data) > 2048 else bytearray(data)
        for _ in range(20):
            broken[r.randrange(len(broken))] = r.getrandbits(8)
        f.write("damaged.cdb", bytes(broken))
        try:
            with Probe(f, '{ cdb "damaged.cdb" }') as p:
                for k in ASKED:
                    p.ask(k)
        except RuntimeError as e:
            crashed += [] if "not a constant database" in str(e) else [str(e)]
    t.equal(crashed[:1], [], "cdb: a hundred damaged databases crash nothing")


def lmdb_tables(t, f, postmap):
    if not os.path.exists(os.path.join(BUILD, "plugins/lookup/lmdb.la")):
        t.skip("lmdb", "not built")
        return
    if "lmdb" in postmap.types:
        f.write("made", as_text())
        t.equal(postmap.make("lmdb", f.join("made")), True, "postmap lmdb: made")
        os.chmod(f.join("made.lmdb"), 0o644)
        asks_database(t, f, "lmdb of postmap", '{ lmdb "made.lmdb" }')
        with Probe(f, '{ lmdb "made.lmdb" }') as p:
            t.equal(p.result("x@a.example.org"), "below", "lmdb: before the change")
            f.write("made", as_text({".example.org": "changed"}))
            postmap.make("lmdb", f.join("made"))
            t.equal(p.result("x@a.example.org"), "changed", "lmdb: what is written into it is seen at once")
            with open(f.join("made.lmdb"), "rb") as holder:
                import fcntl
                fcntl.flock(holder, fcntl.LOCK_EX)
                with Probe(f, '{ lmdb { "made.lmdb", timeout = "200ms" }, true }') as q:
                    t.match(q.ask("x@a.example.org"), r"locked by who writes it: time over", "lmdb: locked for ever: failed, not \"no\"")
            f.write("other", as_text({".example.org": "another file"}))
            postmap.make("lmdb", f.join("other"))
            os.rename(f.join("other.lmdb"), f.join("made.lmdb"))
            t.equal(p.result("x@a.example.org"), "another file", "lmdb: a file put in its place is opened")
            os.unlink(f.join("made.lmdb"))
            t.match(p.ask("x@a.example.org"), r"No such file", "lmdb: gone: failed")
    else:
        t.skip("lmdb of postmap", "this Postfix knows no lmdb tables")
    if not shutil.which("mdb_load"):
        t.skip("lmdb of mdb_load", "no program mdb_load")
        return
    os.mkdir(f.join("env"))
    text = "VERSION=3\nformat=print\ntype=btree\nmapsize=1048576\nHEADER=END\n" + "".join(" %s\n %s\n" % pair for pair in PAIRS.items()) + "DATA=END\n"
    t.equal(run(["mdb_load", f.join("env")], input=text.encode()).returncode, 0, "mdb_load: made")
    asks_database(t, f, "lmdb in a folder, with its own locks", '{ lmdb "env" }')
    run(["mdb_load", "-s", "inner", f.join("env")], input=text.replace("type=btree", "database=inner\ntype=btree").replace("below", "within").encode())
    with Probe(f, '{ lmdb { "env", database = "inner" } }') as p:
        t.equal(p.result("x@a.example.org"), "within", "lmdb: a named database")
    for name, data, why in ("absent", None, "No such file"), ("text", b"no database\n" * 1000, "not an LMDB file|MDB_INVALID"), ("short", b"x", "."):
        if data:
            f.write(name, data)
        try:
            Probe(f, '{ lmdb "%s" }' % name).close()
            t.ok(False, "lmdb: %s does not load" % name)
        except RuntimeError as e:
            t.match(str(e), r"lmdb: .*/%s: .*(%s)" % (name, why), "lmdb: %s: told" % name)


class Redis:
    def __init__(self, f):
        self.path, self.folder, self.process = f.join("redis.sock"), f.path, None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.path, "--save", "", "--dir", self.folder, "--daemonize", "no"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            try:
                self.command("PING")
                return
            except OSError:
                time.sleep(0.025)

    def command(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.path)
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
            return s.recv(65536)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def redis_tables(t, f):
    if not shutil.which("redis-server"):
        t.skip("redis", "no program redis-server")
        return
    server = Redis(f)
    try:
        for pair in PAIRS.items():
            server.command("SET", *pair)
        asks_database(t, f, "redis", '{ redis "%s" }' % server.path)
        server.command("HSET", "lovers", "user@example.com", "loves")
        with Probe(f, '{ redis { "%s", hash = "lovers" } }' % server.path) as p:
            t.equal(p.result("user@example.com"), "loves", "redis: a hash")
            server.stop()
            t.ok(isinstance(p.ask("user@example.com"), Failed), "redis: stopped: failed, not \"no\"")
            server.start()
            t.equal(p.result("user@example.com"), None, "redis: started again and empty: no such key")
            server.command("HSET", "lovers", "user@example.com", "again")
            t.equal(p.result("user@example.com"), "again", "redis: and filled again")
            server.command("SET", "lovers2", "x")
        with Probe(f, '{ redis { "%s", hash = "lovers2" } }' % server.path) as p:
            t.match(p.ask("user@example.com"), r"WRONGTYPE", "redis: a key of another type is told")
        server.command("CONFIG", "SET", "requirepass", "secret")
        with Probe(f, '{ redis { "%s", hash = "lovers", password = "secret" } }' % server.path) as p:
            t.equal(p.result("user@example.com"), "again", "redis: with a password")
    finally:
        server.stop()


def main():
    with Tap() as t, Tables() as f:
        t.note("seed %d (POSTERN_SEED)" % SEED)
        postmap = Postmap(f)
        for kind in "pcre", "regexp":
            same_answers(t, f, postmap, kind, random_rules, random_addresses, lambda p, q: p.ask(q))
        same_answers(t, f, postmap, "cidr", random_networks, random_clients, lambda p, q: p.client(q))
        cdb_tables(t, f, postmap)
        lmdb_tables(t, f, postmap)
        redis_tables(t, f)


main()
