"""convertcheck.py - do Perl's values of an amavisd.conf and Postern's of its conversion agree?

Perl's come from convert-amavisd-conf --json, which prints what was evaluated and knows nothing of Lua; Postern's from posternd -n --json
of what was converted. Both are brought to one form here and compared, setting by setting, bank by bank."""
import json
import os
import socket
import subprocess

import luatext
from luatext import Call, Follow, Name, Re, Rx

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
SOURCE = os.environ.get("POSTERN_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = os.path.join(SOURCE, "tools", "convert-amavisd-conf")
POSTERND = [os.path.join(BUILD, "posternd"), "--build-dir", BUILD]

# Reasons for differences, and what differs wherever it is set.
IDLE = "Postern needs no counterpart"
NOT_BUILT = "not built yet"
ALWAYS = {
    "TEMPBASE": "what MYHOME implies, so it is no difference for posternd -n",
    "db_home": IDLE,
    "pid_file": IDLE,
    "lock_file": IDLE,
    "enable_db": IDLE,
    "enable_global_cache": IDLE,
    "unix_socketname": NOT_BUILT,
    "interface_policy[SOCK]": NOT_BUILT,
}


def run(arguments, cwd=None):
    """(exit code, standard output, standard error) as texts."""
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    done = subprocess.run(arguments, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                          check=False, env=environment)
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape")


def convert(arguments, cwd=None):
    return run([PROGRAM, "--posternd", POSTERND[0], "--build-dir", BUILD] + arguments, cwd)


def converted(t, what, files, lua, options=(), cwd=None):
    """The files converted to the file lua, which posternd takes: test points."""
    code, out, err = convert(list(options) + ["-o", lua] + files, cwd)
    t.equal((code, out), (0, ""), "%s: converted" % what)
    t.note(err)
    code, out, err = run(POSTERND + ["-c", lua, "-t"])
    errors = [line for line in (out + err).splitlines() if ": warning: " not in line]
    t.equal((code, errors), (0, []), "%s: posternd -t takes it, with warnings at most" % what)
    return Comparison(files, lua, cwd)


class Comparison:
    """evaluated: by Perl; changed: by posternd -n; both by the name of the setting."""

    def __init__(self, files, lua, cwd=None):
        code, out, err = convert(["--json"] + files, cwd)
        if code:
            raise RuntimeError(err)
        self.perl = json.loads(out)
        self.changed = {row["setting"]: row["lua"] for row in json.loads(self.posternd("-c", lua, "-n", "--json"))}
        self.table = {row["setting"]: row for row in json.loads(self.posternd("-d", "--json"))}

    @staticmethod
    def posternd(*arguments):
        code, out, err = run(POSTERND + list(arguments))
        if code:
            raise RuntimeError("posternd %s: %d\n%s" % (" ".join(arguments), code, err))
        return out

    def lua(self, name):
        """Postern's value: what differs from the default, or the default."""
        text = self.changed.get(name, self.table[name]["default"])
        try:
            return luatext.read(text)
        except ValueError:
            return "(computed)"

    # -- Perl's values as luatext has them

    def from_perl(self, value):
        if isinstance(value, list):
            return [self.from_perl(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "hash" in value:
            return {key: self.from_perl(item) for key, item in value["hash"].items()}
        if "re" in value:
            return Re([[Rx(pattern, flags), self.from_perl(result)] for pattern, flags, result in value["re"]])
        if "rx" in value:
            return Rx(*value["rx"])
        if "follow" in value:
            return Follow(value["follow"])
        if "ref" in value:
            return Name(value["ref"])
        return Call("?", value)

    def resolved(self, name):
        """What a reference to a setting stands for."""
        if name in self.perl:
            return self.from_perl(self.perl[name]["value"])
        value = self.lua(name)
        return value if not isinstance(value, str) or value != "(computed)" else None

    # -- comparing

    @staticmethod
    def same_scalar(perl, lua, truth=False):
        if isinstance(lua, bool) or truth:
            return (perl not in (None, "", "0", 0)) == (lua not in (None, "", "0", 0, False))
        if perl is None or lua is None:
            return perl in (None, "") and lua in (None, "")
        try:
            return abs(float(perl) - float(lua)) < 1e-9
        except (TypeError, ValueError):
            return str(perl) == str(lua)

    @staticmethod
    def same_rx(perl, lua):
        flags = "".join(sorted(set(perl.flags) & set("imsxn")))
        return perl.pattern == lua.pattern and flags == "".join(sorted(set(lua.flags) - {"u"}))

    def is_nothing(self, value):
        return value is None or value == [] or value == {} or isinstance(value, Name) and self.is_nothing(self.resolved(value.name))

    def same(self, perl, lua, depth=0):
        """Tables and results of lookups."""
        if isinstance(lua, Follow) and isinstance(perl, (Follow, Name)):
            return lua.setting == perl[0]
        if isinstance(lua, Name):
            lua = self.lua(lua.name)
        if lua == Call("hostname", []):
            lua = socket.gethostname()
        if isinstance(perl, Name) and not isinstance(lua, Follow):
            perl = self.resolved(perl.name)
        if isinstance(perl, Rx):
            perl = Re([[perl, True]])
        if isinstance(perl, Re):
            return isinstance(lua, Re) and len(perl.rules) == len(lua.rules) and all(
                self.same_rx(p[0], q[0]) and self.same(p[1], q[1], depth + 1) for p, q in zip(perl.rules, lua.rules))
        if isinstance(perl, list):
            if not isinstance(lua, list):
                return False
            perl = [item for item in perl if not self.is_nothing(item)]
            lua = [item for item in lua if not self.is_nothing(item)]
            return len(perl) == len(lua) and all(self.same(p, q, depth + 1) for p, q in zip(perl, lua))
        if isinstance(perl, dict):
            return isinstance(lua, dict) and set(perl) == set(lua) and all(self.same(perl[key], lua[key], depth + 1) for key in perl)
        return not isinstance(lua, (list, dict, Re)) and self.same_scalar(perl, lua)

    def same_by_kind(self, name, kind, perl, lua):
        if isinstance(lua, Follow):
            return self.same(perl, lua)
        if isinstance(perl, Name):
            perl = self.resolved(perl.name)
        if kind == "BOOLEAN":
            return self.same_scalar(perl, lua, truth=True)
        if kind in ("METHODS", "STRINGS"):
            return self.same(*[value if isinstance(value, list) else [] if value in (None, "") else [value] for value in (perl, lua)])
        if kind in ("MAPS", "DSN"):
            return lua == "********" if kind == "DSN" else self.same(*[value if isinstance(value, list) else [value] for value in (perl, lua)])
        if kind == "PAIRS":
            return self.same([[perl[i], perl[i + 1]] for i in range(0, len(perl), 2)], lua)
        if kind == "SCANNERS":
            return name != "decoders" and self.same_scanners(perl, lua)     # amavisd-new's are programs, ours are plugins
        if kind == "SIZE" and isinstance(lua, str) and lua[-1:] in "kMG":
            lua = int(lua[:-1]) * 1024 ** ("kMG".index(lua[-1]) + 1)
        if kind == "TABLE" and self.is_nothing(perl):
            return self.is_nothing(lua)
        return self.same(perl, lua)

    @staticmethod
    def same_scanners(perl, lua):
        """Those that are there have amavisd-new's names, in its order; programs also their codes."""
        entries = [entry for entry in perl if isinstance(entry, list)]
        for call in lua:
            while entries and entries[0][0] != call.arguments["name"].split("/")[0]:
                entries.pop(0)
            if not entries:
                return False
            entry = entries.pop(0)
            if call.name != "command":
                continue
            programs = entry[1] if isinstance(entry[1], list) else [entry[1]]
            if call.arguments["1"] not in programs:
                return False
            for at, option in (3, "clean"), (4, "infected"):
                if isinstance(entry[at], list) and [str(code) for code in call.arguments[option]] != entry[at]:
                    return False
        return True

    def differences(self):
        """[(setting or setting.key, Perl's value, Postern's)] of all that the files have set."""
        found = []
        for name, row in sorted(self.perl.items()):
            kind, perl, lua = self.table[name]["kind"], self.from_perl(row["value"]), self.lua(name)
            if kind == "BANKS":
                found += self.bank_differences(perl, lua or {})
            elif isinstance(perl, dict) and kind not in ("TABLE", "ANYTHING"):
                for key in sorted(perl) if row["replaced"] else row["keys"]:
                    there = isinstance(lua, dict) and key in lua
                    if not there or not self.same_by_kind(name, "MAPS" if isinstance(perl[key], list) else "", perl[key], lua[key]):
                        found.append(("%s[%s]" % (name, key), perl[key], lua.get(key) if isinstance(lua, dict) else lua))
            elif not self.same_by_kind(name, kind, perl, lua):
                found.append((name, perl, lua))
        return found

    def bank_differences(self, perl, lua):
        found = []
        for bank in sorted(perl):
            for key, value in sorted(perl[bank].items()):
                there = lua.get(bank, {}) if isinstance(lua, dict) else {}
                kind = self.table[key]["kind"] if key in self.table else ""
                if isinstance(there, list) or key not in there or not self.same_in_bank(key, kind, value, there[key]):
                    found.append(("policy_bank{%s}{%s}" % (bank, key), value, there.get(key) if isinstance(there, dict) else None))
        return found

    def same_in_bank(self, name, kind, perl, lua):
        if isinstance(perl, dict) and kind not in ("TABLE", "ANYTHING"):
            return isinstance(lua, dict) and set(perl) == set(lua) and all(self.same_by_kind(key, "", perl[key], lua[key]) for key in perl)
        return self.same_by_kind(name, kind, perl, lua)


def report(t, comparison, wanted):
    """Test points: all agree but what is wanted, {setting: reason}; each of that differs indeed, but what is not built yet may be by now."""
    differences = comparison.differences()
    names = {name for name, _, _ in differences}
    for name, perl, lua in differences:
        if name not in wanted:
            t.ok(False, "%s is the same" % name, "Perl:    %r\nPostern: %r" % (perl, lua))
    for name, reason in wanted.items():
        t.ok(name in names or reason.startswith("not built"), "%s differs: %s" % (name, reason))
    agree = sorted(set(comparison.perl) - {name.split("[")[0].split("{")[0] for name in names})
    t.ok(len(agree) > 10, "%d settings are the same: %s" % (len(agree), " ".join(agree)))
