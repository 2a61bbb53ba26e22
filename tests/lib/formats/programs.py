"""programs.py - formats that are opened by programs in a jail of their own (unpack), and the variants that libraries lack.

What no Debian program makes is written here, stored, or in the simplest form of its compression."""
import struct
import zlib

from formats import Folder, format, run, stream
from formats.archives import crc16
from formats.zips import raw_zip


def made_by(members, suffix, *argv):
    """What a program makes of the members; "{}": the archive, "*": the members' names."""
    with Folder(members) as folder:
        words = []
        for word in argv:
            words += [name for name, _ in members] if word == "*" else [word.replace("{}", "made" + suffix)]
        run(*words, folder=folder)
        with open(folder + "/made" + suffix, "rb") as f:
            return f.read()


def padded(data):
    """A gzip file with a field of zeros, so that those who pack it again have something to pack."""
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", 4000) + bytes(4000) + c.compress(data) + c.flush() +
            struct.pack("<II", zlib.crc32(data), len(data)))


class Bits:
    """Bits from the lowest on."""

    def __init__(self):
        self.value = self.count = 0

    def put(self, value, count):
        self.value |= value << self.count
        self.count += count

    def bytes(self):
        return self.value.to_bytes((self.count + 7) // 8, "little")


# --- zip, as it was: what the first decoder could not read stands in front of what the second one could

def imploded(data):
    """Literals only; both trees have 64 codes of 6 bits each, as each of their bytes says: 16 codes, 6 bits."""
    bits = Bits()
    for byte in data:
        bits.put(1, 1)
        bits.put(byte, 8)
    return (b"\x03" + b"\xf5" * 4) * 2 + bits.bytes()


def shrunk(data):
    """LZW whose codes are all literals, 9 bits wide from the first to the last."""
    bits = Bits()
    for byte in data:
        bits.put(byte, 9)
    return bits.bytes()


@format("zip/implode", ".zip", path="2", decoder="unpack", tools=["7zz"])
def zip_implode(members):
    return raw_zip([(name.encode(), 6, imploded(data), data) for name, data in members])


@format("zip/shrink", ".zip", path="2", decoder="unpack", tools=["7zz"])
def zip_shrink(members):
    return raw_zip([(name.encode(), 1, shrunk(data), data) for name, data in members])


@format("zip/deflate64", ".zip", path="2", decoder="unpack", tools=["7zz"], packed=padded)
def zip_deflate64(members):
    data = made_by(members, ".zip", "7zz", "a", "-mm=Deflate64", "{}", "*")
    assert struct.unpack_from("<H", data, 8)[0] == 9, "7zz chose another method"
    return data


# --- arj, arc, lrzip

def arj(name, *options):
    format("arj/" + name, ".arj", decoder="unpack", tools=["arj"], packed=padded)(lambda members: made_by(members, ".arj", "arj", "a", "-y", *options, "{}", "*"))


for _name, _options in (("best", ["-m1"]), ("fast", ["-m4"]), ("stored", ["-m0"])):
    arj(_name, *_options)


@format("sfx/arj", ".exe", decoder="unpack", tools=["arj"], packed=padded)
def arj_sfx(members):
    """The extractor is a program of this machine."""
    return made_by(members, ".arj", "arj", "a", "-y", "-je", "{}", "*")


@format("arc", ".arc", decoder="unpack", tools=["arc", "nomarch"], packed=padded)
def arc(members):
    return made_by(members, ".arc", "arc", "a", "{}", "*")


@format("arc/stored", ".arc", decoder="unpack", tools=["nomarch"])
def arc_stored(members):
    out = b""
    for name, data in members:
        out += b"\x1a\x02" + name.encode()[:12].ljust(13, b"\0") + struct.pack("<IHHHI", len(data), 0x21, 0, crc16(data), len(data)) + data
    return out + b"\x1a\0"


def lrzip(name, *options):
    def make(content):
        with Folder([("made", content)]) as folder:
            run("lrzip", "-q", *options, "made", folder=folder)
            with open(folder + "/made.lrz", "rb") as f:
                return f.read()
    stream("lrz/" + name, ".lrz", decoder="unpack", tools=["lrzip"], packed=padded)(make)


for _name, _options in (("lzma", []), ("bzip2", ["-b"]), ("gzip", ["-g"]), ("lzo", ["-l"]), ("zpaq", ["-z"]), ("none", ["-n"])):
    lrzip(_name, *_options)


# --- file systems

@format("udf", ".iso", decoder="unpack", tools=["genisoimage", "7zz"])
def udf(members):
    """UDF alone: what ISO 9660 has in the same image is taken away."""
    with Folder(members) as folder:
        image = bytearray(run("genisoimage", "-quiet", "-udf", folder))
    at = 16 * 2048
    while image[at + 1:at + 6] == b"CD001":
        image[at:at + 2048] = bytes(2048)
        at += 2048
    recognition = [image[k:k + 2048] for k in range(at, at + 4 * 2048, 2048) if image[k + 1:k + 6] in (b"BEA01", b"NSR02", b"NSR03", b"TEA01")]
    for k, block in enumerate(recognition):
        image[(16 + k) * 2048:(17 + k) * 2048] = block
    return bytes(image)


@format("squashfs", ".squashfs", decoder="unpack", tools=["mksquashfs", "7zz"])
def squashfs(members):
    return made_by(members, ".squashfs", "mksquashfs", "*", "{}", "-quiet", "-no-progress", "-all-root")


@format("wim", ".wim", decoder="unpack", tools=["7zz"])
def wim(members):
    return made_by(members, ".wim", "7zz", "a", "-twim", "{}", "*")


# --- written by hand

@format("zoo", ".zoo", decoder="unpack", tools=["unar"])
def zoo(members):
    tag = struct.pack("<I", 0xfdc4a7dc)
    out = b"ZOO 2.10 Archive.\x1a\0\0" + tag + struct.pack("<IiBB", 34, -34, 2, 0)
    for name, data in members:
        at = len(out)
        out += tag + struct.pack("<BBIIHHHIIBBBBIH", 1, 0, at + 51 + len(data), at + 51, 0x21, 0, crc16(data), len(data), len(data), 1, 0, 0, 0, 0, 0)
        out += name.encode()[:12].ljust(13, b"\0") + data
    return out + tag + bytes(47)


@format("ace", ".ace", decoder="unpack", tools=["unace"], doubts="U")    # unace is never believed to have opened all
def ace(members):
    def header(kind, flags, rest):
        body = struct.pack("<BH", kind, flags) + rest
        return struct.pack("<HH", ~zlib.crc32(body) & 0xffff, len(body)) + body
    out = header(0, 0, b"**ACE**" + struct.pack("<BBBBI", 10, 10, 2, 0, 0x21 << 16) + bytes(9))
    for name, data in members:
        out += header(1, 1, struct.pack("<IIIIIBBHHH", len(data), len(data), 0x21 << 16, 32, ~zlib.crc32(data) & 0xffffffff, 0, 3, 10, 0,
                                        len(name)) + name.encode() + bytes(4)) + data    # Debian's unace wants something behind the name
    return out


@format("alz", ".alz", decoder="unpack", tools=["unalz"])
def alz(members):
    out = b"ALZ\1\x0a\0\0\0"
    for name, data in members:
        out += b"BLZ\1" + struct.pack("<HBIBB", len(name), 32, 0x21 << 16, 0x40, 0) + struct.pack("<BBIII", 0, 0, zlib.crc32(data), len(data), len(data))
        out += name.encode() + data
    return out + b"CLZ\1" + bytes(8) + b"CLZ\2"


@format("sit", ".sit", decoder="unpack", tools=["unar"])
def stuffit(members):
    entries = b""
    for name, data in members:
        head = struct.pack(">BBB63s4s4sHIIIIIIHH6s", 0, 0, len(name), name.encode(), b"TEXT", b"ttxt", 0, 0, 0, 0, len(data), 0, len(data), 0, crc16(data), b"")
        entries += head + struct.pack(">H", crc16(head)) + data
    return b"SIT!" + struct.pack(">HI4sB7s", len(members), 22 + len(entries), b"rLau", 1, b"") + entries
