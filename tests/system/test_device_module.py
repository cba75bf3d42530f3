#!/usr/bin/env python3
"""The device against a co-processor module as the market has it: no extension of ours, its own idea of errors, chunk
sizes, rates and restarts. Written from docs/PROTOCOL.md alone.

Run by ctest, or by hand:  tests/system/test_device_module.py [Module.test_name]"""

import hashlib
import random
import sys
import tempfile
import time
import unittest
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/python")]
import tandem_wire as wire  # noqa: E402
from tandem_system import System, wait_for  # noqa: E402

DEVICE_REPORT = 0x5401
NCP_REBOOTING = 1
STATES, EVENTS = (0, 1, 2, 3, 4, 5, 11, 12, 99), (10, 11, 12, 13, 16, 17, 18, 20, 21, 22, 99)


class Module(wire.Peer):
    """Hears nothing at a wrong moment, says what it likes, and feeds a file with the five resends of the protocol."""

    def __init__(self, port, unknown="false", digests="all", seed=1):
        super().__init__(port)
        self.unknown = unknown  # how it says that it does not know a uid: "false", "status" or "silence"
        self.random = random.Random(seed)
        self.file = b""
        self.chunk_bytes = 0
        self.state = 10
        self.versions, self.asked = [], []
        self.announced = ""
        self.start_answers = []  # to the next otaUpdateStart, then true
        self.reports = 0
        for name, handler in {
            "ncp.ping": lambda: None,
            "ncp.hasUID": self.on_has_uid,
            "hw.setUartBaudRate": lambda rate: True,
            "blynk.setFirmwareInfo": self.on_info,
            "blynk.initialize": self.on_initialize,
            "blynk.getState": lambda: self.state,
            "blynk.otaUpdateStart": self.on_start,
            "tandem.deviceReport": self.on_report,
        }.items():
            self.serve(name, handler)
        if digests == "all":
            self.serve("blynk.otaUpdateGetMD5", lambda: (hashlib.md5(self.file).digest(), True))
            self.serve("blynk.otaUpdateGetSHA256", lambda: (hashlib.sha256(self.file).digest(), True))
            self.serve("blynk.otaUpdateGetCRC32", lambda: (zlib.crc32(self.file), True))
        elif digests == "none":
            self.serve("blynk.otaUpdateGetSHA256", lambda: (b"", False))
            self.serve("blynk.otaUpdateGetCRC32", lambda: (0, False))

    # ---- What it serves ----

    def on_has_uid(self, uid):
        if self.unknown == "silence":
            return wire.Later()
        if self.unknown == "status":
            raise wire.CallFailed("ncp.hasUID", wire.UNKNOWN_UID)
        return False

    def on_info(self, kind, version, build, library):
        self.announced = version
        return True

    def on_initialize(self, template_id, template_name):
        self.state = 4
        self.versions.append(self.announced)
        return True

    def on_start(self, chunk_bytes):
        answer = self.start_answers.pop(0) if self.start_answers else True
        if answer is True:
            self.chunk_bytes = chunk_bytes
        return answer

    def on_report(self, *_):
        self.reports += 1
        return True

    # ---- What it does ----

    def must(self, what, condition, seconds=30):
        if not self.run(until=condition, timeout=seconds):
            raise AssertionError(f"{what}: not within {seconds} s; served last: {self.served[-5:]}")

    def chatter(self):
        """States and events at any time."""
        self.start("client.blynkStateChange", self.random.choice(STATES))
        self.start("client.processEvent", self.random.choice(EVENTS))
        self.start("client.blynkVPinChange", 1, b"42\0")

    def reboot(self):
        self.start("client.processEvent", NCP_REBOOTING)
        self.state = 10

    def offer(self, package):
        self.file, self.chunk_bytes = package.read_bytes(), 0
        return self.call("client.otaUpdateAvailable", "mcu.bin", len(self.file), "", "", "")

    def begin(self, package):
        if not self.offer(package):
            raise AssertionError("the offer was refused")
        self.must("the device asks for data", lambda: self.chunk_bytes > 0)

    def write(self, offset, data):
        """The same request again, up to 5 times, after false or 5 s."""
        for _ in range(6):
            try:
                if self.call("client.otaUpdateWrite", offset, data, zlib.crc32(data)):
                    return True
            except wire.CallFailed:
                pass
        return False

    def feed(self, sizes=lambda most: most, until=1.0, between=lambda: None):
        """Sends the file, or a share of it, in chunks as sizes() says."""
        offset = 0
        while offset < len(self.file) * until:
            bytes_ = sizes(self.chunk_bytes)
            if not self.write(offset, self.file[offset : offset + bytes_]):
                return False
            offset += len(self.file[offset : offset + bytes_])
            between()
        return True

    def finish(self):
        for _ in range(6):
            try:
                return self.call("client.otaUpdateFinish")
            except wire.CallFailed:
                pass
        return False


class Case(unittest.TestCase):
    """A device that runs its factory firmware, and a module at its line."""

    banks = {}  # as System takes them
    kind = Module

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-module-")
        self.addCleanup(folder.cleanup)
        self.system = System(folder.name, board="posix", **self.banks)
        self.system.prepare()
        self.system.start_device()
        self.addCleanup(self.system.stop)

    def connect(self, **options):
        port = wire.connect_unix(str(self.system.uart))
        self.addCleanup(port.close)
        self.module = self.kind(port, **options)
        self.module.must("the device initializes", lambda: self.module.versions)
        return self.module

    def console(self):
        return (self.system.folder / "console.log").read_text()

    def assert_updated(self, version="1.1.0"):
        self.module.reboot()  # as it does after otaUpdateFinish
        self.module.must("the new firmware initializes", lambda: version in self.module.versions, 60)
        self.module.must("it confirms", lambda: "trial: confirmed" in self.console(), 60)
        self.assertEqual(self.module.reports, 0, "our own call was made without being asked for")


class Device(Case):
    def update(self, **how):
        self.module.begin(self.system.pack("1.1.0"))
        self.assertTrue(self.module.feed(**how))
        self.assertTrue(self.module.finish())
        self.assert_updated()

    def test_an_update_over_one_that_says_false_to_uids(self):
        self.connect(unknown="false")
        self.update()

    def test_an_update_over_one_that_answers_uids_with_a_status(self):
        self.connect(unknown="status", digests="unknown")
        self.update()

    def test_an_update_over_one_that_is_silent_about_uids_and_has_no_digests(self):
        self.connect(unknown="silence", digests="none")
        self.update()

    def test_chunks_of_any_size_up_to_the_one_asked_for(self):
        module = self.connect()
        self.update(sizes=lambda most: module.random.choice((1, 2, 3, 5, 64, most - 1, most)))

    def test_states_and_events_at_any_time_do_not_disturb(self):
        module = self.connect()
        self.update(between=module.chatter)

    def test_a_chunk_sent_again_is_taken_as_written(self):
        module = self.connect()
        module.begin(self.system.pack("1.1.0"))
        for offset in range(0, len(module.file), module.chunk_bytes):
            data = module.file[offset : offset + module.chunk_bytes]
            for _ in range(3):
                self.assertTrue(module.call("client.otaUpdateWrite", offset, data, zlib.crc32(data)))
        self.assertTrue(module.finish())
        self.assert_updated()

    def test_a_start_that_is_refused_at_first_is_asked_for_again(self):
        module = self.connect()
        module.start_answers = [False, wire.Later(), False]
        self.update()

    def test_data_before_the_answer_to_start_is_taken(self):
        module = self.connect()
        module.start_answers = [wire.Later()]
        self.assertTrue(module.offer(self.system.pack("1.1.0")))
        module.must("the device asks for data", lambda: not module.start_answers)
        module.chunk_bytes = 512
        self.assertTrue(module.feed())
        self.assertTrue(module.finish())
        self.assert_updated()

    def test_one_that_reboots_in_the_middle_may_offer_again(self):
        module = self.connect()
        module.begin(self.system.pack("1.1.0"))
        self.assertTrue(module.feed(until=0.5))
        module.versions.clear()
        module.reboot()
        module.must("the device initializes anew", lambda: module.versions)
        self.update()

    def test_one_that_crashes_without_a_word_may_offer_again(self):
        module = self.connect()
        module.begin(self.system.pack("1.1.0"))
        self.assertTrue(module.feed(until=0.5))
        module.versions.clear()
        module.state = 10
        module.must("the device asks for the state and initializes anew", lambda: module.versions, 40)
        self.update()

    def test_one_that_cancels_may_offer_again(self):
        module = self.connect()
        module.begin(self.system.pack("1.1.0"))
        self.assertTrue(module.feed(until=0.5))
        self.assertIsNone(module.call("client.otaUpdateCancel"))
        self.assertFalse(module.call("client.otaUpdateWrite", 0, b"1234", zlib.crc32(b"1234")))
        self.update()

    def test_an_offer_in_the_middle_starts_anew(self):
        module = self.connect()
        module.begin(self.system.pack("1.1.0"))
        self.assertTrue(module.feed(until=0.5))
        self.update()

    def test_a_finish_too_early_is_refused_and_the_device_goes_on(self):
        module = self.connect()
        module.begin(self.system.pack("1.1.0"))
        self.assertTrue(module.feed(until=0.5))
        self.assertFalse(module.call("client.otaUpdateFinish"))
        self.update()

    def test_a_file_that_is_no_package_is_refused(self):
        module = self.connect()
        file = self.system.folder / "plain.bin"
        file.write_bytes(random.Random(3).randbytes(20_000))
        module.begin(file)
        self.assertFalse(module.feed())
        self.assertIsNone(module.call("client.otaUpdateCancel"))
        self.update()

    def test_a_silent_line_in_bring_up_is_tried_without_end(self):
        port = wire.connect_unix(str(self.system.uart))
        self.addCleanup(port.close)
        time.sleep(3)  # a module that takes its time to boot
        self.module = Module(port)
        self.module.must("the device initializes", lambda: self.module.versions)
        wait_for("the link is up", lambda: "link: up" in self.console(), 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
