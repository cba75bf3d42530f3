#!/usr/bin/env python3
"""tandem encode and pack --compress / --base. What stands in the frames is decoded by Python's lzma module; that deltas give
the right image is shown by tests/delta with liblzma."""

import json
import lzma
import random
import struct
import unittest

from tandem_case import FAILED, TandemCase
from tandem_package import tag_build

FRAME = 16384


def firmware(version, seed, size=40000):
    """A .bin that compresses as firmware does: few kinds of halfwords, and the tag."""
    dice = random.Random(seed)
    words = [struct.pack("<H", dice.randrange(0x10000)) for _ in range(60)]
    code = b"".join(words[min(int(dice.expovariate(0.1)), 59)] for _ in range(size // 2))
    return struct.pack("<II", 0x20001000, 0x08010101) + code + tag_build(version, "pump", "Nov 22 2026 10:00:00")


class Encode(TandemCase):
    def setUp(self):
        super().setUp()
        self.keygen()
        self.write("old.bin", firmware("1.0.0", 1))
        self.image = firmware("1.1.0", 1)
        self.image = self.image[:9000] + bytes(range(200)) + self.image[9000:]
        self.write("new.bin", self.image)
        self.pack("old")
        self.pack("new")

    def pack(self, name, *options, source=None, hardware="board", **more):
        return self.tandem("pack", f"{source or name}.bin", "-o", f"{name}.tdm", "--key", "key.pem", "--hardware", hardware,
                           "--link-address", "0x08010000", *options, **more)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def payload(self, data):
        head, table, payload = struct.unpack_from("<HII", data, 6)
        front = 64 + head + 64 + table
        self.assertEqual(len(data), front + payload)
        return data[front:]

    def test_a_compressed_package_has_the_signature_of_the_plain_one_and_is_smaller(self):
        said = json.loads(self.tandem("encode", "new.tdm", "-o", "small.tdm", "--json").stdout)
        plain, small = self.read("new.tdm"), self.read("small.tdm")
        head = struct.unpack_from("<H", plain, 6)[0]
        self.assertEqual(plain[64:64 + head + 64], small[64:64 + head + 64])
        self.assertLess(len(small), len(plain) * 0.8)
        self.assertEqual(said["package_bytes"], len(small))
        self.tandem("verify", "small.tdm", "--key", "key.pem.pub")
        self.assertEqual(json.loads(self.tandem("inspect", "small.tdm", "--json").stdout)["encoding"], "lzma-framed")

    def test_the_first_frame_is_a_raw_lzma_stream(self):
        self.tandem("encode", "new.tdm", "-o", "small.tdm")
        payload = self.payload(self.read("small.tdm"))
        length = struct.unpack_from("<H", payload)[0]
        self.assertEqual(payload[2], 0)
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[
            {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 0, "lp": 0, "pb": 1}])
        self.assertEqual(decoder.decompress(payload[3:2 + length], FRAME), self.image[:FRAME])

    def test_a_delta_is_far_smaller_and_verifies_with_its_base_only(self):
        self.tandem("encode", "new.tdm", "--base", "old.tdm", "-o", "delta.tdm")
        self.assertLess(len(self.read("delta.tdm")), len(self.read("new.tdm")) / 10)
        self.tandem("verify", "delta.tdm", "--key", "key.pem.pub", "--base", "old.tdm")
        for base in ((), ("--base", "new.tdm")):
            advice = "delta.tdm: a delta, not checked: name the package it was made for with --base"
            self.refused("verify", "delta.tdm", "--key", "key.pem.pub", *base, because=advice)
            self.assertRegex(self.tandem("inspect", "delta.tdm", *base).stdout, "content +not checked: name the package")
        said = json.loads(self.tandem("inspect", "delta.tdm", "--json", "--base", "old.tdm").stdout)
        old = json.loads(self.tandem("inspect", "old.tdm", "--json").stdout)
        self.assertEqual(said["base_digest"], old["image_digest"])
        self.assertEqual(said["content"], "ok")

    def test_pack_encodes_in_one_step(self):
        self.pack("small", "--compress", source="new")
        self.tandem("verify", "small.tdm", "--key", "key.pem.pub")
        self.pack("delta", "--base", "old.tdm", source="new")
        self.tandem("encode", "new.tdm", "--base", "old.tdm", "-o", "same.tdm")
        self.assertEqual(self.payload(self.read("delta.tdm")), self.payload(self.read("same.tdm")))

    def test_what_gets_larger_is_warned_of(self):
        self.write("noise.bin", struct.pack("<II", 0x20001000, 0x08010101) + tag_build("1", "pump", "") +
                   random.Random(3).randbytes(20000))
        self.pack("noise")
        done = self.tandem("encode", "noise.tdm", "-o", "larger.tdm")
        self.assertIn(f"and {len(self.read('noise.tdm'))} as the plain package: ship that", done.stderr)
        self.assertEqual(self.tandem("encode", "new.tdm", "-o", "smaller.tdm").stderr, "")

    def test_pairs_that_make_no_sense_are_refused(self):
        self.pack("other", source="old", hardware="another")
        self.tandem("encode", "new.tdm", "-o", "small.tdm")
        self.tandem("encode", "old.tdm", "-o", "small-old.tdm")
        for arguments, because in ((("new.tdm", "--base", "other.tdm"), "no device runs both"),
                                   (("new.tdm", "--base", "new.tdm"), "there is no difference"),
                                   (("new.tdm", "--base", "small-old.tdm"), "must be plain ones"),
                                   (("small.tdm",), "must be plain ones"),
                                   (("new.tdm", "--base", "missing.tdm"), "missing.tdm"),
                                   (("new.bin",), "not a valid package")):
            self.refused("encode", *arguments, "-o", "out.tdm", because=because)
            self.assertFalse((self.folder / "out.tdm").exists())

    def test_damage_is_found(self):
        self.tandem("encode", "new.tdm", "-o", "small.tdm")
        data = bytearray(self.read("small.tdm"))
        for at in (len(data) - 1, len(data) - 5000, len(data) - len(self.payload(bytes(data)))):
            bad = bytearray(data)
            bad[at] ^= 0x10
            self.write("bad.tdm", bytes(bad))
            self.tandem("verify", "bad.tdm", "--key", "key.pem.pub", code=FAILED)

    def test_the_factory_takes_plain_packages(self):
        self.tandem("encode", "new.tdm", "-o", "small.tdm")
        layout = {"name": "b", "flash": {"address": "0x08000000", "bytes": "0x80000", "erase_bytes": 4096,
                                         "program_bytes": 8}, "keys": {"address": "0x08007000"},
                  "record": [{"address": "0x08008000", "bytes": 4096}, {"address": "0x08009000", "bytes": 4096}],
                  "banks": [{"address": "0x08010000", "bytes": "0x20000"}, {"address": "0x08030000", "bytes": "0x20000"}],
                  "header_bytes": 4096}
        self.write("layout.json", json.dumps(layout))
        self.refused("factory", "--layout", "layout.json", "--app", "small.tdm", "--key", "key.pem.pub", "-o", "flash.bin",
                     because="takes the plain one")


if __name__ == "__main__":
    unittest.main()
