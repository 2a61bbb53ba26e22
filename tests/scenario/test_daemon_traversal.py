#!/usr/bin/python3
"""test_daemon_traversal.py - members with names that lead elsewhere, links and files through them, devices, names of every kind, in
every format: nothing is made outside of the opener's folder, nothing is run, and every name is told as it stands."""
import io
import json
import os
import shutil
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import formats  # noqa: E402
from formats import archives, zips  # noqa: E402

LONG = "n" * 4096


def names_of(folder):
    """Names that would leave a mark if anybody used them."""
    marks = [folder.join(name) for name in ("absolute", "shell", "through")]
    up = "../" * 12
    return marks, ["../up", up + folder.join("up")[1:], folder.join("absolute"), "a/../../../up2", "C:\\windows\\x", "..\\..\\back",
                   "a;touch %s" % folder.join("shell"), "$(touch %s)" % folder.join("shell"), "`touch %s`" % folder.join("shell"), "a|b&c>d",
                   "-rf", "p001", "new\nline", "tab\tquote\"'", " ", "CON", "a.exe ", "x\u202egnp.exe", LONG]


def tar_of(names, links):
    """Everything that a tar archive can say."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as t:
        for name, kind, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, target, 0o6777
            t.addfile(info)
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.mode = 5, 0o6777
            t.addfile(info, io.BytesIO(b"hello"))
    return out.getvalue()


def links_of(folder):
    return [("link", tarfile.SYMTYPE, folder.path), ("hard", tarfile.LNKTYPE, "/etc/passwd"), ("device", tarfile.CHRTYPE, ""), ("block", tarfile.BLKTYPE, ""),
            ("fifo", tarfile.FIFOTYPE, ""), ("directory", tarfile.DIRTYPE, ""), ("dangling", tarfile.SYMTYPE, "../../../../etc/passwd")]


def convert(tar, form):
    """libarchive's bsdtar makes another format of it, without a file system in between."""
    with formats.Folder([("in.tar", tar)]) as folder:
        return formats.run("bsdtar", "-P", "-cf", "-", "--format=" + form, "@in.tar", folder=folder)


def archives_of(folder, names):
    members = [(name, b"hello") for name in names if "\n" not in name]
    short = [(name, data) for name, data in members if len(name) < 4096]
    raw = [(b"\xff\xfe\x80.exe", b"hello"), (b"caf\xe9.exe", b"hello")]
    tar = tar_of(names + ["link/through"], links_of(folder))
    yield "tar", tar, True
    yield "zip", zips.raw_zip([(name.encode(), 8, zips.deflated(data), data) for name, data in members] + [(n, 0, d, d) for n, d in raw]), False
    yield "cpio/newc", archives.newc(members), False
    yield "cpio/odc", archives.odc(members), False
    yield "cpio/bin", archives.cpio_members(members, archives.cpio_binary("<")), False
    yield "rar/4", archives.rar4(members), False
    yield "rar/5", archives.rar5(members), False
    yield "cab", archives.cab([m for m in short if len(m[0]) < 250], 1), False
    yield "lha", archives.lha_level(short, 2), False
    yield "ar", archives.ar([(name + "/", data) for name, data in short if len(name) < 15 and name[0] != "/"]), False
    if shutil.which("bsdtar"):
        plain = tar_of([name for name, _ in short] + ["link/through"], links_of(folder)[:1] + links_of(folder)[5:])
        for form in ("7zip", "zip", "newc", "xar", "pax", "iso9660"):
            try:
                yield "by bsdtar/" + form, convert(plain, form), False
            except RuntimeError as e:
                yield "by bsdtar/" + form, None, str(e)


def everything_below(*tops):
    return sorted(os.path.join(root, name) for top in tops for root, folders, files in os.walk(top) for name in folders + files)


def is_told(name, told, title):
    """libarchive turns the backslashes of zip round, and gives RAR up at a name that is longer than its own limit."""
    if title == "zip":
        name = name.replace("\\", "/")
    return name in told or "\n" in name or (title == "rar/5" and name == LONG)


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder, Postern(t, hop, scanners=EXACT_SCANNER, lua="MAXFILES = 3000\n", folder=folder) as p:
        marks, names = names_of(folder)
        path = folder.join("mail")
        for title, data, links in archives_of(folder, names):
            if data is None:
                t.skip(title, links)
                continue
            with open(path, "wb") as f:
                f.write(formats.mail_with(type("Sample", (), {"name": title, "data": data, "filename": "names"})))
            before = everything_below(folder.path)
            code, out, err = p.ctl("scan", "--json", "--tree", path)
            p.wait(lambda: not os.listdir(p.temp) or not any(os.listdir(os.path.join(p.temp, f)) for f in os.listdir(p.temp)), 20, "not emptied")
            told = [name for part in json.loads(out)["tree"] for name in part["names"]] if out else []
            t.ok(len(told) > len(names) // 3, "%s: opened" % title, "%d: %s %s" % (code, out[:2000], err))
            odd = [f for f in set(everything_below(folder.path)) ^ set(before) if not f.startswith(p.temp)]
            t.equal(odd, [], "%s: nothing outside" % title)
            t.equal([m for m in marks if os.path.exists(m)], [], "%s: nothing run" % title)
            if links:
                letters = "".join(part["attributes"] for part in json.loads(out)["tree"])
                t.ok(all(letter in letters for letter in "LSD"), "%s: links, special files and directories are told" % title, letters)
            if title in ("tar", "zip", "rar/5", "cpio/newc"):
                t.equal([n[:60] for n in names if not is_told(n, told, title)], [], "%s: every name is told as it stands" % title)
            t.equal(send(p.port, mail()).code, 250, "%s: mails go on" % title)


if __name__ == "__main__":
    main()
