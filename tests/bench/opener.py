#!/usr/bin/python3
"""opener.py - how fast mails are opened: beside bsdtar on one large archive, beside amavisd-new on a mix of mails, and what one bomb
does to the mails beside it.  See README.md; run by hand, on a machine that has nothing else to do.

    tests/bench/opener.py --build-dir BUILD [--rounds 9] [--only archive|mix|bomb]

Floors: a 20 MiB zip archive of 2,000 members takes no more than 3 times as long as `bsdtar -xf` without digests, and at most a third
of `bsdtar -xf`, `file` and `sha1sum` on its members with them; one mail at a time beside a bomb has a median of at most 1.5 times what it
has alone.  Exit status 1: one was missed."""
import argparse
import io
import os
import random
import resource
import shutil
import smtplib
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from email.message import EmailMessage

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import bombs  # noqa: E402
import formats  # noqa: E402
import peers  # noqa: E402
from rig import Rig, Trouble, machine, median_and_spread  # noqa: E402

WITHOUT_DIGESTS, WITH_DIGESTS, BESIDE_BOMB = 3.0, 1 / 3, 1.5


def mail_of(text, *files):
    m = EmailMessage()
    m["Subject"], m["From"], m["To"] = "bench", "a@example.org", "b@example.com"
    m["Date"], m["Message-ID"] = "Sat, 21 Nov 2026 03:00:00 +0000", "<bench@example.org>"
    m.set_content(text)
    for name, data in files:
        m.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return m.as_bytes().replace(b"\n", b"\r\n")


def large_archive():
    """20 MiB: 2,000 members of 20 KiB that compress by half."""
    dice = random.Random(3)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(2000):
            z.writestr("folder%d/member%d.bin" % (i % 40, i), b"".join(dice.randbytes(80) + bytes(80) for _ in range(130)))
    return out.getvalue()


def timed(argv, folder):
    """Microseconds of wall and of CPU time."""
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (time.monotonic() - began) * 1e6, (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) * 1e6


def by_programs(rig, archive, with_digests):
    """bsdtar -xf to the same tmpfs, then file and sha1sum on all members; what they made is removed outside of the time."""
    folder = rig.subfolder("extracted")
    times = [timed(["bsdtar", "-xf", archive], folder)]
    if with_digests:
        names = [os.path.join(root, name) for root, _, found in os.walk(folder) for name in found]
        times += [timed(["file", "-b"] + names, folder), timed(["sha1sum"] + names, folder)]
    shutil.rmtree(folder)
    return sum(wall for wall, _ in times), sum(cpu for _, cpu in times)


def by_opener(rig, mail, digest):
    done = subprocess.run([rig.build + "/tests/bench/open_load", "1", digest, "-", rig.subfolder("scratch"), mail], check=True,
                          stdout=subprocess.PIPE, text=True, env=dict(os.environ, POSTERN_BUILD=rig.build))
    _, parts, size, wall, cpu = done.stdout.rsplit(maxsplit=4)
    return int(parts), int(size), (float(wall), float(cpu))


def measure_archive(rig, options):
    subprocess.run(["make", "-s", "-C", rig.build, "tests/bench/open_load"], check=True, stdout=subprocess.DEVNULL)
    data = large_archive()
    archive, mail = os.path.join(rig.folder, "large.zip"), os.path.join(rig.folder, "large.eml")
    for path, content in ((archive, data), (mail, mail_of("See there.", ("large.zip", data)))):
        with open(path, "wb") as f:
            f.write(content)
    rows = {name: [] for name in ("plain", "digests", "bsdtar", "bsdtar, file, sha1sum")}
    for _ in range(options.rounds):
        for name, value in (("plain", by_opener(rig, mail, "-")[2]), ("bsdtar", by_programs(rig, archive, False)),
                            ("digests", by_opener(rig, mail, "SHA1")[2]), ("bsdtar, file, sha1sum", by_programs(rig, archive, True))):
            rows[name].append((value[0] / 1000, value[1] / 1000))
    parts, size, _ = by_opener(rig, mail, "SHA1")
    print("\nA zip archive of %d members, %.1f MiB, %.1f MiB in it" % (parts - 4, len(data) / (1 << 20), size / (1 << 20)))
    for name, label in (("plain", "opener, types"), ("digests", "opener, types and digests"), ("bsdtar", "bsdtar -xf"),
                        ("bsdtar, file, sha1sum", "bsdtar -xf, file, sha1sum")):
        print("  %-28s %8.1f ms +-%.0f%% %8.1f ms of CPU" % ((label,) + median_and_spread([v[0] for v in rows[name]])
                                                             + (statistics.median(v[1] for v in rows[name]),)))
    met = True
    for a, b, floor in (("plain", "bsdtar", WITHOUT_DIGESTS), ("digests", "bsdtar, file, sha1sum", WITH_DIGESTS)):
        wall, cpu = (statistics.median(v[k] for v in rows[a]) / statistics.median(v[k] for v in rows[b]) for k in (0, 1))
        print("  %s / %s: %.2f, CPU %.2f (floor %.2f)" % (a, b, wall, cpu, floor))
        met = met and wall <= floor
    return met


# --- a mix of mails, through the whole daemons

class AmavisdOpens(peers.Amavisd):
    """Takes apart, scans nothing."""
    name, scans, uses_clamd = "amavisd-new", False, False
    scanner = ""
    settings = "@bypass_virus_checks_maps = (1); @bypass_banned_checks_maps = (0); $banned_filename_re = undef; $MAXLEVELS = 14; $MAXFILES = 3000;"


class PosternOpens(peers.PosternNoScanner):
    name = "postern"
    settings = peers.PosternNoScanner.settings + "\nMAXFILES = 3000\nlocal_domains_maps = { \".example.com\" }\n"


def mix():
    """As a day's mail has them: mostly text, documents, pictures, now and then an archive."""
    dice = random.Random(4)
    from formats import archives, zips
    document = zips.ooxml("word/document.xml")([("media/image%d.png" % i, b"\x89PNG\r\n\x1a\n" + dice.randbytes(60000)) for i in range(4)])
    texts = [("text%d.txt" % i, b"All work and no play makes Jack a dull boy.\n" * 400) for i in range(30)]
    mails = [mail_of("Hello. " * 300) for _ in range(12)]
    mails += [mail_of("See there.", ("picture.jpg", b"\xff\xd8\xff\xe0" + dice.randbytes(200000))) for _ in range(3)]
    mails += [mail_of("See there.", ("letter.docx", document)) for _ in range(3)]
    mails += [mail_of("See there.", ("texts.zip", zips.pack(texts))), mail_of("See there.", ("texts.tar.gz", archives.tgz(texts)))]
    return mails


def send_all(port, mails):
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as client:
        client.ehlo("bench.example")
        for mail in mails:
            client.mail("a@example.org")
            client.rcpt("b@example.com")
            code, reply = client.data(mail)
            if code != 250:
                raise Trouble("answered %d %s" % (code, reply))


def measure_mix(rig, options):
    mails, running = mix(), []
    size = sum(map(len, mails)) / (1 << 20)
    sink = peers.start_sink(rig)
    for peer in (PosternOpens, AmavisdOpens):
        try:
            running.append(peer(rig, sink, None))
        except Trouble as e:
            print("LEFT OUT: %s: %s" % (peer.name, e))
    rows = {peer.name: [] for peer in running}
    for round_number in range(options.rounds + 1):
        for peer in running:
            cpu, began = peer.group.cpu_ms(), time.monotonic()
            send_all(peer.port, mails)
            elapsed = time.monotonic() - began
            if round_number:
                rows[peer.name].append((size / elapsed, (peer.group.cpu_ms() - cpu) / len(mails)))
    print("\nA mix of %d mails, %.1f MiB, one at a time: opened, not scanned" % (len(mails), size))
    for name, values in rows.items():
        print("  %-28s %8.1f MiB/s +-%.0f%% %8.2f ms of CPU a mail" % ((name,) + median_and_spread([v[0] for v in values]) + (statistics.median(v[1] for v in values),)))
    return True


# --- beside a bomb

def latencies(port, mail, count):
    out = []
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as client:
        client.ehlo("bench.example")
        for _ in range(count):
            began = time.monotonic()
            client.mail("a@example.org")
            client.rcpt("b@example.com")
            client.data(mail)
            out.append((time.monotonic() - began) * 1000)
    return out


def measure_bomb(rig, options):
    sink = peers.start_sink(rig)
    peer = PosternOpens(rig, sink, None)
    small = mail_of("Hello. " * 300, ("a.zip", formats.zips.pack([("a.txt", b"hello " * 500)])))
    bomb = mail_of("See there.", ("42.zip", bombs.nested_zips()))
    latencies(peer.port, small, 50)
    alone, beside, stop = [], [], threading.Event()

    def keep_bombing():
        while not stop.is_set():
            latencies(peer.port, bomb, 1)
    for _ in range(options.rounds):
        alone += latencies(peer.port, small, 50)
        stop.clear()
        bomber = threading.Thread(target=keep_bombing)
        bomber.start()
        time.sleep(0.2)
        beside += latencies(peer.port, small, 50)
        stop.set()
        bomber.join()
    ratio = statistics.median(beside) / statistics.median(alone)
    print("\nOne mail at a time: median %.2f ms alone, %.2f ms beside one bomb after the other: %.2f (floor %.1f)" % (
        statistics.median(alone), statistics.median(beside), ratio, BESIDE_BOMB))
    return ratio <= BESIDE_BOMB


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build-dir", required=True, help="a build made with CFLAGS=-O2 and no sanitizer")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=["archive", "mix", "bomb"])
    options = parser.parse_args()
    formats.load()
    met = True
    for what, measure in (("archive", measure_archive), ("mix", measure_mix), ("bomb", measure_bomb)):
        if options.only in (None, what):
            with Rig(options.build_dir) as rig:
                if what == (options.only or "archive"):
                    print(machine())
                met = measure(rig, options) and met
                sys.stdout.flush()
    return 0 if met else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as e:
        sys.exit("opener.py: %s" % e)
