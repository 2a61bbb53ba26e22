"""client.py - an MTA's queue for fault tests: retries each mail until every recipient of it is acknowledged.

It keeps what every attempt heard, because that is what a duplicate is explained
by.  A kept connection that turns out to be closed (or says 421) before anything
of the mail was accepted costs a new connection, not an attempt: MTAs do the
same."""
import asyncio
import base64
import heapq
import random
import re
import time

from house import EICAR

LOG_ID = re.compile(r"\bid=([0-9]+-[0-9A-Za-z-]+)")


class Attempt:
    def __init__(self):
        self.start, self.end, self.outcome, self.log_id = time.monotonic(), None, None, None


class Mail:
    def __init__(self, identity, kind, recipients, body):
        self.identity, self.kind, self.recipients, self.body = identity, kind, recipients, body
        self.pending = list(recipients)
        self.attempts = []

    def data(self):
        """A try's bytes: the topmost Received field is a new one each time, as behind a real MTA."""
        received = "Received: from client by mta.example.org; try %d\r\n" % len(self.attempts)
        return received.encode() + self.body


def clean_text(rng, size):
    line = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz .") for _ in range(70))
    lines = [line, ".a line with a dot in front", "..and two"] + [line[k % 70:] + line[:k % 70] for k in range(size // 72)]
    return "\r\n".join(lines).encode() + b"\r\n"


def make_mail(number, kind, rng):
    """kind: clean, three (three recipients), eicar."""
    identity = "%s-%05d" % (kind, number)
    recipients = ["%s%d@example.com" % (identity, k) for k in range(3 if kind == "three" else 1)]
    text = clean_text(rng, rng.choice((200, 4000, 4000, 100000)))
    head = "X-Fault-Id: %s\r\nFrom: <a@example.org>\r\nTo: <%s>\r\nSubject: %s\r\nDate: Sat, 21 Nov 2026 04:00:00 +0000\r\nMessage-ID: <%s@example.org>\r\nMIME-Version: 1.0\r\n" % (
        identity, recipients[0], identity, identity)
    if kind != "eicar":
        return Mail(identity, kind, recipients, head.encode() + b"\r\n" + text)
    mixed = "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain\r\n\r\n"
    attached = "--=_b\r\nContent-Type: application/octet-stream; name=eicar.com\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--=_b--\r\n" % (
        base64.b64encode(EICAR).decode())
    return Mail(identity, kind, recipients, head.encode() + mixed.encode() + text + attached.encode())


class Lost(Exception):
    """The connection is gone."""


class Session:
    """One connection, SMTP or LMTP."""
    def __init__(self, port, lmtp):
        self.port, self.lmtp = port, lmtp
        self.reader = self.writer = None
        self.mails = 0

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        await self.reply()
        self.writer.write(b"LHLO client.example.org\r\n" if self.lmtp else b"EHLO client.example.org\r\n")
        await self.reply()

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None
        self.mails = 0

    async def reply(self):
        try:
            lines = []
            while True:
                line = await self.reader.readline()
                if not line.endswith(b"\n"):
                    raise Lost
                lines.append(line.decode().rstrip("\r\n"))
                if line[3:4] != b"-":
                    break
        except ConnectionError as e:
            raise Lost from e
        if lines[-1].startswith("421"):
            raise Lost
        return lines[-1]

    async def send(self, mail):
        """[(recipient, reply)]; Stale when the connection was none any more."""
        recipients = list(mail.pending)
        commands = ["MAIL FROM:<a@example.org>"] + ["RCPT TO:<%s>" % r for r in recipients] + ["DATA"]
        self.writer.write("".join(c + "\r\n" for c in commands).encode())
        try:
            first = await self.reply()
        except Lost as e:
            raise Stale from e
        mail.attempts.append(Attempt())
        self.mails += 1
        answers = [await self.reply() for _ in recipients]
        data = await self.reply()
        if not data.startswith("354"):
            return [(r, data if a[0] == "2" else a) for r, a in zip(recipients, answers)] if first[0] == "2" else [(r, first) for r in recipients]
        taken = [r for r, a in zip(recipients, answers) if a[0] == "2"]
        self.writer.write(mail.data().replace(b"\r\n.", b"\r\n..") + b".\r\n")
        outcome = [(r, a) for r, a in zip(recipients, answers) if a[0] != "2"]
        if self.lmtp:
            for r in taken:
                outcome.append((r, await self.reply()))
        else:
            last = await self.reply()
            outcome += [(r, last) for r in taken]
        return outcome


class Stale(Exception):
    """A kept connection was closed before the mail began."""


class Queue:
    """New mails are let go as the test wants them; retries come back after a pause."""
    def __init__(self, mails, lmtp, port, concurrency, rng):
        self.new, self.retries, self.order = list(reversed(mails)), [], 0
        self.mails, self.lmtp, self.port, self.concurrency, self.rng = mails, lmtp, port, concurrency, rng
        self.released = self.taken = self.in_hand = self.done = 0
        self.answers_4xx, self.connections_lost, self.stale, self.refused = 0, 0, 0, []
        self.enough = False
        self.make_more = None

    def release(self, count):
        self.released += count

    def waiting(self):
        return self.in_hand + len(self.retries) + max(0, min(self.released - self.taken, len(self.new)))

    def next(self):
        if self.retries and self.retries[0][0] <= time.monotonic():
            return heapq.heappop(self.retries)[2]
        if self.taken >= self.released:
            return None
        if not self.new and self.make_more and not self.enough:
            self.new.append(self.make_more())
            self.mails.append(self.new[0])
        if not self.new:
            return None
        self.taken += 1
        return self.new.pop()

    def take_outcome(self, mail, outcome):
        texts = sorted({reply for _, reply in outcome})
        mail.attempts[-1].outcome = " | ".join(texts)
        for recipient, reply in outcome:
            if reply[0] == "2":
                mail.pending.remove(recipient)
            elif reply[0] == "5":
                self.refused.append((mail.identity, reply))
                mail.pending.remove(recipient)
        self.answers_4xx += any(reply[0] == "4" for _, reply in outcome)
        found = LOG_ID.search(mail.attempts[-1].outcome)
        mail.attempts[-1].log_id = found.group(1) if found else None

    async def try_once(self, session, mail):
        tries = len(mail.attempts)
        try:
            if not session.writer:
                await session.open()
            self.take_outcome(mail, await session.send(mail))
        except Stale:
            self.stale += 1
            session.close()
        except (Lost, OSError):
            session.close()
            if len(mail.attempts) > tries:
                mail.attempts[-1].outcome = "connection lost"
                self.connections_lost += 1
            else:
                self.stale += 1
                await asyncio.sleep(0.02)
        if len(mail.attempts) > tries:
            mail.attempts[-1].end = time.monotonic()

    def put_back(self, mail, tried):
        if not mail.pending:
            self.done += 1
            return
        pause = 0.0 if not tried else min(2.0, 0.2 * 2 ** len(mail.attempts)) * self.rng.uniform(0.7, 1.3)
        self.order += 1
        heapq.heappush(self.retries, (time.monotonic() + pause, self.order, mail))

    async def one_client(self):
        session = Session(self.port, self.lmtp)
        keep = self.rng.randrange(1, 12)
        while not self.enough or self.done < len(self.mails):
            mail = self.next()
            if not mail:
                await asyncio.sleep(0.005)
                continue
            self.in_hand += 1
            tries = len(mail.attempts)
            await self.try_once(session, mail)
            self.in_hand -= 1
            self.put_back(mail, len(mail.attempts) > tries)
            if session.mails >= keep:
                session.close()
                keep = self.rng.randrange(1, 12)
        session.close()

    async def run(self):
        await asyncio.gather(*(self.one_client() for _ in range(self.concurrency)))


def kinds(count, rng):
    row = [("clean", "three", "eicar")[k % 3] for k in range(count)]
    rng.shuffle(row)
    return row


def rng_from(seed):
    return random.Random(seed)
