"""formats - samples of file formats with a test virus two levels deep, for tests and for tests/bench/formats.

A family of formats is a file of this folder; a format is one function in it:

    @format("tar/ustar", ".tar")
    def ustar(members):                 # [(name, bytes), ...]
        return ... bytes of an archive that holds them ...

    @stream("gz", ".gz")
    def gz(content):                    # one content, no names
        return ... bytes ...

What is packed is the test virus compressed once more, so that neither the mail nor what is found in the archive shows it; samples()
asserts that. `path` is where in the archive the packed member is found, "1" unless said otherwise; `tools` are programs that the
function needs: without them the format is left out and said to be so. A file in this folder is all that a new family needs."""
import bz2
import gzip
import importlib
import io
import lzma
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from email.message import EmailMessage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from virus import EICAR  # noqa: E402

FORMATS = []


class Format:
    def __init__(self, make, name, suffix, path="1", tools=(), packed=None, decoder="archive", is_stream=False, doubts=""):
        self.name, self.suffix, self.make, self.path, self.tools, self.is_stream = name, suffix, make, path, tools, is_stream
        self.packed, self.decoder, self.doubts = packed, decoder, doubts

    def missing(self, decoders=None):
        """Programs that are not there; decoders: those that were built."""
        lacking = [tool for tool in self.tools if not shutil.which(tool)]
        return lacking + ([] if decoders is None or self.decoder in decoders else ["the decoder " + self.decoder])


class Sample:
    """data: the file to attach; place: where below it the virus is, "1/1"."""

    def __init__(self, form, data, place):
        self.name, self.suffix, self.data, self.place = form.name, form.suffix, data, place
        self.filename = "sample" + form.suffix


def format(name, suffix, **more):  # noqa: A001
    """more: path, tools, packed(bytes) (how the virus is compressed within, default gzip), decoder (the plugin that opens it),
    doubts (which of the attributes U, C and B its parts are to have)."""
    def register(function):
        FORMATS.append(Format(function, name, suffix, **more))
        return function
    return register


def stream(name, suffix, **more):
    return format(name, suffix, is_stream=True, **more)


def gzipped(data):
    out = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as g:
        g.write(data)
    return out.getvalue()


def bzipped(data):
    return bz2.compress(data)


def xzipped(data):
    return lzma.compress(data)


def run(*argv, data=b"", folder=None):
    """A program's standard output."""
    done = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv), done.stderr.decode(errors="replace")[-500:]))
    return done.stdout


class Folder:
    """A temporary folder with these members in it."""

    def __init__(self, members):
        self.path = tempfile.mkdtemp(prefix="postern-format-")
        for name, data in members:
            path = os.path.join(self.path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def load():
    """All families of this folder."""
    for module in sorted(m.name for m in pkgutil.iter_modules([os.path.dirname(os.path.abspath(__file__))])):
        importlib.import_module("formats." + module)
    return FORMATS


def sample(form):
    pack = form.packed or (bzipped if form.suffix == ".gz" else gzipped)
    inner = pack(EICAR)
    data = form.make(inner) if form.is_stream else form.make([("eicar.com" + {bzipped: ".bz2", xzipped: ".xz"}.get(pack, ".gz"), inner)])
    assert EICAR not in data, form.name + " shows the virus"
    assert EICAR not in inner, form.name + " shows the virus one level deep"
    return Sample(form, data, form.path + "/1")


def samples(decoders=None):
    """(format, Sample or None where something that it needs is missing)"""
    for form in load():
        yield form, None if form.missing(decoders) else sample(form)


def mail_with(one):
    """The mail that has it as its second part, "1/2"."""
    m = EmailMessage()
    m["Subject"] = one.name
    m["From"], m["To"] = "a@example.org", "b@example.com"
    m["MIME-Version"] = "1.0"
    m.set_content("See there.\n")
    m.add_attachment(one.data, maintype="application", subtype="octet-stream", filename=one.filename)
    return m.as_bytes()


def built_decoders(build):
    folder = os.path.join(build, "plugins/decoder")
    return [name[:-3] for name in os.listdir(folder) if name.endswith(".la")] if os.path.isdir(folder) else []
