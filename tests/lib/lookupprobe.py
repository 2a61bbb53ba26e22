"""lookupprobe.py - a configuration's lookup list asked through tests/scenario/lookup_probe, without a daemon.

    with Tables() as f:
        f.write("lovers", "boss@example.com yes\\n")
        with Probe(f, '{ hash "lovers" }', recipient_delimiter="+") as p:
            p.ask("boss@example.com")       # ("yes", "boss@example.com", "/…/lovers:1"), None, or Failed("why")
            p.client("192.0.2.1"); p.names("a", "b"); p.say("reload")
            p.left_out                      # lines of tables that cannot be used, once the probe has ended"""
import os
import shutil
import subprocess
import tempfile

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())


class Failed(str):
    """Why a lookup could not be answered."""


class Lua(str):
    """A setting's value that is Lua, not a string of it."""


class Tables:
    """A folder for table files; gone at the end."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="postern-tables-")
        os.chmod(self.path, 0o755)

    def join(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text, mode=0o644):
        """In place in one step."""
        path = self.join(name)
        with open(path + ".new", "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def lua_string(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class Probe:
    def __init__(self, tables, maps, timeout_ms=20000, **settings):
        """maps: the lookup list in Lua. Raises RuntimeError with what the probe said when it does not load."""
        lua = "compatibility_level = 1\nbypass_virus_checks_maps = { true }\n"
        for name, value in settings.items():
            lua += "%s = %s\n" % (name, value if isinstance(value, Lua) else lua_string(value) if isinstance(value, str) else str(value).lower())
        configuration = tables.write("probe.lua", lua + "virus_lovers_maps = " + maps + "\n")
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([os.path.join(BUILD, "tests/scenario/lookup_probe"), "-b", BUILD, "-t", str(timeout_ms), configuration],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, cwd=tables.path)
        if self.process.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError(self.error_text)

    def say(self, command):
        line = command if isinstance(command, bytes) else command.encode("utf-8", "surrogateescape")
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.endswith(b"\n"):
            self.close()
            raise RuntimeError("the probe has ended: " + self.error_text)
        return answer[:-1].decode("utf-8", "surrogateescape")

    def answer(self, command):
        fields = self.say(command).split("\t")
        if fields[0] == "failed":
            return Failed(fields[1])
        return None if fields == ["nothing"] else tuple(fields)

    def ask(self, address):
        return self.answer("a " + address if isinstance(address, str) else b"a " + address)

    def client(self, address):
        return self.answer("i " + address)

    def names(self, *names):
        return self.answer("n " + ",".join(names))

    def result(self, address):
        """The result alone; None: nothing."""
        answer = self.ask(address)
        return answer[0] if isinstance(answer, tuple) else answer

    @property
    def left_out(self):
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace").splitlines()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        code = self.process.wait(30)
        self.error_text = "\n".join(self.left_out)
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.close()
        if kind is None and code != 0:
            raise RuntimeError("the probe's exit code is %d: %s" % (code, self.error_text))
