#!/usr/bin/env python3
"""Updates through the real programs: tandem-cloud, tandem-ncp, and a device in QEMU or as a process.

Run by ctest, or by hand:  tests/system/test_update.py [TestName]
TANDEM_BIN and TANDEM_FIRMWARE name the folders of the programs and of the boards' firmware (BOARD/bin in it)."""

import os
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from tandem_system import TEMPLATE, System, wait_for  # noqa: E402

# A transfer of the example application is about 100 KB; this is well inside of it.
MID_TRANSFER_BYTES = 40_000
FRAMING = 1.06  # of a package's bytes on the UART: frames and escapes

# Two attempts of the application, two more for power losses (PRODUCT_SOFT_LIMIT), and one to spare.
TRIALS_AT_MOST = 5


class SystemCase(unittest.TestCase):
    board = "mps2"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-system-")
        self.system = System(self.folder.name, board=self.board)
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.system.stop)
        self.addCleanup(self.show_logs)

    def show_logs(self):
        outcome = getattr(self, "_outcome", None)
        result = getattr(outcome, "result", None)
        failed = result and any(case is self for case, _ in result.errors + result.failures)
        if failed:
            for log in sorted(Path(self.folder.name).glob("*.log")):
                print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-60:], sep="\n", file=sys.stderr)

    def ship(self, package, seconds=120):
        shipment = self.system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        return self.system.wait_shipment(shipment, seconds)

    def assert_ended(self, row, status, reason=None):
        self.assertEqual(row["status"], status, row)
        if reason:
            self.assertEqual(row["reason"], reason, row)


class Steps(SystemCase):
    """The demo's steps, one after the other on one device."""

    def test_good_bad_hanging_and_tampered_firmware_each_end_as_they_should(self):
        system = self.system
        system.start()

        self.assert_ended(self.ship(system.pack("1.1.0")), "success")
        firmware = system.wait_version("1.1.0", 30)["firmware"]
        self.assertEqual(firmware["state"], "confirmed")

        bad = system.pack("1.2.0-bad")
        self.assert_ended(self.ship(bad), "rollback", "self-test-failed")
        system.wait_version("1.1.0", 30)

        again = self.ship(bad)
        self.assertEqual(again["attempts"], 0, again)
        self.assertNotEqual(again["status"], "success")

        self.ship_hanging(system.pack("1.3.0-hang"))
        system.wait_version("1.1.0", 30)

        before = system.flash_digest()
        self.assert_ended(self.ship(system.tamper(system.pack("1.6.0"))), "upload-failure", "bad-signature")
        self.assertEqual(system.flash_digest(), before, "a refused package must not touch the flash")

        self.assert_ended(self.ship(system.pack("1.6.0")), "success")
        system.wait_version("1.6.0", 30)


    def ship_hanging(self, package):
        self.assert_ended(self.ship(package), "rollback", "watchdog")


class StepsOnPosix(Steps):
    board = "posix"


class StepsOnNrf51(Steps):
    """QEMU's microbit has no watchdog, so "the watchdog ends a hang" is not checked here. What that step shows instead: a
    hung device whose plug is pulled comes back with the old firmware. Power losses reject nothing for good, so the shipment
    is cancelled, or the cloud would offer it again."""

    board = "nrf51"

    def ship_hanging(self, package):
        system = self.system
        shipment = system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        wait_for("the new firmware hangs", lambda: self.hangs() == 1, 60)
        system.tandem("shipment", "cancel", shipment)
        for hangs in range(1, TRIALS_AT_MOST + 1):
            system.device.kill()
            system.start_device()
            wait_for("a trial, or the old firmware", lambda: self.hangs() > hangs or self.is_back("1.1.0"), 60)
            if self.hangs() == hangs:
                return
        self.fail(f"still on trial after {TRIALS_AT_MOST} power cycles")

    def hangs(self):
        return (self.system.folder / "console.log").read_text().count("this build hangs here")

    def is_back(self, version):
        state = self.system.device_state()
        return state["online"] and state["firmware"]["version"] == version


class Killed(SystemCase):
    """A process is killed in the middle of the transfer and started again: the update still ends in success, and what is in
    flash is not sent again."""

    def killed_mid_transfer(self, *names):
        system = self.system
        system.start(tapped=True)
        reached = threading.Event()

        def kill():
            for name in names:
                getattr(system, name).kill()
            reached.set()

        system.tap.at(MID_TRANSFER_BYTES, kill)
        package = system.pack("1.1.0")
        shipment = system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        self.assertTrue(reached.wait(90), "the transfer never got half way")
        restart = {"cloud": system.start_cloud, "device": system.start_device,
                   "ncp": lambda: system.start_ncp(tapped=True)}
        for name in names:
            restart[name]()
        self.assert_ended(system.wait_shipment(shipment, 240), "success")
        self.assertEqual(system.wait_version("1.1.0", 60)["firmware"]["state"], "confirmed")
        once = package.stat().st_size * FRAMING
        self.assertLess(system.tap.to_device, once + MID_TRANSFER_BYTES / 2)

    def test_device_killed(self):
        self.killed_mid_transfer("device")

    def test_co_processor_killed(self):
        self.killed_mid_transfer("ncp")

    def test_cloud_killed(self):
        self.killed_mid_transfer("cloud")

    def test_all_three_killed(self):
        self.killed_mid_transfer("device", "ncp", "cloud")


class KilledOnPosix(Killed):
    board = "posix"


class KilledOnNrf51(Killed):
    board = "nrf51"


if __name__ == "__main__":
    unittest.main(verbosity=2)
