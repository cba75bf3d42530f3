#!/usr/bin/env python3
"""The port of a real board against what board.h promises: the probe (ports/probe) runs on it, its UART is here.

  tests/port/test_board.py BOARD UART [--power COMMAND] [--application BIN] [test names]

BOARD is a folder of ports/ or the path of another, UART a serial device (/dev/ttyACM0) or a Unix socket. COMMAND switches the
board's power: it is run with "off" or "on" behind it. BIN is probe-application.bin of the board's build, which the suite writes to
bank A and starts. Without one of them, what needs it is skipped. The record, bank A and the ends of the banks are erased.
docs/PORTING.md has more."""

import argparse
import subprocess
import sys
import termios
import unittest

from contract import ROOT, Port
from probe import Probe

ANSWER_SECONDS = 5  # in which a probe that is there answers


class Board(Port, unittest.TestCase):
    first_cause = "soft"
    uart = power = application = None

    def power_on(self):
        self.probe = Probe(self.uart)
        self.addCleanup(lambda: self.probe.close())
        self.assertEqual(self.probe.ask_and_wait_for_restart("reset soft"), "soft")

    def need(self, what):
        """What a machine can't show, a board can; but a rate is one of a serial device."""
        if what == "vector table" and "ram" not in self.layout:
            self.skipTest("not checked here: vector table: the layout does not say where RAM is")
        if what == "UART speed" and self.probe.line.socket:
            self.skipTest("not checked here: UART speed: a socket has none; name the serial device")

    def place_application(self):
        if not self.application:
            self.skipTest("not checked here: no image; name your build's bin/probe-application.bin with --application")
        self.program_application(self.application)

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


def look(board, uart):
    """Says what is missing on the bench, once, before every test would stumble over it; None: nothing."""
    layout = ROOT / "ports" / board / "layout.json"
    if not layout.is_file():
        return f"{layout}: not there; BOARD is the name of a folder of ports/, or the path of your own folder"
    try:
        Probe(uart, alive=lambda: False, seconds=ANSWER_SECONDS).close()
    except TimeoutError:
        return (f"{uart}: no probe answers within {ANSWER_SECONDS} s; is probe-bootloader in the board's flash, are RX and TX "
                "crossed, is the rate 115200, does board_uart_read give a few bytes at once (with DMA: on the idle line), and has no other "
                "program (a terminal, tandem-ncp) the UART open?")
    except termios.error:
        return f"{uart}: neither a serial device nor a socket"
    except OSError as error:
        return f"{uart}: can't be opened: {error.strerror or error}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("board", help="name of a folder of ports/, or the path of yours")
    parser.add_argument("uart", help="serial device (/dev/ttyACM0), or Unix socket")
    parser.add_argument("--power", help="command that switches the board's power, run with off or on behind it")
    parser.add_argument("--application", type=argparse.FileType("rb"), help="probe-application.bin, to be started in bank A")
    parser.add_argument("tests", nargs="*", help="names of tests (test_...); all without one")
    options = parser.parse_args()
    missing = look(options.board, options.uart)
    if missing:
        sys.exit(f"test_board.py: {missing}")
    Board.board, Board.uart, Board.power = options.board, options.uart, options.power
    Board.application = options.application and options.application.read()
    unittest.main(argv=[sys.argv[0], *(f"Board.{name}" for name in options.tests)], verbosity=2)


if __name__ == "__main__":
    main()
