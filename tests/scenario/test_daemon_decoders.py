#!/usr/bin/python3
"""test_daemon_decoders.py - settings of the opening: passwords, which containers scanners get, which decoders there are, types by
another name, limits by setting."""
import json
import os
import shutil
import struct
import sys
from email.message import EmailMessage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403
import formats  # noqa: E402
from formats import messages, zips  # noqa: E402
import hidden_mails  # noqa: E402

# Every part that a scanner gets is a finding of its type.
SAW = 'scanner "saw" { scan = function(part, host) return "Saw." .. part.type end }'


def with_text(text, name, data):
    m = EmailMessage()
    m["Date"] = "Sat, 21 Nov 2026 03:00:00 +0000"
    m["Subject"], m["From"], m["To"] = "files", "a@example.org", "b@example.com"
    m.set_content(text)
    m.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return m.as_bytes()


def scan(p, data):
    path = p.folder.join("file")
    with open(path, "wb") as f:
        f.write(data)
    return json.loads(p.ctl("scan", "--json", "--tree", path)[1])


def seen(p, data):
    """Placements that the scanner saw."""
    return sorted(place for f in scan(p, data)["findings"] for place in f["parts"] if place != "0")


def check_passwords(t, hop):
    lua = 'virus_scanners_failure_is_fatal = false\nlocal_domains_maps = { ".example.com" }\n'
    with Postern(t, hop, scanners=EXACT_SCANNER, lua=lua, name="passwords") as p:
        archives_ = {"zip's own": zips.encrypted([("eicar.com", EICAR)], b"sesame-7")}
        if shutil.which("7zz"):
            with formats.Folder([("eicar.com", EICAR)]) as folder:
                formats.run("7zz", "a", "-tzip", "-mem=AES256", "-psesame-7", "x.zip", "eicar.com", folder=folder)
                archives_["AES"] = open(os.path.join(folder, "x.zip"), "rb").read()
        for kind, data in archives_.items():
            found = scan(p, with_text("Here it is.\nThe password is: sesame-7.\n", "a.zip", data))
            tree = {part["placement"]: part for part in found["tree"]}
            t.equal(found["verdict"], "infected", "%s encryption: opened with a word of the mail" % kind)
            t.equal(tree["1/2"]["attributes"].replace("O", ""), "K", "%s: the archive says so" % kind)
            found = scan(p, with_text("I will call you about the password.\n", "a.zip", data))
            tree = {part["placement"]: part for part in found["tree"]}
            t.equal((found["verdict"], found.get("reason")), ("not completed", "its contents are encrypted"), "%s: without it nobody says clean" % kind)
            t.ok("C" in tree["1/2"]["attributes"] and "C" in tree["1/2/1"]["attributes"], "%s: C for archive and member" % kind, tree)
            t.equal(tree["1/2/1"]["names"], ["eicar.com"], "%s: the member's name is known all the same" % kind)
        letter = "".join("Keys of house%d, code for%d. " % (i, i) for i in range(20))
        for text in letter + "\nPassword: sesame-7\n", letter + "\nthe password is sesame-7\n", letter + "\nHas\u0142o: sesame-7\n", "PASSWORD = sesame-7", "Pass - sesame-7", \
                "Password:\n\n    sesame-7\n", "\u5bc6\u7801\uff1asesame-7", "\u30d1\u30b9\u30ef\u30fc\u30c9\uff1asesame-7", "Passwort \u201esesame-7\u201c":
            t.equal(scan(p, with_text(text, "a.zip", archives_["zip's own"]))["verdict"], "infected", "told as %r" % text[-30:])
        western = "Gr\u00fc\u00dfe-7".encode("latin-1")
        locked = with_text("The password is: WORD\n", "a.zip", zips.encrypted([("eicar.com", EICAR)], western)).replace(b"WORD", western)
        t.equal(scan(p, locked)["verdict"], "infected", "in an old charset, by the bytes that it has there")
        cut = with_text(letter + "\n" + "\u5bc6" * 99 + "\nPassword: sesame-7\n", "a.zip", archives_["zip's own"])
        t.equal(scan(p, cut)["verdict"], "infected", "behind a word that is cut within a character")
        page = "<html><style>%s</style><p>Password:&nbsp;<b>sesame-7</b></p></html>" % ("p { margin: 0 } " * 300)
        t.equal(scan(p, with_text("x", "a.zip", archives_["zip's own"]).replace(b"text/plain", b"text/html").replace(b"\nx\n", b"\n" + page.encode() + b"\n"))["verdict"], "infected", "told in a page")
        secret = with_text("The password is: sesame-7.\n", "a.zip", archives_["zip's own"])
        t.equal(p.reload(lua + "archive_password_words = 0\n")[0], 0, "reload: no words are tried")
        t.equal(scan(p, secret).get("reason"), "its contents are encrypted", "no words: encrypted")
        reply = send(p.port, secret.replace(b"\n", b"\r\n"))
        t.equal(reply.code, 250, "it passes by default")
        t.match(p.wait_log("Passed"), "Passed UNCHECKED-ENCRYPTED|Passed UNCHECKED", "as unchecked")
        t.match(p.wait_log("Passed"), "{Relayed", "on to the recipient")


def check_many_words(t, hop):
    """Four texts of 16,000 words that might be passwords cost no more than those that are tried."""
    m = EmailMessage()
    m["Date"], m["From"] = "Sat, 21 Nov 2026 03:00:00 +0000", "a@example.org"
    m.set_content("x")
    for i in range(4):
        m.add_attachment("".join("%04x%s" % (n + i * 16000, "\n" if n % 15 == 14 else " ") for n in range(13000)), filename="words%d.txt" % i)
    m.add_attachment(zips.encrypted([("a", b"x" * 1000)], b"sesame-7"), maintype="application", subtype="zip", filename="a.zip")
    with Postern(t, hop, scanners=EXACT_SCANNER, name="words", lua="decoder_cpu_limit = 1\n") as p:
        found = scan(p, m.as_bytes())
        t.equal((found.get("hold"), found.get("reason")), (None, "its contents are encrypted"), "many words: none fits, and there is time to say so")


def check_kept(t, hop):
    inner = zips.pack([("a.bin", b"\1\2\3" * 50)])
    packed = with_text("x", "a.zip", zips.pack([("inner.zip", inner)]))
    with Postern(t, hop, scanners=SAW, name="kept") as p:
        t.equal(seen(p, packed), ["1/1", "1/2/1/1"], "what was opened is spared the scanners")
        t.equal(p.reload('keep_decoded_original_maps = { re { [[^Zip archive]] } }\n')[0], 0, "reload: zip archives are kept")
        t.equal(seen(p, packed), ["1/1", "1/2", "1/2/1", "1/2/1/1"], "they get the archives, too")
        t.equal(p.reload('keep_decoded_original_maps = { re { [[^gzip]] } }\n')[0], 0, "reload: others are kept")
        t.equal(seen(p, packed), ["1/1", "1/2/1/1"], "not these")
        t.equal(seen(p, with_text("x", "a.docx", zips.ooxml("word/document.xml")([("a.bin", b"\1\2")])))[1], "1/2", "a document is more than its members")
        damaged = bytearray(zips.pack([("inner.bin", os.urandom(3000))]))
        damaged[1000:1010] = bytes(10)
        t.ok("1/2" in seen(p, with_text("x", "a.zip", bytes(damaged))), "nor is one that is damaged spared")
        t.equal(p.reload("decoders = {}\n")[0], 0, "reload: no decoders")
        t.equal(seen(p, packed), ["1/1", "1/2"], "nothing is opened")


def check_more_than_archive(t, hop):
    """A harmless zip archive behind something else vouches for its own members only."""
    tail = zips.pack([("a.bin", b"\1\2\3" * 50)])
    fronts = {
        "a picture": b"GIF89a\1\0\1\0\0\0\0;" + bytes(100),
        "a shortcut": struct.pack("<I", 0x4c) + bytes.fromhex("0114020000000000c000000000000046") + bytes(300),
        "a document": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n31\n%%EOF\n",
        "who knows what": b"\1\2\3\4" * 100,
    }
    with Postern(t, hop, scanners=SAW, name="tails") as p:
        for what, front in fronts.items():
            tree = {part["placement"]: part for part in scan(p, with_text("x", "a.bin", front + tail))["tree"]}
            t.ok("zip" in tree["1/2"]["types"] and len(tree["1/2"]["types"]) > 1, what + " and a zip archive behind it", tree["1/2"])
            places = seen(p, with_text("x", "a.bin", front + tail))
            t.ok("1/2" in places and len([place for place in places if place.startswith("1/2/")]) > 0, what + ": scanners get both", places)
        if shutil.which("7zz"):
            with formats.Folder([("eicar.com", EICAR)]) as folder:
                formats.run("7zz", "a", "x.7z", "eicar.com", folder=folder)
                inner = open(os.path.join(folder, "x.7z"), "rb").read()
            for what, front in fronts.items():
                tree = scan(p, with_text("x", "a.bin", front + inner + tail))["tree"]
                t.ok("eicar.com" in [name for part in tree for name in part["names"]], what + ", 7z, zip: that within is opened, too", tree)


def check_no_directory(t, hop):
    """A reader from the front stops where a directory begins; one that repairs goes on."""
    def local(name):
        whole = zips.pack([(name, EICAR)])
        return whole[:whole.index(b"PK\1\2")]

    with Postern(t, hop, scanners=EXACT_SCANNER, name="no-directory") as p:
        found = scan(p, with_text("x", "a.zip", zips.pack([("a", b"x")])[:-22] + local("eicar.com")))
        t.ok(found["verdict"] != "clean", "a member behind a directory that nothing ends", found)


def check_nested_text(t, hop):
    """Texts in texts in texts are a limit, not a lie of the opener."""
    data = EICAR
    for _ in range(150):
        data = hidden_mails.yenc(data)
    m = b"From: a@example.org\r\nDate: Sat, 21 Nov 2026 03:00:00 +0000\r\n\r\n" + data
    with Postern(t, hop, scanners=EXACT_SCANNER, lua='local_domains_maps = { ".example.com" }\n', name="nested") as p:
        reply = send(p.port, m)
        t.equal(reply.code, 250, "150 yEnc files within each other: answered")
        t.match(p.wait_log("Passed|Blocked"), "Passed UNCHECKED", "as unchecked")
        t.equal(p.log_lines("something that cannot be"), [], "the opener is not blamed")
        t.match(hop.last().field("x-amavis-hold") or "", "nesting|depth", "the limit is told")


def check_names_of_tnef(t, hop):
    """The name that Outlook shows is one of the part's, whatever other names stand before it."""
    others = b"".join(messages.tnef_attribute(2, 0x8010, 1, b"harmless%d.txt\0" % i) for i in range(9))
    whole = messages.tnef(messages.tnef_attachment("invoice.js", b"x" * 30).replace(b"EICAR~1.GZ\0", b"harmless_a\0", 1).replace(
        messages.tnef_attribute(2, 0x800f, 6, b"x" * 30), others + messages.tnef_attribute(2, 0x800f, 6, b"x" * 30), 1))
    with Postern(t, hop, scanners=SAW, name="tnef") as p:
        parts = [part for part in scan(p, with_text("x", "winmail.dat", whole))["tree"] if part["placement"].startswith("1/2/")]
        t.ok(parts and "invoice.js" in parts[0]["names"], "nine other names do not push it out", parts)
        t.ok(parts and "B" in parts[0]["attributes"], "and that there are more is told", parts)


def check_kept_in_opener(t, hop):
    """libclamav runs in the opener, which waits for the worker's word on what to keep."""
    packed = with_text("x", "a.zip", zips.pack([("marker-in-the-archive", b"\1\2\3" * 50)]))
    with Postern(t, hop, name="kept-opener") as p:
        with open(os.path.join(p.values["database"], "marker.ndb"), "w") as f:
            f.write("Marker:0:*:%s\n" % b"marker-in-the-archive".hex())
        t.equal(p.reload("")[0], 0, "reload: the database knows the archive by a name in it")
        for _ in range(3):
            send(p.port, packed.replace(b"\n", b"\r\n"))
        t.match(p.wait_log("Passed|Blocked", count=3), "Passed CLEAN", "the archive was opened, and is spared the scanners")
        t.equal(p.reload('keep_decoded_original_maps = { re { [[^Zip archive]] } }\n')[0], 0, "reload: it is kept")
        for _ in range(3):
            send(p.port, packed.replace(b"\n", b"\r\n"))
        t.match(p.wait_log("Passed|Blocked", count=6), "Blocked INFECTED .Marker", "and found")


def check_unopened(t, hop):
    """What no decoder understands is never clean, whatever the scanners say of it."""
    damaged = bytearray(zips.pack([("inner.bin", os.urandom(3000))]))
    damaged[1000:1010] = bytes(10)
    with Postern(t, hop, scanners=EXACT_SCANNER, name="unopened") as p:
        for title, name, data in (("a damaged archive", "a.zip", bytes(damaged)), ("an archive of a kind that nobody opens", "a.sit", b"SIT!\0\1" + b"x" * 100),
                                  ("an archive that is cut off", "a.zip", bytes(damaged[:500])),
                                  ("an archive's beginning and nothing that could be its members", "a.rar", b"Rar!\x1a\x07\x01\x00" + os.urandom(2000))):
            found = scan(p, with_text("x", name, data))
            t.equal((found["verdict"], found.get("reason")), ("not completed", "not all of its contents could be opened"), "%s: scan says so" % title)
            t.equal(send(p.port, with_text("x", name, data).replace(b"\n", b"\r\n")).code, 250, "%s: passes by default" % title)
            t.match(p.wait_log("Passed"), "Passed UNCHECKED ", "%s: as unchecked" % title)
        broken = b"From: a@example.org\r\nDate: Sat, 21 Nov 2026 03:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\n<<<< no base64 at all >>>>\r\n"
        t.equal(send(p.port, broken).code, 250, "a broken transfer encoding")
        t.match(p.wait_log("Passed", count=5), "Passed BAD-HEADER-1 ", "is scanned as it came, too, and is the business of the tests of headers")


def check_decoys(t, hop):
    """Archives that are none, in front of others: what is not looked at is not clean, and looking has an end."""
    rar = b"Rar!\x1a\7\1\0" + bytes(40)
    stub = b"MZ" + bytes(500)
    end = b"PK\6\7" + bytes(16) + b"PK\5\6" + bytes(8) + b"\xff" * 8 + bytes(2)
    one = zips.pack([("a", b"x")])
    with Postern(t, hop, scanners=EXACT_SCANNER, name="decoys", lua="decoder_cpu_limit = 3\n") as p:
        few, many = (scan(p, with_text("x", "a.exe", stub + rar * n)) for n in (8, 9))
        t.equal((few["verdict"], many["verdict"], many.get("reason")), ("clean", "not completed", "not all of its contents could be opened"), "nine beginnings of archives")
        ends = scan(p, with_text("x", "a.zip", one + end * 200000 + one))
        tree = {part["placement"]: part for part in ends["tree"]}
        t.equal((ends.get("hold"), "1/2/1" in tree), (None, True), "200,000 ends of directories: opened within its time")
        t.ok("B" in tree["1/2"]["attributes"], "and marked as read in several ways")


def check_types(t, hop):
    with Postern(t, hop, scanners=SAW, lua='map_full_type_to_short_type_re = re { { [[^ASCII]], "asc" }, { [[^Zip]], "zip,mine" } }\n', name="types") as p:
        tree = {part["placement"]: part for part in scan(p, with_text("x", "a.zip", zips.pack([("b", b"\1")])))["tree"]}
        t.equal((tree["1/1"]["types"], tree["1/2"]["types"]), (["asc"], ["zip", "mine"]), "types by the administrator's names")
        t.ok("1/2/1" in tree, "and opened all the same", tree)


def check_errors(t):
    with Folder() as folder:
        p = Postern(None, folder=folder, start=False)
        p.configure('decoders = { clamd { socket = "/x" } }\n')
        code, _, err = p.posternd("-t")
        t.equal(code, 78, "a scanner is no decoder")
        t.match(err, r"decoders\[1\]: the plugin clamd has the role scanner; expected a plugin with the role decoder", "it says so")
        p.configure('decoders = { archive { }, lzop { } }\nmail_part_digest_algorithm = "SHA999"\n')
        code, _, err = p.posternd("-t")
        t.equal(code, 78, "no such digest")
        t.match(err, r'mail_part_digest_algorithm: "SHA999" is no digest .*; expected', "it says so, and what is expected")
        p.configure('policy_bank.X = { decoders = { archive { } } }\ndecoder_time_limit = "5s"\n')
        t.equal(p.posternd("-t")[0], 0, "decoders by policy bank")


def main():
    with Tap() as t, Catcher() as hop:
        check_passwords(t, hop)
        check_many_words(t, hop)
        check_kept(t, hop)
        check_more_than_archive(t, hop)
        check_no_directory(t, hop)
        check_nested_text(t, hop)
        check_names_of_tnef(t, hop)
        check_kept_in_opener(t, hop)
        check_unopened(t, hop)
        check_decoys(t, hop)
        check_types(t, hop)
        check_errors(t)


if __name__ == "__main__":
    main()
