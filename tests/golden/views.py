#!/usr/bin/python3
"""views.py - hundreds of generated mails that hide a virus or a name in the ways of those who know how readers of MIME differ: each is
found, or marked ambiguous, or over limits; none passes for clean, and those that conform to the standards are found."""
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("POSTERN_BUILD", "."))
sys.path.insert(0, os.path.join(SOURCE, "tests/lib"))
from tapout import Tap  # noqa: E402
import hidden_mails  # noqa: E402
import hidden_more  # noqa: E402
import hashlib  # noqa: E402

VIRUS = "md5=" + hashlib.md5(hidden_mails.EICAR).hexdigest()[:8]


def trees_of(mails):
    """Name -> what the opener makes of that mail; one process for all."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in mails.items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)
        done = subprocess.run([os.path.join(BUILD, "tests/golden/tree_probe"), "-b", folder], stdout=subprocess.PIPE, check=True, timeout=600)
    trees = {}
    for tree in done.stdout.decode("latin-1").split("=== ")[1:]:
        name, tree = tree.split("\n", 1)
        trees[name] = tree
    return trees


def found(tree, wanted):
    if wanted == "virus":
        return VIRUS in tree
    return re.search(r"^  name .*\.exe$", tree, re.M | re.I) is not None


def main():
    mails = list(hidden_mails.mails()) + list(hidden_more.mails())
    with Tap() as t:
        t.equal(len(set(m[0] for m in mails)), len(mails), "each way has a name of its own")
        trees = trees_of({m[0].replace("/", "_"): m[1] for m in mails})
        counts = {"found": 0, "ambiguous only": 0, "over limits only": 0, "clean": 0}
        for name, data, wanted, standard in mails:
            tree = trees.get(name.replace("/", "_"), "")
            seen, ambiguous, limit = found(tree, wanted), " ambiguous=1 " in tree, "outcome LIMIT" in tree
            counts["found" if seen else "ambiguous only" if ambiguous else "over limits only" if limit else "clean"] += 1
            if not (seen or (not standard and (ambiguous or limit))):
                t.ok(False, name + (" conforms to the standards" if standard else ""), tree + data[:1500].decode("latin-1"))
        t.ok(len(mails) >= 200, "%d mails: %s" % (len(mails), ", ".join("%s %d" % c for c in counts.items())))
        t.equal(counts["clean"], 0, "none is clean")


if __name__ == "__main__":
    main()
