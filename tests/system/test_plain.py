#!/usr/bin/env python3
"""Plain images: a .bin with a firmware tag, without package or signature, through cloud and co-processor to a device that is
built to take it (docs/PACKAGE.md, "Plain images"; R12), and to one that is not.

Run by ctest, or by hand:  tests/system/test_plain.py [TestName]"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_update import SystemCase  # noqa: E402


class Plain(SystemCase):
    board = "posix"

    def start(self, simulator):
        self.system.simulator = simulator
        self.system.start()

    def image(self, version):
        """The file that a package of this version is made of."""
        return self.system.pack(version).with_suffix(".bin")

    def test_images_are_taken_until_a_counter_forbids_them(self):
        system = self.system
        self.start("tandem-device-unsigned")

        image = self.image("1.1.0")
        row = self.ship(image)
        self.assert_ended(row, "success")
        system.wait_version("1.1.0", 30)
        self.assertEqual(system.bank_content(1)[:image.stat().st_size], image.read_bytes())

        self.assert_ended(self.ship(self.image("1.2.0-bad")), "rollback", "self-test-failed")
        system.wait_version("1.1.0", 30)

        counted = system.pack("1.3.0").with_name("counted.tdm")
        system.tandem("pack", self.image("1.3.0"), "-o", counted, "--key", system.key, "--hardware", system.hardware,
                      "--position-independent", "--counter", "1")
        self.assert_ended(self.ship(counted), "success")
        system.wait_version("1.3.0", 30)
        before = system.flash_digest()
        self.assert_ended(self.ship(self.image("1.4.0")), "upload-failure", "older-counter")
        self.assertEqual(system.flash_digest(), before, "a refused image must not touch the flash")

    def test_a_device_that_is_not_built_for_it_refuses_one(self):
        system = self.system
        self.start("tandem-device")
        before = system.flash_digest()
        self.assert_ended(self.ship(self.image("1.1.0")), "upload-failure", "bad-package")
        self.assertEqual(system.flash_digest(), before, "a refused image must not touch the flash")


if __name__ == "__main__":
    unittest.main()
