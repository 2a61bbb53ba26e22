"""embedded.py - archives within something else: programs that open themselves, pictures with something behind them."""
import struct

from formats import format, gzipped
from formats.archives import cab_mszip, rar4, rar5, seven, ustar
from formats.zips import pack


def program(overlay):
    """As much of a Windows program as a type needs, and what is behind it."""
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0x14c, 0, 0, 0, 0, 224, 0x102)
    return head.ljust(4096, b"\xcc") + overlay


@format("sfx/zip", ".exe")
def sfx_zip(members):
    return program(pack(members))


@format("sfx/zip-signed", ".exe")
def sfx_zip_signed(members):
    """A signature of the whole program stands behind the archive."""
    return program(pack(members)) + b"\x30\x82" + b"\1\2\3" * 2000


@format("sfx/rar4", ".exe")
def sfx_rar4(members):
    return program(rar4(members))


@format("sfx/rar5", ".exe")
def sfx_rar5(members):
    return program(rar5(members))


@format("sfx/cab", ".exe")
def sfx_cab(members):
    return program(cab_mszip(members) + b"more of the program")


@format("sfx/7z", ".exe", tools=["7zz"])
def sfx_7z(members):
    return program(b";!@Install@!UTF-8!\n;!@InstallEnd@!\n" + seven()(members))


@format("gif+zip", ".gif")
def gif_zip(members):
    return b"GIF89a\1\0\1\0\0\0\0;" + pack(members)


@format("jpg+rar", ".jpg")
def jpg_rar(members):
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\1" * 500 + b"\xff\xd9" + rar5(members)


@format("tar+zip", ".tar", path="2")
def tar_zip(members):
    """Both are archives; the virus is in the one behind."""
    return ustar([("harmless.txt", gzipped(b"nothing"))]) + pack(members)


@format("text+zip", ".txt")
def text_zip(members):
    """Text for longer than anyone looks, then an archive."""
    return b"All work and no play makes Jack a dull boy.\r\n" * 2000 + pack(members)
