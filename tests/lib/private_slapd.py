"""private_slapd.py - an OpenLDAP server of the test's own: its folder, its port, its certificates, the schema from schema/. Loopback only.

    with Slapd() as directory:
        directory.add("uid=a,dc=example,dc=com", mail="a@example.com", amavisVirusLover="TRUE")
        directory.url                     # ldap://127.0.0.1:PORT
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from halt import halt

SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/usr/lib:/usr/libexec"
SCHEMA_PLACES = ("/etc/ldap/schema", "/etc/openldap/schema")
BASE = "dc=example,dc=com"
ADMIN, PASSWORD = "cn=admin," + BASE, "S3cret-of-the-directory"
READER = "cn=reader," + BASE

CONFIGURATION = """include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
include {source}/schema/postern.schema
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit 500
{tls}
{extra}
sasl-auxprops slapd
password-hash {{CLEARTEXT}}
authz-regexp "uid=([^,]*),cn=[^,]*,cn=auth" "cn=$1,{base}"
authz-regexp "gidNumber=[0-9]+[+]uidNumber={uid},cn=peercred,cn=external,cn=auth" "{reader}"
access to dn.base="" by * read
access to dn.base="cn=Subschema" by * read
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by dn.exact="{admin}" write by {anonymous}
database mdb
maxsize 33554432
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/db
index objectClass,mail eq
"""


def find(name):
    return shutil.which(name, path=PROGRAMS)


def schema_folder():
    return next((place for place in SCHEMA_PLACES if os.path.exists(place + "/core.schema")), None)


def missing():
    """What keeps a directory from being started here, or None."""
    for name in ("slapd", "ldapadd", "openssl"):
        if not find(name):
            return "no %s on this machine" % name
    return None if schema_folder() else "no schema files of OpenLDAP on this machine"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Authority:
    """A certificate authority that lives as long as the folder it is in."""

    def __init__(self, folder, name="ca"):
        self.folder, self.file, self.key = folder, "%s/%s.pem" % (folder, name), "%s/%s.key" % (folder, name)
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test " + name, "-keyout", self.key, "-out", self.file)

    @staticmethod
    def run(*arguments):
        subprocess.run([find("openssl"), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, name, alternatives):
        """Certificate and key for `name`; alternatives: "DNS:localhost,IP:127.0.0.1"."""
        certificate, key, request = ("%s/%s.%s" % (self.folder, name, end) for end in ("pem", "key", "csr"))
        with open(request + ".ext", "w", encoding="ascii") as f:
            f.write("subjectAltName=%s\n" % alternatives)
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", key, "-out", request)
        self.run("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-extfile", request + ".ext", "-out", certificate)
        return certificate, key


class Slapd:
    """extra: more lines of configuration, before the database; names: what the certificate is made out to, None: no TLS."""

    def __init__(self, extra="", names=None, authority=None, anonymous="* read"):
        self.folder = tempfile.mkdtemp(prefix="slapd.", dir="/tmp")
        self.user = None
        os.mkdir(self.folder + "/db")
        os.chmod(self.folder, 0o755)
        self.authority = authority or (Authority(self.folder) if names else None)
        tls = ""
        if names:
            certificate, key = self.authority.issue("server%d" % os.getpid(), names)
            if os.path.dirname(certificate) != self.folder:
                certificate, key = (shutil.copy(f, self.folder) for f in (certificate, key))
            tls = "TLSCertificateFile %s\nTLSCertificateKeyFile %s\nTLSCACertificateFile %s" % (certificate, key, self.authority.file)
        if os.geteuid() == 0:
            self.user = next((u.pw_name for u in pwd.getpwall() if u.pw_name in ("postern", "nobody")), None)
        self.port, self.tls_port = free_port(), free_port()
        self.socket = self.folder + "/ldapi"
        self.url = "ldap://127.0.0.1:%d" % self.port
        self.secure_url = "ldaps://127.0.0.1:%d" % self.tls_port
        self.local_url = "ldapi://" + self.socket.replace("/", "%2f")
        with open(self.folder + "/slapd.conf", "w", encoding="utf-8") as f:
            f.write(CONFIGURATION.format(schema=schema_folder(), source=SOURCE, folder=self.folder, tls=tls, extra=extra, base=BASE, admin=ADMIN,
                                         password=PASSWORD, reader=READER, uid=os.geteuid(), anonymous=anonymous))
        if self.user:
            for base, _, names_there in os.walk(self.folder):
                for name in [base] + [os.path.join(base, n) for n in names_there]:
                    shutil.chown(name, self.user)
        self.process = None
        self.tls = bool(names)
        self.start()
        self.load(["dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n" % BASE,
                   "dn: %s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: %s\n" % (READER, PASSWORD)])

    def start(self):
        urls = "%s/ %s/" % (self.url, self.local_url) + (" %s/" % self.secure_url if self.tls else "")
        with open(self.folder + "/log", "ab") as log:
            self.process = subprocess.Popen([find("slapd"), "-d", "0", "-h", urls, "-f", self.folder + "/slapd.conf"], user=self.user, group=None,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        with open(self.folder + "/log", encoding="utf-8", errors="replace") as f:
            raise RuntimeError("slapd does not start: " + f.read()[-2000:])

    def load(self, entries, change=False):
        text = "\n".join(entries)
        # as administrator over the port; the socket knows us as the reader
        done = subprocess.run([find("ldapmodify" if change else "ldapadd"), "-x", "-H", self.url, "-D", ADMIN, "-w", PASSWORD], input=text.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"LDAPNOINIT": "1", "PATH": PROGRAMS}, check=False)
        if done.returncode != 0:
            raise RuntimeError("ldapadd: " + done.stdout.decode(errors="replace"))

    def add(self, dn, **attributes):
        """An entry of the class amavisAccount; a list is an attribute of several values."""
        self.load([entry(dn, attributes)])

    def add_many(self, pairs):
        self.load([entry(dn, attributes) for dn, attributes in pairs])

    def replace(self, dn, attribute, values):
        lines = ["dn: " + dn, "changetype: modify", "replace: " + attribute] + ["%s: %s" % (attribute, v) for v in values]
        self.load(["\n".join(lines) + "\n"], change=True)

    def pause(self):
        halt(self.process.pid)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def restart(self):
        self.kill()
        self.start()

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def entry(dn, attributes):
    lines = ["dn: " + dn, "objectClass: account", "objectClass: amavisAccount", "%s: %s" % tuple(dn.split(",")[0].split("=", 1))]
    for name, values in attributes.items():
        lines += ["%s: %s" % (name, v) for v in (values if isinstance(values, list) else [values])]
    return "\n".join(lines) + "\n"


def skip_without_slapd():
    why = missing()
    if why:
        print("1..0 # SKIP " + why)
        sys.exit(0)
