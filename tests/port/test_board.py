#!/usr/bin/env python3
"""The port of a real board against what board.h promises: the probe (ports/probe) runs on it, its UART is here.

  tests/port/test_board.py BOARD UART [--power COMMAND] [test names]

BOARD is a folder of ports/ or the path of another, UART a serial device (/dev/ttyACM0) or a Unix socket. COMMAND switches the
board's power: it is run with "off" or "on" behind it. Without one, what needs a power cut is skipped. The record and the start
of bank A are erased. docs/PORTING.md has more."""

import argparse
import subprocess
import sys
import unittest

from contract import Port
from probe import Probe


class Board(Port, unittest.TestCase):
    first_cause = "soft"
    uart = power = None

    def power_on(self):
        self.probe = Probe(self.uart)
        self.addCleanup(lambda: self.probe.close())
        self.assertEqual(self.probe.ask_and_wait_for_restart("reset soft"), "soft")

    def need(self, what):
        """What a machine can't show, a board can; but a rate is one of a serial device."""
        if what == "UART speed" and self.probe.line.socket:
            self.skipTest("not checked here: UART speed: a socket has none; name the serial device")

    def cut_power(self):
        if not self.power:
            self.skipTest("not checked here: nobody cuts the power; name a command that does with --power")
        subprocess.run(f"{self.power} off", shell=True, check=True)
        self.probe.close()

    def restore_power(self):
        subprocess.run(f"{self.power} on", shell=True, check=True)
        self.probe.connect()

    def set_rate(self, rate):
        self.addCleanup(self.back_to_the_first_rate)
        super().set_rate(rate)

    def back_to_the_first_rate(self):
        self.probe.ask("baud 115200")
        self.probe.line.set_rate(115200)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("board", help="folder of ports/, or its path")
    parser.add_argument("uart", help="serial device or Unix socket")
    parser.add_argument("--power", help="command that takes off or on")
    parser.add_argument("tests", nargs="*", help="names; all without one")
    options = parser.parse_args()
    Board.board, Board.uart, Board.power = options.board, options.uart, options.power
    unittest.main(argv=[sys.argv[0], *(f"Board.{name}" for name in options.tests)], verbosity=2)


if __name__ == "__main__":
    main()
