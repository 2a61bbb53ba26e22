#!/usr/bin/python3
"""test_tables.py - tables in text files: what each kind answers and by which key, how odd files are read, and what is said of broken ones."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from lookupprobe import *  # noqa: E402,F401,F403
from tapout import Tap  # noqa: E402

HASH = """\
# a comment
   # another, and an empty line

User+Foo@sub.Example.com   full
user@sub.example.com\twithout the extension
info@                      any domain
example.com                $3 of $5
.example.com               below
.org
"quoted local"@example.net quoted
"A\\"B"@example.net         escaped
admin@example.net          one,
    two,
# within a value
\tthree
twice@example.net          first
twice@example.net          second
zero@example.net           0
bü@example.net             eight bits
10.1                       network
10.1.2.3                   client
"""

RULES = """\
/^(.*)\\+x@(.*)$/  $1 at ${2} for $$1 and $(1)
/CASE/            insensitive
/case2/i          sensitive
!/@/              no at
if /@example\\.com$/
/^root@/          root
if !/^un/
/named/           named
endif
/unnamed/         un
ENDIF
/named/           elsewhere
m:^slash/:        other delimiter
|a\\|b|            pipe
/only/
"""


def hash_tables(t, f):
    f.write("h", HASH)
    f.write("plain", "User@Example.com x\n")
    for style, maps in ("hash \"file\"", '{ hash "h" }'), ("lookup \"hash:file\"", '{ lookup "hash:%s" }' % f.join("h")), \
            ("hash{ file = }", '{ hash { file = "%s" } }' % f.join("h")):
        with Probe(f, maps, recipient_delimiter="+") as p:
            t.equal(p.ask("user+foo@SUB.example.com"), ("full", "user+foo@sub.example.com", f.join("h") + ":4"), style + ": key, file and line")
    with Probe(f, '{ hash "h" }', recipient_delimiter="+") as p:
        for asked, wanted in [
                ("user+bar@sub.example.com", "without the extension"), ("info+x@anywhere.test", "any domain"), ("Joe+x@example.com", "joe of example.com"),
                ("x@a.b.example.com", "below"), ("x@y.org", "1"), ("quoted local@example.net", "quoted"), ('a"b@example.net', "escaped"),
                ("admin@example.net", "one, two, three"), ("twice@example.net", "second"), ("zero@example.net", "0"),
                ("bü@example.net", "eight bits"), ("nobody@example.net", None), ("", None)]:
            t.equal(p.result(asked), wanted, "hash: " + asked)
        t.equal(p.client("10.1.2.3")[:2], ("client", "10.1.2.3"), "hash: a client")
        t.equal(p.client("10.1.9.9")[:2], ("network", "10.1"), "hash: a network by its first numbers")
        t.equal(p.say("A user+foo@sub.example.com"), "full ; without the extension ; below", "hash: all results")
    with Probe(f, '{ hash { "plain", keep_case = true } }', localpart_is_case_sensitive=True) as p:
        t.equal((p.result("User@Example.com"), p.result("user@example.com")), ("x", None), "hash: keep_case")
    f.write("bin", '"a b"@x.org y # said so\n#\nUP@x.org yes\n')
    with Probe(f, '{ read_hash "bin" }') as p:
        t.equal((p.result("a b@x.org"), p.result("up@X.org")), ("y", "yes"), "read_hash: quotes, case and comments behind values")


def rule_tables(t, f):
    for kind in "pcre", "regexp":
        f.write("r", RULES)
        with Probe(f, '{ %s "r" }' % kind) as p:
            for asked, wanted in [
                    ("a+x@b.org", "a at b.org for $1 and a"), ("my-Case@x", "insensitive"), ("CASE2@x", "insensitive"), ("postmaster", "no at"),
                    ("Root@EXAMPLE.com", "root"), ("named@example.com", "named"), ("unnamed@example.com", "un"), ("named@example.org", "elsewhere"),
                    ("a|b@x", "pipe"), ("only@x", "1"), ("other@x", None)]:
                t.equal(p.result(asked), wanted, "%s: %s" % (kind, asked))
            t.equal(p.names("x@y", "only@x"), ("1", 'rx("only", "is")', f.join("r") + ":15"), kind + ": rule by rule over several names")
        t.match("\n".join(p.left_out), r"r:13: expected a regular expression", kind + ": a letter is no delimiter")
    f.write("r", "/^a.c$/s no newline\n/^b$/m multi\n/ d e /x spaces\n/tail/A anchored\n/end$/E end\n/(a+?)z/U $1\n")
    with Probe(f, '{ pcre "r" }') as p:
        t.equal([p.result(x) for x in ("abc", "xde", "xtail", "tail", "the end", "aaz")],
                ["no newline", "spaces", None, "anchored", "end", "aa"], "pcre: flags")
    f.write("r", "/^(a+)+$/ slow\n/x/ x\n")
    with Probe(f, '{ pcre "r" }') as p:
        t.match(p.ask("a" * 60 + "b"), r"match limit reached", "pcre: at the match limit the table could not answer")
        t.ok(isinstance(p.ask("a" * 60 + "bx"), Failed), "and no later rule is asked instead")


def network_tables(t, f):
    f.write("c", "10.0.0.0/8 ten\n2001:db8::/32 six\nif 192.168.0.0/16\n192.168.1.0/24 one\n!192.168.2.0/24 not two\nendif\n"
                 "198.51.100.7\n[2001:db9::1] bracketed\n!203.0.113.0/24 outside\n")
    for maps in '{ cidr "c" }', '{ cidr { file = "%s" } }' % f.join("c"), '{ lookup "cidr:%s" }' % f.join("c"):
        with Probe(f, maps) as p:
            got = [(p.client(x) or (None,))[0] for x in ("10.9.9.9", "2001:db8::5", "192.168.1.1", "192.168.2.1", "192.168.3.1", "198.51.100.7",
                                                         "2001:db9::1", "203.0.113.5", "8.8.8.8", "::1", "::ffff:10.1.1.1")]
            t.equal(got, ["ten", "six", "one", "outside", "not two", "1", "bracketed", None, "outside", None, "ten"], maps.split('"')[0] + " answers clients")
            t.equal(p.ask("10.9.9.9"), None, "and no addresses")
    with Probe(f, '{ cidr { "10.0.0.0/8", { "192.0.2.0/24", "x" } } }') as p:
        t.equal(((p.client("10.1.1.1") or (None,))[0], p.client("192.0.2.1")[0]), ("true", "x"), "cidr{ } within the configuration is as it was")


def list_tables(t, f):
    f.write("l", "!no.example.com\n.example.com\nuser@Example.net\n!10.1.0.0/16\n10.0.0.0/8\n\"a b\"@example.net\nexample.org\n")
    with Probe(f, '{ list "l" }', recipient_delimiter="+") as p:
        for asked, wanted in [("x@no.example.com", "false"), ("x@example.com", "true"), ("x@a.b.example.com", "true"), ("USER@example.net", "true"),
                              ("user+x@example.net", None), ("a b@example.net", "true"), ("x@example.org", "true"), ("x@a.example.org", None)]:
            t.equal(p.result(asked), wanted, "list: " + asked)
        t.equal([(p.client(x) or (None,))[0] for x in ("10.1.1.1", "10.2.2.2", "8.8.8.8")], ["false", "true", None], "list: clients")
        t.equal(p.ask("x@no.example.com")[1], "!no.example.com", "list: the item that matched")


def odd_files(t, f):
    cases = [("CRLF", b"a@x.org 1\r\nb@x.org  2\r\n", {"a@x.org": "1", "b@x.org": "2"}, ""),
             ("no newline at the end", b"a@x.org 1", {"a@x.org": "1"}, ""),
             ("byte order mark", b"\xef\xbb\xbfa@x.org 1\n", {"a@x.org": "1"}, ""),
             ("bytes that are no UTF-8", b"\xff\xfe@x.org 1\na@x.org \xe9\n", {"a@x.org": "\udce9"}, ""),
             ("a NUL byte", b"a@x.org 1\nb\0@x.org 2\nc@x.org 3\n", {"a@x.org": "1", "b@x.org": None, "c@x.org": "3"}, r"t:2: a NUL byte in it"),
             ("an endless line", b"a@x.org 1\nb@x.org " + b"x" * 100000 + b"\nc@x.org 3\n", {"a@x.org": "1", "b@x.org": None, "c@x.org": "3"},
              r"t:2: longer than 65536 bytes"),
             ("a line continued without end", b"a@x.org 1\nb@x.org" + b"\n xxxxxxxxx" * 10000 + b"\nc@x.org 3\n", {"b@x.org": None, "c@x.org": "3"},
              r"t:2: longer than 65536 bytes"),
             ("an empty file", b"", {"a@x.org": None}, ""),
             ("only comments", b"# x\n\n   \n", {"a@x.org": None}, ""),
             ("a file that begins with a continuation", b"  a@x.org 1\n", {"a@x.org": "1"}, "")]
    for name, text, wanted, complaint in cases:
        f.write("t", text)
        with Probe(f, '{ hash "t" }') as p:
            t.equal({k: p.result(k) for k in wanted}, wanted, name)
        t.match("\n".join(p.left_out), complaint + "$" if complaint else r"^$", name + ": " + (complaint or "no complaint"))


def broken_lines(t, f):
    good = "\n/good@/ yes\n"
    for line, why in [("/(x/ y", r"missing closing parenthesis"), ("/x y", "without its closing delimiter"), ("x y", "expected a regular expression"),
                      ("/x/q y", r'unknown flag "q"'), ("!/(x)/ $1", "has no captures"), ("endif", "without its \"if\""), ("if /x/", "without its \"endif\""),
                      ("if /x/ y\n/good/ guarded\nendif", "something behind"), ("if /(x/\n/good/ guarded\nendif", "missing closing parenthesis"),
                      ("if\n/good/ guarded\nendif", "expected a regular expression")]:
        f.write("r", "# first\n" + line + good)
        if line == "if /x/":
            good_result = None      # all that follows stands behind it
        else:
            good_result = "yes"
        with Probe(f, '{ pcre "r" }') as p:
            t.equal(p.result("good@x.org" if line != "if /x/" else "good@y"), good_result, "beside \"%s\" the rest goes on" % line.replace("\n", " / "))
        t.match("\n".join(p.left_out), r"r:\d: .*%s" % why, "and the line is told: " + why)
    f.write("r", "/x/x y\n")
    with Probe(f, '{ regexp "r" }') as p:
        pass
    t.match("\n".join(p.left_out), r"r:1: basic regular expressions", "regexp: basic expressions are told")
    f.write("c", "10.0.0.0/33 x\nnetwork y\nif 10.0.0.0/8 x\n10.0.0.0/8 guarded\nendif\n10.0.0.0/8 ten\n")
    with Probe(f, '{ cidr "c" }') as p:
        t.equal(p.client("10.1.1.1")[0], "ten", "cidr: beside broken lines the rest goes on")
    t.equal([line.split(": ")[0].rsplit(":", 1)[1] for line in p.left_out if "/c:" in line], ["3", "1", "2"], "cidr: each is told with its line")
    f.write("l", "one.example two.example\n.three.example\n")
    with Probe(f, '{ list "l" }') as p:
        t.equal((p.result("x@one.example"), p.result("x@three.example")), (None, "true"), "list: two items in a line are none")
    t.match("\n".join(p.left_out), r"l:1: something behind", "list: told")


def does_not_load(f, maps):
    try:
        Probe(f, maps).close()
    except RuntimeError as e:
        return str(e)
    return "it loads"


def bad_files(t, f):
    os.mkdir(f.join("folder"))
    f.write("everyones", "a b\n", 0o666)
    os.mkfifo(f.join("fifo"))
    for kind in "hash", "list", "pcre", "regexp", "cidr":
        for name, why in ("absent", "No such file"), ("folder", "not a regular file"), ("everyones", "writable by everyone"), ("fifo", "not a regular file"):
            t.match(does_not_load(f, '{ %s "%s" }' % (kind, name)), r"%s: /.*/%s: %s" % (kind, name, why), "%s: %s: %s" % (kind, name, why))
    if os.getuid() == 0:
        f.write("foreign", "a b\n")
        os.chown(f.join("foreign"), 54321, 54321)
        t.match(does_not_load(f, '{ hash "foreign" }'), r"owned by user 54321", "hash: a file of somebody else")
    else:
        t.skip("hash: a file of somebody else", "only root can make one")
    t.match(does_not_load(f, '{ lookup "hosh:/x" }'), r'hosh: unknown name; did you mean "hash"', "lookup: an unknown scheme")
    t.match(does_not_load(f, '{ lookup "/etc/x" }'), r'expected "scheme:rest"', "lookup: no scheme")
    t.match(does_not_load(f, '{ lookup "clamd:/x" }'), r"cannot be a lookup table", "lookup: a plugin that is no table")
    t.match(does_not_load(f, '{ hash { file = "x", fil = 1 } }'), r'fil: unknown option; did you mean "file"', "hash: an unknown option")
    t.match(does_not_load(f, '{ hash { file = "x", on_error = "ignore" } }'), r"on_error: unknown option", "hash: an option that means nothing to it")
    t.match(does_not_load(f, '{ hash {} }'), r"file: is required", "hash: no file")


def reloads(t, f):
    f.write("h", "a@x.org one\n")
    f.write("r", "/^b/ one\n")
    with Probe(f, '{ hash "h", pcre "r" }') as p:
        t.equal(p.say("reload"), "unchanged", "reload: nothing has changed")
        f.write("h", "a@x.org two\n")
        t.equal((p.say("reload"), p.result("a@x.org")), ("reloaded", "two"), "reload: a changed file")
        f.write("r", "/^b/ two\n/(/ broken\n")
        t.match(p.say("reload"), r"kept\tpcre: /.*/r:2: bad regular expression", "reload: a broken line: the old is kept")
        t.equal(p.result("b@x.org"), "one", "and asked")
        f.write("r", "/^b/ three\n")
        t.equal((p.say("reload"), p.result("b@x.org")), ("reloaded", "three"), "reload: mended")
        os.unlink(f.join("h"))
        t.match(p.say("reload"), r"kept\thash: .*No such file", "reload: the file is gone")
        t.equal(p.result("a@x.org"), "two", "and the old is asked")
        f.write("h", "a@x.org two\n")
        t.equal(p.say("reload"), "reloaded", "reload: another file of the same text")


def main():
    with Tap() as t, Tables() as f:
        hash_tables(t, f)
        rule_tables(t, f)
        network_tables(t, f)
        list_tables(t, f)
        odd_files(t, f)
        broken_lines(t, f)
        bad_files(t, f)
        reloads(t, f)


main()
