#!/usr/bin/python3
"""test_differential_lookup.py - 5,000 random lookups answered by an installed amavisd-new and by Postern: equal results, equal matching keys;
and for 1,000 addresses what databases and directories are asked with.

Each wanted difference stands in DIFFERENCES with its reason; a case that shows one is counted, any other difference fails.
POSTERN_SEED repeats a run."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tapout import Tap, skip_all  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
SEED = int(os.environ.get("POSTERN_SEED") or 0) or random.randrange(1, 1 << 30)
COUNTS = {"hash": 2000, "acl": 1200, "re": 900, "clients": 400, "networks": 300, "clienthash": 200, "keys": 1000}
assert sum(COUNTS.values()) == 6000

LOCALS = ["user", "User", "info", "a", "A-b", "user+foo", "User+Foo", "u-x", "u+", "+u", "a+b+c", "a-b+c", "owner-list", "list-request", "owner-",
          "postmaster", "Postmaster", "postmaster+x", "mailer-daemon", "MAILER-DAEMON", "double-bounce", "mailer-daemon-x", "a b", "x'y", 'q"q', "$1", "j\u00fcrg", ""]
DOMAINS = ["example.com", "sub.example.com", "Sub.Example.COM", "a.b.c.example.com", "example.org", "org", "com", "EXAMPLE.net.", "x..y", ".x.org",
           "[192.0.2.1]", "[IPv6:2001:db8::1]", "b\u00fccher.example", "B\u00dccher.Example", "xn--bcher-kva.example", "-",
           ".".join("l%d" % i for i in range(24)) + ".deep", ""]
RESULTS = ["1", "0", "x", "", "$1", "to-$3@$5", "${2}$(4)", "$6$0$", "$$3", "$12", "a${b", "$(1"]


def address(r):
    if r.random() < 0.03:
        return ""
    if r.random() < 0.05:
        return r.choice(LOCALS)
    return r.choice(LOCALS) + "@" + r.choice(DOMAINS)


def normal(domain):
    """As administrators write keys: lower case, ACE."""
    return domain.lower().replace("b\u00fccher", "xn--bcher-kva").rstrip(".")


def hash_key(r):
    local, domain = r.choice(LOCALS), r.choice(DOMAINS)
    shapes = [local + "@" + domain, local.lower() + "@" + normal(domain), re.split(r"[+-]", local.lower())[0] + "@" + normal(domain),
              local.lower() + "@", re.split(r"[+-]", local.lower())[0] + "@", normal(domain), "." + normal(domain), local, ".", "@", "", ".com", ".example"]
    return r.choice(shapes)


def acl_item(r):
    local, domain = r.choice(LOCALS), normal(r.choice(DOMAINS))
    shape = r.choice([local + "@" + domain, local.lower() + "@" + domain, domain.upper(), domain, "." + domain, "." + domain, ".", ".com", ".example.com"])
    return "!" * r.choice([0, 0, 1, 2]) + shape


def rule(r):
    atom = r.choice(["user", "example", r"@example\.com$", r"^(.*)@(.*)$", r"^([^+]+)\+(\w+)@", r"\.(com|org)$", "^$", r"[A-Z]", r"^a", "@", r"(x)?y", r"\bfoo\b", r"^.{3}@"])
    return [atom, int(r.random() < 0.5), r.choice(RESULTS)]


def v4(r):
    return "%d.%d.%d.%d" % (r.choice([10, 192, 172]), r.choice([0, 16, 168]), r.randrange(3), r.randrange(4))


def v6(r):
    return r.choice(["2001:db8::%x" % r.randrange(4), "2001:DB8:0:1::%x" % r.randrange(3), "::1", "fe80::1", "::ffff:%s" % v4(r), "::%s" % v4(r)])


def client(r):
    return r.choice([v4(r), v4(r), v4(r), v6(r), "[%s]" % v6(r), "IPv6:" + v6(r), v6(r) + "%eth0", "0.0.0.0", "not an address", "10.1", "1.2.3.4.5", ""])


def network(r):
    bits = r.choice([0, 8, 12, 16, 24, 30, 32])
    four = [v4(r), "%s/%d" % (v4(r), bits), "10/8", "10.0/16", "192.168.1/24", "10.0.0.0/255.0.0.0", "172.16.0.0/255.240.0.0", "0.0.0.0/0"]
    six = ["%s/%d" % (v6(r), r.choice([16, 32, 64, 96, 127, 128])), v6(r), "[fe80::]/10", "::/0", "IPv6:2001:db8::/32"]
    return "!" * r.choice([0, 0, 0, 1, 2]) + r.choice(four * 2 + six)


def client_key(r):
    return r.choice([v4(r), v4(r).rsplit(".", 1)[0], v4(r).rsplit(".", 2)[0], "10.0", "192.168", "10", "192", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"])


def unique(pairs):
    return [[k, v] for k, v in dict(pairs).items()]


def make_case(r, kind):
    case = {"kind": kind, "delimiter": r.choice(["+", "+", "+-", "-", ""]), "case": int(r.random() < 0.2), "key": address(r)}
    if kind == "hash":
        case["table"] = unique((hash_key(r), r.choice(RESULTS + [None])) for _ in range(r.randint(1, 12)))
    elif kind == "keys":
        case["table"] = [r.randrange(2), r.randrange(2)]
    elif kind == "acl":
        case["table"] = [acl_item(r) for _ in range(r.randint(1, 10))]
    elif kind == "re":
        case["table"] = [rule(r) for _ in range(r.randint(1, 6))]
    else:
        case["key"] = client(r)
        case["table"] = unique((client_key(r), r.choice(["1", "0", "x"])) for _ in range(r.randint(1, 8))) if kind == "clienthash" \
            else [network(r) for _ in range(r.randint(1, 8))]
    return case


# ---- theirs ----

def octets(text):
    """JSON of Perl's octets: each byte a character."""
    return text.encode("utf-8").decode("latin-1") if isinstance(text, str) else [octets(x) for x in text] if isinstance(text, list) else text


def theirs(cases):
    lines = "".join(json.dumps(dict(case, key=octets(case["key"]), table=octets(case["table"]))) + "\n" for case in cases)
    done = subprocess.run(["/usr/bin/perl", "-T", os.path.join(HERE, "amavis_lookup.pl")], input=lines.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=600, check=False)
    if done.returncode == 77:
        skip_all("amavisd-new is not installed: " + done.stderr.decode(errors="replace").splitlines()[0])
    answers = [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]
    if done.returncode != 0 or len(answers) != len(cases):
        raise RuntimeError("amavis_lookup.pl ended with %d: %s" % (done.returncode, done.stderr.decode(errors="replace")[-2000:]))
    for case, answer in zip(cases, answers):
        if case["kind"] == "re" and answer[1] is not None:
            answer[1] = rule_text(case["table"][int(answer[1])])
    return answers


# ---- ours ----

def rule_text(one):
    return 'rx("%s"%s)' % (one[0].replace("\\", "\\\\").replace('"', '\\"'), ', "i"' if one[1] else "")


def value_text(value):
    return "undef" if value is None else '"%s"' % value


def table_lines(case):
    if case["kind"] in ("hash", "clienthash"):
        return ["%s = %s" % (key, value_text(value)) for key, value in case["table"]]
    if case["kind"] == "re":
        return ["/%s/%s = %s" % (pattern, "i" if caseless else "", value_text(value)) for pattern, caseless, value in case["table"]]
    return case["table"]


def ours(cases):
    kinds = {"hash": "hash", "clienthash": "hash", "acl": "acl", "clients": "acl", "re": "re", "networks": "cidr"}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as f:
        for n, case in enumerate(cases):
            if case["kind"] == "keys":
                f.write("delimiter %s\ncase %s\n" % (case["delimiter"] or "none", "yes" if case["case"] else "no"))
                f.write("keys | sql%s%s | %s\n" % (" no-at" * case["table"][0], " local" * case["table"][1], case["key"]))
                continue
            is_client = case["kind"].startswith("client") or case["kind"] == "networks"
            f.write("delimiter %s\ncase %s\ntable t%d %s\n" % (case["delimiter"] or "none", "yes" if case["case"] else "no", n, kinds[case["kind"]]))
            f.write("".join("\t%s\n" % line for line in table_lines(case)))
            f.write("ask | %s%s | t%d\n" % ("ip:" if is_client else "", case["key"], n))
        f.flush()
        done = subprocess.run([os.path.join(BUILD, "tests/golden/lookup/golden_lookup"), "-p", f.name], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=600, check=False)
    answers = []
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        fields = line.split("\t")
        result = {"true": "1", "false": "0"}.get(fields[0], fields[0])
        answers.append([None, None] if fields == ["nothing"] else [result, fields[1]])
    if len(answers) != len(cases):
        raise RuntimeError("golden_lookup -p: %s %s" % (done.stdout.decode()[-500:], done.stderr.decode()[-500:]))
    return answers


# ---- wanted differences: name, reason, and whether a case with these two answers is one ----

def names_capture_of_none(case, their, our):
    """The expression that matched has no parentheses, and its result has a $1."""
    return case["kind"] == "re" and their[1] == our[1] and any(
        rule_text(one) == their[1] and "(" not in one[0] and re.search(r"\$[({]?1\b", one[2] or "") for one in case["table"])


DIFFERENCES = [
    ("$1 of an expression without captures", "empty here, as their own manual says of references that do not exist; there a match without "
     "captures yields the number 1, which gets into addresses and file names", names_capture_of_none),
]


def main():
    r = random.Random(SEED)
    cases = [make_case(r, kind) for kind, count in COUNTS.items() for _ in range(count)]
    with Tap() as t:
        t.note("seed %d (POSTERN_SEED)" % SEED)
        wanted = {name: 0 for name, _, _ in DIFFERENCES}
        bad = {kind: [] for kind in COUNTS}
        answered = {kind: 0 for kind in COUNTS}
        for case, their, our in zip(cases, theirs(cases), ours(cases)):
            answered[case["kind"]] += their[1] is not None
            if their == our or (their[0] is None and our[0] is None):
                continue
            for name, _, is_one in DIFFERENCES:
                if is_one(case, their, our):
                    wanted[name] += 1
                    break
            else:
                bad[case["kind"]].append((case, "theirs", their, "ours", our))
        for kind, count in COUNTS.items():
            t.equal(bad[kind][:3], [], "%s: %d lookups, %d of them with an answer: equal results and keys" % (kind, count, answered[kind]))
            t.ok(answered[kind] > count // 20, "%s: the cases ask for something" % kind)
        for name, why, _ in DIFFERENCES:
            t.note("wanted difference, %d times: %s: %s" % (wanted[name], name, why))


main()
