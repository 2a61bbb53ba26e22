#!/usr/bin/python3
"""test_daemon_database.py - a virus database that changes on disk is taken up without a stop: a new opener template beside the old."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from catcher import Catcher
from postern import Postern, eicar_mail
from smtpclient import send
from tapout import Tap


def rename_signature(database, name):
    """The same signature under another name, put in place in one step as freshclam does."""
    for entry in os.listdir(database):
        path = os.path.join(database, entry)
        with open(path) as f:
            text = f.read()
        with open(path + ".new", "w") as f:
            f.write(name + text[text.index(":"):])
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)


def main():
    with Tap() as t, Catcher() as hop, Postern(tap=t, next_hop=hop, lua="plugin_check_interval = 1\n") as p:
        reply = send(p.address, eicar_mail())
        t.match(str(reply), r"INFECTED", "the virus is found")
        before = p.role_pids("reception"), p.role_pids("worker-template"), p.role_pids("opener-template")
        rename_signature(p.values["database"], "Renamed.Test")
        p.wait_log("a new opener template has taken over")
        p.wait(lambda: len(p.role_pids("opener-template")) == 1 and p.role_pids("opener-template") != before[2])
        reply = send(p.address, eicar_mail())
        t.match(str(reply), r"INFECTED: Renamed\.Test", "the next mail is scanned with the new database")
        t.equal((p.role_pids("reception"), p.role_pids("worker-template")), before[:2], "nothing else was restarted")
        path = os.path.join(p.values["database"], "broken.ndb")
        with open(path, "w") as f:
            f.write("this is no signature\n")
        os.chmod(path, 0o644)
        p.wait_log("could not be loaded, the old one stays in use")
        reply = send(p.address, eicar_mail())
        t.match(str(reply), r"INFECTED: Renamed\.Test", "with a broken database beside it the old one stays in use")
        os.unlink(path)
        rename_signature(p.values["database"], "Mended.Test")
        p.wait(lambda: "Mended.Test" in str(send(p.address, eicar_mail())), 30, "the mended database is not taken up")
        t.ok(True, "once it is mended it is taken up")
        t.equal(len(hop.caught), 0, "no virus got through")


main()
