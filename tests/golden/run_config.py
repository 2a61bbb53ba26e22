#!/usr/bin/python3
"""Wrong configurations, each with the lines that it must give; one file with five mistakes must give five.

Each tests/golden/config/NAME.lua is copied to a fresh folder with @BUILD@ and @HERE@ replaced, evaluated by
config_check, and what that prints is compared with NAME.err.  POSTERN_GOLDEN_WRITE=1 writes the .err files anew."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

build = os.environ.get("POSTERN_BUILD", ".")
source = os.environ.get("POSTERN_SOURCE", ".")
golden = os.path.join(source, "tests/golden/config")
program = os.path.join(build, "tests/golden/config_check")


def prepare(here):
    """A copy of the golden folder that is ours to write, with what cannot lie in a source tree."""
    for folder, _, names in os.walk(golden):
        target = os.path.join(here, os.path.relpath(folder, golden))
        os.makedirs(target, exist_ok=True)
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = f.read().replace("@BUILD@", os.path.realpath(build)).replace("@HERE@", here)
            with open(os.path.join(target, name), "w", encoding="utf-8") as f:
                f.write(text)
    with open(os.path.join(here, "damaged.so"), "wb") as f:
        f.write(b"\x7fELF this was a plugin once\n")
    module = os.path.join(build, "tests/golden/plugins/.libs/goodlookup.so")
    shutil.copyfile(module, os.path.join(here, "writable.so"))
    os.chmod(os.path.join(here, "writable.so"), 0o666)
    with open(os.path.join(here, "everyones.lua"), "w", encoding="utf-8") as f:
        f.write('mydomain = "example.com"\n')
    os.chmod(os.path.join(here, "everyones.lua"), 0o666)


def ship(here):
    """The configuration as it is installed."""
    os.makedirs(os.path.join(here, "shipped/conf.d"))
    for name in sorted(os.listdir(os.path.join(source, "conf.d"))):
        if name.endswith(".lua"):
            target = "shipped" if name == "postern.lua" else "shipped/conf.d"
            shutil.copyfile(os.path.join(source, "conf.d", name), os.path.join(here, target, name))


def dump(here, mode, name):
    run = subprocess.run([os.path.realpath(program), mode, name + ".lua"], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, POSTERN_BUILD=os.path.realpath(build)), timeout=60)
    return run.stdout.decode("utf-8", "replace")


def dumps(here):
    """Name and truth of what must hold of -n, -d, their JSON and the manual."""
    changed = dump(here, "-n", "good")
    yield "-n gives file and line", 'max_servers = 4\t-- good.lua:3\n' in changed
    yield "-n shows how a table was written", 'hash "parts/local_domains"' in changed
    yield "read_array cuts comments and quotes off", '{ "example.edu", "!no.example.edu", ".example.net", "a#b c@example.net" }' in changed
    yield "-n shows REPLACE of a bank's table as it is", "BOUNCED = { final_destiny_maps_by_ccat = { [CC_SPAM] = 0, REPLACE = true } }" in changed
    rows = json.loads(dump(here, "-nj", "good"))
    yield "-n as JSON", {"setting": "max_servers", "lua": "4", "value": 4, "file": "good.lua", "line": 3} in rows
    defaults = json.loads(dump(here, "-dj", "good"))
    yield "-d as JSON has every setting", len(defaults) > 300 and all(row["meaning"] for row in defaults)
    yield "-d as JSON names kinds", {row["setting"]: row["kind"] for row in defaults}["virus_lovers_maps"] == "MAPS"
    yield "-d has as many lines", len(dump(here, "-d", "good").splitlines()) == len(defaults)
    yield "the manual has as many entries", dump(here, "-m", "good").count("\n.It Va ") == len(defaults)
    secret = dump(here, "-n", "secrets") + dump(here, "-nj", "secrets")
    yield "no password in any dump", "topsecret" not in secret and "********" in secret


def evaluate(here, name):
    run = subprocess.run([os.path.realpath(program), name + ".lua"], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, POSTERN_BUILD=os.path.realpath(build)), timeout=60)
    text = run.stdout.decode("utf-8", "replace")
    if run.returncode not in (0, 78):
        text += "exit %d\n%s" % (run.returncode, run.stderr.decode("utf-8", "replace"))
    errors = [line for line in text.splitlines() if ": warning: " not in line]
    if (run.returncode == 78) != bool(errors):
        text += "exit status %d does not fit\n" % run.returncode
    return text.replace(here, "@HERE@").replace(os.path.realpath(build), "@BUILD@")


def main():
    names = sorted(n[:-4] for n in os.listdir(golden) if n.endswith(".lua")) + ["everyones"]
    print_from = len(names) + 2
    failed = 0
    here = os.path.realpath(tempfile.mkdtemp(prefix="config-golden-"))
    os.umask(0o022)
    os.chmod(here, 0o755)
    prepare(here)
    ship(here)
    for number, name in enumerate(names, 1):
        got = evaluate(here, name)
        expected_file = os.path.join(golden, name + ".err")
        if os.environ.get("POSTERN_GOLDEN_WRITE"):
            with open(expected_file, "w", encoding="utf-8") as f:
                f.write(got)
        expected = open(expected_file, encoding="utf-8").read() if os.path.exists(expected_file) else "(no .err file)\n"
        good = got == expected
        failed += not good
        print("%s %d - %s" % ("ok" if good else "not ok", number, name))
        if not good:
            print("\n".join("# expected: " + line for line in expected.splitlines()))
            print("\n".join("# got:      " + line for line in got.splitlines()))
    five = [line for line in evaluate(here, "five_errors").splitlines() if ": warning: " not in line]
    print("%s %d - five mistakes in one file give five lines" % ("ok" if len(five) == 5 else "not ok", len(names) + 1))
    checks = list(dumps(here)) + [("the shipped configuration is good", evaluate(here, "shipped/postern") == "")]
    for number, (what, holds) in enumerate(checks, print_from):
        failed += not holds
        print("%s %d - %s" % ("ok" if holds else "not ok", number, what))
    print("1..%d" % (len(names) + 1 + len(checks)))
    shutil.rmtree(here)
    return 1 if failed or len(five) != 5 else 0


sys.exit(main())
