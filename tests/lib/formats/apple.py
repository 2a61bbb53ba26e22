"""apple.py - files of the Macintosh as one file: AppleSingle and AppleDouble (RFC 1740), MacBinary."""
import struct

from formats import format

DATA, RESOURCES, NAME, FINDER = 1, 2, 3, 9


def entries(magic, *contents):
    """AppleSingle or AppleDouble of (entry id, content)."""
    head, table, body = struct.pack(">II16xH", magic, 0x20000, len(contents)), b"", b""
    for number, content in contents:
        table += struct.pack(">III", number, len(head) + 12 * len(contents) + len(body), len(content))
        body += content
    return head + table + body


def macbinary(name, data, resources=b""):
    head = bytearray(128)
    head[1] = len(name)
    head[2:2 + len(name)] = name.encode()
    head[65:73] = b"BINAhDmp"
    head[83:91] = struct.pack(">II", len(data), len(resources))
    head[102:106] = b"mBIN"
    head[122:124] = b"\x82\x81"
    return bytes(head) + b"".join(fork + bytes(-len(fork) % 128) for fork in (data, resources))


@format("applesingle", ".bin", decoder="apple")
def apple_single(members):
    return entries(0x51600, (NAME, members[0][0].encode()), (FINDER, bytes(32)), (DATA, members[0][1]))


@format("appledouble", ".bin", decoder="apple")
def apple_double(members):
    return entries(0x51607, (FINDER, bytes(32)), (RESOURCES, members[0][1]))


@format("macbinary", ".bin", decoder="apple")
def mac_binary(members):
    return macbinary(*members[0])


@format("macbinary/resources", ".bin", path="2", decoder="apple")
def mac_binary_resources(members):
    return macbinary("a", b"data", members[0][1])
