"""pdfs.py - PDF: files that are embedded, by every filter, in object streams, behind broken tables, encrypted."""
import base64
import binascii
import os
import zlib

from formats import Folder, format, run


def write(objects, trailer=b"", broken=False):
    """objects: {number: bytes}; number 1 is the catalog."""
    out, at = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {}
    for number, body in objects.items():
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    size = max(objects) + 1
    if broken:
        return out + b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 >>\nstartxref\n7\n%%EOF\n"
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % at[number] if number in at else b"0000000000 65535 f \n"
    return out + b"trailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, table)


def stream(data, entries=b""):
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


PAGES = {2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", 3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"}


def with_files(members, encode, entries, **options):
    objects = {1: b""}
    objects.update(PAGES)
    names = b""
    for i, (name, data) in enumerate(members):
        objects[10 + 2 * i] = b"<< /Type /Filespec /F (%s) /UF <feff%s> /EF << /F %d 0 R >> >>" % (
            name.encode(), binascii.hexlify(name.encode("utf-16-be")), 11 + 2 * i)
        objects[11 + 2 * i] = stream(encode(data), b"/Type /EmbeddedFile " + entries)
        names += b"(%s) %d 0 R " % (name.encode(), 10 + 2 * i)
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [%s] >> >> >>" % names
    return write(objects, **options)


def ascii85(data):
    return base64.a85encode(data) + b"~>"


def ascii_hex(data):
    return binascii.hexlify(data) + b">"


def run_length(data):
    return b"".join(bytes([len(data[i:i + 128]) - 1]) + data[i:i + 128] for i in range(0, len(data), 128)) + b"\x80"


def lzw(data):
    bits, count, table, width, text = 0, 0, {bytes([i]): i for i in range(256)}, 9, b""
    out = bytearray()

    def put(code):
        nonlocal bits, count
        bits, count = bits << width | code, count + width
        while count >= 8:
            count -= 8
            out.append(bits >> count & 0xff)
    put(256)
    following = 258
    for i in range(len(data)):
        more = text + data[i:i + 1]
        if more in table:
            text = more
            continue
        put(table[text])
        table[more] = following
        following += 1
        if following == 1 << width and width < 12:      # one early, as is usual
            width += 1
        text = data[i:i + 1]
    put(table[text])
    put(257)
    out.append(bits << (8 - count) & 0xff if count else 0)
    return bytes(out)


def up_predicted(data):
    """PNG's filter "up", rows of four bytes."""
    out, above = b"", b"\0" * 4
    data += b"\0" * (-len(data) % 4)
    for i in range(0, len(data), 4):
        row = data[i:i + 4]
        out += b"\2" + bytes((a - b) & 0xff for a, b in zip(row, above))
        above = row
    return zlib.compress(out)


for _name, _encode, _entries in (
        ("flate", zlib.compress, b"/Filter /FlateDecode"), ("ascii85+flate", lambda d: ascii85(zlib.compress(d)), b"/Filter [/ASCII85Decode /FlateDecode]"),
        ("hex", ascii_hex, b"/Filter /ASCIIHexDecode"), ("lzw", lzw, b"/Filter /LZWDecode"), ("run-length", run_length, b"/Filter /RunLengthDecode"),
        ("stored", lambda d: d, b""), ("names-escaped", zlib.compress, b"/F#69lter /Fl#61teDecode"),
        ("flate-raw", lambda d: b"xx" + zlib.compress(d)[2:-4], b"/Filter /FlateDecode")):
    format("pdf/" + _name, ".pdf", decoder="pdf")(lambda members, encode=_encode, entries=_entries: with_files(members, encode, entries))


@format("pdf/predictor", ".pdf", decoder="pdf", path="1")
def predictor(members):
    return with_files([(name, data + b"\0" * (-len(data) % 4)) for name, data in members], up_predicted,
                      b"/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>")


@format("pdf/broken-table", ".pdf", decoder="pdf")
def broken_table(members):
    return with_files(members, zlib.compress, b"/Filter /FlateDecode", broken=True)


@format("pdf/behind-junk", ".pdf", decoder="pdf")
def behind_junk(members):
    return b"junk\r\n" * 20 + with_files(members, zlib.compress, b"/Filter /FlateDecode")


@format("pdf/older-revision", ".pdf", decoder="pdf")
def older_revision(members):
    """What was appended has no file any more; the bytes are still there."""
    whole = with_files(members, zlib.compress, b"/Filter /FlateDecode")
    return whole + b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nxref\n1 1\n%010d 00000 n \ntrailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(whole), len(whole) + 52)


@format("pdf/object-stream", ".pdf", decoder="pdf")
def object_stream(members):
    """The specification is in an object stream; only the file's own stream stands outside."""
    (name, data), = members
    spec = b"<< /Type /Filespec /F (%s) /EF << /F 11 0 R >> >>" % name.encode()
    packed = zlib.compress(b"10 0 \n" + spec)
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(x) 10 0 R] >> >> >>", **PAGES,
               5: stream(packed, b"/Type /ObjStm /N 1 /First 6 /Filter /FlateDecode"), 11: stream(zlib.compress(data), b"/Filter /FlateDecode")}
    return write(objects)


@format("pdf/script", ".pdf", path="1/1", decoder="pdf")
def script(members):
    """A script whose text holds a uuencoded file."""
    text = b"var x = 1;\r\n"
    for name, data in members:
        text += b"\r\nbegin 644 " + name.encode() + b"\r\n" + b"".join(
            binascii.b2a_uu(data[i:i + 45]).replace(b"\n", b"\r\n") for i in range(0, len(data), 45)) + b"`\r\nend\r\n"
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS 5 0 R >> >>", **PAGES,
               5: stream(zlib.compress(text), b"/Filter /FlateDecode")}
    return write(objects)


def encrypted(members, bits, user="", more=(), weak=True):
    with Folder([("plain.pdf", with_files(members, zlib.compress, b"/Filter /FlateDecode"))]) as folder:
        run("qpdf", *(["--allow-weak-crypto"] if weak else []), "--encrypt", user, "owner", bits, *more, "--", "plain.pdf", "locked.pdf", folder=folder)
        with open(os.path.join(folder, "locked.pdf"), "rb") as f:
            return f.read()


# Nobody needs a password for these; the owner has one.
for _name, _bits, _more in (("rc4-40", "40", []), ("rc4-128", "128", ["--use-aes=n"]), ("aes-128", "128", ["--use-aes=y"]), ("aes-256", "256", []),
                            ("aes-256-r5", "256", ["--force-R5"])):
    format("pdf/" + _name, ".pdf", tools=["qpdf"], decoder="pdf")(lambda members, bits=_bits, more=tuple(_more): encrypted(members, bits, more=more))
