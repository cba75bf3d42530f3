#!/usr/bin/env python3
"""The line to the MCU when it goes, comes back under another name, or dies; on pseudo-terminals.

TANDEM_BIN names the folder of the program."""

import fcntl
import os
import sys
import termios
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import side_by_side  # noqa: E402
import tandem_wire as wire  # noqa: E402
from field_driver import FieldDriver, Firmware  # noqa: E402
from tandem_wire import Peer, open_pty  # noqa: E402
from test_ncpd import Case, Ncp  # noqa: E402


class Adapter:
    """A USB adapter with an MCU behind it: a name in the folder, as udev makes it, for a pseudo-terminal."""

    def __init__(self, folder, name):
        self.port, path = open_pty()
        self.link = Path(folder, name)
        self.link.symlink_to(path)

    def unplug(self):
        self.link.unlink()
        self.port.close()


class Link(Case):
    def plug(self, name, **options):
        adapter = Adapter(self.folder, name)
        mcu = FieldDriver("", Firmware(**options), pty=adapter.port)
        self.addCleanup(mcu.close)
        return adapter, mcu

    def start_ncp(self, uart, **settings):
        self.ncp = Ncp(self.folder, f"{self.folder}/{uart}", self.cloud.port, settings=settings)


class Hotplug(Link):
    def test_an_adapter_that_returns_under_another_name_is_found(self):
        first, self.mcu = self.plug("ttyUSB0")
        self.start_ncp("ttyUSB*")
        self.wait_check_in()
        first.unplug()
        self.ncp.wait_log("opening it again")
        self.mcu.close()
        _, self.mcu = self.plug("ttyUSB7")
        self.ncp.wait_log("ttyUSB7: open")
        self.wait_event("initialized")
        self.offer()
        self.assert_installed()

    def test_one_that_goes_in_the_middle_of_an_update_gets_it_anew(self):
        first, self.mcu = self.plug("ttyUSB0", chunk=64)
        self.start_ncp("ttyUSB*")
        self.wait_check_in()
        self.offer()
        self.ncp.wait(lambda: len(self.mcu.image) > 5000, "the middle")
        first.unplug()
        self.mcu.close()
        _, self.mcu = self.plug("ttyUSB0")
        self.wait_event("offered")
        self.assert_installed()
        self.assertEqual(len(self.files.ranges), 1)

    def test_a_device_that_another_program_has_is_passed_over(self):
        taken, other = self.plug("ttyUSB0")
        lock = os.open(taken.link, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        _, self.mcu = self.plug("ttyUSB1")
        self.start_ncp("ttyUSB*")
        self.ncp.wait_log("ttyUSB1: open")
        self.wait_check_in()
        other.close()

    def test_a_name_that_leads_to_another_device_now_is_followed_once_the_old_one_is_silent(self):
        deaf = Adapter(self.folder, "tty")
        self.start_ncp("tty")
        self.ncp.wait_log(f"tty: open ({deaf.link.readlink()})")
        deaf.link.unlink()
        found, self.mcu = self.plug("tty")
        self.ncp.wait_log("tty: leads to another device now; opening it again", seconds=60)
        self.ncp.wait_log(f"tty: open ({found.link.readlink()})")
        self.wait_check_in()
        deaf.port.close()

    def test_one_that_is_not_there_yet_is_waited_for(self):
        self.start_ncp("ttyACM*")
        self.ncp.wait_log("ttyACM*: No such file or directory; trying again until it opens")
        _, self.mcu = self.plug("ttyACM3")
        self.wait_check_in()


    def test_why_it_does_not_open_is_said_once_for_each_reason(self):
        name = Path(self.folder, "tty")
        self.start_ncp("tty")
        self.ncp.wait_log("tty: No such file or directory; trying again")
        name.write_text("")
        self.ncp.wait_log("tty: is no serial line; name one as Uart")
        name.unlink()
        adapter = Adapter(self.folder, "tty")
        with open(adapter.link, "rb") as taken:
            fcntl.flock(taken, fcntl.LOCK_EX)
            self.ncp.wait_log("tty: another program has it")
        self.ncp.wait_log("tty: open")
        warnings = [line for line in self.ncp.log.read_text().splitlines() if " warning " in line]
        self.assertEqual(len(warnings), len(set(line.split(" ", 1)[1] for line in warnings)), warnings)


class Dead(Link):
    def test_a_line_that_takes_no_byte_is_opened_anew(self):
        adapter = Adapter(self.folder, "tty")
        self.start_ncp("tty")
        self.ncp.wait_log("tty: open")
        ping = wire.encode_frame(wire.invoke(0x0101, 7))
        os.set_blocking(adapter.port.fileno(), False)
        asked = 0

        def flood():
            nonlocal asked
            try:
                asked += os.write(adapter.port.fileno(), ping * 50)
            except BlockingIOError:
                pass
            return "takes no byte any more" in self.ncp.log.read_text()

        self.ncp.wait(flood, "the dead line")
        self.assertGreater(asked, 4096)

    def test_noise_bursts_between_frames_cost_no_update(self):
        adapter, self.mcu = self.plug("tty", chunk=256)
        self.start_ncp("tty")
        self.wait_check_in()
        self.mcu.noise_between = lambda: b"\x00\xff\x11\xaa\xbb\x13noise"
        self.offer()
        self.assert_installed()
        self.assertIsNotNone(adapter)


class Rates(Link):
    def rate(self, port):
        return termios.tcgetattr(port)[4]

    def test_it_starts_at_the_rate_that_is_configured(self):
        for settings, rate in (({}, termios.B38400), ({"InitialBaud": 115200}, termios.B115200)):
            with self.subTest(settings):
                adapter = Adapter(self.folder, f"tty{rate}")
                self.start_ncp(f"tty{rate}", **settings)
                self.ncp.wait_log(f"tty{rate}: open")
                self.assertEqual(self.rate(adapter.port), rate)
                Peer(adapter.port).call("ncp.ping", timeout=5)
                self.ncp.stop()

    def test_every_rate_that_is_taken_is_set_after_the_answer(self):
        adapter = Adapter(self.folder, "tty")
        self.start_ncp("tty")
        self.ncp.wait_log("tty: open")
        peer = Peer(adapter.port)
        for baud in (9600, 115200, 460800, 921600, 2000000, 4000000, 38400):
            self.assertTrue(peer.call("hw.setUartBaudRate", baud, timeout=5))
            self.ncp.wait(lambda: self.rate(adapter.port) == getattr(termios, f"B{baud}"), f"{baud}")
            peer.call("ncp.ping", timeout=5)
        for baud in (0, 1, 38401, 0xFFFFFFFF):
            self.assertFalse(peer.call("hw.setUartBaudRate", baud, timeout=5))


if __name__ == "__main__":
    side_by_side.main()
