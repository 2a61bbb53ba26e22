#!/usr/bin/python3
"""libyara through its plugin: names, tags, files of rules that are wrong or change."""
import base64
import ctypes
import ctypes.util
import hashlib
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import probe  # noqa: E402
import tap  # noqa: E402
from postern import Catcher, Folder, Postern, mail, send  # noqa: E402


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


def test_includes():
    with probe.Folder() as folder:
        os.mkdir(folder.join("deeper"))
        folder.file("deeper/third.yar", rule("Third", "three").encode())
        folder.file("second.yar", b'include "deeper/third.yar"\n' + rule("Second", "two").encode())
        first = folder.file("first.yar", b'include "second.yar"\n' + rule("First", "one").encode())
        content = folder.file("in", b"one two three")
        answers, _, _ = probe.run("-P", content, "-p", "yara", "-o", "rules=" + first)
        assert sorted(answers[0].found) == ["p001:YARA.first.First", "p001:YARA.first.Second", "p001:YARA.first.Third"], answers
    fails([("a.yar", 'include "absent.yar"\n' + rule("A", "x"))], "a.yar:1: callback failed to provide include resource: absent.yar: No such file")
    fails([("a.yar", 'include "/dev/zero"\n' + rule("A", "x"))], "/dev/zero: Invalid argument")


def test_files_of_one_base_name():
    with probe.Folder() as folder:
        files = []
        for k, text in enumerate(("one", "two")):
            os.mkdir(folder.join(str(k)))
            files += ["-o", "rules=" + folder.file("%d/index.yar" % k, rule("Same", text).encode())]
        answers, _, _ = probe.run("-P", folder.file("in", b"one two"), "-p", "yara", *files)
        assert answers[0].found == ["p001:YARA.index.Same", "p001:YARA.index_2.Same"], answers


class Compiler:
    """What yarac does, by the library itself."""

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("yara"))
        assert self.library.yr_initialize() == 0

    def compile(self, text, path):
        compiler, rules = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.library.yr_compiler_create(ctypes.byref(compiler)) == 0
        self.library.yr_compiler_define_string_variable(compiler, b"filename", b"")
        assert self.library.yr_compiler_add_string(compiler, text.encode(), b"packed") == 0
        assert self.library.yr_compiler_get_rules(compiler, ctypes.byref(rules)) == 0
        assert self.library.yr_rules_save(rules, path.encode()) == 0
        self.library.yr_compiler_destroy(compiler)
        return path


def test_compiled():
    with probe.Folder() as folder:
        packed = Compiler().compile(rule("Packed", "needle") + 'rule Never { condition: filename == "never" }', folder.join("p.yarc"))
        source = folder.file("s.yar", rule("Source", "needle").encode())
        answers, _, _ = probe.run("-P", folder.file("in", b"needle"), "-p", "yara", "-o", "rules=" + packed, "-o", "rules=" + source)
        assert sorted(answers[0].found) == ["p001:YARA.packed.Packed", "p001:YARA.s.Source"], answers
        with open(packed, "r+b") as f:
            f.truncate(os.path.getsize(packed) // 2)
        try:
            probe.run("-P", folder.file("in", b"needle"), "-p", "yara", "-o", "rules=" + packed)
        except AssertionError as problem:
            assert "does not load these compiled rules" in str(problem), problem
        else:
            raise AssertionError("half a file was loaded")


ENDLESS = """rule Endless { condition:
  for any i in (0..filesize) : (for all j in (0..filesize) : (uint8(i) + uint8(j) < 600 and for all k in (0..filesize) : (uint8(k) >= 0))) and filesize == 0 }
"""


def test_rules_that_blow_up():
    answers = scan([("a.yar", ENDLESS)], b"x" * 100000, arguments=["-t", "1500"])
    assert answers[0].result == "TEMPFAIL" and "time over" in answers[0].error and int(answers[0].fields["ms"]) < 10000, answers
    often = 'rule Often { strings: $a = /a.{1,3}a/ condition: #a == 1 }\n'
    answers = scan([("a.yar", often)], b"a" * 3000000)
    assert answers[0].result == "LIMIT" and "matches too often" in answers[0].error, answers
    answers = scan([("a.yar", often + rule("Also", "aaaa"))], b"a" * 3000000)
    assert answers[0].result == "LIMIT" and "p001:YARA.a.Also" in answers[0].found, answers


def test_what_upsets_one_rule_hides_nothing():
    """A regular expression that has too many ways to go on ends the scan of this part with these rules; no other."""
    upset = 'rule Many { strings: $a = /begin(a?a?a?a?a?a?a?a?){1,200}b/ condition: $a }\n'
    content = b"begin" + b"a" * 20000
    answers = scan([("a.yar", upset + rule("Worm", "needle"))], content, b"needle")
    assert answers[0].result == "TEMPFAIL" and answers[0].found == ["p002:YARA.a.Worm"], answers
    with probe.Folder() as folder:
        compiler = Compiler()
        sets = [compiler.compile(text, folder.join(name)) for name, text in (("first", upset), ("second", rule("Packed", "needle")))]
        part = folder.file("in", content + b"needle")
        answers, _, _ = probe.run("-P", part, "-p", "yara", *[x for s in sets for x in ("-o", "rules=" + s)])
    assert answers[0].result == "TEMPFAIL" and answers[0].found == ["p001:YARA.packed.Packed"], answers


def pe_file():
    """As little of a Windows program as has a header: one section of nothing, for i386."""
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14c, 1, 0x5f000000, 0, 0, 224, 0x102)
    optional = struct.pack("<HBBIIIIII", 0x10b, 1, 0, 512, 0, 0, 0x1000, 0x1000, 0x2000) + struct.pack("<III", 0x400000, 0x1000, 0x200)
    optional = optional.ljust(224, b"\0")
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 0x1000, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    return (head + coff + optional + section).ljust(512, b"\0") + b"\x90" * 512


MODULES = """
import "pe"
import "elf"
import "math"
import "hash"
import "time"
import "console"
import "dotnet"
rule Pe { condition: pe.machine == pe.MACHINE_I386 and pe.number_of_sections == 1 }
rule Elf { condition: elf.machine == elf.EM_X86_64 or elf.machine == elf.EM_AARCH64 }
rule Entropy { condition: filesize > 4000 and math.entropy(0, filesize) > 7.5 }
rule Hash { condition: hash.sha256(0, filesize) == "%s" }
rule Time { strings: $a = "what time is it" condition: $a and time.now() > 1700000000 }
rule Console { strings: $a = "say it" condition: $a and console.log("said") }
rule Dotnet { strings: $a = "no program of dotnet" condition: $a and not defined dotnet.number_of_streams }
rule Named { condition: filename == "odd name.xyz" and extension == ".xyz" and mimetype == "application/x-odd" }
rule Owned { condition: owner == "somebody" }
"""


def attached(content, name="a.bin", kind="application/octet-stream"):
    coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return mail(coded, headers=["MIME-Version: 1.0", 'Content-Type: %s; name="%s"' % (kind, name), "Content-Transfer-Encoding: base64"])


def in_the_daemon(rules, run, lua=""):
    with Folder() as folder, Catcher() as hop:
        path = folder.join("site.yar")

        def write(text):
            with open(path + ".new", "w") as f:
                f.write(text)
            os.chmod(path + ".new", 0o644)
            os.rename(path + ".new", path)
        write(rules)
        with Postern(None, hop, 'local_domains_maps = { { ".example.com" } }\n' + lua, scanners='yara { "%s" }' % path, folder=folder) as p:
            run(p, write)


def test_modules_in_the_jail():
    known = b"these very bytes"
    with open("/bin/true", "rb") as f:
        elf = f.read()
    mails = (("Pe", attached(pe_file())), ("Elf", attached(elf)), ("Entropy", attached(os.urandom(20000))), ("Hash", attached(known)),
             ("Time", attached(b"what time is it")), ("Console", attached(b"say it")), ("Dotnet", attached(b"no program of dotnet")),
             ("Named", attached(b"anything", "odd name.xyz", "application/x-odd")))

    def run(p, _):
        for name, data in mails:
            text = send(p.port, data).text
            assert text.startswith("250 2.7.0 Ok, discarded") and "YARA.site." + name in text, (name, text)
        text = send(p.port, mail()).text
        assert text.startswith("250 2.0.0 from MTA"), text
        assert p.counter("opener-deaths") == 0
    in_the_daemon(MODULES % hashlib.sha256(known).hexdigest(), run)


def test_rules_change():
    def run(p, write):
        assert send(p.port, mail(b"first\r\n")).text.startswith("250 2.7.0"), "the first rules"
        write(rule("Second", "second"))
        p.wait_log("yara: its database has changed")
        p.wait(lambda: send(p.port, mail(b"second\r\n")).text.startswith("250 2.7.0"), 30, "the new rules do not come into force")
        assert send(p.port, mail(b"first\r\n")).text.startswith("250 2.0.0"), "the old rules are still in force"
        write("rule Broken { condition: }\n")
        p.wait_log(r"site\.yar:1: ", seconds=30)
        assert send(p.port, mail(b"second\r\n")).text.startswith("250 2.7.0"), "broken rules have taken the good ones away"
    in_the_daemon(rule("First", "first"), run, "plugin_check_interval = 1\n")


if __name__ == "__main__":
    if not os.path.exists(os.path.join(probe.BUILD, "plugins/scanner/yara.la")):
        print("1..0 # SKIP the yara plugin is not built")
        sys.exit(0)
    tap.run(sys.modules[__name__])
