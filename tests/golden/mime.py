#!/usr/bin/python3
"""Golden trees: every tests/golden/mime/NAME.eml taken apart must give NAME.tree.

A first line "X-Probe: options" in the mail is handed to the probe.  With
UPDATE=1 in the environment the .tree files are written instead of compared."""
import difflib
import os
import subprocess
import sys

source = os.environ.get("POSTERN_SOURCE", ".")
build = os.environ.get("POSTERN_BUILD", ".")
folder = os.path.join(source, "tests/golden/mime")
probe = os.path.join(build, "tests/golden/tree_probe")


def options_of(path):
    with open(path, "rb") as f:
        first = f.readline().decode("latin-1")
    return first.split(":", 1)[1].split() if first.startswith("X-Probe:") else []


def run(path):
    options = options_of(path)
    as_is = ["-b"] if "binary" in options else []
    options = [o for o in options if o != "binary"]
    done = subprocess.run([probe, *as_is, path, *options], stdout=subprocess.PIPE, check=False, timeout=120)
    return done.stdout.decode("latin-1") + ("" if done.returncode == 0 else f"exit {done.returncode}\n")


def main():
    mails = sorted(f for f in os.listdir(folder) if f.endswith(".eml"))
    print(f"1..{len(mails)}")
    for number, name in enumerate(mails, 1):
        tree = os.path.join(folder, name[:-4] + ".tree")
        got = run(os.path.join(folder, name))
        if os.environ.get("UPDATE"):
            with open(tree, "w", encoding="latin-1") as f:
                f.write(got)
        with open(tree, encoding="latin-1") as f:
            wanted = f.read()
        print(f"{'ok' if got == wanted else 'not ok'} {number} - {name}")
        if got != wanted:
            for line in difflib.unified_diff(wanted.splitlines(), got.splitlines(), "wanted", "got", lineterm=""):
                print("# " + line)


sys.exit(main())
