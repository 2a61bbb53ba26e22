"""fates.py - every field of recipients' own settings whose feature there is, by the fate of a real mail without and with it; for the tests
of the daemon with databases and directories.

A source says: set(fields) makes r@example.com's record these and no others (by column), and whether it holds empty texts.
LUA is for the daemon of postern.py, which fills in what stands between percent signs."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import SOURCE, eicar_mail, mail, send  # noqa: E402

LUA = r"""
lookup_cache_ttl = 0
local_domains_maps = { { ".example.com" } }
recipient_delimiter = "+"
final_virus_destiny = D_REJECT
final_banned_destiny = D_REJECT
final_bad_header_destiny = D_REJECT
final_unchecked_destiny = D_REJECT
virus_scanners_failure_is_fatal = false
banned_filename_re = re { [[\.exe$]] }
banned_rules.SCRIPTS = re { [[\.js$]] }
clean_quarantine_method = "local:clean-%%m"
archive_quarantine_method = "local:archive-%%m"
unchecked_quarantine_method = "local:unchecked-%%m"
clean_quarantine_to_maps = {}
archive_quarantine_to_maps = {}
policy_bank.UNCHECKED = { av_scanners = { clamd { "%(run)s/nobody", on_error = "unchecked", timeout = "1s", canary_interval = 0 } }, av_scanners_backup = {} }
policy_bank_hook = function(mail) return mail.sender == "unchecked@example.org" and "UNCHECKED" or nil end
"""
# Where a record cannot say that a copy is not kept, it says that one is.
KEEPS_NONE = "virus_quarantine_to_maps = {}\nbanned_quarantine_to_maps = {}\nbad_header_quarantine_to_maps = {}\nunchecked_quarantine_to_maps = {}\n"

# What is seen of a mail: the reply's code, recipients at the next hop, other next hop, kept files, direction in the log.
PLAIN, INFECTED, LARGE, UNCHECKED, BANNED, SCRIPT, BAD = "plain", "infected", "large", "unchecked", "banned", "script", "bad header"
QUARANTINES = [("virus", INFECTED, "virus"), ("unchecked", UNCHECKED, "unchecked"), ("banned", BANNED, "banned"), ("bad_header", BAD, "badh")]
FIELDS = [
    # column, value, mail, what without it, what with it
    ("virus_lover", "Y", INFECTED, {"code": 554}, {"code": 250}),
    ("bypass_virus_checks", "Y", INFECTED, {"code": 554}, {"code": 250}),
    ("addr_extension_virus", "inf", INFECTED, {"to": ["r@example.com"]}, {"to": ["r+inf@example.com"]}),
    ("banned_files_lover", "Y", BANNED, {"code": 554}, {"code": 250}),
    ("bypass_banned_checks", "Y", BANNED, {"code": 554}, {"code": 250}),
    ("banned_rulenames", "SCRIPTS", SCRIPT, {"code": 250}, {"code": 554}),
    ("addr_extension_banned", "ban", BANNED, {"to": ["r@example.com"]}, {"to": ["r+ban@example.com"]}),
    ("bad_header_lover", "Y", BAD, {"code": 554}, {"code": 250}),
    ("bypass_header_checks", "Y", BAD, {"code": 554}, {"code": 250}),
    ("addr_extension_bad_header", "bad", BAD, {"to": ["r@example.com"]}, {"to": ["r+bad@example.com"]}),
    ("unchecked_lover", "Y", UNCHECKED, {"code": 554}, {"code": 250}),
    ("clean_quarantine_to", "clean-quarantine", PLAIN, {"kept": []}, {"kept": ["clean"]}),
    ("archive_quarantine_to", "archive-quarantine", PLAIN, {"kept": []}, {"kept": ["archive"]}),
    ("forward_method", "%(other)s", PLAIN, {"other": 0}, {"other": 1}),
    ("message_size_limit", 70000, LARGE, {"code": 250}, {"code": 552}),
    ("local", "N", PLAIN, {"direction": "Inbound"}, {"direction": "OpenRelay"}),
]
# Columns without which the mail would not get so far.
ALSO = {"addr_extension_virus": {"virus_lover": "Y"}, "addr_extension_banned": {"banned_files_lover": "Y"},
        "addr_extension_bad_header": {"bad_header_lover": "Y"}}
ATTACHED = b"\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=\"%s\"\r\n\r\nhello\r\n"


def fields():
    """column: (attribute, type, whether its setting has an effect), as the sources tell."""
    statuses = {}
    folder = os.path.join(SOURCE, "core/config/settings")
    for name in os.listdir(folder):
        if name.endswith(".def"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                statuses.update(re.findall(r"^SETTING\((\w+),.*?, (IN_FORCE|ACCEPTED|REFUSED), ", f.read(), re.M))
    with open(os.path.join(folder, "fields.def"), encoding="utf-8") as f:
        return {column: (attribute, kind, statuses.get(setting) == "IN_FORCE")
                for setting, column, attribute, kind in re.findall(r'^FIELD\((\w+), "(\w+)", "(\w+)", (\w+)\)', f.read(), re.M)}


def quarantine_rows(empty):
    """As FIELDS; empty: the record holds empty texts."""
    for name, kind, prefix in QUARANTINES:
        none, one = {"kept": []}, {"kept": [prefix]}
        box = name.replace("_", "-") + "-quarantine"
        yield (name + "_quarantine_to", "", kind, one, none) if empty else (name + "_quarantine_to", box, kind, none, one)


def data_of(kind):
    if kind in (BANNED, SCRIPT):
        return mail().partition(b"\r\n\r\n")[0] + ATTACHED % (b"setup.exe" if kind == BANNED else b"setup.js")
    if kind == BAD:
        return b"X-Odd: caf\xe9\r\n" + mail()
    return {INFECTED: eicar_mail, LARGE: lambda: mail(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 1100)}.get(kind, mail)()


def kept(p):
    found = []
    for _, _, names in os.walk(p.quarantine):
        found += names
    return sorted(found)


def observe(p, hop, other, kind):
    files, mails, others = kept(p), len(hop.mails), len(other.mails)
    reply = send(p.port, data_of(kind), ["r@example.com"], "unchecked@example.org" if kind == UNCHECKED else "sender@example.org")
    new = [name for name in kept(p) if name not in files]
    to = hop.mails[mails].recipients if len(hop.mails) > mails else []
    line = p.log_lines(r"<r@example\.com>.*(queued_as|Blocked)")
    direction = re.findall(r"\{\w*?(Inbound|OpenRelay|Outbound|Internal)", line[-1]) if line else []
    return {"code": reply.code, "to": to, "other": len(other.mails) - others, "kept": sorted({name.split("-")[0] for name in new}),
            "direction": direction[-1] if direction else None, "text": reply.text}


def shown(seen, wanted):
    return {name: seen[name] for name in wanted}


def every_field(t, source, p, hop, other):
    """source: label, set(columns), empty."""
    known = fields()
    rows = FIELDS + list(quarantine_rows(source.empty))
    for column, value, kind, without, with_it in rows:
        value = value % {"other": other.method} if isinstance(value, str) else value
        also = ALSO.get(column, {})
        source.set(also)
        t.equal(shown(observe(p, hop, other, kind), without), without, "%s: %s is not set" % (source.label, column))
        source.set(dict(also, **{column: value}))
        t.equal(shown(observe(p, hop, other, kind), with_it), with_it, "%s: %s is %r" % (source.label, column, value))
    tried = {row[0] for row in rows}
    t.equal(sorted(c for c, (_, _, yes) in known.items() if yes and c not in tried), [], "%s: no field in force is left out" % source.label)
    t.note("not in force: " + ", ".join(sorted(c for c, (_, _, yes) in known.items() if not yes)))
