"""private_sqlite.py - a SQLite file of the test's own, with the face of the other databases as far as it has one."""
import os
import sqlite3

from postern import SOURCE, Folder, daemon_user


class SQLite:
    kind = "sqlite"

    def __init__(self):
        self.folder = Folder()
        self.home = self.folder.own("db")
        self.file = os.path.join(self.home, "mail.db")
        sqlite3.connect(self.file).close()
        self.sql("PRAGMA user_version = 1")
        self.give()

    def give(self):
        if os.getuid() == 0:
            for name in os.listdir(self.home):
                os.chown(os.path.join(self.home, name), *daemon_user()[1:])

    def sql(self, text):
        db = sqlite3.connect(self.file, timeout=20)
        db.text_factory = lambda b: b.decode(errors="replace")
        try:
            text = text.decode() if isinstance(text, bytes) else text
            if ";" in text.rstrip().rstrip(";"):
                db.executescript(text)
                rows = []
            else:
                rows = db.execute(text).fetchall()
            db.commit()
        finally:
            db.close()
        self.give()
        return "".join("\t".join("NULL" if c is None else str(c) for c in row) + "\n" for row in rows)

    def load(self, name):
        with open(os.path.join(SOURCE, "schema/sqlite", name), "rb") as f:
            self.sql(f.read())

    def dsn(self, options=""):
        return "sqlite:" + self.file + options

    def stop(self):
        self.folder.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
