#!/usr/bin/env python3
"""Each port against what board.h promises: the probe (ports/probe) runs on it and answers over its UART.

Run by ctest, or by hand:  tests/system/test_ports.py [Mps2|Nrf51|Posix[.test_name]]
TANDEM_BIN and TANDEM_FIRMWARE name the folders of the programs and of the boards' firmware (BOARD/bin in it)."""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("TANDEM_BIN") or ROOT / "build/bin")
FIRMWARE = Path(os.environ.get("TANDEM_FIRMWARE") or ROOT / "build")

SECONDS = 20  # for anything that a probe does at once
FLASH_ERASE_FAILED, FLASH_PROGRAM_FAILED, FLASH_READ_FAILED, NO_VECTOR_TABLE = "-21", "-22", "-20", "-41"


def die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Probe:
    """A running probe and the connection to its UART."""

    def __init__(self, arguments, uart):
        self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent) if arguments else None
        self.uart, self.socket = uart, None
        self.connect()

    def connect(self, filling=b""):
        deadline = time.monotonic() + SECONDS
        while self.socket is None:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(str(self.uart))
                self.socket = link
            except OSError:
                link.close()
                if (self.process and self.process.poll() is not None) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.socket.settimeout(SECONDS)
        self.file = self.socket.makefile("rb")
        self.swallow(filling)
        self.synchronize()

    def swallow(self, filling):
        """Sends filling to a probe that may still echo, and lets its answer go."""
        sender = threading.Thread(target=self.socket.sendall, args=(filling,))
        sender.start()
        while sender.is_alive():
            if select.select([self.socket], [], [], 0.05)[0]:
                self.socket.recv(4096)

    def synchronize(self):
        """Gets past whatever the line holds: a greeting, an answer to somebody before us."""
        deadline, attempt, seen = time.monotonic() + SECONDS, 0, b""
        self.socket.settimeout(0.5)
        while True:
            attempt += 1
            word = b"attempt-%d\n" % attempt
            self.socket.sendall(b"\nsay " + word)
            try:
                while not seen.endswith(b"\n" + word):
                    seen += self.socket.recv(4096)
                break
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
        self.socket.settimeout(SECONDS)

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\n")
        answer = self.file.readline()
        if not answer.endswith(b"\n"):
            raise AssertionError(f"no answer to '{command}', only {answer!r}")
        return answer.decode().strip()

    def ask_and_wait_for_restart(self, command):
        """The command's answer must be ok; returns the reset cause after the restart."""
        answer = self.ask(command)
        if answer != "ok":
            raise AssertionError(f"'{command}' was answered with {answer!r}")
        self.wait_ready()
        return self.ask("cause")

    def wait_ready(self):
        greeting = self.file.readline().strip()
        if greeting != b"ready":
            raise AssertionError(f"{greeting!r} instead of the greeting")

    def close(self):
        self.file.close()
        self.socket.close()
        self.socket = None

    def kill(self):
        self.close()
        if self.process:
            self.process.kill()
            self.process.wait()


class Port:
    """What holds on every port. The layout is the port's own, read from its file."""

    board = None
    first_cause = "power"  # of the start before each test
    no_watchdog = None  # why there is none where this runs

    def need_watchdog(self):
        if self.no_watchdog:
            self.skipTest(f"not checked here: {self.no_watchdog}")

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-port-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.layout = json.loads((ROOT / "ports" / self.board / "layout.json").read_text())
        self.record = int(self.layout["record"][0]["address"], 0)
        self.bank = [int(bank["address"], 0) for bank in self.layout["banks"]]
        self.probe = None
        self.power_on()
        self.addCleanup(lambda: self.probe.kill())

    def number(self, *path):
        value = self.layout
        for key in path:
            value = value[key]
        return int(value, 0) if isinstance(value, str) else value

    def erase(self, address):
        self.assertEqual(self.probe.ask(f"erase {address:#x}"), "0")

    # --- reset causes ---

    def test_power_is_the_cause_of_the_first_start_and_of_one_after_a_kill(self):
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

    # --- watchdog and time ---

    def test_a_hang_is_ended_by_the_watchdog(self):
        self.need_watchdog()
        self.assertEqual(self.probe.ask("watchdog 300"), "ok")
        started = time.monotonic()
        self.assertEqual(self.probe.ask_and_wait_for_restart("hang"), "watchdog")
        self.assertGreater(time.monotonic() - started, 0.2)

    def test_a_watchdog_that_is_fed_does_not_bite(self):
        self.need_watchdog()
        self.assertEqual(self.probe.ask("watchdog 300"), "ok")
        until = int(self.probe.ask("time")) + 1000
        while int(self.probe.ask("time")) < until:
            pass
        self.assertEqual(self.probe.ask("cause"), self.first_cause)

    def test_a_reset_stops_the_watchdog(self):
        self.need_watchdog()
        self.probe.ask("watchdog 300")
        self.probe.ask_and_wait_for_restart("reset soft")
        until = int(self.probe.ask("time")) + 1000
        while int(self.probe.ask("time")) < until:
            pass
        self.assertEqual(self.probe.ask("cause"), "soft")

    def test_a_thousand_milliseconds_are_a_second(self):
        first, started = int(self.probe.ask("time")), time.monotonic()
        while time.monotonic() - started < 1.0:
            last, ended = int(self.probe.ask("time")), time.monotonic()
        self.assertAlmostEqual((last - first) / 1000, ended - started, delta=0.25)

    # --- flash ---

    def test_what_is_programmed_reads_back_and_survives_a_kill(self):
        self.erase(self.record)
        self.assertEqual(self.probe.ask(f"program {self.record:#x} 0123456789abcdef"), "0")
        self.restart()
        self.assertEqual(self.probe.ask(f"read {self.record:#x} 8"), "0 0123456789abcdef")

    def test_a_bit_cannot_go_from_0_to_1_without_an_erase(self):
        self.erase(self.record)
        self.probe.ask(f"program {self.record:#x} 00ff00ff00ff00ff")
        self.assertEqual(self.probe.ask(f"program {self.record:#x} 01ff00ff00ff00ff"), FLASH_PROGRAM_FAILED)
        self.assertEqual(self.probe.ask(f"read {self.record:#x} 8"), "0 00ff00ff00ff00ff")
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
        self.assertEqual(self.probe.ask(f"erase {start + size:#x}"), FLASH_ERASE_FAILED)

    def test_keys_cannot_be_overwritten(self):
        keys = self.number("keys", "address")
        self.assertEqual(self.probe.ask(f"erase {keys:#x}"), FLASH_ERASE_FAILED)
        self.assertEqual(self.probe.ask(f"program {keys:#x} 0000000000000000"), FLASH_PROGRAM_FAILED)

    # --- UART ---

    def echo(self, data):
        self.probe.socket.sendall(b"echo %d\n" % len(data))
        sender = threading.Thread(target=self.probe.socket.sendall, args=(data,))
        sender.start()
        back = self.probe.file.read(len(data))
        sender.join()
        self.assertEqual(self.probe.file.readline(), b"\n")
        return back

    def test_100_kilobytes_go_both_ways_without_loss(self):
        data = os.urandom(100_000)
        self.assertEqual(self.echo(data), data)

    def test_a_rate_change_loses_nothing(self):
        for rate in (38400, 1000000, 115200):
            self.assertEqual(self.probe.ask(f"baud {rate}"), "ok")
            data = os.urandom(3000)
            self.assertEqual(self.echo(data), data)

    def test_the_co_processor_may_go_and_come_back(self):
        self.probe.socket.sendall(b"echo 20000\nthe echo runs")
        self.assertEqual(self.probe.file.read(13), b"the echo runs")
        self.probe.close()
        self.probe.connect(filling=bytes(20_000))  # ends the echo
        self.assertEqual(self.probe.ask("cause"), self.first_cause)

    def test_the_uart_survives_a_reset(self):
        self.probe.ask_and_wait_for_restart("crash")
        data = os.urandom(5000)
        self.assertEqual(self.echo(data), data)


class Program(Port):
    """A port that a program of this machine plays: its flash is a file, and a kill is a power cut."""

    def power_on(self):
        self.flash, self.uart, self.log = (self.folder / name for name in ("flash.bin", "uart", "log"))
        self.make_flash()
        self.start()

    def blank_flash(self):
        return bytearray(b"\xff" * self.number("flash", "bytes"))

    def start(self):
        self.probe = Probe(self.command(), self.uart)

    def restart(self):
        self.probe.kill()
        self.start()

    # --- one device per flash file ---

    def refused(self, *text, environment=None, **options):
        """Starting a device with these options fails and says each text."""
        command = [str(a) for a in self.command(**options)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False, env=environment)
        self.assertEqual(done.returncode, 1, done.stderr)
        for piece in text:
            self.assertIn(piece, done.stderr)

    def copy(self):
        copy = self.folder / "copy.bin"
        copy.write_bytes(self.flash.read_bytes())
        return copy

    def test_a_second_device_on_the_same_flash_is_refused(self):
        self.refused(str(self.flash), "another device", uart=self.folder / "other")

    def test_a_missing_flash_file_is_refused_with_how_to_make_one(self):
        self.refused("none.bin", "does not exist", "tandem factory", flash=self.folder / "none.bin")

    def test_a_flash_file_of_another_size_is_refused(self):
        file = self.folder / "small.bin"
        for size in (0, self.number("flash", "bytes") - 1):
            file.write_bytes(bytes(size))
            self.refused("small.bin", f" {size} bytes", str(self.number("flash", "bytes")), "tandem factory", flash=file)

    def test_a_uart_path_in_use_is_refused(self):
        self.refused(str(self.uart), "another program", flash=self.copy())
        self.assertEqual(self.probe.ask("cause"), "power")

    def test_a_uart_path_that_is_a_file_is_refused_and_the_file_left_alone(self):
        file = self.folder / "file"
        file.write_text("precious")
        self.refused(str(file), "not a socket", flash=self.copy(), uart=file)
        self.assertEqual(file.read_text(), "precious")

    def test_a_uart_path_in_a_missing_folder_is_refused(self):
        self.refused("folder", flash=self.copy(), uart=self.folder / "none" / "uart")

    def test_the_log_has_what_the_program_said(self):
        self.probe.ask_and_wait_for_restart("reset soft")
        self.assertEqual(self.log.read_text().count("probe: ready"), 2)


class Emulated(Program):
    """A processor in QEMU, with the probe in the bootloader's place and in bank A."""

    fault_line = None

    def make_flash(self):
        flash = self.blank_flash()
        start = self.number("flash", "address")
        for address, name in ((start, "bootloader"), (self.bank[0], "application")):
            code = (FIRMWARE / self.board / f"bin/probe-{name}.bin").read_bytes()
            flash[address - start:address - start + len(code)] = code
        self.flash.write_bytes(flash)

    def command(self, flash=None, uart=None):
        return [ROOT / "tools/qemu-device", "--board", self.board, "--flash", flash or self.flash, "--uart", f"unix:{uart or self.uart}", "--log", self.log]

    def test_without_qemu_it_says_what_to_install(self):
        self.refused("qemu-system-arm", "install", environment={"PATH": "/nonexistent"})

    def test_a_flash_without_a_bootloader_is_refused(self):
        file = self.folder / "erased.bin"
        file.write_bytes(self.blank_flash())
        self.refused("erased.bin", "no bootloader", "tandem factory", flash=file, uart=self.folder / "other")

    def test_the_bootloaders_place_is_no_bank(self):
        self.assertEqual(self.probe.ask("bank"), "none")

    def test_an_image_starts_with_interrupts_that_work_and_knows_its_bank(self):
        self.probe.ask_and_wait_for_restart("reset no-link")
        self.assertEqual(self.probe.ask(f"check {self.bank[0]:#x}"), "0")
        self.assertEqual(self.probe.ask_and_wait_for_restart(f"jump {self.bank[0]:#x}"), "no-link")
        self.assertEqual(self.probe.ask("bank"), "0")
        data = os.urandom(3000)
        self.assertEqual(self.echo(data), data)

    def test_a_crash_in_an_image_is_told_to_the_bootloader(self):
        self.probe.ask_and_wait_for_restart(f"jump {self.bank[0]:#x}")
        self.assertEqual(self.probe.ask_and_wait_for_restart("crash"), "fault")
        self.assertEqual(self.probe.ask("bank"), "none")

    def test_a_hang_in_an_image_is_told_to_the_bootloader(self):
        self.need_watchdog()
        self.probe.ask_and_wait_for_restart(f"jump {self.bank[0]:#x}")
        self.probe.ask("watchdog 300")
        self.assertEqual(self.probe.ask_and_wait_for_restart("hang"), "watchdog")

    def test_a_watchdog_started_by_the_bootloader_watches_the_image(self):
        self.need_watchdog()
        self.probe.ask("watchdog 1000")
        self.probe.ask_and_wait_for_restart(f"jump {self.bank[0]:#x}")
        self.probe.wait_ready()  # the probe there does not know of it and does not feed it
        self.assertEqual(self.probe.ask("cause"), "watchdog")

    def test_a_stray_store_into_flash_is_a_fault_and_changes_nothing(self):
        self.erase(self.record)
        self.assertEqual(self.probe.ask_and_wait_for_restart(f"store {self.record:#x}"), "fault")
        self.assertEqual(self.probe.ask(f"blank {self.record:#x} 8"), "1")

    def test_only_a_vector_table_of_its_own_bank_may_start(self):
        def vector_table(stack, entry):
            self.erase(self.bank[1])
            words = stack.to_bytes(4, "little") + entry.to_bytes(4, "little")
            self.assertEqual(self.probe.ask(f"program {self.bank[1]:#x} {words.hex()}"), "0")
            return self.probe.ask(f"check {self.bank[1]:#x}")

        ram, ram_bytes = self.number("ram", "address"), self.number("ram", "bytes")
        bank_bytes = self.number("banks", 1, "bytes")
        top, entry = ram + ram_bytes, self.bank[1] + 0x101
        self.assertEqual(vector_table(top, entry), "0")
        self.assertEqual(vector_table(ram + 8, entry), "0")
        for stack in (0xFFFFFFFF, ram, top + 8, top - 4, 0):
            self.assertEqual(vector_table(stack, entry), NO_VECTOR_TABLE, hex(stack))
        for wrong in (self.bank[1] + 0x100, self.bank[0] + 0x101, self.bank[1] - 1, 0xFFFFFFFF, 1,
                      self.bank[1] + bank_bytes - self.number("header_bytes") + 1):
            self.assertEqual(vector_table(top, wrong), NO_VECTOR_TABLE, hex(wrong))
        self.assertEqual(self.probe.ask(f"check {self.bank[0] + 2:#x}"), NO_VECTOR_TABLE)

    def test_the_log_says_where_a_fault_was(self):
        self.probe.ask_and_wait_for_restart("crash")
        self.assertRegex(self.log.read_text(), self.fault_line)


class Mps2(Emulated, unittest.TestCase):
    board = "mps2"
    fault_line = r"fault: status [0-9a-f]{8} at 2100[0-9a-f]{4}, resetting"

    def test_a_vector_table_lies_where_the_processor_can_take_it(self):
        self.assertEqual(self.probe.ask(f"check {self.bank[0] + 4:#x}"), NO_VECTOR_TABLE)


class Nrf51(Emulated, unittest.TestCase):
    board = "nrf51"
    no_watchdog = "QEMU's microbit has no watchdog"
    fault_line = r"fault: at 0000[0-9a-f]{4}, resetting"

    def test_without_the_flash_library_it_says_what_to_build(self):
        self.refused("libtandem-qemu-flash.so", "make", environment=dict(os.environ, TANDEM_BIN="/nonexistent"))

    def test_a_fault_in_the_bootloader_after_an_image_ran_is_its_own(self):
        self.probe.ask_and_wait_for_restart(f"jump {self.bank[0]:#x}")
        self.probe.ask_and_wait_for_restart("reset soft")
        self.erase(self.bank[0])  # a vector left behind would point here
        self.assertEqual(self.probe.ask_and_wait_for_restart("crash"), "fault")


class Posix(Program, unittest.TestCase):
    board = "posix"

    def make_flash(self):
        self.flash.write_bytes(self.blank_flash())

    def command(self, flash=None, uart=None):
        return [BIN / "probe-device", "--flash", flash or self.flash, "--uart", f"unix:{uart or self.uart}", "--log", self.log]

    def test_sigterm_ends_it_cleanly(self):
        self.probe.process.terminate()
        self.assertEqual(self.probe.process.wait(SECONDS), 0)
        self.assertFalse(self.uart.exists())

    def test_a_kill_of_the_device_ends_the_processor_too(self):
        children = Path(f"/proc/{self.probe.process.pid}/task/{self.probe.process.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        self.probe.process.kill()
        self.probe.process.wait()
        deadline = time.monotonic() + SECONDS
        while self.alive(children[0]):
            self.assertLess(time.monotonic(), deadline, "the processor still runs")
            time.sleep(0.02)

    @staticmethod
    def alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().split()[2] not in "ZX"
        except OSError:
            return False


@unittest.skipUnless(os.environ.get("TANDEM_PROBE"), "TANDEM_PROBE does not name a board")
class Hardware(Port, unittest.TestCase):
    """A real board, docs/PORTING.md: TANDEM_PROBE=BOARD:SOCKET, the folder of ports/ and a Unix socket that its UART is on."""

    board, _, uart = os.environ.get("TANDEM_PROBE", "").partition(":")
    first_cause = "soft"

    def power_on(self):
        self.probe = Probe([], self.uart)
        self.probe.ask_and_wait_for_restart("reset soft")

    def restart(self):
        self.skipTest("not checked here: nobody cuts the power")

    test_power_is_the_cause_of_the_first_start_and_of_one_after_a_kill = restart

    def test_a_rate_change_loses_nothing(self):
        self.skipTest("not checked here: the other end keeps its rate")


if __name__ == "__main__":
    unittest.main(verbosity=2)
