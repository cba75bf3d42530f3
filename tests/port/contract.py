"""What ports/board.h promises, as tests that hold on every port: in QEMU, in the simulated device, and on a board's bench.

A class for one of them derives from Port and from unittest.TestCase, and says how the power is switched. What can't be shown
there is skipped as "not checked here", with the reason."""

import json
import os
import time
from pathlib import Path

from contract_flash import Flash
from contract_image import Images
from machines import not_checked

ROOT = Path(__file__).resolve().parents[2]
KEPT_BYTES = 480  # with the command before them less than 512, which a UART holds at least while the program is busy,
KEPT_WHILE_WRITING_BYTES = 2000  # and where it receives while flash is written
DEMO_WATCHDOG_MS = 5000


class Port(Flash, Images):
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

    def assert_echo(self, count):
        self.probe.echo(os.urandom(count))

    def assert_kept(self, command, count, why):
        """What is sent right behind a command that keeps the processor busy comes back whole afterwards."""
        data = os.urandom(count)
        self.probe.send(command.encode() + b"\necho %d\n" % count + data)
        self.probe.readline()  # the command's answer
        self.probe.take_echo(data, f"{count} bytes that were sent during '{command}': {why}")

    # --- layout ---

    def test_the_program_was_built_with_the_layout_that_is_tested(self):
        flash, regions = self.layout["flash"], [*self.layout["record"], *self.layout["banks"]]
        regions += [{"address": 0, "bytes": 0}] * (4 - len(regions))
        names = ["erase_bytes", "program_bytes", "program_once"]
        expected = [flash["erase_bytes"], flash["program_bytes"], int(flash.get("program_once", False))]
        for name, region in zip(("record 0", "record 1", "bank A", "bank B"), regions):
            names += [f"{name}'s address", f"{name}'s bytes"]
            expected += [region["address"], region["bytes"]]
        expected += [self.layout["header_bytes"], self.layout["keys"]["address"]]
        found = [int(number) % 2 ** 32 for number in self.probe.ask("layout").split()]
        for name, wanted, number in zip((*names, "header_bytes", "the key page's address"), expected, found, strict=True):
            wanted = int(str(wanted), 0)
            self.assertEqual(number, wanted, f"{name} is {number:#x} in the program's board_flash and board_layout, {wanted:#x} in layout.json")

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

    def test_starts_are_counted_from_the_last_power_cut_on(self):
        boots = self.probe.number("boots")
        if boots == 0:
            self.skipTest("board_boots says that it can't tell")
        self.probe.ask_and_wait_for_restart("reset soft")
        self.assertEqual(self.probe.number("boots"), boots + 1, "board_boots after one more reset")
        self.restart()
        self.assertEqual(self.probe.number("boots"), 1, "board_boots after a power cut")

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

    def test_a_long_period_is_not_cut_short(self):
        """One of 5 s, as the demo's: a signature check must fit in."""
        self.need("watchdog")
        self.assertEqual(self.probe.ask(f"watchdog {DEMO_WATCHDOG_MS}"), "ok")
        self.assertEqual(self.probe.ask(f"busy {DEMO_WATCHDOG_MS * 3 // 4}"), "ok")
        self.assertEqual(self.probe.ask("cause"), self.first_cause, f"after {DEMO_WATCHDOG_MS * 3 // 4} ms with a watchdog of "
                         f"{DEMO_WATCHDOG_MS} ms: the part's period must be that or longer")

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

    # --- UART ---

    def test_100_kilobytes_go_both_ways_without_loss(self):
        self.assert_echo(100_000)

    def test_what_arrives_while_the_program_is_busy_is_kept(self):
        self.assert_kept("busy 100", KEPT_BYTES, "board_uart_read must find them all")

    def test_what_arrives_while_flash_is_written_is_kept_where_the_board_says_so(self):
        if self.probe.ask("receives") != "1":
            self.skipTest("board_receives_while_writing says that it does not")
        for _ in range(3):
            self.assert_kept(f"erase {self.bank[0]:#x}", KEPT_WHILE_WRITING_BYTES, "board_receives_while_writing says that they are "
                             "kept; where they are not, let it say false")

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
