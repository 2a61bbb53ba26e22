#!/usr/bin/python3
"""Recipients' records from a real directory (slapd, started here): what is read, in which order, what an address can do, and every way to fail."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lib")]
from ldap_attributes import ATTRIBUTES  # noqa: E402
import private_slapd  # noqa: E402
from private_slapd import BASE, PASSWORD, READER, Authority, Slapd, free_port  # noqa: E402
from tapout import Tap  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD", os.getcwd())
PROBE = os.path.join(BUILD, "tests/scenario/record_probe")
SETTINGS = 'compatibility_level = 1\nbypass_virus_checks_maps = { true }\nenable_ldap = true\nlookup_cache_ttl = %s\n%s\ndefault_ldap = { %s }\n'


def lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(lua(v) for v in value) + " }"
    return str(value) if isinstance(value, (int, float)) else json.dumps(value)


def escaped(address):
    data = address if isinstance(address, bytes) else address.encode()
    return b"".join(bytes([c]) if 32 < c < 127 and c != 92 else b"\\x%02x" % c for c in data) + b"\n"


class Probe:
    """A worker's view: one process with its connection and cache."""

    def __init__(self, more="", cache=0, deadline_ms=20000, local=False, leaks=False, maps=False, cancel_fd=None, **options):
        options.setdefault("base", BASE)
        with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False, dir="/tmp") as f:
            f.write(SETTINGS % (cache, more, ", ".join("%s = %s" % (k, lua(v)) for k, v in options.items() if v is not None)))
        os.chmod(f.name, 0o644)
        self.file = f.name
        self.process = subprocess.Popen([PROBE, "-b", BUILD, "-t", str(deadline_ms), "-c", f.name] + ["-l"] * local + ["-m"] * maps + (["-x", str(cancel_fd)] if cancel_fd is not None else []),
                                        pass_fds=[cancel_fd] if cancel_fd is not None else [], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                                        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if leaks else None)

    def say(self, address):
        """The answer is read() when it is there."""
        self.process.stdin.write(escaped(address))
        self.process.stdin.flush()

    def read(self):
        return json.loads(self.process.stdout.readline().decode())

    def ask(self, address):
        self.say(address)
        return self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.told = self.process.stderr.read().decode(errors="replace")
        os.unlink(self.file)
        if self.process.returncode != 0:
            raise RuntimeError("record_probe ended with %d: %s" % (self.process.returncode, self.told))


def ask(address="a@example.com", **options):
    with Probe(**options) as p:
        return p.ask(address)


def keys(answer):
    return [r["key"] for r in answer.get("rows", [{"key": "(error)"}])]


def dns(answer):
    return answer.get("error") or [dict(map(tuple, r["fields"]))["dn"].split(",")[0] for r in answer.get("rows", [])]


def values(answer, name, row=0):
    rows = answer.get("rows", [])
    return [v for n, v in rows[row]["fields"] if n == name] if len(rows) > row else None


# ---- what is read ----

def reads_everything(t):
    with Slapd() as d:
        d.add("uid=all," + BASE, mail="all@example.com", **{name: v for name, v, _ in ATTRIBUTES})
        answer = ask("all@example.com", hostname=d.url)
        for name, wanted, _ in ATTRIBUTES:
            t.equal(sorted(values(answer, name) or []), sorted(wanted), "%s is read" % name)
        t.equal(answer.get("origin"), d.url + "/" + BASE, "says where it comes from")
        schema = os.path.join(private_slapd.SOURCE, "schema/postern.schema")
        with open(schema, encoding="utf-8") as f:
            names = re.findall(r"^attributetype .*NAME '(\w+)'", f.read(), re.M)
        t.equal(sorted(n for n, _, _ in ATTRIBUTES), sorted(names), "the table of this test has every attribute of the schema")


def orders_by_key(t):
    with Slapd() as d:
        addresses = ["@.", "@.com", "@.example.com", "@.sub.example.com", "@sub.example.com", "user", "user+ext", "user@sub.example.com",
                     "user+ext@sub.example.com"]
        d.add_many([("uid=e%d,%s" % (i, BASE), {"mail": mail, "amavisSpamTagLevel": str(i)}) for i, mail in enumerate(addresses)])
        with Probe(hostname=d.url, local=True) as p:
            t.equal(keys(p.ask("User+Ext@SUB.example.com")), ["User+Ext@SUB.example.com"] + addresses[-2::-1], "most specific first, as written in front")
        with Probe(hostname=d.url) as p:
            t.equal(keys(p.ask("user+ext@sub.example.com")), [addresses[i] for i in (8, 7, 4, 3, 2, 1, 0)], "a bare user is asked for only where the address is local")
            t.equal(keys(p.ask("")), ["@."], "the null sender")
            t.equal(keys(p.ask("x@[192.0.2.1]")), ["@."], "a domain literal")
        d.add("uid=two,%s" % BASE, mail=["user@sub.example.com", "other@example.org"])
        answer = ask("user@sub.example.com", hostname=d.url)
        t.equal(dns(answer)[:2], ["uid=e7", "uid=two"], "entries of one key come in the order of their names")
        with Probe(more="ldap_lookups_no_at_means_domain = true", hostname=d.url) as p:
            d.add("uid=dom,%s" % BASE, mail=["sub.example.com"])
            t.equal(keys(p.ask("nobody@sub.example.com")), ["sub.example.com"], "ldap_lookups_no_at_means_domain")


def base_by_domain(t):
    with Slapd() as d:
        d.load(["dn: ou=example.com,%s\nobjectClass: organizationalUnit\nou: example.com\n" % BASE])
        d.add("uid=a,ou=example.com,%s" % BASE, mail="a@example.com")
        d.add("uid=any,%s" % BASE, mail="@.")
        with Probe(hostname=d.url, base="ou=%d," + BASE) as p:
            t.equal(dns(p.ask("a@EXAMPLE.com")), ["uid=a"], "%d in base is the domain")
            t.equal(p.ask("a@other.example").get("rows"), [], "a domain without a branch has no entries")
            t.equal(p.ask("").get("rows"), [], "no domain, no branch")
            t.equal(p.ask("a@x,%s" % BASE).get("rows"), [], "a domain cannot leave its branch")


def injection(t):
    with Slapd() as d:
        d.add("uid=any,%s" % BASE, mail="secret@example.com", amavisVirusLover="TRUE")
        d.add("uid=star,%s" % BASE, mail="*()\\@x", amavisVirusLover="FALSE")
        evil = ["*@x", "*", "*()\\@x", ")(mail=*", "x)(objectClass=*)(mail=*@x", "\\2a@example.com", "s*@example.com", "a@b)(|(mail=*", "(&(|(!", "x\\",
                "\x01\x02@example.com", "x" * 900 + "@example.com", "a@" + "b." * 300 + "c", b"\xff\xfe@example.com", "\u00fc@ex\u00e4mple.com".encode(),
                b"a b\"@example.com", "%m@example.com", "%s%n@%d.example.com"]
        with Probe(hostname=d.url) as p:
            for address in evil:
                answer = p.ask(address)
                t.equal(dns(answer), ["uid=star"] if address == "*()\\@x" else [], "%r finds nothing but itself" % address[:40])
                t.ok("error" not in answer, "%r is no error" % address[:40], str(answer))
            t.equal(dns(p.ask("secret@example.com")), ["uid=any"], "the next address is answered on the same connection")


def many(t):
    with Slapd(extra="sizelimit 10") as d:
        d.add_many([("uid=m%d,%s" % (i, BASE), {"mail": "many@example.com"}) for i in range(30)])
        d.add_many([("uid=f%d,%s" % (i, BASE), {"mail": "few@example.com"}) for i in range(5)])
        with Probe(hostname=d.url) as p:
            t.equal(len(p.ask("few@example.com").get("rows", [])), 5, "several entries of one key")
            t.match(p.ask("many@example.com").get("error", ""), r"Size limit exceeded.*size_limit", "more than the directory gives is an error, never half an answer")
            t.equal(len(p.ask("few@example.com").get("rows", [])), 5, "and the next is answered")
        with Probe(hostname=d.url, size_limit=3) as p:
            t.match(p.ask("few@example.com").get("error", ""), r"more entries match than size_limit \(3\)", "more than size_limit is an error")


def referrals(t):
    with Slapd() as other, Slapd() as d:
        other.add("uid=a,%s" % BASE, mail="a@example.com", amavisVirusLover="TRUE")
        d.load(["dn: ou=away,%s\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\nref: %s/%s\n" % (BASE, other.url, BASE)])
        d.add("uid=b,%s" % BASE, mail="b@example.com")
        with Probe(hostname=d.url) as p:
            t.equal(p.ask("a@example.com").get("rows"), [], "a referral is not followed")
            t.equal(dns(p.ask("b@example.com")), ["uid=b"], "what is here is found all the same")
        t.match(ask(hostname=d.url, base="ou=away," + BASE).get("error", ""), r"Referral.*not followed", "a base that is a referral is an error that says so")


# ---- identity ----

def identities(t):
    with Slapd(anonymous="anonymous auth") as d:
        d.add("uid=a,%s" % BASE, mail="a@example.com")
        t.match(ask(hostname=d.url).get("error", ""), r"Insufficient access.*must let this identity", "anonymous where that is not allowed")
        with Probe(hostname=d.url, bind_dn=READER, bind_password=PASSWORD) as p:
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "bind_dn and bind_password")
        with Probe(hostname=d.url, bind_dn=READER, bind_password="wrong-" + PASSWORD) as p:
            answer = p.ask("a@example.com")
        t.match(answer.get("error", ""), r"%s: bind as %s: Invalid credentials.*bind_password" % (re.escape(d.url), READER), "a wrong password: server, name and what to do")
        t.ok(PASSWORD not in str(answer) + p.told, "no password in any text")
        t.equal(dns(ask(hostname=d.local_url, sasl=True, sasl_mech="EXTERNAL")), ["uid=a"], "ldapi with SASL EXTERNAL")
        t.equal(dns(ask(hostname=d.socket, scheme="ldapi", sasl=1)), ["uid=a"], "a path with scheme ldapi")
        # libsasl2's modules never free what they fetch from libcrypto
        for mechanism in ("SCRAM-SHA-256", "DIGEST-MD5"):
            t.equal(dns(ask(leaks=True, hostname=d.url, sasl=True, sasl_mech=mechanism, sasl_auth_id="reader", bind_password=PASSWORD)), ["uid=a"], mechanism)
        t.match(ask(leaks=True, hostname=d.url, sasl=True, sasl_mech="SCRAM-SHA-256", sasl_auth_id="reader", bind_password="wrong").get("error", ""), r"Invalid credentials",
                "SCRAM with a wrong password")


def encryption(t):
    with Slapd(names="IP:127.0.0.1,DNS:ldap.example.com", extra="TLSVerifyClient try") as d:
        d.add("uid=a,%s" % BASE, mail="a@example.com")
        other = Authority(d.folder, "other")
        ca = d.authority.file
        for how, host, tls in (("StartTLS", d.url, True), ("ldaps", d.secure_url, None)):
            t.equal(dns(ask(hostname=host, tls=tls, cafile=ca)), ["uid=a"], how + " with the right authority")
            t.match(ask(hostname=host, tls=tls, cafile=other.file).get("error", ""), r"TLS .*certificate.*cafile", how + " with the wrong authority fails")
            t.match(ask(hostname=host, tls=tls).get("error", ""), r"TLS .*certificate", how + " with the system's authorities fails")
            wrong = host.replace("127.0.0.1", "[::ffff:127.0.0.1]")
            t.match(ask(hostname=wrong, tls=tls, cafile=ca).get("error", ""), r"TLS .*host name", how + " with a host that the certificate does not name fails")
            t.equal(dns(ask(hostname=host, tls=tls, verify="none")), ["uid=a"], how + ' with verify = "none"')
            t.equal(dns(ask(hostname=host, tls=tls, cafile=ca, sslversion="tlsv1_3")), ["uid=a"], how + " with TLS 1.3 alone")
        t.match(ask(hostname=d.url, tls=True, cafile="/nonexistent.pem").get("error", ""), r"TLS cannot be set up: check cafile", "a cafile that is not there")
        certificate, key = d.authority.issue("reader", "DNS:reader")
        if os.geteuid() == 0:
            os.chmod(key, 0o644)
        # nor does libldap free a client's certificate when it hands it to GnuTLS
        t.equal(dns(ask(leaks=True, hostname=d.url, tls=True, cafile=ca, clientcert=certificate, clientkey=key, sasl=True)), ["uid=a"], "clientcert with SASL EXTERNAL")
    with Slapd() as d:
        t.match(ask(hostname=d.url, tls=True).get("error", ""), r"StartTLS: ", "a server without TLS is not asked in the clear")


# ---- servers that fail ----

def restarts(t):
    with Slapd() as d:
        d.add("uid=a,%s" % BASE, mail="a@example.com")
        with Probe(hostname=d.url) as p:
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "first")
            d.restart()
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "a server started anew is asked again, unseen")
            d.kill()
            answer = p.ask("a@example.com")
            t.match(answer.get("error", ""), r"connect.*Connection refused", "a dead server: the address is named, nothing is taken for no entry")
            d.start()
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "back at once")
    with Slapd(extra="idletimeout 1") as d:
        d.add("uid=a,%s" % BASE, mail="a@example.com")
        with Probe(hostname=d.url) as p:
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "before the idle time is over")
            end = time.time() + 30
            while established(d.port, p.process.pid) and time.time() < end:
                time.sleep(0.2)
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "a connection that the server closed for idleness")


def established(port, pid):
    """Is a connection of the process to that port open at both ends?"""
    here = {os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)}
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return any(r[2].endswith(":%04X" % port) and r[3] == "01" and "socket:[%s]" % r[9] in here for r in rows)


class Listener:
    """Takes connections; says what `talk` says, or nothing."""

    def __init__(self, talk=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.talk, self.kept = talk, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            self.kept.append(conn)
            if self.talk:
                threading.Thread(target=self.guarded, args=(conn,), daemon=True).start()

    def wait(self):
        """Until somebody has connected and said something."""
        end = time.time() + 60
        while not self.kept and time.time() < end:
            time.sleep(0.02)
        self.kept[0].recv(1)

    def guarded(self, conn):
        try:
            self.talk(conn)
        except OSError:
            pass


def drip_tls(conn):
    conn.recv(1)
    for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 5000:
        conn.send(bytes([byte]))
        time.sleep(0.05)


def drip_ldap(conn):
    conn.recv(1)
    for byte in b"\x30\x83\x00\x40\x00" + b"\x02" * 5000:
        conn.send(bytes([byte]))
        time.sleep(0.05)


def silence(t):
    quiet, dripping, dripping_tls = Listener(), Listener(drip_ldap), Listener(drip_tls)
    garbage = Listener(lambda c: c.sendall(b"220 not a directory\r\n" * 100))
    hanging_up = Listener(lambda c: c.close())
    huge = Listener(lambda c: (c.recv(1), c.sendall(b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01"), time.sleep(60)))
    for name, options in (("a server that never answers", {"hostname": quiet.address}), ("StartTLS to it", {"hostname": quiet.address, "tls": True}),
                          ("ldaps to it", {"hostname": "ldaps://" + quiet.address}), ("bind to it", {"hostname": quiet.address, "bind_dn": READER, "bind_password": "x"}),
                          ("a reply byte by byte", {"hostname": dripping.address}), ("a handshake byte by byte", {"hostname": "ldaps://" + dripping_tls.address})):
        answer = ask(timeout="700ms", **options)
        t.match(answer.get("error", ""), r"time over|connection was closed", name + " costs its time and is an error")
        t.ok(answer["ms"] < 15000, name + " ends", str(answer))
    t.ok(ask(hostname=quiet.address, deadline_ms=500)["ms"] < 15000, "the mail's deadline ends it too")
    with Probe(hostname=quiet.address, timeout="7s") as p:
        first, second = p.ask("a@example.com"), p.ask("b@example.com")
        t.ok(second["ms"] < first["ms"] and "time over" in second["error"], "one that takes connections and says nothing costs the next address less", str((first, second)))
    for name, listener in (("one that speaks something else", garbage), ("one that hangs up", hanging_up), ("one that announces two gigabytes", huge)):
        t.match(ask(hostname=listener.address, timeout="2s").get("error", ""), r"127\.0\.0\.1:\d+", name + " is an error with its address")
    with Slapd() as d:
        d.add("uid=a,%s" % BASE, mail="a@example.com")
        with Probe(hostname=d.url, timeout="700ms") as p:
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "before the server is stopped")
            d.pause()
            t.match(p.ask("a@example.com").get("error", ""), r"time over", "a stopped server on a kept connection")
            d.go_on()
            t.equal(dns(p.ask("a@example.com")), ["uid=a"], "and when it goes on")


def cancelled(t):
    """The mail's client leaves while the directory is waited for: nobody waits on, no other server is asked."""
    for name, options in (("search", {}), ("StartTLS", {"tls": True}), ("handshake", {"scheme": "ldaps"}), ("bind", {"bind_dn": READER, "bind_password": "x"})):
        quiet, other = Listener(), Listener()
        left, leave = os.pipe()
        with Probe(hostname=[quiet.address, other.address], timeout="100s", deadline_ms=100000, cancel_fd=left, **options) as p:
            p.say("a@example.com")
            quiet.wait()
            os.close(leave)
            answer = p.read()
        os.close(left)
        t.match(answer.get("error", ""), r"%s: .*cancelled" % re.escape(quiet.address), name + ": given up")
        t.ok(answer.get("cancelled") and answer["ms"] < 40000, name + ": at once, as given up and not as failed", str(answer))
        t.equal(other.kept, [], name + ": nobody else is asked")


def failover(t):
    quiet = Listener()
    dead = "ldap://127.0.0.1:%d" % free_port()
    with Slapd() as one, Slapd() as two:
        one.add("uid=one,%s" % BASE, mail="a@example.com")
        two.add("uid=two,%s" % BASE, mail="a@example.com")
        with Probe(hostname=[dead, one.url, two.url]) as p:
            t.equal(dns(p.ask("a@example.com")), ["uid=one"], "the first that works")
            one.kill()
            t.equal(dns(p.ask("a@example.com")), ["uid=two"], "the next when it dies")
            one.start()
            t.equal(dns(p.ask("a@example.com")), ["uid=two"], "the one that works is kept")
            two.kill()
            t.equal(dns(p.ask("a@example.com")), ["uid=one"], "and back")
        with Probe(hostname=["ldap://" + quiet.address, one.url], timeout="2s") as p:
            t.equal(dns(p.ask("a@example.com")), ["uid=one"], "a silent one leaves time for the next")
            count = len(quiet.kept)
            t.equal(dns(p.ask("b@example.com")), [], "the next address")
            t.equal(len(quiet.kept), count, "does not go to the silent one again")
        with Probe(hostname=[two.url, "ldap://" + quiet.address], timeout="1s") as p:
            t.match(p.ask("a@example.com").get("error", ""), r"time over", "all dead is an error")


# ---- a table in a lookup list ----

def table(t):
    with Slapd() as d:
        d.add_many([("uid=t1," + BASE, {"mail": "example.com", "amavisLocal": "TRUE"}), ("uid=t2," + BASE, {"mail": ".example.org", "amavisLocal": "FALSE"}),
                    ("uid=t3," + BASE, {"mail": "a@example.com", "description": "just a"}),
                    ("uid=t4," + BASE, {"mail": "b@", "amavisLocal": "FALSE", "description": "second"})])

        def lists(options, *addresses):
            more = "local_domains_maps = { ldap { hostname = %s, base = %s%s } }" % (lua(d.url), lua(BASE), options)
            with Probe(more=more, hostname=d.url, maps=True) as p:
                return [(lambda a: (a["value"], a["key"]) if not a["error"] else a["error"])(p.ask(x)) for x in addresses]

        t.equal(lists("", "x@example.com", "x@sub.example.org", "x@other.example"), [("1", "example.com"), ("1", ".example.org"), (None, None)], "1 where an entry matches")
        t.equal(lists(', result = "amavisLocal"', "x@example.com", "x@sub.example.org", "a@example.com", "b@nowhere.example"),
                [("1", "example.com"), ("0", ".example.org"), ("1", "example.com"), ("0", "b@")], "TRUE and FALSE are 1 and 0; an entry without the attribute is passed over")
        t.equal(lists(', result = "description"', "a@example.com", "b@example.com", "x@example.com"), [("just a", "a@example.com"), ("second", "b@"), (None, None)], "the value of an attribute")
        t.equal(lists("", "*@x", "*()\\@x", ""), [(None, None)] * 3, "an address is only itself")

        def by_url(url, *addresses, **options):
            with Probe(more='local_domains_maps = { lookup "%s" }' % url, hostname=d.url, maps=True, **options) as p:
                return [(lambda a: (a["value"], a["key"]) if not a["error"] else a["error"])(p.ask(x)) for x in addresses]

        t.equal(by_url("ldap:///", "x@example.com", "x@other.example"), [("1", "example.com"), (None, None)], "lookup \"ldap:///\": the directory of default_ldap, as that asks it")
        t.equal(by_url("ldap:///?description?one?(mail=%m)", "a@example.com", "b@example.com", base=BASE, scope="base"),
                [("just a", "a@example.com"), ("second", "b@")], "attribute, scope and filter of the URL, the base of default_ldap")
        t.equal(by_url("ldap:///uid=t3,%s?description?base?(mail=%%m)" % BASE, "a@example.com", "b@example.com", base="dc=nowhere"),
                [("just a", "a@example.com"), (None, None)], "the base of the URL")
        t.equal(by_url("%s/%s?description" % (d.url, BASE), "a@example.com", base="dc=nowhere", bind_dn=READER, bind_password="wrong"), [("just a", "a@example.com")],
                "a URL that names its server takes nothing from default_ldap")
        d.kill()
        t.match(by_url("ldap:///", "x@example.com")[0], r"ldap.*Connection refused", "nor is it no where the directory is dead")
        t.match(lists("", "x@example.com")[0], r"ldap.*Connection refused", "a dead directory is an error, never no")


# ---- the cache and its policy ----

def cache(t):
    with Slapd() as d:
        d.add("uid=a,%s" % BASE, mail="a@example.com", amavisSpamTagLevel="1")
        with Probe(hostname=d.url, cache=600) as p:
            t.equal(values(p.ask("a@example.com"), "amavisSpamTagLevel"), ["1"], "asked")
            t.equal(p.ask("none@example.com").get("rows"), [], "not there")
            d.replace("uid=a," + BASE, "amavisSpamTagLevel", ["2"])
            d.add("uid=none,%s" % BASE, mail="none@example.com")
            t.equal(values(p.ask("a@example.com"), "amavisSpamTagLevel"), ["1"], "within lookup_cache_ttl the answer is the same")
            t.equal(p.ask("none@example.com").get("rows"), [], "that it is not there too")
            d.kill()
            t.equal(values(p.ask("a@example.com"), "amavisSpamTagLevel"), ["1"], "nobody needs to be asked")
            t.ok("error" in p.ask("new@example.com"), "but for what was not asked before")
        d.start()
        with Probe(hostname=d.url, cache="0.2", more='lookup_failure = "stale"') as p:
            t.equal(values(p.ask("a@example.com"), "amavisSpamTagLevel"), ["2"], "asked")
            d.kill()
            time.sleep(0.5)
            t.equal(values(p.ask("a@example.com"), "amavisSpamTagLevel"), ["2"], 'lookup_failure = "stale": the last known answer')
            t.ok("error" in p.ask("new@example.com"), "not for what was never known")
        t.match(p.told, r"last known answer stands in: ldap: .*Connection refused", "and it is logged, with the reason")


# ---- what administrators see ----

def checks(t):
    def check(text, *more):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            os.chmod(folder, 0o755)
            name = os.path.join(folder, "p.lua")
            with open(name, "w", encoding="utf-8") as f:
                f.write('compatibility_level = 1\nbypass_virus_checks_maps = { true }\n' + text)
            done = subprocess.run([os.path.join(BUILD, "posternd"), "--build-dir", BUILD, "-c", name, *(more or ["-t"])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=60, check=False)
            return done.returncode, done.stdout.decode().replace(folder + "/", "")

    code, text = check('enable_ldap = true\ndefault_ldap = {\n  hostnam = "x", bind_passwort = "geheim",\n  scope = "tree" }\n')
    t.equal(code, 78, "unknown keys are an error")
    t.match(text, r'^p\.lua:\d+: default_ldap\.hostnam: unknown option; did you mean "hostname"', "with the nearest name")
    t.match(text, r"default_ldap\.scope: .*base\|one\|sub", "and what a value may be")
    t.no_match(text, "geheim", "and no value of an unknown key")
    for wrong, said in (('sslversion = "tlsv1"', "tlsv1_2"), ('version = 2', "3 to 3"), ('query_filter = "(mail=*)"', "%m"), ('hostname = "ftp://x"', "hostname"),
                        ('base = "ou=%m"', "base"), ('bind_dn = "cn=x"', "bind_password"), ('verify = "maybe"', r"none\|optional\|require"), ('hostname = {}', "at least one")):
        code, text = check("enable_ldap = true\ndefault_ldap = { %s }\n" % wrong)
        t.ok(code == 78 and re.search(said, text), wrong + " is refused", text)
    code, text = check('enable_ldap = true\ndefault_ldap = { hostname = "ldap.example.com", bind_dn = "cn=x", bind_password = "geheim" }\n', "-n")
    t.ok(code == 0 and "geheim" not in text, "-n shows no password", text)
    code, text = check('local_domains_maps = { ldap { hostname = "ldap.example.com", bind_dn = "cn=x", bind_password = "geheim", result = "mail" } }\n', "-n")
    t.ok(code == 0 and "geheim" not in text and "ldap.example.com" in text, "nor of a table", text)
    code, text = check('default_ldap = { hostname = "ldap.example.com", bind_dn = "cn=x", bind_password = "geheim" }\nlocal_domains_maps = { lookup "ldap:///dc=x?mail" }\n', "-n")
    t.ok(code == 0 and "geheim" not in text and 'result"] = "mail' in text, "nor of one that takes it from default_ldap", text)
    with Slapd() as d:
        settings = 'enable_ldap = true\ndefault_ldap = { hostname = %s, base = %s%s }\n'
        code, text = check(settings % (lua(d.url), lua(BASE), ""), "-tt")
        t.ok(code == 0 and re.search(r"^ldap: good", text, re.M) and re.search(r'base "dc=example,dc=com" is there', text), "-tt asks the directory", text)
        code, text = check(settings % (lua(d.url), lua("dc=nowhere"), ""), "-tt")
        t.ok(code == 78 and re.search(r'FAILED: .*read "dc=nowhere".*check base', text), "-tt: a base that is not there", text)
        code, text = check(settings % (lua(d.url), lua(BASE), ', query_filter = "(&(objectClass=amavisAccont)(mail=%m))"'), "-tt")
        t.ok(code == 78 and re.search(r"does not know the object class amavisAccont", text), "-tt: an object class that it does not know", text)
        code, text = check(settings % (lua([d.url, "127.0.0.1:1"]), lua(BASE), ""), "-tt")
        t.ok(code == 78 and re.search(r"FAILED: .*\[127\.0\.0\.1\]:1: Connection refused", text), "-tt asks the server in reserve too", text)


def schema_is_that_of_amavisd_new(t):
    def facts(name):
        with open(name, encoding="utf-8", errors="replace") as f:
            text = re.sub(r"^#.*$", "", f.read(), flags=re.M)
        return {re.search(r"\(\s*([\d.]+)", piece).group(1): (re.search(r"NAME\s+'(\w+)'", piece).group(1), "SINGLE-VALUE" in piece, "".join(re.findall(r"SYNTAX\s+(\S+)", piece)))
                for piece in re.split(r"(?m)^(?=attributetype|objectclass)", text) if re.search(r"\(\s*[\d.]+", piece)}

    theirs = os.path.join(private_slapd.schema_folder(), "amavis.schema")
    ours = facts(os.path.join(private_slapd.SOURCE, "schema/postern.schema"))
    t.equal(len(ours), 48, "47 attributes and a class")
    if os.path.exists(theirs):
        t.equal(ours, facts(theirs), "numbers, names, syntaxes as in amavisd-new's schema")
    else:
        t.skip("numbers, names, syntaxes as in amavisd-new's schema", "it is not installed")


def the_ldif_loads(t):
    """The same schema for cn=config: converted by slaptest's own reader."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        places = private_slapd.schema_folder()
        script = "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n\ndn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n"
        for name in ("core.ldif", "cosine.ldif"):
            with open(os.path.join(places, name), encoding="utf-8") as f:
                script += f.read() + "\n\n"
        with open(os.path.join(private_slapd.SOURCE, "schema/postern.ldif"), encoding="utf-8") as f:
            script += f.read()
        done = subprocess.run([private_slapd.find("slapadd"), "-n", "0", "-F", folder], input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        t.equal(done.returncode, 0, "schema/postern.ldif loads into cn=config: " + done.stdout.decode(errors="replace")[-300:])


if __name__ == "__main__":
    private_slapd.skip_without_slapd()
    if not os.path.exists(os.path.join(BUILD, "plugins/lookup/ldap.la")):
        print("1..0 # SKIP the plugin ldap is not built")
        sys.exit(0)
    wanted = sys.argv[1:]
    with Tap() as tap:
        for story in (reads_everything, orders_by_key, base_by_domain, injection, many, referrals, identities, encryption, restarts, silence, cancelled, failover, table, cache, checks,
                      schema_is_that_of_amavisd_new, the_ldif_loads):
            if not wanted or story.__name__ in wanted:
                tap.note(story.__name__)
                story(tap)
