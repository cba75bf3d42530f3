#!/usr/bin/env python3
"""The ports that a program of this machine plays, against what board.h promises: in QEMU, and as a process.

Run by ctest, or by hand:  tests/port/test_machines.py [Mps2|Nrf51|Posix[.test_name]]
TANDEM_BIN and TANDEM_FIRMWARE name the folders of the programs and of the boards' firmware (BOARD/bin in it)."""

import ctypes
import errno
import os
import resource
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from contract import ROOT, Port
from contract_flash import FLASH_ERASE_FAILED, FLASH_PROGRAM_FAILED
from contract_image import NO_VECTOR_TABLE
from probe import SECONDS, Probe

BIN = Path(os.environ.get("TANDEM_BIN") or ROOT / "build/bin")
FIRMWARE = Path(os.environ.get("TANDEM_FIRMWARE") or ROOT / "build")


def die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program(Port):
    """Its flash is a file, and a kill is a power cut."""

    def power_on(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-port-")
        self.addCleanup(folder.cleanup)
        self.folder, self.process = Path(folder.name), None
        self.flash, self.uart, self.log = (self.folder / name for name in ("flash.bin", "uart", "log"))
        self.make_flash()
        self.addCleanup(self.cut_power)
        self.restore_power()

    def blank_flash(self):
        return bytearray(b"\xff" * self.number("flash", "bytes"))

    def restore_power(self, **process):
        self.process = subprocess.Popen([str(a) for a in self.command()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent, **process)
        self.probe = Probe(self.uart, lambda: self.process.poll() is None)

    def cut_power(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.probe:
            self.probe.close()

    # --- one device per flash file ---

    def refused(self, *text, environment=None, **options):
        """Starting a device with these options fails and says each text."""
        command = [str(a) for a in self.command(**options)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False, env=environment)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
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

    def place_application(self):
        """It is there from the start, and no test before took it away: each has a flash of its own."""

    def test_a_stray_store_into_flash_is_a_fault_and_changes_nothing(self):
        self.erase(self.record)
        self.assertEqual(self.probe.ask_and_wait_for_restart(f"store {self.record:#x}"), "fault")
        self.assertEqual(self.probe.ask(f"blank {self.record:#x} 8"), "1")

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

    def place_application(self):
        self.skipTest("not checked here: images: an image is data here, and the probe's device has none")

    def command(self, flash=None, uart=None):
        return [BIN / "probe-device", "--flash", flash or self.flash, "--uart", f"unix:{uart or self.uart}", "--log", self.log]

    def test_a_uart_path_that_is_too_long_for_a_socket_is_refused(self):
        longest = self.folder / ("u" * (106 - len(str(self.folder))))
        self.refused("too long", "107 characters", flash=self.copy(), uart=f"{longest}u")

    def test_a_write_that_the_disk_refuses_is_an_operation_that_failed_and_is_told(self):
        self.cut_power()
        self.restore_power(restore_signals=False)  # SIGXFSZ stays ignored
        processor = self.children()[0]
        limit = self.bank[1] - self.number("flash", "address")
        resource.prlimit(int(processor), resource.RLIMIT_FSIZE, (limit, limit))
        self.erase(self.record)
        self.assertEqual(self.probe.ask(f"erase {self.bank[1]:#x}"), FLASH_ERASE_FAILED)
        self.assertEqual(self.probe.ask(f"program {self.bank[1]:#x} 0000000000000000"), FLASH_PROGRAM_FAILED)
        self.assertEqual(self.log.read_text().count(f"flash file: {os.strerror(errno.EFBIG)}"), 2)

    def children(self):
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def test_sigterm_ends_it_cleanly(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(SECONDS), 0)
        self.assertFalse(self.uart.exists())

    def test_a_kill_of_the_processor_is_a_power_cut(self):
        self.probe.ask_and_wait_for_restart("reset soft")
        os.kill(int(self.children()[0]), signal.SIGKILL)
        self.probe.wait_ready()
        self.assertEqual(self.probe.ask("cause"), "power")
        self.assertEqual(self.probe.number("boots"), 1)

    def test_the_log_says_why_the_processor_was_reset(self):
        for command in "reset no-link", "crash":
            self.probe.ask_and_wait_for_restart(command)
        lines = [line for line in self.log.read_text().splitlines() if "reset" in line]
        self.assertEqual(lines, ["tandem-device: reset: no-link", "tandem-device: reset: fault (Illegal instruction)"])

    def test_a_kill_of_the_device_ends_the_processor_too(self):
        children = self.children()
        self.assertEqual(len(children), 1)
        self.process.kill()
        self.process.wait()
        deadline = time.monotonic() + SECONDS
        while self.alive(children[0]):
            self.assertLess(time.monotonic(), deadline, "the processor still runs")
            time.sleep(0.02)

    def test_what_is_for_boards_runs_here_too(self):
        self.probe.close()
        done = subprocess.run([ROOT / "tests/port/test_board.py", self.board, self.uart], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("not checked here: nobody cuts the power", done.stdout)

    @staticmethod
    def alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().split()[2] not in "ZX"
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
