#!/usr/bin/python3
"""test_daemon_banned.py - banned names and types, bad headers and unchecked mail through the whole daemon: reply, forwarded bytes,
quarantine, log line, for each recipient by its own rules."""
import glob
import io
import json
import os
import re
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
local_domains_maps = { { ".example.com" } }
log_level = 2
banned_filename_re = re { rx([[(?# program )\\.(exe|scr)$]], "i") }
banned_rules.ZIP = re { { [[^\\.zip$]], "no archives" } }
banned_rules.QUIET = re { { [[\\.exe$]], "DISCARD: nobody is told" } }
banned_rules.ALLOWZIP = re { { [[^\\.zip$]], false }, [[\\.exe$]] }
banned_rules.SCRIPT = re { [[\\.js$]] }
banned_rules.SLOW = re { [[^(a+)+$]] }
local own = { ["zip@example.com"] = "ZIP", ["both@example.com"] = "SCRIPT,ZIP", ["quiet@example.com"] = "QUIET",
  ["allow@example.com"] = "ALLOWZIP", ["free@example.com"] = "", ["slow@example.com"] = "SLOW", ["typo@example.com"] = "SCRPIT" }
banned_filename_maps = { function(recipient) return own[recipient] or "DEFAULT" end, { ["more@example.com"] = "SCRIPT" } }
banned_files_lovers_maps = { { ["lover@example.com"] = true } }
bypass_banned_checks_maps = { { ["bypass@example.com"] = true } }
bypass_header_checks_maps = { { ["bypass@example.com"] = true } }
bad_header_lovers_maps = { { ["lover@example.com"] = true } }
final_banned_destiny = D_REJECT
recipient_delimiter = "+"
"""
BANKS = {
    "DISCARD": "{ final_banned_destiny = D_DISCARD }",
    "BOUNCE": "{ final_banned_destiny = D_BOUNCE }",
    "PASS": "{ final_banned_destiny = D_PASS }",
    "PATH": '{ banned_semantics = "path" }',
    "NAMEPATH": '{ banned_filename_maps = {}, banned_namepath_re = re { rx([[\\tT=zip\\tN=a\\.zip\\n.*\\tN=notes\\.txt]]) } }',
    "HEADER": "{ final_bad_header_destiny = D_REJECT }",
    "HEADERBOUNCE": "{ final_bad_header_destiny = D_BOUNCE }",
    "EXTENSION": '{ addr_extension_banned_maps = { "banned" }, addr_extension_bad_header_maps = { "badh" }, final_bad_header_destiny = D_PASS }',
    "NOFIX": "{ allow_fixing_improper_header = false }",
    "TAG": '{ final_unchecked_destiny = D_PASS, undecipherable_subject_tag = "***UNCHECKED _LOGID_*** " }',
    "UNCHECKED": '{ final_unchecked_destiny = D_REJECT, unchecked_quarantine_method = "local:unchecked-%m" }',
}
BANNED = r"^554 5\.7\.0 Reject, id=\S+ - BANNED: program:application/octet-stream,\.txt,setup\.exe$"


def to(*names):
    return [name + "@example.com" for name in names]


def with_file(name, content=b"just text", mime_type="application/octet-stream", extra=b"", subject=b"Subject: a file\r\n"):
    """A mail of a text and a file."""
    import base64
    plain = mail()
    mid = re.search(rb"Message-ID: \S+", plain).group(0)
    return (b"From: a@example.org\r\nTo: b@example.com\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n" + mid + b"\r\n" + subject + extra
            + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nhello\r\n--bb\r\n"
            + b"Content-Type: %s\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            % (mime_type.encode(), name.encode()) + base64.encodebytes(content).replace(b"\n", b"\r\n") + b"--bb--\r\n")


def zipped(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members:
            z.writestr(name, content)
    return out.getvalue()


def line_of(p, data, passed):
    mid = re.escape(re.search(rb"Message-ID: (\S+)", data).group(1).decode())
    return p.wait_log("%s .*%s" % ("Passed" if passed else "Blocked", mid))


def kept(p, pattern):
    return [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(p.quarantine, "**", pattern), recursive=True))]


def names_by_recipient(t, p, hop):
    data = with_file("setup.exe")
    hop.forget()
    replies = send(p.port, data, to("rcpt", "lover", "bypass", "free", "zip"), lmtp=True)
    t.match(replies[0].text, BANNED, "a banned name: refused")
    for i, who in enumerate(["lover", "bypass", "free", "zip"], 1):
        t.equal(replies[i].code, 250, "%s gets it all the same" % who)
    alerts = {r: c.field("x-amavis-alert") for c in hop.caught for r in c.recipients}
    t.match(alerts["lover@example.com"] or "", r"^BANNED, message contains program:application/octet-stream,\.txt,setup\.exe", "who loves such files is warned")
    t.equal([alerts[r] for r in to("bypass", "free", "zip")], [None] * 3, "others have nothing to be warned of")
    t.match(line_of(p, data, False), r"Blocked BANNED \(program:application/octet-stream,\.txt,setup\.exe\) \{RejectedInbound,RelayedInbound,Quarantined\}, "
            r".*-> <rcpt@example\.com>, quarantine: banned-\S+", "the log line of the blocked")
    t.match(line_of(p, data, True), r"Passed BANNED \(program:.*-> <lover@example\.com>,<bypass@example\.com>,", "the log line of the passed")
    copies = kept(p, "banned-*")
    t.equal(len(copies), 1, "one copy in quarantine")
    t.match(copies[0].decode(), r"(?m)^X-Envelope-To-Blocked: <rcpt@example\.com>\n(.*\n)*X-Amavis-Alert: BANNED, message contains program:", "which says for whom and why")
    t.ok(copies[0].endswith(data.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")), "with the mail's own bytes below")


def rule_sets(t, p, hop):
    data = with_file("a.zip", zipped(("notes.txt", b"hello")), "application/zip")
    replies = send(p.port, data, to("rcpt", "zip", "both"), lmtp=True)
    t.equal(replies[0].code, 250, "DEFAULT says nothing of archives")
    t.match(replies[1].text, r"^554 .*BANNED: application/zip,\.zip,a\.zip$", "ZIP does")
    t.match(replies[2].text, r"^554 .*BANNED: application/zip,\.zip,a\.zip$", "of two rule sets the second")
    replies = send(p.port, with_file("a.js"), to("rcpt", "more"), lmtp=True)
    t.equal([r.code for r in replies], [250, 554], "all results of the maps count, not only the first")
    data = with_file("a.zip", zipped(("deep/setup.exe", b"hello")), "application/zip")
    replies = send(p.port, data, to("rcpt", "allow"), lmtp=True)
    t.match(replies[0].text, r"^554 .*BANNED: program:\.txt,deep/setup\.exe$", "a member of an archive")
    t.match(replies[1].text, r"^554 .*BANNED: \.txt,deep/setup\.exe$", "node by node an allowed archive does not free its members")
    replies = send(p.ports["PATH"], data, to("rcpt", "allow"), lmtp=True)
    t.match(replies[0].text, r"^554 .*BANNED: program:", "by whole paths: the member all the same")
    t.equal(replies[1].code, 250, "by whole paths an allowed archive frees its members")
    data = with_file("a.zip", zipped(("notes.txt", b"hello")), "application/zip")
    t.match(send(p.ports["NAMEPATH"], data, to("rcpt")).text, r"^554 .*BANNED: ", "banned_namepath_re over the whole path")
    data = with_file("b.zip", zipped(("notes.txt", b"hello")), "application/zip")
    t.equal(send(p.ports["NAMEPATH"], data, to("rcpt")).code, 250, "which another name does not match")


def names_in_disguise(t, p, hop):
    for name in ["setup.EXE", "setup.exe.", "setup.exe ", "=?utf-8?B?c2V0dXAuZXhl?=", "=?utf-8?Q?setup=2Eexe?="]:
        t.match(send(p.port, with_file(name), to("rcpt")).text, "^554 .*BANNED: program:", "named %r" % name)
    split = with_file("x").replace(b'filename="x"', b"filename*0=setup.e;\r\n filename*1=xe")
    t.match(send(p.port, split, to("rcpt")).text, "^554 .*BANNED: program:", "in two pieces (RFC 2231)")
    coded = with_file("x").replace(b'filename="x"', b"filename*=utf-8''setup%2Eexe")
    t.match(send(p.port, coded, to("rcpt")).text, "^554 .*BANNED: program:", "coded (RFC 2231)")
    both = with_file("x").replace(b'filename="x"', b'filename="x.txt"; name="setup.exe"')
    t.match(send(p.port, both, to("rcpt")).text, "^554 .*BANNED: program:", "by the parameter that most readers do not take")


    nul = with_file("x").replace(b'filename="x"', b"filename*=utf-8''setup.exe%00.txt")
    t.match(send(p.port, nul, to("rcpt")).text, "^554 .*BANNED: program:", "with a NUL that ends it for some readers")
    wide = with_file("x").replace(b'filename="x"', b"filename*=utf-8''setup%EF%BC%8E%EF%BD%85%EF%BD%98%EF%BD%85")
    t.match(send(p.port, wide, to("rcpt")).text, "^554 .*BANNED: program:", "in wide letters")


def names_that_attack(t, p, hop):
    """What a name can do to the places where it is told."""
    name = "%0D%0AX-Evil:%20yes" + "%C3%BC" * 700 + ".exe"
    data = with_file("x").replace(b'filename="x"', b"filename*=utf-8''" + name.encode())
    hop.forget()
    replies = send(p.port, data, to("rcpt", "lover"), lmtp=True)
    t.match(replies[0].text, r"^554 [ -~]*BANNED: program:application/octet-stream,\.txt,[?]*X-Evil: yes\?{10,}", "a long name with line ends in it: refused in ASCII")
    t.equal(replies[1].code, 250, "or handed on")
    above = hop.last().body.split(b"\r\nFrom: ", 1)[0]
    t.ok(b"\r\nX-Amavis-Alert: BANNED, message contains =?UTF-8?B?" in above, "its alert is encoded", above)
    t.ok(all(byte < 128 for byte in above) and b"X-Evil" not in above and max(map(len, above.split(b"\r\n"))) <= 998, "one field, in ASCII, of lines that are no longer than allowed")
    t.equal(len([line for line in p.log_lines("Blocked BANNED") if "rcpt@" in line and "X-Evil" in line and not re.search(r"\\r\\n|\\015\\012", line)]), 0,
            "in the log its line ends are told as such")


def rules_that_fail(t, p, hop):
    data = with_file("a" * 100 + "!")
    replies = send(p.port, data, to("rcpt", "slow", "bypass"), lmtp=True)
    t.equal([r.code for r in replies], [250, 451, 250], "a rule that reaches its match limit: who has it waits, nobody else")
    t.match(replies[1].text, r"^451 4\.5\.0 Error in processing, id=\S+, banned rules could not be tried$", "and is told why")
    t.match(p.wait_log("match limit"), r"<slow@example\.com>: banned rules: table 1: regular expression .*\(a\+\)\+.*: match limit reached", "the log names the rule")
    t.equal(send(p.port, with_file("a.js"), to("typo")).code, 250, "a rule set that does not exist bans nothing")
    p.wait_log(r'banned_filename_maps: <typo@example\.com>: banned_rules has no rule set "SCRPIT"')
    t.ok(True, "and the log warns of it")


def one_reply_for_all(t, p, hop):
    data = with_file("setup.exe")
    t.match(send(p.port, data, to("rcpt", "free")).text, r"^250 2\.0\.0 .*, but 1 REJECT$", "SMTP: one refused, one passed")
    t.match(send(p.port, data, to("rcpt", "quiet")).text, r"^554 5\.7\.0 Reject, id=\S+ - BANNED: ", "SMTP: all refused")
    t.match(send(p.port, with_file("a" * 100 + "!"), to("rcpt", "slow")).text, r"^451 4\.5\.0 ", "SMTP: one has to wait")


def destinies(t, p, hop):
    data = with_file("setup.exe")
    t.match(send(p.ports["DISCARD"], data, to("rcpt")).text, r"^250 2\.7\.0 Ok, discarded, id=\S+ - BANNED: program:", "D_DISCARD")
    t.match(send(p.ports["BOUNCE"], data, to("rcpt")).text, r"^554 5\.7\.0 Reject, id=\S+ - BANNED: program:", "D_BOUNCE: the MTA makes the bounce")
    t.match(send(p.ports["BOUNCE"], data, to("quiet")).text, r"^250 2\.7\.0 Ok, discarded, id=\S+ - BANNED: ", "D_BOUNCE, but the rule says DISCARD")
    t.match(send(p.port, data, to("quiet")).text, r"^554 ", "D_REJECT, whatever the rule says: the MTA decides")
    hop.forget()
    t.equal(send(p.ports["PASS"], data, to("rcpt")).code, 250, "D_PASS")
    t.match(hop.last().field("x-amavis-alert") or "", "^BANNED, message contains program:", "D_PASS: with an alert")
    t.equal(hop.last().below, data.split(b"\r\n\r\n", 1)[1], "D_PASS: the body as it came")


def extensions(t, p, hop):
    hop.forget()
    send(p.ports["EXTENSION"], with_file("setup.exe"), to("lover"))
    send(p.ports["EXTENSION"], mail().replace(b"Subject: ", b"Subject: \xfc ", 1), to("rcpt", "bypass"), lmtp=True)
    t.equal(sorted(r for c in hop.caught for r in c.recipients), to("bypass", "lover+banned", "rcpt+badh"), "address extensions for banned parts and bad headers")


def bad_headers(t, p, hop):
    hop.forget()
    data = mail().replace(b"Subject: ", b"Subject: \xfc ", 1)
    t.equal(send(p.port, data, to("rcpt")).code, 250, "a bad header passes by default")
    t.match(hop.last().field("x-amavis-alert") or "", r"^BAD HEADER SECTION, Non-encoded non-ASCII data \(and not UTF-8\) \(char FC hex\): Subject: \\374 ", "with an alert")
    t.match(line_of(p, data, True), r"Passed BAD-HEADER-2 \{RelayedInbound,Quarantined\}.*quarantine: badh-", "BAD-HEADER-2 in the log, and a copy")
    refused = send(p.ports["HEADER"], data, to("rcpt", "lover", "bypass"), lmtp=True)
    t.match(refused[0].text, r"^554 5\.6\.3 Reject, id=\S+ - BAD HEADER: nonencoded 8-bit character$", "D_REJECT: the reply of its minor category")
    t.equal([r.code for r in refused[1:]], [250, 250], "not for who loves or bypasses")
    twice = data.replace(b"From: ", b"From: b@example.org\r\nFrom: ", 1)
    t.match(send(p.ports["HEADER"], twice, to("rcpt")).text, r"^554 5\.6\.0 Reject, id=\S+ - BAD HEADER: duplicate header field$", "the worst of two counts")
    t.match(send(p.ports["HEADERBOUNCE"], twice, to("rcpt")).text, r"^554 5\.6\.0 ", "D_BOUNCE of a bad header")
    t.equal(send(p.ports["HEADERBOUNCE"], twice, to("rcpt"), sender="").code, 250, "not for the null sender")
    t.equal(send(p.ports["HEADERBOUNCE"], b"Precedence: bulk\r\n" + twice, to("rcpt")).code, 250, "nor for bulk mail")


def repairs(t, p, hop):
    long_line = b"X-Long: " + b"x" * 1100
    broken = b"X-Blank: a\r\n \t\r\n b\r\n" + long_line + b"\r\nX-Kept:   odd   \r\n\t blanks \r\n" + mail()
    hop.forget()
    t.equal(send(p.port, broken, to("rcpt")).code, 250, "a header that wants repair is taken")
    whole = hop.last().body
    t.ok(b"\r\nX-Blank: a\r\n b\r\n" in whole, "folded lines of blanks only are gone")
    t.ok(b"\r\n" + long_line[:995] + b"...\r\n" in whole, "a line over 998 octets is cut")
    t.ok(b"\r\nX-Kept:   odd   \r\n\t blanks \r\n" in whole, "the rest keeps its bytes")
    hop.forget()
    t.equal(send(p.ports["NOFIX"], broken, ["x@example.net"]).code, 250, "without allow_fixing_improper_header")
    t.ok(broken in hop.last().body, "nothing is changed")


def encrypted_zip(name):
    """A zip whose only member says that it is encrypted."""
    data = bytearray(zipped((name, b"secret")))
    data[6] |= 1
    central = data.rindex(b"PK\x01\x02")
    data[central + 8] |= 1
    return bytes(data)


def unchecked(t, p, hop):
    folded = b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?Q?_aus?=\r\n"
    data = with_file("a.zip", encrypted_zip("notes.txt"), "application/zip", subject=folded)
    hop.forget()
    t.equal(send(p.port, data, to("rcpt") + ["x@example.net"], lmtp=True)[0].code, 250, "an encrypted archive passes by default")
    by = {r: c for c in hop.caught for r in c.recipients}
    t.ok(b"\r\nSubject: ***UNCHECKED*** =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?Q?_aus?=\r\n" in by["rcpt@example.com"].body,
         "with a tag in front of a Subject that keeps its bytes", by["rcpt@example.com"].body[:900])
    t.ok(b"\r\n" + folded in by["x@example.net"].body, "and without one for who is not ours")
    t.match(line_of(p, data, True), r"Passed UNCHECKED-ENCRYPTED \{RelayedTaggedInbound,RelayedOpenRelay\}", "the log says so")
    hop.forget()
    send(p.ports["TAG"], data, to("rcpt"))
    t.match(hop.last().body.decode(), r"\r\nSubject: \*\*\*UNCHECKED \d+-\d+(-\d+)?\*\*\* =\?utf-8\?Q\?Gr", "macros of tags are replaced")
    t.match(send(p.ports["UNCHECKED"], data, to("rcpt")).text, r"^554 5\.7\.0 Reject, id=\S+ - UNCHECKED: encrypted$", "final_unchecked_destiny = D_REJECT")
    t.equal(len(kept(p, "unchecked-*")), 1, "and a copy where unchecked_quarantine_method says so")


def as_json(t, hop):
    with Postern(t, hop, LUA + "log_json = true\n") as p:
        data = with_file("setup.exe")
        send(p.port, data, to("rcpt", "lover"), lmtp=True)
        line = p.wait_log('"banning_reason"')
        event = json.loads(line[line.index("{"):])
        t.equal([r.get("banning_reason") for r in event["recipients"]], ["program:application/octet-stream,.txt,setup.exe"] * 2, "JSON: the reason for each")
        t.equal(event["checks_performed"], "V H B", "JSON: the checks that were made")
        t.equal(event["attached_file_names"], ["setup.exe"], "JSON: names of files")


SHIPPED = ["setup.exe", "setup.EXE ", "letter.doc.exe", "letter.pdf   .scr", "x.{00020905-0000-0000-C000-000000000046}", "run.cmd", "run.ps1", "run.jse",
           "page.hta", "a.vbs", "setup.msi", "setup.msix", "tool.jar", "open.lnk", "open.url", "open.library-ms", "help.chm", "keys.reg", "disk.iso",
           "disk.img", "disk.vhdx", "notes.one", "add.xll", "add.wll", "add.xlam", "query.iqy", "x.settingcontent-ms", "x.appinstaller", "x.rdp", ".vbs", "dir/.exe"]
# What Outlook, its web access and Gmail keep out today, but for what is mostly harmless: certificates, sources, databases, archives.
OTHERS_BLOCK = """ade adp app appcontent-ms application appref-ms appx appxbundle bas bat cdxml chm cmd cnt com cpl csh diagcab diagcfg diagpkg dll
dmg ex_ exe fxp gadget grp hlp hpj hta htc img inf ins iso isp its jar jnlp js jse ksh library-ms lnk mad maf mag mam maq mas mau mav maw mcf mda
mde mdt mdw mdz mjs msc msh msh1 msh1xml msh2 msh2xml mshxml msi msix msixbundle msp mst msu ops osd pcd pif plg prf prg printerexport ps1 ps1xml
ps2 ps2xml psc1 psc2 psd1 psm1 pssc pyc pyo pyw pyz pyzw reg scf scr sct search-ms settingcontent-ms shb shs sys theme udl url vb vbe vbp vbs vhd
vhdx vsmacros vsw vxd webpnp website ws wsb wsc wsf wsh xbap xll xnk""".split()
# Letters about programs: as long as none of this is called like one it does nothing.
LETTERS = [b"put On Error Resume Next in front", b"x = new ActiveXObject('y')", b"@echo off\r\nis the first line", b"[InternetShortcut]\r\nURL=x",
           b"REGEDIT4\r\nis old", b"'use strict'; is new", b"full address:s:host", b"ID;PWXL", b"<html>what is <hta:application>?</html>", b"MZ begins it"]
HARMLESS = ["letter.pdf", "letter.docx", "table.xlsx", "photo.jpeg", "a.tar.gz", "notes.txt", "signature.asc", "smime.p7s", "invite.ics", "page.html",
            "mail.eml", "data.csv", "www.example.org.pdf", "key.der", "ca.crt", "code.py", "data.mdb", "matrix.mat", ".bashrc", "scr", "exe", "report v1.2", "invoice-12.js"]


def shipped_rules(t, hop):
    """conf.d/45-banned.lua as it is installed, its example of an exception switched on."""
    with open(os.path.join(SOURCE, "conf.d", "45-banned.lua")) as f:
        rules = f.read()
    with Postern(t, hop, 'local_domains_maps = { { ".example.com" } }\n' + rules.replace("-- { rx([[^invoice-", "{ rx([[^invoice-")) as p:
        t.equal([name for name in SHIPPED if "discarded" not in send(p.port, with_file(name), to("rcpt")).text], [], "conf.d: what the shipped rules keep out")
        t.equal([name for name in HARMLESS if "discarded" in send(p.port, with_file(name), to("rcpt")).text], [], "conf.d: what they let in")
        t.equal([end for end in OTHERS_BLOCK if "discarded" not in send(p.port, with_file("a." + end), to("rcpt")).text], [], "conf.d: what mail programs keep out")
        t.equal([text for text in LETTERS if "discarded" in send(p.port, mail(text + b"\r\n"), to("rcpt")).text], [], "conf.d: letters about programs")
        exe = b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0L\1" + bytes(400)
        t.match(send(p.port, with_file("photo.jpg", exe), to("rcpt")).text, "discarded, .*BANNED: ", "conf.d: an executable that calls itself something else")
        inner = zipped(("photo.jpg", exe))
        t.match(send(p.port, with_file("a.zip", zipped(("b.zip", inner))), to("rcpt")).text, "discarded, .*BANNED: ", "conf.d: the same in a zip in a zip")


def bad_configuration(t, p):
    p.configure(LUA + 'banned_filename_maps = { { ["a@"] = "DEFUALT" } }\n')
    code, _, err = p.posternd("-t")
    t.ok(code == 78 and re.search(r'banned_filename_maps: .*"DEFUALT".*did you mean "DEFAULT"', err), "-t knows the names of rule sets", err)
    p.configure(LUA + 'allowed_header_tests = { mulitple = false }\n')
    code, _, err = p.posternd("-t")
    t.ok(code == 78 and re.search(r'allowed_header_tests.*mulitple.*did you mean "multiple"', err), "-t knows the names of header tests", err)


def main():
    with Tap() as t, Catcher() as hop:
        with Postern(t, hop, LUA, banks=BANKS) as p:
            names_by_recipient(t, p, hop)
            rule_sets(t, p, hop)
            names_in_disguise(t, p, hop)
            names_that_attack(t, p, hop)
            rules_that_fail(t, p, hop)
            one_reply_for_all(t, p, hop)
            destinies(t, p, hop)
            extensions(t, p, hop)
            bad_headers(t, p, hop)
            repairs(t, p, hop)
            unchecked(t, p, hop)
            t.equal(p.temp_files(), [], "nothing is left in the work area")
            bad_configuration(t, p)
        as_json(t, hop)
        shipped_rules(t, hop)


if __name__ == "__main__":
    main()
