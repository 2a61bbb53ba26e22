"""archives.py - archives of many members, other than zip."""
import io
import os
import struct
import tarfile
import zlib

from formats import Folder, format, gzipped, run


# --- tar

def tar(members, form, **options):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, **options) as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


@format("tar/ustar", ".tar")
def ustar(members):
    return tar(members, tarfile.USTAR_FORMAT)


@format("tar/gnu", ".tar")
def gnu(members):
    return tar([("long/" * 40 + name, data) for name, data in members], tarfile.GNU_FORMAT)


@format("tar/pax", ".tar")
def pax(members):
    return tar([("long/" * 60 + "\u00e4" + name, data) for name, data in members], tarfile.PAX_FORMAT)


@format("tar/v7", ".tar")
def v7(members):
    out = b""
    for name, data in members:
        head = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % len(data) + b"%011o\0" % 0
        block = (head + b" " * 8 + b"0").ljust(512, b"\0")
        block = block[:148] + b"%06o\0 " % sum(block) + block[156:]
        out += block + data + b"\0" * (-len(data) % 512)
    return out + b"\0" * 1024


@format("tar/gz", ".tgz", path="1/1")
def tgz(members):
    return gzipped(ustar(members))


# --- cpio

def cpio_members(members, record, trailer=b"TRAILER!!!"):
    out = b""
    for inode, (name, data) in enumerate(list(members) + [(trailer.decode(), b"")], 1):
        out += record(inode, name.encode() + b"\0", data)
    return out + b"\0" * (-len(out) % 512)


def cpio_hex(magic, checked):
    def record(inode, name, data):
        fields = [inode, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), sum(data) if checked else 0]
        head = magic + b"".join(b"%08x" % f for f in fields) + name
        head += b"\0" * (-len(head) % 4)
        return head + data + b"\0" * (-len(data) % 4)
    return record


@format("cpio/newc", ".cpio")
def newc(members):
    return cpio_members(members, cpio_hex(b"070701", False))


@format("cpio/crc", ".cpio")
def crc(members):
    return cpio_members(members, cpio_hex(b"070702", True))


@format("cpio/odc", ".cpio")
def odc(members):
    def record(inode, name, data):
        return b"070707" + b"".join(b"%06o" % f for f in (0, inode, 0o100644, 0, 0, 1, 0)) + b"%011o%06o%011o" % (0, len(name), len(data)) + name + data
    return cpio_members(members, record)


def cpio_binary(order):
    def record(inode, name, data):
        n = len(data)
        head = struct.pack(order + "13H", 0o070707, 0, inode, 0o100644, 0, 0, 1, 0, 0, 0, len(name), n >> 16, n & 0xffff)
        return head + name + b"\0" * (len(name) % 2) + data + b"\0" * (n % 2)
    return record


@format("cpio/bin-le", ".cpio")
def binary_little(members):
    return cpio_members(members, cpio_binary("<"))


@format("cpio/bin-be", ".cpio")
def binary_big(members):
    return cpio_members(members, cpio_binary(">"))


# --- ar

def ar(members):
    out = b"!<arch>\n"
    for name, data in members:
        out += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name.encode(), 0, 0, 0, 0o100644, len(data)) + data + b"\n" * (len(data) % 2)
    return out


@format("ar/gnu", ".a")
def ar_gnu(members):
    return ar([(name + "/", data) for name, data in members])


@format("ar/bsd", ".a")
def ar_bsd(members):
    out = b"!<arch>\n"
    for name, data in members:
        long_name = name.encode() + b"-with-a-long-name"
        size = len(long_name) + len(data)
        out += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (b"#1/%d" % len(long_name), 0, 0, 0, 0o100644, size) + long_name + data + b"\n" * (size % 2)
    return out


@format("deb", ".deb", path="3/1/1")
def deb(members):
    data = gzipped(ustar(members))
    return ar([("debian-binary", b"2.0\n"), ("control.tar.gz", gzipped(ustar([("control", b"Package: x\n")]))), ("data.tar.gz", data)])


# --- rar: stored members; no free program writes compressed ones

def rar4_block(kind, flags, body, data=b""):
    head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(head) & 0xffff) + head + data


def rar4(members, flags=0):
    out = b"Rar!\x1a\x07\0" + rar4_block(0x73, flags, b"\0" * 6)
    for name, data in members:
        encoded = name.encode()
        body = struct.pack("<IIBIIBBHI", len(data), len(data), 2, zlib.crc32(data), 0, 20, 0x30, len(encoded), 0x20) + encoded
        out += rar4_block(0x74, 0x8000, body, data)
    return out + rar4_block(0x7b, 0x4000, b"")


@format("rar/4", ".rar")
def rar_4(members):
    return rar4(members)


def vint(n):
    out = b""
    while n > 0x7f:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def rar5_block(kind, flags, body, data=b""):
    head = vint(kind) + vint(flags) + body
    head = vint(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head + data


def rar5(members):
    out = b"Rar!\x1a\x07\1\0" + rar5_block(1, 0, vint(0))
    for name, data in members:
        encoded = name.encode()
        body = vint(len(data)) + vint(4) + vint(len(data)) + vint(0o644) + struct.pack("<I", zlib.crc32(data)) + vint(0) + vint(1)
        out += rar5_block(2, 2, body + vint(len(encoded)) + encoded, data)
    return out + rar5_block(5, 0, vint(0))


@format("rar/5", ".rar")
def rar_5(members):
    return rar5(members)


# --- cabinets: stored, and deflate in blocks

def cab(members, method):
    contents = b"".join(data for _, data in members)
    packed = contents
    if method == 1:
        c = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = b"CK" + c.compress(contents) + c.flush()
    files, at = b"", 0
    for name, data in members:
        files += struct.pack("<IIHHHH", len(data), at, 0, 0x21, 0, 0x20) + name.encode() + b"\0"
        at += len(data)
    first_file = 36 + 8
    first_data = first_file + len(files)
    block = struct.pack("<IHH", 0, len(packed), len(contents)) + packed
    folder = struct.pack("<IHH", first_data, 1, method)
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, first_data + len(block), 0, first_file, 0, 3, 1, 1, len(members), 0, 0, 0)
    return head + folder + files + block


@format("cab/stored", ".cab")
def cab_stored(members):
    return cab(members, 0)


@format("cab/mszip", ".cab")
def cab_mszip(members):
    return cab(members, 1)


# --- lha

def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xa001 if crc & 1 else 0)
    return crc


def lha_level(members, level):
    out = b""
    for name, data in members:
        encoded = name.encode()
        if level == 2:
            size = 24 + 2 + 5 + 3 + len(encoded)
            head = struct.pack("<H5sIIIBBHB", size, b"-lh0-", len(data), len(data), 0, 0x20, 2, crc16(data), ord("U"))
            name_field = b"\1" + encoded + struct.pack("<H", 0)

            def fields(crc):
                return struct.pack("<HBHH", 5, 0, crc, 3 + len(encoded)) + name_field
            out += head + fields(crc16(head + fields(0)))
        else:
            body = b"-lh0-" + struct.pack("<IIIBB", len(data), len(data), 0, 0x20, 0) + bytes([len(encoded)]) + encoded + struct.pack("<H", crc16(data))
            out += bytes([len(body), sum(body) & 0xff]) + body
        out += data
    return out + b"\0"


@format("lha/level0", ".lzh")
def lha_0(members):
    return lha_level(members, 0)


@format("lha/level2", ".lzh")
def lha_2(members):
    return lha_level(members, 2)


# --- by programs

def seven(*options):
    def make(members):
        with Folder(members) as folder:
            run("7zz", "a", "-t7z", *options, "x.7z", *[name for name, _ in members], folder=folder)
            with open(os.path.join(folder, "x.7z"), "rb") as f:
                return f.read()
    return make


for _name, _options in (("lzma2", []), ("lzma", ["-m0=LZMA"]), ("ppmd", ["-m0=PPMd"]), ("bzip2", ["-m0=BZip2"]), ("deflate", ["-m0=Deflate"]),
                        ("copy", ["-m0=Copy"]), ("bcj", ["-m0=BCJ", "-m1=LZMA2"]), ("bcj2", ["-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA",
                                                                               "-mb0:1", "-mb0s1:2", "-mb0s2:3"])):
    format("7z/" + _name, ".7z", tools=["7zz"])(seven(*_options))


def libarchive(form):
    def make(members):
        with Folder(members) as folder:
            return run("bsdtar", "-cf", "-", "--format=" + form, *[name for name, _ in members], folder=folder)
    return make


for _name, _form, _suffix, _path in (("xar", "xar", ".xar", "1"), ("iso/rockridge", "iso9660", ".iso", "2")):
    format(_name, _suffix, path=_path, tools=["bsdtar"])(libarchive(_form))


@format("warc", ".warc", tools=["bsdtar"])
def warc(members):
    return libarchive("warc")(members).rstrip(b"\0")      # padded as if it were a tape


@format("iso/joliet", ".iso", path="2", tools=["genisoimage"])
def joliet(members):
    with Folder(members) as folder:
        return run("genisoimage", "-quiet", "-J", "-r", "-o", "-", folder, folder=folder)


@format("iso/plain", ".iso", path="2", tools=["genisoimage"])
def plain_iso(members):
    with Folder([("EICAR.GZ", data) for _, data in members]) as folder:
        return run("genisoimage", "-quiet", "-o", "-", folder, folder=folder)


# --- compiled HTML help: the directory, and contents that are not compressed

def chm_integer(n):
    out = [n & 0x7f]
    while n > 0x7f:
        n >>= 7
        out.insert(0, n & 0x7f | 0x80)
    return bytes(out)


@format("chm", ".chm", decoder="mspack")
def chm(members):
    guid = bytes.fromhex("10fd017caa7bd0119e0c00a0c922e6ec")
    entries = [("/", b"", 0), ("::DataSpace/NameList", b"\0", 0)] + [("/" + name, data, 0) for name, data in members]
    names, contents, offset = b"", b"", 0
    for name, data, section in entries:
        names += chm_integer(len(name)) + name.encode() + chm_integer(section) + chm_integer(offset) + chm_integer(len(data))
        contents += data
        offset += len(data)
    chunk = 0x1000
    quick = struct.pack("<H", len(entries))
    page = b"PMGL" + struct.pack("<IIII", chunk - 20 - len(names), 0, 0xffffffff, 0xffffffff) + names
    page = page.ljust(chunk - len(quick), b"\0") + quick
    itsp = b"ITSP" + struct.pack("<IIIIIIIIIIII", 1, 0x54, 10, chunk, 2, 1, 0xffffffff, 0, 0, 0xffffffff, 1, 0x409) \
        + bytes.fromhex("6a92025d2e21d0119df900a0c922e6ec") + struct.pack("<IIII", 0x54, 0xffffffff, 0xffffffff, 0xffffffff)
    section0_at, section1_at = 0x60, 0x78
    contents_at = section1_at + len(itsp) + len(page)
    head = b"ITSF" + struct.pack("<IIIII", 3, 0x60, 1, 0, 0x409) + guid + b"\x11" + guid[1:] \
        + struct.pack("<QQQQQ", section0_at, 0x18, section1_at, len(itsp) + len(page), contents_at)
    section0 = struct.pack("<IIQII", 0x1fe, 0, contents_at + len(contents), 0, 0)
    return head + section0 + itsp + page + contents
