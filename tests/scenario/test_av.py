#!/usr/bin/python3
"""Scanners by name (av): each definition makes an instance, the caller's options go first, unknown names are told with the nearest."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
import tap  # noqa: E402

with open(os.path.join(os.environ["POSTERN_SOURCE"], "lua/av.lua"), encoding="ascii") as source:
    NAMES = re.findall(r'^(?:program|daemon|define)\("(\w+)"', source.read(), re.M)


def check(text):
    with probe.Folder() as folder:
        path = folder.file("postern.conf", text.encode())
        done = subprocess.run([os.path.join(probe.BUILD, "posternd"), "-t", "--build-dir", probe.BUILD, "-c", path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout.decode().replace(path, "FILE")


def test_each_definition_makes_an_instance():
    assert len(NAMES) >= 8, NAMES
    said = check("av_scanners = {\n" + "".join("  av.%s{},\n" % n for n in NAMES) + "}\n")
    assert not re.search(r"FILE:\d+: (?!warning)", said), said


def test_errors_have_the_place():
    said = check("\nav_scanners = { av.clamscann{} }\n")
    assert 'FILE:2: av.clamscann: no such scanner; did you mean "av.clamscan"?' in said, said
    said = check("\n\nav_scanners = { av.clamscan{ argss = \"x\" } }\n")
    assert "FILE:3: " in said and "argss" in said, said


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
