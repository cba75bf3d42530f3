#!/usr/bin/env python3
"""test_board.py on a bench where something is missing: one sentence that says what, instead of a failure of every test."""

import os
import pty
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BOARD_TEST = Path(__file__).resolve().parent / "test_board.py"


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-bench-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def refused(self, board, uart, because):
        done = subprocess.run([sys.executable, BOARD_TEST, board, uart], text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(because, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_a_board_that_is_no_folder(self):
        self.refused("mps3", "/dev/null", "ports/mps3/layout.json: not there")

    def test_a_uart_that_is_not_there(self):
        self.refused("mps2", self.folder / "ttyACM0", "ttyACM0: can't be opened: No such file or directory")

    def test_a_file_is_no_uart(self):
        (self.folder / "file").touch()
        self.refused("mps2", self.folder / "file", "neither a serial device nor a socket")

    def test_a_serial_device_where_nobody_answers(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        self.refused("mps2", os.ttyname(slave), "no probe answers within")

    def test_a_socket_where_nobody_answers(self):
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(self.folder / "uart"))
            silent.listen()
            self.refused("mps2", self.folder / "uart", "no probe answers within")


if __name__ == "__main__":
    unittest.main(verbosity=2)
