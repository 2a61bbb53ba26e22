#!/usr/bin/python3
"""test_documents.py - what posternctl scan --tree says of documents beyond "opened": attributes, names, what is encrypted or broken,
and that none of it is called clean where it was not seen.  One function for each kind of document; formats/ makes the samples."""
import base64
import hashlib
import json
import os
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import formats  # noqa: E402
from formats import apple, compound, messages, pdfs, signed, zips  # noqa: E402
from formats.compound import Storage  # noqa: E402


class Scan:
    """The tree of one document in a mail: its parts below 1/2, by place."""

    def __init__(self, p, folder, data, filename="sample.bin", text="See there."):
        sample = formats.Sample(formats.Format(None, filename, ""), data, "")
        sample.filename = filename
        path = folder.join("document")
        with open(path, "wb") as f:
            f.write(formats.mail_with(sample).replace(b"See there.", text.encode()))
        self.code, out, err = p.ctl("scan", "--tree", "--json", path)
        self.text = out + err
        answer = json.loads(out) if out else {}
        self.parts = {part["placement"]: part for part in answer.get("tree", [])}
        self.verdict = answer.get("verdict")
        self.hold = answer.get("hold")

    def attributes(self, place="1/2"):
        return self.parts.get(place, {}).get("attributes", "")

    def named(self, name):
        """Parts that have this name."""
        return [part for part in self.parts.values() if name in (part.get("names") or [])]

    def attributes_of(self, name):
        found = self.named(name)
        return found[0].get("attributes", "") if found else None


def macros_of_documents(t, scan):
    def macros(modules, **options):
        return compound.word({"Macros": compound.vba_storage(modules, **options)})
    opens = compound.macro(b"Sub AutoOpen()\r\n  x = 1\r\nEnd Sub\r\n")
    one = scan(macros({"ThisDocument": opens, "Module1": compound.macro(b"' only a comment: Sub\r\nFunction Other()\r\nEnd Function\r\n", "Module1")}))
    t.equal(one.attributes(), "MX", "macros that run by themselves")
    t.equal([one.attributes_of("Macros/VBA/%s.bas" % m) for m in ("ThisDocument", "Module1")], ["MX", "M"], "each module by itself")
    plain = macros({"Module1": compound.macro(b"Sub Compute()\r\n  ' AutoOpen is a word here\r\nEnd Sub\r\n" * 300)})
    t.equal(scan(plain).attributes(), "M", "macros that wait to be called")
    t.equal(scan(macros({"M": compound.macro(b"Private Sub _\r\n  Workbook_Open ( )\r\nEnd Sub\r\n")})).attributes(), "MX", "a continued line")
    t.equal(scan(macros({"M": compound.macro(b"Sub InkPicture1_Painted(ByVal x)\r\nEnd Sub\r\n")})).attributes(), "MX", "an event of a control")
    t.equal(scan(macros({"AutoExec": compound.macro(b"Sub Main()\r\nEnd Sub\r\n")})).attributes(), "MX", "a module that is called so")
    unlisted = scan(macros({"ThisDocument": opens}, listed=False))
    t.equal(unlisted.attributes_of("Macros/VBA/ThisDocument.bas"), "MX", "sources that the directory does not name are found")
    odd = scan(macros({"ThisDocument": b"Rem no attribute in front\r\nSub Auto_Open\r\nEnd Sub\r\n"}))
    t.equal(odd.attributes_of("Macros/VBA/ThisDocument.bas"), "MX", "a source that begins in no usual way is found by the directory")
    stomped = scan(compound.word({"Macros": Storage({"VBA": Storage({"dir": compound.vba_pack(b"\0" * 40), "_VBA_PROJECT": b"\xcc\x61", "Module1": b"p-code only" * 9})})}))
    t.equal((stomped.attributes(), len(stomped.named("Macros/VBA/Module1"))), ("M", 1), "macros without their source")


def what_looks_like_a_message(t, scan):
    """A stream that messages have does not hide what else is in its storage."""
    decoy = {"__properties_version1.0": b"\0" * 32}
    vba = compound.vba_storage({"Module1": compound.macro(b"Sub AutoOpen()\r\nEnd Sub\r\n", "Module1")})
    vba["VBA"].update(decoy)
    one = scan(compound.word({"Macros": vba}))
    t.equal((one.attributes(), one.attributes_of("Macros/VBA/Module1.bas")), ("MX", "MX"), "macros beside a message's properties")
    pool = Storage({"_1": Storage(dict(decoy, **{"\1Ole10Native": compound.native("x.bin", b"hello")})), "__nameid_version1.0": Storage({"CONTENTS": b"abc"}),
                    "__attach_version1.0_#00000000": Storage(dict(decoy, **{"__substg1.0_37010102": b"attached to nothing"}))})
    one = scan(compound.word({"ObjectPool": pool}))
    t.equal([len(one.named(n)) for n in ("x.bin", "ObjectPool/__nameid_version1.0/CONTENTS", "ObjectPool/__attach_version1.0_#00000000/__substg1.0_37010102")],
            [1, 1, 1], "a package, and streams of what belongs to no message")
    root = dict(decoy, WordDocument=struct.pack("<HHHHHH", 0xa5ec, 0xc1, 0, 0x409, 0, 0x100) + b"\0" * 5000)
    t.ok("C" in scan(compound.compound(Storage(root))).attributes(), "an encrypted document that seems to be a message")
    other = dict(decoy, **{"__substg1.0_3701001E": b"content of another type"})
    one = scan(compound.compound(Storage(dict(decoy, **{"__attach_version1.0_#00000000": Storage(other)}))), "x.msg")
    t.equal([p["size"] for p in one.parts.values() if p["placement"].startswith("1/2/")], [23], "an attachment's content under another type")
    split = compound.vba_pack(compound.macro(b"", "M")) + b"\0\xb0\0" + compound.vba_pack(b"Sub AutoOpen()\r\nEnd Sub\r\n")[1:]
    vba = compound.vba_storage({"M": b"x"})
    vba["VBA"]["M"] = b"\2" * 100 + split
    t.equal(scan(compound.word({"Macros": vba})).attributes(), "MX", "a chunk that holds nothing does not end a source")


def excel_macros(t, scan):
    def record(kind, body):
        return struct.pack("<HH", kind, len(body)) + body

    def book(*records):
        return compound.compound(Storage({"Workbook": (record(0x809, struct.pack("<HH", 0x600, 5) + b"\0" * 12) + b"".join(records)).ljust(5000, b"\0")}))
    sheet, macro = record(0x85, struct.pack("<IBBBB", 0, 0, 0, 2, 0) + b"S1"), record(0x85, struct.pack("<IBBBB", 0, 1, 1, 2, 0) + b"M1")
    built_in = record(0x18, struct.pack("<HBBHHHBBBB", 0x20, 0, 1, 0, 0, 1, 0, 0, 0, 0) + b"\0\1")
    by_name = record(0x18, struct.pack("<HBBHHHBBBB", 0, 0, 12, 0, 0, 1, 0, 0, 0, 0) + b"\0AUTO_OPENxyz")
    t.equal(scan(book(sheet)).attributes(), "", "a workbook")
    t.equal(scan(book(sheet, macro)).attributes(), "M", "a sheet of Excel 4 macros")
    t.equal(scan(book(sheet, macro, built_in)).attributes(), "MX", "one that runs when the workbook is opened")
    t.equal(scan(book(sheet, macro, by_name)).attributes(), "MX", "the same by its name")
    t.equal(scan(book(record(0x2f, b"\1\0" + b"x" * 52), sheet)).attributes(), "C", "a workbook with a password")


def encrypted_documents(t, scan):
    word = compound.compound(Storage({"WordDocument": struct.pack("<HHHHHH", 0xa5ec, 0xc1, 0, 0x409, 0, 0x100) + b"\0" * 5000}))
    t.equal(scan(word).attributes(), "C", "a Word document with a password")
    package = compound.compound(Storage({"EncryptionInfo": b"\4\0\4\0\x40\0\0\0<encryption/>", "EncryptedPackage": struct.pack("<Q", 5000) + b"\x55" * 6000}))
    t.equal(scan(package).attributes(), "C", "a newer document with a password")
    rights = compound.compound(Storage({"\6DataSpaces": Storage({"Version": b"x"}), "\11DRMContent": b"\x55" * 6000}))
    t.equal(scan(rights).attributes(), "C", "rights management")
    slides = compound.compound(Storage({"Current User": struct.pack("<HHIII", 0, 0xff6, 20, 20, 0xf3d1c4df).ljust(60, b"\0"), "PowerPoint Document": b"\0" * 5000}))
    t.equal(scan(slides).attributes(), "C", "a presentation with a password")


def unlocked_documents(t, scan):
    """By the password that Excel tries, or one that the mail tells."""
    package = zips.ooxml("word/document.xml")([("x.bin", b"hello")])
    for name, lock in (("agile", compound.agile), ("standard", compound.standard)):
        locked = lock(package, "jolly1good")
        t.equal(scan(locked).attributes(), "C", name + ": nobody knows the password")
        one = scan(locked, text="Password: jolly1good")
        t.equal((one.attributes(), len(one.named("word/embeddings/x.bin"))), ("K", 1), name + ": a word of the mail opens it")
    sheet, macro = (0x85, struct.pack("<IBBBB", 0, 0, 0, 2, 0) + b"S1"), (0x85, struct.pack("<IBBBB", 0, 1, 1, 2, 0) + b"M1")
    for library, bits in ((False, 0), (True, 128), (True, 40)):
        records = [(0x1ff, b"x" * 3000), sheet, macro]
        name = "%s of %d bits" % ("RC4 by a library" if library else "RC4", bits)
        t.equal(scan(compound.lock_workbook(records, compound.EXCELS_OWN, library, bits)).attributes(), "M", name + ": Excel's own password, macros are seen")
        t.equal(scan(compound.lock_workbook(records, "jolly1good", library, bits)).attributes(), "C", name + ": another password")
        t.equal(scan(compound.lock_workbook(records, "jolly1good", library, bits), text="Password: jolly1good").attributes(), "MK", name + ": a word of the mail")
    slow = scan(compound.agile(package, "jolly1good", claimed=9999999), text="Password: jolly1good")
    t.match(slow.text, r"time", "one that wants ten million rounds for each word is given up in time")


def broken_documents(t, scan):
    whole = compound.word({"ObjectPool": Storage({"_1": Storage({"CONTENTS": b"abc" * 4000})})})
    t.equal(scan(whole).attributes(), "", "the whole document")
    t.ok("U" in scan(whole[:3000]).attributes(), "half of it is undecipherable")
    t.ok("U" in scan(whole[:600]).attributes(), "so is one without a directory")
    small = compound.word({})
    lost = small.index("Root Entry".encode("utf-16-le"))
    t.ok("U" in scan(small[:lost] + b"\0" * 512 + small[lost + 512:]).attributes(), "and one whose directory is empty")
    rootless = scan(whole.replace("Root Entry".encode("utf-16-le").ljust(66, b"\0") + b"\x16\0\5", b"\0" * 69))
    t.ok(rootless.named("CONTENTS") or rootless.named("ObjectPool/_1/CONTENTS"), "entries that hang nowhere are seen")
    large = scan(compound.word({"Large": bytes(range(256)) * 36000}))
    t.equal((large.attributes(), large.named("Large")[0]["size"]), ("", 256 * 36000), "a stream whose table of sectors is larger than the header lists")
    fat = whole.index(b"\1\0\0\0\2\0\0\0\3\0\0\0")
    looped = whole[:fat] + b"\0\0\0\0" * 3 + whole[fat + 12:]
    t.equal(scan(looped).verdict, "clean", "a chain that bites its tail ends with the stream's size")
    directory = whole.index("Root Entry".encode("utf-16-le"))
    entries = bytearray(whole)
    for i in range(4):
        entries[directory + i * 128 + 68:directory + i * 128 + 80] = struct.pack("<III", 1, 2, 1)
    t.ok(scan(bytes(entries)).parts, "entries that name each other are listed once")


def bombs_in_documents(t, scan):
    packed = zlib.compressobj(9)
    zeros = b"".join(packed.compress(b"\0" * (1 << 20)) for _ in range(400)) + packed.flush()
    slides = compound.slide_record(0x1011, 1, struct.pack("<I", 400 << 20) + zeros)
    bomb = scan(compound.compound(Storage({"PowerPoint Document": slides})))
    t.match(bomb.text, r"storage quota|limit", "an object of 400 MiB in a presentation is over the limit")
    many = scan(compound.compound(Storage([("s%d" % i, b"x") for i in range(2000)])))
    t.match(many.text, r"Maximum number of files", "2000 streams are over the limit")


NAMES = ["../../../tmp/postern-out", "/tmp/postern-out", "C:\\postern-out", "a;touch /tmp/postern-out;$(id)|&\n`x`", "n" * 4096, "\u202egpj.exe", "\u00e4\U0001f600.exe"]


def names_in_documents(t, scan):
    for name in NAMES:
        found = scan(compound.word(compound.pool([(name[:900], b"content")])))
        t.ok(found.named(name[:900]), "the name %.30r of a package is told as it is" % name, found.text[-1500:])
    stream = scan(compound.compound(Storage({"..": Storage({"..": Storage({"etc": b"x"})})})))
    t.ok(stream.named("../../etc"), "a stream's path, too")
    t.ok(not os.path.exists("/tmp/postern-out"), "nothing outside")


def outlook_messages(t, scan):
    one = scan(compound.msg([("long name.txt", b"hello")]), "x.msg")
    t.equal(sorted(n for part in one.parts.values() for n in part.get("names") or []), ["EICAR~1.GZ", "body.txt", "long name.txt", "x.msg"], "what a message gives")


def names_hidden_in_outlook_messages(t, scan):
    properties = {"__properties_version1.0": b"\0" * 32}

    def message(attachment, **more):
        streams = {"__substg1.0_" + name: data for name, data in more.items()}
        return scan(compound.compound(Storage(dict(properties, **streams, **{"__attach_version1.0_#00000000": Storage(dict(
            properties, **{"__substg1.0_" + name: data for name, data in attachment.items()}))}))), "x.msg")
    both = message({"37010102": b"content", "3707001F": "a.txt".encode("utf-16-le"), "3707001E": b"evil.exe"})
    t.equal(both.named("evil.exe")[0]["names"] if both.named("evil.exe") else None, ["a.txt", "evil.exe"], "a name in Unicode and another one without")
    link = message({"370D001E": b"http://example.net/x", "3707001E": b"evil.exe"})
    t.ok(link.named("evil.exe"), "the name of a link")
    pages = message({}, **{"1013001F": "<html>hello</html>".encode("utf-16-le"), "10130102": messages.html_data([("evil.exe", b"content")])})
    t.ok(pages.named("evil.exe"), "two bodies of one kind, by their types: both")


# --- PDF

def catalog(more=b"", **objects):
    return pdfs.write({1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % more, **pdfs.PAGES, **{int(n[1:]): body for n, body in objects.items()}})


def scripts_in_pdf(t, scan):
    action = b"<< /S /JavaScript /JS (app.alert\\(1\\);) >>"
    one = scan(catalog(b"/OpenAction 5 0 R", o5=action))
    t.equal((one.attributes(), one.attributes_of("script.js")), ("MX", "M"), "a script that runs when the file is opened")
    t.equal(one.named("script.js")[0]["size"], len("app.alert(1);"), "its text without escapes")
    t.equal(scan(catalog(b"/Names << /JavaScript << /Names [(x) 5 0 R] >> >>", o5=action)).attributes(), "MX", "one that is listed by its name")
    t.equal(scan(catalog(o5=action)).attributes(), "M", "one that waits")
    t.equal(scan(catalog(o5=b"<</S/Java#53cript/J#53<6170702E>>>")).attributes_of("script.js"), "M", "names with escapes, a hexadecimal string")
    t.equal(scan(catalog(o5=b"<< /S /JavaScript /JS 6 0 R >>", o6=b"(alert)")).attributes_of("script.js"), "M", "a string that is an object of its own")
    launch = scan(catalog(b"/OpenAction << /S /Launch /Win << /F (cmd.exe) /P (/c calc) >> >>"))
    t.equal((launch.attributes(), launch.attributes_of("launch.txt")), ("MX", "X"), "an action that starts a program")
    t.equal(scan(catalog(b"/OpenAction [3 0 R /Fit]")).attributes(), "", "a file that is opened at a page")


def locked_pdf(t, scan):
    for bits in ("40", "128", "256"):
        locked = pdfs.encrypted([("secret.txt", b"hello")], bits, user="jolly1good")
        one = scan(locked)
        t.equal((one.attributes(), one.attributes_of("secret.txt")), ("C", None), "a password of %s bits" % bits)
        opened = scan(locked, text="The password is jolly1good.")
        t.equal((opened.attributes(), opened.attributes_of("secret.txt")), ("K", ""), "a word of the mail opens it")
        t.equal(scan(locked, text="Password: owner").attributes(), "K", "so does the owner's")


def broken_pdf(t, scan):
    def with_file(data, entries):
        return pdfs.with_files([("x.bin", data)], lambda d: d, entries)
    packed = zlib.compress(bytes(range(256)) * 40)
    t.equal(scan(with_file(packed, b"/Filter /FlateDecode")).attributes(), "", "an embedded file")
    half = scan(with_file(packed[:len(packed) // 2], b"/Filter /FlateDecode"))
    t.ok("U" in half.attributes() and "U" in half.attributes_of("x.bin"), "half of one is undecipherable")
    t.ok("U" in scan(with_file(b"x" * 99, b"/Filter /JBIG2Decode")).attributes(), "so is one behind a filter for pictures")
    t.ok("U" in scan(with_file(packed, b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 99999999 >>")).attributes(), "and one with an absurd predictor")


def hidden_in_pdf(t, scan):
    """What only those see who follow the table of objects, which reads them by other signs than these."""
    inner = b"<< /S /JavaScript /JS (app.alert) >>"
    packed = zlib.compress(b"5 0 " + inner)

    def stream_of_objects(entries):
        return scan(catalog(o6=pdfs.stream(packed, b"%s /N 1 /First 4 /Filter /FlateDecode" % entries))).attributes()
    t.equal(stream_of_objects(b"/Type /ObjStm"), "M", "a script in an object stream")
    t.equal(stream_of_objects(b" " * 5000 + b"/Type /ObjStm"), "M", "whose dictionary is long")
    t.equal(stream_of_objects(b"/X /stream /Type /ObjStm"), "M", "whose dictionary has that word in it")
    t.equal(stream_of_objects(b""), "M", "that does not say its type")
    full = {"o%d" % n: pdfs.stream(b"x 0 ", b"/Type /ObjStm /N 999999999 /First 1") for n in (7, 8)}
    t.equal(scan(catalog(o9=pdfs.stream(packed, b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode"), **full)).attributes(), "M", "one behind others that are full of nothing")
    unnamed = scan(catalog(o5=pdfs.stream(b"hello", b" " * 5000 + b"/Type /EmbeddedFile")))
    t.equal([p["size"] for p in unnamed.parts.values() if p["placement"].startswith("1/2/")], [5], "a file that nothing names, behind a long dictionary")
    locked = pdfs.encrypted([("secret.txt", b"hello")], "128", user="jolly1good")
    t.equal(scan(locked.replace(b"/Encrypt", b"/#45ncrypt")).attributes(), "C", "a name with an escape says that it is encrypted")


def names_hidden_in_pdf(t, scan):
    """Every name that a viewer may save a file under."""
    def with_names(more, **objects):
        return scan(catalog(o5=b"<< /Type /Filespec /F (a.txt) /EF << /F 6 0 R >> >>", o6=pdfs.stream(b"content", b"/X 1"), **dict(objects, o7=more)))
    t.ok(with_names(b"<< /Type /Filespec /F (evil.exe) /EF << /F 6 0 R >> >>").named("evil.exe"), "the name that another specification gives")
    t.ok(with_names(b"<< /Type /Filespec /UF 8 0 R /EF << /F 6 0 R >> >>", o8=b"(evil.exe)").named("evil.exe"), "a name that is an object of its own")
    t.ok(with_names(b"<< /S /JavaScript /JS 6 0 R >>").named("a.txt"), "the name of a file that is called a script, too")
    twice = catalog(o5=b"<< /F (evil.exe) /EF 7 0 R >>", o6=pdfs.stream(b"content", b"/X 1"), o7=b"<< /F 6 0 R >>") + b"7 0 obj << /F 99 0 R >> endobj\n"
    t.ok(scan(twice).named("evil.exe"), "streams by an object that there are two of")
    t.equal(with_names(b"<< /F (b.txt) /F (c.txt) /EF << /F 6 0 R >> >>").attributes(), "B", "two values of one key are ambiguous")
    refers = b"".join(b"<< /F 8 0 R /UF 8 0 R /EF << /F 6 0 R >> >>" for _ in range(9000))
    t.match(with_names(b"[" + refers + b"]", o8=b"(" + b"x" * 16000 + b")").text, r"more objects than|too much CPU", "names without end")


def objects_hidden_in_pdf(t, scan):
    """Where viewers find an object, or read it otherwise than it looks."""
    action = b"<< /S /JavaScript /JS (app.alert) >>"
    for name, head in (("a comment", b"5 %x\r0 %\nobj"), ("blanks", b"5" + b" " * 100 + b"0" + b"\n" * 50 + b"obj"), ("nothing", b"5 0obj"),
                       ("long comments", b"5 %" + b"x" * 9000 + b"\n% y\n%\n 0 %" + b"x" * 9000 + b"\r\n obj")):
        t.equal(scan(catalog(o5=action).replace(b"5 0 obj", head)).attributes(), "M", "a script in an object with %s in front of its word" % name)
    t.ok("U" in scan(catalog(o5=b"<< /Next " * 70 + action + b">>" * 70)).attributes(), "a script within seventy dictionaries is undecipherable")
    form = [catalog(b"/AcroForm << /XFA %s >>" % xfa, o5=array, o6=pdfs.stream(b"<xdp/>")) for xfa, array in (
        (b"5 0 R", b"[(template) 6 0 R]"), (b"[" + b"(x) null " * 70 + b"(template) 6 0 R]", b"null"))]
    t.equal([len(scan(f).named("form.xml")) for f in form], [1, 1], "forms by an array that is an object of its own, or a long one")
    def file_with(data, entries, more=b""):
        return scan(pdfs.with_files([("x.bin", data)], lambda d: d, entries) + more)
    t.ok("U" in file_with(zlib.compress(b"content"), b"/Filter [" + b"/Crypt " * 9 + b"/FlateDecode]").attributes(), "ten filters are undecipherable")
    t.ok("U" in file_with(b"<~87cURD]j7BEbo80~>", b"/Filter /ASCII85Decode").attributes(), "so is ASCII85 with a beginning of its own")
    cut = pdfs.with_files([("x.bin", b"content\nendstream\nand more of it")], lambda d: d, b"").replace(b"/Length 32", b"/Length 31")
    t.ok("B" in scan(cut).attributes_of("x.bin"), "two ends of one stream are ambiguous")
    locked = pdfs.encrypted([("x.bin", b"hello" * 50)], "128", weak=True)
    t.equal(scan(locked).attributes(), "", "one that is encrypted for everybody")
    t.equal(scan(locked.replace(b"startxref", b"trailer << /Root 1 0 R /Size 9 >>\nstartxref")).attributes(), "B", "with a trailer that knows of no key is ambiguous")
    xref = scan(locked.replace(b"/Type /EmbeddedFile", b"/Type /XRef         "))
    t.equal((xref.attributes(), xref.parts["1/2/1"]["size"]), ("", 250), "a file that says it is a table is decrypted all the same")
    front = b"GIF89a\n" + catalog(o5=action).replace(b"startxref", b"")
    t.equal(scan(front).attributes(), "M", "a picture's mark in front, no table at the end")
    t.equal(scan(b"%!PS-Adobe-3.0 PDF-1.4\n" + catalog(o5=action)[9:]).attributes(), "M", "a header of another kind")
    t.equal(scan(b"MM\0*" + catalog(o5=action)[9:], "x.pdf").attributes(), "M", "no header, but called so")
    filters = b"/V 4 /R 4 /P -4 /Filter /Standard /O (%s) /U (%s) /StmF /A /CF <<%s\n>>" % (b"x" * 32, b"x" * 32, b"/A%" * 300000)
    t.ok(scan(catalog(o5=b"<< " + filters + b">>").replace(b"/Root", b"/Encrypt 5 0 R /Root")).parts, "300,000 names of a filter")
    t.ok(scan(b"%PDF-1.4\n" + b"%obj\n% obj\n" * 200000 + b"%\n" * 300000 + b"obj").parts, "comments without end")
    t.ok(scan(catalog(o5=b"<< /Filter /Standard /V 2 /R 3 /P 1 /O (%s) /U (x) >>" % (b"x" * 1000000)) + b"trailer<</Encrypt 5 0 R>>" * 20000).parts, "20,000 keys of a megabyte")


def bombs_in_pdf(t, scan):
    packed = zlib.compressobj(9)
    zeros = b"".join(packed.compress(b"\0" * (1 << 20)) for _ in range(400)) + packed.flush()
    t.match(scan(pdfs.with_files([("x", zeros)], lambda d: d, b"/Filter /FlateDecode")).text, r"storage quota", "400 MiB of zeros")
    twice = zlib.compress(zeros)
    t.match(scan(pdfs.with_files([("x", twice)], lambda d: d, b"/Filter [/FlateDecode /FlateDecode]")).text, r"storage quota", "the same, packed twice")
    t.match(scan(catalog(o5=pdfs.stream(zeros, b"/Type /ObjStm /N 9 /First 9 /Filter /FlateDecode"))).text, r"more objects than", "an object stream of 400 MiB")
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    blank = packed.compress(b" " * (1 << 20)) + packed.flush(zlib.Z_FULL_FLUSH)
    twice = zlib.compress(b"\x78\x9c" + blank * 8000 + b"\3\0")
    t.match(scan(pdfs.with_files([("x", twice)], lambda d: d, b"/Filter [/FlateDecode /FlateDecode /ASCIIHexDecode]")).text, r"CPU time|out of time",
            "8 GiB that come to nothing")
    t.ok(scan(catalog(o5=b"[" * 200000)).parts, "200,000 arrays within each other")
    t.ok(scan(b"%PDF-1.4\n" + b"1 0 obj <<" * 50000).parts, "50,000 objects that do not end")
    t.ok(scan(catalog(o5=b"<< /Length 5 0 R /Filter 5 0 R >>stream\nendstream", o6=b"<< /EF 6 0 R /F 6 0 R >>")).parts, "objects that refer to themselves")


def names_in_pdf(t, scan):
    for name in NAMES[:2] + NAMES[3:]:
        data = pdfs.with_files([("NAME", b"content")], lambda d: d, b"").replace(b"(NAME)", b"(\xef\xbb\xbf%s)" % name[:900].replace("(", "\\(").replace(")", "\\)").encode())
        t.ok(scan(data).named(name[:900]), "the name %.30r of a file is told as it is" % name)
    t.ok(not os.path.exists("/tmp/postern-out"), "nothing outside")


# --- what mail programs and people write

def rtf_texts(t, scan):
    linked = messages.rtf(messages.hexadecimal(struct.pack("<III", 0x501, 1, 6) + b"Excel\0" + struct.pack("<I", 21) + b"http://example.net/x\0" + struct.pack("<I", 0)))
    t.equal(scan(linked).named("link.txt")[0]["size"], len("Excel\nhttp://example.net/x\n"), "a linked object tells where it leads")
    t.ok(scan(b"{\\rtf1{\\*\\template http://example.net/t.dotm}}").named("template.txt"), "a template from elsewhere")
    field = b"{\\rtf1{\\field{\\*\\fldinst {\\b DDE}AUTO c:\\\\windows cmd}{\\fldrslt x}}{\\field{\\*\\fldinst PAGE}}}"
    one = scan(field)
    t.equal((one.attributes(), one.attributes_of("field.txt"), len(one.named("field.txt"))), ("X", "X", 1), "a field that starts a program")
    t.ok(scan(b"{\\rtf1" + b"{" * 100000 + b"\\objdata 0102" * 100).parts, "groups without end")
    t.ok(scan(b"{\\rtf1{\\*\\objdata\\bin99999999 abc\\bin-5 x}}").parts, "\\bin beyond the end")
    package = messages.hexadecimal(messages.ole1(b"Package", compound.package("x.bin", b"abc")))
    t.ok(scan(b"{\\rtf1{\\object" + b"\\pict" * 9 + b"{\\*\\objdata " + package + b"}}}").named("x.bin"), "an object behind nine words for a picture")
    t.ok(scan(b"{\\rtf1" + b"{\\pict " * 9 + b"{\\*\\objdata " + package + b"}" + b"}" * 10).named("x.bin"), "within nine pictures")
    t.ok("U" in scan(b"{\\rtf1" + b"{\\pict " * 70 + b"{\\*\\objdata " + package + b"}" + b"}" * 71).attributes(), "within seventy it is undecipherable")
    deep = b"{\\rtf1" + b"{" * 600 + b"{\\*\\objdata {\\*\\unknown 77}" + package + b"}" + b"}" * 601
    t.ok(scan(deep).named("x.bin"), "within six hundred groups, one of an unknown kind in it")
    cut = scan(messages.rtf(messages.hexadecimal(messages.ole1(b"Package", compound.package("x.bin", b"abc").replace(b"\3\0\0\0abc", b"\0\1\0\0abc")))))
    t.ok("U" in cut.attributes_of("x.bin"), "a package that is shorter than it says")


def hidden_in_rtf(t, scan):
    """What Word reads otherwise than it looks."""
    package = messages.hexadecimal(messages.ole1(b"Package", compound.package("x.bin", b"abc")))
    for name, digits in (("a group in it", b"{" + package[:8] + b"}" + package[8:]), ("\\bin beyond the end", package + b"\\bin999999999 "),
                         ("\\bin within a byte", package[:-1] + b"\\bin1 x" + package[-1:])):
        one = scan(messages.rtf(digits))
        t.equal(one.attributes(), "B", "an object with %s is ambiguous" % name)
    t.equal(scan(messages.rtf(package).replace(b"\\objdata ", b"\\objdata")).attributes(), "B", "digits that may be a number are ambiguous")
    lost = scan(messages.rtf(package[:9] + b"7\\'00" + package[9:] if len(package[:9]) % 2 == 0 else package[:10] + b"7\\'00" + package[10:]))
    t.equal((lost.attributes(), len(lost.named("x.bin"))), ("B", 1), "half a byte that Word loses")
    t.ok(scan(b"{\\rtf1{\\field{\\*\\fldinst PAGE {\\*\\shppict{\\object{\\*\\objdata " + package + b"}}}}}}").named("x.bin"), "an object in what is passed over")
    fields = {b"\\'44\\'44\\'45AUTO c:\\\\cmd": "X", b"\\uc0\\u68\\u68\\u69 AUTO cmd": "X", b"\\u68?\\u68?\\u69?AUTO cmd": "B",
              b'HYPERLINK "http://example.net/hidden/dde.html"': "", b'HYPERLINK "http://example.net/\\\'fc\\u252?"': ""}
    for text, wanted in fields.items():
        t.equal(scan(b"{\\rtf1{\\field{\\*\\fldinst " + text + b"}}}").attributes(), wanted, "the field %s" % text.decode())
    wide = "evil.exe".encode("utf-16-le")
    data = compound.package("x.bin", b"abc")[:-3 * (4 + 10)] + b"".join(struct.pack("<I", n // 2) + w for n, w in ((2, b"a\0"), (len(wide), wide), (2, b"b\0")))
    t.ok(scan(messages.rtf(messages.hexadecimal(messages.ole1(b"Package", data)))).named("evil.exe"), "a package's name in Unicode, not the first")
    long = compound.package("x" * 2000, b"abc")
    t.ok("U" in scan(messages.rtf(messages.hexadecimal(messages.ole1(b"Package", long)))).parts["1/2/1"]["attributes"], "a package whose names are too long to be")
    t.ok("U" in scan(messages.rtf(messages.hexadecimal(struct.pack("<III", 0x501, 77, 0) + b"what is that"))).parts["1/2/1"]["attributes"], "an object of no known kind")
    inner = compound.compound(Storage({"CONTENTS": b"abc" * 2000}))
    behind = messages.ole1(b"Word.Document.8", b"xx") + inner
    t.ok(scan(messages.rtf(messages.hexadecimal(behind))).named("CONTENTS"), "an object that is larger than it says")


def winmail(t, scan):
    whole = messages.winmail([("first.txt", b"hello"), ("second.txt", b"world")])
    one = scan(whole, "winmail.dat")
    t.equal([p["names"] for p in one.named("first.txt") + one.named("second.txt")], [["first.txt", "EICAR~1.GZ"], ["second.txt", "EICAR~1.GZ"]], "names, the long one first")
    t.equal(one.named("first.txt")[0]["mime_types"], ["application/gzip"], "the type that is declared")
    t.ok("U" in scan(whole[:-30]).attributes(), "half of it is undecipherable")
    twice = messages.tnef(messages.tnef_attribute(2, 0x9002, 6, b"\1\0" + b"\0" * 12) + messages.tnef_attribute(2, 0x800f, 6, b"one content")
                          + messages.tnef_attribute(2, 0x9005, 6, messages.tnef_properties(messages.tnef_property(0x3701, 0x102, b"another content"))))
    t.equal(sorted(p["size"] for p in scan(twice).parts.values() if p["placement"].startswith("1/2/")), [11, 15], "two contents of one attachment: both")
    again = messages.tnef(messages.tnef_attribute(2, 0x9002, 6, b"\1\0" + b"\0" * 12) + messages.tnef_attribute(2, 0x800f, 6, b"one content")
                          + messages.tnef_attribute(2, 0x800f, 6, b"another content"))
    t.equal(sorted(p["size"] for p in scan(again).parts.values() if p["placement"].startswith("1/2/")), [11, 15], "two attributes for the content of one: both")
    t.ok("U" in scan(messages.tnef() + b"\xff" * 40).attributes(), "so is one with something else in it")


def hidden_in_winmail(t, scan):
    stray = messages.tnef(messages.tnef_attribute(1, 0x8010, 1, b"evil.exe\0") + messages.tnef_attribute(1, 0x800f, 6, b"content"))
    t.equal([p["size"] for p in scan(stray).named("evil.exe")], [7], "an attachment among what is told of the message")
    behind = messages.tnef(messages.tnef_attribute(1, 0x9003, 6, messages.tnef_properties(messages.tnef_property(0x1000, 0x1e, b"hello\0")) + b"something else"))
    plain = messages.tnef(messages.tnef_attribute(1, 0x9003, 6, messages.tnef_properties(messages.tnef_property(0x1000, 0x1e, b"hello\0"))))
    t.equal([scan(data).attributes() for data in (plain, behind)], ["O", ""], "what stands behind the properties reaches the scanners with the whole")


def notes(t, scan):
    one = scan(messages.one([("a.txt", b"hello"), ("b.exe", b"MZ")]))
    t.equal([p["names"] for p in (one.parts["1/2/1"], one.parts["1/2/2"])], [["a.txt"], ["b.exe"]], "names of files in a section, by order")
    extra = scan(messages.one([("a.txt", b"hello"), ("b.exe", b"MZ")]) + messages.one_name("c.js"))
    t.equal(extra.parts["1/2/1"]["names"], ["a.txt", "b.exe", "c.js"], "more names than files: each has all")
    t.ok("U" in scan(messages.one([("a.txt", b"x" * 100)])[:-70]).attributes(), "a file that ends early")


def hidden_in_notes(t, scan):
    many = messages.one([("%d.txt" % i, b"hello") for i in range(12)] + [("evil.exe", b"MZ")])
    t.equal([p["size"] for p in scan(many).named("evil.exe")], [2], "the thirteenth name")
    t.ok(scan(many + messages.one_name("more.txt")).named("evil.exe"), "the thirteenth of fourteen for thirteen files")
    name = messages.one_name("evil.exe")
    behind = struct.pack("<H", 204) + struct.pack("<I", 0x08001c01) * 200 + name[2:]
    t.ok(scan(messages.one([("a.txt", b"hello")]).replace(messages.one_name("a.txt"), behind)).named("evil.exe"), "a name behind two hundred properties")
    decoy = messages.one_name("evil.exe").replace(struct.pack("<I", 0x14001c00), struct.pack("<I", 0x44001c00))
    t.equal(scan(messages.one([("a.txt", b"hello")]).replace(messages.one_name("a.txt"), decoy)).parts["1/2/1"]["attributes"], "B", "a name behind a set of properties is not read")
    plain = messages.one([("a.txt", b"hello")])
    overlapping = scan(plain + (messages.one_name("x" * 2000) + b"\x9c\x1d\0\x1c" * 400) * 30)
    t.ok(overlapping.parts, "names over each other")
    t.ok("U" in scan(plain[:48] + bytes.fromhex("2fe98d63d4a6c14b9a36b3fc2511a5b7") + plain[64:]).attributes(), "one that is packed as servers do is undecipherable")
    t.equal(scan(plain + struct.pack("<Q", 0xfb6ba385dad1a067) + b"<key/>" + struct.pack("<Q", 0x2649294f8e198b3c)).attributes(), "C", "one with a password is encrypted")


def pages(t, scan):
    one = scan(messages.html_data([("invoice.zip", b"content")]), "x.html")
    t.equal([one.named("invoice.zip")[0][k] for k in ("mime_types", "size")], [["application/gzip"], 7], "name and type of a data: URL")
    one = scan(messages.html_smuggled([("invoice.iso", os.urandom(100))]), "x.html")
    t.equal(one.named("invoice.iso")[0]["size"], 100, "the name that a script saves under")
    prose = b"<p>Don't look: 'here', \"there\" and (1, 2, 3) are data: nothing, of course.</p>" * 200
    t.equal([p for p in scan(messages.page(prose), "x.html").parts if p.startswith("1/2/")], [], "prose gives nothing")
    words = b"var words = [" + b",".join(b'"word number %d"' % i for i in range(300)) + b"]; f({data:x,y:[1,2,3]});"
    t.equal([p for p in scan(messages.page(b"<script>" + words + b"</script>"), "x.html").parts if p.startswith("1/2/")], [], "nor does a script of words")
    text = b"Hello. " + messages.html_data([("x", b"content")])[30:]
    t.equal(len(scan(text, "x.txt").parts), 3, "text is not taken apart")
    t.equal(len(scan(text, "x.html").parts), 4, "unless it is called a page")
    sheet = b'<?xml version="1.0"?><xm:macrosheet xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"/>'
    t.equal(scan(sheet, "sheet1.xml").attributes(), "M", "a sheet of Excel 4 macros in XML")


def hidden_in_pages(t, scan):
    """What browsers read and save, however it is written."""
    program = base64.b64encode(b"MZ" + bytes(range(200)) * 3)
    lines = b"\n".join(program[i:i + 76] for i in range(0, len(program), 76))

    def sizes(body, filename="x.html"):
        return sorted(p["size"] for p in scan(messages.page(body), filename).parts.values() if p["placement"].startswith("1/2/"))
    for name, body in (
            ("a head that is long", b'<a href="data:x/y;' + b"p=q;" * 200 + b'base64,' + program + b'">'), ("without a type", b'<a href="data:x;base64,' + program + b'">'),
            ("with names of characters", b'<a href="data&colon;x&sol;y;base64&comma;' + program + b'">'), ("line ends in the scheme", b'<a href="da\n\tta:x/y;base64,' + program + b'">'),
            ("blanks in front, lines behind", b'<a href=" &#9;data:x/y;base64,' + lines + b'">'), ("a page that goes on", b'<meta http-equiv=refresh content="0; url=data:x/y;base64,' + lines + b'">'),
            ("line ends of a script", b'<script>f("d\\x61ta:x/y;base64,' + lines.replace(b"\n", b"\\n") + b'")</script>'),
            ("text that is no markup", b"<x><![CDATA[" + lines + b"]]></x>")):
        t.ok(602 in sizes(body), "%s: a file" % name, str(sizes(body)))
    decoy = b'<p>"data:a/b, hello</p> <a href=\'data:x/y;base64,' + program + b'\'>x</a>'
    t.ok(602 in sizes(decoy), "one within what seems to be another")
    for name, body in (("unquoted, upper case", b"<a DOWNLOAD=evil.exe "), ("blanks around it", b"<a download = 'evil.exe' "), ("a reference in it", b'<a download="evil&#46;exe" '),
                       ("far away, a bracket between", b'<a download="evil.exe" title="<' + b"x" * 3000 + b'" '), ("the fifth", b"".join(b'<a download="%d.txt">' % i for i in range(9)) + b'<a download="evil.exe" ')):
        one = scan(messages.page(body + b'href="data:x/y;base64,' + program + b'">'), "x.html")
        t.ok(one.named("evil.exe"), "a name, %s" % name, one.text[-800:])
    scripted = b"<script>" + b"".join(b"f.fileName='%d.txt';" % i for i in range(6)) + b"a.download = 'evil' + '\\x2eexe'; b=atob('" + program + b"')</script>"
    t.ok(scan(messages.page(scripted), "x.html").named("evil.exe"), "a name in pieces, behind others")
    within = b'<iframe srcdoc="<a download=&quot;evil.exe&quot; href=&quot;data:x/y;base64,' + program + b'&quot; >x</a>">'
    t.ok(scan(messages.page(within), "x.html").named("evil.exe"), "a name in a page within an attribute")
    many = b"<script>" + b"".join(b"f.fileName='%d.txt';" % i for i in range(300)) + b"b=atob('" + program + b"');f.fileName='evil.exe'</script>"
    t.ok("B" in scan(messages.page(many), "x.html").parts["1/2/1"]["attributes"], "more names than anybody takes")
    page = messages.html_data([("x.exe", b"content")])
    for name, data in (("a NUL in front", b"\0" + page), ("a picture's mark in front", b"GIF89a" + page), ("NULs between", page.replace(b"a", b"a\0")),
                       ("UTF-16 without a mark", page.decode().encode("utf-16-le"))):
        t.ok(scan(data, "x.html").named("x.exe"), "called a page, with %s" % name)
    t.ok(scan(b"GIF89a" + page, "x.htm. ").named("x.exe"), "a dot and a blank behind the name")
    t.ok(scan(b"\0\1 " + messages.ics([("evil.exe", b"content" * 20)]), "x.ics").named("evil.exe"), "called a calendar")
    t.ok(scan(messages.page(b"<script>" + b"fileName='x';" * 300000 + b"</script>"), "x.html").parts, "300,000 names")
    slow = b"data:" * 200000 + b"," + b"'data:" * 50000 + b"(data:" * 1000
    t.ok(scan(messages.page(slow), "x.html").parts, "a million letters that begin URLs")


def cards(t, scan):
    one = scan(messages.ics([("agenda.pdf", b"content" * 20)]))
    t.equal(one.named("agenda.pdf")[0]["size"], 140, "an attachment of an appointment")
    plain = b"BEGIN:VCALENDAR\r\nATTACH:http://example.net/x\r\nSUMMARY:base64;x\r\nEND:VCALENDAR\r\n"
    t.equal(len(scan(plain).parts), 3, "a link is none")


def hidden_in_cards(t, scan):
    """What some program takes for an attachment, and all its names."""
    content = base64.b64encode(b"content")

    def scanned(line, **more):
        return scan(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + messages.folded(line) + b"END:VEVENT\r\nEND:VCALENDAR\r\n", **more)
    for name, head in (("far behind", b"X-PAD=" + b"x" * 2000 + b";ENCODING=BASE64;X-FILENAME=evil.exe"), ("behind a quote that nothing ends", b'X="a;ENCODING=BASE64;X-FILENAME=evil.exe'),
                       ("the second of its kind", b"ENCODING=8BIT;ENCODING=BASE64;X-FILENAME=a.txt;X-FILENAME=evil.exe")):
        one = scanned(b"ATTACH;" + head + b":" + content)
        t.equal([p["size"] for p in one.named("evil.exe")], [7], "parameters %s" % name)
    t.equal(scanned(b"ATTACH;X=" + b"x" * 70000 + b";ENCODING=BASE64:" + content).attributes(), "B", "parameters without end are ambiguous")
    t.equal([p["size"] for p in scanned(b"ATTACH;FILENAME=evil.exe:data:x/y;" + b"p=q;" * 100 + b"base64," + content).named("evil.exe")], [7], "a data: URL with a long head")
    t.equal(scanned(b"ATTACH:data:x/y;" + b"p=q;" * 2000 + b"base64," + content).attributes(), "B", "one whose head does not end is ambiguous")
    t.equal([p["size"] for p in scanned(b"ATTACH;FILENAME=evil.exe:data:x/y,MZ%00%ff").named("evil.exe")], [4], "one without base64")
    page = messages.html_data([("evil.exe", b"content")]).replace(b"\n", b"\\n").replace(b";", b"\\;").replace(b",", b"\\,")
    t.ok(scanned(b"X-ALT-DESC;FMTTYPE=text/html:" + page).named("evil.exe"), "a file in a description that is a page")
    both = scanned(b"X-ALT-DESC;FMTTYPE=text/html:<html>hello</html>\r\nATTACH;ENCODING=BASE64;X-FILENAME=evil.exe:" + content)
    t.ok(both.named("evil.exe"), "a file beside a description that is a page")


def shortcuts(t, scan):
    one = scan(messages.lnk("/c powershell -enc AAAA"))
    t.equal(one.named("shortcut.txt")[0]["size"], len("arguments: /c powershell -enc AAAA\n"), "a shortcut's arguments are text")
    t.ok(scan(messages.lnk("x")[:90]).parts, "one that ends early")


def mac_files(t, scan):
    one = scan(apple.entries(0x51600, (apple.NAME, b"setup.exe"), (apple.DATA, b"content"), (apple.RESOURCES, b"This resource fork intentionally left blank   ")))
    t.equal([part["size"] for part in one.named("setup.exe")], [7], "a file of the Macintosh, by its real name")
    t.equal(len([place for place in one.parts if place.startswith("1/2/")]), 1, "a resource fork that is left blank is none")
    whole = apple.entries(0x51600, (apple.DATA, b"content" * 20))
    t.equal(scan(whole[:-5]).attributes(), "U", "one that ends early")
    t.equal(scan(apple.macbinary("a.txt", b"content" * 50)[:300]).attributes(), "U", "MacBinary that ends early")


def encrypted_texts(t, scan):
    armour = "-----BEGIN PGP MESSAGE-----\n\nhQEMA5nb\n=abcd\n-----END PGP MESSAGE-----\n"
    t.equal(scan(b"x", text="Hello,\n\n" + armour + "\nBye\n").attributes("1/1"), "C", "an encrypted message within a text")
    letter = {f.name: f for f in formats.load()}["zip/deflate"].make([("letter.txt", b"Hello,\n\n" + armour.encode())])
    t.equal(scan(letter).attributes_of("letter.txt"), "C", "in a text in an archive")
    t.equal(scan(b"x", text="a line -----BEGIN PGP MESSAGE----- is only named\n").attributes("1/1"), "", "one that is only mentioned")


def pgp_files(t, scan):
    key_id, mpi = b"\1\2\3\4\5\6\7\x08", b"\x01\0" + b"k" * 32
    for name, data in {"for an RSA key": b"\x84\x2c\3" + key_id + b"\1" + mpi, "for an ECDH key": b"\xc1\x2c\3" + key_id + b"\x12" + mpi, "for an X25519 key": b"\xc1\x2c\3" + key_id + b"\x19" + mpi,
                       "for a passphrase": b"\x8c\x0d\4\x09\3\2saltsalt\x60" + b"data" * 9}.items():
        t.equal(scan(data + b"\xd2\x40" + b"x" * 64, "mail.gpg").attributes(), "C", "OpenPGP, encrypted %s" % name)
    packed = zlib.compress(b"\xcb\x20b\5a.txt\0\0\0\0" + b"content of the file..")
    for name, data in {"deflate": b"\xa3\1" + packed[2:-4], "zlib": b"\xa3\2" + packed, "bzip2": b"\xa3\3BZh91AY&SY" + b"x" * 40}.items():
        t.equal(scan(data, "mail.gpg").attributes(), "U", "OpenPGP, only signed and compressed by %s: not looked into, and never clean" % name)
    t.equal(scan(b"\xa3\7\x80 some other file that begins so", "x.bin").attributes(), "", "bytes that begin alike")


ENTITY = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: text/plain; name=inner.txt\r\n\r\nsigned text\r\n--b--\r\n"


def signed_mails(t, scan):
    """What a mail program shows of a mail that is signed in one piece stands within the signature."""
    for name, data in {"DER": signed.signed(ENTITY), "BER, in pieces": signed.signed_in_pieces(ENTITY), "compressed": signed.compressed(ENTITY),
                       "digested": signed.digested(ENTITY), "another field first": signed.signed(b"X-A: b\r\n" + ENTITY),
                       "the first field in pieces": signed.signed_in_pieces(b"X-A: b\r\n" + ENTITY, size=1),
                       "compressed twice": signed.compressed(signed.compressed(ENTITY)), "signed, compressed": signed.signed(signed.compressed(ENTITY)),
                       "a line that is no field first": signed.signed(b"no field\r\n" + ENTITY)}.items():
        one = scan(data, "smime.p7m")
        found = one.named("inner.txt")
        t.ok(found and found[0]["size"] == len("signed text"), "a signed mail, %s: its parts are seen" % name, one.text)
    outer = scan(signed.signed(b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                               + base64.encodebytes(signed.signed(ENTITY)).replace(b"\n", b"\r\n")), "smime.p7m")
    t.equal(len(outer.named("inner.txt")), 1, "signed by two")
    t.equal(scan(signed.detached(), "smime.p7s").attributes(), "", "a signature alone is nothing odd")
    for how in "enveloped", "authenveloped":
        t.equal(scan(signed.enveloped(how), "smime.p7m").attributes(), "C", "%s: encrypted by its content, whatever it is declared to be" % how)


def signed_files(t, scan):
    one = scan(signed.signed(messages.ics([("agenda.pdf", b"content" * 20)])), "date.ics.p7m")
    t.equal((len(one.named("date.ics")), len(one.named("agenda.pdf"))), (1, 1), "a signed document is opened as what it is, by its name without the ending")
    invoice = scan(signed.signed(b"<?xml version=\"1.0\"?>\n<a>\nContent-type of it\n\nContent-Type: x\n</a>\n"), "invoice.xml.p7m")
    t.equal([part.get("attributes", "") for part in invoice.named("invoice.xml")], [""], "words and fields in a document make no mail of it")
    t.ok("1/2/2" not in invoice.parts, "nor is it opened as one", invoice.text)
    fields = b"Name: x\r\nText: y\r\n" * 20
    t.equal(scan(signed.signed(fields), "notes.txt.p7m").named("notes.txt")[0]["types"], ["txt"], "lines with colons are no mail")


def broken_signatures(t, scan):
    whole = signed.signed(ENTITY)
    t.equal(scan(whole[:len(whole) // 2], "smime.p7m").attributes(), "U", "one that ends early")
    t.equal(scan(whole[:20], "smime.p7m").attributes(), "U", "one that ends at once")
    pieces = signed.signed_in_pieces(ENTITY)
    t.equal(scan(pieces[:len(pieces) // 2], "smime.p7m").attributes(), "U", "one in pieces that ends early")
    packed = signed.compressed(b"x" * 5000)
    t.equal(scan(packed[:-8], "smime.p7z").attributes(), "U", "compressed data that ends early")
    t.equal(scan(packed.replace(b"\x78\x9c", b"\x78\x9d"), "smime.p7z").attributes(), "U", "compressed data that is none")
    decoy = signed.signed(b"Content-Type: text/plain\r\n\r\nhello\r\n")
    t.equal(len(scan(decoy + whole, "smime.p7m").named("inner.txt")), 1, "one behind another")
    t.equal(len(scan(b"\r\n" + base64.encodebytes(whole), "smime.p7m").named("inner.txt")), 1, "as text below an empty line")
    longer = signed.der(0x30, b"\x06\x81\x09" + signed.kind("signed")[2:], signed.der(0xa0, signed.der(0x30, signed.der(2, b"\1"), signed.der(0x31),
                        signed.der(0x30, signed.kind("data"), signed.der(0xa0, signed.der(4, ENTITY))))))
    t.equal(len(scan(longer, "smime.p7m").named("inner.txt")), 1, "lengths told in more bytes than needed")
    deep = b"\x24\x80" * 5000
    t.equal(scan(signed.der(0x30, signed.kind("data"), signed.der(0xa0, deep)), "smime.p7m").attributes(), "U", "pieces within pieces within pieces")
    bomb = scan(signed.compressed(bytes(200 * 1000 * 1000)), "smime.p7z")
    t.ok(bomb.hold, "a bomb meets the limits", bomb.text[:500])


    decoy = signed.der(0xa0, signed.der(4, zlib.compress(b"Content-Type: text/plain\r\n\r\nhello\r\n")))
    odd = signed.der(0x30, signed.kind("compressed"), signed.der(0xa0, signed.der(0x30, signed.der(2, b"\0"), signed.der(0x30, signed.ZLIB, decoy), signed.der(
        0x30, signed.kind("data"), signed.der(0xa0, signed.der(4, zlib.compress(ENTITY)))))))
    t.equal(len(scan(odd, "smime.p7z").named("inner.txt")), 1, "an algorithm that looks like the content, in front of it")
    late = signed.signed(b"no field\r\n" + ENTITY + b"x" * 500)
    one = scan(late[:-300], "smime.p7m")
    t.equal((one.attributes(), len(one.named("inner.txt"))), ("U", 1), "what there is of a mail in one that ends early")


def names_in_messages(t, scan):
    for name in NAMES:
        short = name[:900]
        attachment = scan(messages.tnef(messages.tnef_attachment(short, b"content")))
        t.ok(attachment.named(short), "winmail.dat: the name %.30r is told as it is" % name)
        if "\n" not in name:
            t.ok(scan(messages.one([(short[:250], b"content")])).named(short[:250]), "OneNote: %.30r" % name)
    t.ok(not os.path.exists("/tmp/postern-out"), "nothing outside")


def bombs_in_messages(t, scan):
    blobs = b"".join(b'<img src="data:image/x;base64,QUFB">' for _ in range(3000))
    t.match(scan(messages.page(blobs), "x.html").text, r"Maximum number of files", "3000 data: URLs are over the limit")
    t.match(scan(messages.page(b"/download=" * 2500000), "x.html").text, r"too much CPU time", "names that are looked for in each other end with the time for it")
    packed = struct.pack("<IIII", 12 + 30000, 1 << 30, 0x75465a4c, 0) + b"\0" + b"A" * 8 + (b"\xff" + b"\x0c\xff" * 8) * 20000
    body = messages.tnef(messages.tnef_attribute(1, 0x9003, 6, messages.tnef_properties(messages.tnef_property(0x1009, 0x102, packed))))
    t.ok(scan(body).parts, "packed RTF that repeats itself")
    inner = zlib.compressobj(9)
    zeros = b"".join(inner.compress(b"\0" * (1 << 20)) for _ in range(400)) + inner.flush()
    t.match(scan(b"ActiveMime\0\0" + b"\0" * 38 + zeros, "x.mso").text, r"storage quota", "400 MiB in an .mso file")


def behind_archives(t, scan):
    """What stands behind an archive, or in its gaps, is opened where it is one, too, and never spared the scanners."""
    def pack(name, inner=b"hello"):
        return {f.name: f for f in formats.load()}[name].make([(name.replace("/", "-") + ".txt", inner)])
    whole = {name: pack(name) for name in ("zip/deflate", "tar/ustar", "cpio/newc", "lha/level0", "iso/plain") if not {f.name: f for f in formats.load()}[name].missing(formats.built_decoders(BUILD))}
    whole["gz"] = formats.gzipped(b"hello")
    for name, data in whole.items():
        t.equal([scan(d).attributes() for d in (data, data + b"\0" * 600, data + b"text behind" * 99)], ["O", "O", ""], "%s: by itself, with zeros, and with text behind it" % name)
    zipped = whole["zip/deflate"]
    for name in ("7z/lzma2", "rar/5", "cab/stored"):
        if {f.name: f for f in formats.load()}[name].missing(formats.built_decoders(BUILD)):
            t.skip(name, "cannot be made here")
            continue
        one = scan(zipped + pack(name))
        t.ok(one.attributes() == "" and one.named(name.replace("/", "-") + ".txt"), "%s behind a zip archive" % name, one.text[-900:])
        comment = pack(name)
        one = scan(zipped[:-2] + struct.pack("<H", len(comment)) + comment)
        t.ok(one.named(name.replace("/", "-") + ".txt"), "%s as the comment of one" % name, one.text[-900:])
    end = zipped.rindex(b"PK\5\6")
    directory, = struct.unpack_from("<I", zipped, end + 16)
    gap = zipped[:directory] + b"text between" * 20 + zipped[directory:end + 16] + struct.pack("<I", directory + 240) + zipped[end + 20:]
    t.equal(scan(gap).attributes(), "", "text in front of the directory")
    t.equal(scan(zipped, "x.hta").attributes(), "", "an archive that is called a page")


def real_documents(t, scan):
    """ClamAV's harmless test program in documents that Office, Outlook, Acrobat ... have written."""
    folder = "/usr/share/clamav-testfiles"
    if not os.path.isdir(folder):
        t.skip("documents of ClamAV", "needs clamav-testfiles")
        return
    with open(os.path.join(folder, "clam.exe"), "rb") as f:
        wanted = hashlib.sha1(f.read()).hexdigest()
    for name, places in (("clam.tnef", "1/2/3"), ("clam.ole.doc", "1/2/6"), ("clam.exe.rtf", "1/2/1"), ("clam.ppt", "1/2/2/1"), ("clam.pdf", "1/2/1"),
                         ("clam.exe.html", "1/2/1"), ("clam.chm", "1/2/15")):
        with open(os.path.join(folder, name), "rb") as f:
            one = scan(f.read(), name)
        t.equal((one.parts.get(places, {}).get("digest"), one.attributes().strip("O")), (wanted, ""), name + ": the program is found, nothing is doubted")


def main():
    checks = [
        real_documents, behind_archives, rtf_texts, hidden_in_rtf, winmail, hidden_in_winmail, notes, hidden_in_notes, pages,
        hidden_in_pages, cards, hidden_in_cards, shortcuts, mac_files, encrypted_texts, pgp_files, signed_mails, signed_files,
        broken_signatures, names_in_messages, bombs_in_messages, scripts_in_pdf, locked_pdf, broken_pdf, hidden_in_pdf,
        names_hidden_in_pdf, objects_hidden_in_pdf, bombs_in_pdf, names_in_pdf, macros_of_documents, what_looks_like_a_message,
        excel_macros, encrypted_documents, unlocked_documents, broken_documents, bombs_in_documents, names_in_documents,
        outlook_messages, names_hidden_in_outlook_messages]
    with Tap() as t, Catcher() as hop, Folder() as folder, Postern(t, hop, scanners=EXACT_SCANNER, lua="decoder_cpu_limit = 3", folder=folder) as p:
        for check in checks:
            if len(sys.argv) < 2 or check.__name__ in sys.argv[1:]:
                check(t, lambda data, filename="sample.bin", text="See there.": Scan(p, folder, data, filename, text))


if __name__ == "__main__":
    main()
