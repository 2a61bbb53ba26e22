"""bombs.py - small files that want to be very large, very many or very deep when they are opened.

quine() makes a compressed file that decompresses to itself.  It is written as a program of two instructions: a stored block prints
what follows it, a match repeats what was printed last.  The checksum, which stands in what it is a checksum of, is the solution of
a system of 32 linear equations."""
import gzip
import io
import os
import struct
import sys
import tarfile
import zipfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from formats.zips import deflated, pack  # noqa: E402


# --- instructions, each of whole bytes

class Bits:
    def __init__(self):
        self.bits = []

    def number(self, value, count):
        self.bits += [value >> i & 1 for i in range(count)]

    def code(self, value, count):       # Huffman codes begin with their highest bit
        self.bits += [value >> i & 1 for i in reversed(range(count))]

    def bytes(self):
        bits = self.bits + [0] * (-len(self.bits) % 8)
        return bytes(sum(bit << i for i, bit in enumerate(bits[at:at + 8])) for at in range(0, len(bits), 8))


def ranges(first, extras):
    base, out = first, []
    for extra in extras:
        out.append((base, extra))
        base += 1 << extra
    return out


LENGTHS = ranges(3, [0] * 8 + [e for e in range(1, 6) for _ in range(4)])
DISTANCES = ranges(1, [0, 0] + [e for e in range(0, 14) for _ in range(2)])


def put_match(bits, length, distance):
    code, (base, extra) = max((i, r) for i, r in enumerate(LENGTHS) if r[0] <= length)
    symbol = 257 + code
    bits.code(*((symbol - 256, 7) if symbol < 280 else (0xc0 + symbol - 280, 8)))
    bits.number(length - base, extra)
    code, (base, extra) = max((i, r) for i, r in enumerate(DISTANCES) if r[0] <= distance)
    bits.code(code, 5)
    bits.number(distance - base, extra)


def say(count):
    """Prints the next bytes."""
    return struct.pack("<BHH", 0, count, count ^ 0xffff)


def matches(lengths, distance, empty=0, last=False):
    bits = Bits()
    for _ in range(empty):
        bits.number(2, 3)
        bits.code(0, 7)
    bits.number(2 | last, 3)
    for length in lengths:
        put_match(bits, length, distance)
    bits.code(0, 7)
    return bits


def repeat(count):
    """Prints the last bytes again. Five bytes as say(), so that both can be repeated: in one or two matches, with empty blocks."""
    for lengths in [[count], [count - count // 2, count // 2]]:
        for empty in range(3):
            bits = matches(lengths, count, empty)
            if 38 <= len(bits.bits) <= 40:
                return bits.bytes()
    raise ValueError("no such repetition")


def repeat_at_the_end(suffix):
    """Prints itself and the suffix again."""
    for size in range(3, 9):
        instruction = matches([size + len(suffix)], size + len(suffix), last=True).bytes()
        if len(instruction) == size:
            return instruction
    raise ValueError("no such repetition")


def program(prefix, suffix):
    p, one, four = len(prefix) + 5, 5, 20
    final = repeat_at_the_end(suffix)
    pattern = repeat(four) + say(0) + say(0) + say(len(final) + len(suffix))
    return (prefix + say(p) + prefix + say(p) + repeat(p) + say(one) + repeat(p) + say(one) + say(one)
            + say(four) + repeat(p) + say(one) + say(one) + say(four) + repeat(four)
            + say(four) + repeat(four) + say(four) + repeat(four) + say(four) + repeat(four) + say(four)
            + pattern + pattern + final + suffix + final + suffix)


def solve(rows, wanted):
    """x with A x = wanted over GF(2); rows[i]: the image of bit i. None: there is none."""
    pivots = {}
    for bit, image in enumerate(rows):
        source = 1 << bit
        for high, (other, other_source) in sorted(pivots.items(), reverse=True):
            if image >> high & 1:
                image, source = image ^ other, source ^ other_source
        if image:
            pivots[image.bit_length() - 1] = (image, source)
    x = 0
    for high, (image, source) in sorted(pivots.items(), reverse=True):
        if wanted >> high & 1:
            wanted, x = wanted ^ image, x ^ source
    return x if wanted == 0 else None


def fixed_point(make):
    """The checksum that make(checksum) has."""
    base = zlib.crc32(make(0))
    rows = [zlib.crc32(make(1 << i)) ^ base ^ 1 << i for i in range(32)]
    return solve(rows, base)


def gz_quine():
    for salt in range(1000):
        def make(crc, size=0):
            head = struct.pack("<4sIBB", b"\x1f\x8b\x08\0", salt, 2, 3)
            return program(head, struct.pack("<II", crc, size))
        size = len(make(0))
        crc = fixed_point(lambda c: make(c, size))
        if crc is not None:
            return make(crc, size)
    raise ValueError("no quine")


def zip_quine(name=b"r.zip"):
    for salt in range(1000):
        def make(crc, size=0, packed=0):
            common = struct.pack("<HHHHIIIHH", 0, 8, salt, 33, crc, packed, size, len(name), 0)
            local = b"PK\3\4" + struct.pack("<H", 20) + common + name
            central = b"PK\1\2" + struct.pack("<HH", 20, 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
            end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), max(size - len(central) - 22, 0), 0)
            return program(local, central + end)
        size = len(make(0))
        suffix = 46 + len(name) + 22
        packed = size - (30 + len(name)) - suffix
        crc = fixed_point(lambda c: make(c, size, packed))
        if crc is not None:
            return make(crc, size, packed)
    raise ValueError("no quine")


# --- the others

def nested_zips(levels=4, width=16, bottom=10 << 20):
    """42.zip in small: each level holds copies of the one below."""
    data = pack([("bottom.dat", b"\0" * bottom)])
    for level in range(levels):
        data = pack([("lib %d-%d.zip" % (level, i), data) for i in range(width)])
    return data


def overlapping_zip(count=100, kernel=10 << 20):
    """Each member's content is the next one's header, printed by a stored block, and the next one's content: all share one kernel."""
    content = b"\0" * kernel
    stream, entries = deflated(content), []
    packed, size, crc = len(stream), kernel, zlib.crc32(content)
    body = b""
    for i in reversed(range(count)):
        name = b"%04d" % i
        header = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, crc, packed, size, len(name), 0) + name
        entries.insert(0, (name, crc, packed, size))
        quote = say(len(header)) if i else b""
        body = quote + header + body
        content = header + content if i else content
        crc = zlib.crc32(content)
        packed, size = packed + len(quote) + len(header), size + len(header)
    offsets, where = [], 0
    for name, *_ in entries:
        offsets.append(where)
        where += 30 + len(name) + 5
    directory = b"".join(struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, packed, size, len(name), 0, 0, 0, 0, 0, offset) + name
                         for (name, crc, packed, size), offset in zip(entries, offsets))
    whole = body + stream
    return whole + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), len(whole), 0)


def nested_gz(levels=1000):
    data = b"bottom"
    for _ in range(levels):
        out = io.BytesIO()
        with gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0, compresslevel=1) as g:
            g.write(data)
        data = out.getvalue()
    return data


def nested_tars(levels=2000):
    data = b"bottom"
    for _ in range(levels):
        info = tarfile.TarInfo("a.tar")
        info.size = len(data)
        data = info.tobuf() + data + b"\0" * (-len(data) % 512)
    return data


def many_members(count=10000):
    return pack([("member %d" % i, b"%d" % i) for i in range(count)])


def shared_strings(size=200 << 20):
    """A spreadsheet whose table of strings fills the memory of who reads it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr("_rels/.rels", "<Relationships/>")
        z.writestr("xl/workbook.xml", "<workbook/>")
        with z.open("xl/sharedStrings.xml", "w") as f:
            for _ in range(size >> 20):
                f.write(b"<si><t>AAAAAAAA</t></si>".ljust(64) * 16384)
    return out.getvalue()


def sparse_tar(size=1 << 40):
    """A member of a terabyte that is one hole."""
    info = tarfile.TarInfo("sparse")
    info.type = b"S"
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"%011o\0" % 512
    block[386:410] = b"\x80" + (size - 512).to_bytes(11, "big") + b"%011o\0" % 512
    block[483:495] = b"\x80" + size.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + b"A" * 512 + b"\0" * 1024


ALL = {
    "42.zip in small": ("42.zip", nested_zips), "overlapping members": ("overlap.zip", overlapping_zip), "gz quine": ("quine.gz", gz_quine),
    "zip quine": ("droste.zip", zip_quine), "gz in gz 1000 times": ("many.gz", nested_gz), "2000 tars in each other": ("many.tar", nested_tars),
    "10000 members": ("members.zip", many_members), "shared strings": ("strings.xlsx", shared_strings), "a hole of a terabyte": ("sparse.tar", sparse_tar),
}

if __name__ == "__main__":
    assert zipfile.ZipFile(io.BytesIO(overlapping_zip(5, 1000))).testzip() is None
    assert gzip.decompress(gz_quine()) == gz_quine()
    assert zipfile.ZipFile(io.BytesIO(zip_quine())).read("r.zip") == zip_quine()
    for title, (file_name, make_it) in ALL.items():
        print("%-24s %-12s %9d bytes" % (title, file_name, len(make_it())))
