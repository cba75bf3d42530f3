#!/usr/bin/env python3
"""Compressed packages and deltas through the real programs, on both boards (the images of simulated
devices are noise): what arrives must be what was signed, and far
fewer bytes go over the UART.

Run by ctest, or by hand:  tests/system/test_encoded.py [TestName]"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_update import MID_TRANSFER_BYTES, SystemCase  # noqa: E402,F401


class Encoded(SystemCase):
    board = "mps2"

    def encode(self, package, name, base=None):
        out = package.with_name(f"{name}.tdm")
        self.system.tandem("encode", package, "-o", out, *(("--base", base) if base else ()))
        return out

    def test_compressed_then_as_a_delta_then_refused_where_the_base_does_not_run(self):
        system = self.system
        system.start()
        old, new = system.pack("1.1.0"), system.pack("1.6.0")
        compressed = self.encode(old, "compressed")
        delta = self.encode(new, "delta", base=old)

        row = self.ship(compressed)
        self.assert_ended(row, "success")
        system.wait_version("1.1.0", 30)
        self.assertLess(row["wire_bytes"], old.stat().st_size)

        row = self.ship(delta)
        self.assert_ended(row, "success")
        system.wait_version("1.6.0", 30)
        self.assertLess(row["wire_bytes"], new.stat().st_size / 5)

        before = system.flash_digest()
        self.assert_ended(self.ship(self.encode(system.pack("1.0.0"), "old-delta", base=old)), "upload-failure", "wrong-base")
        self.assertEqual(system.flash_digest(), before, "a refused package must not touch the flash")


class EncodedOnNrf51(Encoded):
    board = "nrf51"


if __name__ == "__main__":
    unittest.main()
