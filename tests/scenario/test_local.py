#!/usr/bin/python3
"""The local: quarantine: bytes, names, modes, gzip, subfolders, and a disk that is full."""
import gzip
import os
import resource
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
import tap  # noqa: E402

MAIL = b"Received: from a\r\nSubject: x\r\n\r\nfirst\r\n.second\r\n\r\nlast\r\n"
STORED = b"X-Quarantine-ID: <AbcDefGhiJkl>\n" + MAIL.replace(b"\r\n", b"\n")


def deliver(folder, method, *arguments, mail=MAIL, settings=()):
    path = folder.join("mail")
    if not os.path.exists(path):
        folder.file("mail", mail)
    root = folder.join("quarantine")
    if not os.path.exists(root):
        os.mkdir(root)
    extra = [x for s in settings for x in ("-s", s)]
    answers, _, _ = probe.run("-m", path, "-d", method, *arguments, "-s", "QUARANTINEDIR=" + root, *extra, "-p", "local")
    return answers[0], root


def files(root):
    return sorted(os.path.relpath(os.path.join(d, n), root) for d, _, names in os.walk(root) for n in names)


def test_plain_file():
    with probe.Folder() as folder:
        answer, root = deliver(folder, "local:virus-%m")
        assert answer.result == "OK" and answer.fields["type"] == "F", answer
        assert answer.fields["location"] == "virus-AbcDefGhiJkl", answer
        assert files(root) == ["virus-AbcDefGhiJkl"], files(root)
        path = os.path.join(root, "virus-AbcDefGhiJkl")
        with open(path, "rb") as f:
            assert f.read() == STORED
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o640


def test_gzip_and_subfolder():
    with probe.Folder() as folder:
        answer, root = deliver(folder, "local:spam-%m.gz", "-T", "spam-quarantine", settings=["quarantine_subdir_levels=1"])
        assert answer.fields["type"] == "Z" and answer.fields["location"] == "A/spam-AbcDefGhiJkl.gz", answer
        assert stat.S_IMODE(os.stat(os.path.join(root, "A")).st_mode) == 0o750
        with gzip.open(os.path.join(root, "A/spam-AbcDefGhiJkl.gz")) as f:
            assert f.read() == STORED


def test_large_gzip():
    body = b"Subject: big\r\n\r\n" + os.urandom(700000).replace(b"\r", b".").replace(b"\n", b"\r\n") + b"\r\n"
    with probe.Folder() as folder:
        answer, root = deliver(folder, "local:spam-%m.gz", mail=body)
        assert answer.result == "OK", answer
        with gzip.open(os.path.join(root, "spam-AbcDefGhiJkl.gz")) as f:
            assert f.read() == b"X-Quarantine-ID: <AbcDefGhiJkl>\n" + body.replace(b"\r\n", b"\n")


def test_never_replaces():
    with probe.Folder() as folder:
        deliver(folder, "local:virus-%m")
        answer, root = deliver(folder, "local:virus-%m")
        assert answer.result == "TEMPFAIL" and "File exists" in answer.error, answer
        assert files(root) == ["virus-AbcDefGhiJkl"], files(root)


def test_names_stay_inside():
    with probe.Folder() as folder:
        for method in ("local:../%m", "local:a/%m", "local:.%m", "local:", "local:/etc/%m", "local:..", "local:" + "x" * 300):
            answer, root = deliver(folder, method)
            assert answer.result == "BROKEN" and "no file name" in answer.error, (method, answer)
            assert files(root) == [], files(root)


def test_sender_in_a_name():
    with probe.Folder() as folder:
        answer, _ = deliver(folder, "local:%s-%n-%%-%m")
        assert answer.fields["location"] == "s=..=x@example.org-00001-01-%-AbcDefGhiJkl", answer


def test_subfolder_may_not_be_a_link():
    with probe.Folder() as folder:
        os.mkdir(folder.join("quarantine"))
        os.mkdir(folder.join("outside"))
        os.symlink(folder.join("outside"), folder.join("quarantine/A"))
        answer, _ = deliver(folder, "local:virus-%m", settings=["quarantine_subdir_levels=1"])
        assert answer.result == "TEMPFAIL", answer
        assert os.listdir(folder.join("outside")) == []


def test_unknown_mailbox():
    with probe.Folder() as folder:
        answer, _ = deliver(folder, "local:virus-%m", "-T", "nobody")
        assert answer.result == "BROKEN" and "\"nobody\" is no mailbox" in answer.error, answer


def test_absent_folder():
    with probe.Folder() as folder:
        path = folder.file("mail", MAIL)
        answers, _, _ = probe.run("-m", path, "-d", "local:virus-%m", "-s", "QUARANTINEDIR=/nonexistent/q", "-p", "local")
        assert answers[0].result == "TEMPFAIL" and "/nonexistent/q" in answers[0].error, answers
        answers, _, _ = probe.run("-m", path, "-d", "local:virus-%m", "-p", "local")
        assert answers[0].result == "BROKEN" and "QUARANTINEDIR is not set" in answers[0].error, answers


def test_full_disk_leaves_nothing():
    with probe.Folder() as folder:
        for method in ("local:virus-%m", "local:virus-%m.gz"):
            answer, root = deliver(folder, method, "-f", 100000, mail=b"Subject: x\r\n\r\n" + os.urandom(1000000).replace(b"\r", b".") + b"\r\n")
            assert answer.result == "TEMPFAIL" and "writing the quarantine file" in answer.error, answer
            assert files(root) == [], files(root)


def test_killed_writer_leaves_nothing():
    with probe.Folder() as folder:
        path = folder.file("mail", b"Subject: x\r\n\r\n" + b"line\r\n" * 200000)
        root = folder.join("quarantine")
        os.mkdir(root)
        done = subprocess.run([probe.PROBE, "-b", probe.BUILD, "-m", path, "-d", "local:virus-%m", "-s", "QUARANTINEDIR=" + root, "-p", "local"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))
        assert done.returncode == -25, done      # SIGXFSZ, in the middle of the file
        assert files(root) == [], files(root)


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
