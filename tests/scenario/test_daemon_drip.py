#!/usr/bin/python3
"""test_daemon_drip.py - a client that drips its mail line by line does not hold a configuration alive for ever."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from catcher import Catcher
from postern import Postern, mail
from smtpclient import Client, send
from tapout import Tap


def drip(client, stop):
    while not stop.wait(0.3):
        try:
            client.write(b"another line\r\n")
        except OSError:
            return


def main():
    with Tap() as t, Catcher() as hop, Postern(tap=t, next_hop=hop, lua="child_timeout = 3\n") as p:
        with Client(p.address) as client:
            client.hello()
            client.envelope(["b@example.com"])
            client.say("DATA")
            stop = threading.Event()
            thread = threading.Thread(target=drip, args=(client, stop), daemon=True)
            thread.start()
            t.match(str(p.reload()), r"generation 2 is in force", "a reload beside a mail on its way in")
            t.match(str(client.read()), r"421 4\.3\.2", "the client that goes on and on is told to come again")
            stop.set()
            thread.join()
        p.wait(lambda: p.status()["generations"] == 1, 30, "the old generation does not leave")
        t.match(str(p.reload()), r"generation 3 is in force", "the next reload is not held up")
        t.match(str(send(p.address, mail())), r"250 2\.0\.0 from MTA", "mail passes")
        t.equal(len(hop.caught), 1, "nothing of the half mail was passed on")


main()
