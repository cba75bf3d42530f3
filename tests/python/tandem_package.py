"""The formats of docs/PACKAGE.md, read and written a second time, for tests.

Written from the document and not from the C code: where the two differ, one of them, or the document, is wrong.
Signing and verifying is left to the openssl command."""

import hashlib
import struct
import subprocess
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 4096
ANYWHERE = 0xFFFFFFFF
FRONT_MAX = 1024


class Invalid(Exception):
    """The bytes are not what the document allows."""


def sha256(data):
    return hashlib.sha256(data).digest()


# --- Firmware tag ---

MARKER = b"blnkinf\0"
TAG_ALPHABET = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ \t\n\r\f\v.,:-()\0")
TAG_MAX, VALUE_MAX = 320, 64


def tag_build(version, kind, build="", library=""):
    pairs = [("mcu", version), ("fw-type", kind), ("build", build), ("blynk", library)]
    return MARKER + b"".join(f"{key}\0{value}\0".encode() for key, value in pairs if value) + b"\0"


def tag_at(data, at):
    """The tag that starts at an offset, or None."""
    end = data.find(b"\0\0", at + len(MARKER))
    if not data.startswith(MARKER, at) or end < 0:
        return None
    tag = data[at:end + 2]
    return tag if TAG_ALPHABET.issuperset(tag) and len(tag) <= TAG_MAX else None


def tag_pairs(tag):
    strings = tag[len(MARKER):-2].split(b"\0")
    return [(key.decode(), value.decode()) for key, value in zip(strings[0::2], strings[1::2])]


def tag_find(data):
    """(offset, tag) of the first tag with at least one pair and no value that is too long, or None."""
    at = data.find(MARKER)
    while at >= 0:
        tag = tag_at(data, at)
        if tag:
            known = [value for key, value in tag_pairs(tag) if key in ("mcu", "fw-type", "build", "blynk")]
            if tag_pairs(tag) and all(len(value) <= VALUE_MAX for value in known):
                return at, tag
        at = data.find(MARKER, at + 1)
    return None


# --- Relocations ---

def block_count(image_bytes):
    return (image_bytes + BLOCK - 1) // BLOCK


def relocations_encode(sites, image_bytes):
    if not sites:
        return b""
    index, stream = [], b""
    for block in range(block_count(image_bytes)):
        index.append(len(stream))
        previous = -1
        for word in [site % BLOCK // 4 for site in sites if site // BLOCK == block]:
            code = word - previous - 1
            previous = word
            stream += bytes([code]) if code < 128 else bytes([0x80 | code & 0x7F, code >> 7])
    return struct.pack(f"<{len(index)}I", *index) + stream


def relocations_decode(table, image_bytes, count):
    if count == 0 and not table:
        return []
    blocks = block_count(image_bytes)
    if len(table) < 4 * blocks:
        raise Invalid("no room for the index")
    index = list(struct.unpack_from(f"<{blocks}I", table))
    stream = table[4 * blocks:]
    bounds = index + [len(stream)]
    if bounds[0] != 0 or any(a > b for a, b in zip(bounds, bounds[1:])):
        raise Invalid("index")
    sites = []
    for block in range(blocks):
        codes = list(stream[bounds[block]:bounds[block + 1]])
        word = -1
        while codes:
            code = codes.pop(0)
            if code >= 128:
                if not codes or not 1 <= codes[0] <= 7:
                    raise Invalid("code")
                code = code & 0x7F | codes.pop(0) << 7
            word += 1 + code
            site = block * BLOCK + 4 * word
            if word >= BLOCK // 4 or site + 4 > image_bytes:
                raise Invalid("site")
            sites.append(site)
    if len(sites) != count:
        raise Invalid("count")
    return sites


def relocate(image, sites, delta):
    out = bytearray(image)
    for site in sites:
        word = struct.unpack_from("<I", out, site)[0]
        struct.pack_into("<I", out, site, (word + delta) & 0xFFFFFFFF)
    return bytes(out)


# --- Keys and signatures, by openssl ---

def openssl(*arguments, data=None, check=True):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=check)


def public_key(pem):
    """X || Y of a private key in a PEM file: the last 64 bytes of its SubjectPublicKeyInfo."""
    return openssl("pkey", "-in", str(pem), "-pubout", "-outform", "DER").stdout[-64:]


def key_id(point):
    return struct.unpack("<I", sha256(point)[:4])[0]


def der_integer(value):
    raw = value.to_bytes(33, "big").lstrip(b"\0") or b"\0"
    raw = b"\0" + raw if raw[0] & 0x80 else raw
    return bytes([2, len(raw)]) + raw


def signature_to_der(raw):
    body = der_integer(int.from_bytes(raw[:32], "big")) + der_integer(int.from_bytes(raw[32:], "big"))
    return bytes([0x30, len(body)]) + body


def signature_from_der(der):
    r_end = 4 + der[3]
    s = der[r_end + 2:]
    return int.from_bytes(der[4:r_end], "big").to_bytes(32, "big") + int.from_bytes(s, "big").to_bytes(32, "big")


def sign(pem, data):
    return signature_from_der(openssl("dgst", "-sha256", "-sign", str(pem), data=data).stdout)


def signature_valid(pem, data, raw):
    with tempfile.TemporaryDirectory() as folder:
        der = Path(folder, "signature.der")
        der.write_bytes(signature_to_der(raw))
        return openssl("dgst", "-sha256", "-prverify", str(pem), "-signature", str(der), data=data,
                       check=False).returncode == 0


def key_page(points):
    slots = b"".join(struct.pack("<I", key_id(point)) + point for point in points)
    page = b"TDMK" + bytes([1, len(points)]) + bytes(6) + slots.ljust(2 * 68, b"\0")
    return page + struct.pack("<I", zlib.crc32(page))


# --- Manifest, head, envelope ---

@dataclass
class Firmware:
    """What a package says, and the plain image it says it of."""
    image: bytes
    kind: str = "demo"
    version: str = "1.0.0"
    build: str = ""
    hardware: str = "test-board"
    sites: list = field(default_factory=list)
    counter: int = 0
    link_address: int = 0
    entry: int = 0
    revoked: int = 0
    library: str = ""
    extra: list = field(default_factory=list)  # (type, value) of fields from 0x80 on

    def table(self):
        return relocations_encode(self.sites, len(self.image))

    def fields(self):
        """The manifest's fields by type."""
        table = self.table()
        fields = {
            1: self.kind.encode(), 2: self.version.encode(), 3: self.build.encode(), 4: self.hardware.encode(),
            5: struct.pack("<I", len(self.image)) + sha256(self.image),
            6: struct.pack("<II", len(table), len(self.sites)) + sha256(table),
            7: struct.pack("<I", self.counter), 8: struct.pack("<I", self.link_address),
            9: struct.pack("<I", self.entry),
        }
        if self.revoked:
            fields[10] = bytes([self.revoked])
        return fields | dict(self.extra)

    def tag(self):
        return tag_build(self.version, self.kind, self.build, self.library)


def manifest_build(fields):
    """From (type, value) pairs in the order given, so that tests can build wrong ones."""
    return b"".join(bytes([number, len(value)]) + value for number, value in fields)


def head_build(tag, manifest, signer_id):
    algorithm = 1 if signer_id else 0
    return (b"TDMH" + bytes([1, algorithm, 0, 0]) + struct.pack("<IHH", signer_id, len(tag), len(manifest)) + tag +
            manifest)


def head_of(firmware, signer_id):
    return head_build(firmware.tag(), manifest_build(sorted(firmware.fields().items())), signer_id)


def envelope_build(head_bytes, relocation_bytes, payload_bytes, encoding=0, base=bytes(32)):
    start = b"TDMP" + struct.pack("<BBHII", 1, encoding, head_bytes, relocation_bytes, payload_bytes) + bytes(12) + base
    return start + struct.pack("<I", zlib.crc32(start))


def package_build(firmware, head, signature):
    table = firmware.table()
    return envelope_build(len(head), len(table), len(firmware.image)) + head + signature + table + firmware.image


# --- A bank ---

def pad(data, unit):
    return data + b"\xff" * (-len(data) % unit)


def bank_build(firmware, head, signature, address, size, header_bytes, unit, confirmed=False):
    """All bytes of a bank that starts at address and holds the firmware."""
    bank = bytearray(b"\xff" * size)
    delta = address - firmware.link_address if firmware.sites else 0
    image = relocate(firmware.image, firmware.sites, delta)
    table = pad(firmware.table(), unit)
    stored = pad(b"TDMB" + struct.pack("<HH", len(head), 0) + head + signature, unit)
    bank[:len(image)] = image
    bank[size - header_bytes - len(table):size - header_bytes] = table
    bank[size - header_bytes:size - header_bytes + len(stored)] = stored
    if confirmed:
        mark = pad(b"TDMC" + sha256(firmware.image)[:12], max(unit, 16))
        bank[size - len(mark):] = mark
    return bytes(bank)
