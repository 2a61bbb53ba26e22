#!/usr/bin/python3
"""lookups.py - lookups per second of each kind of table, beside amavisd-new's own or another peer (see README.md; run by hand)

Each row is a lookup list asked for the same addresses, half of which it knows, through tests/scenario/lookup_probe: everything that a
worker does for one lookup, keys included, and nothing else.  Then a hash file of 100,000 lines: how long it takes to load, and what it
costs a template and its workers.  Modules lookups_*.py beside this one add rows: rows(tables, addresses) yields (name, maps, settings, peer) and may
keep a server up while it is asked for the next; peer() is (its name, its lookups per second or None), peer None where there is none to compare.

    lookups.py --build-dir BUILD [--seconds 1] [--rounds 5] [--only PATTERN]"""
import argparse
import glob
import importlib
import os
import random
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ENTRIES = 100000
RULES = 100
WORKERS = 8
LOAD_SECONDS_MAX = 1.0
WORKER_SHARE_MAX = 0.1		# of what the table takes, that each worker may cost on top

AMAVIS = r"""
use Exporter;
BEGIN { eval { require Amavis::Conf; require Amavis::Lookup; require Amavis::Lookup::RE; require Amavis::rfc2821_2822_Tools; 1 } or exit 77 }
use Time::HiRes 'time';
my ($kind, $seconds) = @ARGV;
my ($delimiter, $case) = ('+', 0);
$Amavis::Conf::current_policy_bank{recipient_delimiter} = \$delimiter;
$Amavis::Conf::current_policy_bank{localpart_is_case_sensitive} = \$case;
$Amavis::Conf::current_policy_bank{log_level} = 0;
my (@table, @addresses);
while (<STDIN>) { chomp; last if $_ eq ''; push @table, $_ }
while (<STDIN>) { chomp; push @addresses, $_ }
my $table = $kind eq 'hash' ? {map { split / /, $_, 2 } @table} : $kind eq 'acl' ? \@table :
	Amavis::Lookup::RE->new(map { my ($re, $r) = split / /, $_, 2; [qr/$re/i, $r] } @table);
my ($began, $n) = (time, 0);
while (time - $began < $seconds) {
	for (@addresses) { Amavis::rfc2821_2822_Tools::clear_query_keys_cache(); Amavis::Lookup::lookup2(0, $_, [$table]); $n++ }
}
printf "%d\n", $n / (time - $began);
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name matches")
    return parser.parse_args()


ARGUMENTS = arguments()
os.environ["POSTERN_BUILD"] = os.path.abspath(ARGUMENTS.build_dir)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
from lookupprobe import Probe, Tables  # noqa: E402

SETTINGS = {"recipient_delimiter": "+"}


def user(n):
    return "user%d@d%d.example.com" % (n, n % 997)


def addresses():
    """A thousand, in the forms that mail has; every other one is in no table."""
    r = random.Random(4)
    known = [user(r.randrange(ENTRIES)) for _ in range(500)]
    forms = [str, str.title, lambda a: a.replace("@", "+box@", 1)]
    return [r.choice(forms)(a) for a in known] + ["nobody%d@elsewhere%d.example.net" % (n, n) for n in range(500)]


def rule(n):
    return r"^user%d(\+.*)?@d[0-9]+\.example\.com$" % n


def own_rows(tables):
    tables.write("hash", "".join("%s yes\n" % user(n) for n in range(ENTRIES)))
    tables.write("small", "".join("%s yes\n" % user(n) for n in range(100)))
    tables.write("rules", "".join("/%s/ $1\n" % rule(n * 7) for n in range(RULES)))
    tables.write("list", "".join(".d%d.example.com\n" % n for n in range(RULES)))
    inline = ", ".join('{ rx([[%s]], "i"), "$1" }' % rule(n * 7) for n in range(RULES))
    pairs = ", ".join('["%s"] = "yes"' % user(n) for n in range(100))
    yield "constant", '{ "yes" }', SETTINGS
    yield "hash in the configuration, 100", "{ { %s } }" % pairs, SETTINGS
    yield "hash file, 100", '{ hash "small" }', SETTINGS
    yield "hash file, 100,000", '{ hash "hash" }', SETTINGS
    yield "access list, 100", '{ list "list" }', SETTINGS
    yield "re{ } in the configuration, 100 rules", "{ re { %s } }" % inline, SETTINGS
    yield "pcre file, 100 rules", '{ pcre "rules" }', SETTINGS
    yield "Lua function", "{ function(key) return key == 'x' end }", SETTINGS
    if os.path.exists(os.path.join(os.environ["POSTERN_BUILD"], "plugins/lookup/cdb.la")):
        text = "".join("+%d,3:%s->yes\n" % (len(user(n)), user(n)) for n in range(ENTRIES)) + "\n"
        try:
            subprocess.run(["cdb", "-c", "-t", tables.join("tmp"), tables.join("table.cdb")], input=text.encode(), check=True)
            os.chmod(tables.join("table.cdb"), 0o644)
            yield "cdb, 100,000", '{ cdb "table.cdb" }', SETTINGS
        except FileNotFoundError:
            print("cdb: no program cdb, left out")


def all_rows(tables, asked):
    for name, maps, settings in own_rows(tables):
        kind, lines = PEERS.get(name, (None, None))
        yield name, maps, settings, (lambda kind=kind, lines=lines: ("amavisd-new", amavis(kind, lines(), asked))) if kind else None
    for path in sorted(glob.glob(os.path.join(HERE, "lookups_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        if hasattr(module, "rows"):
            yield from module.rows(tables, asked)


def measure(tables, maps, settings, path):
    """Median of the rounds, and half the distance between least and greatest: lookups per second."""
    with Probe(tables, maps, **settings) as p:
        rates = []
        for _ in range(ARGUMENTS.rounds):
            lookups, nanoseconds = (int(x) for x in p.say("bench %f %s" % (ARGUMENTS.seconds, path)).split("\t"))
            rates.append(lookups / nanoseconds * 1e9)
    return statistics.median(rates), (max(rates) - min(rates)) / 2


def amavis(kind, lines, asked):
    text = "\n".join(lines) + "\n\n" + "\n".join(asked) + "\n"
    rates = []
    for _ in range(ARGUMENTS.rounds):
        done = subprocess.run(["/usr/bin/perl", "-T", "-e", AMAVIS, kind, str(ARGUMENTS.seconds)], input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            return None
        rates.append(float(done.stdout))
    return statistics.median(rates)


PEERS = {
    "hash file, 100,000": ("hash", lambda: ["%s yes" % user(n) for n in range(ENTRIES)]),
    "access list, 100": ("acl", lambda: [".d%d.example.com" % n for n in range(RULES)]),
    "pcre file, 100 rules": ("re", lambda: ["%s $1" % rule(n * 7) for n in range(RULES)]),
}


def rates(tables):
    asked = addresses()
    path = tables.write("asked", "\n".join(asked) + "\n")
    print("%-42s %12s %10s   %s" % ("table", "lookups/s", "+-", "peer"))
    for name, maps, settings, peer in all_rows(tables, asked):
        if not re.search(ARGUMENTS.only, name):
            continue
        rate, spread = measure(tables, maps, settings, path)
        who, theirs = peer() if peer else ("", None)
        beside = "%s %d, ratio %.1f" % (who, theirs, rate / theirs) if theirs else who and who + ": not installed"
        print("%-42s %12d %10d   %s" % (name, rate, spread, beside), flush=True)


def time_to_load(tables, maps):
    times = []
    for _ in range(ARGUMENTS.rounds):
        began = time.monotonic()
        with Probe(tables, maps, **SETTINGS):
            times.append(time.monotonic() - began)
    return statistics.median(times)


def pss(tables, maps, path, workers):
    """KiB of a template and its workers."""
    with Probe(tables, maps, **SETTINGS) as p:
        template, worker = (int(x) for x in p.say("pss %d %s" % (workers, path)).split("\t"))
        return template + workers * worker


def cost_of_a_large_table(tables):
    """True: the promises hold."""
    tables.write("none", "# nothing\n")
    path = tables.join("asked")
    load = time_to_load(tables, '{ hash "hash" }') - time_to_load(tables, '{ hash "none" }')
    total, total_without = pss(tables, '{ hash "hash" }', path, WORKERS), pss(tables, '{ hash "none" }', path, WORKERS)
    once = pss(tables, '{ hash "hash" }', path, 1) - pss(tables, '{ hash "none" }', path, 1)
    share = (total - total_without - once) / (WORKERS - 1) / once
    print("\nhash file of %d lines" % ENTRIES)
    print("  loads in %.3f s (at most %.1f)" % (load, LOAD_SECONDS_MAX))
    print("  PSS of a template and %d workers: %d KiB, without the table %d KiB" % (WORKERS, total, total_without))
    print("  the table costs a template and 1 worker %d KiB, and each further worker %.1f %% of that (at most %d %%)"
          % (once, share * 100, WORKER_SHARE_MAX * 100))
    return load < LOAD_SECONDS_MAX and share < WORKER_SHARE_MAX


def main():
    with Tables() as tables:
        rates(tables)
        sys.exit(0 if cost_of_a_large_table(tables) else 1)


main()
