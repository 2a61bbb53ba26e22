#!/usr/bin/python3
"""quickstart_mails.py - sends quickstart's three mails and judges what became of each.

Exit code 0 only if the clean mail reached the next hop as it was sent below the
added header fields (where the next hop is not ours: if it took the mail), and
neither mail with EICAR did and both lie in quarantine."""
import argparse
import glob
import gzip
import os
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sendmail  # noqa: E402

KINDS = ("clean", "eicar", "eicar-zip")
TITLES = {"clean": "clean mail", "eicar": "EICAR attached", "eicar-zip": "EICAR in a zip"}


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as f:
        return f.read()


def holding(folder, ident, suffix=""):
    """Files below the folder that hold this Message-ID."""
    found = []
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if name.endswith(suffix) and os.path.isfile(path) and b"<" + ident.encode() + b"@" in read(path):
                found.append(path)
    return sorted(found)


def send(port, mail):
    try:
        return sendmail.send("127.0.0.1:%d" % port, "tester@postern.example", ["postmaster@localhost"], mail)
    except sendmail.Refused as refusal:
        return str(refusal)
    except OSError as problem:
        return "451 %s" % problem


def judge_clean(reply, mail, caught, quarantined, have_catcher):
    if reply[:1] != "2":
        return "not taken", False
    if quarantined:
        return "in quarantine, wrongly", False
    if not have_catcher:
        return "the next hop took it (it is not ours: its bytes could not be compared)", True
    if len(caught) != 1:
        return "reached the catcher %d times" % len(caught), False
    got = read(caught[0])
    if not got.endswith(mail):
        return "reached the catcher CHANGED: " + caught[0], False
    return "reached the catcher, all %d bytes as sent below %d added: %s" % (len(mail), len(got) - len(mail), caught[0]), True


def judge_eicar(reply, caught, quarantined, have_catcher):
    if caught or (not have_catcher and "from MTA(" in reply):
        return "PASSED to the next hop", False
    if not quarantined:
        return "stopped, but NOT in quarantine", False
    if reply[:1] not in "25":
        return "quarantined, but answered with a temporary failure", False
    return "stopped; quarantined copy: " + quarantined[0], True


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--folder", required=True)
    p.add_argument("--quarantine", required=True)
    p.add_argument("--catcher", action="store_true")
    a = p.parse_args()
    good = True
    sent = []
    for kind in KINDS:
        ident = uuid.uuid4().hex
        mail = sendmail.make(kind, ident)
        with open(os.path.join(a.folder, "mails", kind + ".eml"), "wb") as f:
            f.write(mail)
        sent.append((kind, ident, mail, send(a.port, mail)))
    time.sleep(0.3)     # a mail that should not come has had its chance
    for kind, ident, mail, reply in sent:
        caught = holding(os.path.join(a.folder, "caught"), ident, ".eml") if a.catcher else []
        quarantined = holding(a.quarantine, ident)
        if kind == "clean":
            what, right = judge_clean(reply, mail, caught, quarantined, a.catcher)
        else:
            what, right = judge_eicar(reply, caught, quarantined, a.catcher)
        good = good and right
        print("  %-15s reply: %s" % (TITLES[kind], reply))
        print("  %-15s %s %s\n" % ("", "ok:   " if right else "WRONG:", what))
    kept = glob.glob(os.path.join(a.quarantine, "**"), recursive=True)
    print("Quarantine: %s (%d files)" % (a.quarantine, len([k for k in kept if os.path.isfile(k)])))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
