#!/usr/bin/python3
"""lookups_sql.py - lookups per second in SQLite, MariaDB and PostgreSQL, with and without the cache.  (see README.md; run by hand)

One address among 10,000 users, the built-in sel_policy, one worker's connection, every lookup after the other.  The peer is
Python's sqlite3 with the same statement on the same file: what the library and a scripting language take for it.

    lookups_sql.py --build-dir BUILD [--lookups N]

measure(lookups) gives the rows for other programs."""
import argparse
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--lookups", type=int, default=5000)
    ARGUMENTS = parser.parse_args()
    os.environ["POSTERN_BUILD"] = os.path.abspath(ARGUMENTS.build_dir)
os.environ.setdefault("POSTERN_SOURCE", os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
import sqlite3  # noqa: E402

import private_mariadb  # noqa: E402
import private_postgresql  # noqa: E402
import private_sqlite  # noqa: E402
from postern import Folder  # noqa: E402
from sqlprobe import Probe  # noqa: E402

USERS, ROUNDS = 10000, 5
ADDRESS = "user4711@sub.example.com"
KEYS = [ADDRESS, "@sub.example.com", "@.sub.example.com", "@.example.com", "@.com", "@."]
STATEMENT = ("SELECT users.*, policy.*, users.id FROM users LEFT JOIN policy ON users.policy_id = policy.id WHERE users.email IN (%s) "
             "ORDER BY users.priority DESC" % ",".join("?" * len(KEYS)))


def fill(db):
    db.load("lookup.sql")
    text = "INSERT INTO policy (id, policy_name, spam_tag2_level) VALUES (1, 'x', 6.31);\n"
    for begin in range(0, USERS, 1000):
        values = ", ".join("(%d, 1, 'user%d@sub.example.com')" % (n + 1, n) for n in range(begin, begin + 1000))
        text += "INSERT INTO users (id, policy_id, email) VALUES %s;\n" % values
    db.sql(text)


def postern(db, folder, lookups, more):
    """Median lookups per second over some rounds."""
    with Probe(folder, 'lookup_sql_dsn = "%s"\n%s\n' % (db.dsn(), more)) as p:
        rates = []
        for _ in range(ROUNDS):
            answer = p.ask("repeat", str(lookups), ADDRESS)
            rates.append(lookups / (int(answer.lines[-1].split()[1]) / 1e6))
    return statistics.median(rates)


def python_sqlite(db, lookups):
    connection = sqlite3.connect(db.file)
    rates = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(lookups):
            connection.execute(STATEMENT, KEYS).fetchall()
        rates.append(lookups / (time.perf_counter() - began))
    connection.close()
    return statistics.median(rates)


def measure(lookups=5000):
    """[(what, lookups per second, the peer's)], what is installed."""
    rows, peer = [], None
    makers = [("SQLite", private_sqlite.SQLite, lambda: True), ("MariaDB", private_mariadb.MariaDB, private_mariadb.is_there),
              ("PostgreSQL", private_postgresql.PostgreSQL, private_postgresql.is_there)]
    with Folder() as folder:
        for name, make, there in makers:
            if not there():
                continue
            with make() as db:
                fill(db)
                if name == "SQLite":
                    peer = python_sqlite(db, lookups)
                    rows.append(("Python's sqlite3, the peer", peer, peer))
                rows.append((name + ", no cache", postern(db, folder, lookups, "lookup_cache_ttl = 0"), peer))
                rows.append((name + ", cache", postern(db, folder, lookups, "lookup_cache_ttl = 3600"), peer))
    return rows


def main():
    print("%-28s %12s %10s %8s" % ("", "lookups/s", "us each", "ratio"))
    for what, rate, peer in measure(ARGUMENTS.lookups):
        print("%-28s %12.0f %10.1f %8.2f" % (what, rate, 1e6 / rate, rate / peer))


if __name__ == "__main__":
    main()
