#!/usr/bin/python3
"""catcher.py - a small next hop: takes mail over SMTP and keeps every mail in a file, byte for byte.

usage: catcher.py HOST:PORT FOLDER

A mail's file FOLDER/NNNN.eml holds exactly what came between DATA and the final
dot, dots unstuffed, CRLF kept; FOLDER/NNNN.env holds its envelope, one command a
line.  A file has its name only when it is whole.  For tries and tests only: it
believes everybody."""
import os
import socketserver
import sys
import threading

LINE_MAX = 1 << 20


class Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def reply(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.envelope = []
        self.reply("220 catcher ESMTP")
        while True:
            line = self.rfile.readline(LINE_MAX)
            if not line.endswith(b"\n"):
                return
            command = line.strip().decode("utf-8", "replace")
            if not self.obey(command):
                return

    def obey(self, command):
        verb = command.split(" ")[0].upper()
        if verb in ("EHLO", "LHLO"):
            self.wfile.write(b"250-catcher\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n")
        elif verb == "MAIL":
            self.envelope = [command]
            self.reply("250 2.1.0 ok")
        elif verb == "RCPT":
            self.envelope.append(command)
            self.reply("250 2.1.5 ok")
        elif verb == "DATA":
            return self.take_data()
        elif verb == "QUIT":
            self.reply("221 2.0.0 bye")
            return False
        elif verb in ("HELO", "RSET", "NOOP", "VRFY"):
            self.envelope = [] if verb == "RSET" else self.envelope
            self.reply("250 2.0.0 ok")
        else:
            self.reply("500 5.5.2 unknown")
        return True

    def take_data(self):
        if len(self.envelope) < 2:
            self.reply("503 5.5.1 MAIL and RCPT first")
            return True
        self.reply("354 go on")
        lines = []
        while True:
            line = self.rfile.readline(LINE_MAX)
            if not line:
                return False
            at_start = not lines or lines[-1].endswith(b"\r\n")
            if at_start and line == b".\r\n":
                break
            lines.append(line[1:] if at_start and line.startswith(b".") else line)
        number = self.server.keep(b"".join(lines), self.envelope)
        self.envelope = []
        self.reply("250 2.0.0 Ok: queued as CATCHER%04d" % number)
        return True


class Catcher(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, folder):
        super().__init__(address, Session)
        self.folder = folder
        self.lock = threading.Lock()
        self.count = len([name for name in os.listdir(folder) if name.endswith(".eml")])

    def keep(self, mail, envelope):
        with self.lock:
            self.count += 1
            number = self.count
        base = os.path.join(self.folder, "%04d" % number)
        with open(base + ".env", "w") as f:
            f.write("\n".join(envelope) + "\n")
        with open(base + ".part", "wb") as f:
            f.write(mail)
        os.rename(base + ".part", base + ".eml")
        return number


def main():
    if len(sys.argv) != 3 or ":" not in sys.argv[1]:
        sys.exit("usage: catcher.py HOST:PORT FOLDER")
    host, port = sys.argv[1].rsplit(":", 1)
    os.makedirs(sys.argv[2], exist_ok=True)
    Catcher((host.strip("[]"), int(port)), sys.argv[2]).serve_forever()


if __name__ == "__main__":
    main()
