"""zips.py - zip in its variants, and the documents that are zip archives."""
import io
import lzma
import struct
import zipfile
import zlib

from formats import Folder, format, run


def pack(members, method=zipfile.ZIP_DEFLATED, first=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in first:
            z.writestr(zipfile.ZipInfo(name), data)
        for name, data in members:
            z.writestr(name, data)
    return out.getvalue()


def raw_zip(entries, front=b"", comment=b"", central=None, count=None):
    """entries: (name, method, packed, content[, flags]); central: the same for the directory where it is to differ."""
    body, directory, offsets = front, b"", []
    for entry in entries:
        name, method, packed, content = entry[:4]
        flags = entry[4] if len(entry) > 4 else 0
        offsets.append(len(body))
        body += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, method, 0, 33, zlib.crc32(content), len(packed), len(content),
                            len(name), 0) + name + packed
    for at, entry in zip(offsets, central if central is not None else entries):
        name, method, packed, content = entry[:4]
        flags = entry[4] if len(entry) > 4 else 0
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, flags, method, 0, 33, zlib.crc32(content), len(packed), len(content),
                                 len(name), 0, 0, 0, 0, 0, at) + name
    n = len(central if central is not None else entries) if count is None else count
    return body + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, n, n, len(directory), len(body), len(comment)) + comment


def crc32_byte(crc, byte):
    return ~zlib.crc32(bytes([byte]), ~crc & 0xffffffff) & 0xffffffff


class ZipCrypto:
    """The encryption that zip has of its own (APPNOTE.TXT 6.1)."""

    def __init__(self, password):
        self.keys = [0x12345678, 0x23456789, 0x34567890]
        for byte in password:
            self.update(byte)

    def update(self, byte):
        k = self.keys
        k[0] = crc32_byte(k[0], byte)
        k[1] = ((k[1] + (k[0] & 0xff)) * 134775813 + 1) & 0xffffffff
        k[2] = crc32_byte(k[2], k[1] >> 24)

    def encrypt(self, data):
        out = bytearray()
        for byte in data:
            t = self.keys[2] & 0xffff | 2
            out.append(byte ^ (t * (t ^ 1) >> 8 & 0xff))
            self.update(byte)
        return bytes(out)


def encrypted(members, password):
    entries = []
    for name, data in members:
        check = bytes(11) + bytes([zlib.crc32(data) >> 24])
        entries.append((name.encode(), 8, ZipCrypto(password).encrypt(check + deflated(data)), data, 1))
    return raw_zip(entries)


def deflated(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


def one(members, method, packer):
    return raw_zip([(name.encode(), method, packer(data), data) for name, data in members])


@format("zip/stored", ".zip")
def stored(members):
    return pack(members, zipfile.ZIP_STORED)


@format("zip/deflate", ".zip")
def deflate(members):
    return pack(members)


@format("zip/bzip2", ".zip")
def bzip2(members):
    return pack(members, zipfile.ZIP_BZIP2)


@format("zip/lzma", ".zip")
def lzma_(members):
    return pack(members, zipfile.ZIP_LZMA)


@format("zip/xz", ".zip")
def xz(members):
    return one(members, 95, lzma.compress)


@format("zip/zstd", ".zip", tools=["zstd"])
def zstd(members):
    return one(members, 93, lambda data: run("zstd", "-c", data=data))


@format("zip/ppmd", ".zip", tools=["7zz"])
def ppmd(members):
    with Folder(members) as folder:
        run("7zz", "a", "-tzip", "-mm=PPMd", "x.zip", ".", folder=folder)
        return open(folder + "/x.zip", "rb").read()


@format("zip/zip64", ".zip")
def zip64(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members:
            with z.open(name, "w", force_zip64=True) as f:
                f.write(data)
    return out.getvalue()


class Unseekable(io.RawIOBase):
    """What is written to a pipe has sizes and checksums behind the contents."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@format("zip/streamed", ".zip")
def streamed(members):
    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members:
            z.writestr(name, data)
    return out.data


@format("zip/prepended", ".zip")
def prepended(members):
    return b"GIF89a" + b"\0" * 500 + pack(members)


@format("zip/appended", ".zip")
def appended(members):
    return pack(members) + b"\r\n-- \r\nsome signature\r\n"


@format("zip/comment", ".zip")
def comment(members):
    return raw_zip([(name.encode(), 8, deflated(data), data) for name, data in members], comment=b"hello " * 1000)


@format("zip/no-directory", ".zip", doubts="B")
def no_directory(members):
    whole = pack(members)
    return whole[:whole.index(b"PK\1\2")]


@format("zip/only-in-directory", ".zip", doubts="B")
def only_in_directory(members):
    """The local header gives the member another name."""
    entries = [(name.encode(), 8, deflated(data), data) for name, data in members]
    return raw_zip([(b"x" * len(e[0]),) + e[1:] for e in entries], central=entries)


@format("zip/only-local", ".zip", path="3", doubts="B")
def only_local(members):
    """The directory names a harmless member only, which is seen from the front, too."""
    entries = [(b"harmless.txt", 0, b"nothing", b"nothing")] + [(name.encode(), 8, deflated(data), data) for name, data in members]
    return raw_zip(entries, central=entries[:1])


@format("zip/two-ends", ".zip", path="2", doubts="B")
def two_ends(members):
    """In the comment of one archive, another."""
    inner = raw_zip([(b"harmless.txt", 0, b"nothing", b"nothing")])
    return raw_zip([(name.encode(), 8, deflated(data), data) for name, data in members], comment=inner)


CONTENT_TYPES = ("[Content_Types].xml", b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
RELS = ("_rels/.rels", b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>')


def ooxml(part):
    return lambda members: pack([CONTENT_TYPES, RELS, (part, b'<?xml version="1.0"?><a/>')] +
                                [(part.split("/")[0] + "/embeddings/" + name, data) for name, data in members])


for _name, _part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml"), ("pptx", "ppt/presentation.xml")):
    format("ooxml/" + _name, "." + _name, path="4")(ooxml(_part))


def with_mimetype(mimetype):
    return lambda members: pack(members, first=[("mimetype", mimetype)])


for _name, _type in (("odt", b"application/vnd.oasis.opendocument.text"), ("ods", b"application/vnd.oasis.opendocument.spreadsheet"),
                     ("odp", b"application/vnd.oasis.opendocument.presentation")):
    format("odf/" + _name, "." + _name, path="2")(with_mimetype(_type))
format("epub", ".epub", path="2")(with_mimetype(b"application/epub+zip"))


@format("jar", ".jar", path="2")
def jar(members):
    return pack([("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n")] + members)


@format("apk", ".apk", path="2")
def apk(members):
    return pack([("AndroidManifest.xml", b"\3\0\x08\0")] + members)


@format("kmz", ".kmz", path="2")
def kmz(members):
    return pack([("doc.kml", b'<?xml version="1.0"?><kml/>')] + members)
