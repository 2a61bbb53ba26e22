#!/usr/bin/python3
"""libyara through its plugin: names, tags, files of rules that are wrong or change."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
import probe  # noqa: E402
import tap  # noqa: E402


def rule(name, text, tags=""):
    return 'rule %s%s { strings: $a = "%s" condition: $a }\n' % (name, tags and " : " + tags, text)


def scan(rules, *contents, arguments=(), options=()):
    """rules: name of a file and its text."""
    with probe.Folder() as folder:
        parts = [x for n, content in enumerate(contents) for x in ("-P", folder.file("in%d" % n, content))]
        files = [x for name, text in rules for x in ("-o", "rules=" + folder.file(name, text.encode()))]
        extra = [x for o in options for x in ("-o", o)]
        answers, _, _ = probe.run(*arguments, *parts, "-p", "yara", *files, *extra)
        return answers


def fails(rules, error, options=()):
    try:
        scan(rules, b"x", options=options)
    except AssertionError as problem:
        assert error in str(problem), problem
    else:
        raise AssertionError("loaded")


WORM = [("worms.yar", rule("Worm", "needle", "bad big"))]


def test_found_and_clean():
    answers = scan(WORM, b"hay", b"hay needle hay", os.urandom(100000) + b"needle")
    assert answers[0].result == "OK" and answers[0].found == ["p002:YARA.worms.Worm", "p003:YARA.worms.Worm"], answers
    answers = scan(WORM, b"hay", os.urandom(3000000))
    assert answers[0].result == "OK" and not answers[0].found and not answers[0].error, answers


def test_names():
    assert scan(WORM, b"needle", options=["namespaces=0", "prefix="])[0].found == ["p001:Worm"]
    assert scan(WORM, b"needle", options=["tags_in_names=1"])[0].found == ["p001:YARA.worms.Worm:bad,big"]


def test_only_some_tags():
    for tags, found in ((["bad"], 1), (["big"], 1), (["other", "big"], 1), (["other"], 0), (["ba"], 0), (["bad big"], 0)):
        answers = scan(WORM, b"needle", options=["tags=" + t for t in tags])
        assert answers[0].result == "OK" and len(answers[0].found) == found, (tags, answers)


def test_several_files():
    rules = WORM + [("other.rules.yar", rule("Worm", "needle") + rule("Hay", "hay"))]
    answers = scan(rules, b"hay needle")
    assert answers[0].found == ["p001:YARA.worms.Worm", "p001:YARA.other.Worm", "p001:YARA.other.Hay"], answers


def test_many_scans():
    answers = scan(WORM, b"hay", b"needle", arguments=["-r", "50"])
    assert len(answers) == 50 and all(a.found == ["p002:YARA.worms.Worm"] for a in answers), answers


def test_version():
    answers = scan(WORM, arguments=["-v"])
    version = answers[0].fields["version"]
    assert version.startswith("YARA ") and version.endswith("/1 rules"), version


def test_wrong_rules():
    fails([("a.yar", rule("A", "x")), ("b.yar", rule("B", "y") + "rul\n")], "b.yar:2: ")
    fails([("empty.yar", "")], "there is no rule in it")
    fails([], "/nonexistent/r.yar: No such file", options=["rules=/nonexistent/r.yar"])
    fails([], "expected an absolute path", options=["rules=r.yar"])
    fails([("broken.yarc", "YARA\x01nonsense")], "does not load these compiled rules")


if __name__ == "__main__":
    if not os.path.exists(os.path.join(probe.BUILD, "plugins/scanner/yara.la")):
        print("1..0 # SKIP the yara plugin is not built")
        sys.exit(0)
    tap.run(sys.modules[__name__])
