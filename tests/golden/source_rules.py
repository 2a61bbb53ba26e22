#!/usr/bin/python3
"""source_rules.py - holds the sources against the house rules that a compiler does not know.

Rooms call downwards only; libltdl is known to one file; no shell is run; files stay small; every program that hosts
plugins exports what the header promises."""
import os
import re
import sys

SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MAX = 1000

# From the bottom up; rooms on one level do not include each other.
LEVELS = [["postern"], ["base"], ["wire"], ["mail"], ["plugin"], ["lookup"], ["config"], ["deliver", "report"],
          ["reception", "worker", "opener", "unpack"], ["template"], ["master"], ["main"]]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

# Exceptions, each with its reason; they are printed by every run, so that nobody forgets them.
ALLOWED = {}

failures = 0
number = 0


def report(name, problems):
    global failures, number
    number += 1
    print("%s %d - %s" % ("not ok" if problems else "ok", number, name))
    for problem in problems:
        print("# " + problem)
    failures += bool(problems)


def sources(*tops):
    for top in tops:
        for base, folders, names in os.walk(os.path.join(SOURCE, top)):
            folders[:] = [f for f in folders if not f.startswith(".")]
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def", ".inc", ".py")):
                    path = os.path.join(base, name)
                    with open(path, encoding="utf-8") as f:
                        yield os.path.relpath(path, SOURCE), f.read()


def without_comments(text):
    """Comments blanked out, strings and line numbers kept."""
    pattern = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.S)
    return pattern.sub(lambda m: m.group(0) if m.group(0)[0] == '"' else re.sub(r"[^\n]", " ", m.group(0)), text)


def matches(pattern, *tops):
    for path, text in sources(*tops):
        if path.endswith((".c", ".h")):
            for at, line in enumerate(without_comments(text).split("\n"), 1):
                if re.search(pattern, line):
                    yield path, at, line.strip()


def room_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else "main"


def check_rooms():
    problems, used = [], set()
    for path, at, line in matches(r'^\s*#\s*include\s*"', "core"):
        header = re.search(r'"([^"]+)"', line).group(1)
        here, there = room_of(path), header.split("/")[0]
        if there not in LEVEL or here == there:
            continue
        if (here, header) in ALLOWED:
            used.add((here, header))
            continue
        if LEVEL[there] > LEVEL[here] or LEVEL[there] == LEVEL[here]:
            problems.append("%s:%d: room %s includes %s" % (path, at, here, header))
    report("lower rooms include no upper ones", problems + ["%s no longer includes %s: take the exception out" % gone
                                                            for gone in sorted(set(ALLOWED) - used)])
    for here, header in sorted(used):
        print("# excepted: room %s includes %s (%s)" % (here, header, ALLOWED[here, header]))


def check_ltdl():
    report("ltdl.h is included by core/plugin/host.c only",
           ["%s:%d: %s" % m for m in matches(r"#\s*include\s*<ltdl\.h>", "core", "plugins") if m[0] != "core/plugin/host.c"])


def check_shell():
    pattern = r'\b(system|popen|wordexp)\s*\(|"[^"]*\bsh\b[^"]*-c\b|"([^"]*/)?(ba|da|k|c)?sh"'
    report("no shell is ever run", ["%s:%d: %s" % m for m in matches(pattern, "core", "plugins")])


def check_plugins():
    allowed = re.compile(r'#\s*include\s*(<.*>|"config\.h")')

    def beside(path, line):     # what several plugins of one folder share, or of two
        name = re.match(r'#\s*include\s*"((?:\.\./)?[\w.]+)"', line)
        return name and os.path.exists(os.path.join(SOURCE, os.path.dirname(path), name.group(1)))
    problems = ["%s:%d: %s" % m for m in matches(r"#\s*include\b", "plugins") if not allowed.match(m[2]) and not beside(m[0], m[2])]
    report("plugins include nothing of the core but postern/plugin.h", problems)


def check_lengths():
    problems = []
    for path, text in sources("core", "plugins", "tests", "tools"):
        lines = text.count("\n")
        if lines > LINES_MAX:
            problems.append("%s has %d lines, more than %d" % (path, lines, LINES_MAX))
    report("no file is longer than %d lines" % LINES_MAX, problems)


def check_heads():
    problems = [path for path, text in sources("core", "plugins")
                if path.endswith((".c", ".h")) and not text.startswith("/*")]
    report("every source begins by saying what it is for", problems)


def check_listed():
    """Sources that no makefile names are built by nobody and missing from the distribution."""
    listed = ""
    for path, text in sources("core", "plugins", "tests"):
        if path.endswith(".inc"):
            listed += text
    with open(os.path.join(SOURCE, "Makefile.am"), encoding="utf-8") as f:
        listed += f.read()
    problems = []
    for path, _ in sources("core", "plugins", "tests"):
        if not path.endswith(".inc") and not re.search(r"(^|[\s=])%s(\s|\\|$)" % re.escape(path), listed, re.M):
            problems.append(path + " is named by no makefile")
    report("every source is named by a makefile", problems)


def check_exports():
    with open(os.path.join(SOURCE, "core/postern/plugin.h"), encoding="utf-8") as f:
        header = re.sub(r"__attribute__\(\(.*?\)\)\)?", "", without_comments(f.read()), flags=re.S)
    header = header[header.index("const void *postern_options("):]
    with open(os.path.join(SOURCE, "core/plugin/exports.c"), encoding="utf-8") as f:
        kept = set(re.findall(r"\b(postern_\w+)\b", without_comments(f.read())))
    report("every function of the header is kept in programs that host plugins",
           sorted(name + " is not named in core/plugin/exports.c" for name in set(re.findall(r"\b(postern_\w+)\s*\(", header)) - kept))


def main():
    checks = [check_rooms, check_ltdl, check_shell, check_plugins, check_lengths, check_heads, check_listed, check_exports]
    print("1..%d" % len(checks))
    for check in checks:
        check()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
