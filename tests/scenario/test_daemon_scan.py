#!/usr/bin/python3
"""test_daemon_scan.py - posternctl scan: any file or mail, by every scanner; 0 clean, 1 infected, 2 not completed."""
import gzip
import hashlib
import io
import json
import os
import sys
import zipfile
from email.message import EmailMessage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
from fakeclamd import FakeClamd  # noqa: E402

CLAMD = 'clamd { socket = "%s", session = false, fildes = false, canary_interval = 0, timeout = "2s", probe_interval = "100ms" }'


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("dir/eicar.com", content)
    return out.getvalue()


def gzipped(content):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as g:
        g.write(content)
    return out.getvalue()


def nested():
    m = EmailMessage()
    m.set_content("See there.")
    m.add_attachment(gzipped(zipped(EICAR)), maintype="application", subtype="gzip", filename="inner.zip.gz")
    return m.as_bytes()


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder:
        def put(name, data):
            path = folder.join(name)
            with open(path, "wb") as f:
                f.write(data)
            os.chmod(path, 0o600)
            return path
        path = os.path.join(folder.own("run", mode=0o755), "fake.sock")
        scanners = 'clamav { database = "%(database)s" }, ' + CLAMD % path
        with FakeClamd(path) as clamd, Postern(t, hop, scanners=scanners, folder=folder) as p:
            code, out, err = p.ctl("scan", put("clean", b"Nothing in it.\n"))
            t.equal((code, out.splitlines()[0]), (0, "clean"), "a clean file")
            t.match(out, r"(?m)^clamav: clean in [\d.]+ ms", "each scanner with its time")
            t.match(out, r"(?m)^clamd: clean in [\d.]+ ms", "the other too")
            t.match(out, r"(?m)^clamav: clean .*\n  way: in the opener\n  version: ClamAV \S", "how and by which version, in the opener")
            t.match(out, r"(?m)^clamd: clean .*\n  way: \S+fake\.sock, content sent\n  version: ClamAV 9\.9\.9", "how and by which version, over a socket")
            code, out, err = p.ctl("scan", "--json", put("eicar", EICAR))
            t.equal(code, 1, "an infected file")
            found = json.loads(out)
            t.equal(found["verdict"], "infected", "the verdict")
            t.equal(sorted(f["scanner"] for f in found["findings"]), ["clamav", "clamd"], "both have found it")
            t.ok(all(f.get("version") and f["parts"] for f in found["findings"]), "with version and parts", out)
            t.ok(all(r.get("way") and r.get("version") for r in found["scanners"]), "way and version of each scanner", out)
            code, out, _ = p.ctl("scan", folder.join("clean"), folder.join("eicar"), folder.join("none"))
            t.equal(code, 1, "of several files one is infected")
            t.match(out, r"\A\S+/clean: clean\n(.*\n)*\S+/eicar: infected\n", "each is told by its name")
            t.equal(p.ctl("scan", folder.join("clean"), folder.join("none"))[0], 2, "of several files one is not there")
            code, out, _ = p.ctl("scan", "--json", folder.join("clean"), folder.join("eicar"))
            t.equal([json.loads(line)["verdict"] for line in out.splitlines()], ["clean", "infected"], "as JSON an object for each")
            code, out, _ = p.ctl("scan", put("mail", eicar_mail().replace(b"\r\n", b"\n")))
            t.equal((code, out.splitlines()[0]), (1, "infected"), "a mail as files hold it")
            code, out, _ = p.ctl("scan", put("binary", bytes(range(256)) * 300 + EICAR))
            t.equal(code, 1, "a binary file")
            t.equal(p.ctl("scan", put("empty", b""))[0], 0, "an empty file")
            t.equal(p.ctl("scan", folder.path)[0], 2, "a folder")
            t.equal(p.ctl("scan", folder.join("none"))[0], 2, "no file")
            t.equal(p.ctl("scan")[0], 64, "no file named")
            code, out, _ = p.ctl("scan", "--tree", "--json", put("nested", nested()))
            tree = {part["placement"]: part for part in json.loads(out)["tree"]}
            t.equal(code, 1, "a virus in an archive in an archive in a mail")
            t.equal(tree["1/2/1/1"]["names"], ["dir/eicar.com"], "the tree has it at its place")
            t.equal(tree["1/2/1"]["attributes"], "O", "what was opened stands back behind its children")
            t.equal(tree["1/2/1"]["types"], ["zip"], "the type of what is between")
            t.equal(tree["1/2/1/1"]["digest"], hashlib.sha1(EICAR).hexdigest(), "the digest of its content")
            t.equal(json.loads(out)["findings"][0]["parts"][0], "1/2/1/1", "found in the member itself")
            code, out, _ = p.ctl("scan", "--tree", folder.join("nested"))
            t.match(out, r"(?m)^      1/2/1 \.zip \(Zip archive data\), \d+ bytes, O, opened by archive, digest \w{40}$", "as text, too")
            code, out, _ = p.ctl("scan", "--tree", "--json", put("bare", gzipped(zipped(EICAR))))
            tree = {part["placement"]: part for part in json.loads(out)["tree"]}
            t.equal((code, tree["1/1/1"]["names"]), (1, ["dir/eicar.com"]), "a file that is no mail is opened all the same")
            t.equal(sorted({f["scanner"] for f in json.loads(out)["findings"] if "1/1/1" in f["parts"]}), ["clamav", "clamd"], "for those, too, who open nothing")
            code, out, _ = p.ctl("scan", put("cut", zipped(os.urandom(5000))[:3000]))
            t.equal((code, out.splitlines()[0]), (2, "not completed: not all of its contents could be opened"), "half an archive is not clean")
            t.equal(len(hop.caught), 0, "nothing is delivered")
            t.equal(p.quarantined(), [], "nothing is quarantined")
            clamd.close()
            code, out, _ = p.ctl("scan", folder.join("clean"))
            t.match(out, r"(?m)^clamd: failed .*: clamd: ", "a scanner that fails is named")
            t.equal(p.reload("av_scanners = { %s }" % (CLAMD % path))[0], 0, "reload: only the dead one")
            code, out, _ = p.ctl("scan", "--json", folder.join("clean"))
            t.equal((code, json.loads(out)["verdict"]), (2, "not completed"), "no scanner answers: not completed, never clean")
            clamd.listen()
            p.wait(lambda: p.ctl("scan", folder.join("clean"))[0] == 0, 10, "not clean again")
            t.equal(send(p.port, mail()).code, 250, "mails go on")
        p.control = folder.join("gone.ctl")
        t.equal(p.ctl("scan", folder.join("clean"))[0], 2, "no daemon: not completed")


if __name__ == "__main__":
    main()
