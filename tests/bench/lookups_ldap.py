"""lookups_ldap.py - rows of lookups.py: a directory, with and without the cache, in the clear, by TLS and by ldapi.

A private slapd with 10,000 entries on the loopback device, one connection, a mail's record asked anew for every lookup.  The peer is
Postfix's own LDAP table."""
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("POSTERN_SOURCE", os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import private_slapd  # noqa: E402
from lookupprobe import Lua  # noqa: E402
from lookups_sql import known  # noqa: E402

MAPS = '{ ldap_field "amavisSpamTag2Level" }'
POSTMAP = """server_host = %s
search_base = %s
query_filter = (&(objectClass=amavisAccount)(|(mail=%%s)(mail=@%%d)(mail=@.)))
result_attribute = amavisSpamTag2Level
version = 3
"""


def postmap(tables, directory, asked):
    """Keys per second of Postfix's LDAP table; None: it has none here."""
    program = shutil.which("postmap", path="/usr/sbin:/usr/local/sbin")
    if not program or "ldap" not in subprocess.run(["/usr/sbin/postconf", "-m"], stdout=subprocess.PIPE, check=False).stdout.decode().split():
        return None
    tables.write("main.cf", "")
    table = tables.write("postmap.cf", POSTMAP % (directory.url, private_slapd.BASE))
    began = time.monotonic()
    subprocess.run([program, "-c", tables.path, "-q", "-", "ldap:" + table], input="\n".join(asked).encode() + b"\n", stdout=subprocess.DEVNULL, check=False)
    return len(asked) / (time.monotonic() - began)


def rows(tables, asked):
    if private_slapd.missing():
        print("LDAP: %s, left out" % private_slapd.missing())
        return
    with private_slapd.Slapd(names="IP:127.0.0.1") as d:
        d.add_many([("uid=user%d,%s" % (n, private_slapd.BASE), {"mail": user, "amavisSpamTag2Level": "6.31"}) for n, user in enumerate(known(asked))])
        settings = {"recipient_delimiter": "+", "enable_ldap": True, "lookup_cache_entries": 2 * len(asked), "lookup_cache_ttl": 0}
        for name, options, more, peer in (("LDAP", 'hostname = "%s"' % d.url, {}, lambda: ("Postfix ldap:", postmap(tables, d, asked))),
                                          ("LDAP, cached", 'hostname = "%s"' % d.url, {"lookup_cache_ttl": 3600}, None),
                                          ("LDAP, ldapi", 'hostname = "%s", sasl = true' % d.local_url, {}, None),
                                          ("LDAP, TLS", 'hostname = "%s", cafile = "%s"' % (d.secure_url, d.authority.file), {}, None)):
            yield name, MAPS, dict(settings, default_ldap=Lua('{ base = "%s", %s }' % (private_slapd.BASE, options)), **more), peer
