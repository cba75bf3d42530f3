"""What ports/board.h promises, as tests that hold on every port: in QEMU, in the simulated device, and on a board's bench.

A class for one of them derives from Port and from unittest.TestCase, and says how the power is switched. What can't be shown
there is skipped as "not checked here", with the reason."""

import json
import os
import random
import time
from pathlib import Path

from machines import not_checked

ROOT = Path(__file__).resolve().parents[2]
FLASH_ERASE_FAILED, FLASH_PROGRAM_FAILED, FLASH_READ_FAILED, NO_VECTOR_TABLE = "-21", "-22", "-20", "-41"
FILL_BYTES, READ_BYTES = 4096, 256
CUTS, TORN_CUTS = 8, 200


class Port:
    board = None
    layout_name = ""  # folder of the port with another layout
    first_cause = "power"  # of the start before each test

    # --- what a class for a machine or a bench gives ---

    def power_on(self):
        """Leaves a probe that answers in self.probe."""
        raise NotImplementedError

    def cut_power(self):
        """At once, whatever the processor does; the probe is gone then."""
        raise NotImplementedError

    def restore_power(self):
        raise NotImplementedError

    # --- helpers ---

    def setUp(self):
        self.layout = json.loads((ROOT / "ports" / self.board / self.layout_name / "layout.json").read_text())
        self.record = self.number("record", 0, "address")
        self.bank = [int(bank["address"], 0) for bank in self.layout["banks"]]
        self.probe = None
        self.power_on()

    def need(self, what):
        why = not_checked(self.board, what)
        if why:
            self.skipTest(f"not checked here: {what}: {why}")

    def number(self, *path):
        value = self.layout
        for key in path:
            value = value[key]
        return int(value, 0) if isinstance(value, str) else value

    def restart(self):
        self.cut_power()
        self.restore_power()

    def erase(self, address):
        self.assertEqual(self.probe.ask(f"erase {address:#x}"), "0")

    def assert_echo(self, count):
        data = os.urandom(count)
        self.assertEqual(self.probe.echo(data), data)

    # --- reset ---

    def test_power_is_the_cause_of_the_first_start_and_of_one_after_a_power_cut(self):
        self.restart()
        self.assertEqual(self.probe.ask("cause"), "power")
        self.restart()
        self.assertEqual(self.probe.ask("cause"), "power")

    def test_a_reset_that_was_asked_for_says_what_for(self):
        self.assertEqual(self.probe.ask_and_wait_for_restart("reset soft"), "soft")
        self.assertEqual(self.probe.ask_and_wait_for_restart("reset no-link"), "no-link")

    def test_a_crash_is_a_fault(self):
        self.assertEqual(self.probe.ask_and_wait_for_restart("crash"), "fault")

    def test_the_cause_can_be_asked_for_twice(self):
        self.probe.ask_and_wait_for_restart("reset no-link")
        self.assertEqual(self.probe.ask("cause"), "no-link")

    def test_a_cause_does_not_outlive_the_next_reset(self):
        self.probe.ask_and_wait_for_restart("crash")
        self.assertEqual(self.probe.ask_and_wait_for_restart("reset soft"), "soft")

    # --- watchdog ---

    def test_a_hang_is_ended_by_the_watchdog(self):
        self.need("watchdog")
        self.assertEqual(self.probe.ask("watchdog 300"), "ok")
        started = time.monotonic()
        self.assertEqual(self.probe.ask_and_wait_for_restart("hang"), "watchdog")
        self.assertGreater(time.monotonic() - started, 0.2)

    def let_pass(self, milliseconds):
        """By the board's own clock, asking for it all the time."""
        until = self.probe.number("time") + milliseconds
        while self.probe.number("time") < until:
            pass

    def test_a_watchdog_that_is_fed_does_not_bite(self):
        self.need("watchdog")
        self.assertEqual(self.probe.ask("watchdog 300"), "ok")
        self.let_pass(1000)
        self.assertEqual(self.probe.ask("cause"), self.first_cause)

    def test_a_reset_stops_the_watchdog(self):
        self.need("watchdog")
        self.probe.ask("watchdog 300")
        self.probe.ask_and_wait_for_restart("reset soft")
        self.let_pass(1000)
        self.assertEqual(self.probe.ask("cause"), "soft")

    # --- tick ---

    def test_a_thousand_milliseconds_are_a_second(self):
        """The board was asked between two looks at this machine's clock: what it says passed lies between what they say."""
        before, first, after = time.monotonic(), self.probe.number("time"), time.monotonic()
        while time.monotonic() - after < 1.0:
            pass
        start, last, end = time.monotonic(), self.probe.number("time"), time.monotonic()
        passed = (last - first) / 1000
        self.assertGreater(passed, (start - after) * 0.97 - 0.003)
        self.assertLess(passed, (end - before) * 1.03 + 0.003)

    # --- flash: erase and program ---

    def test_what_is_programmed_reads_back_and_survives_a_power_cut(self):
        self.erase(self.record)
        self.assertEqual(self.probe.ask(f"program {self.record:#x} 0123456789abcdef"), "0")
        self.restart()
        self.assertEqual(self.probe.ask(f"read {self.record:#x} 8"), "0 0123456789abcdef")

    def test_a_bit_cannot_go_from_0_to_1_without_an_erase(self):
        self.erase(self.record)
        self.probe.ask(f"program {self.record:#x} 00ff00ff00ff00ff")
        self.assertEqual(self.probe.ask(f"program {self.record:#x} 01ff00ff00ff00ff"), FLASH_PROGRAM_FAILED)
        self.assertEqual(self.probe.ask(f"read {self.record:#x} 8"), "0 00ff00ff00ff00ff")
        if not self.layout["flash"].get("program_once"):
            self.assertEqual(self.probe.ask(f"program {self.record:#x} 000f00ff00ff0000"), "0")
            self.assertEqual(self.probe.ask(f"read {self.record:#x} 8"), "0 000f00ff00ff0000")

    def test_programming_is_by_whole_program_units(self):
        self.erase(self.record)
        unit = self.number("flash", "program_bytes")
        self.assertEqual(self.probe.ask(f"program {self.record + unit // 2:#x} {'00' * unit}"), FLASH_PROGRAM_FAILED)
        self.assertEqual(self.probe.ask(f"program {self.record:#x} {'00' * (unit // 2)}"), FLASH_PROGRAM_FAILED)

    def test_an_erase_clears_one_unit_and_nothing_else(self):
        unit = self.number("flash", "erase_bytes")
        for address in (self.bank[0], self.bank[0] + unit - 8, self.bank[0] + unit, self.bank[0] + 2 * unit):
            self.probe.ask(f"program {address:#x} 0000000000000000")
        self.erase(self.bank[0] + unit)
        self.assertEqual(self.probe.ask(f"blank {self.bank[0] + unit:#x} {unit}"), "1")
        self.assertEqual(self.probe.ask(f"blank {self.bank[0] + unit - 8:#x} 8"), "0")
        self.assertEqual(self.probe.ask(f"blank {self.bank[0] + 2 * unit:#x} 8"), "0")
        self.assertEqual(self.probe.ask(f"erase {self.bank[0] + 8:#x}"), FLASH_ERASE_FAILED)

    def test_nothing_outside_of_flash_can_be_read_or_written(self):
        start, size = self.number("flash", "address"), self.number("flash", "bytes")
        elsewhere = (start - 8, 0) if start > 0 else ()
        for address in (*elsewhere, start + size - 4, start + size, 0x10000000, 0xFFFFFFF8):
            self.assertEqual(self.probe.ask(f"read {address:#x} 8"), FLASH_READ_FAILED, hex(address))
            self.assertEqual(self.probe.ask(f"blank {address:#x} 8"), "0", hex(address))
            self.assertEqual(self.probe.ask(f"program {address:#x} 0000000000000000"), FLASH_PROGRAM_FAILED)
        for address in (start + size, start + size + self.number("flash", "erase_bytes"), 0xFFFFF000):
            self.assertEqual(self.probe.ask(f"erase {address:#x}"), FLASH_ERASE_FAILED, hex(address))

    def test_blank_is_said_of_what_is_blank_to_its_first_and_last_bit(self):
        unit, erase_bytes = self.number("flash", "program_bytes"), self.number("flash", "erase_bytes")
        first, last = bytes(b"\xfe" + b"\xff" * (unit - 1)), bytes(b"\xff" * (unit - 1) + b"\x7f")
        self.erase(self.bank[0])
        self.erase(self.bank[0] + erase_bytes)
        for at, data in ((unit, first), (3 * unit, last), (2 * erase_bytes - unit, last)):
            self.assertEqual(self.probe.ask(f"program {self.bank[0] + at:#x} {data.hex()}"), "0")
        blank = {at: self.probe.ask(f"blank {self.bank[0] + at * unit:#x} {unit}") for at in range(5)}
        self.assertEqual(blank, {0: "1", 1: "0", 2: "1", 3: "0", 4: "1"})
        self.assertEqual(self.probe.ask(f"blank {self.bank[0] + erase_bytes:#x} {erase_bytes - unit}"), "1")
        self.assertEqual(self.probe.ask(f"blank {self.bank[0] + 4 * unit:#x} {2 * erase_bytes - 4 * unit}"), "0")

    def test_keys_cannot_be_overwritten(self):
        keys = self.number("keys", "address")
        self.assertEqual(self.probe.ask(f"erase {keys:#x}"), FLASH_ERASE_FAILED)
        self.assertEqual(self.probe.ask(f"program {keys:#x} 0000000000000000"), FLASH_PROGRAM_FAILED)

    # --- flash: the power goes while it is written ---

    def cut_while_programming(self, answers):
        """Fills the start of bank A unit by unit, and cuts the power as soon as that many were answered; returns how many were."""
        for at in range(0, FILL_BYTES, self.number("flash", "erase_bytes")):
            self.erase(self.bank[0] + at)
        self.probe.send(f"fill {self.bank[0]:#x} {FILL_BYTES}\n".encode())
        answered = len(self.probe.exchange(b"", answers))
        self.cut_power()
        self.restore_power()
        return answered

    def read_units(self):
        """What each of the filled units reads as: bytes, or None for an error."""
        unit, units = self.number("flash", "program_bytes"), []
        for at in range(self.bank[0], self.bank[0] + FILL_BYTES, READ_BYTES):
            pieces = [self.read(at, READ_BYTES)]
            if pieces[0] is None:
                pieces = [self.read(at + i, unit) for i in range(0, READ_BYTES, unit)]
            for piece in pieces:
                units += [piece[i:i + unit] for i in range(0, len(piece), unit)] if piece else [None]
        return units

    def read(self, address, count):
        answer = self.probe.ask(f"read {address:#x} {count}")
        return bytes.fromhex(answer[2:]) if answer.startswith("0 ") else None

    def filled_units(self):
        """What `fill` writes, and what an erased unit reads as."""
        unit = self.number("flash", "program_bytes")
        data = bytes(at * 37 & 0x7F for at in range(FILL_BYTES))
        return [data[at:at + unit] for at in range(0, FILL_BYTES, unit)], bytes(b"\xff" * unit)

    def test_a_power_cut_loses_nothing_that_was_answered_and_touches_nothing_that_was_not_asked_for(self):
        wanted, blank = self.filled_units()
        moments = random.Random(1)
        for _ in range(CUTS):
            answered = self.cut_while_programming(moments.randrange(1, len(wanted)))
            found = self.read_units()
            begun = max(i + 1 for i, unit in enumerate(found) if unit != blank)
            self.assertGreaterEqual(begun, answered)
            self.assertEqual(found[:begun - 1], wanted[:begun - 1], "only the unit in flight may be torn")
        self.erase(self.bank[0])
        self.assertEqual(self.probe.ask(f"blank {self.bank[0]:#x} {self.number('flash', 'erase_bytes')}"), "1")

    def test_a_torn_write_reads_as_bytes_or_as_an_error_and_never_as_a_fault(self):
        """Cuts until a unit is neither what it was nor what it was to become, and reads it."""
        self.need("torn write")
        wanted, blank = self.filled_units()
        moments = random.Random(2)
        for _ in range(TORN_CUTS):
            self.cut_while_programming(moments.randrange(1, len(wanted)))
            if any(unit not in (blank, whole) for unit, whole in zip(self.read_units(), wanted)):
                return
        self.skipTest(f"not checked here: torn write: {TORN_CUTS} cuts tore nothing")

    # --- UART ---

    def test_100_kilobytes_go_both_ways_without_loss(self):
        self.assert_echo(100_000)

    def set_rate(self, rate):
        self.assertEqual(self.probe.ask(f"baud {rate}"), "ok")
        self.probe.line.set_rate(rate)

    def test_a_rate_change_loses_nothing(self):
        for rate in (38400, 1000000, 115200):
            self.set_rate(rate)
            self.assert_echo(3000)

    def test_bytes_take_the_time_that_the_rate_says(self):
        self.need("UART speed")
        for rate in (38400, 115200):
            self.set_rate(rate)
            count, started = rate // 10, time.monotonic()  # a second's worth
            self.assert_echo(count)
            self.assertGreater(time.monotonic() - started, 0.95)
            self.assertLess(time.monotonic() - started, 1.5)

    def test_the_co_processor_may_go_and_come_back(self):
        self.probe.send(b"echo 20000\nthe echo runs")
        self.assertEqual(self.probe.exchange(b"", 13), b"the echo runs")
        self.probe.close()
        self.probe.connect(filling=bytes(20_000))  # ends the echo
        self.assertEqual(self.probe.ask("cause"), self.first_cause)

    def test_the_uart_survives_a_reset(self):
        self.probe.ask_and_wait_for_restart("crash")
        self.assert_echo(5000)
