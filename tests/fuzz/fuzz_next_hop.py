#!/usr/bin/python3
"""Replay the corpus of fuzz_next_hop, as TAP."""
import os
import subprocess
import sys

build, source = os.environ.get("POSTERN_BUILD", "."), os.environ.get("POSTERN_SOURCE", ".")
done = subprocess.run([build + "/tests/fuzz/fuzz_next_hop", "-runs=0", source + "/tests/fuzz/corpus/next_hop"],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
print("1..1")
for line in done.stdout.decode("utf-8", "replace").splitlines():
    print("# " + line)
print("%s 1 - fuzz_next_hop" % ("not ok" if done.returncode else "ok"))
sys.exit(1 if done.returncode else 0)
