#!/usr/bin/env python3
"""A one-bank device, whose bootloader fetches the firmware, against a co-processor module as the market has it: no extension of
ours, its own chunk sizes, noise and resends. What such a module must do for it is what docs/PROTOCOL.md says, and one thing more: it
begins again at offset 0 when it is asked to start in the middle.

Run by ctest, or by hand:  tests/system/test_fetch_module.py [Bootloader.test_name]"""

import sys
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_device_module as module  # noqa: E402
from test_device_module import wire  # noqa: E402

RESENDS = 5
NOISE = (b"", b"\xAA\xBB", b"rst:0x1 \x11\x13 boot\r\n", b"\xAA\x01\x02", b"\x01\xBB")


class Feeder(module.Module):
    """Feeds the file from its start as often as it is asked to start."""

    def __init__(self, port, noisy=False, **options):
        self.starts, self.noisy = 0, noisy
        super().__init__(port, **options)
        self.serve("blynk.otaUpdatePrefetch", lambda: 1)

    def on_start(self, chunk_bytes):
        self.starts += 1
        return super().on_start(chunk_bytes)

    def send(self, payload):
        if self.noisy:
            self.send_raw(self.random.choice(NOISE))
        super().send(payload)

    def hand_over(self, package):
        """The application takes the offer; its bootloader initializes, takes it again, and asks for data."""
        known = len(self.versions)
        if not self.offer(package):
            raise AssertionError("the application refused the offer")
        self.must("the bootloader initializes", lambda: len(self.versions) > known)
        self.begin(package)

    def _send_chunk(self, offset, data, starts):
        for _ in range(1 + RESENDS):
            pending = self.start("client.otaUpdateWrite", offset, data, zlib.crc32(data))
            self.run(until=lambda: pending.finished or self.starts != starts, timeout=5)
            if self.starts != starts or (pending.finished and pending.value()):
                return
        raise AssertionError(f"the chunk at {offset} was refused")

    def feed(self, sizes=lambda most: most, until=1.0, between=lambda *_: None):
        offset, starts = 0, self.starts
        while offset < len(self.file) * until:
            data = self.file[offset : offset + sizes(self.chunk_bytes)]
            self._send_chunk(offset, data, starts)
            if self.starts != starts:
                offset, starts = 0, self.starts
                continue
            between(offset, data)
            offset += len(data)


class Bootloader(module.Case):
    banks = {"one_bank": True}
    kind = Feeder

    def assert_installed(self, version="1.1.0"):
        self.assertTrue(self.module.finish())
        self.assert_updated(version)

    def update(self, **how):
        self.module.hand_over(self.system.pack("1.1.0"))
        self.module.feed(**how)
        self.assert_installed()

    def test_an_update_over_one_that_says_false_to_uids(self):
        self.connect(unknown="false")
        self.update()

    def test_an_update_over_one_that_is_silent_about_uids_and_has_no_digests(self):
        self.connect(unknown="silence", digests="none")
        self.update()

    def test_an_update_over_a_noisy_line_in_chunks_of_any_size(self):
        module_ = self.connect(unknown="status", noisy=True)
        self.update(sizes=lambda most: module_.random.choice((33, 64, most - 1, most)))

    def test_one_that_keeps_the_offer_is_asked_to_start(self):
        module_ = self.connect()
        known = len(module_.versions)
        self.assertTrue(module_.offer(self.system.pack("1.1.0")))
        module_.must("the bootloader initializes", lambda: len(module_.versions) > known)
        module_.must("it asks for data", lambda: module_.starts > 0, 60)
        module_.feed()
        self.assert_installed()

    def test_a_chunk_sent_again_is_taken_as_written_and_a_damaged_one_is_not(self):
        module_ = self.connect()

        def again(offset, data):
            self.assertTrue(module_.call("client.otaUpdateWrite", offset, data, zlib.crc32(data)))
            self.assertFalse(module_.call("client.otaUpdateWrite", offset, data, zlib.crc32(data) ^ 1))

        self.update(between=again)

    def test_one_that_cancels_leaves_the_application_and_may_offer_again(self):
        module_ = self.connect()
        module_.hand_over(self.system.pack("1.1.0"))
        module_.feed(until=0.3)
        known = len(module_.versions)
        self.assertIsNone(module_.call("client.otaUpdateCancel"))
        module_.must("the application initializes", lambda: len(module_.versions) > known, 60)
        self.assertEqual(module_.versions[-1], "1.0.0")
        self.update()

    def test_power_lost_while_writing_is_made_good_by_the_next_offer(self):
        module_, package = self.connect(), self.system.pack("1.1.0")
        module_.hand_over(package)
        first = module_.starts

        class Cut(Exception):
            pass

        def cut(offset, _):
            if module_.starts > first and offset > 20_000:
                raise Cut

        with self.assertRaises(Cut):
            module_.feed(between=cut)
        self.system.device.kill()
        self.system.uart.unlink(missing_ok=True)
        self.system.start_device()
        module_ = self.connect()
        module_.begin(package)
        module_.feed()
        self.assert_installed()

    def test_a_prefetch_that_fails_is_no_reason_to_leave_the_application(self):
        module_ = self.connect()
        module_.serve("blynk.otaUpdatePrefetch", lambda: 3)
        self.assertTrue(module_.offer(self.system.pack("1.1.0")))
        module_.must("the update ends", lambda: "update: ended" in self.console())
        self.assertNotIn("reset", self.console())
        module_.serve("blynk.otaUpdatePrefetch", lambda: 1)
        self.update()


if __name__ == "__main__":
    unittest.main(verbosity=2)
