#!/usr/bin/python3
"""fuzz_mime.py - the corpora of fuzz_views and fuzz_text_file, made anew: mails that hide something, ordinary ones, and files within
text, each damaged in the same ways every time.  FUZZ_VARIANTS says how many of each (3).  For longer: a build with --enable-fuzzing,
FUZZ_KEEP=FOLDER to keep the corpora, then fuzz_views FOLDER/views or fuzz_text_file FOLDER/texts."""
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hidden_mails as hidden  # noqa: E402
import ordinary_mails as ordinary  # noqa: E402
from damage import damage  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
VARIANTS = int(os.environ.get("FUZZ_VARIANTS", "3"))


def mails():
    for name, data, _, _ in hidden.mails():
        yield data
    for i, shape in enumerate(ordinary.SHAPES):
        yield ordinary.crlf(shape(ordinary.Writer(i), i))


def texts():
    data = bytes(range(256)) * 3
    for write in hidden.uuencode, hidden.xxencode, hidden.yenc, hidden.binhex:
        for content in hidden.EICAR, data, b"C" * 500:
            yield write(content)
            yield b"prose\r\n" + write(content) + b"prose\r\n" + write(content)
    yield hidden.binhex(b"x", resource=data)
    yield hidden.binhex(b"x", bomb=5000)
    yield hidden.yenc(data[:100], size=256, part=1, of=2, begin=1) + hidden.yenc(data[100:256], size=256, part=2, of=2, begin=101)
    for encoded in list(hidden.base64_mails()) + list(hidden.quoted_printable_mails()):
        yield encoded[1]
    for _, parameters, _ in hidden.name_fields():
        yield b"attachment; " + parameters
    for _, parameters, _, _ in hidden.boundary_fields():
        yield b"multipart/mixed; " + parameters


def write_corpus(folder, seeds):
    dice = random.Random(5)
    os.makedirs(folder, exist_ok=True)
    for number, data in enumerate(seeds):
        for i in range(VARIANTS + 1):
            with open(os.path.join(folder, "%04d.%d" % (number, i)), "wb") as f:
                f.write(damage(dice, data, seeds) if i else data)


def main():
    folder = os.environ.get("FUZZ_KEEP") or tempfile.mkdtemp(prefix="postern-fuzz-")
    failed = 0
    try:
        print("1..2")
        for number, (target, name, seeds) in enumerate([("fuzz_views", "views", list(mails())), ("fuzz_text_file", "texts", list(texts()))], 1):
            write_corpus(os.path.join(folder, name), seeds)
            done = subprocess.run([os.path.join(BUILD, "tests/fuzz", target), "-runs=0", os.path.join(folder, name)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=900)
            for line in done.stdout.decode(errors="replace").splitlines()[-100:] if done.returncode else []:
                print("# " + line)
            print("%s %d - %s: %d inputs and %d variants of each" % ("not ok" if done.returncode else "ok", number, target, len(seeds), VARIANTS))
            failed |= done.returncode != 0
        return failed
    finally:
        if "FUZZ_KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
