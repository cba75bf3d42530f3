#!/usr/bin/env python3
"""Compressed packages and deltas through the real programs, on both boards (the images of simulated
devices are noise): what arrives must be what was signed, and far
fewer bytes go over the UART.

Run by ctest, or by hand:  tests/system/test_encoded.py [TestName]"""

import hashlib
import sqlite3
import struct
import sys
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_update import TEMPLATE, SystemCase, wait_for  # noqa: E402


def image_digest(package):
    """SHA-256 of a plain package's image."""
    data = package.read_bytes()
    return hashlib.sha256(data[-struct.unpack_from("<I", data, 12)[0]:]).hexdigest()


def transplant(genuine, encoded):
    """Head, signature and table of one package, base digest and payload of another."""
    front = genuine.read_bytes()
    head, table, _ = struct.unpack_from("<HII", front, 6)
    other_head, other_table, payload = struct.unpack_from("<HII", encoded, 6)
    envelope = bytearray(encoded[:64])
    struct.pack_into("<HII", envelope, 6, head, table, payload)
    envelope[60:64] = zlib.crc32(envelope[:60]).to_bytes(4, "little")
    return bytes(envelope) + front[64:64 + head + 64 + table] + encoded[64 + other_head + 64 + other_table:]


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


class CloudMade(SystemCase):
    """The cloud knows the plain packages alone and makes what it sends."""

    board = "mps2"

    def setUp(self):
        super().setUp()
        self.system.cloud_options = ["--deltas", "on"]

    def device_row(self, shipment):
        return self.system.tandem_json("shipment", "show", shipment)["devices"][0]

    def test_a_delta_where_it_knows_what_runs_and_compression_where_it_does_not(self):
        system = self.system
        system.start()
        first, second = system.pack("1.1.0"), system.pack("1.6.0")

        row = self.ship(first)  # of 1.0.0, which runs, no package was uploaded
        self.assert_ended(row, "success")
        system.wait_version("1.1.0", 30)
        self.assertEqual((row["encoding"], row["bytes_full"]), ("compressed", first.stat().st_size))
        self.assertLess(row["bytes_sent"], 0.95 * row["bytes_full"])  # half of that image is noise
        self.assertLess(row["wire_bytes"], row["bytes_full"])

        row = self.ship(second)
        self.assert_ended(row, "success")
        running = system.wait_version("1.6.0", 30)["firmware"]
        self.assertEqual(running["state"], "confirmed")
        self.assertEqual(running["digest"], image_digest(second))
        self.assertEqual((row["encoding"], row["bytes_full"]), ("delta", second.stat().st_size))
        self.assertLess(row["bytes_sent"], row["bytes_full"] / 10)
        self.assertLess(row["wire_bytes"], row["bytes_full"] / 5)
        shown = system.tandem("shipment", "list")
        self.assertIn("1.6.0", shown)

    def test_one_that_the_device_refuses_is_followed_by_the_plain_package(self):
        """What the cloud keeps is another image's delta under the genuine head, as if it had made a mistake."""
        system = self.system
        system.start()
        old, new = system.pack("1.0.0"), system.pack("1.6.0")
        system.tandem("firmware", "upload", old)
        wrong = new.with_name("wrong.tdm")
        system.tandem("encode", system.pack("1.7.0"), "--base", old, "-o", wrong)
        data = transplant(new, wrong.read_bytes())
        self.plant(system.tandem_json("firmware", "upload", new)["id"], old, data)

        shipment = system.tandem_json("ship", new, "--template", TEMPLATE)["id"]
        refused = wait_for("the device refuses it", lambda: self.refusal(shipment), 90)
        self.assertIn(refused["reason"], ("bad-digest", "bad-package"))
        self.assertEqual((refused["encoding"], refused["bytes_sent"]), ("delta", len(data)))
        self.assertFalse(refused["ended"])
        row = system.wait_shipment(shipment, 90)
        self.assert_ended(row, "success")
        self.assertEqual((row["encoding"], row["attempts"]), ("plain", 2))
        system.wait_version("1.6.0", 30)

    def refusal(self, shipment):
        row = self.device_row(shipment)
        return row["status"] == "upload-failure" and row

    def plant(self, firmware, base, data):
        """Puts a file in the place of the delta from base, as whoever owns the server can."""
        digest = hashlib.sha256(data).digest()
        (self.system.data / "deltas" / digest.hex()).write_bytes(data)
        database = sqlite3.connect(self.system.data / "tandem.db", timeout=20)
        with database:
            database.execute("INSERT INTO form (firmware, base, state, wanted, node, due, tries, size, sha256, md5, took, "
                             "used, why) VALUES (?, ?, 2, 0, 0, 0, 1, ?, ?, ?, 0, 0, '')",
                             (int(firmware[1:]), bytes.fromhex(image_digest(base)), len(data), digest,
                              hashlib.md5(data).digest()))
        database.close()


class Hostile(SystemCase):
    """A cloud that sends what it likes behind a head and a signature that are genuine: the device runs nothing else, says
    why, and takes the next update."""

    board = "mps2"

    def test_nothing_but_what_was_signed_ever_runs(self):
        system = self.system
        system.start()
        base, new, other = system.pack("1.0.0"), system.pack("1.6.0"), system.pack("1.7.0")
        delta = self.delta(new, base)
        cases = (
            ("a delta that yields another image", transplant(new, self.delta(other, base)), ("bad-digest", "bad-package")),
            ("a genuine payload that lost a bit", self.flip(delta, -40), ("bad-digest", "bad-package")),
            ("a manifest of its own", self.flip(delta, delta.index(bytes.fromhex(image_digest(new)))), ("bad-signature",)),
            ("a delta to an image that does not run", self.delta(new, other), ("wrong-base",)),
            ("a delta for another device type", self.delta(self.pack_for("other-board", "1.6.0"),
                                                           self.pack_for("other-board", "1.0.0")), ("wrong-hardware",)),
        )
        for name, data, reasons in cases:
            package = system.folder / "hostile.tdm"
            package.write_bytes(data)
            with self.subTest(name):
                row = self.ship_once(package)
                self.assertEqual(row["status"], "upload-failure", row)
                self.assertIn(row["reason"], reasons)
                firmware = system.device_state()["firmware"]
                self.assertEqual((firmware["version"], firmware["digest"]), ("1.0.0", image_digest(base)))
        self.assertEqual(self.ship_once(new)["status"], "success")
        system.wait_version("1.6.0", 30)

    def ship_once(self, package):
        """What becomes of the first attempt. Those of all shipments of an image count together."""
        shipment = self.system.tandem_json("ship", package, "--template", TEMPLATE, "--attempts", "9")["id"]
        row = wait_for("it fails", lambda: self.failed(shipment), 60)
        if not row["ended"]:
            self.system.tandem("shipment", "cancel", shipment)
        return row

    def failed(self, shipment):
        row = self.system.tandem_json("shipment", "show", shipment)["devices"][0]
        return row["status"] in ("upload-failure", "success", "rollback") and row

    def delta(self, package, base):
        out = package.with_name("delta.tdm")
        self.system.tandem("encode", package, "--base", base, "-o", out)
        return out.read_bytes()

    def pack_for(self, hardware, version):
        out = self.system.folder / f"{hardware}-{version}.tdm"
        self.system.tandem("pack", self.system.firmware / f"bin/demo-{version}.elf", "-o", out, "--key", self.system.key,
                           "--hardware", hardware)
        return out

    def flip(self, data, at):
        changed = bytearray(data)
        changed[at] ^= 1
        return bytes(changed)


if __name__ == "__main__":
    unittest.main()
