#!/usr/bin/python3
"""lookups_ldap.py - how many recipients' records a second come out of a directory?  (see README.md; run by hand)

A private slapd with 10,000 entries on the loopback device.  One worker's connection, with and without its cache, in the clear
and by TLS, ldapi; beside it Postfix's own LDAP table where it is installed.

    lookups_ldap.py --build-dir BUILD"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

ENTRIES = 10000
ASKED = 2000        # distinct addresses, half of them without an entry
BASE_SETTINGS = "compatibility_level = 1\nbypass_virus_checks_maps = { true }\nenable_ldap = true\nlookup_cache_ttl = %d\nlookup_cache_entries = 100000\ndefault_ldap = { base = %s, %s }\n"


def addresses():
    return ["user%d@example.com" % (i * 7) for i in range(ASKED // 2)] + ["nobody%d@example.com" % i for i in range(ASKED // 2)]


def run_probe(build_dir, directory, ttl, options, seconds):
    """Answers a second of one worker."""
    import private_slapd
    with tempfile.NamedTemporaryFile("w", suffix=".lua", dir="/tmp") as f:
        f.write(BASE_SETTINGS % (ttl, json.dumps(private_slapd.BASE), options))
        f.flush()
        os.chmod(f.name, 0o644)
        done = subprocess.run([os.path.join(build_dir, "tests/scenario/record_probe"), "-n", "-t", str(seconds * 1000), "-b", build_dir, "-c", f.name],
                              input="\n".join(addresses()).encode() + b"\n", stdout=subprocess.PIPE, cwd="/", check=True)
    said = json.loads(done.stdout.decode())
    if said["failed"]:
        raise RuntimeError("%d of %d lookups failed" % (said["failed"], said["asked"]))
    return said["asked"] * 1000 / said["ms"]


def run_postmap(directory):
    """Keys a second of Postfix's LDAP table; None: it has none here."""
    import private_slapd
    postmap = shutil.which("postmap", path="/usr/sbin:/usr/local/sbin")
    if not postmap or "ldap" not in subprocess.run(["/usr/sbin/postconf", "-m"], stdout=subprocess.PIPE, check=False).stdout.decode().split():
        return None
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/main.cf", "w", encoding="ascii"):
            pass
        with open(folder + "/map.cf", "w", encoding="ascii") as f:
            f.write("server_host = %s\nsearch_base = %s\nquery_filter = (&(objectClass=amavisAccount)(|(mail=%%s)(mail=@%%d)(mail=@.)))\n"
                    "result_attribute = amavisSpamTagLevel\nversion = 3\n" % (directory.url, private_slapd.BASE))
        keys = "\n".join(addresses()).encode() + b"\n"
        began = time.monotonic()
        subprocess.run([postmap, "-c", folder, "-q", "-", "ldap:%s/map.cf" % folder], input=keys, stdout=subprocess.DEVNULL, check=False)
        return ASKED / (time.monotonic() - began)


def measure(build_dir, seconds=3):
    """Rows (name, lookups a second), the peer first where there is one."""
    import private_slapd
    rows = []
    with private_slapd.Slapd(names="IP:127.0.0.1") as d:
        d.add_many([("uid=user%d,%s" % (i, private_slapd.BASE), {"mail": "user%d@example.com" % i, "amavisSpamTagLevel": str(i % 10)}) for i in range(ENTRIES)])
        peer = run_postmap(d)
        if peer:
            rows.append(("Postfix ldap:", peer))
        for name, ttl, options in (("LDAP", 0, 'hostname = "%s"' % d.url),
                                   ("LDAP, ldapi", 0, 'hostname = "%s", sasl = true' % d.local_url),
                                   ("LDAP, TLS", 0, 'hostname = "%s", cafile = "%s"' % (d.secure_url, d.authority.file)),
                                   ("LDAP, cached", 3600, 'hostname = "%s"' % d.url)):
            rows.append((name, run_probe(build_dir, d, ttl, options, seconds)))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    import private_slapd
    if private_slapd.missing():
        sys.exit(private_slapd.missing())
    rows = measure(os.path.abspath(arguments.build_dir), arguments.seconds)
    print("%-16s %12s %8s" % ("", "lookups/s", "ratio"))
    for name, rate in rows:
        print("%-16s %12.0f %8.2f" % (name, rate, rate / rows[0][1]))


if __name__ == "__main__":
    main()
