#!/usr/bin/python3
"""ordinary.py - hundreds of mails as people write them: none of them is ambiguous to the opener, too much for it, or bad MIME."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from views import Tap, trees_of  # noqa: E402
import ordinary_mails  # noqa: E402


def main():
    with Tap() as t, tempfile.TemporaryDirectory() as folder:
        mails = dict(ordinary_mails.mails(folder))
        trees = trees_of(mails)
        sent = sum(name.startswith("sent-") for name in mails)
        odd = [name for name in mails if " ambiguous=0 " not in trees.get(name, "")]
        limited = [name for name in mails if "outcome OK" not in trees.get(name, "")]
        wrong = [name for name in mails if "mime error" in trees.get(name, "")]
        for name in odd + limited + wrong:
            t.note("%s\n%s%s" % (name, trees.get(name), mails[name][:3000].decode("latin-1")))
        t.ok(len(mails) >= 500, "%d mails, %d of them by mutt and git, ambiguous %d" % (len(mails), sent, len(odd)))
        t.equal(odd, [], "none is ambiguous")
        t.equal(limited, [], "none is over limits")
        t.equal(wrong, [], "none has an error of MIME")
        if not sent:
            t.skip("mails by mutt and git send-email", "they are not installed")


if __name__ == "__main__":
    main()
