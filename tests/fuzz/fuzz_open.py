#!/usr/bin/python3
"""fuzz_open.py - the corpus of fuzz_open and fuzz_decoders, made anew: a sample of every format, each damaged in the same ways every time, and the
bombs.  FUZZ_VARIANTS says how many of each (15).  For longer: a build with --enable-fuzzing, FUZZ_KEEP=FOLDER to keep the corpus, then
fuzz_open FOLDER."""
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bombs  # noqa: E402
import formats  # noqa: E402
from formats import zips  # noqa: E402
from virus import EICAR  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
VARIANTS = int(os.environ.get("FUZZ_VARIANTS", "15"))
ODD = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff]


def damage(dice, data, others):
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4, 16])):
        at = dice.randrange(len(data)) if data else 0
        kind = dice.randrange(6)
        if kind == 0 and data:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1 and data:
            data[at] = dice.randrange(256)
        elif kind == 2:
            number, size = dice.choice(ODD), dice.choice([1, 2, 4, 8])
            data[at:at + size] = (number & (1 << size * 8) - 1).to_bytes(size, dice.choice(["little", "big"]))
        elif kind == 3:
            del data[at:at + dice.choice([1, 2, 16, len(data)])]
        elif kind == 4:
            data[at:at] = data[at:at + dice.randrange(1, 64)]
        else:
            other = dice.choice(others)
            start = dice.randrange(len(other))
            data[at:at + 32] = other[start:start + 64]
    return bytes(data)


def seeds():
    for form, sample in formats.samples():
        if sample is not None and len(sample.data) < 100000:
            yield form.name, sample.data
    for title, (_, make) in bombs.ALL.items():
        if title not in ("shared strings", "10000 members", "2000 tars in each other"):
            yield title, make()
    yield "encrypted", zips.encrypted([("eicar.com", EICAR)], b"infected")


def write_corpus(folder):
    dice = random.Random(5)
    all_seeds = list(seeds())
    datas = [data for _, data in all_seeds if len(data) < 10000]
    for name, data in all_seeds:
        stem = "".join(c if c.isalnum() else "-" for c in name)
        for i in range(VARIANTS):
            with open(os.path.join(folder, "%s.%03d" % (stem, i)), "wb") as f:
                f.write(damage(dice, data, datas) if i else data)
    return len(all_seeds)


def replay(number, target, folder):
    done = subprocess.run([os.path.join(BUILD, "tests/fuzz", target), "-runs=0", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, POSTERN_BUILD=BUILD), check=False, timeout=900)
    for line in done.stdout.decode(errors="replace").splitlines()[-200:]:
        print("# " + line)
    print("%s %d - nothing breaks %s" % ("not ok" if done.returncode else "ok", number, target))
    return 1 if done.returncode else 0


def main():
    folder = os.environ.get("FUZZ_KEEP") or tempfile.mkdtemp(prefix="postern-fuzz-")
    os.makedirs(folder, exist_ok=True)
    try:
        count = write_corpus(folder)
        print("1..2")
        print("# %d formats and bombs, %d variants of each" % (count, VARIANTS))
        return max(replay(number, target, folder) for number, target in enumerate(("fuzz_open", "fuzz_decoders"), 1))
    finally:
        if "FUZZ_KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
