#!/usr/bin/python3
"""test_formats.py - for every format: a test virus two levels deep is found, at its place in the tree, by a scanner that knows
nothing but that very file.  The table side by side with amavisd-new is printed by tests/bench/formats."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import formats  # noqa: E402

def main():
    with Tap() as t, Catcher() as hop, Folder() as folder, Postern(t, hop, scanners=EXACT_SCANNER, folder=folder) as p:
        decoders = formats.built_decoders(BUILD)
        for form, sample in formats.samples(decoders):
            if sample is None:
                t.skip(form.name, "needs " + ", ".join(form.missing(decoders)))
                continue
            path = folder.join("mail")
            with open(path, "wb") as f:
                f.write(formats.mail_with(sample))
            code, out, err = p.ctl("scan", "--json", "--tree", path)
            answer = json.loads(out) if out else {"findings": [], "tree": []}
            places = answer["findings"][0]["parts"] if answer["findings"] else []
            t.ok("1/2/" + sample.place in places, form.name, "wanted 1/2/%s, got %s\n%s%s" % (sample.place, places, p.ctl("scan", "--tree", path)[1], err))
            doubts = "".join(letter for letter in "UCB" if any(letter in part["attributes"] for part in answer["tree"]))
            t.equal(doubts, form.doubts, form.name + ": what is doubtful about it")


if __name__ == "__main__":
    main()
