#!/usr/bin/python3
"""test_convert_debian.py - the configuration that Debian's amavisd-new comes with is converted; Perl's values and posternd's are the same,
but what is listed here."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from convertcheck import ALWAYS, IDLE, NOT_BUILT, converted, report  # noqa: E402
from tapout import Tap, skip_all  # noqa: E402

FOLDERS = ["/usr/share/amavis/conf.d", "/etc/amavis/conf.d"]
WANTED = dict(ALWAYS, **{
    "syslog_priority": IDLE,
    "dspam": IDLE,
    "policy_bank{AM.PDP-SOCK}{protocol}": NOT_BUILT,
    "policy_bank{AM.PDP-SOCK}{auth_required_release}": NOT_BUILT,
})


def copies(folder):
    """Both folders, with a /etc/mailname of ours; their places in the order in which amavisd-new reads them."""
    targets = [os.path.join(folder, "share"), os.path.join(folder, "conf.d")]
    with open(os.path.join(folder, "mailname"), "w", encoding="ascii") as f:
        f.write("mail.example.com\n")
    for source, target in zip(FOLDERS, targets):
        os.mkdir(target)
        for name in os.listdir(source):
            if not re.fullmatch(r"\d\d-\w+", name, re.A):
                continue
            with open(os.path.join(source, name), encoding="latin-1") as f:
                text = f.read().replace("/etc/mailname", os.path.join(folder, "mailname"))
            with open(os.path.join(target, name), "w", encoding="latin-1") as f:
                f.write(text)
    return targets


def main():
    if not all(os.path.isdir(folder) for folder in FOLDERS):
        skip_all("amavisd-new is not installed")
    with Tap() as t, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        folders, lua = copies(folder), os.path.join(folder, "out.lua")
        report(t, converted(t, "as shipped", folders, lua), WANTED)
        with open(os.path.join(folders[1], "50-user"), "w", encoding="ascii") as f:
            f.write("use strict;\n@bypass_virus_checks_maps = (\n   \\%bypass_virus_checks, \\@bypass_virus_checks_acl, \\$bypass_virus_checks_re);\n1;\n")
        every = converted(t, "checks switched on, all scanners", folders, lua, ["--all-scanners"])
        report(t, every, WANTED)
        names = [call.arguments["name"].split("/")[0] for call in every.lua("av_scanners") + every.lua("av_scanners_backup")]
        perl = [entry[0] for which in ("av_scanners", "av_scanners_backup") for entry in every.from_perl(every.perl[which]["value"])]
        t.equal(names, perl, "all %d scanners are there, in order" % len(perl))
        with open(lua, encoding="utf-8") as f:
            text = f.read()
        t.match(text, r"^\tclamd \{ \"/var/run/clamav/clamd.ctl\", name = \"ClamAV-clamd\" \},$", "clamd is asked by its own plugin")
        t.no_match(text, r"^bypass_virus_checks_maps", "checks are not bypassed")
        t.match(text, r"^local_domains_acl = \{ \"\.mail\.example\.com\" \}", "what a program said when Perl ran it is there")


if __name__ == "__main__":
    main()
