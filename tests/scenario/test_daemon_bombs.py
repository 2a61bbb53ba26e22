#!/usr/bin/python3
"""test_daemon_bombs.py - mails that want to be too large, too many or too deep when opened: bounded memory, the right category, what
was opened is scanned, and other mails are not touched by it."""
import gzip
import os
import subprocess
import sys
from email.message import EmailMessage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import bombs  # noqa: E402
from formats.zips import pack  # noqa: E402

LIMITS = """
local_domains_maps = { { ".example.com" } }
MAX_EXPANSION_QUOTA = "40M"
MIN_EXPANSION_FACTOR = 1
opener_memory_limit = "256M"
"""
HOLDS = {
    "42.zip in small": r"quota|files \(1500\)", "overlapping members": "quota", "gz quine": r"depth \(14\)", "zip quine": r"depth \(14\)",
    "gz in gz 1000 times": r"depth \(14\)", "2000 tars in each other": r"depth \(14\)|quota", "10000 members": r"files \(1500\)",
    "shared strings": "quota", "a hole of a terabyte": "quota",
}


def with_files(*files):
    m = EmailMessage()
    m["Subject"], m["From"], m["To"] = "files", "a@example.org", "b@example.com"
    m.set_content("See there.\n")
    for name, data in files:
        m.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return m.as_bytes().replace(b"\n", b"\r\n")


def check_bomb(t, p, hop, title, name, data):
    before = len(hop.caught)
    reply = send(p.port, with_files((name, data)), timeout=120)
    t.equal(reply.code, 250, "%s: taken" % title)
    t.match(hop.caught[before].body.decode("latin-1"), r"(?im)^X-Amavis-Hold: .*(%s)" % HOLDS[title], "%s: what limit it was" % title)
    t.match(p.wait_log("Passed UNCHECKED"), "Passed UNCHECKED", "%s: never clean" % title)
    t.equal(send(p.port, with_files((name, data), ("eicar.com", EICAR)), timeout=120).code, 250, "%s with a virus beside it" % title)
    t.equal(len(hop.caught), before + 1, "%s: the virus is found all the same" % title)
    t.equal(send(p.port, mail()).code, 250, "%s: the next mail passes" % title)


def check_outside(t, p, hop):
    """A recipient elsewhere: no tag in the Subject, but whoever comes next is told."""
    data = EICAR
    for _ in range(20):
        data = gzip.compress(data, mtime=0)
    send(p.port, with_files(("a.gz", data)), ["someone@elsewhere.test"])
    t.match(hop.last().field("x-amavis-hold") or "", r"depth \(14\)", "a recipient elsewhere: X-Amavis-Hold")
    t.equal(hop.last().field("subject"), "files", "without a tag")


def check_full_disk(t, hop):
    """A work area of a few megabytes that fills up in the middle of an archive."""
    with Folder() as folder:
        small = folder.own("small")
        if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs", small], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            t.skip("a full disk", "cannot mount a small file system")
            return
        try:
            with Postern(None, hop, lua=LIMITS + 'TEMPBASE = "%s"\n' % small, folder=folder, name="full") as p:
                noise = os.urandom(3 << 20)
                reply = send(p.port, with_files(("noise.zip", pack([("a", noise + b"\0" * (9 << 20))]))), timeout=120)
                t.match(str(reply), r"45[12]", "a full disk: try again, neither clean nor unchecked")
                t.equal(send(p.port, mail()).code, 250, "a full disk: the next mail passes")
        finally:
            subprocess.run(["umount", "-l", small], check=False)


def check_order_of_decoding(t, p):
    """Breadth first: what is deep does not use up what others need."""
    out = bombs.pack([("deep.zip", bombs.nested_zips(levels=2, width=2, bottom=100))])
    code, _, _ = p.ctl("scan", "--json", write(p, with_files(("a.zip", out), ("b.zip", pack([("eicar.com", EICAR)])))))
    t.equal(code, 1, "an archive beside a nested one is opened")


def write(p, data):
    path = p.folder.join("file")
    with open(path, "wb") as f:
        f.write(data)
    return path


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder, Postern(t, hop, scanners=EXACT_SCANNER, lua=LIMITS, folder=folder) as p:
        for title, (name, make) in bombs.ALL.items():
            check_bomb(t, p, hop, title, name, make())
        check_order_of_decoding(t, p)
        check_outside(t, p, hop)
        check_full_disk(t, hop)


if __name__ == "__main__":
    main()
