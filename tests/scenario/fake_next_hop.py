"""A scripted next hop: SMTP or LMTP server that says what a test wants and keeps every byte.

    hop = FakeNextHop(replies={"RCPT:<b@x>": "550 5.1.1 unknown", ".": ["451 4.3.0 later", "250 2.0.0 Ok: queued as Q1"]})
    ... "smtp:[127.0.0.1]:%d" % hop.port ...
    hop.mails[0].body; hop.sessions[0].commands; hop.stop()

Keys of `replies`: "CONNECT", a verb ("EHLO", "MAIL", "RSET" ...), "RCPT:<address>", "." (after the data; LMTP: for each recipient),
".:<address>" (LMTP), "BODY" (when the first bytes of a mail have come, before the dot; no default).
Values: a reply ("250 x", several lines joined by "\\n"), CLOSE, HANG, RESET, Raw(bytes), Delay(seconds, value), Slow(reply) for one byte
at a time, Then(value, value) for both, a function of (session, line) that returns a value, None for the default; a list is used
up one value per occasion, its last one stays.  Everything is on loopback or a unix socket.
"""
import os
import socket
import struct
import threading
import time

CLOSE, HANG, RESET = "CLOSE", "HANG", "RESET"
ALL_OFFERS = ("PIPELINING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "AUTH PLAIN",
              "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")


class Raw:
    def __init__(self, data):
        self.data = data


class Delay:
    def __init__(self, seconds, then):
        self.seconds, self.then = seconds, then


class Slow:
    def __init__(self, reply, pause=0.001):
        self.reply, self.pause = reply, pause


class Then:
    def __init__(self, *values):
        self.values = values


class Gone(Exception):
    pass


class Mail:
    def __init__(self, mail_line):
        self.mail_line = mail_line
        self.rcpt_lines, self.recipients = [], []
        self.raw = b""        # as on the wire, with stuffed dots and the final one
        self.body = b""       # without them
        self.complete = False

    def unstuff(self):
        lines = self.raw[:-3].split(b"\r\n")
        self.body = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
        self.complete = True


class Session:
    def __init__(self, hop, conn):
        self.hop, self.conn = hop, conn
        self.pending = b""
        self.received = b""
        self.chunks = []      # what each read brought
        self.commands = []    # lines without CRLF, as text
        self.mails = []       # complete or not
        self.current = None
        self.closed = False

    # -- wire

    def read(self):
        try:
            data = self.conn.recv(262144)
        except OSError:
            data = b""
        if not data:
            raise Gone
        if self.hop.keep_bytes:
            self.received += data
            self.chunks.append(data)
        self.pending += data

    def line(self):
        while b"\n" not in self.pending:
            self.read()
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def send(self, data):
        try:
            self.conn.sendall(data)
        except OSError:
            raise Gone from None

    # -- replies

    def reply(self, value, default, line=""):
        if callable(value):
            value = value(self, line)
        if value is None:
            value = default
        if value is None:
            return
        if isinstance(value, Then):
            for one in value.values:
                self.reply(one, default, line)
        elif isinstance(value, Delay):
            if self.hop.stopping.wait(value.seconds):
                raise Gone
            self.reply(value.then, default, line)
        elif isinstance(value, Raw):
            self.send(value.data)
        elif isinstance(value, Slow):
            for byte in as_lines(value.reply):
                self.send(bytes([byte]))
                time.sleep(value.pause)
        elif value == CLOSE:
            raise Gone
        elif value == RESET:
            self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone
        elif value == HANG:
            self.hop.stopping.wait()
            raise Gone
        else:
            self.send(as_lines(value))

    def answer(self, key, default, line="", second=None):
        value = self.hop.next_value(second) if second else None
        self.reply(value if value is not None else self.hop.next_value(key), default, line)

    # -- the dialogue

    def run(self):
        self.answer("CONNECT", "220 fake.example ESMTP")
        while True:
            line = self.line()
            self.commands.append(line)
            verb = line.split(" ", 1)[0].split(":")[0].upper()
            getattr(self, "do_" + verb.lower(), self.do_other)(verb, line)

    def do_other(self, verb, line):
        self.answer(verb, "250 2.0.0 Ok", line)

    def do_ehlo(self, verb, line):
        lines = ["250-fake.example"] + ["250-" + offer for offer in self.hop.offers]
        lines[-1] = "250 " + lines[-1][4:]
        self.answer(verb, "\n".join(lines), line)

    do_lhlo = do_ehlo

    def do_rset(self, verb, line):
        self.current = None
        self.answer(verb, "250 2.0.0 Ok", line)

    def do_mail(self, verb, line):
        if self.current:
            self.send(b"503 5.5.1 nested MAIL\r\n")
            return
        mail = Mail(line)
        if self.said(lambda: self.answer(verb, "250 2.1.0 Ok", line)):
            self.current = mail

    def do_rcpt(self, verb, line):
        if not self.current:
            self.send(b"503 5.5.1 need MAIL\r\n")
            return
        address = line.split(":", 1)[1].split(" ", 1)[0]
        if self.said(lambda: self.answer(verb, "250 2.1.5 Ok", line, "RCPT:" + address)):
            self.current.rcpt_lines.append(line)
            self.current.recipients.append(address.strip("<>"))

    def said(self, action):
        """Did the action send a 2xx?"""
        sent, original = [], self.send
        self.send = lambda data: (sent.append(data), original(data))
        try:
            action()
        finally:
            self.send = original
        return b"".join(sent).startswith(b"2")

    def do_data(self, verb, line):
        mail = self.current
        if not mail or not mail.recipients:
            self.answer("DATA-EMPTY", "554 5.5.1 Error: no valid recipients", line)
            return
        sent, original = [], self.send
        self.send = lambda data: (sent.append(data), original(data))
        try:
            self.answer(verb, "354 go ahead", line)
        finally:
            self.send = original
        if b"".join(sent).startswith(b"354"):
            self.take_body(mail)

    def take_body(self, mail):
        self.mails.append(mail)
        parts, tail, early = [], b"\r\n", False
        while True:
            if not self.pending:
                self.read()
            if not early:
                early = True
                self.answer("BODY", None)
            data, self.pending = self.pending, b""
            window = tail + data
            end = window.find(b"\r\n.\r\n")
            if end >= 0:
                used = end + 5 - len(tail)
                parts.append(data[:used])
                self.pending = data[used:]
                break
            parts.append(data)
            tail = window[-4:]
        mail.raw = b"".join(parts)
        mail.unstuff()
        self.current = None
        self.hop.took(mail)
        if self.hop.lmtp:
            for recipient in mail.recipients:
                self.answer(".", "250 2.1.5 <%s> Ok: queued as %s" % (recipient, self.hop.queue_id()), "", ".:<%s>" % recipient)
        else:
            self.answer(".", "250 2.0.0 Ok: queued as %s" % self.hop.queue_id())

    def do_quit(self, verb, line):
        self.answer(verb, "221 2.0.0 Bye", line)
        raise Gone


def as_lines(reply):
    lines = reply.split("\n")
    return "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")


class FakeNextHop:
    def __init__(self, lmtp=False, path=None, host="127.0.0.1", port=0, offers=ALL_OFFERS, replies=None, keep_bytes=True):
        self.lmtp, self.path, self.offers = lmtp, path, list(offers)
        self.replies = dict(replies or {})
        self.keep_bytes = keep_bytes
        self.sessions, self.mails = [], []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.count = 0
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
        self.listener.listen(64)
        self.port = None if path else self.listener.getsockname()[1]
        scheme = "lmtp" if lmtp else "smtp"
        self.method = "%s:%s" % (scheme, path) if path else "%s:[%s]:%d" % (scheme, host, self.port)
        threading.Thread(target=self.accept, daemon=True).start()

    def next_value(self, key):
        with self.lock:
            value = self.replies.get(key)
            if isinstance(value, list):
                return value.pop(0) if len(value) > 1 else value[0]
            return value

    def queue_id(self):
        with self.lock:
            self.count += 1
            return "FAKE%04d" % self.count

    def took(self, mail):
        with self.lock:
            self.mails.append(mail)

    def accept(self):
        while not self.stopping.is_set():
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            if self.stopping.is_set():
                conn.close()
                return
            if not self.path:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, conn)
            self.sessions.append(session)
            threading.Thread(target=self.serve, args=(session,), daemon=True).start()

    def serve(self, session):
        try:
            session.run()
        except Gone:
            pass
        finally:
            try:
                session.conn.close()
            except OSError:
                pass
            session.closed = True

    def wait(self, condition, seconds=10):
        """Wait until condition() holds: what a server sees comes later than what a client has done."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def hang_up(self):
        """Close every session from this side, as a server does that is restarted."""
        for session in list(self.sessions):
            try:
                session.conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.stopping.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.hang_up()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)


if __name__ == "__main__":
    import sys
    hop = FakeNextHop(lmtp="--lmtp" in sys.argv, port=int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 0)
    print(hop.method, flush=True)
    threading.Event().wait()
