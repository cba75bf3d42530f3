#!/usr/bin/env python3
"""tests/port/test_product.py, which takes a product's application through an update on a bench: the simulated device passes, and
behind a line with a fault of a real product it fails, with what is wrong.

Run by ctest, or by hand:  tests/system/test_product_bench.py"""

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from tandem_system import System  # noqa: E402

PRODUCT_TEST = ROOT / "tests/port/test_product.py"
LONGEST_PIECE = 4096
PING, ONEWAY = b"\xbc\x67\x81\x01", b"\xf3\x1c"  # how messages begin; docs/PROTOCOL.md


class Relay:
    """Between the bench and a device; what a piece becomes on its way is the caller's."""

    def __init__(self, path, device, down=lambda piece: piece, up=lambda piece: piece):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.device, self.down, self.up = str(device), down, up
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            bench, _ = self.listener.accept()
        except OSError:
            return
        with bench, socket.socket(socket.AF_UNIX) as device:
            device.connect(self.device)
            while True:
                for ready in select.select([bench, device], [], [])[0]:
                    try:
                        piece = ready.recv(LONGEST_PIECE)
                    except ConnectionError:
                        return
                    if not piece:
                        return
                    (device if ready is bench else bench).sendall(self.down(piece) if ready is bench else self.up(piece))

    def close(self):
        self.listener.close()
        self.thread.join(5)


class ProductBench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-product-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.system = System(folder.name, board="posix")
        self.system.prepare()
        self.system.start_device()
        self.addCleanup(self.system.stop)

    def bench(self, *arguments, uart=None, idle=1):
        command = [sys.executable, PRODUCT_TEST, uart or self.system.uart, "--idle", str(idle), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.stderr, "")
        return done

    def passes(self, *arguments, steps):
        done = self.bench(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.count("ok      "), steps, done.stdout)
        return done.stdout

    def fails(self, *arguments, because, **options):
        done = self.bench(*arguments, **options)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("FAILED", done.stdout.splitlines()[-1])
        self.assertIn(because, done.stdout.splitlines()[-1])

    def relay(self, **faults):
        relay = Relay(self.folder / "relay", self.system.uart, **faults)
        self.addCleanup(relay.close)
        return self.folder / "relay"

    def test_a_product_that_works_passes_and_a_firmware_that_crashes_does_not_stay(self):
        said = self.passes(self.system.pack("1.1.0"), "--bad", self.system.pack("1.2.0-crash"), steps=5)
        self.assertIn("1.0.0 came back: fault", said)

    def test_a_bad_firmware_that_stays_is_told(self):
        self.fails(self.system.pack("1.1.0"), "--bad", self.system.pack("1.2.0"), because="nothing tests what is wrong with it")

    def test_a_chunk_that_is_lost_in_the_product_is_told(self):
        seen = 0

        def lose_one(piece):
            nonlocal seen
            before, seen = seen, seen + len(piece)
            return b"" if before < 20_000 <= seen else piece

        self.fails(self.system.pack("1.1.0"), uart=self.relay(down=lose_one), because="1 chunks were not answered within 5 s and sent again")

    def crash(self):
        pid = self.system.device.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGABRT)

    def test_one_that_crashes_while_it_is_left_alone_is_told(self):
        pings = crashes = 0

        def count_pings(piece):
            nonlocal pings
            pings += piece.count(PING)
            return piece

        def crash_later(piece):
            nonlocal crashes
            if pings == 40 and crashes == 0 and ONEWAY in piece:  # the uptime, in the step behind the pings
                crashes = 1
                self.crash()
            return piece

        uart = self.relay(down=count_pings, up=crash_later)
        self.fails(self.system.pack("1.1.0"), uart=uart, idle=15, because="left alone, it initialized anew within 15 s, by fault")

    def test_a_loop_that_turns_too_slowly_is_told(self):
        def late(piece):
            time.sleep(0.08)
            return piece

        self.fails(self.system.pack("1.1.0"), uart=self.relay(up=late), because="a fifth of 40 pings took")

    def test_what_is_no_package_is_told_before_anything_happens(self):
        file = self.folder / "app.bin"
        file.write_bytes(bytes(100))
        self.fails(file, because="app.bin: not a package; make one with `tandem pack`")
        self.fails(self.folder / "none.tdm", because="none.tdm")


if __name__ == "__main__":
    unittest.main(verbosity=2)
