#!/usr/bin/python3
"""test_daemon_names.py - names of malware: each told once, with scanner, version and parts; some but a sign of spam, some bring a bank."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = """
local_domains_maps = { { ".example.com" } }
log_json = true
log_level = 2
virus_quarantine_method = "local:virus-%m"
final_virus_destiny = D_DISCARD
viruses_that_fake_sender_maps = { re { { [[^Honest\\.]], false } }, true }
virus_name_to_policy_bank_maps = { { ["Rejected.Name"] = "STRICT", ["Plain.Bank"] = true } }
policy_bank.STRICT = { final_virus_destiny = D_REJECT, final_destiny_maps_by_ccat = { [CC_VIRUS] = D_REJECT } }
policy_bank.VIRUS = { final_destiny_maps_by_ccat = { [CC_VIRUS] = D_TEMPFAIL } }
"""
SCRIPT = b'grep -rhao "NAME:[A-Za-z0-9._-]*" "$@" | sort -u | grep . && exit 1; exit 0\n'
PROGRAM = 'command { "/bin/sh", args = { "%%(folder)s/names", "{}" }, name = "%s", clean = { 0 }, infected = { 1 }, names = [[NAME:(\\S+)]] }'


def event_of(p, data):
    message_id = re.search(rb"Message-ID: (\S+)", data).group(1).decode()
    line = p.wait_log(r'"message_id":"' + re.escape(message_id))
    return json.loads(line[line.index("{"):])


def two_parts(first, second):
    boundary = "b1"
    body = "".join("--%s\r\nContent-Type: text/plain\r\n\r\n%s\r\n" % (boundary, text) for text in (first, second)) + "--%s--\r\n" % boundary
    return mail(body.encode(), headers=["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b1"'])


def main():
    with Tap() as t, Catcher() as hop, Folder() as folder:
        with open(folder.join("names"), "wb") as f:
            f.write(SCRIPT)
        scanners = ", ".join(PROGRAM % name for name in ("one",)) + ', clamav { database = "%(database)s" }'
        with Postern(t, hop, LUA, scanners=scanners, folder=folder) as p:
            data = mail(b"NAME:Bad.Thing\r\n")
            t.match(send(p.port, data).text, r"^250 2\.7\.0 Ok, discarded.*Bad\.Thing", "malware is malware")
            e = event_of(p, data)
            t.equal([(f["name"], f["scanner"]) for f in e["findings"]], [("Bad.Thing", "one")], "the finding with its scanner")
            t.equal(e.get("fake_sender"), True, "its sender is taken as forged by default")
            data = mail(b"NAME:Honest.Macro\r\n")
            send(p.port, data)
            t.equal(event_of(p, data).get("fake_sender"), None, "unless the name says otherwise")

            data = mail(b"NAME:Sanesecurity.Phishing.Fake.1\r\n")
            t.match(send(p.port, data).text, r"^250 2\.0\.0 from MTA", "a sign of spam passes")
            e = event_of(p, data)
            t.equal(e["tests"], ["AV:Sanesecurity.Phishing.Fake.1=0.1"], "as a score")
            t.equal([f.get("spam_only") for f in e["findings"]], [True], "told as such")
            t.equal(e.get("virusnames"), None, "not as malware")
            t.match(send(p.port, mail(b"NAME:Sanesecurity.Phishing.Fake.1\r\nNAME:Bad.Thing\r\n")).text, "discarded", "one name without a score: malware")
            t.match(send(p.port, mail(b"NAME:Sanesecurity.Malware.9\r\n")).text, "discarded", "a rule with undef: malware")
            data = mail(EICAR + b"\r\nNAME:Sanesecurity.Phishing.Fake.1\r\n")
            t.match(send(p.port, data).text, r"discarded.*INFECTED: Eicar\S*$", "another scanner's alert stands")
            kept = p.quarantined("virus-")[-1]
            with open(kept, "rb") as f:
                header = f.read().split(b"\n\n", 1)[0].decode()
            t.match(header, r"(?m)^X-Postern-Finding: Eicar-Test-Signature[.A-Z]*; scanner=clamav; parts=\d[\d/]*;\n\s+version=ClamAV", "the quarantined copy says who found it where, by which database")
            t.match(header, r"(?m)^X-Postern-Finding: Sanesecurity\.Phishing\.Fake\.1; scanner=one; parts=\S+; spam-only", "and what was but a sign of spam")

            data = two_parts(EICAR.decode(), EICAR.decode())
            t.match(send(p.port, data).text, r"INFECTED: Eicar-Test-Signature[.A-Z]*$", "two parts, one name")
            e = event_of(p, data)
            found = [f for f in e["findings"] if f["scanner"] == "clamav"]
            t.equal(len(found), 1, "one finding")
            t.ok(len(found[0]["parts"]) >= 2, "with the paths of both", str(found))
            t.ok(found[0].get("version", "").startswith("ClamAV") and found[0].get("database"), "engine and database", str(found))

            data = mail(b"NAME:Rejected.Name\r\n")
            t.match(send(p.port, data).text, r"^554 5\.7\.0 Reject", "a name brings its bank, whose destiny holds")
            t.equal(event_of(p, data)["policy_banks"], ["STRICT"], "the log names the bank")
            t.match(send(p.port, mail(b"NAME:Plain.Bank\r\n")).text, r"^450 ", "true is the bank VIRUS")
        as_text(t, hop)


def nested(inner):
    """A mail that holds another as it is: what lies in the inner one lies in both of its parts."""
    return mail(b"--b2\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--b2\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b2--\r\n",
                headers=["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b2"'])


def as_text(t, hop):
    lua = 'local_domains_maps = { { ".example.com" } }\nkeep_decoded_original_maps = { { MAIL = true } }\n'
    with Postern(t, hop, lua, name="log as text") as p:
        send(p.port, two_parts(EICAR.decode(), EICAR.decode()))
        t.match(p.wait_log("found: "), r"\) found: Eicar-Test-Signature[.A-Z]* by clamav \(ClamAV [\d.]+\S*/\d+[^)]*\) in part 1/1, 1/2, 0",
                "the log says who found what where, by which database")
        t.match(send(p.port, nested(mail(EICAR + b"\r\n"))).text, r"INFECTED: Eicar-Test-Signature[.A-Z]*$", "in a mail within a mail: one name")
        line = p.wait_log("found: ", 2)
        t.equal(len(p.log_lines("found: ")), 2, "container and member: told once")
        t.ok(line.rsplit(" in part ", 1)[1].count(",") >= 1, "with the places of both", line)


if __name__ == "__main__":
    main()
