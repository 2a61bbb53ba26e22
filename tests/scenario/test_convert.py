#!/usr/bin/python3
"""test_convert.py - a configuration in the style of 2005 to 2007 is converted; Perl's values and posternd's are the same, but what is listed here."""
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from convertcheck import ALWAYS, IDLE, NOT_BUILT, converted, report  # noqa: E402
from tapout import Tap  # noqa: E402

WANTED = dict(ALWAYS, **{
    "sa_auto_whitelist": IDLE,
    "decoders": IDLE,
    "default_ldap": "posternd -n does not show what may hold a password",
    "policy_bank{ORIGINATING}{spam_lovers_maps}": "SQL and LDAP are asked before every list",
    "policy_bank{AM.PDP}{protocol}": NOT_BUILT,
    "virus_quarantine_method": NOT_BUILT,
    "banned_files_quarantine_method": NOT_BUILT,
})


def main():
    with Tap() as t, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(os.path.join(HERE, "convert_2006.conf"), os.path.join(folder, "amavisd.conf"))
        shutil.copytree(os.path.join(HERE, "..", "golden", "convert", "tables"), os.path.join(folder, "tables"))
        for root, folders, files in os.walk(folder):
            for name in folders + files:
                os.chmod(os.path.join(root, name), 0o755 if name in folders else 0o644)
        report(t, converted(t, "as of 2006", ["amavisd.conf"], os.path.join(folder, "out.lua"), cwd=folder), WANTED)


if __name__ == "__main__":
    main()
