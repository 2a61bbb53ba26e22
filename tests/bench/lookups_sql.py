"""lookups_sql.py - rows of lookups.py: SQLite, MariaDB and PostgreSQL, with and without the cache.

The built-in sel_policy among 10,000 users, one connection, a mail's records asked anew for every lookup.  The peer is Python's
sqlite3 with the same statement on the same file: what the library and a scripting language take for it."""
import os
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("POSTERN_SOURCE", os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import private_mariadb  # noqa: E402
import private_postgresql  # noqa: E402
import private_sqlite  # noqa: E402

USERS = 10000
STATEMENT = ("SELECT users.*, policy.*, users.id FROM users LEFT JOIN policy ON users.policy_id = policy.id WHERE users.email IN (%s) "
             "ORDER BY users.priority DESC")
MAPS = '{ sql_field "spam_tag2_level" }'
SERVERS = (("SQLite", private_sqlite.SQLite, lambda: True), ("MariaDB", private_mariadb.MariaDB, private_mariadb.is_there),
           ("PostgreSQL", private_postgresql.PostgreSQL, private_postgresql.is_there))


def known(asked):
    """Those of the asked that are to be found, as they are kept, and others up to USERS."""
    users = sorted({a.lower().replace("+box@", "@") for a in asked if a.lower().endswith(".example.com")})
    return users + ["other%d@d%d.example.com" % (n, n % 997) for n in range(USERS - len(users))]


def fill(db, users):
    db.load("lookup.sql")
    text = "INSERT INTO policy (id, policy_name, spam_tag2_level) VALUES (1, 'x', 6.31);\n"
    for begin in range(0, len(users), 1000):
        values = ", ".join("(%d, 1, '%s')" % (begin + n + 1, user) for n, user in enumerate(users[begin:begin + 1000]))
        text += "INSERT INTO users (id, policy_id, email) VALUES %s;\n" % values
    db.sql(text)


def keys_of(address):
    local, _, domain = address.lower().partition("@")
    labels = domain.split(".")
    parents = [".".join(labels[n:]) for n in range(len(labels))]
    forms = [address] + [a for a in (local + "@" + domain, local.partition("+")[0] + "@" + domain) if a != address]
    return forms + ["@" + domain] + ["@." + p for p in parents] + ["@."]


def python_sqlite(file, asked):
    """Lookups per second; what makes keys of an address counts, too."""
    connection = sqlite3.connect(file)
    began = time.perf_counter()
    for address in asked:
        keys = keys_of(address)
        connection.execute(STATEMENT % ",".join("?" * len(keys)), keys).fetchall()
    rate = len(asked) / (time.perf_counter() - began)
    connection.close()
    return rate


def rows(_tables, asked):
    for name, make, there in SERVERS:
        if not there():
            print("%s: not installed, left out" % name)
            continue
        with make() as db:
            fill(db, known(asked))
            settings = {"recipient_delimiter": "+", "lookup_sql_dsn": db.dsn(), "lookup_cache_entries": 2 * len(asked)}
            peer = (lambda file=db.file: ("Python's sqlite3", python_sqlite(file, asked))) if name == "SQLite" else None
            yield name, MAPS, dict(settings, lookup_cache_ttl=0), peer
            yield name + ", cached", MAPS, dict(settings, lookup_cache_ttl=3600), None
