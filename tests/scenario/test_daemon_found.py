#!/usr/bin/python3
"""test_daemon_found.py - a virus is found however the mail wraps it, by libclamav in the opener and by clamd over parts, and what
resembles a virus but is none passes.  One run for each scanner; every mail goes through the whole daemon."""
import base64
import binascii
import io
import os
import quopri
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = 'compatibility_level = 1\nlocal_domains_maps = { { ".example.com" } }\n'


def b64(data, width=76):
    text = base64.b64encode(data)
    return b"".join(text[i:i + width] + b"\r\n" for i in range(0, len(text), width))


def uu(data, name=b"eicar.com"):
    lines = b"".join(binascii.b2a_uu(data[i:i + 45]).rstrip(b"\n") + b"\r\n" for i in range(0, len(data), 45))
    return b"begin 644 " + name + b"\r\n" + lines + b"`\r\nend\r\n"


def zipped(data, name="eicar.com"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return buffer.getvalue()


def part(data, kind=b"application/octet-stream", encoding=b"base64", more=b""):
    coded = {b"base64": b64, b"quoted-printable": lambda d: quopri.encodestring(d, quotetabs=True).replace(b"\n", b"\r\n"), b"7bit": bytes}[encoding](data)
    return b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n" + more + b"\r\n" + coded


def head(more=b""):
    return b"From: a@example.org\r\nSubject: wrapped\r\nMIME-Version: 1.0\r\n" + more


def multipart(*parts, boundary=b"b1", end=True):
    body = b"".join(b"--" + boundary + b"\r\n" + p + b"\r\n" for p in parts)
    return b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\npreamble\r\n' + body + (b"--" + boundary + b"--\r\n" if end else b"")


TEXT = b"Content-Type: text/plain\r\n\r\nnothing to see\r\n"


def wrapped():
    octets = b"application/octet-stream"
    attached = multipart(TEXT, part(EICAR, octets))
    yield "plain body", head() + b"\r\n" + EICAR + b"\r\n"
    yield "no header at all", b"\r\n" + EICAR + b"\r\n"
    yield "base64 body", head(part(EICAR))
    yield "quoted-printable body", head(part(EICAR, b"text/plain", b"quoted-printable"))
    yield "base64 attachment", head(attached)
    yield "attachment in a nested mail", head(multipart(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + head(attached)))
    yield "attachment in a nested mail that is coded", head(multipart(TEXT, part(head(attached), b"message/rfc822")))
    yield "a coded mail that is none", head(multipart(TEXT, part(EICAR, b"message/rfc822")))
    yield "coded news that are none", head(multipart(TEXT, part(EICAR, b"message/news")))
    yield "the header of a coded mail", head(multipart(TEXT, part(b"Subject: x\r\nX-Note: " + EICAR + b"\r\n\r\nbody\r\n", b"message/rfc822")))
    yield "five multiparts deep", head(deep(part(EICAR, octets), 5))
    yield "uuencode in the text", head() + b"\r\nHello,\r\n" + uu(EICAR) + b"bye\r\n"
    yield "no closing boundary", head(multipart(TEXT, part(EICAR, octets), end=False))
    yield "base64 with junk", head(b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64(EICAR, 10).replace(b"\r\n", b"!\r\n #"))
    yield "base64 in lower case words", head(b"CONTENT-TYPE: APPLICATION/OCTET-STREAM\r\ncontent-transfer-encoding: BASE64 \r\n\r\n" + b64(EICAR))
    yield "long base64 line", head(b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64(b" " * 300 + EICAR, 100000))
    yield "in a zip", head(multipart(TEXT, part(zipped(EICAR), b"application/zip")))
    yield "in a zip in a zip", head(multipart(TEXT, part(zipped(zipped(EICAR), "inner.zip"), b"application/zip")))
    yield "in the preamble", head(b'Content-Type: multipart/mixed; boundary="b1"\r\n\r\n' + EICAR + b"\r\n--b1\r\n" + TEXT + b"\r\n--b1--\r\n")
    yield "behind the end", head(multipart(TEXT)) + EICAR + b"\r\n"
    yield "two boundaries in the header", head(b'Content-Type: multipart/mixed; boundary="b1"; boundary="b2"\r\n\r\n'
                                               b"--b1\r\n" + part(EICAR) + b"\r\n--b1--\r\n--b2\r\n" + TEXT + b"\r\n--b2--\r\n")
    yield "an encoding nobody knows", head(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-strange\r\n\r\n" + EICAR + b"\r\n")


def deep(inner, levels):
    for level in range(levels):
        inner = multipart(TEXT, inner, boundary=b"level%d" % level)
    return inner


def harmless():
    yield "a clean attachment", head(multipart(TEXT, part(b"\0\1\2" * 100)))
    yield "half a virus", head() + b"\r\n" + EICAR[:40] + b"\r\n"
    yield "a clean zip", head(multipart(TEXT, part(zipped(b"clean"), b"application/zip")))
    yield "an empty mail", b""


def run(t, hop, name, scanners):
    with Postern(t, hop, LUA, scanners=scanners, name="posternd with " + name) as p:
        hop.forget()
        kept = 0
        for what, data in wrapped():
            reply = send(p.port, data)
            t.match(reply.text, r"^250 2\.7\.0 Ok, discarded, .*INFECTED: Eicar", "%s: found %s" % (name, what))
            kept += 1
        t.equal(hop.caught, [], name + ": none of them has passed")
        t.equal(len(p.quarantined("virus-")), kept, name + ": each lies in quarantine")
        for what, data in harmless():
            t.match(send(p.port, data).text, r"^250 2\.0\.0 from MTA", "%s: passed %s" % (name, what))
        t.equal(p.counter("opener-deaths"), 0, name + ": no opener has died of them")
        t.equal(p.temp_files(), [], name + ": nothing is left in the work area")


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder:
        run(t, hop, "libclamav", None)
        if not clamd_program():
            return t.skip("clamd", "it is not installed")
        with Clamd(folder.path) as clamd:
            run(t, hop, "clamd", 'clamd { socket = "%s" }' % clamd.socket)
            run(t, hop, "clamd over TCP", 'clamd { socket = "127.0.0.1:%d" }' % clamd.port)
    return None


if __name__ == "__main__":
    main()
