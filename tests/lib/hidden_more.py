"""hidden_more.py - more mails that hide a test virus, or a name, from a careless reader: ways that came up when others than their
author looked for some.  mails() yields as hidden_mails.mails() does, which has the pieces they are made of."""
import base64
import quopri

from hidden_mails import (B64, MIME, NL, TEXT, TOP, b64, binhex, encoded, lines, mail, multi, part, uuencode, yenc)
from virus import EICAR

MIXED = b"Content-Type: multipart/mixed; boundary=b"
PLAIN = b"Content-Type: text/plain"
WHOLE = mail(MIXED, multi(b"b", TEXT, part()))


def boundary_mails():
    def with_parameters(parameters, boundary=b"real"):
        return mail(b"Content-Type: multipart/mixed; " + parameters, multi(boundary, TEXT, part()))
    yield "boundary-then-comment-then-more", with_parameters(b"boundary=real (c); charset=x"), True
    yield "boundary-empty-then-real", with_parameters(b'boundary=""; boundary="real"'), False
    yield "boundary-71", with_parameters(b'boundary="' + b"q" * 71 + b'"', b"q" * 71), False
    yield "boundary-71-in-the-field-70-below", mail(b'Content-Type: multipart/mixed; boundary="' + b"q" * 71 + b'"', multi(b"q" * 71, TEXT) + multi(b"q" * 70, part())), False
    yield "boundary-value-on-the-next-line", with_parameters(b"boundary=\n real"), True
    yield "boundary-encoded-word", with_parameters(b"boundary==?us-ascii?Q?real?="), False
    yield "boundary-two-stars", with_parameters(b"boundary**=us-ascii''real"), False
    yield "boundary-pieces-quoted-charset", with_parameters(b"boundary*0*=\"us-ascii''re\"; boundary*1=\"al\""), False
    yield "boundary-pieces-from-one", with_parameters(b"boundary*1=re; boundary*2=al"), False
    yield "boundary-piece-twice", with_parameters(b"boundary*0=xx; boundary*0=re; boundary*1=al"), False
    yield "boundary-specials-unquoted", with_parameters(b"boundary=a/b=c?d", b"a/b=c?d"), False
    yield "boundary-behind-nbsp", with_parameters(b"\xa0boundary=real"), False
    yield "boundary-in-typographic-quotes", with_parameters("boundary=\u201creal\u201d".encode()), False
    yield "boundary-the-41st", with_parameters(b"; ".join(b"boundary=q%d" % i for i in range(40)) + b"; boundary=real"), False
    yield "boundary-open-quote-escaped", with_parameters(b'boundary="real\\"'), False
    yield "boundary-escaped-quote", with_parameters(b'boundary="re\\"al"', b're"al'), True
    yield "boundary-escape-in-a-token", with_parameters(b"boundary=re\\al"), False
    yield "boundary-in-angles", with_parameters(b"boundary=<real>"), False
    yield "boundary-angles-count", with_parameters(b"boundary=<real>", b"<real>"), False
    yield "boundary-quoted-twice", with_parameters(b'boundary=""real""'), False
    yield "boundary-nuls-between", with_parameters(b"\0b\0o\0u\0n\0d\0a\0r\0y=real"), False
    yield "boundary-with-tab", with_parameters(b'boundary="re\tal"', b"re\tal"), False
    yield "boundary-two-blanks-one-below", with_parameters(b'boundary="re  al"', b"re al"), False
    yield "boundary-extended-8bit", with_parameters(b"boundary*=iso-8859-1''r%E9al", b"r\xe9al"), False
    yield "boundary-ampersand-behind", with_parameters(b"boundary=real&"), False
    yield "delimiter-with-vt", mail(MIXED, multi(b"b\x0b", TEXT, part())), False
    yield "delimiter-with-nul", mail(MIXED, multi(b"b\x00", TEXT, part())), False
    yield "delimiter-in-other-case", mail(b"Content-Type: multipart/mixed; boundary=ABC", multi(b"abc", TEXT, part())), False
    yield "delimiters-in-both-cases", mail(b"Content-Type: multipart/mixed; boundary=ABC", multi(b"ABC", TEXT) + multi(b"abc", part())), False
    yield "end-and-begin-in-one-line", mail(MIXED, b"--b\r\n" + TEXT + b"--b-- --b\r\n" + part()), False
    yield "end-with-text-behind", mail(MIXED, b"--b\r\n" + TEXT + b"--b--x\r\n" + part() + b"--b--\r\n"), False
    yield "end-with-one-dash", mail(MIXED, b"--b\r\n" + TEXT + b"--b-\r\n" + part() + b"--b--\r\n"), False
    yield "boundary-of-another-field", mail(b"Content-Type: multipart/mixed\nX-Content-Type: multipart/mixed; boundary=real", multi(b"real", TEXT, part())), False


def type_mails():
    inner = WHOLE
    yield "signed", mail(b"Content-Type: multipart/signed; boundary=b; protocol=x", multi(b"b", part(), TEXT)), True
    for kind in b"x-mixed-replace", b"form-data", b"byteranges", b"encrypted; protocol=x", b"voice-message", b"parallel", b"related":
        yield "multipart-" + kind.split(b";")[0].decode(), mail(b"Content-Type: multipart/" + kind + b"; boundary=b", multi(b"b", TEXT, part())), True
    yield "header-in-the-body", TOP + NL + MIME + MIXED + NL + NL + multi(b"b", TEXT, part()), False
    yield "report-with-a-header-that-goes-on", mail(b"Content-Type: multipart/report; boundary=b", multi(
        b"b", TEXT, b"Content-Type: text/rfc822-headers\r\n\r\n" + TOP + MIME + part())), False
    yield "delivery-status", mail(b"Content-Type: message/delivery-status", b"Reporting-MTA: dns; x\r\n\r\n" + uuencode()), False
    yield "feedback-report-in-base64", mail(b"Content-Type: message/feedback-report\nContent-Transfer-Encoding: base64", b64()), False
    yield "digest-of-encoded-messages", mail(b"Content-Type: multipart/digest; boundary=b", multi(b"b", b"Content-Transfer-Encoding: base64\r\n\r\n" + b64(inner))), False
    mbox = b"From a@b Sat Jan  1 00:00:00 2022\r\n" + mail(PLAIN, b"hello\r\n") + b"\r\nFrom a@b Sat Jan  1 00:00:00 2022\r\n" + inner
    yield "mbox", mail(b"Content-Type: application/mbox", mbox), False
    yield "mbox-in-base64", mail(b"Content-Type: application/mbox\nContent-Transfer-Encoding: base64", b64(mbox.replace(NL, b"\n"))), False
    yield "web-archive", mail(b"Content-Type: application/octet-stream; name=x.mht\nContent-Transfer-Encoding: base64", b64(inner)), False
    yield "message-behind-blank-lines", mail(b"Content-Type: message/rfc822", b"\r\n\r\n" + inner), False
    yield "message-behind-a-quoted-mbox-line", mail(b"Content-Type: message/rfc822", b">From a@b Sat Jan  1 00:00:00 2022\r\n" + inner), False
    yield "message-behind-a-byte-order-mark", mail(b"Content-Type: message/rfc822", b"\xef\xbb\xbf" + inner), False
    yield "message-uuencoded", mail(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: x-uuencode", uuencode(inner)), False
    yield "partial-in-base64", mail(b"Content-Type: message/partial; id=x; number=1; total=1\nContent-Transfer-Encoding: base64", b64(inner)), False
    for name, field in [("case", b"Content-Type: Message/Partial"), ("second", b"Content-Type: text/plain\nContent-Type: message/partial"), ("quoted", b'Content-Type: "message/partial"'),
                        ("comment", b"Content-Type: message/(x)partial"), ("blank-before-colon", b"Content-Type : message/partial"), ("behind-a-blank-line", b"X-A: b\n \nContent-Type: message/partial")]:
        yield "partial-" + name, mail(field + b"; id=x; number=2; total=2", B64[40:]), False
    yield "external-body-phantom", mail(b"Content-Type: message/external-body; access-type=x-mutt-deleted", part()), False
    yield "header-none", NL + multi(b"b", TEXT, part()), False
    yield "header-none-at-all", multi(b"b", TEXT, part()), False
    for name, front in [("mbox-line", b"From x@y Sat Jan  1 00:00:00 2022\r\n"), ("quoted-mbox-line", b">From x@y Sat Jan  1 00:00:00 2022\r\n"), ("byte-order-mark", b"\xef\xbb\xbf"),
                        ("blank", b" "), ("blank-line", b" \r\n"), ("empty-line", NL)]:
        yield "header-behind-" + name, front + WHOLE, False
    for name, field in [("nul-in-front", b"\0" + MIXED), ("nbsp-in-front", b"\xa0" + MIXED), ("backspace", b"Content-Type\x08: multipart/mixed; boundary=b"), ("wide-colon", "Content-Type\uff1a multipart/mixed; boundary=b".encode()),
                        ("no-colon", b"Content-Type multipart/mixed; boundary=b"), ("folded", b"X: y\r\n\tContent-Type: multipart/mixed; boundary=b"), ("blanks", b"Content-Type" + b" " * 300 + b": multipart/mixed; boundary=b"),
                        ("41st", b"".join(b"Content-Type: text/x%d\r\n" % i for i in range(40)) + MIXED), ("resent", b"Resent-Content-Type: multipart/mixed; boundary=b")]:
        yield "field-" + name, TOP + MIME + field + NL + NL + multi(b"b", TEXT, part()), False
    yield "field-behind-a-long-line", TOP + MIME + b"X: " + b"y" * 100000 + NL + MIXED + NL + NL + multi(b"b", TEXT, part()), True


def content_mails():
    for name, value in [("hyphen", b"base-64"), ("short", b"b64"), ("x-short", b"x-b64"), ("escaped", b"ba\\se64"), ("torn", b"base\n 64"), ("encoded-word", b"=?us-ascii?Q?base64?="), ("comment-within", b"base(x)64"),
                        ("nbsp", b"base64\xa0"), ("zero-width", b"\xe2\x80\x8bbase64"), ("equals", b"=base64"), ("slash", b"base64/x"), ("parameter", b'base64; foo="bar"'), ("apostrophes", b"'base64'"),
                        ("angles", b"<base64>"), ("behind-binary", b"binary base64"), ("nested-comment", b"((x)) (y)base64(z)")]:
        yield "encoding-" + name, mail(b"Content-Type: application/octet-stream; name=x\nContent-Transfer-Encoding: " + value, b64()), name == "nested-comment"
    yield "encoding-upper-uue", mail(b"Content-Type: application/octet-stream; name=x\nContent-Transfer-Encoding: X-UUE", uuencode()), False
    yield "encoding-yenc", mail(b"Content-Type: application/octet-stream; name=x\nContent-Transfer-Encoding: x-yenc", yenc()), False
    yield "encoding-twice-in-one", mail(b"Content-Type: application/octet-stream; name=x\nContent-Transfer-Encoding: base64, base64", b64(b64())), False
    text = uuencode().decode()
    for charset, data in [("utf-16", ("\ufeff" + text).encode("utf-16-le")), ("utf-16", text.encode("utf-16-be")), ("utf-16", text.encode("utf-16-le")), ("utf-16le", text.encode("utf-16-le")), ("utf-16be", text.encode("utf-16-be")),
                          ("utf-32be", text.encode("utf-32-be")), ("ibm037", text.encode("cp037")), ("unicodeFFFE", text.encode("utf-16-be")), ("csUnicode", text.encode("utf-16-le")),
                          ("iso-2022-jp", text.replace("begin", "be\x1b(Bgin").encode()), ("iso-2022-jp", text.replace("begin", "b\x1b(J\x1b(Begin").encode()), ("iso-2022-kr", ("\x1b$)C" + text.replace("begin", "be\x0fgin")).encode()),
                          ("unicode-1-1-utf-7", text.replace("+", "+-").replace("begin", "+AGIAZQBnAGkAbg-").encode()),
                          ("utf-7", text.replace("+", "+-").replace("begin", "+AGIAZQBnAGkAbg-").encode())]:
        if charset == "utf-16le":
            for how in b"charset=us-ascii; charset=utf-16le", b"charset*=''utf-16le":
                yield "charset-as-" + how.decode().replace("; ", "-and-"), mail(PLAIN + b"; " + how + b"\nContent-Transfer-Encoding: base64", b64(data)), False
        yield "charset-%s-%d" % (charset, len(data) + data[0]), mail(PLAIN + b"; charset=" + charset.encode() + b"\nContent-Transfer-Encoding: base64", b64(data)), False
    for charset, codec, half in [("utf-16le", "utf-16-le", b"\0\xd8"), ("utf-16be", "utf-16-be", b"\xd8\0"), ("utf-32le", "utf-32-le", b"\0\xd8\0\0"), ("utf-16", "utf-16-le", b"\xff\xfe\0\xd8")]:
        yield "charset-%s-half-a-pair" % charset, mail(PLAIN + b"; charset=" + charset.encode() + b"\nContent-Transfer-Encoding: base64", b64(half + ("\n" + text).encode(codec))), False
    for name, body in [("byte-order-mark", b"\xef\xbb\xbf" + b64()), ("wide", B64.decode().encode("utf-16-le")), ("quoted-lines", b"".join(b"> " + line + NL for line in b64().splitlines())), ("padding-in-qp", B64.replace(b"=", b"=3D")),
                       ("armour", b"-----BEGIN X-----\r\n" + b64() + b"-----END X-----\r\n"), ("two-crs", B64[:30] + b"\r\r" + B64[30:]), ("padded-in-the-middle", base64.b64encode(EICAR[:2]) + NL + base64.b64encode(EICAR[2:4]) + NL + base64.b64encode(EICAR[4:])),
                       ("header-within", b"Content-Type: x\r\n\r\n" + b64()), ("junk-between-all", b"".join(bytes([c]) + b"!" * 200 for c in B64)), ("blanks-for-plus", B64.replace(b"+", b" "))]:
        yield "base64-" + name, encoded(b"base64", body), False
    escaped = b"".join(b"=%02X" % c for c in EICAR)
    for name, body in [("escape-torn", escaped[:2] + b"=\r\n" + escaped[2:]), ("soft-break-cr-cr-lf", escaped[:90] + b"=\r\r\n" + escaped[90:]), ("soft-break-vt", escaped[:90] + b"=\x0b\r\n" + escaped[90:]),
                       ("soft-break-nul", escaped[:90] + b"=\x00\r\n" + escaped[90:])]:
        yield "qp-" + name, encoded(b"quoted-printable", body), False
    yield "uu-in-html", mail(b"Content-Type: text/html", b"<pre>\r\n" + uuencode() + b"</pre>\r\n"), True
    yield "uu-in-a-signed-text", mail(PLAIN, b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA1\r\n\r\n" + uuencode() + b"-----BEGIN PGP SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\n"), True
    for kind, begin in (("no-mode", b"begin  x.exe"), ("no-name", b"begin 644"), ("tabs", b"begin\t644\tx.exe"), ("long-mode", b"begin 100644 x.exe")):
        yield "uu-begin-" + kind, mail(PLAIN, uuencode().replace(uuencode().split(NL)[0], begin, 1)), False
    yield "uu-in-qp", mail(PLAIN + b"\nContent-Transfer-Encoding: quoted-printable", quopri.encodestring(uuencode().replace(NL, b"\n")).replace(b"\n", NL)), True
    yield "uu-far-below", mail(PLAIN, (b"x" * 70 + NL) * 4000 + uuencode()), True
    yield "uu-as-a-picture", mail(b"Content-Type: image/gif; name=x.gif", uuencode()), False
    yield "uu-behind-binary", mail(PLAIN + b"\nContent-Transfer-Encoding: base64", b64(bytes(range(256)) * 4 + NL + uuencode())), False
    yield "uu-in-an-inner-epilogue", mail(MIXED, multi(b"b", b"Content-Type: multipart/alternative; boundary=c\r\n\r\n" + multi(b"c", TEXT) + uuencode(), TEXT)), False
    first, second = yenc(EICAR[:30], size=len(EICAR), part=1, of=2, begin=1), yenc(EICAR[30:], size=len(EICAR), part=2, of=2, begin=31)
    yield "yenc-one-of-two", mail(PLAIN, first), False
    yield "yenc-two-of-two", mail(PLAIN, second), False
    yield "yenc-in-two-parts", mail(MIXED, multi(b"b", PLAIN + NL + NL + first, PLAIN + NL + NL + second)), False
    yield "binhex-in-the-epilogue", mail(MIXED, multi(b"b", TEXT) + binhex()), False


def name_mails():
    for name, parameters in [
            ("pieces-out-of-order", b"filename*2=xe; filename*0=evil; filename*1=.e"), ("piece-twice", b"filename*0=evil; filename*1=.txt; filename*1=.exe"), ("two-stars", b"filename**=utf-8''evil.exe"),
            ("no-charset", b"filename*=''evil.exe"), ("escaped-twice", b"filename*=utf-8''evil%252Eexe"), ("first-piece-empty", b"filename*0=; filename*1=evil.exe"), ("utf-16le", b"filename*=utf-16le''e%00v%00i%00l%00.%00e%00x%00e%00"),
            ("word-in-pieces", b'filename*0="=?utf-8?Q?evil"; filename*1=".exe?="'), ("word-extended", b'filename*="=?utf-8?Q?evil=2Eexe?="'), ("word-no-charset", b'filename="=??Q?evil=2Eexe?="'),
            ("word-utf-7", b'filename="=?utf-7?Q?evil+AC4-exe?="'), ("word-in-word", b'filename="=?utf-8?B?' + base64.b64encode(b"=?utf-8?Q?evil=2Eexe?=") + b'?="'), ("word-ends-in-blank", b'filename="=?utf-8?Q?evil.exe_?="'),
            ("words-split-character", b'filename="=?utf-8?B?w?= =?utf-8?B?' + base64.b64encode(b"\xbc.exe") + b'?="'), ("words-in-text", b'filename="a=?utf-8?Q?b?=c.=?utf-8?Q?exe?="'), ("word-junk", b'filename="=?utf-8?B?ZXZp!bC5leGU=?="'),
            ("semicolons", b";;;;filename=evil.exe;;;"), ("quoted-key", b'"filename"="evil.exe"'), ("two-equals", b'filename=="evil.exe"'), ("comma-behind", b"filename=evil.exe,"), ("open-comment", b'filename="evil.exe" (x')]:
        yield name, mail(b"Content-Type: application/octet-stream\nContent-Disposition: attachment; " + parameters, b"x\r\n"), name in ("pieces-out-of-order", "no-charset")


def mails():
    for name, data, standard in [m for ways in (boundary_mails, type_mails, content_mails) for m in ways()]:
        yield "more-" + name, data, "virus", standard
    for name, data, standard in name_mails():
        yield "more-name-" + name, data, "name", standard
    yield "more-lines-of-one", mail(b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64", lines(B64, 1)), "virus", True
