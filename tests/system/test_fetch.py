#!/usr/bin/env python3
"""Updates where the bootloader fetches the firmware itself: a one-bank device, and a two-bank device that lost both images.
The real programs: tandem-cloud, tandem-ncp, and the device in QEMU or as a process.

Run by ctest, or by hand:  tests/system/test_fetch.py [TestName]
TANDEM_BIN and TANDEM_FIRMWARE name the folders of the programs and of the boards' firmware (BOARD-onebank/bin in it)."""

import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_update import TEMPLATE, System, SystemCase  # noqa: E402


class FetchCase(SystemCase):
    board = "posix"
    one_bank = True
    small = False  # the firmware's image
    # A transfer of the image is 95 to 130 KB on the line, and the first pass writes nothing: inside of the first, and of the second.
    mid_check_bytes = 50_000
    mid_write_bytes = 160_000

    def setUp(self):
        super().setUp()
        self.system = System(self.folder.name, board=self.board, one_bank=self.one_bank, small=self.small)
        self.addCleanup(self.system.stop)

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
        self.assert_ended(self.ship(system.pack("1.6.0")), "success")

    def test_a_wrong_signature_is_refused_with_the_old_image_intact(self):
        system = self.system
        system.start()
        before = system.bank_content()
        self.assert_ended(self.ship(system.tamper(system.pack("1.1.0"))), "upload-failure", "bad-signature")
        self.assertEqual(system.wait_version("1.0.0", 30)["firmware"]["state"], "confirmed")
        self.assertEqual(system.bank_content(), before)
        self.assertIn("fetch: ended without a firmware", self.console())

    def test_a_payload_spoilt_on_the_way_is_found_before_anything_is_erased_and_fetched_again(self):
        system, later = self.system, []
        system.start(tapped=True)
        package, before = system.pack("1.1.0"), system.bank_content()

        def spoil():
            system.spoil(package)
            system.tap.at(package.stat().st_size, lambda: later.append(system.bank_content()))  # in the next check

        system.tap.at(self.mid_check_bytes, spoil)
        self.assert_ended(self.ship(package), "success")
        self.assertEqual(system.wait_version("1.1.0", 60)["firmware"]["state"], "confirmed")
        self.assertIn("fetch: ended without a firmware", self.console())
        self.assertEqual(later, [before])

    def cut_at(self, count, intact):
        """Ships 1.1.0 and cuts the power when count bytes went to the device; returns the shipment."""
        system = self.system
        system.start(tapped=True)
        before = self.system.bank_content()
        reached = threading.Event()

        def kill():
            system.device.kill()
            reached.set()

        system.tap.at(count, kill)
        shipment = system.tandem_json("ship", system.pack("1.1.0"), "--template", TEMPLATE)["id"]
        self.assertTrue(reached.wait(90), "the transfer never got that far")
        system.device.process.wait(10)
        self.assertEqual(self.system.bank_content() == before, intact)
        return shipment

    def killed_at(self, count, intact):
        system = self.system
        shipment = self.cut_at(count, intact)
        system.start_device()
        self.assert_ended(system.wait_shipment(shipment, 240), "success")
        self.assertEqual(system.wait_version("1.1.0", 60)["firmware"]["state"], "confirmed")

    def test_power_lost_while_checking(self):
        self.killed_at(self.mid_check_bytes, intact=True)

    def test_power_lost_while_writing(self):
        self.killed_at(self.mid_write_bytes, intact=False)

    def test_a_payload_that_does_not_verify_leaves_a_device_that_the_next_shipment_saves(self):
        """With the image gone there is nothing that a check before erasing would save: the payload is judged in the bank. It
        is another image than the one that was cut off, which would be resumed."""
        system = self.system
        shipment = self.cut_at(self.mid_write_bytes, intact=False)
        system.tandem("shipment", "cancel", shipment)
        system.start_device()
        system.wait_version("0.0.0", 60)
        package = system.pack("1.6.0")
        system.tap.at(self.mid_check_bytes, lambda: system.spoil(package))
        shipment = system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        system.wait_reason(shipment, "bad-digest", 60)
        self.assert_ended(self.ship(system.pack("1.7.0")), "success")
        self.assertEqual(system.wait_version("1.7.0", 60)["firmware"]["state"], "confirmed")

    def test_a_firmware_that_fails_its_self_test_leaves_a_device_that_the_next_shipment_saves(self):
        system = self.system
        system.start()
        self.assertNotEqual(self.ship(system.pack("1.2.0-bad"))["status"], "success")
        system.wait_version("0.0.0", 60)
        self.assert_ended(self.ship(system.pack("1.6.0")), "success")
        self.assertEqual(system.wait_version("1.6.0", 60)["firmware"]["state"], "confirmed")


class OneBankOnMps2(OneBank):
    board = "mps2"
    small = True  # QEMU takes the UART's bytes one by one
    mid_check_bytes = 25_000
    mid_write_bytes = 80_000


class OneBankOnNrf51(OneBank):
    board = "nrf51"


class Compressed(FetchCase):
    """The bootloader decodes: its device is sent compressed packages, and never deltas."""

    board = "mps2"
    small = True

    def setUp(self):
        super().setUp()
        self.system.cloud_options = ["--deltas", "on"]

    def encode(self, package, *base):
        out = package.with_name(f"{package.stem}-encoded.tdm")
        self.system.tandem("encode", package, "-o", out, *base)
        return out

    def assert_compressed(self, row, package):
        self.assert_ended(row, "success")
        self.assertEqual((row["encoding"], row["bytes_full"]), ("compressed", package.stat().st_size))
        self.assertLess(row["bytes_sent"], 0.95 * row["bytes_full"])

    def test_the_cloud_sends_compressed_packages_and_no_delta_to_what_runs(self):
        system = self.system
        system.start()
        for version in ("1.1.0", "1.6.0"):  # of 1.1.0, which runs then, the cloud has the package
            package = system.pack(version)
            self.assert_compressed(self.ship(package), package)
            self.assertEqual(system.wait_version(version, 30)["firmware"]["state"], "confirmed")

    def test_power_lost_while_writing(self):
        system, reached, before = self.system, threading.Event(), []
        system.start(tapped=True)
        package, image = system.pack("1.1.0"), system.bank_content()
        once = self.encode(package).stat().st_size

        def kill():
            system.device.kill()
            before.append(system.bank_content())
            reached.set()

        system.tap.at(once * 3 // 2, kill)  # the first pass checks, the second writes
        shipment = system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        self.assertTrue(reached.wait(90), "the transfer never got that far")
        self.assertNotEqual(before, [image], "nothing was erased yet")
        system.start_device()
        self.assert_ended(system.wait_shipment(shipment, 120), "success")
        self.assertEqual(system.wait_version("1.1.0", 30)["firmware"]["state"], "confirmed")

    def test_what_can_be_known_without_the_bank_is_refused_before_a_page_is_erased(self):
        system = self.system
        system.start()
        before = system.bank_content()
        old, new = system.pack("1.0.0"), system.pack("1.1.0")
        compressed = self.encode(new)
        table = bytearray(compressed.read_bytes())
        table[64 + int.from_bytes(table[6:8], "little") + 64] ^= 0x01  # behind envelope, head and signature
        spoilt = compressed.with_name("spoilt.tdm")
        spoilt.write_bytes(table)
        for package, reason in ((system.tamper(compressed), "bad-signature"), (spoilt, "bad-relocations"),
                                (self.encode(new, "--base", old), "wrong-base")):
            with self.subTest(reason):
                self.assert_ended(self.ship(package), "upload-failure", reason)
                self.assertEqual(system.bank_content(), before)
                self.assertEqual(system.wait_version("1.0.0", 30)["firmware"]["state"], "confirmed")


class CompressedOnNrf51(Compressed):
    board = "nrf51"
    small = False


class Recovery(FetchCase):
    """Two banks, and neither can start."""

    one_bank = False

    def test_a_device_without_an_image_is_recovered_by_a_shipment(self):
        system = self.system
        system.start()
        system.device.kill()
        for start, size in system.banks():
            self.destroy(start, size)
        system.start_device()
        system.wait_version("0.0.0", 60)
        self.assert_ended(self.ship(system.pack("1.1.0")), "success")
        self.assertEqual(system.wait_version("1.1.0", 60)["firmware"]["state"], "confirmed")
        self.assert_ended(self.ship(system.pack("1.6.0")), "success")


class RecoveryOnMps2(Recovery):
    board = "mps2"


if __name__ == "__main__":
    unittest.main(verbosity=2)
