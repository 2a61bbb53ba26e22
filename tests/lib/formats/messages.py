"""messages.py - what mail programs wrap files in besides MIME, and what people write in: winmail.dat, RTF, OneNote, calendars, HTML."""
import base64
import binascii
import struct
import zlib

from formats import format
from formats.compound import Storage, compound, package


# --- winmail.dat

def tnef_attribute(level, number, kind, value):
    return struct.pack("<BHHI", level, number, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xffff)


def tnef_property(number, kind, value):
    return struct.pack("<HHII", kind, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def tnef_properties(*properties):
    return struct.pack("<I", len(properties)) + b"".join(properties)


def tnef(*attributes):
    return struct.pack("<IH", 0x223e9f78, 1) + tnef_attribute(1, 0x9006, 8, struct.pack("<I", 0x10000)) + b"".join(attributes)


def tnef_attachment(name, data, wide=True):
    long_name = tnef_property(0x3707, 0x1f, name.encode("utf-16-le") + b"\0\0") if wide else tnef_property(0x3707, 0x1e, name.encode() + b"\0")
    return tnef_attribute(2, 0x9002, 6, b"\1\0" + b"\0" * 12) + tnef_attribute(2, 0x8010, 1, b"EICAR~1.GZ\0") + tnef_attribute(2, 0x800f, 6, data) \
        + tnef_attribute(2, 0x9005, 6, tnef_properties(struct.pack("<HHI", 3, 0x3705, 1), long_name, tnef_property(0x370e, 0x1e, b"application/gzip\0")))


@format("tnef", ".dat", decoder="tnef")
def winmail(members):
    return tnef(*[tnef_attachment(name, data) for name, data in members])


@format("tnef/property", ".dat", decoder="tnef")
def winmail_property(members):
    """The content is a property, as Exchange writes objects, not an attribute."""
    return tnef(*[tnef_attribute(2, 0x9002, 6, b"\1\0" + b"\0" * 12) + tnef_attribute(2, 0x9005, 6, tnef_properties(tnef_property(0x3701, 0x102, data)))
                  for _, data in members])


@format("tnef/in-tnef", ".dat", path="1/1", decoder="tnef")
def winmail_in_winmail(members):
    inner = b"\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46" + winmail(members)
    return tnef(tnef_attribute(2, 0x9002, 6, b"\1\0" + b"\0" * 12) + tnef_attribute(2, 0x9005, 6, tnef_properties(tnef_property(0x3701, 0xd, inner))))


def lzfu(data):
    """RTF as Outlook packs it, by literals only; the end is a reference to where it stands."""
    start = 207
    body = b""
    tokens = [bytes([byte]) for byte in data]
    for i in range(0, len(tokens) + 1, 8):
        piece = tokens[i:i + 8]
        if len(piece) < 8:
            end = (start + len(data)) % 4096
            body += bytes([1 << len(piece)]) + b"".join(piece) + struct.pack(">H", end << 4)
            break
        body += b"\0" + b"".join(piece)
    return struct.pack("<IIII", len(body) + 12, len(data), 0x75465a4c, binascii.crc32(body)) + body


@format("tnef/rtf", ".dat", path="1/1", decoder="tnef")
def winmail_rtf(members):
    """In the body, which is packed RTF, an object."""
    return tnef(tnef_attribute(1, 0x9003, 6, tnef_properties(tnef_property(0x1009, 0x102, lzfu(rtf_object(members))))))


# --- RTF

def ole1(class_name, data):
    return struct.pack("<II", 0x501, 2) + struct.pack("<I", len(class_name) + 1) + class_name + b"\0" + struct.pack("<II", 0, 0) + struct.pack("<I", len(data)) + data


def rtf(objdata):
    return b"{\\rtf1\\ansi hello {\\object\\objemb\\objw1\\objh1{\\*\\objdata " + objdata + b"}{\\result none}} \\par}"


def hexadecimal(data):
    text = binascii.hexlify(data)
    return b"\r\n".join(text[i:i + 78] for i in range(0, len(text), 78))


@format("rtf/package", ".rtf", decoder="rtf")
def rtf_object(members):
    return rtf(hexadecimal(b"".join(ole1(b"Package", package(name, data)) for name, data in members)))


@format("rtf/ole", ".rtf", path="1/1", decoder="rtf")
def rtf_ole(members):
    inner = compound(Storage({"CONTENTS": b"".join(data for _, data in members)}))
    return rtf(hexadecimal(ole1(b"Word.Document.8", inner)))


@format("rtf/ole-broken-header", ".rtf", path="1/1", decoder="rtf")
def rtf_ole_broken(members):
    """The length of the class is nonsense; Word opens it all the same."""
    inner = compound(Storage({"CONTENTS": b"".join(data for _, data in members)}))
    return rtf(hexadecimal(struct.pack("<III", 0x501, 2, 0x7fffffff) + b"x\0" + inner))


@format("rtf/obfuscated", ".rtf", decoder="rtf", doubts="UB")
def rtf_obfuscated(members):
    """Spaces, control words, groups of unknown destinations and \\bin between the digits; nothing is closed."""
    (name, data), = members
    content = ole1(b"Package", package(name, data))
    text, out = binascii.hexlify(content[:-20]), b""
    for i in range(0, len(text), 3):
        out += text[i:i + 3] + [b" ", b"\t\n", b"{\\*\\xyz 0f0f}", b"\\par ", b"\\'20", b"{}", b"\\ud{\\b0}"][i // 3 % 7]
    return b"{\\rt{\\object\\objemb{\\*\\objdata\\ansi\\uc1 " + out + b"\\bin20 " + content[-20:]


@format("rtf/picture", ".rtf", decoder="rtf")
def rtf_picture(members):
    return b"{\\rtf1{\\pict\\pngblip\\picw1\\pich1\n" + hexadecimal(b"".join(data for _, data in members)) + b"}}"


# --- OneNote

ONE_HEADER = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"
ONE_FILE = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac"
ONE_FILE_END = b"\x22\xa7\xfb\x71\x79\x0f\x0b\x4a\xbb\x13\x89\x92\x56\x42\x6b\x24"


def one_name(name):
    """The properties of an embedded file's object: some number, a flag, its name, another string."""
    wide = name.encode("utf-16-le") + b"\0\0"
    ids = struct.pack("<IIII", 0x14001c00, 0x08001c01, 0x1c001d9c, 0x1c001d9d)
    return struct.pack("<H", 4) + ids + struct.pack("<I", 7) + struct.pack("<I", len(wide)) + wide + struct.pack("<I", 4) + b"C\0:\0"


@format("one", ".one", decoder="onenote")
def one(members):
    out = ONE_HEADER + b"\0" * 1008
    for name, data in members:
        out += one_name(name) + b"\0" * 11 + ONE_FILE + struct.pack("<QIQ", len(data), 0, 0) + data + b"\0" * (-len(data) % 8) + ONE_FILE_END
    return out


# --- calendars and visiting cards

def folded(line):
    out, line = line[:75], line[75:]
    while line:
        out += b"\r\n " + line[:74]
        line = line[74:]
    return out + b"\r\n"


@format("ics", ".ics", decoder="calendar")
def ics(members):
    attachments = b"".join(folded(b"ATTACH;FMTTYPE=application/gzip;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=\"%s\":" % name.encode() + base64.b64encode(data))
                           for name, data in members)
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:hello\r\n" + attachments + b"END:VEVENT\r\nEND:VCALENDAR\r\n"


@format("ics/data-url", ".ics", decoder="calendar")
def ics_data(members):
    attachments = b"".join(folded(b"ATTACH;FILENAME=%s:data:application/gzip;base64," % name.encode() + base64.b64encode(data)) for name, data in members)
    return b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + attachments + b"END:VEVENT\r\nEND:VCALENDAR\r\n"


@format("vcf/3", ".vcf", decoder="calendar")
def vcf_3(members):
    return b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\n" + b"".join(folded(b"PHOTO;ENCODING=b;TYPE=JPEG:" + base64.b64encode(data)) for _, data in members) + b"END:VCARD\r\n"


@format("vcf/2.1", ".vcf", decoder="calendar")
def vcf_21(members):
    """Lines that go on without a blank in front, and an empty line at the end."""
    photos = b"".join(b"PHOTO;JPEG;BASE64:\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n") + b"\r\n" for _, data in members)
    return b"BEGIN:VCARD\r\nVERSION:2.1\r\n" + photos + b"END:VCARD\r\n"


# --- HTML

def page(body):
    return b"<!DOCTYPE html>\n<html><head><title>x</title></head><body>" + body + b"</body></html>\n"


@format("html/data-url", ".html", decoder="htmldata")
def html_data(members):
    return page(b"".join(b'<a download="%s" href="data:application/gzip;base64,%s">x</a>' % (name.encode(), base64.b64encode(data)) for name, data in members))


@format("html/data-url-escaped", ".html", decoder="htmldata")
def html_data_escaped(members):
    """Case, blanks, percent signs and references within the URL."""
    def hide(text):
        return b"".join([bytes([c]), b"%%%02X" % c, b"&#%d;" % c, b"&#x%x;" % c][i % 4] for i, c in enumerate(text))
    return page(b"".join(b"<A HREF='&#68;A&#x54;A:application/x;charset=utf-8;Base64 ,\n %s'>x</A>" % hide(base64.b64encode(data)) for _, data in members))


@format("html/utf-16", ".html", decoder="htmldata")
def html_wide(members):
    return b"\xff\xfe" + html_smuggled(members).decode().encode("utf-16-le")


@format("html/data-url-percent", ".html", decoder="htmldata")
def html_data_percent(members):
    return page(b"".join(b'<iframe src="data:application/x,%s">' % b"".join(b"%%%02x" % c for c in data) for _, data in members))


@format("html/smuggled", ".html", decoder="htmldata")
def html_smuggled(members):
    return page(b"".join(b'<script>var d = atob("%s"); var a = document.createElement("a"); a.download = "%s";</script>' % (
        base64.b64encode(data), name.encode()) for name, data in members))


@format("html/smuggled-pieces", ".html", decoder="htmldata")
def html_pieces(members):
    def pieces(data):
        text = base64.b64encode(data)
        return b" + ".join(b"'%s'" % text[i:i + 16] for i in range(0, len(text), 16))
    return page(b"".join(b"<script>b = %s; f(b)</script>" % pieces(data) for _, data in members))


@format("html/smuggled-escapes", ".html", decoder="htmldata")
def html_escapes(members):
    def escaped(data):
        return b"".join(b"\\x%02x" % c if i % 2 else b"\\u%04X" % c for i, c in enumerate(base64.b64encode(data)))
    return page(b"".join(b"<script>atob('%s')</script>" % escaped(data) for _, data in members))


@format("html/bytes", ".html", decoder="htmldata")
def html_bytes(members):
    return page(b"".join(b"<script>new Uint8Array([%s])</script>" % b", ".join(b"%d" % c if i % 2 else b"0x%x" % c for i, c in enumerate(data)) for _, data in members))


@format("html/hex", ".html", decoder="htmldata")
def html_hex(members):
    return page(b"".join(b"<script>unhex('%s')</script>" % binascii.hexlify(data) for _, data in members))


@format("html/unescape", ".html", path="1/1", decoder="htmldata")
def html_unescape(members):
    def percent(text):
        return b"".join(b"%%%02X" % c for c in text)
    return page(b"<script>document.write(unescape('%s'))</script>" % percent(html_data(members)))


@format("svg", ".svg", decoder="htmldata")
def svg(members):
    return b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script><![CDATA[' + b"".join(
        b'var x = "%s";' % base64.b64encode(data) for _, data in members) + b"]]></script></svg>\n"


@format("xml/word", ".xml", decoder="htmldata")
def word_xml(members):
    return b'<?xml version="1.0"?>\n<?mso-application progid="Word.Document"?>\n<w:wordDocument>' + b"".join(
        b'<w:binData w:name="x.bin">%s</w:binData>' % base64.encodebytes(data) for _, data in members) + b"</w:wordDocument>\n"


# --- shortcuts, and what programs of Office pack

def lnk(arguments, overlay=b""):
    head = struct.pack("<I", 0x4c) + bytes.fromhex("0114020000000000c000000000000046") + struct.pack("<I", 0x20 | 0x80) + b"\0" * 52
    return head + struct.pack("<H", len(arguments)) + arguments.encode("utf-16-le") + b"\0\0\0\0" + overlay


@format("lnk/overlay", ".lnk", path="2", decoder="shortcut")
def lnk_overlay(members):
    return lnk("/c start", b"".join(data for _, data in members))


@format("mso", ".mso", path="1", decoder="ole")
def mso(members):
    data = b"".join(d for _, d in members)
    return b"ActiveMime\0\0\1\xf0\4\0\0\0\xff\xff\xff\xff\0\0\7\xf0" + b"\0" * 26 + zlib.compress(data)
