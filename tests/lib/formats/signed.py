"""signed.py - S/MIME and other CMS: what is signed within its signature, and compressed (RFC 5652, RFC 3274)."""
import base64
import os
import subprocess
import tempfile
import zlib

from formats import stream

KINDS = {
    "data": "06092a864886f70d010701", "signed": "06092a864886f70d010702", "enveloped": "06092a864886f70d010703",
    "digested": "06092a864886f70d010705", "compressed": "060b2a864886f70d0109100109", "authenveloped": "060b2a864886f70d0109100117",
}
ZLIB = bytes.fromhex("060b2a864886f70d0109100308")
AES = bytes.fromhex("060960864801650304012a")


def der(tag, *contents):
    body = b"".join(contents)
    digits = (len(body).bit_length() + 7) // 8
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x80 | digits]) + len(body).to_bytes(digits, "big")
    return bytes([tag]) + length + body


def open_ended(tag, *contents):
    """Of no told length."""
    return bytes([tag, 0x80]) + b"".join(contents) + b"\0\0"


def kind(name):
    return bytes.fromhex(KINDS[name])


def signed(content, of="data"):
    encapsulated = der(0x30, kind(of), der(0xa0, der(4, content)))
    return der(0x30, kind("signed"), der(0xa0, der(0x30, der(2, b"\1"), der(0x31), encapsulated, der(0x31))))


def signed_in_pieces(content, size=5):
    """As programs write that do not know the length beforehand; pieces within pieces."""
    pieces = [der(4, content[i:i + size]) for i in range(0, len(content), size)]
    octets = open_ended(0x24, *[open_ended(0x24, *pieces[i:i + 3]) if i % 2 else der(0x24, *pieces[i:i + 3]) for i in range(0, len(pieces), 3)])
    algorithms = open_ended(0x31, open_ended(0x30, bytes.fromhex("0609608648016503040201"), der(5)))
    encapsulated = open_ended(0x30, kind("data"), open_ended(0xa0, octets))
    return open_ended(0x30, kind("signed"), open_ended(0xa0, open_ended(0x30, der(2, b"\1"), algorithms, encapsulated, der(0x31))))


def detached():
    return der(0x30, kind("signed"), der(0xa0, der(0x30, der(2, b"\1"), der(0x31), der(0x30, kind("data")), der(0x31))))


def digested(content):
    algorithm = der(0x30, bytes.fromhex("06052b0e03021a"), der(5))
    return der(0x30, kind("digested"), der(0xa0, der(0x30, der(2, b"\0"), algorithm, der(0x30, kind("data"), der(0xa0, der(4, content))), der(4, b"x" * 20))))


def compressed(content):
    packed = der(0xa0, der(4, zlib.compress(content)))
    return der(0x30, kind("compressed"), der(0xa0, der(0x30, der(2, b"\0"), der(0x30, ZLIB), der(0x30, kind("data"), packed))))


def enveloped(how="enveloped"):
    encrypted = der(0x30, kind("data"), der(0x30, AES, der(4, b"i" * 16)), der(0x80, b"secret" * 10))
    return der(0x30, kind(how), der(0xa0, der(0x30, der(2, b"\0"), der(0x31, der(0x30, b"\0" * 40)), encrypted)))


@stream("p7m", ".p7m", decoder="smime")
def p7m(content):
    return signed(content)


@stream("p7m/pieces", ".p7m", decoder="smime")
def p7m_pieces(content):
    return signed_in_pieces(content)


@stream("p7m/pem", ".p7m", path="1/1", decoder="smime")
def p7m_pem(content):
    return b"-----BEGIN PKCS7-----\n" + base64.encodebytes(signed(content)) + b"-----END PKCS7-----\n"


@stream("p7m/base64", ".p7m", path="1/1", decoder="smime")
def p7m_base64(content):
    return base64.encodebytes(signed(content))


@stream("p7m/digested", ".p7m", decoder="smime")
def p7m_digested(content):
    return digested(content)


@stream("p7m/nested", ".p7m", path="1/1", decoder="smime")
def p7m_nested(content):
    return signed(signed(content), "signed")


@stream("p7z", ".p7z", decoder="smime")
def p7z(content):
    return compressed(content)


@stream("p7m/openssl", ".p7m", tools=["openssl"], decoder="smime")
def p7m_openssl(content):
    with tempfile.TemporaryDirectory() as folder:
        key, certificate, file = [os.path.join(folder, name) for name in ("key", "certificate", "file")]
        with open(file, "wb") as f:
            f.write(content)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=signer"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return subprocess.run(["openssl", "cms", "-sign", "-nodetach", "-binary", "-stream", "-outform", "DER", "-in", file, "-signer", certificate, "-inkey", key],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
