#!/usr/bin/python3
"""The command plugin: exit codes, output, names, arguments, and programs that misbehave."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
import tap  # noqa: E402

HEAD = "#!/usr/bin/python3\nimport os, sys, time\n"
STANDARD = ("clean=0", "infected=1", r"names=: (.+) FOUND$")


def scan(script, *options, parts=(b"hello",), deadline_ms=10000, arguments=()):
    with probe.Folder() as folder:
        program = folder.file("scanner", (HEAD + script).encode(), 0o755)
        given = [x for n, content in enumerate(parts) for x in ("-P", folder.file("in%d" % n, content))]
        extra = [x for o in options for x in ("-o", o)]
        answers, _, _ = probe.run("-t", deadline_ms, *given, *arguments, "-p", "command", "-o", "program=" + program, *extra)
        return answers[0]


def test_clean():
    answer = scan("sys.exit(0)", *STANDARD)
    assert answer.result == "OK" and not answer.found, answer


def test_infected_with_names():
    answer = scan("print('a: One FOUND\\nb: OK\\nc: Two Words FOUND'); sys.exit(1)", *STANDARD)
    assert answer.found == ["p000:One", "p000:Two Words"], answer


def test_infected_without_name():
    assert scan("sys.exit(1)", *STANDARD).found == ["p000:(unnamed)"]


def test_infected_is_tested_first():
    answer = scan("print('x: Bad FOUND')", "clean=0", r"infected=/FOUND$", r"names=: (.+) FOUND$")
    assert answer.found == ["p000:Bad"], answer


def test_neither_is_a_failure():
    answer = scan("print('database is old'); sys.exit(2)", *STANDARD)
    assert answer.result == "TEMPFAIL", answer
    assert "exit code 2 is neither clean nor infected; it printed \"database is old" in answer.error, answer


def test_without_clean_it_does_not_vouch():
    answer = scan("sys.exit(0)", "infected=1")
    assert answer.result == "NOTHING", answer


def test_what_could_not_be_looked_into():
    answer = scan("sys.exit(9)", *STANDARD, "inconclusive=9")
    assert answer.result == "NOTHING" and "could not look into everything (exit code 9)" in answer.error, answer
    answer = scan("print('x: encrypted'); sys.exit(0)", *STANDARD, "inconclusive=/encrypted$")
    assert answer.result == "NOTHING", answer
    answer = scan("print('x: encrypted\\ny: Bad FOUND'); sys.exit(1)", *STANDARD, "inconclusive=/encrypted$")
    assert answer.found == ["p000:Bad"], answer


def test_killed():
    answer = scan("os.kill(os.getpid(), 9)", *STANDARD)
    assert answer.result == "TEMPFAIL" and "killed by signal 9" in answer.error, answer


def test_time_over():
    began = time.monotonic()
    answer = scan("time.sleep(30)", *STANDARD, deadline_ms=700)
    assert answer.result == "TEMPFAIL" and time.monotonic() - began < 8, answer


def test_folder_argument():
    answer = scan("print(': %s FOUND' % ' '.join(sorted(os.listdir(sys.argv[1])))); sys.exit(1)", *STANDARD, "args={}", parts=(b"a", b"b"))
    assert answer.found == ["p000:p001 p002"], answer


def test_working_folder_and_bare_names():
    answer = scan("print(': %s FOUND' % ' '.join(open(n).read() for n in sys.argv[1:])); sys.exit(1)", *STANDARD, "args=*", parts=(b"a", b"b"))
    assert answer.found == ["p000:a b"], answer


def test_full_names():
    answer = scan("print(': %s FOUND' % all(n[0] == '/' and os.path.isfile(n) for n in sys.argv[1:])); sys.exit(1)", *STANDARD, "args={}/*",
                  parts=(b"a", b"b"))
    assert answer.found == ["p000:True"], answer


def test_arguments_are_words():
    script = "print(': %s FOUND' % '|'.join(sys.argv[1:])); sys.exit(1)"
    assert scan(script, *STANDARD, "args=-a 'b c'  \"d;$(e)\" f").found == ["p000:-a|b c|d;$(e)|f"]
    assert scan(script, *STANDARD, "args=one two", "args=`x`").found == ["p000:one two|`x`"]


def test_environment_is_empty():
    answer = scan("print(': %s FOUND' % sorted(k for k in os.environ if not k.startswith('LC_'))); sys.exit(1)", *STANDARD)
    assert answer.found == ["p000:[]"], answer


def test_long_lists_are_split():
    script = "n = len(' '.join(sys.argv[1:])); print(': %s FOUND' % (n <= 4000)); sys.exit(1 if n else 0)"
    answer = scan(script, *STANDARD, "args={}/*", parts=[b"x"] * 16)
    assert answer.found == ["p000:True"], answer


def test_a_run_that_fails_hides_nothing():
    """With so long an argument each run names one part."""
    script = ("text = open(sys.argv[1]).read()\n"
              "if text == 'kill': os.kill(os.getpid(), 9)\n"
              "if text == 'bad': print(': Bad FOUND')\n"
              "sys.exit({'bad': 1, 'odd': 7, 'unsure': 9}.get(text, 0))")
    options = (*STANDARD, "inconclusive=9", "args={}/*", "args=" + "x" * 3990)
    for upset, error in ((b"kill", "killed by signal 9"), (b"odd", "exit code 7")):
        answer = scan(script, *options, parts=(upset, b"unsure", b"bad"))
        assert answer.found == ["p000:Bad"] and answer.result == "TEMPFAIL" and error in answer.error, (upset, answer)
        answer = scan(script, *options, parts=(b"fine", upset, b"unsure", b"fine"))
        assert answer.result == "TEMPFAIL" and not answer.found and error in answer.error, (upset, answer)
    answer = scan(script, *options, parts=(b"unsure", b"fine"))
    assert answer.result == "NOTHING", answer


def test_what_it_said_before_it_was_killed_stands():
    answer = scan("print('a: Bad FOUND', flush=True); os.kill(os.getpid(), 9)", "clean=0", r"infected=/FOUND$", r"names=: (.+) FOUND$")
    assert answer.found == ["p000:Bad"] and answer.result == "TEMPFAIL" and "killed by signal 9" in answer.error, answer


def test_whole_mail_is_in_the_folder():
    with probe.Folder() as folder:
        mail = folder.file("mail", b"Subject: x\r\n\r\nhello\r\n")
        program = folder.file("scanner", (HEAD + "print(': %s FOUND' % open('p000').read().split()[-1]); sys.exit(1)").encode(), 0o755)
        answers, _, _ = probe.run("-m", mail, "-p", "command", "-o", "program=" + program, *[x for o in STANDARD for x in ("-o", o)])
    assert answers[0].found == ["p000:hello"], answers


def test_much_output():
    answer = scan("print('x' * 3000000); sys.exit(0)", *STANDARD)
    assert answer.result == "OK", answer
    answer = scan("print('x' * 3000000); print('OK')", "clean=/OK$", "infected=1")
    assert answer.result == "TEMPFAIL", answer
    for meaning in ("infected=/ FOUND$", "inconclusive=/ FOUND$"):
        answer = scan("print('x: fine\\n' * 50000 + 'y: Bad FOUND')", "infected=1", "clean=0", meaning)
        assert answer.result == "TEMPFAIL" and "printed more than" in answer.error, (meaning, answer)


def test_an_expression_that_meets_its_limits_is_no_verdict():
    for meaning in ("infected=/(?:a+)+[bd]", "inconclusive=/(?:a+)+[bd]"):
        answer = scan("print('a' * 20000 + 'c')", "infected=1", "clean=0", meaning)
        assert answer.result == "TEMPFAIL" and "regular expression" in answer.error, (meaning, answer)


def test_absent_program():
    with probe.Folder() as folder:
        part = folder.file("part", b"x")
        answers, out, _ = probe.run("-P", part, "-p", "command", "-o", "program=/nonexistent/scanner", "-o", "infected=1")
    assert "start failed: command: there is no program \"/nonexistent/scanner\"" in out, out
    assert answers[0].result == "TEMPFAIL", answers


def version_of(script, *options):
    with probe.Folder() as folder:
        program = folder.file("scanner", (HEAD + script).encode(), 0o755)
        extra = [x for o in options for x in ("-o", o)]
        answers, _, _ = probe.run("-v", "-t", 3000, "-p", "command", "-o", "program=" + program, "-o", "infected=1", *extra)
        return answers[0]


def test_version():
    script = "print('Scanner 7.1 %s\\nbase of 2026-11-20' % ' '.join(sys.argv[1:])); sys.exit(3)"
    answer = version_of(script, "version_args=-V 'a b'")
    assert answer.result == "OK" and answer.fields["version"] == "Scanner 7.1 -V a b", answer
    answer = version_of(script, "version_args=-V", r"version=base of (\S+)")
    assert answer.fields["version"] == "2026-11-20", answer
    answer = version_of(script, "version_args=-V", r"version=nothing like it")
    assert answer.result == "OK" and answer.fields["version"] == "", answer
    answer = version_of("os.kill(os.getpid(), 9)", "version_args=-V")
    assert answer.result == "TEMPFAIL" and "killed by signal 9" in answer.error, answer
    answer = version_of("time.sleep(30)", "version_args=-V")
    assert answer.result == "TEMPFAIL", answer


def test_the_program_is_not_run_for_nothing():
    assert version_of("sys.exit(open('/nonexistent'))").result == "OK"
    answers, _, _ = probe.run("-v", "-p", "command", "-o", "program=/nonexistent/scanner", "-o", "infected=1")
    assert answers[0].result == "TEMPFAIL" and "no program \"/nonexistent/scanner\"" in answers[0].error, answers[0]


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
