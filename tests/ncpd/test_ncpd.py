#!/usr/bin/env python3
"""tandem-ncp between a primary MCU and a cloud made for it.

TANDEM_BIN names the folder of the program."""

import hashlib
import itertools
import json
import os
import queue
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from fake_cloud import FileServer, Gateway  # noqa: E402
from fake_mcu import FakeMcu  # noqa: E402
from tandem_wire import Peer, open_pty  # noqa: E402

NCP = Path(os.environ["TANDEM_BIN"]) / "tandem-ncp"
TOKEN = "token-of-the-device"
SECONDS = 20  # limit of every wait
BESIDES = ("get/utc/all/json", "get/loc/all")  # asked for on every connection
FIRMWARE = random.Random(1).randbytes(40_000)


class Ncp:
    """The program, with its log in a file. Settings are those of [Mcu] in a configuration file, if there are any."""

    def __init__(self, folder, uart, port, *more, preexec=None, settings=None, environment=None, text=""):
        self.log = Path(folder) / "ncp.log"
        if settings is None and not text:
            arguments = ["--uart", uart, "--cloud", f"mqtt://127.0.0.1:{port}", "--token-file", f"{folder}/token",
                         "--data", f"{folder}/data"]
        else:
            rows = {"Uart": uart, "Cloud": f"mqtt://127.0.0.1:{port}", "TokenFile": f"{folder}/token",
                    "Data": f"{folder}/data", **(settings or {})}
            lines = [f"{key}={value}" for key, value in rows.items() if value is not None]
            Path(folder, "ncp.conf").write_text("\n".join(["[Mcu test]", *lines, text, ""]))
            arguments = ["--config", f"{folder}/ncp.conf"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([NCP, *arguments, "--log-level", "debug", *more], stderr=log,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=preexec,
                                            env={**os.environ, **(environment or {})})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)

    def wait(self, condition, what, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s; log:\n{self.log.read_text()}"
            time.sleep(0.02)

    def wait_log(self, text, seconds=SECONDS):
        self.wait(lambda: text in self.log.read_text(), f"{text!r} in the log", seconds)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-ncpd-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write_token(TOKEN)
        self.cloud = Gateway(TOKEN)
        self.addCleanup(self.cloud.close)
        self.files = FileServer(FIRMWARE)
        self.addCleanup(self.files.close)
        self.mcu = self.ncp = None
        self.addCleanup(self.end)

    def end(self):
        if self.ncp and self.ncp.process.poll() is None:
            self.assertEqual(self.ncp.stop(), 0, self.ncp.log.read_text())
        if self.mcu:
            self.mcu.close()

    def write_token(self, token, mode=0o600):
        path = Path(self.folder, "token")
        path.touch(mode)
        path.write_text(token + "\n")
        path.chmod(mode)

    def start_mcu(self, **options):
        self.mcu = FakeMcu(f"{self.folder}/uart", **options)

    def start_ncp(self, *more, **options):
        self.ncp = Ncp(self.folder, f"unix:{self.folder}/uart", self.cloud.port, *more, **options)

    def start(self, **options):
        self.start_mcu(**options)
        self.start_ncp()
        self.wait_check_in()

    def wait_event(self, event):
        seen = []
        while event not in seen:
            try:
                seen.append(self.mcu.events.get(timeout=SECONDS))
            except queue.Empty:
                self.fail(f"the MCU saw {seen}, not {event}\n{self.ncp.log.read_text()}")

    def wait_published(self, topic, **fields):
        """The first message with these fields from now on; whatever else came before it is in self.seen."""
        self.seen = []
        while True:
            try:
                came, payload = self.cloud.published.get(timeout=SECONDS)
            except queue.Empty:
                self.fail(f"no {topic} {fields}; seen {self.seen}\n{self.ncp.log.read_text()}")
            message = json.loads(payload) if payload[:1] == b"{" else {"payload": payload}
            if came not in BESIDES:
                self.seen.append(message)
            if came == topic and all(message.get(key) == value for key, value in fields.items()):
                return message

    def wait_check_in(self, version="1.0.0"):
        return self.wait_published("info/mcu", ver=version)

    def wait_report(self, stage, **fields):
        return self.wait_published("ota/report", stage=stage, **fields)

    def offer(self, **changes):
        self.cloud.publish("downlink/ota/json", self.files.offer(**changes))

    def assert_installed(self, version="1.1.0"):
        self.wait_event("finished")
        self.assertEqual(bytes(self.mcu.image), self.files.data)
        self.assertEqual(self.mcu.digests["CRC32"], zlib.crc32(self.files.data))
        self.assertEqual(self.mcu.digests["MD5"], hashlib.md5(self.files.data).digest())
        self.assertEqual(self.mcu.digests["SHA256"], hashlib.sha256(self.files.data).digest())
        self.wait_check_in(version)


class Update(Case):
    def test_an_offer_is_downloaded_transferred_and_reported(self):
        self.start_mcu()
        self.start_ncp()
        info = self.wait_check_in()
        self.assertEqual(self.seen[0]["stage"], "device", "the device's report comes first")
        self.assertEqual(self.seen[0]["event"], "started")
        self.assertEqual(self.seen[0]["digest"], hashlib.sha256(b"1.0.0").hexdigest())
        self.assertEqual(info, {"tmpl": "TMPLdemo", "ver": "1.0.0", "build": "Nov 22 2026", "type": "demo",
                                "rxbuff": info["rxbuff"], "blynk": "1.3.2"})
        self.assertEqual(self.cloud.subscribed, ["downlink/#"])

        self.offer()
        self.wait_event("offered")
        self.assertEqual(self.mcu.offer, ("app-1.1.0.tdm", len(FIRMWARE), "demo", "1.1.0", "Nov 22 2026"))
        installed = self.wait_report("installed")
        stages = [message["stage"] for message in self.seen]
        # One that was not acknowledged before a reconnect may come twice (docs/EXTENSIONS.md).
        told = [stage for stage, _ in itertools.groupby(stages)]
        self.assertEqual([stage for stage in told if stage not in ("downloading", "transferring")],
                         ["received", "downloaded", "offered", "accepted", "verifying", "installed"])
        self.assertGreater(installed["wire_bytes"], len(FIRMWARE))
        self.assert_installed()
        self.assertIn(11, self.mcu.states)
        self.assertNotIn("secret", self.ncp.log.read_text())

    def test_an_offer_without_texts_takes_them_from_the_download(self):
        self.start()
        self.offer(type="", ver=None, build=None)
        self.assert_installed()
        self.assertEqual(self.mcu.offer[2:], ("demo", "1.1.0", "Nov 22 2026"))

    def test_an_offer_that_is_none_is_ignored(self):
        self.start()
        for payload in (b"", b"[]", b"{", b'{"url":"ftp://x/y","size":3}', b'{"url":"http://x/","size":-1}', b"\xff"):
            self.cloud.publish("downlink/ota/json", payload)
        self.offer()
        self.assert_installed()

    def test_a_refusal_ends_the_update_with_the_devices_reason(self):
        self.start()
        self.mcu.refuse_with = 10
        self.offer()
        failed = self.wait_report("failed")
        self.assertEqual((failed["reason"], failed["leg"]), ("bad-signature", "uart"))

    def test_a_library_version_that_the_mcu_does_not_tell_is_left_out(self):
        self.start_mcu(library="")
        self.start_ncp()
        self.assertNotIn("blynk", self.wait_check_in())

    def test_nothing_of_our_own_goes_to_another_cloud(self):
        self.start_mcu()
        self.start_ncp("--cloud-kind", "blynk")
        self.assertEqual(set(self.wait_check_in()), {"tmpl", "ver", "build", "type", "rxbuff"})
        self.offer()
        self.assert_installed()
        self.assertTrue(all("stage" not in message for message in self.seen))

    def test_the_cloud_may_ask_for_a_reboot(self):
        self.start()
        self.cloud.publish("downlink/reboot", b"")
        self.wait_event("reboot")

    def test_the_cloud_may_send_the_device_elsewhere(self):
        elsewhere = Gateway(TOKEN)
        self.addCleanup(elsewhere.close)
        self.start()
        self.cloud.publish("downlink/redirect", b"mqtt://127.0.0.1:%d" % elsewhere.port)
        self.assertEqual(elsewhere.logins.get(timeout=SECONDS), 0)

    def test_clouds_that_send_it_to_and_fro_are_followed_ever_more_slowly(self):
        elsewhere = Gateway(TOKEN)
        self.addCleanup(elsewhere.close)
        self.start()
        elsewhere.sends_to, self.cloud.sends_to = self.cloud.port, elsewhere.port
        self.cloud.publish("downlink/redirect", b"127.0.0.1:%d" % elsewhere.port)
        self.ncp.wait_log("redirected 4 times in a row")
        self.assertLessEqual(self.logins(elsewhere), 1 + 3)
        self.ncp.wait_log("redirected 5 times in a row")
        elsewhere.sends_to = self.cloud.sends_to = None
        before = self.logins(elsewhere)
        self.ncp.wait(lambda: self.logins(elsewhere) > before, "it connects all the same")

    def logins(self, elsewhere):
        return self.cloud.logins.qsize() + elsewhere.logins.qsize()

    def test_the_scheme_of_a_url_may_be_in_any_case(self):
        elsewhere = Gateway(TOKEN)
        self.addCleanup(elsewhere.close)
        self.start()
        self.offer(url=self.files.url.replace("http://", "HTTP://"))
        self.assert_installed()
        self.cloud.publish("downlink/redirect", b"MQTT://127.0.0.1:%d/" % elsewhere.port)
        self.assertEqual(elsewhere.logins.get(timeout=SECONDS), 0)


class Download(Case):
    def test_one_that_is_cut_goes_on_where_it_was(self):
        self.start()
        self.files.cut_after = [15_000]
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-"])

    def test_a_server_without_ranges_sends_it_all_again(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.takes_ranges = False
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-"])

    def test_the_part_of_another_file_is_not_gone_on_with(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        self.ncp.kill()
        other = FileServer(FIRMWARE[::-1])
        self.addCleanup(other.close)
        self.files.close()
        self.files = other
        self.start_ncp()
        self.wait_check_in()
        self.offer()
        self.assert_installed()
        self.assertEqual(other.ranges, ["bytes=15000-", None])

    def test_one_that_is_killed_goes_on_after_the_restart(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        self.ncp.kill()
        self.start_ncp()
        self.wait_check_in()
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-"])

    def test_a_server_that_stumbles_is_asked_again(self):
        self.start()
        self.files.statuses = [503]
        self.offer()
        self.assert_installed()

    def failed(self):
        report = self.wait_report("failed")
        self.assertEqual(report["leg"], "download")
        self.assertIsNone(self.mcu.offer)
        return report["reason"]

    def test_a_wrong_sha256_is_not_offered(self):
        self.start()
        self.files.sha256 = "A" * 43 + "="
        self.offer()
        self.assertEqual(self.failed(), "download-corrupt")

    def test_a_wrong_md5_is_not_offered(self):
        self.start()
        self.files.md5 = "0" * 32
        self.offer()
        self.assertEqual(self.failed(), "download-corrupt")

    def test_a_file_of_another_size_is_not_offered(self):
        self.start()
        self.offer(size=len(FIRMWARE) - 1)
        self.assertEqual(self.failed(), "download-failed")

    def test_a_file_that_is_not_there_fails_at_once(self):
        self.start()
        self.files.statuses = [404]
        self.offer()
        self.assertEqual(self.failed(), "download-failed")
        self.assertEqual(len(self.files.ranges), 1)

    def test_a_full_disk_is_told(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

        self.start_mcu()
        self.start_ncp(preexec=limit)
        self.wait_check_in()
        self.offer()
        self.assertEqual(self.failed(), "no-space")
        self.assertFalse(Path(self.folder, "data/download.part").exists())


class Losses(Case):
    def test_a_co_processor_killed_mid_transfer_uses_its_file_again(self):
        self.start()
        self.mcu.hold_at = 10_000
        self.offer()
        self.wait_event("holding")
        self.ncp.kill()
        self.mcu.close()
        self.start()
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, None])
        self.assertNotIn("trying again", self.ncp.log.read_text())

    def test_an_mcu_that_dies_mid_transfer_is_offered_the_update_anew(self):
        self.start()
        self.mcu.hold_at = 10_000
        self.offer()
        self.wait_event("holding")
        self.mcu.close()
        self.start_mcu()
        self.wait_event("offered")
        self.assert_installed()
        self.assertEqual(len(self.files.ranges), 1)

    def test_a_cloud_that_goes_mid_transfer_is_told_the_end_when_it_is_back(self):
        self.start(chunk=64)
        self.offer()
        self.wait_report("accepted")
        self.cloud.cut()
        self.assertEqual(self.cloud.logins.get(timeout=SECONDS), 0)
        self.wait_report("installed")
        self.wait_check_in("1.1.0")

    def test_a_report_that_was_not_acknowledged_is_sent_again(self):
        self.start()
        self.cloud.acknowledges = False
        self.mcu.todo.put(lambda: self.mcu.report(3, 0))
        self.wait_report("device", event="confirmed")
        self.cloud.acknowledges = True
        self.cloud.cut()
        self.wait_report("device", event="confirmed")
        self.wait_check_in()

    def test_garbage_on_the_uart_does_no_harm(self):
        noise = random.Random(2)
        self.start_mcu()
        self.mcu.noise = noise.randbytes(5000) + b"\xaa" + noise.randbytes(3000) + b"\xbb"
        self.start_ncp()
        self.wait_check_in()
        self.mcu.todo.put(lambda: self.mcu.peer.send_raw(noise.randbytes(2000) + b"\x01\xbb"))
        self.offer()
        self.assert_installed()

    def test_an_mcu_that_is_not_there_yet_is_waited_for(self):
        self.start_ncp()
        self.ncp.wait_log("trying again until it opens")
        self.start_mcu()
        self.wait_check_in()

    def test_a_cloud_that_is_not_there_yet_is_waited_for(self):
        self.cloud.close()
        self.start_mcu()
        self.start_ncp()
        self.ncp.wait_log("Connection refused; trying again in")
        self.cloud = Gateway(TOKEN, self.cloud.port)
        self.addCleanup(self.cloud.close)
        self.wait_check_in()

    def test_a_cloud_that_lets_it_in_and_closes_is_tried_ever_more_seldom(self):
        self.cloud.closes = True
        self.start_mcu()
        self.start_ncp()
        waits = lambda: [float(wait) for wait in re.findall(r"connection was lost; trying again in ([\d.]+) s", self.ncp.log.read_text())]
        self.ncp.wait(lambda: len(waits()) >= 3, "three tries")
        for wait, (least, most) in zip(waits(), ((0.5, 1.5), (1, 3), (2, 6))):
            self.assertTrue(least <= wait <= most, waits())
        self.cloud.closes = False
        self.wait_check_in()

    def test_a_port_that_is_not_the_clouds_is_told_of(self):
        self.cloud.close()
        self.start_mcu()
        with socket.create_server(("127.0.0.1", 0)) as other:
            other.settimeout(SECONDS)
            self.cloud.port = other.getsockname()[1]
            self.start_ncp()
            other.accept()[0].close()
            self.ncp.wait_log("before the login was answered; is this its MQTT port")

    def test_a_wrong_token_is_told_and_not_tried_again_soon(self):
        self.write_token("wrong")
        self.start_mcu()
        self.start_ncp()
        self.assertEqual(self.cloud.logins.get(timeout=SECONDS), 4)
        self.ncp.wait_log("is not one of this cloud (code 4)")
        with self.assertRaises(queue.Empty):
            self.cloud.logins.get(timeout=2)
        self.assertNotIn("wrong\n", self.ncp.log.read_text())


class Tty(Case):
    def test_the_rate_is_raised_and_falls_back_with_a_reboot(self):
        ours, path = open_pty()
        self.addCleanup(ours.close)
        self.ncp = Ncp(self.folder, f"{path}:9600", self.cloud.port)
        peer = Peer(ours)
        self.wait_rate(ours, termios.B9600)
        peer.call("ncp.ping", timeout=5)
        self.assertTrue(peer.call("hw.setUartBaudRate", 115200))
        self.assertFalse(peer.call("hw.setUartBaudRate", 123456))
        self.wait_rate(ours, termios.B115200)
        self.assertTrue(peer.call("ncp.reboot"))
        self.wait_rate(ours, termios.B9600)

    def test_flow_control_that_somebody_left_on_is_turned_off(self):
        ours, path = open_pty()
        self.addCleanup(ours.close)
        line = termios.tcgetattr(ours)
        line[0] |= termios.IXON | termios.IXOFF | termios.IXANY
        line[2] |= termios.CRTSCTS
        termios.tcsetattr(ours, termios.TCSANOW, line)
        self.ncp = Ncp(self.folder, f"{path}:9600", self.cloud.port)
        self.wait_rate(ours, termios.B9600)
        line = termios.tcgetattr(ours)
        self.assertEqual(line[0] & (termios.IXON | termios.IXOFF | termios.IXANY), 0)
        self.assertEqual(line[2] & termios.CRTSCTS, 0)

    def wait_rate(self, port, rate):
        self.ncp.wait(lambda: termios.tcgetattr(port)[4] == rate, "the rate")

    def test_a_device_that_is_missing_is_told_and_waited_for(self):
        self.ncp = Ncp(self.folder, "/dev/tty-that-is-not-there", self.cloud.port)
        self.ncp.wait_log("/dev/tty-that-is-not-there: No such file or directory; trying again until it opens")


class Refusals(Case):
    def run_ncp(self, *arguments):
        done = subprocess.run([NCP, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
        return done.returncode, done.stdout + done.stderr

    def good(self, **changes):
        options = {"--uart": f"unix:{self.folder}/uart", "--cloud": "mqtt://127.0.0.1:1",
                   "--token-file": f"{self.folder}/token", "--data": f"{self.folder}/data"}
        options.update({f"--{key}": value for key, value in changes.items()})
        return [word for pair in options.items() for word in pair]

    def test_help_and_version(self):
        self.assertEqual(self.run_ncp("--help")[0], 0)
        status, output = self.run_ncp("--version")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"^tandem-ncp \d+\.\d+\.\d+\n$")

    def test_a_wrong_command_line(self):
        for arguments in ([], ["--uart"], ["--what"], ["word"], self.good(cloud="http://x"), self.good(cloud="mqtt://"),
                          self.good(cloud="mqtt://host:0"), self.good(uart="/dev/ttyS0:12345"), self.good(uart=""),
                          [*self.good(), "--log-level", "loud"], [*self.good(), "--cloud-kind", "other"]):
            with self.subTest(arguments):
                status, output = self.run_ncp(*arguments)
                self.assertEqual(status, 2, output)
                self.assertIn("see tandem-ncp --help", output)

    def test_a_token_file_that_is_missing_empty_or_open_to_others(self):
        status, output = self.run_ncp(*self.good(**{"token-file": f"{self.folder}/none"}))
        self.assertEqual((status, "none: No such file" in output), (1, True), output)
        self.write_token("")
        status, output = self.run_ncp(*self.good())
        self.assertEqual((status, "empty" in output), (1, True), output)
        self.write_token(TOKEN, 0o644)
        status, output = self.run_ncp(*self.good())
        self.assertEqual((status, "chmod 600" in output), (1, True), output)

    def test_a_data_folder_that_cannot_be(self):
        status, output = self.run_ncp(*self.good(data=f"{self.folder}/token/data"))
        self.assertEqual((status, "data folder" in output), (1, True), output)

    def test_a_data_folder_in_use(self):
        self.start_ncp()
        self.ncp.wait_log("tandem-ncp")
        self.ncp.wait_log("trying again until it opens")
        status, output = self.run_ncp(*self.good())
        self.assertEqual((status, "in use by another tandem-ncp" in output), (1, True), output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
