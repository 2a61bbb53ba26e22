"""luatext.py - reads values that posternd prints as Lua source (-n, -d) into Python.

A list becomes a list, a table with keys a dict, undef None, rx("p", "f") Rx, re { ... } Re, any other call Call, setting "x" Follow;
names of destinies and categories become numbers, as text where they are keys. What is more than a value raises ValueError."""
import re
from collections import namedtuple

Rx = namedtuple("Rx", "pattern flags")
Re = namedtuple("Re", "rules")              # [(Rx, result)]
Call = namedtuple("Call", "name arguments")
Follow = namedtuple("Follow", "setting")
Name = namedtuple("Name", "name")           # another setting

CONSTANTS = {"D_TEMPFAIL": -4, "D_REJECT": -3, "D_BOUNCE": -2, "D_DISCARD": 0, "D_PASS": 1, "CC_CATCHALL": 0, "CC_CLEAN": 1, "CC_MTA": 2,
             "CC_OVERSIZED": 3, "CC_BADH": 4, "CC_SPAMMY": 5, "CC_SPAM": 6, "CC_UNCHECKED": 7, "CC_BANNED": 8, "CC_VIRUS": 9}
TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|\[(=*)\[(.*?)\]\2\]|(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)|([A-Za-z_]\w*)|([{}\[\](),=]))', re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def unescape(text):
    def one(match):
        word = match.group(1)
        if word[0] == "x":
            return chr(int(word[1:], 16))
        return chr(int(word)) if word.isdigit() else ESCAPES.get(word, word)
    return re.sub(r"\\(x[0-9a-fA-F]{2}|\d{1,3}|.)", one, text, flags=re.S)


class Reader:
    def __init__(self, text):
        self.tokens, at = [], 0
        while text[at:].strip():
            match = TOKEN.match(text, at)
            if not match:
                raise ValueError("not a value: " + text[at:at + 40])
            quoted, _, long, number, name, sign = match.groups()
            if quoted is not None or long is not None:
                self.tokens.append(("text", unescape(quoted[1:-1]) if quoted is not None else long))
            elif number is not None:
                self.tokens.append(("number", float(number) if re.search(r"[.e]", number) else int(number)))
            else:
                self.tokens.append(("name", name) if name is not None else ("sign", sign))
            at = match.end()
        self.tokens.append(("end", ""))

    def peek(self):
        return self.tokens[0]

    def take(self, *wanted):
        token = self.tokens.pop(0)
        if wanted and token != wanted:
            raise ValueError("%s where %s was expected" % (token, wanted))
        return token

    def value(self):
        kind, what = self.take()
        if kind in ("text", "number"):
            return what
        if (kind, what) == ("sign", "{"):
            return self.table()
        if kind != "name":
            raise ValueError("unexpected " + what)
        if what in ("true", "false"):
            return what == "true"
        if what == "undef":
            return None
        if what in CONSTANTS:
            return CONSTANTS[what]
        return self.call(what)

    def call(self, name):
        if self.peek() == ("sign", "("):
            self.take()
            arguments = []
            while self.peek() != ("sign", ")"):
                arguments.append(self.value())
                if self.peek() == ("sign", ","):
                    self.take()
            self.take()
            return Rx(arguments[0], "".join(arguments[1:])) if name == "rx" else Call(name, arguments)
        if self.peek()[0] == "text" or self.peek() == ("sign", "{"):
            argument = self.value()
            if name == "setting":
                return Follow(argument)
            if name == "re":
                return Re([rule if isinstance(rule, list) else [rule, True] for rule in argument])
            return Call(name, argument)
        return Name(name)

    def table(self):
        items, keys = [], {}
        while self.peek() != ("sign", "}"):
            if self.peek() == ("sign", "["):
                self.take()
                key = self.value()
                self.take("sign", "]")
                self.take("sign", "=")
                keys[category(key)] = self.value()
            elif self.peek()[0] == "name" and self.tokens[1] == ("sign", "="):
                key = self.take()[1]
                self.take()
                keys[key] = self.value()
            else:
                items.append(self.value())
            if self.peek() == ("sign", ","):
                self.take()
        self.take()
        if keys and items:
            keys.update({str(i + 1): item for i, item in enumerate(items)})
        return keys if keys else items


def category(key):
    """CC_BADH,1 is "4,1"."""
    return re.sub(r"^CC_\w+", lambda m: str(CONSTANTS.get(m.group(0), m.group(0))), str(key))


def read(text):
    reader = Reader(text)
    value = reader.value()
    reader.take("end", "")
    return value
