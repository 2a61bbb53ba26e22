#!/usr/bin/python3
"""run_convert.py - each convert/NAME.conf is converted; NAME.lua is what comes out of it, NAME.err the exit code and what is said.

"# options: ..." in a conf are options for the program. POSTERN_GOLDEN_WRITE=1 writes the expected files. The list of what is without
effect in this version is left out of the comparison: it shrinks with every version. posternd -t takes every file that comes out."""
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from convertcheck import SOURCE, convert, converted  # noqa: E402
from tapout import Tap  # noqa: E402

GOLDEN = os.path.join(SOURCE, "tests", "golden", "convert")


def prepare(here):
    """The cases where a test may write, and two programs for them to find."""
    shutil.copytree(GOLDEN, here, dirs_exist_ok=True)
    os.chmod(here, 0o755)       # the source may be read-only
    os.mkdir(os.path.join(here, "bin"))
    for name in "second", "first":
        path = os.path.join(here, "bin", name)
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/false\n")
        os.chmod(path, 0o755)
    for folder, names, files in os.walk(here):
        for name in names + files:
            path = os.path.join(folder, name)
            os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)


def without_inert(text):
    return re.sub(r"\n-- Taken over, but without effect in this version of Postern:\n(?:--   .*\n)*", "", text)


def expected(name, got):
    path = os.path.join(GOLDEN, name)
    if os.environ.get("POSTERN_GOLDEN_WRITE"):
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(got)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()
    except FileNotFoundError:
        return "(no such file: %s)\n" % name


def options_of(path):
    with open(path, encoding="latin-1") as f:
        found = re.search(r"^# options: (.*)", f.read(), re.M)
    return found.group(1).split() if found else []


def one(t, here, name):
    conf = name + ".conf"
    code, out, err = convert(options_of(os.path.join(here, conf)) + [conf], cwd=here)
    out = without_inert(out).replace(here, "@HERE@")
    err = ("exit %d\n" % code) + err.replace(here, "@HERE@")
    t.equal(err, expected(name + ".err", err), "%s: exit code and standard error" % name)
    good = t.equal(out, expected(name + ".lua", out), "%s: what comes out" % name) if code != 2 else True
    if not good:
        t.note(out)
    return code


def checked(t, here, name):
    """Written to a file, for the owner only, and taken by posternd."""
    lua = os.path.join(here, "out.lua")
    converted(t, name, [name + ".conf"], lua, options_of(os.path.join(here, name + ".conf")), here)
    t.equal(os.stat(lua).st_mode & 0o777, 0o600, "%s: what -o names has mode 0600" % name)


def main():
    with Tap() as t, tempfile.TemporaryDirectory() as folder:
        here = os.path.realpath(folder)
        os.chmod(here, 0o755)
        prepare(here)
        names = sorted(name[:-5] for name in os.listdir(GOLDEN) if name.endswith(".conf"))
        for name in names:
            if one(t, here, name) == 0:
                checked(t, here, name)
        code, out, err = convert(["parts"], cwd=here)
        t.match(out, r"^log_level = 2  -- two:2$", "a folder is read in the order of its files")
        code, out, err = convert(["parts/not-there"], cwd=here)
        t.equal((code, out), (2, ""), "a file that is not there")
        t.match(err, r"^convert-amavisd-conf: parts/not-there: No such file", "is named")


if __name__ == "__main__":
    main()
