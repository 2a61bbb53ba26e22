"""hidden_mails.py - mails that hide a test virus, or a name that is banned, from a careless reader of MIME.

mails() yields (name, bytes, wanted, standard): wanted is "virus" or "name"; a standard one conforms to the RFCs, so that
whoever reads MIME must find it.  Nothing here is random but by a fixed seed."""
import base64
import binascii
import random
import struct

from virus import EICAR

NL = b"\r\n"
TOP = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: t\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
MIME = b"MIME-Version: 1.0\r\n"
B64 = base64.b64encode(EICAR)


def lines(data, width=76):
    return NL.join(data[i:i + width] for i in range(0, len(data), width)) + NL


def b64(data=EICAR):
    return lines(base64.b64encode(data))


def mail(header, body, top=TOP + MIME):
    return top + header.replace(b"\n", NL) + NL + NL + body


def part(body=None, encoding=b"base64", kind=b"application/octet-stream", more=b""):
    return b"Content-Type: " + kind + NL + (b"Content-Transfer-Encoding: " + encoding + NL if encoding else b"") + more + NL + (b64() if body is None else body)


TEXT = b"Content-Type: text/plain\r\n\r\nhello\r\n"


def multi(boundary, *parts, end=True):
    body = b"".join(b"--" + boundary + NL + p + (b"" if p.endswith(NL) else NL) for p in parts)
    return body + (b"--" + boundary + b"--" + NL if end else b"")


# --- which boundary ---

def boundary_fields():
    """(name, the field's parameters, the boundary in the body, standard)"""
    yield "quoted", b'boundary="real"', b"real", True
    yield "token", b"boundary=real", b"real", True
    yield "upper-case", b"BOUNDARY=real", b"real", True
    yield "folded", b"\n\tboundary=real", b"real", True
    yield "quoted-pair", b'boundary="re\\al"', b"real", True
    yield "all-quoted-pairs", b'boundary="\\r\\e\\a\\l"', b"real", True
    yield "blanks-around-equals", b"boundary = real", b"real", False
    yield "blank-before-equals", b"boundary =real", b"real", False
    yield "comment-before", b"(boundary=decoy) boundary=real", b"real", True
    yield "comment-behind", b"boundary=real (decoy)", b"real", True
    yield "comment-within-attribute", b"bound(x)ary=real", b"real", False
    yield "comment-before-value", b"boundary=(x)real", b"real", True
    yield "nested-comment", b"(a (b) boundary=decoy) boundary=real", b"real", True
    yield "comment-with-quote", b'(") boundary=real (")', b"real", True
    yield "rfc2231", b"boundary*=us-ascii''real", b"real", True
    yield "rfc2231-percent", b"boundary*=us-ascii''%72eal", b"real", True
    yield "continued", b"boundary*0=re; boundary*1=al", b"real", True
    yield "continued-quoted", b'boundary*0="re"; boundary*1="al"', b"real", True
    yield "continued-reversed", b"boundary*1=al; boundary*0=re", b"real", True
    yield "continued-encoded", b"boundary*0*=us-ascii''%72e; boundary*1*=%61l", b"real", True
    yield "continued-mixed", b"boundary*0*=us-ascii''%72e; boundary*1=al", b"real", True
    yield "continued-gap", b"boundary*0=real; boundary*2=decoy", b"real", False
    yield "plain-and-continued", b"boundary=decoy; boundary*0=re; boundary*1=al", b"real", False
    yield "continued-and-plain", b"boundary*0=de; boundary*1=coy; boundary=real", b"real", False
    yield "plain-and-extended", b"boundary=decoy; boundary*=us-ascii''real", b"real", False
    yield "extended-and-plain", b"boundary*=us-ascii''decoy; boundary=real", b"real", False
    yield "first-of-two", b"boundary=real; boundary=decoy", b"real", False
    yield "last-of-two", b"boundary=decoy; boundary=real", b"real", False
    yield "middle-of-three", b"boundary=one; boundary=real; boundary=two", b"real", False
    yield "quoted-then-token", b'boundary="decoy"; boundary=real', b"real", False
    yield "empty-then-real", b"boundary=; boundary=real", b"real", False
    yield "within-a-quoted-string", b'x="; boundary=real; y="; boundary=decoy', b"real", False
    yield "behind-a-quoted-string", b'x="; boundary=decoy; y="; boundary=real', b"real", True
    yield "no-semicolon", b"charset=x boundary=real", b"real", False
    yield "comma", b"charset=x, boundary=real", b"real", False
    yield "no-closing-quote", b'boundary="real', b"real", False
    yield "no-opening-quote", b'boundary=real"', b"real", False
    yield "quote-in-the-middle", b'boundary=re"al"', b"real", False
    yield "single-quotes", b"boundary='real'", b"real", False
    yield "single-quotes-count", b"boundary='real'", b"'real'", True
    yield "behind-the-quote", b'boundary="re"al', b"real", False
    yield "only-the-quoted", b'boundary="real"junk', b"real", False
    yield "blanks-in-it", b'boundary="re al"', b"re al", True
    yield "blanks-unquoted", b"boundary=re al", b"re al", False
    yield "up-to-the-blank", b"boundary=real decoy", b"real", False
    yield "blank-in-front", b'boundary=" real"', b" real", True
    yield "blank-in-front-dropped", b'boundary=" real"', b"real", False
    yield "blank-at-the-end", b'boundary="real "', b"real", False
    yield "semicolon-in-it", b'boundary="re;al"', b"re;al", False
    yield "semicolon-unquoted", b"boundary=real;al", b"real", True
    yield "only-a-semicolon", b'boundary=";"', b";", False
    yield "equals-in-it", b'boundary="=_re=al"', b"=_re=al", True
    yield "long", b'boundary="' + b"r" * 70 + b'"', b"r" * 70, True
    yield "too-long", b'boundary="' + b"r" * 100 + b'"', b"r" * 100, False
    yield "too-long-cut", b'boundary="' + b"r" * 100 + b'"', b"r" * 70, False
    yield "very-long", b'boundary="' + b"r" * 3000 + b'"', b"r" * 3000, False
    yield "empty", b'boundary=""', b"", False
    yield "percent-not-encoded", b"boundary=%72eal", b"%72eal", True
    yield "dashes", b"boundary=----", b"----", True
    yield "one-character", b"boundary=x", b"x", True
    yield "8bit", b'boundary="r\xe9al"', b"r\xe9al", False
    yield "tab", b'boundary="real";\tboundary="decoy"', b"real", False
    yield "folded-in-quotes", b'boundary="re\n al"', b"re al", False
    yield "folded-in-quotes-joined", b'boundary="re\n al"', b"real", False
    yield "nul-in-it", b'boundary="re\x00al"', b"real", False
    yield "nul-behind", b'boundary="real\x00decoy"', b"real", False
    yield "quoted-attribute", b'"boundary"=real', b"real", False
    yield "charset-language", b"boundary*=utf-8'en'real", b"real", True


def boundary_mails():
    for name, parameters, boundary, standard in boundary_fields():
        yield "boundary-" + name, mail(b"Content-Type: multipart/mixed; " + parameters, multi(boundary, TEXT, part())), standard
    # both are there: one reader sees the text, another one the virus
    for name, parameters in [("first", b"boundary=one; boundary=two"), ("quoted-first", b'boundary="one"; boundary=two'),
                             ("extended", b"boundary=one; boundary*=us-ascii''two"), ("continued", b"boundary*0=o; boundary*1=ne; boundary=two"),
                             ("upper", b"boundary=one; BOUNDARY=two")]:
        for order in 1, 2:
            bodies = [multi(b"one", TEXT), multi(b"two", part())]
            yield "boundaries-%s-%d" % (name, order), mail(b"Content-Type: multipart/mixed; " + parameters, b"".join(bodies[::1 if order == 1 else -1])), False
    yield "boundary-of-disposition", mail(b"Content-Type: multipart/mixed\nContent-Disposition: inline; boundary=real", multi(b"real", part())), False
    yield "boundary-conflicts-with-disposition", mail(b"Content-Type: multipart/mixed; boundary=decoy\nContent-Disposition: inline; boundary=real", multi(b"real", part())), False


# --- structure ---

def structure_mails():
    mixed = b"Content-Type: multipart/mixed; boundary=b"
    evil = part()
    yield "no-end", mail(mixed, multi(b"b", TEXT, evil, end=False)), True
    yield "cut-off", mail(mixed, multi(b"b", TEXT) .replace(b"--b--\r\n", b"--b\r\n") + evil.rstrip()), True
    yield "behind-the-end", mail(mixed, multi(b"b", TEXT) + multi(b"b", evil)), False
    yield "behind-the-end-without-end", mail(mixed, multi(b"b", TEXT) + b"--b\r\n" + evil), False
    yield "end-first", mail(mixed, b"--b--\r\n" + multi(b"b", evil)), False
    yield "end-twice", mail(mixed, multi(b"b", TEXT) + b"--b--\r\n--b--\r\n" + multi(b"b", evil)), False
    yield "in-the-preamble", mail(mixed, b"--c\r\n" + evil + b"--c--\r\n" + multi(b"b", TEXT)), False
    yield "in-the-epilogue", mail(mixed, multi(b"b", TEXT) + b"\r\n--c\r\n" + evil + b"--c--\r\n"), False
    yield "uuencoded-preamble", mail(mixed, uuencode() + multi(b"b", TEXT)), False
    yield "uuencoded-epilogue", mail(mixed, multi(b"b", TEXT) + uuencode()), False
    yield "preamble-behind-nul", mail(mixed, b"x\x00\r\n" + uuencode() + multi(b"b", TEXT)), False
    yield "inner-same-boundary", mail(mixed, multi(b"b", b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + multi(b"b", TEXT, evil), TEXT)), False
    yield "inner-same-boundary-behind", mail(mixed, multi(b"b", b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + multi(b"b", TEXT), evil)), False
    yield "inner-longer-boundary", mail(mixed, multi(b"b", b"Content-Type: multipart/alternative; boundary=bb\r\n\r\n" + multi(b"bb", TEXT, evil))), True
    yield "inner-shorter-boundary", mail(b"Content-Type: multipart/mixed; boundary=bb", multi(b"bb", b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + multi(b"b", TEXT, evil))), True
    yield "prefix-delimiters", mail(mixed, multi(b"b1", TEXT, evil)), False
    yield "prefix-delimiter-within", mail(mixed, multi(b"b", TEXT + b"--bx\r\n" + evil)), False
    yield "delimiter-with-blanks", mail(mixed, multi(b"b  ", TEXT, evil, end=False) + b"--b--  \r\n"), True
    yield "delimiter-with-tab", mail(mixed, multi(b"b\t", TEXT, evil)), True
    yield "delimiter-in-comment", mail(mixed, multi(b"b (x)", TEXT, evil)), False
    yield "outer-ends-within-inner", mail(mixed, multi(b"b", b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" + TEXT + b"--b--\r\n--c\r\n" + evil + b"--c--\r\n")), False
    yield "outer-delimiter-within-inner", mail(mixed, multi(b"b", b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" + TEXT + b"--b\r\n--c\r\n" + evil + b"--c--\r\n")), False
    junk = mail(b'Content-Type: multipart/mixed; boundary="!!!"', multi(b"!!!", b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" +
                part(body=B64[:40] + NL + b"--!!!" + NL + B64[40:] + NL + b"--c--")))
    yield "outer-delimiter-within-base64", junk, False
    yield "no-mime-version", mail(mixed, multi(b"b", TEXT, evil), top=TOP), False
    yield "mime-version-2", mail(mixed, multi(b"b", TEXT, evil), top=TOP + b"MIME-Version: 2.0\r\n"), False
    yield "mime-version-twice", mail(mixed, multi(b"b", TEXT, evil), top=TOP + MIME + b"MIME-Version: 9\r\n"), False
    yield "mime-version-comment", mail(mixed, multi(b"b", TEXT, evil), top=TOP + b"MIME-Version: (x) 1.(y)0\r\n"), True
    for kind in b"text/plain", b"application/octet-stream", b"message/rfc822", b"application/multipart", b"x", b"image/png":
        yield "disguised-as-" + kind.decode().replace("/", "-"), mail(b"Content-Type: " + kind + b"; boundary=b", multi(b"b", TEXT, evil)), False
        yield "disguised-undeclared-" + kind.decode().replace("/", "-"), mail(b"Content-Type: " + kind, multi(b"b", TEXT, evil)), False
    yield "disguised-without-type", mail(b"X-Nothing: x", multi(b"b", TEXT, evil)), False
    for kind in b"multipart", b"multipart/", b"multipart/x-unknown", b"MULTIPART/MIXED", b"multipart / mixed", b"multipart/mixed/x", b'"multipart/mixed"', b"multi(x)part/mixed", b"multipart(x)/mixed":
        standard = kind in (b"multipart/x-unknown", b"MULTIPART/MIXED", b"multipart(x)/mixed")
        yield "type-" + kind.decode().replace("/", "-").replace(" ", "_"), mail(b"Content-Type: " + kind + b"; boundary=b", multi(b"b", TEXT, evil)), standard
    yield "nested-ten", nest(10, evil), True
    yield "nested-fifty", nest(50, evil), True
    yield "nested-1000", nest(1000, evil), False
    yield "part-without-header", mail(mixed, multi(b"b", NL + uuencode())), True
    yield "part-without-blank-line", mail(mixed, b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n" + b64() + b"--b--\r\n"), False
    yield "digest", mail(b"Content-Type: multipart/digest; boundary=b", multi(b"b", NL + TOP + MIME + part())), True
    yield "digest-with-type", mail(b"Content-Type: multipart/digest; boundary=b", multi(b"b", part())), True
    yield "appledouble", mail(b"Content-Type: multipart/appledouble; boundary=b", multi(b"b", part(kind=b"application/applefile"))), True
    yield "bare-lf-delimiters", mail(mixed, multi(b"b", TEXT, evil).replace(NL, b"\n")), False
    yield "bare-cr-delimiters", mail(mixed, multi(b"b", TEXT, evil).replace(NL, b"\r")), False
    yield "bare-cr-all", mail(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", b64(mail(mixed, multi(b"b", TEXT, evil)).replace(NL, b"\r"))), False
    yield "cr-cr-lf", mail(mixed, multi(b"b", TEXT, evil).replace(NL, b"\r\r\n")), False
    yield "encoded-multipart", mail(mixed + b"\nContent-Transfer-Encoding: base64", b64(multi(b"b", TEXT, evil))), False
    yield "encoded-multipart-qp", mail(mixed + b"\nContent-Transfer-Encoding: quoted-printable", binascii.b2a_qp(multi(b"b", TEXT, evil).replace(b"-", b"=2D"), istext=True).replace(b"=3D2D", b"=2D")), False
    yield "declared-encoded-multipart", mail(mixed + b"\nContent-Transfer-Encoding: base64", multi(b"b", TEXT, evil)), False


def nest(depth, inner):
    for i in range(depth):
        inner = b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n" % i + multi(b"n%d" % i, inner)
    return TOP + MIME + inner


# --- fields ---

def field_mails():
    body, kind, encoding = multi(b"b", TEXT, part()), b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Transfer-Encoding: base64\r\n"

    def whole(header, text, top=TOP + MIME):
        return top + header + NL + text

    yield "type-twice-first", whole(kind + b"Content-Type: text/plain\r\n", body), False
    yield "type-twice-last", whole(b"Content-Type: text/plain\r\n" + kind, body), False
    yield "type-thrice", whole(b"Content-Type: text/plain\r\n" + kind + b"Content-Type: image/png\r\n", body), False
    yield "types-two-boundaries", whole(b"Content-Type: multipart/mixed; boundary=a\r\n" + kind, multi(b"a", TEXT) + body), False
    yield "type-twice-leaf-first", whole(b"Content-Type: application/octet-stream\r\n" + kind + encoding, b64()), False
    yield "type-twice-leaf-last", whole(kind + b"Content-Type: application/octet-stream\r\n" + encoding, b64()), False
    odd = [("blank-before-colon", lambda n: n + b" :"), ("tab-before-colon", lambda n: n + b"\t:"), ("no-blank-behind-colon", lambda n: n + b":"),
           ("upper-case", lambda n: n.upper() + b":"), ("comment-in-name", lambda n: n + b" (x):"), ("8bit-in-name", lambda n: n + b"\xa0:"),
           ("nul-in-name", lambda n: n + b"\x00:"), ("blank-in-name", lambda n: n.replace(b"-", b" ") + b":"), ("folded-name", lambda n: n + b"\r\n :"),
           ("folded-in-name", lambda n: n.replace(b"-", b"-\r\n ") + b":"), ("underscore", lambda n: n.replace(b"-", b"_") + b":"), ("two-colons", lambda n: n + b"::"),
           ("cr-in-name", lambda n: n + b"\r:"), ("blank-in-front", lambda n: b" " + n + b":"), ("behind-a-cr", lambda n: b"X-A: b\r" + n + b":")]
    for name, write in odd:
        standard = name in ("no-blank-behind-colon", "upper-case")
        yield "multipart-" + name, whole(write(b"Content-Type") + b" multipart/mixed; boundary=b\r\n", body), standard
        yield "encoding-" + name, whole(b"Content-Type: application/octet-stream\r\n" + write(b"Content-Transfer-Encoding") + b" base64\r\n", b64()), standard
    for name, blank in [("blank", b" \r\n"), ("tab", b"\t\r\n"), ("vt", b"\x0b\r\n"), ("nul", b"\x00\r\n"), ("many-blanks", b"      \r\n"), ("cr", b"\r\r\n")]:
        yield "header-goes-on-behind-" + name, whole(b"X-A: b\r\n" + blank + kind, body), False
        yield "header-ends-at-" + name, whole(b"Content-Type: application/octet-stream\r\n" + encoding + blank + b"Content-Transfer-Encoding: 7bit\r\n", b64()), False
    yield "odd-line-in-header", whole(b"X-A: b\r\nthis is no field\r\n" + kind, body), False
    yield "odd-line-ends-header", TOP + MIME + kind + b"no field here\r\n--b\r\n" + part() + b"--b--\r\n", False
    yield "mbox-line-first", b"From a@example.com Sat Nov 21 10:00:00 2026\r\n" + whole(kind, body), False
    yield "folded-value", whole(b"Content-Type:\r\n multipart/mixed;\r\n boundary=b\r\n", body), True
    yield "folded-with-blank-lines", whole(b"Content-Type: multipart/mixed;\r\n \r\n boundary=b\r\n", body), False
    yield "nul-in-value", whole(b"Content-Type: multi\x00part/mixed; boundary=b\r\n", body), False
    yield "nul-behind-value", whole(b"Content-Type: text/plain\x00; boundary=b\r\n", body), False
    yield "empty-type", whole(b"Content-Type:\r\n" + kind, body), False
    yield "in-a-field-of-100-kb", whole(b"Content-Type: multipart/mixed; x=\"" + b"y" * 100000 + b"\"; boundary=b\r\n", body), False
    for name, value in [("upper", b"BASE64"), ("blank", b"base64 "), ("semicolon", b"base64;"), ("comment", b"(x) base64 (y)"), ("quoted", b'"base64"'), ("tab", b"\tbase64"),
                        ("unknown", b"x-base64"), ("junk", b"base64 foo"), ("dot", b"base64."), ("folded", b"\r\n base64"), ("within-comment", b"7bit (base64)"), ("list", b"7bit, base64"),
                        ("nul", b"base64\x007bit"), ("comma", b"base64,")]:
        yield "encoding-value-" + name, whole(b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: " + value + NL,
                                              b64()), name in ("upper", "blank", "comment", "tab", "folded")
    for a, b in [(b"7bit", b"base64"), (b"base64", b"7bit"), (b"quoted-printable", b"base64"), (b"base64", b"quoted-printable"), (b"base64", b"x-uuencode"), (b"", b"base64"), (b"base64", b"")]:
        yield "encodings-%s-%s" % (a.decode(), b.decode()), whole(b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: " + a + b"\r\nContent-Transfer-Encoding: " + b + NL, b64()), False


# --- contents ---

def encoded(encoding, text, kind=b"application/octet-stream; name=x.com"):
    return mail(b"Content-Type: multipart/mixed; boundary=b", multi(b"b", TEXT, part(text, encoding, kind)))


def base64_mails():
    for width in 1, 2, 3, 4, 5, 6, 7, 60, 75, 77, 1000:
        yield "lines-of-%d" % width, lines(B64, width), width <= 76
    for name, character in [("exclamation", b"!"), ("dash", b"-"), ("vt", b"\x0b"), ("ff", b"\x0c"), ("nul", b"\x00"), ("8bit", b"\xe9"), ("dot", b"."), ("comma", b","), ("del", b"\x7f"), ("paren", b"(x!)"[:1])]:
        yield "junk-" + name, lines(B64[:20] + character + B64[20:]), True
        yield "junk-each-line-" + name, NL.join(B64[i:i + 8] + character for i in range(0, len(B64), 8)) + NL, True
    yield "blanks", lines(b" ".join(B64[i:i + 1] for i in range(len(B64)))), True
    yield "tabs", lines(b"\t".join(B64[i:i + 4] for i in range(0, len(B64), 4))), True
    yield "blank-lines", B64[:40] + NL + NL + NL + B64[40:] + NL, True
    yield "no-padding", lines(B64.rstrip(b"=")), True
    yield "too-much-padding", lines(B64 + b"====="), True
    yield "padding-in-the-middle", lines(base64.b64encode(EICAR[:4]) + base64.b64encode(EICAR[4:])), False
    yield "each-byte-padded", lines(b"".join(base64.b64encode(EICAR[i:i + 1]) for i in range(len(EICAR)))), False
    yield "padding-through", lines(B64[:18] + b"=" + B64[18:]), False
    yield "padding-on-a-line", lines(B64[:20]) + b"=\r\n" + lines(B64[20:]), False
    yield "junk-behind-padding", lines(B64 + b"!!!"), True
    yield "text-behind-padding", lines(B64) + b"-- \r\nthe list's footer\r\n", False
    yield "more-behind-padding", lines(B64 + base64.b64encode(b"harmless text")), False
    yield "ends-at-junk", lines(B64.rstrip(b"=")) + b"!" + base64.b64encode(b"harmless text") + NL, False
    yield "url-alphabet", lines(base64.urlsafe_b64encode(EICAR)), True
    yield "no-line-end", B64, True
    yield "text-in-front", b"!\r\n" + lines(B64), True


def quoted_printable_mails():
    escaped = b"".join(b"=%02X" % c for c in EICAR)
    text = EICAR.replace(b"=", b"=3D")
    yield "all-escaped", lines(escaped, 75 // 3 * 3).replace(NL, b"=\r\n") + NL, True
    yield "lower-case", lines(escaped.lower(), 72).replace(NL, b"=\r\n") + NL, False
    yield "plain", text + NL, True
    yield "soft-breaks", b"=\r\n".join(text[i:i + 10] for i in range(0, len(text), 10)) + NL, True
    yield "soft-breaks-blank", b"= \r\n".join(text[i:i + 10] for i in range(0, len(text), 10)) + NL, True
    yield "soft-breaks-tab", b"=\t\r\n".join(text[i:i + 10] for i in range(0, len(text), 10)) + NL, True
    yield "soft-breaks-lf", b"=\n".join(text[i:i + 10] for i in range(0, len(text), 10)) + NL, False
    yield "soft-breaks-cr", b"=\r".join(text[i:i + 10] for i in range(0, len(text), 10)) + NL, False
    yield "soft-break-at-end", text + b"=\r\n", True
    yield "equals-at-end", text + b"=", True
    yield "blanks-at-end", text + b"   \r\n", True
    yield "lone-equals", text[:10] + b"=" + text[10:] + NL, False
    yield "lone-equals-each", b"=!".join(text.split(b"!")) + NL, False
    yield "equals-twice", text[:10] + b"==\r\n" + text[10:] + NL, False


def uuencode(data=EICAR, name=b"x.com", mode=b"644"):
    body = b"".join(binascii.b2a_uu(data[i:i + 45]).replace(b"\n", NL) for i in range(0, len(data), 45))
    return b"begin " + mode + b" " + name + NL + body + b"`\r\nend\r\n"


XX = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def xxencode(data=EICAR, name=b"x.com"):
    out = b"begin 644 " + name + NL
    for i in range(0, len(data), 45):
        piece = data[i:i + 45]
        padded = piece + b"\0" * (-len(piece) % 3)
        line = bytes([XX[len(piece)]])
        for k in range(0, len(padded), 3):
            v = int.from_bytes(padded[k:k + 3], "big")
            line += bytes(XX[v >> s & 63] for s in (18, 12, 6, 0))
        out += line + NL
    return out + b"+\r\nend\r\n"


def yenc(data=EICAR, name=b"x.com", size=None, part=None, of=None, begin=None, end=True):
    coded = b""
    for c in data:
        c = (c + 42) % 256
        coded += b"=" + bytes([(c + 64) % 256]) if c in (0, 10, 13, 61) else bytes([c])
    head = b"=ybegin " + (b"part=%d total=%d " % (part, of) if part else b"") + b"line=128 size=%d name=" % (size or len(data)) + name + NL
    if part:
        head += b"=ypart begin=%d end=%d\r\n" % (begin, begin + len(data) - 1)
    return head + coded + NL + (b"=yend size=%d\r\n" % len(data) if end else b"")


SIXTY_FOUR = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
HQX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def binhex(data=EICAR, resource=b"", name=b"x.com", runs=False, length=None, end=True, bomb=0):
    def crc(block):
        return struct.pack(">H", binascii.crc_hqx(block, 0))
    head = bytes([len(name)]) + name + b"\0APPL????\0\0" + struct.pack(">II", len(data) if length is None else length, len(resource))
    raw = head + crc(head) + data + crc(data) + resource + crc(resource)
    raw = raw.replace(b"\x90", b"\x90\x00")
    if runs:
        raw = raw.replace(b"CC", b"C\x90\x02")
    raw += b"\x90\xff" * bomb
    text = base64.b64encode(raw).rstrip(b"=").translate(bytes.maketrans(SIXTY_FOUR, HQX))
    return b"(This file must be converted with BinHex 4.0)\r\n\r\n:" + lines(text, 64).rstrip() + (b":\r\n" if end else NL)


def text_mails():
    plain = b"Content-Type: text/plain"
    for name, block in [("uu", uuencode()), ("xx", xxencode()), ("yenc", yenc()), ("binhex", binhex())]:
        yield "text-" + name, mail(plain, b"hello\r\n" + block + b"bye\r\n"), True
        yield "text-%s-without-type" % name, mail(b"X-Nothing: x", block), True
        yield "text-%s-second" % name, mail(plain, uuencode(b"harmless") + b"\r\nand\r\n" + block), True
        yield "text-%s-before-others" % name, mail(plain, block + uuencode(b"harmless") + yenc(b"harmless") + binhex(b"harmless")), True
        yield "text-%s-in-html" % name, mail(b"Content-Type: text/html", b"<html><pre>\r\n" + block + b"</pre>\r\n"), True
        yield "text-%s-base64" % name, mail(plain + b"\nContent-Transfer-Encoding: base64", b64(block)), True
        yield "text-%s-as-7bit-and-base64" % name, mail(plain + b"\nContent-Transfer-Encoding: base64", block), False
        yield "text-%s-lf" % name, mail(plain, block.replace(NL, b"\n")), False
        yield "text-%s-as-octets" % name, mail(b"Content-Type: application/octet-stream", block), False
    yield "uu-no-end", mail(plain, uuencode().replace(b"`\r\nend\r\n", b"")), False
    yield "uu-blanks-lost", mail(plain, uuencode().replace(b"`", b" ")), True
    yield "uu-long-name", mail(plain, uuencode(name=b"x" * 300 + b".com")), True
    yield "uu-name-with-blanks", mail(plain, uuencode(name=b"a b c.com")), True
    yield "uu-mode-0644", mail(plain, uuencode(mode=b"0644")), True
    yield "uu-checksums", mail(plain, uuencode().replace(b"\r\n`", b"*\r\n`")), False
    wrong = uuencode().split(NL)
    wrong[2] = b"!" + wrong[2][1:]
    yield "uu-length-too-small", mail(plain, NL.join(wrong)), False
    yield "uu-base64", mail(plain, b"begin-base64 644 x.com\r\n" + b64() + b"====\r\n"), True
    yield "uu-transfer-encoding", mail(b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode", uuencode()), False
    yield "uu-transfer-encoding-second", mail(b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-uuencode", uuencode(b"harmless") + uuencode()), False
    yield "yenc-in-parts", mail(plain, yenc(EICAR[:30], size=len(EICAR), part=1, of=2, begin=1) + NL + yenc(EICAR[30:], size=len(EICAR), part=2, of=2, begin=31)), False
    yield "yenc-wrong-size", mail(plain, yenc(size=1)), False
    yield "yenc-no-end", mail(plain, yenc(end=False).rstrip()), False
    yield "yenc-transfer-encoding", mail(b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: x-yencode", yenc()), False
    yield "binhex-runs", mail(plain, binhex(runs=True)), True
    yield "binhex-resource-fork", mail(plain, binhex(b"harmless", resource=EICAR)), True
    yield "binhex-wrong-length", mail(plain, binhex(length=100000)), False
    yield "binhex-no-end", mail(plain, binhex(end=False)), False
    yield "binhex-type", mail(b"Content-Type: application/mac-binhex40; name=x.hqx", binhex()), True
    yield "binhex-type-unannounced", mail(b"Content-Type: application/mac-binhex40; name=x.hqx", binhex().split(NL + NL, 1)[1]), False
    yield "binhex-encoding", mail(b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: mac-binhex40", binhex()), False
    yield "binhex-in-base64", mail(b"Content-Type: application/mac-binhex40\nContent-Transfer-Encoding: base64", b64(binhex())), True


def message_mails():
    inner = mail(b"Content-Type: multipart/mixed; boundary=i", multi(b"i", TEXT, part()))
    for kind in b"message/rfc822", b"message/global", b"message/news":
        name = kind.decode().replace("/", "-")
        yield name, mail(b"Content-Type: " + kind, inner), True
        yield name + "-base64", mail(b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64", b64(inner)), False
        yield name + "-qp", mail(b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: quoted-printable", inner.replace(b"=", b"=3D")), False
        yield name + "-declared-base64", mail(b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64", inner), False
    yield "message-as-octets", mail(b"Content-Type: application/octet-stream; name=x.eml", inner), False
    yield "message-as-text", mail(b"Content-Type: text/plain; name=x.eml\nContent-Transfer-Encoding: base64", b64(inner)), False
    yield "message-external-body", mail(b"Content-Type: message/external-body; access-type=local-file; name=x", part()), False
    yield "message-x", mail(b"Content-Type: message/x-unknown", inner), False
    yield "message-nested-ten", nest_messages(10, inner), True
    yield "message-nested-1000", nest_messages(1000, inner), False
    at = len(TOP) + 200
    for number, piece in (1, inner[:at]), (2, inner[at:]):
        yield "partial-%d" % number, mail(b"Content-Type: message/partial; id=x@y; number=%d; total=2" % number, piece), False
    yield "partial-whole", mail(b"Content-Type: message/partial; id=x@y; number=1; total=1", inner), False
    yield "partial-without-number", mail(b"Content-Type: message/partial", inner), False


def nest_messages(depth, inner):
    for _ in range(depth):
        inner = mail(b"Content-Type: message/rfc822", inner)
    return inner


# --- names ---

def name_fields():
    """(name, parameters of Content-Disposition, standard)"""
    yield "quoted", b'filename="evil.exe"', True
    yield "token", b"filename=evil.exe", True
    yield "upper-case", b'FILENAME="evil.exe"', True
    yield "blanks", b"filename=an evil one.exe", False
    yield "blanks-around-equals", b'filename = "evil.exe"', False
    yield "no-closing-quote", b'filename="evil.exe', False
    yield "behind-the-quote", b'filename="evil".exe', False
    yield "quotes-within", b'filename=e"vi"l.exe', False
    yield "quoted-pair", b'filename="evil\\.exe"', True
    yield "quoted-pairs", b'filename="evil.\\e\\x\\e"', True
    yield "backslash-path", b'filename="c:\\temp\\evil.exe"', False
    yield "escaped-quote", b'filename="a\\".txt.exe"', True
    yield "single-quotes", b"filename='evil.exe'", False
    yield "semicolon-in-quotes", b'filename="a;b.exe"', True
    yield "semicolon-unquoted", b"filename=evil.exe;.txt", True
    yield "comment-behind", b"filename=evil.exe (harmless.txt)", True
    yield "comment-within", b"filename=evil.(x)exe", False
    yield "trailing-dot", b'filename="evil.exe."', False
    yield "trailing-dots-and-blanks", b'filename="evil.exe. . "', False
    yield "trailing-blank", b'filename="evil.exe "', False
    yield "first-of-two", b"filename=evil.exe; filename=a.txt", False
    yield "last-of-two", b"filename=a.txt; filename=evil.exe", False
    yield "two-quoted", b'filename="a.txt"; filename="evil.exe"', False
    yield "extended", b"filename*=utf-8''evil.exe", True
    yield "extended-percent", b"filename*=utf-8''evil%2Eexe", True
    yield "extended-all-percent", b"filename*=utf-8''%65%76%69%6c%2e%65%78%65", True
    yield "extended-latin1", b"filename*=iso-8859-1'de'%FCbel.exe", True
    yield "extended-unknown-charset", b"filename*=x-none''evil%2eexe", False
    yield "extended-no-charset", b"filename*=evil%2eexe", False
    yield "extended-one-apostrophe", b"filename*=utf-8'evil%2eexe", False
    yield "extended-quoted", b"filename*=\"utf-8''evil%2eexe\"", False
    yield "extended-utf7", b"filename*=utf-7''evil+AC4-exe", False
    yield "extended-utf16", b"filename*=utf-16be''%00e%00.%00e%00x%00e", False
    yield "plain-and-extended", b"filename=a.txt; filename*=utf-8''evil.exe", True
    yield "extended-and-plain", b"filename*=utf-8''a.txt; filename=evil.exe", False
    yield "continued", b"filename*0=evil; filename*1=.exe", True
    yield "continued-quoted", b'filename*0="evil."; filename*1="exe"', True
    yield "continued-folded", b'filename*0="evil.";\n filename*1="exe"', True
    yield "continued-folded-tabs", b'filename*0="evil";\n\tfilename*1=".e";\n\tfilename*2="xe"', True
    yield "continued-reversed", b"filename*1=.exe; filename*0=evil", True
    yield "continued-gap-last", b"filename*0=evil; filename*2=.exe", False
    yield "continued-gap-first", b"filename*0=evil.exe; filename*2=.txt", False
    yield "continued-from-one", b"filename*1=evil; filename*2=.exe", False
    yield "continued-leading-zeroes", b"filename*00=evil; filename*01=.exe", False
    yield "continued-twice", b"filename*0=a; filename*0=evil; filename*1=.exe", False
    yield "continued-extended", b"filename*0*=utf-8''evil; filename*1*=%2Eexe", True
    yield "continued-extended-then-plain", b"filename*0*=utf-8''evil; filename*1=.exe", True
    yield "continued-plain-then-extended", b"filename*0=evil; filename*1*=%2Eexe", True
    yield "continued-escape-torn", b"filename*0*=utf-8''evil%2; filename*1*=Eexe", False
    yield "continued-and-plain", b"filename*0=evil; filename*1=.exe; filename=a.txt", False
    yield "plain-and-continued", b"filename=a.txt; filename*0=evil; filename*1=.exe", False
    yield "plain-last-and-continued", b"filename*0=a; filename*1=.txt; filename=evil.exe", False
    yield "continued-and-extended", b"filename*0=a; filename*1=.txt; filename*=utf-8''evil.exe", False
    yield "continued-many", b"; ".join(b"filename*%d=%c" % (i, c) for i, c in enumerate(b"a-rather-long-and-evil.exe")), True
    yield "word-b", b'filename="=?utf-8?B?' + base64.b64encode(b"evil.exe") + b'?="', False
    yield "word-q", b'filename="=?utf-8?Q?evil=2Eexe?="', False
    yield "word-unquoted", b"filename==?utf-8?Q?evil=2Eexe?=", False
    yield "words-two", b'filename="=?utf-8?Q?evil?= =?utf-8?Q?=2Eexe?="', False
    yield "words-adjacent", b'filename="=?utf-8?Q?evil?==?utf-8?Q?=2Eexe?="', False
    yield "words-folded", b'filename="=?utf-8?Q?evil?=\n =?utf-8?Q?=2Eexe?="', False
    yield "words-b-split", b'filename="=?utf-8?B?' + base64.b64encode(b"evil.") + b"?= =?utf-8?B?" + base64.b64encode(b"exe") + b'?="', False
    yield "word-and-text", b'filename="=?utf-8?Q?evil=2E?=exe"', False
    yield "word-blank-within", b'filename="=?utf-8?Q?evil=2Eexe ?="', False
    yield "word-no-end", b'filename="=?utf-8?Q?evil=2Eexe"', False
    yield "word-no-padding", b'filename="=?utf-8?B?' + base64.b64encode(b"evil.exe").rstrip(b"=") + b'?="', False
    yield "word-language", b'filename="=?utf-8*en?Q?evil=2Eexe?="', False
    yield "word-unknown-charset", b'filename="=?x-none?Q?evil=2Eexe?="', False
    yield "word-koi8", b'filename="=?koi8-r?B?' + base64.b64encode("счет.exe".encode("koi8-r")) + b'?="', False
    yield "word-in-extended", b"filename*=utf-8''=?utf-8?Q?evil=2Eexe?=", False
    yield "words-in-pieces", b'filename*0="=?utf-8?Q?evil"; filename*1="=2Eexe?="', False
    yield "percent-in-plain", b'filename="evil%2Eexe"', False
    yield "fold-in-quotes", b'filename="evil.e\n xe"', False
    yield "fold-in-quotes-tab", b'filename="evil\n\t.exe"', True
    yield "nul-behind", b'filename="evil.exe\x00.txt"', False
    yield "nul-within", b'filename="evil.e\x00xe"', False
    yield "8bit", b'filename="\xfcbel.exe"', False
    yield "utf8", 'filename="übel.exe"'.encode(), False
    yield "very-long", b'filename="' + b"a" * 5000 + b'.exe"', True
    yield "no-semicolon", b'x=y filename="evil.exe"', False
    yield "comma", b'x=y, filename="evil.exe"', False
    yield "within-another", b'x="y; filename=evil.exe"', False
    yield "empty-first", b'filename=""; filename="evil.exe"', False
    yield "many-decoys", b"; ".join([b"filename=a%d.txt" % i for i in range(40)] + [b"filename=evil.exe"]), False


def name_mails():
    for name, parameters, standard in name_fields():
        yield "disposition-" + name, mail(b"Content-Type: application/octet-stream\nContent-Disposition: attachment; " + parameters, b"x\r\n"), standard
    fields = list(name_fields())
    for name, parameters, standard in fields[:10] + fields[20:60:3]:
        yield "type-" + name, mail(b"Content-Type: application/octet-stream; " + parameters.replace(b"filename", b"name").replace(b"FILENAME", b"NAME"), b"x\r\n"), standard
    evil, good = b'filename="evil.exe"', b'filename="a.txt"'
    disposition = b"Content-Disposition: attachment; "
    yield "name-and-filename", mail(b"Content-Type: application/octet-stream; name=evil.exe\n" + disposition + good, b"x"), False
    yield "dispositions-first", mail(b"Content-Type: application/octet-stream\n" + disposition + evil + b"\n" + disposition + good, b"x"), False
    yield "dispositions-last", mail(b"Content-Type: application/octet-stream\n" + disposition + good + b"\n" + disposition + evil, b"x"), False
    yield "types-first", mail(b"Content-Type: text/plain; name=evil.exe\nContent-Type: text/plain; name=a.txt", b"x"), False
    yield "types-last", mail(b"Content-Type: text/plain; name=a.txt\nContent-Type: text/plain; name=evil.exe", b"x"), False
    yield "filename-in-type", mail(b"Content-Type: text/plain; filename=evil.exe", b"x"), False
    yield "name-in-disposition", mail(b"Content-Type: text/plain\nContent-Disposition: attachment; name=evil.exe", b"x"), False
    yield "disposition-blank-before-colon", mail(b"Content-Type: text/plain\nContent-Disposition : attachment; " + evil, b"x"), False
    yield "disposition-folded-name", mail(b"Content-Type: text/plain\nContent-\n Disposition: attachment; " + evil, b"x"), False
    yield "disposition-behind-cr", mail(b"Content-Type: text/plain\nX-A: b\rContent-Disposition: attachment; " + evil, b"x"), False
    yield "disposition-only-name", mail(b"Content-Type: text/plain\nContent-Disposition: filename=evil.exe", b"x"), False
    yield "on-a-multipart", mail(b"Content-Type: multipart/mixed; boundary=b; name=evil.exe", multi(b"b", TEXT)), False
    yield "on-a-message", mail(b"Content-Type: message/rfc822; name=evil.exe", mail(b"Content-Type: text/plain", b"x")), False
    yield "in-external-body", mail(b"Content-Type: message/external-body; access-type=url; URL=x", b"Content-Type: application/octet-stream; name=evil.exe\r\n\r\n"), False
    yield "of-uuencoded", mail(b"Content-Type: text/plain", uuencode(b"harmless", b"evil.exe")), False
    yield "of-xxencoded", mail(b"Content-Type: text/plain", xxencode(b"harmless", b"evil.exe")), False
    yield "of-yenc", mail(b"Content-Type: text/plain", yenc(b"harmless", b"evil.exe")), False
    yield "of-binhex", mail(b"Content-Type: text/plain", binhex(b"harmless", name=b"evil.exe")), False
    yield "of-the-other-boundary", mail(b"Content-Type: multipart/mixed; boundary=one; boundary=two", multi(b"one", TEXT) + multi(b"two", b"Content-Type: text/plain; name=evil.exe\r\n\r\nx")), False


# --- several ways at once ---

def combined_mails(count=60, seed=20261121):
    """A way to hide the encoding within a way to hide the boundary."""
    r = random.Random(seed)
    boundaries, texts = list(boundary_fields()), [t for t in base64_mails()]
    for i in range(count):
        name, parameters, boundary, standard = r.choice(boundaries)
        how, text, sure = r.choice(texts)
        inner = multi(boundary, TEXT, part(body=text)) if boundary else multi(boundary, part(body=text))
        yield "combined-%d-%s-%s" % (i, name, how), mail(b"Content-Type: multipart/mixed; " + parameters, inner), False


def mails():
    for ways in boundary_mails, structure_mails, field_mails, text_mails, message_mails, combined_mails:
        for name, data, standard in ways():
            yield name, data, "virus", standard
    for prefix, encoding, texts in ("base64-", b"base64", base64_mails), ("qp-", b"quoted-printable", quoted_printable_mails):
        for name, text, standard in texts():
            yield prefix + name, encoded(encoding, text), "virus", standard
    for name, data, standard in name_mails():
        yield "name-" + name, data, "name", standard
