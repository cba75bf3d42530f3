#!/usr/bin/env python3
"""Makes the vectors of tests/vectors/image from tandem_package.py, or checks that they are what it makes.

  image_vectors.py write DIR    writes DIR; signatures that are there and still right are kept
  image_vectors.py check DIR    exit status 1, and a line per difference, where DIR is not what would be written
  image_vectors.py seeds DIR TO writes first inputs for fuzz_tag and fuzz_package into folders of TO

Signatures differ each time openssl makes one, so they are kept in DIR/*.sig; everything else follows from this
file. The keys in DIR are for tests only; openssl made them too: ecparam -name prime256v1 -genkey -noout."""

import random
import struct
import sys
import zlib
from pathlib import Path

from tandem_package import (ANYWHERE, BLOCK, Firmware, Invalid, bank_build, envelope_build, head_build, head_of,
                            key_id, key_page, manifest_build, package_build, public_key, relocations_decode,
                            relocations_encode, sha256, sign, signature_valid, tag_find, tag_pairs)

# The layout that the C tests use, too (tests/core/image/vectors.h).
BANK_ADDRESS = [0x10000, 0x14000]
BANK_BYTES, HEADER_BYTES, PROGRAM_BYTES = 0x3000, 1024, 8


def noise(name, size):
    """Bytes that look random and never change."""
    blocks = (sha256(f"{name} {i}".encode()) for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def image_with(name, size, sites, link_address):
    """An image whose words at sites point into it, as a linker would have left them."""
    image = bytearray(noise(name, size))
    for i, site in enumerate(sites):
        struct.pack_into("<I", image, site, link_address + (site * 7 + i * 36) % size)
    return bytes(image)


def firmwares():
    """name: (firmware, key)"""
    small_sites = [0, 4, 8, 40, 592]
    # First and last word of a block and of the image; a block without sites; distances of one and two bytes.
    big_sites = sorted([0, 4, 8, 12, 512, 520, 1040, 1556, 4092, 4096, 4100, 5000 - 5000 % 4] +
                       list(range(2048, 2148, 4)) + [8192 + 4, 9212])
    gap_sites = [100, 8200]
    # Stack pointer, reset vector, and a loop to the spot: the example of docs/PACKAGE.md.
    example = struct.pack("<III", 0x20001000, 0x10009, 0xBF00E7FE)
    return {
        "example": (Firmware(example, version="1.0.0", build="Nov 22 2026 10:00:00", library="1.3.2", sites=[4],
                             link_address=0x10000, counter=1), "key-a"),
        "small": (Firmware(image_with("small", 600, small_sites, 0x10000), version="1.1.0", sites=small_sites,
                           build="Nov 16 2023 20:35:55", library="1.3.2", link_address=0x10000, counter=3), "key-a"),
        "big": (Firmware(image_with("big", 9218, big_sites, 0x10000), version="2.0.0", sites=big_sites,
                         build="b7", link_address=0x10000, entry=0x100, counter=0x01020304), "key-b"),
        "gap": (Firmware(image_with("gap", 8204, gap_sites, 0x14000), version="2.1.0", sites=gap_sites,
                         link_address=0x14000), "key-a"),
        "anywhere": (Firmware(noise("anywhere", 333), version="0.9", link_address=ANYWHERE), "key-a"),
        "fixed": (Firmware(noise("fixed", 8), version="3", link_address=0x14000), "key-a"),
        "revoking": (Firmware(noise("revoking", 1000), version="4.0", link_address=ANYWHERE, revoked=1,
                              extra=[(0x80, b""), (0xFF, b"later")]), "key-b"),
        "self-revoking": (Firmware(noise("self-revoking", 1000), version="4.1", link_address=ANYWHERE, revoked=2), "key-b"),
        "longest": (Firmware(noise("longest", 64), kind="t" * 64, version="v" * 64, build="b" * 64,
                             hardware="h" * 32, library="l" * 64, link_address=ANYWHERE, revoked=2), "key-a"),
    }


def bad_heads():
    """name, expected error, head"""
    good = firmwares()["small"][0]
    tag = good.tag()
    fields = good.fields()

    def with_fields(**changes):
        changed = {**fields, **{int(k[1:]): v for k, v in changes.items()}}
        return head_build(tag, manifest_build(sorted((k, v) for k, v in changed.items() if v is not None)), 7)

    def u32(value):
        return struct.pack("<I", value)

    head = head_of(good, 7)
    size, digest = fields[5][:4], fields[5][4:]
    table_digest = fields[6][8:]

    yield "good", "OK", head
    yield "longer than it says", "E_FORMAT", head + b"\0"
    yield "shorter than it says", "E_TRUNCATED", head[:-1]
    yield "only the fixed part cut", "E_TRUNCATED", head[:15]
    yield "another magic", "E_FORMAT", b"TDMX" + head[4:]
    yield "another version", "E_VERSION", head[:4] + b"\2" + head[5:]
    yield "another algorithm", "E_VERSION", head[:5] + b"\2" + head[6:]
    yield "reserved byte set", "E_FORMAT", head[:6] + b"\1" + head[7:]
    yield "unsigned with a key id", "E_FORMAT", head[:5] + b"\0" + head[6:]
    for number in range(1, 10):
        yield f"field {number} missing", "E_MANIFEST", with_fields(**{f"f{number}": None})
        yield f"field {number} too long", "E_MANIFEST", with_fields(**{f"f{number}": fields[number].ljust(65, b"x")})
        if number != 3:
            yield f"field {number} empty", "E_MANIFEST", with_fields(**{f"f{number}": b""})
    yield "no manifest", "E_MANIFEST", head_build(tag, b"", 7)
    yield "the fixed part alone", "E_MANIFEST", head_build(b"", b"", 7)
    yield "half a field", "E_MANIFEST", head_build(tag, manifest_build(sorted(fields.items())) + b"\x80", 7)
    yield "field past the end", "E_MANIFEST", head_build(tag, manifest_build(sorted(fields.items())) + b"\x80\1", 7)
    yield "field twice", "E_MANIFEST", head_build(tag, manifest_build(sorted([*fields.items(), (7, fields[7])])), 7)
    yield "fields out of order", "E_MANIFEST", head_build(tag, manifest_build(sorted(fields.items(), reverse=True)), 7)
    yield "unknown critical field", "E_MANIFEST", with_fields(f11=b"x")
    yield "type zero", "E_MANIFEST", with_fields(f0=b"x")
    yield "unknown field that may be skipped", "OK", with_fields(f128=b"x" * 200)
    yield "unknown fields out of order", "E_MANIFEST", head_build(
        tag, manifest_build(sorted(fields.items()) + [(0x81, b""), (0x80, b"")]), 7)
    yield "hardware with a line feed", "E_MANIFEST", with_fields(f4=b"board\n")
    yield "hardware with a NUL", "E_MANIFEST", with_fields(f4=b"board\0")
    yield "hardware with a delete", "E_MANIFEST", with_fields(f4=b"board\x7f")
    yield "hardware beyond ASCII", "E_MANIFEST", with_fields(f4="bo\u00e4rd".encode())
    yield "image of 7 bytes", "E_MANIFEST", with_fields(f5=u32(7) + digest)
    yield "image of 0 bytes", "E_MANIFEST", with_fields(f5=u32(0) + digest)
    yield "entry not aligned", "E_MANIFEST", with_fields(f9=u32(2))
    yield "entry at the end", "E_MANIFEST", with_fields(f9=u32(596))
    yield "entry far outside", "E_MANIFEST", with_fields(f9=u32(0xFFFFFFFC))
    yield "last possible entry", "OK", with_fields(f9=u32(592))
    yield "table without sites", "E_MANIFEST", with_fields(f6=u32(9) + u32(0) + table_digest)
    yield "sites without table", "E_MANIFEST", with_fields(f6=u32(0) + u32(5) + table_digest)
    yield "table too small for its sites", "E_MANIFEST", with_fields(f6=u32(8) + u32(5) + table_digest)
    yield "table too big for its sites", "E_MANIFEST", with_fields(f6=u32(15) + u32(5) + table_digest)
    yield "more sites than words", "E_MANIFEST", with_fields(f6=u32(200) + u32(151) + table_digest)
    yield "sites near 2^32", "E_MANIFEST", with_fields(f6=u32(3) + u32(0xFFFFFFFF) + table_digest)
    yield "biggest image, biggest table", "OK", with_fields(
        f5=u32(0xFFFFFFFF) + digest, f6=u32(4 * 2**20 + 2 * (2**30 - 1)) + u32(2**30 - 1) + table_digest)
    yield "position-independent with sites", "E_MANIFEST", with_fields(f8=u32(ANYWHERE))
    yield "revokes nothing, and says so", "E_MANIFEST", with_fields(f10=b"\0")
    yield "revokes all keys", "E_MANIFEST", with_fields(f10=b"\3")
    yield "revokes a key that cannot exist", "E_MANIFEST", with_fields(f10=b"\4")
    yield "version of the tag differs", "E_TAG", with_fields(f2=b"1.1.1")
    yield "type of the tag differs", "E_TAG", with_fields(f1=b"dem")
    yield "build of the tag differs", "E_TAG", with_fields(f3=b"")
    manifest = manifest_build(sorted(fields.items()))
    yield "no tag", "E_TAG", head_build(b"", manifest, 7)
    yield "tag without its last NUL", "E_TAG", head_build(tag[:-1], manifest, 7)
    yield "tag with a third NUL", "E_TAG", head_build(tag + b"\0", manifest, 7)
    yield "tag before the tag", "E_TAG", head_build(b"x" + tag, manifest, 7)
    yield "tag without a version", "E_TAG", head_build(tag.replace(b"mcu\x001.1.0\0", b""), manifest, 7)
    yield "tag without a type", "E_TAG", head_build(tag.replace(b"fw-type\0demo\0", b""), manifest, 7)
    yield "tag without a build", "E_TAG", head_build(tag.replace(b"build\0Nov 16 2023 20:35:55\0", b""), manifest, 7)
    yield "tag without a build of one letter", "E_TAG", head_build(tag.replace(b"build\0Nov 16 2023 20:35:55\0", b""), manifest_build(
        sorted({**fields, 3: b"b"}.items())), 7)
    yield "tag that names two versions", "E_TAG", head_build(tag[:-1] + b"mcu\0001.0.9\0\0", manifest, 7)
    yield "tag with a pair of its own", "OK", head_build(tag[:-1] + b"hw\0x\0\0", manifest, 7)
    yield "image size in no canonical place", "E_MANIFEST", with_fields(f5=size + digest[:-1])


def bad_envelopes():
    """name, expected error, envelope"""
    good = envelope_build(300, 9, 600)

    def with_bytes(at, new):
        start = good[:at] + new + good[at + len(new):60]
        return start + struct.pack("<I", zlib.crc32(start))

    yield "good", "OK", good
    yield "another magic", "E_FORMAT", with_bytes(0, b"TDMQ")
    yield "wrong CRC", "E_FORMAT", good[:60] + bytes([good[60] ^ 1]) + good[61:]
    yield "another version", "E_VERSION", with_bytes(4, b"\2")
    yield "compressed", "OK", with_bytes(5, b"\1")
    yield "a delta", "OK", envelope_build(300, 9, 600, 1, bytes(31) + b"\1")
    yield "unknown encoding", "E_ENCODING", with_bytes(5, b"\2")
    yield "head of 15 bytes", "E_FORMAT", envelope_build(15, 0, 600)
    yield "head of 16 bytes", "OK", envelope_build(16, 0, 600)
    yield "head of 896 bytes", "OK", envelope_build(896, 0, 600)
    yield "head of 897 bytes", "E_SIZE", envelope_build(897, 0, 600)
    yield "reserved byte set", "E_FORMAT", with_bytes(16, b"\1")
    yield "last reserved byte set", "E_FORMAT", with_bytes(27, b"\1")
    yield "base digest without a delta", "E_FORMAT", with_bytes(59, b"\1")
    yield "largest package", "OK", envelope_build(896, 0x7FFFFFFF, 0x80000000 - 1024)
    yield "package of 4 GiB", "E_SIZE", envelope_build(896, 0x7FFFFFFF, 0x80000000 - 1023)
    yield "table of 4 GiB", "E_SIZE", envelope_build(896, 0xFFFFFFFF, 1024)
    yield "payload of 4 GiB", "E_SIZE", envelope_build(896, 0, 0xFFFFFFFF)


def relocation_tables():
    """valid?, image bytes, count, table"""
    dice = random.Random(20231116)
    for size, shares in [(8, [1]), (4095, [0.2]), (4096, [0.001, 1]), (4097, [0.01]), (4100, [0.2]), (8191, [0.01]),
                         (8192, [0.002, 0.3]), (8193, [0.01]), (20000, [0.001, 0.1])]:
        words = range(size // 4)
        for share in shares:
            sites = [4 * word for word in words if dice.random() < share] or [4 * words[-1]]
            yield size, len(sites), relocations_encode(sites, size)
    for size, sites in [(9000, [0, 4, 516, 520, 4096, 8996]), (4096, [0, 508, 1024, 4092]), (8192, [4096])]:
        table = relocations_encode(sites, size)
        for at in range(len(table)):
            yield size, len(sites), table[:at]
            for bit in range(8):
                yield size, len(sites), table[:at] + bytes([table[at] ^ 1 << bit]) + table[at + 1:]
        yield size, len(sites) - 1, table
        yield size, len(sites) + 1, table
        yield size, len(sites) + 1, table + b"\0"
        yield size, len(sites), table[:-1] + bytes([0x80 | table[-1] & 0x7F, 0])


def relocation_lines():
    for size, count, table in relocation_tables():
        try:
            sites = relocations_decode(table, size, count)
        except Invalid:
            sites = None
        # The parser of the manifest lets no other table come so far.
        index = 4 * ((size + BLOCK - 1) // BLOCK)
        if not index + count <= len(table) <= index + 2 * count or count == 0:
            continue
        listed = "bad" if sites is None else ",".join(map(str, sites))
        yield f"{size} {count} {table.hex()} {listed}"


def tag_lines():
    """hex of a file | offset | length | pairs, or "none" in place of the last three"""
    dice = random.Random(20211117)
    tags = [b"blnkinf\0", b"blnkinf\0mcu\0001.0\0", b"blnkinf\0build\0Nov 16 2023\0"]
    words = [b"blnkinf\0", b"blnkinf", b"mcu\0", b"1.0\0", b"fw-type\0", b"TMPL1\0", b"blynk\0", b"\0", b"\0\0", b"+",
             b"\xff", b"(a-b:c,d)\t\0", b"y" * 65, b"zz\0" * 40]
    files = [b"".join(dice.choice(tags if dice.random() < 0.2 else words) for _ in range(dice.randrange(1, 20)))
             for _ in range(200)]
    good = b"blnkinf\0mcu\0001.1.0\0fw-type\0demo\0\0"
    files += [good, b"blnkinf\0\0\0" + good, b"blnkinf\0%s" + good, b"blnkinf" + good, good[1:] + good, good + good,
              b"blnkinf\0" * 300 + b"+" + good, b"b" * 500 + good, good[:-1] + b"\x80" + good,
              b"blnkinf\0\0" + good[8:], b"blnkinf\0\0x\0" + good[8:]]
    for data in files:
        found = tag_find(data)
        if found is None:
            yield f"{data.hex()} none"
        else:
            at, tag = found
            pairs = ";".join(f"{key.encode().hex()}={value.encode().hex()}" for key, value in tag_pairs(tag))
            yield f"{data.hex()} {at} {len(tag)} {pairs}"


def text(lines):
    return ("\n".join(lines) + "\n").encode()


def cases(rows):
    return text(f"{data.hex() or '-'} {error} {name}" for name, error, data in rows)


def vectors(folder):
    """All files by name. Signatures are taken from folder where they are still right."""
    files = {}
    points = {name: public_key(folder / f"{name}.pem") for name in ("key-a", "key-b")}
    for name, (firmware, key) in firmwares().items():
        pem = folder / f"{key}.pem"
        head = head_of(firmware, key_id(points[key]))
        stored = folder / f"{name}.sig"
        signature = stored.read_bytes() if stored.exists() else b""
        if len(signature) != 64 or not signature_valid(pem, head, signature):
            signature = sign(pem, head)
        files[f"{name}.sig"] = signature
        files[f"{name}.tdm"] = package_build(firmware, head, signature)
        if name == "big":
            for number, address in enumerate(BANK_ADDRESS):
                files[f"big.bank{number}"] = bank_build(firmware, head, signature, address, BANK_BYTES, HEADER_BYTES,
                                                        PROGRAM_BYTES, confirmed=number == 1)
    unsigned = firmwares()["anywhere"][0]
    files["unsigned.head"] = head_of(unsigned, 0)
    files["keys.page"] = key_page([points["key-a"], points["key-b"]])
    files["one-key.page"] = key_page([points["key-b"]])
    files["heads.txt"] = cases(bad_heads())
    files["envelopes.txt"] = cases(bad_envelopes())
    files["relocations.txt"] = text(relocation_lines())
    files["tags.txt"] = text(tag_lines())
    return files


def seeds(made):
    """What the fuzz targets start from: the first byte says how it is read (fuzz/fuzz_*.c)."""
    small, big = made["small.tdm"], made["big.tdm"]
    head_bytes = struct.unpack_from("<H", small, 6)[0]
    bank = bank_build(firmwares()["small"][0], small[64:64 + head_bytes], made["small.sig"], 0x1000, 0x1000,
                      HEADER_BYTES, 4, confirmed=True)
    sites = [0, 4, 516, 520, 4096, 8996]
    table = relocations_encode(sites, 9000)
    return {
        "fuzz_package/front-small": b"\0" + small,
        "fuzz_package/front-big": b"\0" + big[:1024],
        "fuzz_package/front-longest": b"\0" + made["longest.tdm"],
        "fuzz_package/head-small": b"\1" + small[64:64 + head_bytes],
        "fuzz_package/head-unsigned": b"\1" + made["unsigned.head"],
        "fuzz_package/table": b"\2" + struct.pack("<HB", 9000 - 8, len(sites)) + table,
        "fuzz_package/bank-small": b"\3" + bank[-1024:] + bank[:-1024],
        "fuzz_tag/tag": b"\7noise" + firmwares()["small"][0].tag() + b"noise",
        "fuzz_tag/bare": b"\0blnkinf\0%s\0blnkinf\0\0" + firmwares()["gap"][0].tag(),
    }


def main():
    command, folder = sys.argv[1], Path(sys.argv[2])
    made = vectors(folder)
    if command == "write":
        for name, data in made.items():
            (folder / name).write_bytes(data)
        return 0
    if command == "seeds":
        for name, data in seeds(made).items():
            path = Path(sys.argv[3], name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return 0
    different = [name for name, data in made.items()
                 if not (folder / name).exists() or (folder / name).read_bytes() != data]
    for name in different:
        print(f"{folder / name} is not what image_vectors.py makes; look at why, then run it with write")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
