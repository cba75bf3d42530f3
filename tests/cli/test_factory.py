#!/usr/bin/env python3
"""tandem factory: the whole flash, byte for byte, against tests/python/tandem_package.py and docs/BOOT.md."""

import json
import random
import struct
import unittest
import zlib

from tandem_case import FAILED, ROOT, USAGE, TandemCase
from tandem_package import Firmware, bank_build, head_of, key_id, key_page, package_build, pad, public_key, sign

FLASH, UNIT = 0x08000000, 8
LAYOUT = {
    "name": "test", "flash": {"address": hex(FLASH), "bytes": 0x20000, "erase_bytes": 1024, "program_bytes": UNIT},
    "bootloader": {"address": hex(FLASH), "bytes": 0x4000}, "keys": {"address": hex(FLASH + 0x3C00)},
    "record": [{"address": hex(FLASH + 0x4000), "bytes": 1024}, {"address": hex(FLASH + 0x4400), "bytes": 1024}],
    "banks": [{"address": hex(FLASH + 0x8000), "bytes": 0x8000}, {"address": hex(FLASH + 0x10000), "bytes": 0x8000}],
    "header_bytes": 1024,
}
BANK_A, BANK_BYTES = FLASH + 0x8000, 0x8000


def record_entry(counter, revoked=0):
    """docs/BOOT.md: sequence 1, idle, active bank 0, no target."""
    body = struct.pack("<IBBBBIHBB12s12sBBBB", 1, 1, 1, 0, 0xFF, counter, 0, 0, revoked, bytes(12), bytes(12), 0, 0, 0, 0)
    return body + struct.pack("<I", zlib.crc32(body))


class Factory(TandemCase):
    def setUp(self):
        super().setUp()
        self.key = self.keygen()
        self.point = public_key(self.key)
        self.boot = random.Random(3).randbytes(5001)
        self.write("boot.bin", self.boot)
        self.write("layout.json", json.dumps(LAYOUT))

    def firmware(self, **values):
        link = values.setdefault("link_address", FLASH + 0x100000)
        image = bytearray(random.Random(5).randbytes(9002))
        struct.pack_into("<II", image, 0, 0x20001000, link + 0x101 & 0xFFFFFFFF)
        values.setdefault("sites", [4, 400, 4092, 4096, 8996])
        return Firmware(bytes(image), **values)

    def package(self, firmware, name="app.tdm"):
        head = head_of(firmware, key_id(self.point))
        signature = sign(self.key, head)
        self.write(name, package_build(firmware, head, signature))
        return head, signature

    def factory(self, *options, **more):
        return self.tandem("factory", "--layout", "layout.json", "--app", "app.tdm", "--key", "key.pem.pub", "-o",
                           "flash.bin", *options, **more)

    def expected(self, firmware, head, signature, points, bootloader=b"", revoked=0):
        """The flash, once for each unit of the record: its first entry may stand in either."""
        flash = bytearray(b"\xff" * 0x20000)
        flash[:len(pad(bootloader, UNIT))] = pad(bootloader, UNIT)
        page = pad(key_page(points), UNIT)
        flash[0x3C00:0x3C00 + len(page)] = page
        bank = bank_build(firmware, head, signature, BANK_A, BANK_BYTES, 1024, UNIT, confirmed=True)
        flash[0x8000:0x8000 + BANK_BYTES] = bank
        images = []
        for unit in (0x4000, 0x4400):
            image = bytearray(flash)
            image[unit:unit + 48] = record_entry(firmware.counter, revoked)
            images.append(bytes(image))
        return images

    def check(self, firmware, *options, points=None, **more):
        head, signature = self.package(firmware)
        self.factory(*options)
        flash = (self.folder / "flash.bin").read_bytes()
        self.assertIn(flash, self.expected(firmware, head, signature, points or [self.point], **more))

    def test_every_byte_of_the_flash_is_as_documented(self):
        self.check(self.firmware(counter=5), "--bootloader", "boot.bin", bootloader=self.boot)

    def test_an_image_linked_for_bank_a_stays_as_it_is(self):
        self.check(self.firmware(link_address=BANK_A))
        self.check(self.firmware(link_address=BANK_A, sites=[]))
        self.check(self.firmware(link_address=0xFFFFFFFF, sites=[]))

    def test_two_keys(self):
        other = self.keygen("other.pem")
        self.check(self.firmware(), "--key", "other.pem.pub", points=[self.point, public_key(other)])
        self.check(self.firmware(revoked=2), "--key", "other.pem.pub", points=[self.point, public_key(other)], revoked=2)

    def test_an_image_that_revokes_its_own_key_is_refused(self):
        self.package(self.firmware(revoked=1))
        self.assertIn("revokes key slot 0, which is that of its own key", self.factory(code=FAILED).stderr)

    def test_what_tandem_packs_can_be_built_in(self):
        self.write("image.bin", bytes(100))
        self.tandem("pack", "image.bin", "-o", "app.tdm", "--key", "key.pem", "--hardware", "b", "--type", "t", "--version",
                    "1", "--position-independent")
        said = json.loads(self.factory("--json").stdout)
        self.assertEqual((said["version"], said["flash_bytes"]), ("1", 0x20000))

    def test_an_image_that_can_t_move_is_refused(self):
        self.package(self.firmware(sites=[]))
        self.assertIn("carries no relocations", self.factory(code=FAILED).stderr)

    def test_what_does_not_fit_is_refused(self):
        self.package(self.firmware())
        self.write("boot.bin", bytes(0x3C01))
        self.assertIn("the layout has 15360", self.factory("--bootloader", "boot.bin", code=FAILED).stderr)
        self.write("boot.bin", b"")
        self.assertIn("boot.bin: is empty", self.factory("--bootloader", "boot.bin", code=FAILED).stderr)
        self.package(Firmware(bytes(BANK_BYTES - 1024 + 1), link_address=0xFFFFFFFF))
        self.assertIn("does not fit into bank A", self.factory(code=FAILED).stderr)
        self.package(Firmware(bytes(BANK_BYTES - 1024), link_address=0xFFFFFFFF))
        self.factory()

    def test_a_folder_or_text_in_place_of_a_file_is_named(self):
        self.package(self.firmware())
        (self.folder / "folder").mkdir()
        self.write("boot.hex", ":10010000214601360121470136007EFE09D2190140\n:00000001FF\n")
        made = {"--app": "app.tdm", "--key": "key.pem.pub", "--layout": "layout.json", "--bootloader": "boot.bin"}
        for option in made:
            named = [word for pair in {**made, option: "folder"}.items() for word in pair]
            self.refused("factory", *named, "-o", "flash.bin", because="folder: can't be read: Is a directory")
        self.write("boot.elf", b"\x7fELF" + bytes(100))
        for name, kind in (("boot.hex", "Intel HEX"), ("boot.elf", "ELF"), ("app.tdm", "package")):
            self.assertIn(f"{name}: {kind}, which no processor starts", self.factory("--bootloader", name, code=FAILED).stderr)
        self.assertFalse((self.folder / "flash.bin").exists())

    def test_a_package_of_another_key_or_damaged_is_refused(self):
        self.package(self.firmware())
        self.keygen("other.pem")
        arguments = ("factory", "--layout", "layout.json", "--app", "app.tdm", "-o", "flash.bin")
        self.refused(*arguments, "--key", "other.pem.pub", because="not among those given with --key")
        data = bytearray((self.folder / "app.tdm").read_bytes())
        data[-1] ^= 1
        self.write("app.tdm", bytes(data))
        self.refused(*arguments, "--key", "key.pem.pub", because="image digest differs")
        self.assertFalse((self.folder / "flash.bin").exists())

    def test_keys_are_counted(self):
        self.package(self.firmware())
        for name in ("b.pem", "c.pem"):
            self.keygen(name)
        self.factory("--key", "key.pem.pub", code=USAGE)
        self.factory("--key", "b.pem.pub", "--key", "c.pem.pub", code=USAGE)

    def test_the_boards_of_the_tree_have_room_for_it(self):
        for board in ("mps2", "posix"):
            layout = ROOT / "ports" / board / "layout.json"
            self.package(Firmware(bytes(100), link_address=0xFFFFFFFF))
            self.tandem("factory", "--layout", layout, "--app", "app.tdm", "--key", "key.pem.pub", "-o", "flash.bin")


if __name__ == "__main__":
    unittest.main()
