#!/usr/bin/env python3
"""tandem-ncp as a service: installed as ncpd/systemd/README.md says, in a machine with a real kernel, udev and systemd
(machine.py), between an MCU at a USB adapter or a UART of the board, and a cloud, both out here.

    test_systemd.py GUEST PROGRAMS [CASE ...]

GUEST is what make-guest made, PROGRAMS where the programs were installed to. All cases share one machine; each makes what it
needs."""

import json
import random
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent, HERE.parents[1] / "python"):
    sys.path.insert(0, str(folder))
from fake_cloud import FileServer, Gateway  # noqa: E402
from field_driver import FieldDriver, Firmware  # noqa: E402
from machine import HOST, Machine  # noqa: E402
from service import Service  # noqa: E402

TOKEN = "token-of-the-device"
FIRMWARE = random.Random(1).randbytes(40_000)
SECONDS = 180  # of every wait: what takes 1 s takes 20 by emulation
EXAMPLES = "/usr/share/doc/tandem/examples"
UNIT = "tandem-ncp.service"
EXPOSURE_MAX = 2.0  # of 10, as `systemd-analyze security` counts
HARDWARE = (("hw.initLED", 2, False), ("hw.setLedBrightness", 255), ("hw.initUserButton", 0, True))


def wait(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {SECONDS} s\n" + machine.run(f"journalctl -u {UNIT} -n 40 || true"))
        time.sleep(0.1)


def status():
    return json.loads(machine.run("tandem ncp status --json"))


def install(uart_rule):
    """What ncpd/systemd/README.md says, with the token of a device and the row of the udev rules for its UART."""
    machine.run(f"""set -e
        install -D -m 644 {EXAMPLES}/ncp.conf /etc/tandem/ncp.conf
        install -D -m 644 {EXAMPLES}/tandem.env /etc/tandem/cloud.env
        (umask 077 && printf '%s\\n' {TOKEN} >/etc/tandem/main.token)
        sed -i 's|^TANDEM_NCP_CLOUD=.*|TANDEM_NCP_CLOUD=mqtt://{HOST}:{cloud.port}|' /etc/tandem/cloud.env
        sed -n 's|^#\\(SUBSYSTEM.*{uart_rule}.*\\)|\\1|p' {EXAMPLES}/60-tandem-ncp.rules >/etc/udev/rules.d/60-tandem-ncp.rules
        grep -q SYMLINK /etc/udev/rules.d/60-tandem-ncp.rules
        systemd-sysusers
        udevadm control --reload
        systemctl daemon-reload""")


class Case(unittest.TestCase):
    """Begins with the program stopped, the UART as its rule says, and an MCU there that is ready."""

    uart_rule = 'KERNEL=="ttyS1"'  # of the example; this board's is ttyS2
    cable = "board"
    hardware = ()

    def setUp(self):
        machine.run(f"systemctl stop {UNIT}; systemctl reset-failed {UNIT}; rm -rf /etc/systemd/system/{UNIT}.d; true")
        install(self.uart_rule)
        machine.run("sed -i s/ttyS1/ttyS2/ /etc/udev/rules.d/60-tandem-ncp.rules && udevadm control --reload")
        self.tell_udev()
        machine.run(f"systemctl stop {UNIT}")  # a UART that is new to systemd starts it
        while not cloud.published.empty():
            cloud.published.get()
        self.mcu = self.plug_in(self.cable)

    def tell_udev(self):
        """Of the rules, for the board's UART; until systemd has heard of it as well."""
        machine.run("udevadm trigger --settle /dev/ttyS2")
        there = "" if self.cable == "board" else "! "
        machine.wait(f"{there}systemctl --quiet is-active dev-tandem-main.device", "systemd sees the UART as its rule says")

    def plug_in(self, cable, **options):
        mcu = FieldDriver(f"{folder.name}/{cable}", Firmware(hardware=self.hardware, watch_seconds=10, **options))
        self.addCleanup(mcu.close)
        return mcu

    def start(self):
        machine.run(f"systemctl start {UNIT}")
        self.wait_check_in()

    def wait_event(self, event, mcu=None):
        events = (mcu or self.mcu).events
        seen = []
        wait(lambda: (not events.empty() and (seen.append(events.get()) or seen[-1] == event)), f"{event}, not {seen}")

    def wait_check_in(self, version="1.0.0"):
        seen = []
        wait(lambda: not cloud.published.empty() and (seen.append(cloud.published.get()) or seen[-1][0] == "info/mcu" and
                                                      json.loads(seen[-1][1])["ver"] == version), f"check-in of {version}")

    def offer(self, version="1.1.0"):
        cloud.publish("downlink/ota/json", files.offer(ver=version, url=files.url.replace("127.0.0.1", HOST)))

    def assert_installed(self, version="1.1.0", mcu=None):
        self.wait_event("finished", mcu)
        self.assertEqual((mcu or self.mcu).finished[-1], FIRMWARE)
        self.wait_check_in(version)


class Manual(Case):
    """The steps of ncpd/systemd/README.md, typed as they stand there."""

    def setUp(self):
        super().setUp()
        machine.run(f"systemctl disable {UNIT}; rm -rf /etc/tandem /etc/udev/rules.d/60-tandem-ncp.rules && udevadm control --reload"
                    f" && udevadm trigger --settle /dev/ttyS2 && printf '%s\\n' {TOKEN} >/root/device.token")
        machine.wait("! systemctl --quiet is-active dev-tandem-main.device", "the end of the UART's name")
        text = (HERE.parents[2] / "ncpd/systemd/README.md").read_text()
        block = re.search(r"((?:^    .*\n)+)", text, re.MULTILINE).group(1)
        self.steps = [line.strip() for line in block.splitlines() if not line.strip().startswith("cmake --install")]

    def follow(self, steps):
        outputs = {}
        for step in steps:
            step = step.replace("device.token ", "/root/device.token ")  # it is where the user made it
            outputs[step.split()[0]] = machine.run(f"cd {EXAMPLES}\n{step}")
            if "60-tandem-ncp.rules" in step:
                machine.run("sed -i 's/^#\\(.*\\)ttyS1/\\1ttyS2/' /etc/udev/rules.d/60-tandem-ncp.rules")
        return outputs

    def test_its_steps_lead_to_a_service_that_runs(self):
        outputs = self.follow(self.steps)
        self.assertIn("/etc/tandem/ncp.conf: good", outputs["(set"])
        self.assertIn("mqtts://updates.example.com:8883", outputs["(set"])
        self.assertEqual(service.shown("ActiveState"), "active")
        self.assertIn("/dev/tandem/main (/dev/ttyS2)", machine.run("tandem ncp status"))
        self.assertEqual(machine.run(f"systemctl is-enabled {UNIT}").strip(), "enabled")
        self.wait_event("initialized")


class Unit(Case):
    def test_systemd_finds_nothing_wrong_with_the_unit(self):
        self.assertEqual(machine.run(f"systemd-analyze verify {UNIT}"), "")

    def test_its_exposure_is_low(self):
        text = machine.run(f"systemd-analyze security --no-pager {UNIT}")
        service.facts["systemd-analyze security"] = found = re.search(r"exposure level for \S+: (.*?) *[^ -~]*$", text.strip()).group(1)
        self.assertLessEqual(float(found.split()[0]), EXPOSURE_MAX, text)

    def test_it_runs_as_its_own_user_with_no_privilege(self):
        self.start()
        pid = service.shown("MainPID")
        state = dict(line.split(":\t", 1) for line in machine.run(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
        self.assertEqual(state["Uid"].split()[0], machine.run("id -u tandem-ncp").strip())
        self.assertNotEqual(state["Uid"].split()[0], "0")
        self.assertEqual(int(state["CapEff"], 16) | int(state["CapBnd"], 16), 0)
        self.assertEqual((state["NoNewPrivs"], state["Seccomp"]), ("1", "2"))

    def test_it_starts_when_its_uart_is_named(self):
        rules = "/etc/udev/rules.d/60-tandem-ncp.rules"
        machine.run(f"mv {rules} /run/rules && udevadm control --reload && udevadm trigger --settle /dev/ttyS2")
        machine.wait("! systemctl --quiet is-active dev-tandem-main.device", "the end of the name")
        self.assertEqual(service.shown("ActiveState"), "inactive")
        machine.run(f"mv /run/rules {rules} && udevadm control --reload && udevadm trigger /dev/ttyS2")
        wait(lambda: service.shown("ActiveState") == "active", "the service, which nobody started")
        self.wait_check_in()

    def test_starting_ends_when_it_listens(self):
        machine.run(f"systemctl start {UNIT}")
        self.assertEqual(service.shown("ActiveState"), "active")
        self.assertEqual(status()["version"], machine.run("tandem-ncp --version").split()[-1])

    def test_status_is_for_its_group_alone(self):
        self.start()
        wait(lambda: status()["mcus"][0]["cloud"]["connected"], "the status says that it is connected")
        self.assertIn("main", machine.run("tandem ncp status"))
        ask = "setpriv --reuid nobody --regid nogroup --clear-groups {} tandem ncp status"
        self.assertIn("ask as root, or as a member of the group", machine.run(ask.format(""), fails=True))

    def test_a_device_that_the_unit_forbids_is_told_from_one_of_another_user(self):
        machine.run("sed -i 's|^Uart=.*|Uart=/dev/hpet|' /etc/tandem/ncp.conf && chmod 666 /dev/hpet")
        machine.run(f"systemctl start {UNIT}")
        wait(lambda: "DeviceAllow=" in status()["mcus"][0]["uart"]["error"], "the unit's policy is named")
        machine.run(f"systemctl stop {UNIT}; sed -i 's|^Uart=.*|Uart=/dev/ttyS0|' /etc/tandem/ncp.conf && chmod 600 /dev/ttyS0")
        machine.run(f"systemctl start {UNIT}")
        wait(lambda: "a rule of udev" in status()["mcus"][0]["uart"]["error"], "the device's mode is named")

    def test_an_update_goes_through(self):
        self.start()
        self.offer()
        self.assert_installed()

    def test_stopping_tells_the_mcu_and_ends_well(self):
        self.start()
        machine.run(f"systemctl stop {UNIT}")
        self.assertEqual((service.shown("ActiveState"), service.shown("Result"), service.shown("ExecMainStatus")), ("inactive", "success", "0"))
        wait(lambda: 1 in self.mcu.told, "event 1: the co-processor restarts")

    def test_a_configuration_with_a_mistake_is_said_and_not_tried_again(self):
        machine.run("sed -i 's/^Uart=.*/Uart=/' /etc/tandem/ncp.conf")
        machine.run(f"systemctl start {UNIT}", fails=True)
        self.assertEqual((service.shown("ActiveState"), service.shown("NRestarts")), ("failed", "0"))
        self.assertRegex(machine.run(f"journalctl -u {UNIT} -n 20 -o cat"), r"/etc/tandem/ncp\.conf")


class Token(Case):
    def use_file(self, mode):
        machine.run("sed -i 's|^TokenCredential=.*|TokenFile=/etc/tandem/own.token|' /etc/tandem/ncp.conf &&"
                    f" install -o tandem-ncp -m {mode} /etc/tandem/main.token /etc/tandem/own.token")

    def test_it_comes_as_a_credential_that_root_alone_can_read(self):
        self.start()
        self.assertEqual(machine.run("stat -c '%U %a' /etc/tandem/main.token").strip(), "root 600")

    def test_it_comes_from_a_file_of_its_user(self):
        self.use_file(600)
        self.start()

    def test_a_file_that_others_can_read_is_refused(self):
        self.use_file(644)
        machine.run(f"systemctl start --no-block {UNIT}")
        machine.wait(f"journalctl -u {UNIT} --since -60s -o cat | grep -q 'own.token: others than its owner'", "the refusal")

    def test_it_stands_nowhere_in_the_journal(self):
        self.start()
        machine.run(f"journalctl --no-pager | grep -F {TOKEN}", fails=True)


class Journal(Case):
    def entries(self, *filters):
        text = machine.run(f"journalctl -u {UNIT} -o json --no-pager {' '.join(filters)}")
        return [json.loads(line) for line in text.splitlines()]

    def test_lines_carry_their_fields(self):
        self.start()
        (opened,) = self.entries("TANDEM_MCU=main", f"_PID={service.shown('MainPID')}", "--grep '^main: uart .*: open'")
        self.assertEqual((opened["PRIORITY"], opened["SYSLOG_IDENTIFIER"]), ("6", "tandem-ncp"))
        self.assertEqual(opened["_SYSTEMD_UNIT"], UNIT)

    def test_they_can_be_asked_for_by_priority(self):
        self.start()
        cloud.cut()
        machine.wait(f"journalctl -u {UNIT} -p warning --since -60s | grep -q 'the connection was lost'", "the warning")
        self.assertEqual({entry["PRIORITY"] for entry in self.entries("-p warning", "TANDEM_MCU=main")} - {"3", "4"}, set())


class Supervision(Case):
    def test_one_that_hangs_is_killed_and_started_anew(self):
        self.start()
        pid = service.shown("MainPID")
        started = time.monotonic()
        machine.run(f"kill -STOP {pid}")
        wait(lambda: service.shown("MainPID") not in ("0", pid), "another process")
        service.facts["a hung process is replaced after"] = f"{time.monotonic() - started:.0f} s (WatchdogSec=30)"
        self.assertIn("watchdog", machine.run(f"journalctl -u {UNIT} -n 30"))
        self.wait_check_in()

    def test_one_that_lives_on_feeds_the_watchdog(self):
        self.start()
        pid = service.shown("MainPID")
        time.sleep(45)  # one and a half of its time
        self.assertEqual((service.shown("MainPID"), service.shown("NRestarts")), (pid, "0"))

    def test_one_that_is_killed_starts_again_and_ends_its_update(self):
        self.start()
        self.mcu.firmware.slow_offset, self.mcu.firmware.write_seconds = 20480, 2
        self.offer()
        wait(lambda: self.mcu.chunks and self.mcu.chunks[-1][0] >= 20480, "half of the transfer")
        machine.run(f"systemctl kill -s KILL {UNIT}")
        self.assert_installed()
        self.assertEqual(service.shown("NRestarts"), "1")


class Adapter(Case):
    """The MCU at a USB adapter."""

    SERIAL = "A1B2C3D4"  # as the example's rule has it
    OTHER = "OTHER"
    uart_rule = "ATTRS{idVendor}"
    cable = "usb"

    @classmethod
    def setUpClass(cls):
        machine.add_cable("usb", f"{folder.name}/usb")
        machine.add_cable("nowhere")

    def setUp(self):
        super().setUp()
        self.assertFalse(machine.succeeds("test -e /dev/tandem/main"))
        self.plugged = set()
        self.addCleanup(lambda: [self.unplug(serial) for serial in sorted(self.plugged)])

    def plug(self, serial=SERIAL):
        machine.plug("usb" if serial == self.SERIAL else "nowhere", serial)
        self.plugged.add(serial)
        machine.wait(f"ls /dev/serial/by-id | grep -q {serial}", "the adapter")

    def unplug(self, serial=SERIAL):
        machine.unplug(serial)
        self.plugged.remove(serial)
        machine.wait(f"! ls /dev/serial/by-id | grep -q {serial}", "the adapter's end")

    def device(self):
        return machine.run("readlink -f /dev/tandem/main").strip()

    def test_the_service_starts_when_the_adapter_appears(self):
        self.assertEqual(service.shown("ActiveState"), "inactive")
        self.plug()
        wait(lambda: service.shown("ActiveState") == "active", "the service, which nobody started")
        self.assertEqual(machine.run("stat -L -c '%G %a' /dev/tandem/main").split(), ["tandem-ncp", "660"])
        self.wait_check_in()

    def test_an_update_goes_through(self):
        self.plug()
        self.wait_check_in()
        self.offer()
        self.assert_installed()

    def test_while_it_is_unplugged_the_service_waits(self):
        self.plug()
        self.wait_check_in()
        pid, before = service.shown("MainPID"), self.device()
        self.unplug()
        wait(lambda: not status()["mcus"][0]["uart"]["open"], "the UART is gone")
        self.plug(self.OTHER)
        machine.wait(f"test -e {before}", "another adapter under its name")
        self.assertFalse(status()["mcus"][0]["uart"]["open"], "an adapter that is not the MCU's was opened")
        self.assertEqual((service.shown("ActiveState"), service.shown("MainPID"), service.shown("NRestarts")), ("active", pid, "0"))

    def update_survives(self, between):
        """That the adapter is unplugged in its middle. Its device before and after."""
        self.plug()
        self.wait_check_in()
        self.mcu.firmware.slow_offset, self.mcu.firmware.write_seconds = 20480, 2
        self.offer()
        wait(lambda: self.mcu.chunks and self.mcu.chunks[-1][0] >= 20480, "half of the transfer")
        pid, before, downloads = service.shown("MainPID"), self.device(), len(files.ranges)
        self.unplug()
        wait(lambda: not status()["mcus"][0]["uart"]["open"], "the UART is gone")
        between()
        self.plug()
        self.assert_installed()
        self.assertEqual((service.shown("ActiveState"), service.shown("MainPID"), service.shown("NRestarts")), ("active", pid, "0"))
        self.assertEqual(len(files.ranges), downloads, "the file was downloaded again")
        return before, self.device()

    def test_an_update_survives_that_it_is_unplugged_and_comes_back(self):
        before, after = self.update_survives(lambda: None)
        self.assertEqual(before, after)

    def test_an_update_survives_that_it_comes_back_under_another_name(self):
        before, after = self.update_survives(lambda: self.plug(self.OTHER))
        self.assertNotEqual(before, after)


class Rate(Case):
    """The board's UART is a 16550 whose clock ends at 115200: the kernel leaves it at its old rate when asked for more."""

    def raise_to(self, rate):
        self.mcu.close()
        self.mcu = self.plug_in("board", rates=(38400,), target=rate)
        self.start()
        return self.mcu.raised, status()["mcus"][0]["uart"]["baud"], int(machine.run("stty -F /dev/ttyS2 speed"))

    def test_one_that_the_uart_does_is_set(self):
        self.assertEqual(self.raise_to(115200), (True, 115200, 115200))

    def test_one_that_it_does_not_do_is_refused(self):
        self.assertEqual(self.raise_to(460800), (False, 38400, 38400))


class Hardware(Case):
    """An LED of /sys/class/leds and a button at a GPIO line, both of the kernel's own drivers."""

    hardware = HARDWARE

    def setUp(self):
        super().setUp()
        machine.run(f"""set -e
            install -D -m 644 {EXAMPLES}/hardware.conf /etc/systemd/system/{UNIT}.d/hardware.conf
            sed -n 's/^#\\(SUBSYSTEM=="\\(leds\\|gpio\\)".*\\)/\\1/p' {EXAMPLES}/60-tandem-ncp.rules >>/etc/udev/rules.d/60-tandem-ncp.rules
            sed -i 's|^#Led=.*|Led=/sys/class/leds/status|; s|^#Button=.*|Button=/dev/gpiochip0:1|' /etc/tandem/ncp.conf
            udevadm control --reload && systemctl daemon-reload
            modprobe -r gpio-sim uleds 2>/dev/null || true
            modprobe uleds && modprobe gpio-sim
            chip=/sys/kernel/config/gpio-sim/board
            mkdir -p $chip/bank && echo 4 >$chip/bank/num_lines && echo 1 >$chip/live""")
        # A program that holds /dev/uleds makes an LED: its name in 64 bytes, and its highest brightness.
        machine.run("{ printf status; head -c 58 /dev/zero; printf '\\377\\0\\0\\0'; } >/tmp/led && mkfifo -m 600 /tmp/hold &&"
                    " systemd-run -q --unit led sh -c 'exec 7<>/dev/uleds; cat /tmp/led >&7; cat /tmp/hold'")
        machine.wait("test -e /sys/class/leds/status && test -e /dev/gpiochip0 && udevadm settle", "LED and GPIO chip")
        self.addCleanup(machine.run, f"""systemctl stop {UNIT} led; rm -f /tmp/hold; cd /sys/kernel/config/gpio-sim/board &&
            echo 0 >live && rmdir bank && cd .. && rmdir board; true""")

    def press(self, pressed):
        pull = "pull-down" if pressed else "pull-up"  # active low
        machine.run(f"echo {pull} >/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio1/pull")

    def led(self):
        return int(machine.run("cat /sys/class/leds/status/brightness"))

    def test_the_led_shows_the_state(self):
        self.start()
        self.assertEqual(self.mcu.hardware[:2], [True, True])
        wait(lambda: self.led() == 255, "lit: connected")
        machine.run(f"systemctl stop {UNIT}")
        self.assertEqual(self.led(), 0)

    def test_the_button_is_told_to_the_mcu(self):
        self.press(False)
        self.start()
        self.assertEqual(self.mcu.hardware[2:], [True])
        self.press(True)
        wait(lambda: 12 in self.mcu.told, "a long press")  # however long it takes until the next command is there
        self.press(False)
        wait(lambda: set(self.mcu.told) & {13, 17}, "its end")

    def test_hardware_that_it_cannot_open_is_answered_with_false(self):
        machine.run("systemctl stop led")
        machine.run("chmod 000 /dev/gpiochip0")
        self.start()
        self.assertEqual(self.mcu.hardware, [False, True, False])


def main():
    global machine, service, folder, cloud, files
    guest, programs, *cases = sys.argv[1:]
    folder = tempfile.TemporaryDirectory(prefix="tandem-vm-")
    cloud, files = Gateway(TOKEN), FileServer(FIRMWARE)
    with folder, Machine(guest, folder.name, programs) as machine:
        service = Service(machine, UNIT)
        print("tandem-ncp under systemd, in QEMU\n")
        service.facts["systemd"] = machine.run("systemctl --version").split("\n")[0]
        service.facts["kernel"] = machine.run("uname -r").strip()
        return service.run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
