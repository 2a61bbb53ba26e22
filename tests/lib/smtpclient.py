"""smtpclient.py - the client side of SMTP and LMTP for tests: a raw dialogue, nothing helpful in between.

    with Client(("127.0.0.1", port)) as c:          # or Client("/path/of/socket", lmtp=True)
        c.hello()
        c.say("NOOP")                               # -> Reply(code=250, text="250 2.0.0 Ok NOOP")
        c.send_mail(b"Subject: x\\r\\n\\r\\nbody\\r\\n", ["r@x"], "s@y")   # -> Reply; LMTP: a list, one for each recipient
    send(address, data, recipients, sender)         # the whole of it in one call"""
import socket


class Reply:
    """One reply: its code and its lines joined by newlines, as they came."""

    def __init__(self, lines):
        self.text = "\n".join(lines)
        self.code = int(lines[-1][:3]) if lines and lines[-1][:3].isdigit() else 0

    def __repr__(self):
        return self.text

    def __bool__(self):
        return 200 <= self.code < 400


class Closed(Exception):
    """The peer has closed the connection."""


def stuff(data):
    """As it goes over the wire: dots doubled, the last line ended, the final dot."""
    if data and not data.endswith(b"\r\n"):
        data += b"\r\n"
    data = data.replace(b"\r\n.", b"\r\n..")
    return (b"." if data.startswith(b".") else b"") + data + b".\r\n"


class Client:
    def __init__(self, address, lmtp=False, timeout=60):
        self.lmtp = lmtp
        self.pending = b""
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        if isinstance(address, str):
            self.conn = socket.socket(socket.AF_UNIX)
            self.conn.settimeout(timeout)
            self.conn.connect(address)
        else:
            self.conn = socket.create_connection(address, timeout)
            self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.greeting = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.conn.close()

    def write(self, data):
        self.conn.sendall(data)

    def line(self):
        while b"\n" not in self.pending:
            data = self.conn.recv(65536)
            if not data:
                raise Closed(self.pending.decode(errors="replace"))
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def read(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return Reply(lines)

    def say(self, command):
        """Send one command (text or bytes, without CRLF) and read its reply."""
        self.write((command if isinstance(command, bytes) else command.encode("utf-8", "surrogateescape")) + b"\r\n")
        return self.read()

    def hello(self, name="client.example"):
        return self.say(("LHLO " if self.lmtp else "EHLO ") + name)

    def xforward(self, **attributes):
        return self.say("XFORWARD " + " ".join("%s=%s" % item for item in attributes.items()))

    def envelope(self, recipients, sender="sender@example.org", mail_options="", rcpt_options=""):
        """MAIL and RCPTs; the first reply that refuses, else None."""
        mail = "MAIL FROM:<%s>%s" % (sender, " " + mail_options if mail_options else "")
        for command in [mail] + ["RCPT TO:<%s>%s" % (r, " " + rcpt_options if rcpt_options else "") for r in recipients]:
            reply = self.say(command)
            if not reply:
                return reply
        return None

    def data(self, data, recipient_count=1):
        """DATA, the mail, its reply or replies."""
        reply = self.say("DATA")
        if reply.code != 354:
            return [reply] * recipient_count if self.lmtp else reply
        self.write(stuff(data))
        return self.final(recipient_count)

    def final(self, recipient_count=1):
        return [self.read() for _ in range(recipient_count)] if self.lmtp else self.read()

    def send_mail(self, data, recipients, sender="sender@example.org", mail_options="", rcpt_options=""):
        refused = self.envelope(recipients, sender, mail_options, rcpt_options)
        if refused is not None:
            return [refused] * len(recipients) if self.lmtp else refused
        return self.data(data, len(recipients))

    def quit(self):
        reply = self.say("QUIT")
        self.close()
        return reply


def send(address, data, recipients=("rcpt@example.com",), sender="sender@example.org", lmtp=False, xforward=None, timeout=60, **options):
    """One mail over a connection of its own."""
    with Client(address, lmtp, timeout) as c:
        c.hello()
        if xforward:
            c.xforward(**xforward)
        reply = c.send_mail(data, list(recipients), sender, **options)
        c.say("QUIT")
        return reply
