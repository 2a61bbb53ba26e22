"""tapout.py - test points in TAP, one call each, for scripts that tell a story.

    with Tap() as t:
        t.ok(1 + 1 == 2, "one and one")
        t.equal(got, wanted, "the same")
        t.match(text, r"regexp", "says so")

An exception inside the block is a failed point; leaving it prints the plan and exits, 1 where a point has failed."""
import re
import sys
import traceback


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def ok(self, condition, name, detail=""):
        self.count += 1
        if not condition:
            self.failed += 1
        print("%sok %d - %s" % ("" if condition else "not ", self.count, one_line(name)), flush=True)
        if not condition and detail:
            self.note(detail)
        return bool(condition)

    def equal(self, got, wanted, name):
        return self.ok(got == wanted, name, "got:    %s\nwanted: %s" % (shorten(got), shorten(wanted)))

    def match(self, text, pattern, name):
        return self.ok(re.search(pattern, text, re.M) is not None, name, "got:    %s\nwanted: /%s/" % (shorten(text), pattern))

    def no_match(self, text, pattern, name):
        return self.ok(re.search(pattern, text, re.M) is None, name, "got:    %s\nnot wanted: /%s/" % (shorten(text), pattern))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, one_line(name), why), flush=True)

    @staticmethod
    def note(text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def done(self):
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.failed else 0)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.ok(False, "no exception", "".join(traceback.format_exception(kind, value, trace)))
        self.done()


def skip_all(why):
    print("1..0 # SKIP " + why, flush=True)
    sys.exit(0)


def one_line(text):
    return str(text).replace("\n", " ").replace("#", "no. ")


def shorten(value, limit=1500):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else "%s ... (%d characters)" % (text[:limit], len(text))
