"""ordinary_mails.py - mails as people and their programs write them, hundreds of them: none of these may pass for ambiguous.

mails(folder) yields (name, bytes); folder is for what mutt, git and openssl need meanwhile.  Nothing is random but by a fixed seed."""
import base64
import binascii
import email.message
import email.mime.application
import email.mime.base
import email.mime.image
import email.mime.message
import email.mime.multipart
import email.mime.text
import email.policy
import email.utils
import os
import quopri
import random
import shutil
import subprocess
import sys

NL = b"\r\n"
WORDS = ("offer invoice meeting the and of project to report with your for next week please find attached our new address thank you regards "
         "Grüße façade naïve Übersicht señor русский 日本語 — “quoted” it’s 100 % 3=3 a=b http://example.com/?q=1&b=2 --").split()
DATE = "Sat, 21 Nov 2026 10:00:00 +0000"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89" + bytes(range(256))
GIF = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


class Writer:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self, paragraphs=3, words=WORDS):
        out = []
        for _ in range(paragraphs):
            line = []
            for _ in range(self.r.randint(5, 60)):
                line.append(self.r.choice(words))
            text, width = "", 0
            for word in line:
                if width + len(word) > 70:
                    text, width = text + "\n", 0
                text += word + " "
                width += len(word) + 1
            out.append(text.rstrip() + "\n")
        return "\n".join(out) + "\n-- \nJ. Doe\n"

    def ascii(self, paragraphs=3):
        return self.text(paragraphs, [w for w in WORDS if w.isascii()])

    def html(self):
        return "<html><head><title>x</title></head><body><p>%s</p><a href=\"http://example.com/?a=b&c=%d\">x</a></body></html>\n" % (
            self.text().replace("\n", "<br>\n"), self.r.randint(0, 10 ** 9))

    def octets(self, size=None):
        return self.r.randbytes(size or self.r.randint(10, 5000))

    def token(self, n=12):
        return "".join(self.r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") for _ in range(n))

    def hex(self, n=16):
        return "".join(self.r.choice("0123456789ABCDEF") for _ in range(n))

    def name(self):
        return self.r.choice(["report.pdf", "Übersicht 2026.pdf", "a b c.docx", "日本語の名前.xlsx", "it's (1).png", "rechnung_%d.pdf" % self.r.randint(1, 99),
                              "a rather long name of an attachment, with commas; and semicolons, that goes over more than one line.pdf", "x.tar.gz",
                              "\"quoted\".txt", "percent%20sign.txt", "naïve.zip", "смета.doc"])


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def top(w, subject="hello", more=""):
    return (("Received: from a.example.com (a.example.com [192.0.2.1])\n\tby b.example.org (Postfix) with ESMTPS id %s\n\tfor <b@example.org>; %s\n"
             "Message-ID: <%s@example.com>\nDate: %s\nFrom: \"Doe, J.\" <a@example.com>\nTo: b@example.org\nSubject: %s\n%s")
            % (w.token(), DATE, w.token(20), DATE, subject, more)).encode()


def qp(text, charset="utf-8"):
    return quopri.encodestring(text.encode(charset, "replace"))


def b64(data):
    return base64.encodebytes(data)


def join(boundary, parts, preamble="", epilogue=""):
    out = preamble.encode()
    for p in parts:
        out += b"\n--" + boundary.encode() + b"\n" + p
    return out + b"\n--" + boundary.encode() + b"--\n" + epilogue.encode()


def header(*fields):
    return ("\n".join(fields) + "\n\n").encode()


# --- Python's own package ---

def by_python(w, i):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"], m["Date"] = "J. Döe <a@example.com>", "b@example.org", w.text(1)[:60].replace("\n", " ").strip(), DATE
    m["Message-ID"] = "<%s@example.com>" % w.token()
    m.set_content(w.text(), cte=["quoted-printable", "base64", "8bit"][i % 3])
    if i % 2:
        m.add_alternative(w.html(), subtype="html")
    if i % 4 == 3:
        m.get_payload()[1].add_related(GIF, "image", "gif", cid="<x@y>")
    for _ in range(i % 3):
        m.add_attachment(w.octets(), maintype="application", subtype="octet-stream", filename=w.name())
    if i % 5 == 4:
        inner = email.message.EmailMessage()
        inner["Subject"], inner["From"] = "inner", "c@example.net"
        inner.set_content(w.text())
        inner.add_attachment(w.octets(), maintype="application", subtype="pdf", filename=w.name())
        m.add_attachment(inner)
    return m.as_bytes()


def by_python_legacy(w, i):
    m = email.mime.multipart.MIMEMultipart(["mixed", "related", "alternative"][i % 3])
    m["From"], m["To"], m["Subject"], m["Date"] = "a@example.com", "b@example.org", "x", DATE
    m.preamble = [None, "This is a multi-part message in MIME format.\n", "You need a program that reads MIME.\n"][i % 3]
    if i % 4 == 0:
        m.epilogue = "\nthe end\n"
    m.attach(email.mime.text.MIMEText(w.text(), "plain", ["utf-8", "utf-8", "utf-16"][i % 3]))
    m.attach(email.mime.text.MIMEText(w.html(), "html", "utf-8"))
    if i % 2:
        p = email.mime.application.MIMEApplication(w.octets(), Name=w.name())
        p.add_header("Content-Disposition", "attachment", filename=("utf-8", "", w.name()) if i % 3 else w.name().encode("ascii", "replace").decode())
        m.attach(p)
    if i % 5 == 0:
        m.attach(email.mime.image.MIMEImage(PNG, "png"))
    if i % 7 == 0:
        m.attach(email.mime.message.MIMEMessage(email.mime.text.MIMEText(w.text(), "plain", "utf-8")))
    return m.as_bytes()


# --- shaped like the programs people use ---

def like_outlook(w, i):
    n = "----=_NextPart_%03d_%04X_01DB%s.%s"
    outer, middle, inner = (n % (k, k, w.hex(4), w.hex(8)) for k in range(3))
    alternative = header("Content-Type: multipart/alternative;", "\tboundary=\"%s\"" % inner) + join(inner, [
        header("Content-Type: text/plain;", "\tcharset=\"utf-8\"", "Content-Transfer-Encoding: quoted-printable") + qp(w.text()),
        header("Content-Type: text/html;", "\tcharset=\"utf-8\"", "Content-Transfer-Encoding: quoted-printable") + qp(w.html())]) + b"\n"
    related = header("Content-Type: multipart/related;", "\tboundary=\"%s\"" % middle) + join(middle, [
        alternative, header("Content-Type: image/png;", "\tname=\"image001.png\"", "Content-Transfer-Encoding: base64", "Content-ID: <image001.png@01DB%s>" % w.hex(8)) + b64(PNG)]) + b"\n"
    parts = [related if i % 2 else alternative]
    for _ in range(i % 3):
        name = w.name().encode("ascii", "replace").decode().replace('"', "'")
        parts.append(header("Content-Type: application/pdf;", "\tname=\"%s\"" % name, "Content-Transfer-Encoding: base64", "Content-Disposition: attachment;",
                            "\tfilename=\"%s\"" % name) + b64(w.octets()))
    if i % 4 == 0:
        parts.append(header("Content-Type: application/ms-tnef;", "\tname=\"winmail.dat\"", "Content-Transfer-Encoding: base64", "Content-Disposition: attachment;",
                            "\tfilename=\"winmail.dat\"") + b64(b"\x78\x9f\x3e\x22" + w.octets(200)))
    return top(w, "AW: x", "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary=\"%s\"\nX-Mailer: Microsoft Outlook 16.0\nThread-Index: %s\n\n" % (outer, w.token(30))) + \
        b"This is a multipart message in MIME format.\n" + join(outer, parts)


def like_exchange(w, i):
    a, b = "_000_%s_" % w.hex(30), "_004_%s_" % w.hex(30)
    parts = [header("Content-Type: multipart/alternative;", "\tboundary=\"%s\"" % a) + join(a, [
        header("Content-Type: text/plain; charset=\"iso-8859-1\"", "Content-Transfer-Encoding: quoted-printable") + qp(w.text(), "iso-8859-1"),
        header("Content-Type: text/html; charset=\"iso-8859-1\"", "Content-Transfer-Encoding: quoted-printable") + qp(w.html(), "iso-8859-1")]) + b"\n",
        header("Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document;", "\tname=\"=?utf-8?B?%s?=\"" % base64.b64encode(w.name().encode()).decode(),
               "Content-Description: =?utf-8?B?%s?=" % base64.b64encode(b"x").decode(), "Content-Disposition: attachment;",
               "\tfilename=\"=?utf-8?B?%s?=\"; size=12345;" % base64.b64encode(w.name().encode()).decode(),
               "\tcreation-date=\"%s\";" % DATE, "\tmodification-date=\"%s\"" % DATE, "Content-Transfer-Encoding: base64") + b64(w.octets())]
    return top(w, "x", "Accept-Language: de-DE\nContent-Language: de-DE\nX-MS-Has-Attach: yes\nContent-Type: multipart/mixed;\n\tboundary=\"%s\"\nMIME-Version: 1.0\n\n" % b) + join(b, parts)


def like_apple(w, i):
    a, b = ("Apple-Mail=_%s-%s-%s-%s-%s" % (w.hex(8), w.hex(4), w.hex(4), w.hex(4), w.hex(12)) for _ in range(2))
    name = w.name()
    parts = [header("Content-Transfer-Encoding: quoted-printable", "Content-Type: text/plain;", "\tcharset=utf-8") + qp(w.text())]
    if i % 2:
        inner = [header("Content-Transfer-Encoding: 7bit", "Content-Type: text/html;", "\tcharset=us-ascii") + b"<html><head></head><body>" + w.ascii().encode() + b"</body></html>\n",
                 header("Content-Transfer-Encoding: base64", "Content-Disposition: inline;", "\tfilename=PastedGraphic-1.png", "Content-Type: image/png;", "\tx-unix-mode=0666;",
                        "\tname=\"PastedGraphic-1.png\"", "Content-Id: <%s@example.com>" % w.hex()) + b64(PNG)]
        if i % 3:
            inner.append(header("Content-Disposition: attachment;", "\tfilename*=utf-8''%s" % email.utils.encode_rfc2231(name, "utf-8", "")[7:], "Content-Type: application/pdf;",
                                "\tx-unix-hide-extension=yes;", "\tx-unix-mode=0644;", "\tname=\"=?utf-8?Q?x=2Epdf?=\"", "Content-Transfer-Encoding: base64") + b64(PDF))
        parts.append(header("Content-Type: multipart/mixed;", "\tboundary=\"%s\"" % b) + join(b, inner) + b"\n")
    return top(w, "x", "Content-Type: multipart/alternative;\n\tboundary=\"%s\"\nMime-Version: 1.0 (Mac OS X Mail 16.0 \\(3826.200.121\\))\nX-Mailer: Apple Mail (2.3826.200.121)\n\n" % a) + b"\n" + join(a, parts, epilogue="\n")


def like_iphone(w, i):
    text = w.text()
    more = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\nMime-Version: 1.0 (1.0)\nX-Mailer: iPhone Mail (22A3354)\n\n"
    return top(w, "x", more) + qp(text + "\nSent from my iPhone\n")


def like_thunderbird(w, i):
    boundary = "------------%s" % w.token(24)
    more = "MIME-Version: 1.0\nUser-Agent: Mozilla Thunderbird\nContent-Language: en-US\n"
    flowed = "".join(line + (" \n" if k % 3 else "\n") for k, line in enumerate(w.text().split("\n")))
    body = header("Content-Type: text/plain; charset=UTF-8; format=flowed", "Content-Transfer-Encoding: 8bit") + flowed.encode()
    if i % 3 == 0:
        return top(w, "x", more) + body
    name = w.name()
    fields = ["Content-Type: application/pdf; name=\"%s\"" % name.encode("ascii", "replace").decode().replace('"', ""), "Content-Disposition: attachment;"]
    encoded = email.utils.encode_rfc2231(name, "utf-8", "")
    pieces = [encoded[k:k + 60] for k in range(0, len(encoded), 60)]
    fields += [" filename*%s=%s%s" % ("%d*" % k if len(pieces) > 1 else "", piece, ";" if k < len(pieces) - 1 else "") for k, piece in enumerate(pieces)]
    fields.append("Content-Transfer-Encoding: base64")
    mixed = [body, header(*fields) + b64(PDF)]
    if i % 3 == 2:
        mixed.append(header("Content-Type: message/rfc822; charset=UTF-8; name=\"forwarded.eml\"", "Content-Disposition: attachment; filename=\"forwarded.eml\"", "Content-Transfer-Encoding: 7bit") + like_iphone(w, i))
    return top(w, "x", more + "Content-Type: multipart/mixed; boundary=\"%s\"\n\n" % boundary) + b"This is a multi-part message in MIME format." + join(boundary, mixed)


def like_gmail(w, i):
    a, b = "000000000000" + w.hex(16).lower(), "000000000000" + w.hex(16).lower()
    alternative = [header("Content-Type: text/plain; charset=\"UTF-8\"", "Content-Transfer-Encoding: base64") + b64(w.text().encode()),
                   header("Content-Type: text/html; charset=\"UTF-8\"", "Content-Transfer-Encoding: quoted-printable") + qp(w.html())]
    if i % 2 == 0:
        return top(w, "x", "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"%s\"\n\n" % a) + join(a, alternative)
    parts = [header("Content-Type: multipart/alternative; boundary=\"%s\"" % a) + join(a, alternative),
             header("Content-Type: image/png; name=\"x.png\"", "Content-Disposition: attachment; filename=\"x.png\"", "Content-Transfer-Encoding: base64", "Content-ID: <f_%s>" % w.token(8),
                    "X-Attachment-Id: f_%s" % w.token(8)) + b64(PNG)]
    return top(w, "x", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"%s\"\n\n" % b) + join(b, parts)


def like_phpmailer(w, i):
    t = w.hex(32).lower()
    alternative = [header("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit") + w.text().encode(),
                   header("Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: base64") + b64(w.html().encode())]
    inner = header("Content-Type: multipart/alternative;", " boundary=\"b2_%s\"" % t) + join("b2_" + t, alternative)
    parts = [inner, header("Content-Type: application/pdf; name=\"invoice %d.pdf\"" % i, "Content-Transfer-Encoding: base64",
                           "Content-Disposition: attachment; filename=\"invoice %d.pdf\"" % i) + b64(w.octets())]
    return top(w, "x", "X-Mailer: PHPMailer 6.9.1 (https://github.com/PHPMailer/PHPMailer)\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"b1_%s\"\nContent-Transfer-Encoding: 8bit\n\n" % t) + \
        b"This is a multi-part message in MIME format.\n" + join("b1_" + t, parts)


def like_newsletter(w, i):
    boundary = w.r.choice(["_----------=_MCPart_%d", "=_%d", "b1=_%d", "--boundary_%d", "mimepart_%d_x", "SoMeBoUnDaRy-%d"]) % w.r.randint(1, 10 ** 9)
    long_line = "<p>" + " ".join(w.text().split()) * 20 + "</p>"
    parts = [header("Content-Type: text/plain; charset=\"utf-8\"; format=\"fixed\"", "Content-Transfer-Encoding: quoted-printable") + qp(w.text()),
             header("Content-Type: text/html; charset=\"utf-8\"", "Content-Transfer-Encoding: quoted-printable") + qp(long_line)]
    more = "List-Unsubscribe: <http://example.com/u?x=%s>,\n <mailto:u@example.com>\nPrecedence: bulk\nMIME-Version: 1.0\nContent-Type: multipart/alternative; charset=\"UTF-8\"; boundary=\"%s\"\n\n"
    return top(w, "=?utf-8?Q?Gr=C3=BC=C3=9Fe_und?= =?utf-8?Q?_mehr?=", more % (w.token(), boundary)) + join(boundary, parts, preamble=w.r.choice(["", "This is a multi-part message in MIME format\n"]))


def as_plain(w, i):
    """No MIME at all, or only a little of it; prose with dashes and words that begin code."""
    prose = "-----Original Message-----\nFrom: b@example.org\nSent: today\nSubject: x\n\n" + w.ascii() + "\n--\nbegin 2026 with us\n----------\n-- \nbegin quoting\nend\n"
    more = ["\n", "MIME-Version: 1.0\n\n", "MIME-Version: 1.0\nContent-Type: text/plain\n\n", "MIME-Version: 1.0\nContent-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: 8bit\n\n",
            "Content-Type: text/plain; charset=us-ascii\nContent-Disposition: inline\n\n", "Mime-version: 1.0\nContent-type: TEXT/PLAIN; CHARSET=US-ASCII\nContent-transfer-encoding: 7BIT\n\n"][i % 6]
    text = prose if i % 3 else prose.replace("today", "aujourd'hui, à midi").encode("latin-1").decode("latin-1")
    return top(w, "x", more) + text.encode("latin-1", "replace")


def as_list_mail(w, i):
    boundary = "===============%d==" % w.r.randint(10 ** 18, 10 ** 19)
    footer = "_______________________________________________\nlist mailing list\nlist@example.com\nhttps://lists.example.com/\n"
    if i % 3 == 0:
        return top(w, "[list] x", "MIME-Version: 1.0\nContent-Type: text/plain; charset=\"us-ascii\"\nContent-Transfer-Encoding: 7bit\nList-Id: <list.example.com>\n\n") + (w.ascii() + footer).encode()
    parts = [header("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64") + b64(w.text().encode()),
             header("Content-Type: text/plain; charset=\"us-ascii\"", "MIME-Version: 1.0", "Content-Transfer-Encoding: 7bit", "Content-Disposition: inline") + footer.encode()]
    if i % 3 == 2:
        digest = [b"\n" + like_iphone(w, k) for k in range(3)]
        inner = "---------------%d" % w.r.randint(1, 10 ** 9)
        parts.insert(1, header("Content-Type: multipart/digest; boundary=\"%s\"" % inner, "MIME-Version: 1.0") + join(inner, digest))
    return top(w, "[list] x", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"%s\"\nList-Id: <list.example.com>\n\n" % boundary) + join(boundary, parts)


# --- signed and encrypted ---

def as_pgp(w, i):
    boundary = "------------%s" % w.token(24)
    armour = "\n\niQEzBAEBCAAdFiEE" + "\n".join(base64.b64encode(w.octets(48)).decode() for _ in range(6)) + "\n=" + base64.b64encode(w.octets(3)).decode() + "\n"
    if i % 3 == 0:
        return top(w, "x", "MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n") + ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + w.ascii().replace("\n-- ", "\n- -- ") +
                                                                                        "-----BEGIN PGP SIGNATURE-----" + armour + "-----END PGP SIGNATURE-----\n").encode()
    if i % 3 == 1:
        inner = "------------%s" % w.token(24)
        signed = header("Content-Type: multipart/mixed; boundary=\"%s\"; protected-headers=\"v1\"" % inner, "Subject: x") + join(inner, [
            header("Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: quoted-printable") + qp(w.text())])
        parts = [signed, header("Content-Type: application/pgp-signature; name=\"OpenPGP_signature.asc\"", "Content-Description: OpenPGP digital signature", "Content-Disposition: attachment; filename=\"OpenPGP_signature.asc\"") +
                 ("-----BEGIN PGP SIGNATURE-----" + armour + "-----END PGP SIGNATURE-----\n").encode()]
        return top(w, "x", "MIME-Version: 1.0\nContent-Type: multipart/signed; micalg=pgp-sha256;\n protocol=\"application/pgp-signature\";\n boundary=\"%s\"\n\n" % boundary) + \
            b"This is an OpenPGP/MIME signed message (RFC 4880 and 3156)" + join(boundary, parts)
    parts = [header("Content-Type: application/pgp-encrypted", "Content-Description: PGP/MIME version identification") + b"Version: 1\n",
             header("Content-Type: application/octet-stream; name=\"encrypted.asc\"", "Content-Description: OpenPGP encrypted message", "Content-Disposition: inline; filename=\"encrypted.asc\"") +
             ("-----BEGIN PGP MESSAGE-----" + armour + "-----END PGP MESSAGE-----\n").encode()]
    return top(w, "...", "MIME-Version: 1.0\nContent-Type: multipart/encrypted;\n protocol=\"application/pgp-encrypted\";\n boundary=\"%s\"\n\n" % boundary) + \
        b"This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)" + join(boundary, parts)


def as_smime(w, i):
    boundary = "----%s" % w.hex(32)
    if i % 2:
        return top(w, "x", "MIME-Version: 1.0\nContent-Disposition: attachment; filename=\"smime.p7m\"\nContent-Type: application/pkcs7-mime; smime-type=%s; name=\"smime.p7m\"\nContent-Transfer-Encoding: base64\n\n"
                   % ["enveloped-data", "signed-data"][i // 2 % 2]) + b64(b"\x30\x82\x05\x00\x06\x09" + w.octets(900))
    parts = [header("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable") + qp(w.text()),
             header("Content-Type: application/%spkcs7-signature; name=\"smime.p7s\"" % ["", "x-"][i // 2 % 2], "Content-Transfer-Encoding: base64", "Content-Disposition: attachment; filename=\"smime.p7s\"",
                    "Content-Description: S/MIME Cryptographic Signature") + b64(b"\x30\x82\x05\x00\x06\x09" + w.octets(900))]
    return top(w, "x", "MIME-Version: 1.0\nContent-Type: multipart/signed; protocol=\"application/%spkcs7-signature\"; micalg=\"sha-256\"; boundary=\"%s\"\n\n" % (["", "x-"][i // 2 % 2], boundary)) + \
        w.r.choice([b"", b"This is a cryptographically signed message in MIME format.\n", b"This is an S/MIME signed message\n"]) + join(boundary, parts)


# --- bounces and notices ---

def returned(w, i):
    return w.r.choice([like_gmail, like_outlook, like_thunderbird, by_python, as_plain])(w, i)


def as_bounce(w, i):
    original = returned(w, i).replace(b"\r\n", b"\n")
    head, body = original.split(b"\n\n", 1)
    kind = i % 5
    report = b"Reporting-MTA: dns; b.example.org\nX-Postfix-Queue-ID: ABC\nArrival-Date: " + DATE.encode() + b"\n\nFinal-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n"
    boundary = ["ABCDEF123456.%d/b.example.org" % i, "%d-eximdsn-%d" % (i, i + 99), "xAL9Ku123456.%d/b.example.org" % i][i % 3]
    if kind == 3:       # all in one text
        return top(w, "failure notice", "\n") + b"Hi. This is the qmail-send program at example.org.\n\n<b@example.org>:\nno.\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <a@example.com>\n" + original
    if kind == 4:       # all in one text, cut off
        return top(w, "Mail delivery failed", "Auto-Submitted: auto-replied\n\n") + b"This message was created automatically.\n\n------ This is a copy of the message, including all the headers. ------\n\n" + original[:len(original) // 2]
    parts = [header("Content-Description: Notification", "Content-Type: text/plain; charset=us-ascii") + b"This is the mail system at host b.example.org.\n\n" + w.ascii().encode(),
             header("Content-Description: Delivery report", "Content-Type: message/delivery-status") + report,
             header("Content-Description: Undelivered Message", "Content-Type: message/rfc822") + original if kind < 2 else
             header("Content-Description: Undelivered Message Headers", "Content-Type: text/rfc822-headers") + head + b"\n"]
    return top(w, "Undelivered Mail", "Auto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"%s\"\n\n" % boundary) + \
        b"This is a MIME-encapsulated message.\n" + join(boundary, parts)


def as_notice(w, i):
    boundary = w.token(30)
    if i % 2:
        parts = [header("Content-Type: text/plain; charset=utf-8") + w.text().encode(),
                 header("Content-Type: message/disposition-notification") + b"Reporting-UA: x; y\nFinal-Recipient: rfc822;b@example.org\nOriginal-Message-ID: <x@y>\nDisposition: manual-action/MDN-sent-manually; displayed\n"]
        kind = "disposition-notification"
    else:
        parts = [header("Content-Type: text/plain") + b"This is an abuse report.\n", header("Content-Type: message/feedback-report") + b"Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n",
                 header("Content-Type: message/rfc822", "Content-Disposition: inline") + returned(w, i).replace(b"\r\n", b"\n")]
        kind = "feedback-report"
    return top(w, "x", "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=%s; boundary=\"%s\"\n\n" % (kind, boundary)) + join(boundary, parts)


def as_calendar(w, i):
    boundary = w.token(20)
    event = ("BEGIN:VCALENDAR\r\nPRODID:-//x//y\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20261121T100000Z\r\nUID:%s\r\nSUMMARY:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n" % (w.token(), w.text(1).strip().replace("\n", " ")[:60])).encode()
    parts = [header("Content-Type: text/plain; charset=\"utf-8\"", "Content-Transfer-Encoding: base64") + b64(w.text().encode()),
             header("Content-Type: text/calendar; charset=\"utf-8\"; method=REQUEST", "Content-Transfer-Encoding: %s" % ["7bit", "base64", "8bit"][i % 3].replace("7bit", "8bit")) + (b64(event) if i % 3 == 1 else event)]
    if i % 2:
        parts.append(header("Content-Type: application/ics; name=\"invite.ics\"", "Content-Disposition: attachment; filename=\"invite.ics\"", "Content-Transfer-Encoding: base64") + b64(event))
    return top(w, "x", "MIME-Version: 1.0\nContent-Type: multipart/%s; boundary=\"%s\"\n\n" % (["alternative", "mixed"][i % 2], boundary)) + join(boundary, parts)


def as_forward(w, i):
    inner = returned(w, i).replace(b"\r\n", b"\n")
    for k in range(1 + i % 4):
        boundary = "fwd%d-%s" % (k, w.token(16))
        inner = top(w, "Fwd: x", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"%s\"\n\n" % boundary) + join(boundary, [
            header("Content-Type: text/plain; charset=utf-8; format=flowed", "Content-Transfer-Encoding: 8bit") + w.text().encode(),
            header("Content-Type: message/rfc822", "Content-Disposition: attachment; filename=\"x.eml\"") + inner])
    return inner


def with_uuencoded(w, i):
    data = w.octets(400)
    body = b"".join(binascii.b2a_uu(data[k:k + 45]) for k in range(0, len(data), 45))
    return top(w, "x", "\n") + w.ascii().encode() + b"begin 644 data.bin\n" + body + b"`\nend\n"


def with_source(w, i):
    """A text that quotes the source of a mail: nothing in it is a part of this one."""
    quoted = like_gmail(w, i).replace(b"\r\n", b"\n")
    return top(w, "x", "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n") + b"Look what I got:\n\n" + quoted + b"\nStrange.\n"


def with_cut_source(w, i):
    """The same, cut off within what was a part in base64."""
    quoted = like_gmail(w, i).replace(b"\r\n", b"\n")
    encoded = quoted.index(b"base64\n\n") + 8
    return top(w, "Mail delivery failed", "\n") + b"This is a copy of the message:\n\n" + quoted[:encoded + 40 + i % 4]


# --- real programs ---

def run(program, folder, **more):
    subprocess.run(program, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, **more)


def fake_sendmail(folder):
    """Its path; what it is given goes to a file of its own in folder/sent."""
    path, sent = os.path.join(folder, "sendmail"), os.path.join(folder, "sent")
    os.makedirs(sent, exist_ok=True)
    with open(path, "w") as f:
        f.write("#!%s\nimport os, sys\nn = len(os.listdir(%r))\nopen(os.path.join(%r, '%%04d' %% n), 'wb').write(sys.stdin.buffer.read())\n" % (sys.executable, sent, sent))
    os.chmod(path, 0o755)
    return path


def environment(folder):
    return dict(os.environ, HOME=folder, EMAIL="a@example.com", LC_ALL="C.UTF-8", GIT_AUTHOR_NAME="Jörg Döe", GIT_AUTHOR_EMAIL="a@example.com", GIT_COMMITTER_NAME="Jörg Döe",
                GIT_COMMITTER_EMAIL="a@example.com", GIT_CONFIG_NOSYSTEM="1")


def by_mutt(folder, count):
    if not shutil.which("mutt"):
        return
    w, sendmail = Writer(7), fake_sendmail(folder)
    rc = os.path.join(folder, "muttrc")
    with open(rc, "w") as f:
        f.write("set sendmail=\"%s\"\nset charset=utf-8\nset copy=no\nset use_envelope_from=no\nset folder=%s\nset record=\"\"\n" % (sendmail, folder))
    for i in range(count):
        files = []
        for k in range(i % 3):
            path = os.path.join(folder, ["x.pdf", "Übersicht.png", "notes.txt"][(i + k) % 3])
            with open(path, "wb") as f:
                f.write([PDF, PNG, w.text().encode()][(i + k) % 3])
            files.append(path)
        run(["mutt", "-n", "-F", rc, "-s", "Grüße %d" % i] + (["-a"] + files if files else []) + ["--", "b@example.org"], folder, input=w.text().encode(), env=environment(folder))


def by_git(folder, count):
    if not shutil.which("git"):
        return
    programs = subprocess.run(["git", "--exec-path"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    if not os.path.exists(os.path.join(programs, "git-send-email")):
        return
    w, repo, env = Writer(8), os.path.join(folder, "repo"), environment(folder)
    os.makedirs(repo)
    run(["git", "init", "-q", "."], repo, env=env)
    for i in range(count):
        with open(os.path.join(repo, "file%d.txt" % (i % 3)), "a") as f:
            f.write(w.text(1) if i % 2 else w.ascii(1) + "-- comment\n--- x\n")
        run(["git", "add", "-A"], repo, env=env)
        run(["git", "commit", "-q", "-m", "Change %d: Grüße\n\nWhy: %s" % (i, w.ascii(1))], repo, env=env)
    run(["git", "format-patch", "-q", "-o", "patches", "--root"] + (["--attach"] if count % 2 else []), repo, env=env)
    run(["git", "send-email", "--quiet", "--confirm=never", "--smtp-server=" + os.path.join(folder, "sendmail"), "--from=a@example.com", "--to=b@example.org", "--suppress-cc=all", "patches"], repo, env=env,
        stdin=subprocess.DEVNULL)


def by_programs(folder):
    fake_sendmail(folder)
    by_mutt(folder, 20)
    by_git(folder, 15)
    sent = os.path.join(folder, "sent")
    for name in sorted(os.listdir(sent)):
        with open(os.path.join(sent, name), "rb") as f:
            yield "sent-" + name, f.read()


SHAPES = [by_python, by_python, by_python_legacy, like_outlook, like_exchange, like_apple, like_iphone, like_thunderbird, like_gmail, like_phpmailer, like_newsletter, as_plain, as_list_mail,
          as_pgp, as_smime, as_bounce, as_notice, as_calendar, as_forward, with_uuencoded, with_source, with_cut_source]


def mails(folder, count=510):
    for i in range(count):
        shape = SHAPES[i % len(SHAPES)]
        k = i // len(SHAPES)
        yield "%s-%d" % (shape.__name__, i), crlf(shape(Writer(1000 + i), k))
    for name, data in by_programs(folder):
        yield name, crlf(data)
