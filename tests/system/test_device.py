#!/usr/bin/env python3
"""A whole device, bootloader and demo application, against a co-processor that shares no code with it: an update, every kind
of bad firmware, and power cuts.

Run by ctest, or by hand:  tests/system/test_device.py [Mps2|Posix[.test_name]]
TANDEM_BIN and TANDEM_FIRMWARE name the folders of the programs and of the boards' firmware (BOARD/bin in it)."""

import hashlib
import os
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/python")]
from tandem_system import System  # noqa: E402
from tandem_wire import CallFailed, Peer, connect_unix  # noqa: E402

SECONDS = 60  # for what a device does at once, on a busy machine
DEVICE_REPORT = 0x5401
STARTED, FAILED, CONFIRMED, ON_TRIAL = 1, 2, 3, 4  # events of a device report
REASON = {"rejected-before": 7, "bad-signature": 10, "wrong-hardware": 2, "self-test-failed": 32, "watchdog": 34,
          "fault": 35, "no-link": 36}


class CoProcessor:
    """What the device talks to: it brings the link up, and sends a firmware when told to."""

    def __init__(self, uart):
        self.peer = Peer(connect_unix(str(uart)))
        self.versions, self.reports = [], []
        self.chunk = None
        self.package = b""
        answers = {
            "ncp.ping": lambda: None,
            "ncp.reboot": lambda: True,
            "ncp.hasUID": lambda uid: uid == DEVICE_REPORT,
            "hw.setUartBaudRate": lambda rate: True,
            "blynk.setFirmwareInfo": self.firmware_info,
            "blynk.initialize": self.initialize,
            "blynk.getState": lambda: 5,
            "blynk.virtualWrite": lambda pin, value: None,
            "blynk.otaUpdateStart": self.update_start,
            "blynk.otaUpdateGetCRC32": lambda: (zlib.crc32(self.package), True),
            "blynk.otaUpdateGetMD5": lambda: (hashlib.md5(self.package).digest(), True),
            "blynk.otaUpdateGetSHA256": lambda: (hashlib.sha256(self.package).digest(), True),
            "tandem.deviceReport": self.device_report,
        }
        for name, answer in answers.items():
            self.peer.serve(name, answer)

    def firmware_info(self, kind, version, build, library):
        self.announced = version
        return True

    def initialize(self, template, name):
        self.versions.append(self.announced)
        return True

    def device_report(self, event, state, reason, running, about, hardware, counter):
        self.reports.append((event, reason, running, about))
        return True

    def update_start(self, chunk):
        self.chunk = chunk
        return True

    def wait(self, what, condition, seconds=SECONDS):
        if not self.peer.run(until=condition, timeout=seconds):
            raise AssertionError(f"{what}: not within {seconds} s; versions {self.versions}, "
                                 f"reports {[report[:2] for report in self.reports]}")

    def wait_event(self, event, reason=0, seconds=SECONDS):
        self.wait(f"report of event {event}, reason {reason}",
                  lambda: any(report[:2] == (event, reason) for report in self.reports), seconds)

    def wait_version(self, version, seconds=SECONDS):
        """Waits until the device has initialised as version, and said how it started."""
        self.wait(f"start as {version}", lambda: version in self.versions and self.reports, seconds)

    def forget(self):
        self.versions, self.reports = [], []

    def offer(self, package):
        self.package, self.chunk = package, None
        return self.peer.call("client.otaUpdateAvailable", "package.tdm", len(package), "tandem-demo", "", "", timeout=5)

    def begin(self, package):
        if not self.offer(package):
            raise AssertionError("the offer was refused")
        self.wait("otaUpdateStart", lambda: self.chunk is not None)

    def write(self, offset):
        """One chunk, with the retries of the protocol; returns what the device said last."""
        data = self.package[offset:offset + self.chunk]
        for _ in range(5):
            try:
                if self.peer.call("client.otaUpdateWrite", offset, data, zlib.crc32(data)):
                    return True
            except CallFailed:
                pass
            if any(event == FAILED for event, *_ in self.reports):
                break
        return False

    def transfer(self, package, until=1.0):
        """Sends the package, or a share of it; returns whether the device took every chunk."""
        self.begin(package)
        return all(self.write(offset) for offset in range(0, int(len(package) * until), self.chunk))

    def update(self, package):
        """Transfer and finish; True if the device is about to restart into it."""
        return self.transfer(package) and self.peer.call("client.otaUpdateFinish")

    def close(self):
        self.peer.port.close()


class Device:
    board = None
    small = False  # the firmware's image

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-device-")
        self.addCleanup(folder.cleanup)
        self.system = System(folder.name, board=self.board, small=self.small)
        self.system.prepare()
        self.addCleanup(self.system.stop)
        self.addCleanup(lambda: self.ncp.close())
        self.ncp = None
        self.power_on()
        self.ncp.wait_version("1.0.0")

    def power_on(self):
        self.system.start_device()
        self.ncp = CoProcessor(self.system.uart)

    def power_cut(self):
        """Off and on again; the co-processor forgets, too."""
        self.system.device.kill()
        self.ncp.close()
        self.power_on()

    def pack(self, version):
        return self.system.pack(version).read_bytes()

    def digest(self, package):
        """The image digest as it stands in the manifest, found by its contents and not by the parser."""
        relocation_bytes = int.from_bytes(package[8:12], "little")
        front = 64 + int.from_bytes(package[6:8], "little") + 64
        return hashlib.sha256(package[front + relocation_bytes:]).digest()

    def update(self, version):
        package = self.pack(version)
        self.ncp.forget()
        self.assertTrue(self.ncp.update(package))
        return package

    def confirm(self, version):
        package = self.update(version)
        self.ncp.wait_version(version)
        self.ncp.wait_event(CONFIRMED)
        return package

    def assert_rolled_back(self, package, reason, seconds=SECONDS, known=True):
        """1.0.0 is back and says why; power cuts do not change that. Only of a digest that was rejected for good it is known
        which one it was."""
        self.ncp.wait_version("1.0.0", seconds)
        self.ncp.wait_event(STARTED, REASON[reason], seconds)
        about = next(report[3] for report in self.ncp.reports if report[1] == REASON[reason])
        self.assertEqual(about[:12] if known or about else self.digest(package)[:12], self.digest(package)[:12])
        self.power_cut()
        self.ncp.wait_version("1.0.0")
        self.assertEqual(set(self.ncp.versions), {"1.0.0"})

    def assert_refused_untouched(self, package, reason):
        before = self.system.flash_digest()
        self.ncp.forget()
        self.assertFalse(self.ncp.transfer(package))
        self.ncp.wait_event(FAILED, REASON[reason])
        self.assertEqual(self.system.flash_digest(), before)

    # --- a good update ---

    def test_a_good_firmware_is_tried_confirmed_and_stays_over_power_cuts(self):
        package = self.confirm("1.1.0")
        self.power_cut()
        self.ncp.wait_version("1.1.0")
        event, reason, running, _ = self.ncp.reports[0]
        self.assertEqual((event, reason, running), (STARTED, 0, self.digest(package)))

    def test_updates_alternate_between_the_banks(self):
        for version in ("1.1.0", "1.6.0", "1.0.0"):
            self.confirm(version)

    def test_noise_on_the_uart_does_no_harm(self):
        self.ncp.peer.send_raw(os.urandom(20_000))
        self.confirm("1.1.0")

    # --- bad firmware ---

    def test_a_failed_self_test_rolls_back_for_good(self):
        package = self.update("1.2.0-bad")
        self.assert_rolled_back(package, "self-test-failed")
        self.assert_refused_untouched(package, "rejected-before")
        self.confirm("1.1.0")

    def test_a_hang_is_rolled_back_by_the_watchdog(self):
        package = self.update("1.3.0-hang")
        self.assert_rolled_back(package, "watchdog")
        self.assert_refused_untouched(package, "rejected-before")

    def test_a_crash_is_rolled_back(self):
        package = self.update("1.4.0-crash")
        self.assert_rolled_back(package, "fault")

    def test_a_tampered_signature_is_refused_before_anything_is_erased(self):
        self.assert_refused_untouched(self.system.tamper(self.system.folder / "demo-1.0.0.tdm").read_bytes(), "bad-signature")
        self.confirm("1.1.0")

    # --- power cuts ---

    def test_a_power_cut_anywhere_in_a_transfer_leaves_the_running_firmware(self):
        package = self.pack("1.1.0")
        for share in (0.0, 0.01, 0.02, 0.3, 0.95, 1.0):
            self.assertTrue(self.ncp.transfer(package, until=share))
            self.power_cut()
            self.ncp.wait_version("1.0.0")
        self.confirm("1.1.0")

    def test_a_power_cut_right_after_the_last_answer_loses_no_update(self):
        self.update("1.1.0")
        self.power_cut()
        self.ncp.wait_version("1.1.0")
        self.ncp.wait_event(CONFIRMED)

    def test_power_cuts_during_a_trial_end_in_one_of_the_two(self):
        self.update("1.1.0")
        for _ in range(2):
            self.power_cut()
            self.ncp.wait("a start", lambda: self.ncp.versions)
        self.ncp.wait("a start", lambda: self.ncp.reports)
        self.assertIn(self.ncp.versions[-1], ("1.0.0", "1.1.0"))


class Mps2(Device, unittest.TestCase):
    board = "mps2"
    small = True  # QEMU takes the UART's bytes one by one


class Posix(Device, unittest.TestCase):
    board = "posix"

    def test_a_firmware_without_a_link_gives_way(self):
        package = self.update("1.5.0-mute")
        self.assert_rolled_back(package, "no-link", seconds=150, known=False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
