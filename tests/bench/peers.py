"""The filters that are compared, each with a private configuration that asks of it what is asked of the others.

All: four children or workers, work folder on the same tmpfs, 1000 mails per child, mail on to the same smtp-sink, log
at the lowest level to a file, scanning by the same clamd.  Whatever a peer does beyond that is turned off.
"""
import contextlib, os, random, smtplib, socket, time

from rig import Trouble, free_port, user_exists

WORKERS = 4
REQUESTS = 1000
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def program(*names):
    for name in names:
        for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/local/sbin"]:
            if os.access(f"{folder}/{name}", os.X_OK):
                return f"{folder}/{name}"
    return None


def make_database(rig):
    """EICAR's test file, and enough signatures that match nothing for the engine to have something to look for."""
    folder = rig.subfolder("database", mode=0o755)
    dice = random.Random(1)
    rows = ["Eicar-Test-Signature:0:*:" + EICAR.encode().hex()]
    rows += [f"Padding-{i}:0:*:{dice.randbytes(24).hex()}" for i in range(200)]
    rig.write("database/bench.ndb", "\n".join(rows) + "\n")
    rig.write("database/bench.hdb", "".join(f"{dice.randbytes(16).hex()}:{dice.randrange(100, 100000)}:Hash-{i}\n" for i in range(1000)))
    return folder


def start_sink(rig):
    port = free_port()
    user = ["-u", "nobody"] if rig.root else []
    process = rig.start("smtp-sink", [program("smtp-sink")] + user + ["-c", f"127.0.0.1:{port}", "1024"])
    rig.await_port(process, port)
    return port


class Clamd:
    """One for all peers. Root's runs as root, so that it may read every peer's files."""

    def __init__(self, rig, database):
        self.socket = f"{rig.folder}/clamd.ctl"
        temporary = rig.subfolder("clamd")
        configuration = rig.write("clamd.conf", f"Foreground yes\nLogFile {rig.folder}/clamd.out\nLocalSocket {self.socket}\nLocalSocketMode 666\n"
            f"DatabaseDirectory {database}\nTemporaryDirectory {temporary}\nMaxThreads 8\nSelfCheck 0\nBytecode no\nStreamMaxLength 100M\n"
            + ("User root\n" if rig.root else ""))
        self.group = rig.group("clamd")
        process = rig.start("clamd", [program("clamd"), "-c", configuration], self.group)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            rig.must_live(process)
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as s:
                s.connect(self.socket)
                return
            time.sleep(0.05)
        raise Trouble("clamd does not answer:\n" + rig.log_of("clamd"))


class Peer:
    """`name`; `port` to send to; `group`, None for smtp-sink itself; `scans`: an infected mail must not pass."""

    scans = False
    uses_clamd = False
    group = None


class NoFilter(Peer):
    name = "no filter"

    def __init__(self, rig, sink, clamd):
        self.port = sink


class Haproxy(Peer):
    name = "haproxy"

    def __init__(self, rig, sink, clamd):
        self.port = free_port()
        configuration = rig.write("haproxy.cfg", "global\n nbthread 1\n maxconn 4000\ndefaults\n mode tcp\n timeout connect 10s\n"
            " timeout client 300s\n timeout server 300s\n"
            f"listen smtp\n bind 127.0.0.1:{self.port}\n server sink 127.0.0.1:{sink}\n")
        self.group = rig.group("haproxy")
        process = rig.start("haproxy", [need("haproxy"), "-db", "-f", configuration], self.group)
        rig.await_port(process, self.port)


class Clamsmtp(Peer):
    name, scans, uses_clamd = "clamsmtp + clamd", True, True

    def __init__(self, rig, sink, clamd):
        self.port = free_port()
        temporary = rig.subfolder("clamsmtp", mode=0o700)
        configuration = rig.write("clamsmtpd.conf", f"OutAddress: 127.0.0.1:{sink}\nListen: 127.0.0.1:{self.port}\nClamAddress: {clamd.socket}\n"
            f"TempDirectory: {temporary}\nMaxConnections: 64\nQuarantine: off\n")
        self.group = rig.group("clamsmtp")
        process = rig.start("clamsmtp", [need("clamsmtpd"), "-d", "1", "-f", configuration], self.group)
        rig.await_port(process, self.port)


class Amavisd(Peer):
    name, scans, uses_clamd = "amavisd-new + clamd", True, True
    scanner = r"""['ClamAV-clamd', \&ask_daemon, ["CONTSCAN {{}}\n", '{clamd}'], qr/\bOK$/m, qr/\bFOUND$/m,
  qr/^.*?: (?!Infected Archive)(.*) FOUND$/m]"""
    settings = ""

    def __init__(self, rig, sink, clamd):
        self.port = free_port()
        user = "amavis" if rig.root else None
        home, temporary = rig.subfolder("amavis", user), rig.subfolder("amavis/tmp", user)
        rig.subfolder("amavis/db", user)
        whoami = f'$daemon_user = "{user}"; $daemon_group = "{user}";' if user else ""
        configuration = rig.write("amavisd.conf", f"""use strict;
{whoami}
$myhostname = 'bench.example.com'; $mydomain = 'example.com';
$MYHOME = '{home}'; $TEMPBASE = '{temporary}'; $db_home = '{home}/db'; $QUARANTINEDIR = undef;
$pid_file = '{home}/amavisd.pid'; $lock_file = '{home}/amavisd.lock'; $unix_socketname = undef;
$inet_socket_bind = '127.0.0.1'; $inet_socket_port = {self.port};
$max_servers = {WORKERS}; $max_requests = {REQUESTS};
$do_syslog = 0; $log_level = 0; $LOGFILE = '{home}/amavis.out';
$enable_db = 0; $enable_zmq = 0; $enable_dkim_verification = 0; $enable_dkim_signing = 0;
@bypass_spam_checks_maps = (1); @bypass_banned_checks_maps = (1); @bypass_header_checks_maps = (1);
$virus_admin = undef; $virus_quarantine_method = undef; $final_virus_destiny = D_DISCARD;
$forward_method = 'smtp:[127.0.0.1]:{sink}'; $notify_method = $forward_method;
@av_scanners = ({self.scanner.format(clamd=clamd.socket if clamd else '', folder=rig.folder)});
@av_scanners_backup = ();
{self.settings}
1;
""")
        # Debian's own files say which helper programs there are, and which parts are kept as they came.
        first = [f for f in ("/etc/amavis/conf.d/01-debian", "/etc/amavis/conf.d/20-debian_defaults") if os.access(f, os.R_OK)]
        arguments = [a for f in first + [configuration] for a in ("-c", f)]
        self.group = rig.group("amavisd")
        process = rig.start("amavisd", [need("amavisd", "amavisd-new")] + arguments + ["foreground"], self.group)
        rig.await_port(process, self.port, 60)


class Postern(Peer):
    scanner, settings = "", ""

    def __init__(self, rig, sink, clamd):
        self.port = free_port()
        tag = "".join(c for c in self.name if c.isalnum())
        user = "postern" if rig.root and user_exists("postern") else "nobody" if rig.root else None
        self.home = rig.subfolder(tag, user)
        self.configuration = rig.write(f"{tag}.lua", f"""
MYHOME = "{self.home}"
TEMPBASE = "{rig.subfolder(tag + '/tmp', user)}"
{f'daemon_user = "{user}"' if user else ''}
listen_sockets = {{ "127.0.0.1:{self.port}" }}
forward_method = "smtp:[127.0.0.1]:{sink}"
max_servers = {WORKERS}
max_requests = {REQUESTS}
smtpd_message_size_limit = undef
do_syslog = false
logfile = "{self.home}/log"
log_level = 0
virus_quarantine_method = undef
{self.scanner.format(clamd=clamd.socket if clamd else '', database=rig.folder + '/database')}
{self.settings}
""")
        self.group = rig.group(tag)
        process = rig.start(tag, [f"{rig.build}/posternd", "-c", self.configuration, "--build-dir", rig.build, "-f"], self.group)
        self.process = process
        rig.await_port(process, self.port, 60)


class PosternClamd(Postern):
    name, scans, uses_clamd = "postern + clamd", True, True
    scanner = 'av_scanners = {{ clamd {{ socket = "{clamd}" }} }}'


class PosternClamav(Postern):
    name, scans = "postern + libclamav", True
    scanner = 'av_scanners = {{ clamav {{ database = "{database}" }} }}'


class PosternNoScanner(Postern):
    """Banned checks are not bypassed, so that the opener takes every mail apart."""
    name = "postern, no scanner"
    settings = "bypass_virus_checks_maps = { true }"


class PosternBypass(Postern):
    """Nothing is opened: the mail only passes through."""
    name = "postern, all bypassed"
    settings = "bypass_virus_checks_maps = { true }\nbypass_banned_checks_maps = { true }"


PEERS = (NoFilter, Haproxy, Clamsmtp, Amavisd, PosternClamd, PosternClamav, PosternNoScanner)


def need(*names):
    found = program(*names)
    if not found:
        raise Trouble(f"{names[0]} is not installed")
    return found


def answer_to_eicar(port):
    """What the peer replies to EICAR's test file, as text."""
    text = "From: a@load.example\r\nSubject: infected\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\r\n" + EICAR + "\r\n"
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo("load.example")
        client.mail("sender@load.example")
        client.rcpt("recipient@load.example")
        code, reply = client.data(text)
        return f"{code} {reply.decode(errors='replace')}"


def is_caught(answer):
    return answer.startswith("5") or "discarded" in answer.lower()
