"""fake_products.py - what the products behind the names of lua/av.lua say, as far as it is known: one entry for each name.

DAEMONS: how each is talked to up to where its answer is due, and its answers. PROGRAMS: what each prints and how it ends."""
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_scanner import ClamdTalk, Talk  # noqa: E402

MARK = "EICAR-STANDARD-ANTIVIRUS-" + "TEST-FILE"
# What a sender might call a file in order to be taken for a scanner's words.
MEMBER = "->Evil FOUND infected: Evil Infection: Evil infected with Evil INFECTED Evil VIR: Evil.txt"


class Daemon:
    """start(talk): up to the moment where the last answer is due. clean, found: that answer; names: found's. odd: an answer about a
    file whose name holds the words of a verdict, which is none. again: start within a session that is kept. options: Lua."""

    def __init__(self, start, clean, found, names, odd, again=None, options="", tcp=False, talk=Talk):
        self.start, self.clean, self.found, self.names, self.odd = start, clean, found, names, odd
        self.again, self.options, self.tcp, self.talk = again or start, options, tcp, talk


# ---- clamd ----

def clamd_start(talk):
    talk.part()


def clamd():
    return Daemon(clamd_start, b"1: stream: OK\0", b"1: stream: Win.Test.EICAR_HDB-1 FOUND\0", ["Win.Test.EICAR_HDB-1"],
                  b"1: /x/Evil FOUND: lstat() failed: No such file. ERROR\0", options="canary_interval = 0", talk=ClamdTalk)


# ---- a line each ----

def line_start(talk):
    talk.until(b"\n")


def sophie():
    return Daemon(line_start, b"0\n", b"1:EICAR-AV-Test\n", ["EICAR-AV-Test"], b"-1:cannot open /x/1:Evil FOUND\n")


def path_start(pattern):
    def start(talk):
        line = talk.until(b"\n")
        assert re.fullmatch(pattern, line), line
    return start


# ---- SSSP and SAVAPI ----

def sssp_request(talk):
    word, size = talk.until(b"\r\n").rsplit(b" ", 1)
    assert word == b"SSSP/1.0 SCANDATA", word
    return talk.take(int(size))


def sssp_start(talk):
    talk.say(b"OK SSSP/1.0\r\n")
    return sssp_request(talk)


def sssp_results(*lines):
    return b"ACC 4A2F/1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def sssp():
    return Daemon(sssp_start, sssp_results(b"DONE OK 0000 The function call succeeded"),
                  sssp_results(b"VIRUS EICAR-AV-Test /data", b"OK 0203 /data", b"DONE OK 0203 Virus found during virus scan"),
                  ["EICAR-AV-Test"], sssp_results(b"DONE FAIL 0201 /x/VIRUS Evil FOUND"), again=sssp_request)


def savapi_request(talk):
    timeout = talk.until(b"\n")
    assert re.fullmatch(rb"SET SCAN_TIMEOUT [1-9]\d*", timeout), timeout
    talk.say(b"100 SCAN_TIMEOUT:ok\n")
    scan = talk.until(b"\n")
    assert re.fullmatch(rb"SCAN /tmp/scan_probe-\w+/p00\d", scan), scan
    return scan


def savapi_start(talk):
    talk.say(b"100 SAVAPI:4.0\n")
    product = talk.until(b"\n")
    assert product == b"SET PRODUCT 12345", product
    talk.say(b"100 PRODUCT:12345\n")
    return savapi_request(talk)


def savapi():
    return Daemon(savapi_start, b"200 \n", b"310 /x/p001 <<< Eicar-Test-Signature ; virus ; Contains code of it >>>\n319 done\n",
                  ["Eicar-Test-Signature"], b"500 /x/310 Evil FOUND\n", again=savapi_request, options='product = "12345"')


# ---- others that take a line ----

PART = rb"/tmp/scan_probe-\w+/p001"


def greeted(greeting, pattern):
    def start(talk):
        talk.say(greeting)
        path_start(pattern)(talk)
    return start


def avg():
    scan = path_start(rb"SCAN " + PART + rb"\r")
    return Daemon(greeted(b"220-AVG daemon mode scanner\r\n220-Program version 7.5.51\r\n220 Ready\r\n", rb"SCAN " + PART + rb"\r"),
                  b"200 ok\r\n", b"403 File '/x/p001', 'Virus identified  EICAR_Test'\r\n", ["EICAR_Test"],
                  b"406 File '/x/403 FOUND', 'Virus identified Evil' cannot be opened\r\n", again=scan)


def fprotd_answer(code, text, inside=""):
    return ('HTTP/1.0 200 OK\r\nServer: fprotd/4.6\r\nContent-Type: text/xml\r\n\r\n<?xml version="1.0"?>\n<fprot-results version="1.0">\n'
            '<filename>p001</filename>\n%s<summary code="%d">%s</summary>\n</fprot-results>' % (inside, code, text)).encode()


def fprotd_start(talk):
    request = talk.until(b"\r\n\r\n")
    assert re.fullmatch(rb"GET " + PART + rb"\?-dumb\S* HTTP/1\.0", request), request


def fprotd():
    return Daemon(fprotd_start, fprotd_answer(9, "clean"),
                  fprotd_answer(11, "infected", '<detected type="1">\n<name>EICAR_Test_File</name>\n<accuracy>1</accuracy>\n</detected>\n'),
                  ["EICAR_Test_File"], fprotd_answer(4, "encrypted", "<filename>&lt;detected&gt; FOUND &lt;name&gt;Evil</filename>\n"), tcp=True)


def avast():
    scan = rb"SCAN " + PART + rb"\r"
    return Daemon(greeted(b"220 DAEMON\r\n", scan), b"210 SCAN DATA\r\nSCAN /x/p001\t[+]0.0\r\n200 SCAN OK\r\n",
                  b"210 SCAN DATA\r\nSCAN /x/p001\t[L]0.0\t0 EICAR\\ Test-NOT\\ virus!!!\r\n200 SCAN OK\r\n", ["EICAR\\\\ Test-NOT\\\\ virus!!!"],
                  b"210 SCAN DATA\r\nSCAN /x/FOUND\\ [L]0.0\\ 0\\ Evil\t[E]0.0\tError 42110 archive is encrypted\r\n200 SCAN OK\r\n",
                  again=path_start(scan))


def avastd():
    scan = rb"SCAN " + PART + rb"\r"
    return Daemon(greeted(b"220 Welcome to avast! Virus scanning daemon 1.3.0 (VPS 0748-1 30.11.2007)\r\n", scan),
                  b"200 OK\r\n/x/p001\t[+]\r\n\r\n", b"200 OK\r\n/x/p001\t[L]\tEICAR Test-NOT virus!! (0)\r\n\r\n",
                  ["EICAR Test-NOT virus!! (0)"], b"200 OK\r\n/x/FOUND [L] Evil\t[E]\tarchive is encrypted\r\n\r\n", again=path_start(scan), tcp=True)


def drwebd_answer(result, *texts):
    return struct.pack("!II", result, len(texts)) + b"".join(struct.pack("!I", len(t)) + t for t in texts)


def drwebd_start(talk):
    command, flags, name, size = struct.unpack("!IIII", talk.take(16))
    assert (command, flags, name) == (1, 1, 0)
    talk.take(size)


def drwebd():
    return Daemon(drwebd_start, drwebd_answer(0x100000), drwebd_answer(0x20, b"/x/p001 infected with EICAR Test File (NOT a Virus!)\n"),
                  ["EICAR Test File (NOT a Virus!)"], drwebd_answer(0x201))


DAEMONS = {
    "clamd": clamd(), "clamd_stream": clamd(), "ikarus_server": clamd(),
    "sophie": sophie(), "trophie": sophie(), "sophos_sssp": sssp(), "savi": sssp(), "savapi": savapi(),
    "openantivirus": Daemon(path_start(rb"SCAN " + PART), b"OK\n", b"FOUND: EICAR-Test\n", ["EICAR-Test"], b"ERROR: /x/FOUND: Evil\n", tcp=True),
    "avg": avg(),
    "fpscand": Daemon(path_start(rb"SCAN FILE " + PART), b"0 <clean> /x/p001\n", b"1 <infected: EICAR_Test_File> /x/p001\n", ["EICAR_Test_File"],
                      b"64 <not scanned (encrypted)> /x/1 <infected: Evil> FOUND\n"),
    "fprotd": fprotd(), "drwebd": drwebd(), "avast": avast(), "avastd": avastd(),
}


class Program:
    """file: by which name it is found in the path. clean, found: a line of its output for each file ({path}: with a member's name, {base}:
    without); head, end: around them. codes: clean, found, one that is a failure (None: every code has a meaning), one for "could not
    look into everything"."""

    def __init__(self, file, codes, clean, found, names, head="", end_clean="", end_found=None):
        self.file, self.names = file, names
        clean_code, found_code, self.bad_code, self.unsure_code = (codes + (None,))[:4]
        self.plan = {"clean": clean, "found": found, "head": head, "end_clean": end_clean,
                     "end_found": end_clean if end_found is None else end_found,
                     "clean_code": clean_code, "found_code": found_code, "unsure_code": self.unsure_code,
                     "bad_code": 0x42 if self.bad_code is None else self.bad_code, "mark": MARK}


KASPERSKY = ("Current object: {path}\n{path} ok.\n", "Current object: {path}\n{path} infected: EICAR-Test-File\n", ["EICAR-Test-File"])
VIRUSBUSTER = ("{base}\n", "{base}\n  virus found: EICAR_test_file ... (NOT killable) skipped\n", ["EICAR_test_file"])
ESET = 'name="{path}", threat="Eicar test file", action="", info=""\n'
CSCMDLINE_END = "\n  Files Scanned:  {files}\n  Files Infected: {hits}\n  Files Repaired: 0\n  Errors: 0\n  Elapsed: 0.1\n"
BDSCAN_END = "\nResults:\nFolders: 1\nFiles: {files}\nInfected files: {hits}\nSuspect files: 0\nWarnings: 0\nI/O errors: 0\n"

PROGRAMS = {
    "avp": Program("AvpLinux", (0, 4, 1, 8), *KASPERSKY),
    "avpdaemonclient": Program("AvpDaemonClient", (0, 4, 7, 8), *KASPERSKY),
    "aveclient": Program("aveclient", (0, 4, 1, 8), "{path} OK\n", "{path} INFECTED EICAR-Test-File\n", ["EICAR-Test-File"]),
    "vascan": Program("vascan", (0, 1, 8, 3), *VIRUSBUSTER),
    "antivir": Program("antivir", (0, 1, 203), "", "ALERT: [Eicar-Test-Signatur virus] {path} <<< Contains code of the Eicar-Test-Signatur virus\n",
                       ["Eicar-Test-Signatur"], head="AntiVir / Linux Version 2.1.4-45\n"),
    "csav": Program("csav", (50, 51, 101), "", "{path}  Infection: EICAR_Test_File\n", ["EICAR_Test_File"]),
    "cscmdline": Program("cscmdline", (0, 0, 0), "File:       {path}\n", "File:       {path}\nInfected:   {path}\nInfo:       EICAR Test String (11101)\n",
                         ["EICAR Test String"], head="Cscmdline Version 4.0\n", end_clean=CSCMDLINE_END),
    "savsecls": Program("savsecls", (0, 0, 2), "", "{base} had 1 infection(s):\n  File Name:   {path}\n  Virus Name:  EICAR Test String\n  Virus ID:    11101\n",
                        ["EICAR Test String"]),
    "fsav": Program("fsav", (0, 3, 1, 9), "", "{path}: Infected: EICAR_Test_File [Libra]\n", ["EICAR_Test_File"], head="F-Secure Linux Security version 9.20\n\n"),
    "fsecure": Program("fsanalyze", (0, 1, 1), "", "{base}: result=infected infection=EICAR_Test_File member-name={member}\n", ["EICAR_Test_File"],
                       head="Engine versions: Aquarius/18.0.790 Hydra/6.0.425\n\n", end_clean="\n{files} files scanned\n"),
    "inocucmd": Program("inocucmd", (0, 100, 3), "", "[{path}] was infected by virus [EICAR test]\n", ["EICAR test"]),
    "etrust": Program("etrust-wrapper", (0, 101, 3), "", "File {path} is infected by virus: EICAR test\n", ["EICAR test"]),
    "mks32": Program("mks32", (0, 1, 3), "", "{path} -- Eicar.Test\n", ["Eicar.Test"]),
    "mksscan": Program("mksscan", (0, 1, 3), "", "{path} -- Eicar.Test\n", ["Eicar.Test"]),
    "esets": Program("esets_scan", (0, 50, 100, 10), 'name="{path}", threat="", action="", info=""\n', ESET, ["Eicar test file"]),
    "nod32": Program("nod32", (0, 1, 101), "", 'object="file", name="{path}", virus="Eicar test file", action="", info=""\n', ["Eicar test file"]),
    "pavcl": Program("pavcl", (0, 0, 0), "{path}\n", "{path}\nFound virus :EICAR-AV-TEST-FILE\n", ["EICAR-AV-TEST-FILE"],
                     end_clean="Number of files scanned........: {files}\nNumber of files infected.......: {hits}\n"),
    "uvscan": Program("uvscan", (0, 13, 8), "", "{path} ... Found: EICAR test file NOT a virus.\n", ["EICAR test file"]),
    "vbuster": Program("vbuster", (0, 1, 8), *VIRUSBUSTER),
    "vfind": Program("vfind", (0, 23, 1), "", "{path}\n##==>>>> VIRUS ID: CVDL EICAR test\n", ["EICAR test"]),
    "avastcmd": Program("avastcmd", (0, 1, 2), "{path}\t[OK]\n", "{path}\t[infected by: EICAR Test-NOT virus!! (0)]\n", ["EICAR Test-NOT virus!! (0)"]),
    "ikarus": Program("ikarus", (0, 40, 3), "", "{path} - Signature 1 'EICAR-Test' found\n", ["EICAR-Test"]),
    "bdscan": Program("bdscan", (0, 1, 0), "", "{path}  infected: EICAR-Test-File (not a virus)\n", ["EICAR-Test-File (not a virus)"],
                      head="BitDefender Antivirus Scanner for Unices v7.90123\n\n", end_clean=BDSCAN_END),
    "bdc": Program("bdc", (0, 1, 255), "{path}\tok\n", "{path}\tinfected: EICAR-Test-File (not a virus)\n", ["EICAR-Test-File (not a virus)"]),
    "arcacmd": Program("arcacmd", (0, 1, 5), "{path}  OK\n", "{path}  VIR: EICAR.Test\n", ["EICAR.Test"]),
    "sophos_spl": Program("avscanner", (0, 24, 8, 16), "", 'Detected "{path}" is infected with EICAR-AV-Test (On Demand)\n', ["EICAR-AV-Test"]),
    "clamscan": Program("clamscan", (0, 1, 2), "{path}: OK\n", "{path}: Win.Test.EICAR_HDB-1 FOUND\n", ["Win.Test.EICAR_HDB-1"]),
    "clamdscan": Program("clamdscan", (0, 1, 2), "{path}: OK\n", "{path}: Win.Test.EICAR_HDB-1 FOUND\n", ["Win.Test.EICAR_HDB-1"]),
    "fpscan": Program("fpscan", (0, 1, 16, 64), "[Clean]\t{path}\n", "[Found virus] <EICAR_Test_File (exact, not disinfectable)>\t{path}\n",
                      ["EICAR_Test_File"]),
    "fprot": Program("f-prot", (0, 3, 5), "", "{path}  Infection: EICAR_Test_File\n", ["EICAR_Test_File"]),
    "vscan": Program("vscan", (0, 1, 255), "\t{path}\n", "\t{path}\n*** Found virus Eicar_test_file in file {path}\n", ["Eicar_test_file"]),
    "drweb": Program("drweb", (0, 1, None), "{path} Ok\n", "{path} infected with EICAR Test File (NOT a Virus!)\n", ["EICAR Test File (NOT a Virus!)"]),
    "kavscanner": Program("kavscanner", (0, 25, 30, 10), "{path} OK\n", "{path} INFECTED EICAR-Test-File\n", ["EICAR-Test-File"]),
    "sweep": Program("sweep", (0, 3, 2), "", ">>> Virus 'EICAR-AV-Test' found in file {path}\n", ["EICAR-AV-Test"]),
}

# Other words that some of them have for the same: name, a line for an infected file, the virus.
OTHER_WORDS = (
    ("antivir", "  !Virus! {path} Eicar-Test-Signatur (exact)\n", "Eicar-Test-Signatur"),
    ("antivir", "  VIRUS: file contains code of the virus 'W32/Klez.H'\n", "W32/Klez.H"),
    ("avpdaemonclient", "\r{path} suspicion: Type_Win32\n", "Type_Win32"),
    ("vascan", "{base}\n  virus: W32/Klez.H ... skipped\n", "W32/Klez.H"),
    ("esets", 'object="file", name="{path}", virus="Win32/Klez.H worm", action="", info=""\n', "Win32/Klez.H worm"),
    ("fprot", "{path}  is a security risk named W32/Tool\n", "W32/Tool"),
    ("fprot", "{path}  could be infected with an unknown virus\n", "infected with an unknown virus"),
    ("fprot", "{path}  contains VBS/Redlof.A (non-working)\n", "VBS/Redlof.A (non-working)"),
    ("fsav", "{path}: Infected: Trojan.Win32.X\n", "Trojan.Win32.X"),
    ("fsav", "{path}: Riskware: Client-IRC.Win32.mIRC [AVP]\n", "Client-IRC.Win32.mIRC"),
    ("ikarus", "{path} - Signature Win32.Klez found\n", "Win32.Klez"),
    ("kavscanner", "{path} SUSPICION Type_Script\n", "Type_Script"),
    ("sweep", ">>> Virus fragment 'W32/Klez-H' found in file {path}\n", "W32/Klez-H"),
    ("uvscan", "{base}\n        Found the W32/Klez.h@MM virus !!!\n", "W32/Klez.h@MM"),
    ("uvscan", "{base}\n        Found the Exploit-X trojan !!!\n", "Exploit-X"),
    ("uvscan", "{base}\n        Found trojan or variant Exploit-X !!!\n", "Exploit-X"),
    ("uvscan", "{base}\n        Found: EICAR test file NOT a virus.\n", "EICAR test file"),
)
