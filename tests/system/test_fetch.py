#!/usr/bin/env python3
"""Updates where the bootloader fetches the firmware itself: a one-bank device, and a two-bank device that lost both images.
The real programs: tandem-cloud, tandem-ncp, and the device as a process.

Run by ctest, or by hand:  tests/system/test_fetch.py [TestName]
TANDEM_BIN names the folder of the programs."""

import json
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_update import TEMPLATE, System, SystemCase  # noqa: E402

# A transfer of the image is about 105 KB on the line, and the first pass writes nothing: inside of the first, and of the second.
MID_CHECK_BYTES = 50_000
MID_WRITE_BYTES = 160_000


class FetchCase(SystemCase):
    board = "posix"
    one_bank = True

    def setUp(self):
        super().setUp()
        self.system = System(self.folder.name, board=self.board, one_bank=self.one_bank)
        self.addCleanup(self.system.stop)

    def banks(self):
        """Where the banks lie in the flash file."""
        layout = json.loads(self.system.layout.read_text())
        base = int(layout["flash"]["address"], 0)
        return [(int(bank["address"], 0) - base, int(bank["bytes"], 0)) for bank in layout["banks"]]

    def bank_content(self):
        start, size = self.banks()[0]
        return self.system.flash.read_bytes()[start:start + size]

    def console(self):
        return (self.system.folder / "console.log").read_text()

    def destroy(self, start, size):
        with open(self.system.flash, "r+b") as flash:
            flash.seek(start + 100)
            flash.write(bytes(size // 2))


class OneBank(FetchCase):
    def test_an_update_replaces_the_only_image(self):
        system = self.system
        system.start()
        self.assert_ended(self.ship(system.pack("1.1.0")), "success")
        self.assertEqual(system.wait_version("1.1.0", 30)["firmware"]["state"], "confirmed")
        self.assert_ended(self.ship(system.pack("1.2.0")), "success")

    def test_a_wrong_signature_is_refused_with_the_old_image_intact(self):
        system = self.system
        system.start()
        before = self.bank_content()
        self.assert_ended(self.ship(system.tamper(system.pack("1.1.0"))), "upload-failure", "bad-signature")
        self.assertEqual(system.wait_version("1.0.0", 30)["firmware"]["state"], "confirmed")
        self.assertEqual(self.bank_content(), before)
        self.assertIn("fetch: ended without a firmware", self.console())

    def killed_at(self, count, intact):
        system = self.system
        system.start(tapped=True)
        before = self.bank_content()
        reached = threading.Event()

        def kill():
            system.device.kill()
            reached.set()

        system.tap.at(count, kill)
        shipment = system.tandem_json("ship", system.pack("1.1.0"), "--template", TEMPLATE)["id"]
        self.assertTrue(reached.wait(90), "the transfer never got that far")
        system.device.process.wait(10)
        self.assertEqual(self.bank_content() == before, intact)
        system.start_device()
        self.assert_ended(system.wait_shipment(shipment, 240), "success")
        self.assertEqual(system.wait_version("1.1.0", 60)["firmware"]["state"], "confirmed")

    def test_power_lost_while_checking(self):
        self.killed_at(MID_CHECK_BYTES, intact=True)

    def test_power_lost_while_writing(self):
        self.killed_at(MID_WRITE_BYTES, intact=False)

    def test_a_firmware_that_fails_its_self_test_leaves_a_device_that_the_next_shipment_saves(self):
        system = self.system
        system.start()
        self.assertNotEqual(self.ship(system.pack("1.2.0-bad"))["status"], "success")
        system.wait_version("0.0.0", 60)
        self.assert_ended(self.ship(system.pack("1.3.0")), "success")
        self.assertEqual(system.wait_version("1.3.0", 60)["firmware"]["state"], "confirmed")


class Recovery(FetchCase):
    """Two banks, and neither can start."""

    one_bank = False

    def test_a_device_without_an_image_is_recovered_by_a_shipment(self):
        system = self.system
        system.start()
        system.device.kill()
        for start, size in self.banks():
            self.destroy(start, size)
        system.start_device()
        system.wait_version("0.0.0", 60)
        self.assert_ended(self.ship(system.pack("1.1.0")), "success")
        self.assertEqual(system.wait_version("1.1.0", 60)["firmware"]["state"], "confirmed")
        self.assert_ended(self.ship(system.pack("1.2.0")), "success")


if __name__ == "__main__":
    unittest.main(verbosity=2)
