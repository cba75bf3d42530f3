#!/usr/bin/env python3
"""The device against a co-processor of another make: the second implementation of the wire, tests/python.

What core/ says to itself could be wrong at both ends; this end was written from docs/PROTOCOL.md. The line is
bad on purpose. Run by ctest, or by hand:  tests/system/test_device_wire.py [Posix|Mps2]"""

import hashlib
import random
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/python")]

import tandem_wire as wire  # noqa: E402
from tandem_system import System  # noqa: E402

STARTED, CONFIRMED = 1, 3  # events of tandem.deviceReport


class CoProcessor(wire.Peer):
    """Serves what a device needs, and feeds it a file over a line that loses and damages things."""

    def __init__(self, port, seed=1):
        super().__init__(port)
        self.random = random.Random(seed)
        self.file = b""
        self.chunk_bytes = 0
        self.state = 10
        self.info = self.report = None
        self.initialized = 0
        for name, handler in {
            "ncp.ping": lambda: None,
            "ncp.hasUID": lambda uid: uid in self.handlers,
            "hw.setUartBaudRate": lambda baud: True,
            "blynk.setFirmwareInfo": self.on_info,
            "blynk.initialize": self.on_initialize,
            "blynk.getState": lambda: self.state,
            "blynk.otaUpdateStart": self.on_start,
            "blynk.otaUpdateGetCRC32": lambda: (zlib.crc32(self.file), True),
            "blynk.otaUpdateGetSHA256": lambda: (hashlib.sha256(self.file).digest(), True),
            "tandem.deviceReport": self.on_report,
        }.items():
            self.serve(name, handler)

    def on_info(self, kind, version, build, library):
        self.info = (kind, version, build, library)
        return True

    def on_initialize(self, template_id, template_name):
        self.state = 5
        self.initialized += 1
        return True

    def on_start(self, chunk_bytes):
        self.chunk_bytes = chunk_bytes
        return True

    def on_report(self, event, state, reason, running, about, hardware, counter):
        self.report = (event, state, reason)
        return True

    def must(self, what, condition, seconds=30):
        if not self.run(until=condition, timeout=seconds):
            raise AssertionError(f"{what}: not within {seconds} s; served last: {self.served[-5:]}")

    def offer(self, package, version):
        self.file = package.read_bytes()
        self.chunk_bytes = 0
        accepted = self.call("client.otaUpdateAvailable", package.name, len(self.file), "", version, "")
        if accepted:
            self.must("the device asks for data", lambda: self.chunk_bytes > 0)
        return accepted

    @staticmethod
    def cut(frame):
        """Half a frame, not cut behind an ESC: what follows an ESC is data, even a BEG, and the next frame would be lost."""
        half = len(frame) // 2
        return frame[: half - 1] if frame[half - 1] == wire.ESC else frame[:half]

    def disturb(self, frame):
        """Something bad before a frame; True if the frame itself never arrives whole."""
        kind = self.random.randrange(8)
        if kind == 0:
            self.send_raw(b"\x00noise\xbb\xcc")
        elif kind == 1:
            self.send_raw(self.cut(frame))  # the next BEG starts anew
        elif kind == 2:
            self.send_raw(frame[:9] + bytes([frame[9] ^ 0x04]) + frame[10:])  # damaged: a wrong CRC
        elif kind == 3:
            self.send_raw(bytes([wire.BEG, wire.END]))
        elif kind == 4:
            self.send_raw(wire.encode_frame(wire.result(0x7777, wire.OK)))  # nobody waits for it
        elif kind == 5:
            self.send_raw(wire.encode_frame(wire.invoke(0x7001, 0x6000)))  # unknown: answered with 13

    def write(self, offset, chunk):
        arguments = (offset, chunk, zlib.crc32(chunk))
        self.disturb(wire.encode_frame(wire.invoke(0x0442, 0x5000, wire.pack("IbI", arguments))))
        taken = self.call("client.otaUpdateWrite", *arguments)
        if taken and self.random.randrange(6) == 0:  # as if the answer had been lost: the same chunk again
            taken = self.call("client.otaUpdateWrite", *arguments)
        return taken

    def feed(self):
        """Sends the file; False if the device refused a chunk."""
        for offset in range(0, len(self.file), self.chunk_bytes):
            if not self.write(offset, self.file[offset : offset + self.chunk_bytes]):
                return False
        return True


class DeviceWire:
    board = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-wire-")
        self.addCleanup(folder.cleanup)
        self.system = System(folder.name, board=self.board)
        self.system.prepare()
        self.system.start_device()
        self.addCleanup(self.system.stop)
        port = wire.connect_unix(str(self.system.uart))
        self.addCleanup(port.close)
        self.ncp = CoProcessor(port)
        self.ncp.must("the device initializes", lambda: self.ncp.initialized == 1)

    def test_device_says_who_it_is_before_it_initializes(self):
        names = [name for name, _ in self.ncp.served]
        self.assertEqual(names[0], "ncp.ping")
        self.assertLess(names.index("blynk.setFirmwareInfo"), names.index("blynk.initialize"))
        self.assertEqual(self.ncp.info[1], "1.0.0")
        self.ncp.must("the device reports", lambda: self.ncp.report)
        self.assertEqual(self.ncp.report[0], STARTED)
        self.assertIsNone(self.ncp.call("mcu.ping", timeout=1))
        self.assertTrue(self.ncp.call("mcu.hasUID", 0x0442))
        self.assertFalse(self.ncp.call("mcu.hasUID", 0x0101))

    def test_update_over_a_bad_line_ends_confirmed(self):
        self.assertTrue(self.ncp.offer(self.system.pack("1.1.0"), "1.1.0"))
        self.assertTrue(self.ncp.feed())
        self.assertTrue(self.ncp.call("client.otaUpdateFinish", timeout=15))
        self.ncp.state = 10
        self.ncp.must("the new firmware initializes", lambda: self.ncp.initialized == 2)
        self.assertEqual(self.ncp.info[1], "1.1.0")
        self.ncp.must("it confirms", lambda: self.ncp.report and self.ncp.report[0] == CONFIRMED, 60)


class Posix(DeviceWire, unittest.TestCase):
    board = "posix"


class Mps2(DeviceWire, unittest.TestCase):
    board = "mps2"


if __name__ == "__main__":
    unittest.main()
