"""catcher.py - the next hop of daemon tests: FakeNextHop of tests/scenario with what tests of whole mails ask for.

    hop = Catcher()                     # Catcher(lmtp=True), Catcher(path="/x/sock"), replies={...}: see fake_next_hop.py
    hop.method                          # "smtp:[127.0.0.1]:4711", for forward_method
    hop.wait_mails(2); hop.mails[0].body, .header, .below, .fields(), .field("subject"), .sender, .recipients
    hop.down(); hop.up()                # nobody listens at the port; somebody does again
    hop.xforward()                      # attributes of all XFORWARD commands seen, the last wins"""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
from fake_next_hop import ALL_OFFERS, CLOSE, HANG, RESET, Delay, FakeNextHop, Mail, Raw, Slow, Then  # noqa: E402,F401


class Caught:
    """A view of one mail that came whole."""

    def __init__(self, mail):
        self.mail = mail
        self.body = mail.body           # the mail as it was sent, CRLF, dots unstuffed
        self.recipients = mail.recipients
        self.rcpt_lines = mail.rcpt_lines
        self.mail_line = mail.mail_line
        self.sender = mail.mail_line.split("<", 1)[1].split(">", 1)[0]
        self.header, self.below = split_mail(self.body)

    def fields(self):
        """Header fields in order: (lower-case name, raw bytes with name and line ends)."""
        return split_fields(self.header)

    def field(self, name):
        """The unfolded value of the first field of that name, or None."""
        for have, raw in self.fields():
            if have == name.lower():
                return b" ".join(part.strip() for part in raw.split(b":", 1)[1].split(b"\r\n")).strip().decode("utf-8", "replace")
        return None

    def names(self):
        return [name for name, _ in self.fields()]


def split_mail(data):
    """Header with its last CRLF, and what stands below the empty line."""
    if data.startswith(b"\r\n"):
        return b"", data[2:]
    end = data.find(b"\r\n\r\n")
    return (data, b"") if end < 0 else (data[:end + 2], data[end + 4:])


def split_fields(header):
    fields = []
    for line in header.splitlines(keepends=True) if b"\n" in header else [header]:
        if line[:1] in b" \t" and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + line)
        elif line:
            fields.append((line.split(b":", 1)[0].strip().lower().decode("utf-8", "replace"), line))
    return fields


class Catcher(FakeNextHop):
    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        if self.path:
            os.chmod(self.path, 0o777)

    @property
    def caught(self):
        with self.lock:
            return [Caught(m) for m in self.mails if m.complete]

    def wait_mails(self, count, seconds=20):
        """At least so many complete mails; what is there after the time."""
        self.wait(lambda: len([m for m in self.mails if m.complete]) >= count, seconds)
        return self.caught

    def last(self, seconds=20):
        mails = self.wait_mails(1, seconds)
        return mails[-1] if mails else None

    def forget(self):
        with self.lock:
            self.mails.clear()

    def xforward(self):
        attributes = {}
        for session in self.sessions:
            for command in session.commands:
                if command.upper().startswith("XFORWARD "):
                    attributes.update(item.split("=", 1) for item in command[9:].split())
        return attributes

    def down(self):
        """Nobody listens any more, sessions are cut."""
        self.stopping.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.hang_up()

    def up(self):
        """Listen again at the same place."""
        self.stopping = threading.Event()
        if self.path:
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            os.chmod(self.path, 0o777)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
