#!/usr/bin/python3
"""test_convert.py - a configuration in the style of 2005 to 2007 is converted; Perl's values and posternd's are the same, but what is listed here."""
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from convertcheck import POSTERND, Comparison, convert, report, run  # noqa: E402
from tapout import Tap  # noqa: E402

IDLE = "Postern needs no counterpart"
NOT_BUILT = "not built yet"

WANTED = {
    "TEMPBASE": "what MYHOME implies, so it is no difference for posternd -n",
    "db_home": IDLE,
    "pid_file": IDLE,
    "lock_file": IDLE,
    "enable_db": IDLE,
    "enable_global_cache": IDLE,
    "sa_auto_whitelist": IDLE,
    "decoders": IDLE,
    "default_ldap": "posternd -n does not show what may hold a password",
    "policy_bank{ORIGINATING}{spam_lovers_maps}": "SQL and LDAP are asked before every list",
    "unix_socketname": NOT_BUILT,
    "interface_policy[SOCK]": NOT_BUILT,
    "policy_bank{AM.PDP}{protocol}": NOT_BUILT,
    "virus_quarantine_method": NOT_BUILT,
    "banned_files_quarantine_method": NOT_BUILT,
}


def main():
    with Tap() as t, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(os.path.join(HERE, "convert_2006.conf"), os.path.join(folder, "amavisd.conf"))
        shutil.copytree(os.path.join(HERE, "..", "golden", "convert", "tables"), os.path.join(folder, "tables"))
        for root, folders, files in os.walk(folder):
            for name in folders + files:
                os.chmod(os.path.join(root, name), 0o755 if name in folders else 0o644)
        lua = os.path.join(folder, "out.lua")
        code, out, err = convert(["-o", lua, "amavisd.conf"], cwd=folder)
        t.equal((code, out), (0, ""), "converted")
        t.note(err)
        code, out, err = run(POSTERND + ["-c", lua, "-t"])
        errors = [line for line in (out + err).splitlines() if ": warning: " not in line]
        t.equal((code, errors), (0, []), "posternd -t takes it, with warnings at most")
        report(t, Comparison(["amavisd.conf"], lua, cwd=folder), WANTED)


if __name__ == "__main__":
    main()
