"""streams.py - compressed files: one content, no members."""
import bz2
import gzip
import io
import lzma
import struct
import zlib

from formats import bzipped, gzipped, run, stream, xzipped


@stream("gz", ".gz")
def gz(content):
    return gzipped(content)


@stream("gz/named", ".gz")
def gz_named(content):
    out = io.BytesIO()
    with gzip.GzipFile(filename="eicar.com.bz2", fileobj=out, mode="wb", mtime=0) as g:
        g.write(content)
    return out.getvalue()


@stream("gz/members", ".gz")
def gz_members(content):
    """Two members one behind the other are one content."""
    return gzipped(content[:40]) + gzipped(content[40:])


@stream("bz2", ".bz2")
def bz(content):
    return bz2.compress(content)


@stream("xz", ".xz")
def xz(content):
    return xzipped(content)


@stream("lzma", ".lzma")
def lzma_alone(content):
    return lzma.compress(content, format=lzma.FORMAT_ALONE)


@stream("lzip", ".lz", tools=["lzip"])
def lzip(content):
    return run("lzip", "-c", data=content)


@stream("lz4", ".lz4", tools=["lz4"])
def lz4(content):
    return run("lz4", "-c", data=content)


@stream("lz4/legacy", ".lz4", tools=["lz4"])
def lz4_legacy(content):
    return run("lz4", "-l", "-c", data=content)


@stream("zst", ".zst", tools=["zstd"])
def zst(content):
    return run("zstd", "-c", data=content)


@stream("zst/skippable", ".zst", tools=["zstd"])
def zst_skippable(content):
    """A frame in front that readers pass over."""
    return struct.pack("<II", 0x184D2A53, 5) + b"hello" + run("zstd", "-c", data=content)


@stream("Z", ".Z", tools=["compress"])
def compress(content):
    return run("compress", "-c", "-f", data=content)


def lzo_header(flags=0, name=b""):
    body = struct.pack(">HHHBBIIIIB", 0x1030, 0x20A0, 0x0940, 1, 5, flags, 0o100644, 0, 0, len(name)) + name
    return b"\x89LZO\0\r\n\x1a\n" + body + struct.pack(">I", zlib.adler32(body))


@stream("lzo", ".lzo", tools=["lzop"], decoder="lzop")
def lzo(content):
    return run("lzop", "-c", data=content)


@stream("lzo/stored", ".lzo", decoder="lzop")
def lzo_stored(content):
    """Blocks that do not get smaller are stored; without checksums."""
    block = struct.pack(">II", len(content), len(content)) + content
    return lzo_header(name=b"eicar.com.gz") + block + struct.pack(">I", 0)


def rpm_header(entries, data):
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(entries), len(data)) + b"".join(struct.pack(">IIII", *e) for e in entries) + data


@stream("rpm", ".rpm")
def rpm(content):
    """Lead, signature, header, payload: here the compressed content is the payload."""
    lead = b"\xed\xab\xee\xdb\3\0\0\0\0\1" + b"sample-1-1".ljust(66, b"\0") + struct.pack(">HH", 1, 5) + b"\0" * 16
    signature = rpm_header([(1000, 4, 0, 1)], struct.pack(">I", len(content)))
    signature += b"\0" * (-len(signature) % 8)
    return lead + signature + rpm_header([(1000, 6, 0, 1)], b"sample\0") + content


@stream("gz/of-bz2-of-xz", ".gz", packed=lambda data: xzipped(bzipped(data)), path="1/1")
def deep(content):
    return gzipped(content)


@stream("szdd", ".ex_", decoder="mspack")
def szdd(content):
    """Literals only: a byte of eight flags, then eight bytes."""
    out = b"SZDD\x88\xf0\x27\x33A" + b"e" + struct.pack("<I", len(content))
    for at in range(0, len(content), 8):
        out += b"\xff" + content[at:at + 8]
    return out


@stream("kwaj", ".ex_", decoder="mspack")
def kwaj(content):
    """Method 1: each byte inverted."""
    return b"KWAJ\x88\xf0\x27\xd1" + struct.pack("<HHH", 1, 14, 0) + bytes(byte ^ 0xff for byte in content)
