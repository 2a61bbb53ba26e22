#!/usr/bin/python3
"""Scanners by name (av): every definition against a fake of its product, in every way in which one may fail; the manual names them all.

In each run all of them are asked side by side, so that a way costs one deadline and not one for each scanner."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
import tap  # noqa: E402
from fake_products import DAEMONS, MARK, MEMBER, OTHER_WORDS, PROGRAMS  # noqa: E402
from fake_scanner import GARBAGE, HANG_S, Full, Server, in_single_bytes  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from virus import EICAR_NAME, make_database  # noqa: E402

SOURCE = os.environ["POSTERN_SOURCE"]
CLEAN, INFECTED = b"nothing\n", b"look: " + MARK.encode() + b"\n"


def read(name):
    with open(os.path.join(SOURCE, name), encoding="ascii") as f:
        return f.read()


FAKE_PROGRAM = read("tests/scenario/fake_program.py").encode()
NAMES = re.findall(r'^(?:program|define|define_lua)\("(\w+)"', read("lua/av.lua"), re.M)


def ask(config, *contents, deadline_ms=20000):
    """What each scanner of the configuration answers, and what was printed besides."""
    with probe.Folder() as folder:
        parts = [x for n, content in enumerate(contents or [CLEAN]) for x in ("-P", folder.file("part%d" % n, content))]
        answers, out, _ = probe.run("-t", deadline_ms, "-c", folder.file("postern.lua", config.encode()), *parts)
    return {answer.name: answer for answer in answers}, out


def expect_clean(answers):
    for name, answer in answers.items():
        assert answer.result == "OK" and not answer.found, answer


def expect_found(answers, table):
    for name, answer in answers.items():
        assert answer.result == "OK" and [f.split(":", 1)[1] for f in answer.found] == table[name].names, answer


def expect_failed(answers, what):
    """Never clean, and the report says something."""
    for name, answer in answers.items():
        assert answer.result not in ("OK", "NOTHING") and not answer.found, (what, answer)
        assert len(answer.error) > len(name) + 5, (what, answer)


def expect_late(answers, what):
    expect_failed(answers, what)
    for answer in answers.values():
        assert answer.result == "TEMPFAIL" and re.search(r"time over|did not end in time|timed out", answer.error), (what, answer)


# ---- daemons ----

def ask_daemons(listeners, **how):
    """listeners: by name, what has an address."""
    items = ['  av.%s { "%s", %s },' % (name, listener.address, DAEMONS[name].options) for name, listener in listeners.items()]
    return ask("av_scanners = {\n%s\n}\n" % "\n".join(items), **how)[0]


def daemons(make_script, names=None, **how):
    """A listener for each, with the script that make_script(daemon) gives."""
    with contextlib.ExitStack() as stack:
        return ask_daemons({name: stack.enter_context(Server(make_script(d), d.tcp, d.talk)) for name, d in DAEMONS.items()
                            if names is None or name in names}, **how)


def saying(choose, pause_s=0):
    def make(d):
        def script(talk, _):
            d.start(talk)
            talk.say(choose(d))
            time.sleep(pause_s)
        return script
    return make


def test_each_name_has_a_fake():
    assert sorted(NAMES) == sorted([*DAEMONS, *PROGRAMS, "always_clean"]), set(NAMES) ^ {*DAEMONS, *PROGRAMS, "always_clean"}


def test_daemons_clean_and_found():
    expect_clean(daemons(saying(lambda d: d.clean)))
    expect_found(daemons(saying(lambda d: d.found)), DAEMONS)


def test_daemons_in_single_bytes():
    def make(d):
        return lambda talk, _: (d.start(talk), in_single_bytes(talk, d.found))
    expect_found(daemons(make), DAEMONS)


def test_daemons_half_answers():
    for n in range(max(len(d.clean) for d in DAEMONS.values())):
        names = [name for name, d in DAEMONS.items() if n < len(d.clean)]
        expect_failed(daemons(saying(lambda d, n=n: d.clean[:n]), names), "the first %d bytes" % n)


def test_daemons_garbage():
    for reply in GARBAGE:
        # To a clamd this is an answer, and Sophie names viruses so.
        names = [name for name, d in DAEMONS.items() if not reply.startswith(b"1:") or "clamd" not in name and name not in ("ikarus_server", "sophie", "trophie")]
        expect_failed(daemons(saying(lambda d, reply=reply: reply), names), reply)


def test_daemons_words_of_a_verdict_in_a_file_name():
    for name, answer in daemons(saying(lambda d: d.odd)).items():
        assert answer.result != "OK" and not answer.found and answer.error, (name, answer)


def test_codes_of_fpscand():
    """Bits; all that accuse are infected, nothing but 0 is clean."""
    text = re.search(r'^define\("fpscand".*?^}\)', read("lua/av.lua"), re.M | re.S).group(0)
    infected, clean = (re.compile(re.search(r"%s = \[\[(.*?)\]\]" % key, text).group(1)) for key in ("infected", "clean"))
    for code in range(256):
        line = "%d <words> /x/p001" % code
        assert bool(infected.search(line)) == bool(code & (1 | 2 | 128)) and bool(clean.search(line)) == (code == 0), line


def test_daemons_close_early():
    expect_failed(daemons(lambda d: lambda talk, _: None), "closed at once")


def test_daemons_refuse():
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(Server(lambda talk, _: None, d.tcp)) for name, d in DAEMONS.items()}
        for server in servers.values():
            server.refuse()
        answers = ask_daemons(servers)
    expect_failed(answers, "refused")
    for name, answer in answers.items():
        assert servers[name].address.rsplit(":", 1)[-1] in answer.error, answer


def test_daemons_hang():
    # Those of Lua come one after another, and each has its time.
    with contextlib.ExitStack() as stack:
        expect_late(ask_daemons({name: stack.enter_context(Full()) for name in DAEMONS}, deadline_ms=700), "at connect")
    expect_late(daemons(lambda d: lambda talk, _: time.sleep(HANG_S), deadline_ms=700), "at once")
    expect_late(daemons(saying(lambda d: b"", HANG_S), deadline_ms=700), "at the reply")
    expect_late(daemons(saying(lambda d: d.clean[:-1], HANG_S), deadline_ms=700), "within the reply")


# ---- programs ----

def ask_programs(way, *contents, names=None, deadline_ms=20000, **changes):
    """changes: to each one's plan, see fake_program.py."""
    with probe.Folder() as folder:
        for name, p in PROGRAMS.items():
            folder.file(p.file, b"#!/nonexistent/interpreter\n" if way == "refuse" else FAKE_PROGRAM, 0o755)
            folder.file(p.file + ".json", json.dumps({**p.plan, "way": way, "member": "", "hang_s": HANG_S, **changes}).encode())
        items = ["  av.%s {}," % name for name in PROGRAMS if names is None or name in names]
        return ask('path = "%s"\nav_scanners = {\n%s\n}\n' % (folder.path, "\n".join(items)), *contents, deadline_ms=deadline_ms)[0]


def test_programs_clean_and_found():
    expect_clean(ask_programs("answer"))
    expect_found(ask_programs("answer", INFECTED), PROGRAMS)


def test_programs_words_of_a_verdict_in_a_file_name():
    expect_clean(ask_programs("answer", member=MEMBER))
    expect_found(ask_programs("answer", INFECTED, member=MEMBER), PROGRAMS)
    # A clean file is named so beside an infected one.
    expect_found(ask_programs("answer", INFECTED, CLEAN, member=MEMBER), PROGRAMS)


def test_programs_other_words():
    for name, line, virus in OTHER_WORDS:
        for member in "", MEMBER:
            answer, = ask_programs("answer", INFECTED, CLEAN, names=[name], found=line, member=member).values()
            assert answer.found == ["p000:" + virus], (line, answer)


def test_programs_in_single_bytes():
    expect_found(ask_programs("single bytes", INFECTED), PROGRAMS)


def test_programs_that_fail():
    expect_failed(ask_programs("refuse"), "cannot be run")
    for way in "killed", "half":
        for name, answer in ask_programs(way).items():
            assert answer.result == "TEMPFAIL" and not answer.found and "killed by signal 9" in answer.error, answer


def test_programs_garbage():
    failing = [name for name, p in PROGRAMS.items() if p.bad_code is not None]
    for garbage in (b"",) + GARBAGE:
        answers = ask_programs("garbage", names=failing, garbage=garbage.hex())
        expect_failed(answers, garbage)
        for answer in answers.values():
            assert "is neither clean nor infected" in answer.error, answer
    # Where every code has a meaning a wild one is an infection without a name.
    for answer in ask_programs("garbage", names=[name for name in PROGRAMS if name not in failing], garbage="").values():
        assert answer.found == ["p000:(unnamed)"], answer


def test_programs_that_could_not_look_into_everything():
    answers = ask_programs("unsure", names=[name for name, p in PROGRAMS.items() if p.unsure_code is not None])
    assert len(answers) > 5, answers
    for answer in answers.values():
        assert answer.result == "NOTHING" and "could not look into everything" in answer.error, answer


def test_programs_hang():
    expect_late(ask_programs("hang", deadline_ms=700), "at once")
    expect_late(ask_programs("half and hang", deadline_ms=2000), "within the output")


def test_the_real_clamscan():
    if not shutil.which("clamscan"):
        print("# no clamscan here: not tried")
        return
    with probe.Folder() as folder:
        config = 'av_scanners = { av.clamscan { args = "--database=%s --stdout --no-summary -r {}" } }\n' % make_database(folder.join("database"))
        expect_clean(ask(config)[0])
        assert ask(config, probe.EICAR)[0]["clamscan"].found == ["p000:%s.UNOFFICIAL" % EICAR_NAME]


# ---- names ----

def test_always_clean():
    expect_clean(ask("av_scanners_backup = { av.always_clean {} }\n", INFECTED)[0])


def test_what_the_caller_says_goes_first():
    with probe.Folder() as folder:
        mine = folder.file("mine", b"#!/usr/bin/python3\nimport sys\nprint('Mine.' + sys.argv[1])\nsys.exit(7)\n", 0o755)
        answers, _ = ask('av_scanners = { av.clamscan { "%s", args = "x", infected = { 7 }, names = "(Mine.+)", name = "own" }, av.clamscan "%s", av.drwebd { name = "two" } }\n'
                         % (mine, mine))
    assert answers["own"].found == ["p000:Mine.x"], answers
    assert "exit code 7" in answers["clamscan"].error and "127.0.0.1]:3000" in answers["two"].error, answers


def check(text):
    with probe.Folder() as folder:
        path = folder.file("postern.conf", text.encode())
        done = subprocess.run([os.path.join(probe.BUILD, "posternd"), "-t", "--build-dir", probe.BUILD, "-c", path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout.decode().replace(path, "FILE").replace(folder.path, "FOLDER")


def test_absent_programs_are_told():
    said = check('path = "/nowhere:/none"\nav_scanners = {\n  av.fsecure {},\n  av.clamscan { "/none/clamscan" },\n  av.sophie {},\n}\n')
    assert ('FILE:3: warning: fsecure: no program "fsanalyze" or "/opt/f-secure/linuxsecurity/bin/fsanalyze" in /nowhere:/none: '
            "not available until it is installed and the configuration reloaded\n") in said, said
    assert 'FILE:4: warning: clamscan: no program "/none/clamscan": not available' in said, said
    assert said.count("warning: ") == 3 and "sophie" not in said, said      # compatibility_level is the third


def test_alternatives_are_tried_in_order():
    script = b"#!/usr/bin/python3\nprint('/x: %s FOUND')\nraise SystemExit(1)\n"
    with probe.Folder() as folder:
        second, third = folder.file("second", script % b"Second", 0o755), folder.file("third", script % b"Third", 0o755)
        not_executable = folder.file("fourth", b"", 0o644)
        config = 'path = "%s"\nav_scanners = { av.clamscan { { "first", "%s", "second", "%s" } } }\n' % (folder.path, not_executable, third)
        answers, out = ask(config)
        assert answers["clamscan"].found == ["p000:Second"] and "not available" not in out, (answers, out)
        os.unlink(second)
        assert ask(config)[0]["clamscan"].found == ["p000:Third"]


def test_errors_have_the_place():
    said = check("\nav_scanners = { av.clamscann{} }\n")
    assert 'FILE:2: av.clamscann: no such scanner; did you mean "av.clamscan"?' in said, said
    said = check("\n\nav_scanners = { av.clamscan{ argss = \"x\" } }\n")
    assert "FILE:3: " in said and "argss" in said, said
    said = check("\n\nav_scanners = { av.drwebd{ sockett = \"x\" } }\n")
    assert "FILE:3: " in said and "sockett" in said, said
    said = check("\n\nav_scanners = { av.drwebd{ { \"/a\", \"/b\" } } }\n")
    assert "FILE:3: " in said and "drwebd: socket: expected one" in said, said


def unconfirmed():
    """Definitions below a comment that says so, up to the next empty line."""
    for paragraph in read("lua/av.lua").split("\n\n")[1:]:
        said = re.search(r"^--.*nconfirmed", paragraph, re.M)
        yield from re.findall(r'^(?:program|define|define_lua)\("(\w+)"', paragraph[said.start():], re.M) if said else []


def test_the_manual_names_them_all():
    items = re.findall(r"^\.It Ic (\w+)(\*?) Pq (.*)$", read("man/postern-av.5"), re.M)
    places = {name: place for name, _, place in items}
    assert [name for name, _, _ in items] == NAMES, set(NAMES) ^ set(places)
    assert [name for name, mark, _ in items if mark] == list(unconfirmed()), list(unconfirmed())
    programs = re.findall(r'^program\("(\w+)", (?:\{ (.*?) \}|(".*?")),', read("lua/av.lua"), re.M)
    assert len(programs) == len(PROGRAMS), programs
    for name, several, one in programs:
        bare = [file for file in re.findall(r'"(.*?)"', several or one) if "/" not in file]
        assert places[name] == ", ".join(bare), (name, bare, places[name])


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
