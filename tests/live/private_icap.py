"""private_icap.py - a c-icap of the test's own: its folder, its port on loopback, the virus_scan module with a clamd of the test's own."""
import glob
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import private_clamd  # noqa: E402
import probe  # noqa: E402

CONFIGURATION = """PidFile {folder}/c-icap.pid
CommandsSocket {folder}/c-icap.ctl
Port 127.0.0.1:{port}
StartServers 1
MaxServers 2
MinSpareThreads 2
MaxSpareThreads 4
ThreadsPerChild 4
Timeout 30
TmpDir {folder}/tmp
ServerLog {folder}/server.log
AccessLog {folder}/access.log
LoadMagicFile {magic}
ModulesDir {modules}
ServicesDir {modules}
TemplateDir {templates}
TemplateDefaultLanguage en
Module common clamd_mod.so
clamd_mod.ClamdSocket {clamd}
Service antivirus_module virus_scan.so
virus_scan.DefaultEngine clamd
virus_scan.ScanFileTypes {types}
virus_scan.StartSendPercentDataAfter 100M
virus_scan.Allow204Responces on
virus_scan.PassOnError off
virus_scan.MaxObjectSize 100M
"""


def find():
    """The program, its magic file and the folder of its modules; None where something is missing."""
    program = shutil.which("c-icap", path="/usr/local/bin:/usr/bin:/usr/sbin")
    magic = glob.glob("/etc/c-icap/c-icap.magic")
    modules = [os.path.dirname(m) for m in glob.glob("/usr/lib/*/c_icap/virus_scan.so")
               if os.path.exists(os.path.join(os.path.dirname(m), "clamd_mod.so"))]
    return (program, magic[0], modules[0]) if program and magic and modules and private_clamd.find() else None


def skip_without_icap():
    if not find():
        print("1..0 # SKIP no c-icap with virus_scan and clamd on this machine")
        sys.exit(0)


class Icap:
    """types: which it looks at; by default as Debian has it."""

    def __init__(self, types="TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE"):
        self.clamd = private_clamd.Clamd()
        self.folder = probe.Folder()
        os.chmod(self.folder.path, 0o755)
        os.mkdir(self.folder.join("tmp"))
        self.port = private_clamd.free_port()
        self.address = "127.0.0.1:%d" % self.port
        program, magic, modules = find()
        configuration = CONFIGURATION.format(folder=self.folder.path, port=self.port, magic=magic, modules=modules, clamd=self.clamd.socket, types=types,
                                             templates="/usr/share/c_icap/templates/")
        path = self.folder.file("c-icap.conf", configuration.encode())
        with open(self.folder.join("out"), "ab") as out:
            self.process = subprocess.Popen([program, "-N", "-f", path], stdout=out, stderr=out)
        self.wait()

    def wait(self):
        until = time.monotonic() + 20
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop(self.log())

    def log(self):
        text = ""
        for name in ("out", "server.log"):
            if os.path.exists(self.folder.join(name)):
                with open(self.folder.join(name), encoding="utf-8", errors="replace") as f:
                    text += f.read()
        return text

    def stop(self, failure=None):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.clamd.stop()
        self.folder.__exit__()
        if failure is not None:
            raise RuntimeError("c-icap does not start: " + failure)
