"""sink.py - a next hop for fault tests: SMTP or LMTP, keeps in memory who got which mail, byte by byte comparable.

A (mail, recipient) counts as taken at the moment at which its 250 is written to
a connection whose other end is still there: what comes after is the filter's
responsibility alone.  Behaviour is chosen by hooks, so that a test makes its
window instead of hoping for one."""
import asyncio
import hashlib
import re
import select
import time

IDENTITY = re.compile(rb"^X-Fault-Id: (\S+)\r\n", re.M)


def has_hung_up(writer):
    """What the kernel knows already, even where the loop has not come round to it."""
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))


class Delivery:
    def __init__(self, mail, recipient, at, digest, data):
        self.mail, self.recipient, self.at, self.digest, self.data = mail, recipient, at, digest, data


def body_digest(data):
    return hashlib.sha256(data.partition(b"\r\n\r\n")[2]).hexdigest()


class Sink:
    """Hooks: on_rcpt(address) -> reply or None; before_250(mail, recipients) (a coroutine); after_250(mail, recipients)."""
    def __init__(self, lmtp=False, keep_data=False):
        self.lmtp, self.keep_data = lmtp, keep_data
        self.deliveries = []
        self.refused = 0
        self.dropped = 0            # the filter hung up before its 250
        self.forbidden = None       # bytes that must never arrive
        self.forbidden_seen = []
        self.on_rcpt = self.before_250 = self.after_250 = None
        self.server = None
        self.port = 0
        self.connections = 0

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 26, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def of(self, mail):
        return [d.recipient for d in self.deliveries if d.mail == mail]

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def talk(self, reader, writer):
        def say(text):
            writer.write(text.encode() + b"\r\n")
        recipients = []
        say("220 sink ESMTP")
        while True:
            line = await reader.readline()
            if not line:
                return
            verb = line[:4].upper()
            if verb in (b"EHLO", b"LHLO"):
                say("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
            elif verb == b"MAIL" or verb == b"RSET":
                recipients = []
                say("250 2.1.0 Ok")
            elif verb == b"RCPT":
                address = line.split(b"<", 1)[1].split(b">", 1)[0].decode()
                refusal = self.on_rcpt(address) if self.on_rcpt else None
                if not refusal:
                    recipients.append(address)
                say(refusal or "250 2.1.5 Ok")
            elif verb == b"DATA":
                if not recipients:
                    say("554 5.5.1 no valid recipients")
                    continue
                say("354 go on")
                if not await self.take(reader, writer, recipients):
                    return
                recipients = []
            elif verb == b"QUIT":
                say("221 2.0.0 bye")
                await writer.drain()
                return
            else:
                say("250 2.0.0 Ok")

    async def take(self, reader, writer, recipients):
        await writer.drain()
        data = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
        found = IDENTITY.search(data)
        mail = found.group(1).decode() if found else "?"
        if self.forbidden and self.forbidden in data:
            self.forbidden_seen.append(mail)
        if self.before_250:
            await self.before_250(mail, recipients)
        if reader.at_eof() or writer.is_closing() or has_hung_up(writer):
            self.dropped += 1
            return False
        digest = body_digest(data)
        writer.write(b"250 2.0.0 Ok: queued as %s\r\n" % mail.encode() * (len(recipients) if self.lmtp else 1))
        at = time.monotonic()
        for recipient in recipients:
            self.deliveries.append(Delivery(mail, recipient, at, digest, data if self.keep_data else None))
        if self.after_250:
            self.after_250(mail, recipients)
        return True
