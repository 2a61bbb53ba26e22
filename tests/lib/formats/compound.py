"""compound.py - OLE 2 files: documents, macros, messages, installers."""
import base64
import hashlib
import os
import struct
import zlib

from formats import Folder, format, gzipped, run

FREE, END, FAT = 0xffffffff, 0xfffffffe, 0xfffffffd


class Storage(dict):
    """Names and what they hold: bytes (a stream) or another Storage."""

    def __init__(self, members=(), clsid=b"\0" * 16):
        super().__init__(members)
        self.clsid = clsid


class Writer:
    """Sectors of 512 bytes; streams below 4096 bytes go to the container of small ones."""

    def __init__(self, root):
        self.sectors, self.fat, self.mini, self.minifat, self.entries = [], [], b"", [], []
        self.add("Root Entry", root)

    def chain(self, data):
        if not data:
            return END
        first = len(self.fat)
        pieces = [data[i:i + 512].ljust(512, b"\0") for i in range(0, len(data), 512)]
        self.sectors += pieces
        self.fat += [first + i + 1 for i in range(len(pieces) - 1)] + [END]
        return first

    def small(self, data):
        first, count = len(self.minifat), (len(data) + 63) // 64
        self.mini += data.ljust(count * 64, b"\0")
        self.minifat += [first + i + 1 for i in range(count - 1)] + [END]
        return first

    def add(self, name, node):
        number = len(self.entries)
        entry = {"name": name, "child": FREE, "right": FREE, "clsid": b"\0" * 16, "start": 0, "size": 0}
        self.entries.append(entry)
        if isinstance(node, bytes):
            entry.update(kind=2, size=len(node), start=END if not node else self.small(node) if len(node) < 4096 else self.chain(node))
            return number
        entry.update(kind=1 if number else 5, clsid=node.clsid)
        last = None
        for child_name, child in node.items():
            child_number = self.add(child_name, child)
            (entry if last is None else self.entries[last])["child" if last is None else "right"] = child_number
            last = child_number
        return number

    def directory(self):
        out = b""
        for e in self.entries:
            name = e["name"].encode("utf-16-le") + b"\0\0"
            out += name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name), e["kind"], 1, FREE, e["right"], e["child"]) + e["clsid"] \
                + b"\0" * 20 + struct.pack("<IQ", e["start"], e["size"])
        return out + (b"\0" * 68 + b"\xff" * 12 + b"\0" * 48) * (-len(self.entries) % 4)

    def bytes(self):
        self.entries[0].update(start=self.chain(self.mini), size=len(self.mini))
        minifat = self.chain(struct.pack("<%dI" % len(self.minifat), *self.minifat).ljust(-(-len(self.minifat) * 4 // 512) * 512, b"\xff"))
        directory = self.chain(self.directory())
        count = more = 0        # sectors of the table, and of the list of these that the header has no room for
        while (len(self.fat) + count + more) * 4 > count * 512:
            count += 1
            more = max(0, -(-(count - 109) // 127))
        first = len(self.fat)
        self.fat += [FAT] * count + [FAT - 1] * more
        table = struct.pack("<%dI" % len(self.fat), *self.fat).ljust(count * 512, b"\xff")
        numbers = list(range(first, first + count))
        for i in range(more):
            piece = numbers[109 + 127 * i:109 + 127 * (i + 1)]
            table += struct.pack("<%dI" % len(piece), *piece).ljust(508, b"\xff") + struct.pack("<I", first + count + i + 1 if i + 1 < more else END)
        head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3e, 3, 0xfffe, 9, 6) + b"\0" * 6
        head += struct.pack("<IIIIIIIII", 0, count, directory, 0, 4096, minifat, (len(self.minifat) * 4 + 511) // 512, first + count if more else END, more)
        head += struct.pack("<%dI" % len(numbers[:109]), *numbers[:109]).ljust(436, b"\xff")
        return head + b"".join(self.sectors) + table


def compound(root):
    return Writer(root).bytes()


def clsid(number):
    return struct.pack("<I", number) + b"\0\0\0\0\xc0\0\0\0\0\0\0\x46"


def word(more):
    root = Storage({"WordDocument": struct.pack("<HHHHHH", 0xa5ec, 0xc1, 0, 0x409, 0, 0) + b"\0" * 5000}, clsid(0x20906))
    root.update(more)
    return compound(root)


# --- what is dropped into documents

def package(name, data, path="C:\\Users\\x\\"):
    encoded = name.encode()
    full = (path + name).encode()
    wide = "".join(name).encode("utf-16-le")
    return struct.pack("<H", 2) + encoded + b"\0" + full + b"\0" + struct.pack("<HHI", 0, 3, len(full) + 1) + full + b"\0" + struct.pack("<I", len(data)) + data \
        + b"".join(struct.pack("<I", len(name)) + wide for _ in range(3))


def native(name, data):
    body = package(name, data)
    return struct.pack("<I", len(body)) + body


def pool(members):
    return Storage({"ObjectPool": Storage({"_%d" % i: Storage({"\1Ole10Native": native(name, data)}) for i, (name, data) in enumerate(members)})})


@format("doc/package", ".doc", path="2", decoder="ole")
def doc_package(members):
    return word(pool(members))


@format("doc/stream", ".doc", path="2", decoder="ole")
def doc_stream(members):
    return word({"ObjectPool": Storage({"_1": Storage({"CONTENTS": data for _, data in members})})})


@format("doc/large-stream", ".doc", path="2/1", decoder="ole")
def doc_large_stream(members):
    """Not in the container of small streams."""
    from formats.archives import ustar
    return word({"Package": ustar(members)})


def slide_record(kind, instance, body, version=0):
    return struct.pack("<HHI", instance << 4 | version, kind, len(body)) + body


@format("ppt/object", ".ppt", path="1", decoder="ole")
def ppt_object(members):
    """An object of a presentation is a compound file, packed; here it holds a stream and nothing else."""
    inner = b"".join(data for _, data in members)
    body = struct.pack("<I", len(inner)) + zlib.compress(inner)
    slides = slide_record(0x3e8, 0, slide_record(0x409, 0, b"\0" * 8), 15) + slide_record(0x1011, 1, body)
    return compound(Storage({"PowerPoint Document": slides.ljust(5000, b"\0")}, bytes.fromhex("108d8164 9b4fcf11 86ea00aa00b929e8".replace(" ", ""))))


# --- macros (MS-OVBA)

def vba_chunk(data):
    """Literals, and copies of what is there already."""
    out, at = b"", 0
    while at < len(data):
        flags, tokens = 0, b""
        for bit in range(8):
            if at >= len(data):
                break
            bits = 4
            while bits < 12 and (1 << bits) < at:
                bits += 1
            best, back = 0, 0
            for distance in range(1, min(at, 1 << bits) + 1):
                n = 0
                while n < (0xffff >> bits) + 3 and at + n < len(data) and data[at + n] == data[at - distance + n % distance]:
                    n += 1
                if n > best:
                    best, back = n, distance
            if best >= 3:
                tokens += struct.pack("<H", (back - 1) << (16 - bits) | best - 3)
                flags |= 1 << bit
                at += best
            else:
                tokens += data[at:at + 1]
                at += 1
        out += bytes([flags]) + tokens
    return struct.pack("<H", 0xb000 | len(out) + 2 - 3) + out


def vba_pack(data):
    return b"\1" + b"".join(vba_chunk(data[i:i + 4096]) for i in range(0, len(data), 4096))


def vba_record(kind, data):
    return struct.pack("<HI", kind, len(data)) + data


def vba_storage(modules, offset=100, listed=True):
    """modules: {name: source}; each stream has other things in front of the packed source."""
    dir_ = vba_record(1, struct.pack("<I", 1)) + vba_record(4, b"VBAProject") + struct.pack("<HIIH", 9, 4, 1, 1) + vba_record(0xf, struct.pack("<H", len(modules)))
    for name in modules if listed else ():
        dir_ += vba_record(0x19, name.encode()) + vba_record(0x1a, name.encode()) + vba_record(0x32, name.encode("utf-16-le"))
        dir_ += vba_record(0x31, struct.pack("<I", offset)) + vba_record(0x2b, b"")
    streams = {name: os.urandom(offset).replace(b"\1", b"\2") + vba_pack(source) for name, source in modules.items()}
    return Storage({"VBA": Storage(dict(streams, dir=vba_pack(dir_), _VBA_PROJECT=b"\xcc\x61\xff\xff\0\0\0"))})


def macro(body, name="ThisDocument"):
    return b'Attribute VB_Name = "%s"\r\n' % name.encode() + body


@format("doc/macros", ".doc", path="2/1", decoder="ole")
def doc_macros(members):
    """The source holds a uuencoded file, so that what is found in it is not what anybody else could see."""
    import binascii
    text = macro(b"Sub AutoOpen()\r\nEnd Sub\r\n")
    for name, data in members:
        text += b"\r\nbegin 644 " + name.encode() + b"\r\n"
        for i in range(0, len(data), 45):
            text += binascii.b2a_uu(data[i:i + 45]).replace(b"\n", b"\r\n")
        text += b"`\r\nend\r\n"
    return word({"Macros": vba_storage({"ThisDocument": text})})


@format("docm/vbaProject", ".docm", path="4/2", decoder="ole")
def docm(members):
    from formats.zips import ooxml
    data = compound(Storage({"PROJECT": b"ID={}\r\n", "CONTENTS": b"".join(d for _, d in members)}))
    return ooxml("word/document.xml")([("vbaProject.bin", data)])


# --- documents that are locked (MS-OFFCRYPTO); Excel opens those with this password without asking

EXCELS_OWN = "VelvetSweatshop"


def aes(mode, key, data, iv=None):
    return run("openssl", "enc", "-aes-%d-%s" % (len(key) * 8, mode), "-nopad", "-K", key.hex(), *(["-iv", iv.hex()] if iv else []), data=data)


def spun(algorithm, password, salt, spins):
    h = hashlib.new(algorithm, salt + password.encode("utf-16-le")).digest()
    for i in range(spins):
        h = hashlib.new(algorithm, struct.pack("<I", i) + h).digest()
    return h


def filled(data, n, byte=b"\0"):
    return data[:n].ljust(n, byte)


def agile(package, password, spins=1000, algorithm="sha512", claimed=None):
    salt, data_salt, key, verifier = b"s" * 16, b"d" * 16, b"k" * 32, b"v" * 16
    h = spun(algorithm, password, salt, spins)
    size = len(h)

    def lock(block, data):
        key_of = filled(hashlib.new(algorithm, h + bytes.fromhex(block)).digest(), 32, b"\x36")
        return base64.b64encode(aes("cbc", key_of, filled(data, -(-len(data) // 16) * 16), salt)).decode()
    xml = '<?xml version="1.0"?><encryption><keyData saltSize="16" blockSize="16" keyBits="256" hashSize="%d" cipherAlgorithm="AES" ' \
        'cipherChaining="ChainingModeCBC" hashAlgorithm="%s" saltValue="%s"/><keyEncryptors><keyEncryptor uri="x"><p:encryptedKey spinCount="%d" ' \
        'saltSize="16" blockSize="16" keyBits="256" hashSize="%d" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="%s" saltValue="%s" ' \
        'encryptedVerifierHashInput="%s" encryptedVerifierHashValue="%s" encryptedKeyValue="%s"/></keyEncryptor></keyEncryptors></encryption>' % (
            size, algorithm.upper(), base64.b64encode(data_salt).decode(), claimed or spins, size, algorithm.upper(), base64.b64encode(salt).decode(),
            lock("fea7d2763b4b9e79", verifier), lock("d7aa0f6d3061344e", hashlib.new(algorithm, verifier).digest()), lock("146e0be7abacd0d6", key))
    out = struct.pack("<Q", len(package))
    for number, at in enumerate(range(0, len(package), 4096)):
        piece = package[at:at + 4096]
        iv = filled(hashlib.new(algorithm, data_salt + struct.pack("<I", number)).digest(), 16)
        out += aes("cbc", key, filled(piece, -(-len(piece) // 16) * 16), iv)
    return compound(Storage({"EncryptionInfo": struct.pack("<HHI", 4, 4, 0x40) + xml.encode(), "EncryptedPackage": out}))


def standard(package, password):
    salt, verifier = b"s" * 16, b"v" * 16
    h = hashlib.sha1(spun("sha1", password, salt, 50000) + struct.pack("<I", 0)).digest()
    key = hashlib.sha1(bytes(a ^ b for a, b in zip(filled(h, 64), b"\x36" * 64))).digest()[:16]
    header = struct.pack("<IIIIIIII", 0x24, 0, 0x660e, 0x8004, 128, 0x18, 0, 0) + "Enhanced\0".encode("utf-16-le")
    info = struct.pack("<HHII", 4, 2, 0x24, len(header)) + header + struct.pack("<I", 16) + salt + aes("ecb", key, verifier) + struct.pack("<I", 20) \
        + aes("ecb", key, filled(hashlib.sha1(verifier).digest(), 32))
    return compound(Storage({"EncryptionInfo": info, "EncryptedPackage": struct.pack("<Q", len(package)) + aes("ecb", key, filled(package, -(-len(package) // 16) * 16))}))


@format("xlsx/agile", ".xlsx", path="2/4", tools=["openssl"], decoder="ole")
def xlsx_agile(members):
    from formats.zips import ooxml
    return agile(ooxml("xl/workbook.xml")(members), EXCELS_OWN)


@format("xlsx/agile-sha1", ".xlsx", path="2/4", tools=["openssl"], decoder="ole")
def xlsx_agile_sha1(members):
    from formats.zips import ooxml
    return agile(ooxml("xl/workbook.xml")(members), EXCELS_OWN, algorithm="sha1")


@format("xlsx/standard", ".xlsx", path="2/4", tools=["openssl"], decoder="ole")
def xlsx_standard(members):
    from formats.zips import ooxml
    return standard(ooxml("xl/workbook.xml")(members), EXCELS_OWN)


def rc4(key, skip, data):
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 0xff
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for k in range(skip + len(data)):
        i = (i + 1) & 0xff
        j = (j + state[i]) & 0xff
        state[i], state[j] = state[j], state[i]
        if k >= skip:
            out.append(data[k - skip] ^ state[(state[i] + state[j]) & 0xff])
    return bytes(out)


def lock_workbook(records, password, library, bits=128):
    """records: [(kind, body)] without the first; what locks them comes second."""
    salt, verifier = b"s" * 16, b"v" * 16
    wide = password.encode("utf-16-le")
    if library:
        h, md, key_bytes = hashlib.sha1(salt + wide).digest(), hashlib.sha1, bits // 8
    else:
        h = hashlib.md5((hashlib.md5(wide).digest()[:5] + salt) * 16).digest()[:5]
        md, key_bytes = hashlib.md5, 16

    def crypt(at, data):
        out = b""
        while data:
            inside = at % 1024
            piece, data = data[:1024 - inside], data[1024 - inside:]
            key = md(h + struct.pack("<I", at // 1024)).digest()[:key_bytes]
            out += rc4(key.ljust(16, b"\0") if key_bytes == 5 else key, inside, piece)
            at += len(piece)
        return out
    both = crypt(0, verifier + md(verifier).digest())
    if library:
        header = struct.pack("<IIIIIIII", 4, 0, 0x6801, 0x8004, bits, 1, 0, 0) + b"\0\0"
        lock = struct.pack("<HHHII", 1, 2, 2, 4, len(header)) + header + struct.pack("<I", 16) + salt + both[:16] + struct.pack("<I", 20) + both[16:]
    else:
        lock = struct.pack("<HHH", 1, 1, 1) + salt + both
    begin = struct.pack("<HH", 0x600, 5) + b"\0" * 12
    out = struct.pack("<HH", 0x809, len(begin)) + begin + struct.pack("<HH", 0x2f, len(lock)) + lock
    for kind, body in records:
        out += struct.pack("<HH", kind, len(body))
        plain = 4 if kind == 0x85 else 0
        out += body[:plain] + crypt(len(out) + plain, body[plain:])
    return compound(Storage({"Workbook": out}))


# --- Outlook messages

def msg_property(number, kind):
    return "__substg1.0_%04X%04X" % (number, kind)


def msg_storage(members, subject="hello"):
    root = Storage({"__properties_version1.0": b"\0" * 32, msg_property(0x37, 0x1f): subject.encode("utf-16-le"),
                    msg_property(0x1000, 0x1f): "See there.\r\n".encode("utf-16-le")}, clsid(0x20d0b))
    for i, (name, data) in enumerate(members):
        root["__attach_version1.0_#%08X" % i] = Storage({
            "__properties_version1.0": b"\0" * 8, msg_property(0x3701, 0x102): data, msg_property(0x3704, 0x1f): "EICAR~1.GZ".encode("utf-16-le"),
            msg_property(0x3707, 0x1f): name.encode("utf-16-le"), msg_property(0x370e, 0x1f): "application/gzip".encode("utf-16-le")})
    return root


@format("msg", ".msg", path="2", decoder="ole")
def msg(members):
    return compound(msg_storage(members))


@format("msg/in-msg", ".msg", path="3", decoder="ole")
def msg_in_msg(members):
    root = msg_storage([])
    root["__attach_version1.0_#00000000"] = Storage({"__properties_version1.0": b"\0" * 8, msg_property(0x3701, 0xd): msg_storage(members)})
    return compound(root)


# --- installers

def msi_name(name, table=False):
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
    out, i = "\u4840" if table else "", 0
    while i < len(name):
        first = alphabet.find(name[i])
        second = alphabet.find(name[i + 1]) if i + 1 < len(name) else -1
        if first < 0:
            out += name[i]
            i += 1
        elif second < 0:
            out += chr(0x4800 + first)
            i += 1
        else:
            out += chr(0x3800 + first + (second << 6))
            i += 2
    return out


@format("msi", ".msi", path="2/1", decoder="ole")
def msi(members):
    from formats.archives import cab_mszip
    return compound(Storage({msi_name("_StringPool", True): b"\0" * 8, msi_name("Data.cab"): cab_mszip(members)}, clsid(0xc1084)))


@format("msi/msibuild", ".msi", path="4", tools=["msibuild"], decoder="ole")
def msi_by_program(members):
    with Folder([("Data.gz", data) for _, data in members]) as folder:
        run("msibuild", "x.msi", "-a", "Binary.x", "Data.gz", folder=folder)
        with open(os.path.join(folder, "x.msi"), "rb") as f:
            return f.read()
