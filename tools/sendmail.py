#!/usr/bin/python3
"""sendmail.py - makes test mails and sends mail over SMTP, byte for byte.

usage: sendmail.py --make clean|eicar|eicar-zip [--id ID] >FILE
       sendmail.py --to HOST:PORT [--from ADDRESS] [--rcpt ADDRESS]... FILE

Sending prints the reply to the mail (or the first refusal) and exits 0 for 2xx,
75 for 4xx and a lost connection, 69 for 5xx.  No virus scanner may be set off by
this file itself: the EICAR test text is put together from two pieces."""
import argparse
import base64
import io
import socket
import sys
import time
import uuid
import zipfile

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS" + b"-TEST-FILE!$H+H*"


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("readme.txt", b"a harmless test file of the anti-virus industry is beside this one\n")
        z.writestr("eicar.com", EICAR)
    return out.getvalue()


def attachment(name, content_type, content):
    text = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (b"--postern-test\r\nContent-Type: %b; name=\"%b\"\r\nContent-Disposition: attachment; filename=\"%b\"\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n%b" % (content_type, name, name, text))


def make(kind, ident):
    subjects = {"clean": b"a clean mail", "eicar": b"an EICAR test file", "eicar-zip": b"an EICAR test file in a zip"}
    # What careless programs change: trailing blanks, a leading dot, 8-bit text, an empty last line.
    text = b"Postern was here.\r\n.a line with a leading dot\r\n..\r\ntrailing blanks:  \t \r\n8 bit: \xc3\xa9\xc3\xa4\r\n\r\n"
    head = (b"From: Tester <tester@postern.example>\r\nTo: postmaster@localhost\r\nSubject: Postern quickstart: %b\r\n"
            b"Date: %b\r\nMessage-ID: <%b@postern.example>\r\nMIME-Version: 1.0\r\n"
            % (subjects[kind], time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()).encode(), ident.encode()))
    if kind == "clean":
        return head + b"X-Folded: one\r\n\ttwo   \r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text
    part = attachment(b"eicar.com", b"application/octet-stream", EICAR) if kind == "eicar" else \
        attachment(b"eicar.zip", b"application/zip", zipped())
    return (head + b"Content-Type: multipart/mixed; boundary=\"postern-test\"\r\n\r\n"
            b"--postern-test\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            + text + part + b"--postern-test--\r\n")


class Refused(Exception):
    pass


class Session:
    def __init__(self, where):
        host, port = where.rsplit(":", 1)
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def reply(self):
        lines = []
        while True:
            line = self.reader.readline(65536)
            if not line:
                raise Refused("451 the connection was closed")
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return " | ".join(lines)

    def expect(self, command, digit):
        if command is not None:
            self.socket.sendall(command.encode() + b"\r\n")
        answer = self.reply()
        if answer[:1] != digit:
            raise Refused(answer)
        return answer


def send(where, sender, recipients, mail):
    s = Session(where)
    s.expect(None, "2")
    s.expect("EHLO quickstart.postern.example", "2")
    s.expect("MAIL FROM:<%s> BODY=8BITMIME" % sender, "2")
    for recipient in recipients:
        s.expect("RCPT TO:<%s>" % recipient, "2")
    s.expect("DATA", "3")
    stuffed = mail.replace(b"\r\n.", b"\r\n..")
    s.socket.sendall((b"." if mail.startswith(b".") else b"") + stuffed + (b"" if mail.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    answer = s.reply()
    s.socket.sendall(b"QUIT\r\n")
    return answer


def main():
    p = argparse.ArgumentParser(description="makes test mails and sends mail over SMTP")
    p.add_argument("--make", choices=["clean", "eicar", "eicar-zip"])
    p.add_argument("--id", default=None, help="left side of the Message-ID")
    p.add_argument("--to", metavar="HOST:PORT")
    p.add_argument("--from", dest="sender", default="tester@postern.example")
    p.add_argument("--rcpt", action="append")
    p.add_argument("file", nargs="?")
    a = p.parse_args()
    if a.make:
        sys.stdout.buffer.write(make(a.make, a.id or uuid.uuid4().hex))
        return 0
    if not a.to or not a.file:
        p.error("either --make, or --to and a file")
    with open(a.file, "rb") as f:
        mail = f.read()
    try:
        answer = send(a.to, a.sender, a.rcpt or ["postmaster@localhost"], mail)
    except Refused as refusal:
        answer = str(refusal)
    except OSError as problem:
        answer = "451 %s: %s" % (a.to, problem)
    print(answer)
    return {"2": 0, "5": 69}.get(answer[:1], 75)


if __name__ == "__main__":
    sys.exit(main())
