#!/usr/bin/python3
"""test_daemon_unpackers.py - the programs of lua/unpackers.lua, those that are installed, each by itself: it makes of a sample what was
packed, and where the end of the sample is missing, or a piece of it is noise, nobody calls it opened when a member is missing."""
import hashlib
import json
import os
import random
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import formats  # noqa: E402
from formats import Folder as Members, programs, run  # noqa: E402

# formats of tests/lib/formats by the unpacker that is to open them
SAMPLES = {
    "sevenzip": ["zip/deflate64", "zip/implode", "arj/best", "squashfs", "udf", "wim", "cab/mszip", "lha/level2", "rar/5"],
    "arj": ["arj/best", "arj/stored"], "arj-sfx": ["sfx/arj"], "nomarch": ["arc", "arc/stored"], "unace": ["ace"], "lha": ["lha/level0", "lha/level2"], "unalz": ["alz"],
    "cabextract": ["cab/mszip"], "lrzip": ["lrz/lzma", "lrz/zpaq", "lrz/bzip2"], "lzop": ["lzo"], "unar": ["sit", "zoo", "arc", "arj/best"],
}
NEVER_ALL = {"unace", "lha", "unalz"}           # what it makes is taken, but it is not believed that it is all
NOT_OPENED = {("sevenzip", "rar/5")}    # Debian's 7-Zip has no RAR
PLACES = 8
NAMES = re.compile(r'^define\("([^"]+)", \{ ([^}]+) \}', re.M)


class Attachment:
    def __init__(self, data, suffix):
        self.name, self.data, self.filename = "sample", data, "sample" + suffix


def definitions():
    with open(os.path.join(SOURCE, "lua/unpackers.lua")) as f:
        text = f.read()
    return [(name, re.findall(r'"([^"]+)"', programs)) for name, programs in NAMES.findall(text)]


def scan(p, data, suffix, text=b"See there."):
    """(exit code, the part, its children); a part that was stopped at a limit has U, too"""
    path = p.folder.join("mail")
    with open(path, "wb") as f:
        f.write(formats.mail_with(Attachment(data, suffix)).replace(b"See there.", text))
    code, out, _ = p.ctl("scan", "--json", "--tree", path)
    said = json.loads(out)
    tree = said["tree"]
    part = next(x for x in tree if x["placement"] == "1/2")
    part["attributes"] += "U" if "hold" in said else ""
    return code, part, [x for x in tree if x["placement"].startswith("1/2/")]


def holds(children, inner):
    return hashlib.sha1(inner).hexdigest() in [x.get("digest") for x in children]


def inner_of(form):
    pack = form.packed or (formats.bzipped if form.suffix == ".gz" else formats.gzipped)
    return pack(EICAR)


def whole_and_damaged(t, p, name, form):
    sample = formats.sample(form)
    inner = inner_of(form)
    _, part, children = scan(p, sample.data, form.suffix)
    title = "%s: %s" % (name, form.name)
    if (name, form.name) in NOT_OPENED:
        t.ok("U" in part["attributes"] and "decoder" not in part, title + ": not its business, and not called opened", str(part))
        return
    t.ok(holds(children, inner), title + ": what was packed comes out", "%s %s" % (part, children))
    opened = part.get("decoder") == "unpack/" + name and "U" not in part["attributes"]
    t.ok(not opened if name in NEVER_ALL else opened, title + (": never believed to be all" if name in NEVER_ALL else ": opened"), str(part))
    if form.suffix != ".exe":       # what is cut there is a program that holds nothing
        damaged(t, p, form, title, part["types"])


def damages(data, seed):
    """(what, data): ends that are missing, and pieces that are noise, all over it."""
    rng = random.Random(seed)
    for k in range(1, PLACES):
        at = len(data) * k // PLACES
        yield "cut at %d" % at, data[:at]
        yield "noise at %d" % at, data[:at] + rng.randbytes(12) + data[at + 12:]


def damaged(t, p, form, title, types):
    """Two members (a stream: one content), of which none may be missed in silence. (Where a format has no checksums, what is in
    it may be another content: everybody sees that one.)"""
    inner = [inner_of(form), inner_of(form)[:-1] + b"x"]
    data = form.make(inner[0]) if form.is_stream else form.make([("first", inner[0]), ("second", inner[1])])
    wanted = inner[:1] if form.is_stream else inner
    missed = []
    for what, bad in damages(data, form.name):
        _, part, children = scan(p, bad, form.suffix)
        members = [x for x in children if x["parent"] == part["number"]]
        if part["types"] == types and "U" not in part["attributes"] and len(members) < len(wanted):
            missed.append("%s: %s %s" % (what, part, children))
    t.ok(not missed, title + ": damaged, and never called opened with something missing", "\n".join(missed))


def passwords(t, p, name, data, suffix, inner):
    _, part, children = scan(p, data, suffix, b"The password is: opensesame")
    t.ok(holds(children, inner) and "K" in part["attributes"], "%s: a word of the mail opens %s" % (name, suffix), "%s %s" % (part, children))
    code, part, children = scan(p, data, suffix, b"No word here.")
    t.ok(code == 2 and "C" in part["attributes"] and not holds(children, inner), "%s: without it %s is encrypted" % (name, suffix), "%s %s" % (part, children))


def encrypted(t, p, name):
    inner = programs.padded(EICAR)
    if name == "arj":
        passwords(t, p, name, programs.made_by([("x", inner)], ".arj", "arj", "a", "-y", "-gopensesame", "{}", "*"), ".arj", inner)
    if name == "sevenzip":
        for more in [], ["-mhe=on"]:
            passwords(t, p, name, programs.made_by([("x", inner)], ".7z", "7zz", "a", "-popensesame", *more, "{}", "*"), ".7z", inner)
        passwords(t, p, name, programs.made_by([("x", inner)], ".zip", "7zz", "a", "-popensesame", "-mem=AES256", "{}", "*"), ".zip", inner)


def traversal(t, p, name):
    """Members that lead elsewhere, by the programs that can be made to pack such."""
    outside = p.folder.own("outside")
    with Members([("in/x", b"hello"), ("in/y", b"hello")]) as folder:
        if name == "arj":
            run("arj", "a", "-y", "a.arj", "in/x", folder=folder)
            data = open(folder + "/a.arj", "rb").read().replace(b"in/x", b"../x")
        else:
            run("7zz", "a", "-mx=0", "a.wim", "in/x", folder=folder)
            data = open(folder + "/a.wim", "rb").read().replace("in".encode("utf-16-le"), "..".encode("utf-16-le"))
    scan(p, data, "." + ("arj" if name == "arj" else "wim"))
    t.ok(not os.listdir(outside) and p.temp_files() == [], "%s: members that lead elsewhere lead nowhere" % name, str(p.temp_files()))


def absent(t, p, form):
    """Without any program: said once, and what would need one is undecipherable."""
    p.reload('path = "/nonexistent"')
    line = p.wait_log("not opened for want of a program")
    t.ok(line.count(" arc (") == 1 and " zoo (" in line and " tar (" not in line, "what stays shut is told at the start, each type once", line)
    code, part, _ = scan(p, formats.sample(form).data, form.suffix)
    t.ok(code == 2 and "U" in part["attributes"], "and is unchecked", str(part))


def main():
    known = {form.name: form for form in formats.load()}
    with Tap() as t, Catcher() as hop, Folder() as folder, Postern(t, hop, scanners=EXACT_SCANNER, folder=folder) as p:
        for name, candidates in definitions():
            found = [c for c in candidates if shutil.which(c)]
            if not found or name not in SAMPLES:
                t.skip(name, "not installed" if not found else "nothing here makes a sample")
                continue
            code, _, err = p.reload('decoders = { unpackers["%s"] { "%s" } }' % (name, found[0]))
            t.equal(code, 0, name + ": the configuration is good")
            for form in [known[x] for x in SAMPLES[name]]:
                lacking = [tool for tool in form.tools if not shutil.which(tool)]
                if lacking:
                    t.skip(name + ": " + form.name, "needs " + ", ".join(lacking))
                else:
                    whole_and_damaged(t, p, name, form)
            encrypted(t, p, name)
            if name in ("arj", "sevenzip"):
                traversal(t, p, name)
        absent(t, p, known["arc/stored"])
        code, _, err = p.reload('decoders = { unpackers.arjj { } }')
        t.ok(code != 0 and 'did you mean "unpackers.arj"' in err, "an unknown name is told, with the nearest", err)


if __name__ == "__main__":
    main()
