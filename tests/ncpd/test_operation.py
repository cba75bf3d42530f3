#!/usr/bin/env python3
"""Running tandem-ncp: its configuration, its log, its status, several MCUs, and the service manager.

TANDEM_BIN names the folder of the programs."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import side_by_side  # noqa: E402
from fake_cloud import Gateway  # noqa: E402
from fake_mcu import FakeMcu  # noqa: E402
from tandem_wire import encode_frame, invoke, open_pty  # noqa: E402
from test_ncpd import NCP, SECONDS, TOKEN, Case, Ncp  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TANDEM = NCP.parent / "tandem"


class Operation(Case):
    def check(self, text, environment=None):
        path = Path(self.folder, "check.conf")
        path.write_text(text)
        done = subprocess.run([NCP, "--config", path, "--check"], capture_output=True, text=True, timeout=SECONDS,
                              check=False, env={**os.environ, **(environment or {})})
        return done.returncode, done.stdout + done.stderr

    def good(self, **settings):
        rows = {"Uart": f"unix:{self.folder}/uart", "Cloud": "mqtt://127.0.0.1:1", "TokenFile": f"{self.folder}/token",
                "Data": f"{self.folder}/data", **settings}
        return "[Mcu test]\n" + "".join(f"{key}={value}\n" for key, value in rows.items() if value is not None)

    def status(self):
        done = subprocess.run([TANDEM, "ncp", "status", "--json", "--socket", f"{self.folder}/status"],
                              capture_output=True, text=True, timeout=SECONDS, check=True)
        return json.loads(done.stdout)

    def text(self):
        return subprocess.run([TANDEM, "ncp", "status", "--socket", f"{self.folder}/status"], capture_output=True,
                              text=True, timeout=SECONDS, check=True).stdout

    def start(self, *more, **options):
        self.start_mcu()
        self.start_ncp("--status-socket", f"{self.folder}/status", *more, **options)
        self.wait_check_in()


class Configuration(Operation):
    def test_a_good_one_is_good(self):
        status, output = self.check(self.good())
        self.assertEqual((status, "good" in output), (0, True), output)

    def test_the_sample_has_no_fault_but_what_a_product_fills_in(self):
        sample = (ROOT / "ncpd/systemd/ncp.conf").read_text()
        status, output = self.check(sample, {"STATE_DIRECTORY": self.folder, "CREDENTIALS_DIRECTORY": self.folder})
        self.assertEqual(status, 1, output)
        self.assertIn("main-token: No such file", output)
        Path(self.folder, "main-token").write_text(TOKEN)
        status, output = self.check(sample, {"STATE_DIRECTORY": self.folder, "CREDENTIALS_DIRECTORY": self.folder})
        self.assertEqual(status, 0, output)
        for name in ("tandem.env", "blynk.env"):
            for line in (ROOT / "ncpd/systemd" / name).read_text().splitlines():
                if line and not line.startswith("#"):
                    self.assertEqual(self.check(self.good(), dict([line.split("=", 1)]))[0], 0, line)

    def test_outside_of_the_service_it_checks_all_but_what_the_service_manager_gives(self):
        status, output = self.check((ROOT / "ncpd/systemd/ncp.conf").read_text())
        self.assertEqual((status, "LoadCredential=" in output, "StateDirectory=" in output), (0, True, True), output)

    def test_every_setting_of_the_sample_is_one(self):
        lines = (ROOT / "ncpd/systemd/ncp.conf").read_text().splitlines()
        for line in lines:
            if line.startswith("#") and "=" in line and " " not in line.split("=")[0]:
                key, value = line[1:].split("=", 1)
                if not key.isdigit():
                    status, output = self.check(self.good(**{key: value}))
                    self.assertNotIn("no setting", output)
                    self.assertNotIn(" takes ", output)

    def test_each_fault_names_its_line(self):
        for text, line, fault in (
                ("[Mcu a]\nUart=/dev/ttyS0:12345\n", 2, "Uart takes"),
                ("[Mcu a]\n\nSpeed=9600\n", 3, "no setting"),
                ("[Mcu a/b]\nUart=x\n", 2, "the name of an MCU"),
                ("[Other]\nA=b\n", 2, "no such section"),
                ("Uart=x\n", 1, "outside of every section"),
                ("\n[Mcu a\nUart=x\n", 2, "a section without its ]"),
                ("[Mcu a]\nInitialBaud=9601\n", 2, "one that this system's terminals have"),
                ("[Daemon]\nLogLevel=loud\n", 2, "[Daemon]"),
                ("[Mcu a]\nnothing\n", 2, "Key=value"),
                ("[Datastreams a]\nx=Temperature\n", 2, "a pin is a number"),
                ("[Datastreams a]\n1=Temperature\n2=Temperature\n", 3, "already"),
                ("[Mcu a]\nCloudKind=other\n", 2, "CloudKind takes"),
                ("[Mcu a]\nUpdateLimitHours=0\n", 2, "UpdateLimitHours takes"),
                ("[Mcu a]\nCloud=mqtt://::1\n", 2, "Cloud takes"),
                ("[Mcu a]\nCloud=mqtt://[::1\n", 2, "Cloud takes"),
                ("[Mcu a]\nCloud=mqtt://host/path\n", 2, "Cloud takes"),
                ("[Mcu a]\nUart=/dev/ttyS1 # the pump\n", 2, "a comment behind a value"),
                ("[Mcu a]\nData=" + "x" * 300 + "\n", 2, "longer than")):
            with self.subTest(text):
                status, output = self.check(text)
                self.assertEqual(status, 2, output)
                self.assertIn(f"check.conf:{line}: ", output)
                self.assertIn(fault, output)

    def test_what_is_missing_or_clashes_is_named(self):
        for key, named in (("Uart", "no Uart"), ("Cloud", "no Cloud"), ("TokenFile", "no TokenFile")):
            status, output = self.check(self.good(**{key: None}))
            self.assertEqual((status, named in output), (2, True), output)
        status, output = self.check(self.good(ClientKey="x"))
        self.assertEqual((status, "no ClientCertificate" in output), (2, True), output)
        status, output = self.check(self.good() + self.good().replace("Mcu test", "Mcu other"))
        self.assertEqual(status, 2)
        for named in ("share their Data", "share their Uart", "share their token"):
            self.assertIn(named, output)
        status, output = self.check("# nothing\n")
        self.assertEqual((status, "no [Mcu NAME]" in output), (2, True), output)

    def test_without_a_service_manager_the_data_folder_is_named_by_the_file(self):
        Path(self.folder, "no-data.conf").write_text(self.good(Data=None))
        done = subprocess.run([NCP, "--config", f"{self.folder}/no-data.conf"], capture_output=True, text=True,
                              timeout=SECONDS, check=False)
        self.assertEqual((done.returncode, "has no Data" in done.stderr), (2, True), done.stderr)

    def test_what_cannot_work_is_found(self):
        pem = Path(self.folder, "ca.pem")
        pem.write_text("-----BEGIN CERTIFICATE-----\n")
        for settings, named in (({"TokenFile": "/nowhere"}, "/nowhere: No such file"),
                                ({"Data": "/nowhere/data"}, "Data /nowhere/data"),
                                ({"CaFile": "/nowhere"}, "CaFile /nowhere"),
                                ({"CaFile": f"{self.folder}/token"}, "holds no CERTIFICATE"),
                                ({"CaFile": self.folder}, "holds no CERTIFICATE"),
                                ({"ClientCertificate": pem, "ClientKey": pem}, "holds no PRIVATE KEY"),
                                ({"Uart": f"{self.folder}/token"}, "is no serial line"),
                                ({"Hook": self.folder}, "is no program"),
                                ({"Hook": f"{self.folder}/token"}, "Permission denied"),
                                ({"Data": f"{self.folder}/token"}, "not a folder")):
            status, output = self.check(self.good(**settings))
            self.assertEqual((status, named in output), (1, True), output)

    def test_nothing_is_written_or_connected(self):
        self.check(self.good(Cloud=f"mqtt://127.0.0.1:{self.cloud.port}"))
        self.assertFalse(Path(self.folder, "data").exists())
        self.assertTrue(self.cloud.logins.empty())

    def test_the_environment_goes_before_the_file(self):
        self.start_mcu()
        self.start_ncp(settings={"Cloud": "mqtt://127.0.0.1:1"}, environment={
            "TANDEM_NCP_CLOUD": f"mqtt://127.0.0.1:{self.cloud.port}", "TANDEM_NCP_CLOUD_KIND": "blynk"})
        self.wait_check_in()
        self.assertTrue(all("stage" not in message for message in self.seen))
        self.assertEqual(self.check(self.good(), {"TANDEM_NCP_CLOUD": "http://x"})[0], 2)

    def test_a_token_file_of_the_environment_goes_before_a_credential(self):
        text = self.good(TokenFile=None, TokenCredential="main")
        status, output = self.check(text, {"TANDEM_NCP_TOKEN_FILE": "/nowhere", "CREDENTIALS_DIRECTORY": self.folder})
        self.assertEqual((status, "/nowhere" in output), (1, True), output)

    def test_a_folder_is_no_configuration(self):
        done = subprocess.run([NCP, "--config", self.folder, "--check"], capture_output=True, text=True, timeout=SECONDS,
                              check=False)
        self.assertEqual((done.returncode, "Is a directory" in done.stderr), (2, True), done.stderr)

    def test_the_cloud_may_have_an_address_of_ipv6(self):
        six = Gateway(TOKEN, host="::1")
        self.addCleanup(six.close)
        self.start_mcu()
        self.start_ncp(settings={"Cloud": f"mqtt://[::1]:{six.port}/"})
        self.assertEqual(six.logins.get(timeout=SECONDS), 0)

    def test_a_token_may_be_a_credential(self):
        Path(self.folder, "creds").mkdir()
        Path(self.folder, "creds/main").write_text(TOKEN + "\n")
        self.start_mcu()
        self.start_ncp(settings={"TokenFile": None, "TokenCredential": "main"},
                       environment={"CREDENTIALS_DIRECTORY": f"{self.folder}/creds"})
        self.wait_check_in()

    def test_pins_have_the_names_of_the_file(self):
        self.start_mcu()
        self.start_ncp(text="[Datastreams test]\n1=Room temperature\n")
        self.wait_check_in()
        self.mcu.todo.put(lambda: self.mcu.peer.call("blynk.virtualWrite", 1, b"21"))
        while (message := self.cloud.published.get(timeout=SECONDS))[0] != "ds/Room temperature":
            pass
        self.assertEqual(message[1], b"21")


class Log(Operation):
    def lines(self):
        return self.ncp.log.read_text().splitlines()

    def test_under_the_journal_each_line_has_its_priority(self):
        """JOURNAL_STREAM names device and inode of standard error."""
        path = Path(self.folder, "ncp.log")
        path.touch()
        info = path.stat()
        self.start(environment={"JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"})
        self.assertTrue(any(line.startswith("<6>mcu: uart ") for line in self.lines()), self.lines())
        self.assertTrue(any(line.startswith("<7>mcu: ") for line in self.lines()), self.lines())

    def test_another_stream_is_not_the_journal(self):
        self.start(environment={"JOURNAL_STREAM": "1:2"})
        self.assertRegex(self.lines()[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info mcu: ")

    def test_json_is_one_object_a_line(self):
        self.start("--log-format", "json")
        rows = [json.loads(line) for line in self.lines()]
        self.assertTrue(all(set(row) <= {"time", "level", "mcu", "message"} for row in rows))
        self.assertIn("mcu", {row.get("mcu") for row in rows})

    def test_nothing_secret_is_logged(self):
        self.start()
        self.offer()
        self.assert_installed()
        self.cloud.publish("downlink/redirect", f"mqtt://127.0.0.1:{self.cloud.port}".encode())
        self.ncp.wait_log("redirects")
        text = self.ncp.log.read_text()
        self.assertNotIn(TOKEN, text)
        self.assertNotIn("secret", text)


class Status(Operation):
    def test_it_shows_link_cloud_firmware_and_counters(self):
        self.start()
        self.ncp.wait(lambda: self.status()["mcus"][0]["state"] == 5, "connected")
        (mcu,) = self.status()["mcus"]
        self.assertEqual((mcu["name"], mcu["link"]), ("mcu", "up"))
        self.assertEqual(mcu["uart"], {"path": f"{self.folder}/uart", "open": True, "device": f"{self.folder}/uart",
                                       "error": "", "baud": 38400})
        self.assertEqual((mcu["cloud"]["host"], mcu["cloud"]["port"], mcu["cloud"]["connected"]),
                         ("127.0.0.1", self.cloud.port, True))
        self.assertEqual((mcu["device"]["template"], mcu["device"]["version"]), ("TMPLdemo", "1.0.0"))
        self.assertEqual(mcu["update"]["stage"], "none")
        self.assertGreaterEqual(mcu["counters"]["frames_in"], 5)
        self.assertEqual(mcu["counters"]["crc_errors"], 0)

    def test_it_follows_an_update(self):
        self.start()
        self.mcu.hold_at = 20_480
        self.offer()
        self.wait_event("holding")
        update = self.status()["mcus"][0]["update"]
        self.assertEqual((update["active"], update["stage"], update["version"]), (True, "transferring", "1.1.0"))
        self.assertEqual((update["bytes"], update["size"]), (20_480, 40_000))

    def test_it_tells_how_an_update_ended(self):
        self.start()
        self.mcu.refuse_with = 10
        self.offer()
        self.wait_report("failed")
        update = self.status()["mcus"][0]["update"]
        self.assertEqual((update["active"], update["stage"], update["reason"]), (False, "failed", "bad-signature"))

    def test_it_counts_what_the_line_damages(self):
        self.start()
        before = self.status()["mcus"][0]["counters"]
        self.mcu.todo.put(lambda: self.mcu.peer.send_raw(b"\xaa\x01\x02\xbb" * 3 + b"noise"))
        self.ncp.wait(lambda: self.status()["mcus"][0]["counters"]["noise_bytes"] - before["noise_bytes"] == 5, "noise")
        self.assertEqual(self.status()["mcus"][0]["counters"]["crc_errors"] - before["crc_errors"], 3)

    def test_it_keeps_the_last_warnings(self):
        self.start()
        self.cloud.publish("downlink/ota/json", b"no offer")
        self.ncp.wait_log("an offer without an http URL")
        note = self.status()["notes"][0]
        self.assertEqual(note["mcu"], "mcu")
        self.assertIn("an offer without an http URL", note["text"])
        self.assertLess(abs(note["at"] - time.time()), SECONDS)

    def test_it_shows_which_device_the_name_of_the_uart_leads_to(self):
        port, path = open_pty()
        self.addCleanup(port.close)
        Path(self.folder, "main").symlink_to(path)
        self.ncp = Ncp(self.folder, f"{self.folder}/main", 1, "--status-socket", f"{self.folder}/status")
        self.ncp.wait_log(f"main: open ({path})")
        uart = self.status()["mcus"][0]["uart"]
        self.assertEqual((uart["path"], uart["device"]), (f"{self.folder}/main", path))
        self.assertIn(f"uart     {self.folder}/main ({path}), 38400 baud", self.text())

    def test_it_says_why_the_uart_is_not_open(self):
        self.ncp = Ncp(self.folder, f"{self.folder}/token", 1, "--status-socket", f"{self.folder}/status")
        self.ncp.wait_log("is no serial line")
        self.assertIn(f"uart     {self.folder}/token, not open: is no serial line; name one as Uart", self.text())

    def test_people_can_read_it(self):
        self.start()
        text = self.text()
        for part in ("link     up", "firmware demo 1.0.0", f"127.0.0.1:{self.cloud.port}", "0 with a wrong CRC"):
            self.assertIn(part, text)

    def test_without_a_daemon_it_says_so(self):
        done = subprocess.run([TANDEM, "ncp", "status", "--socket", f"{self.folder}/nobody"], capture_output=True,
                              text=True, timeout=SECONDS, check=False)
        self.assertEqual((done.returncode, "StatusSocket=" in done.stderr), (1, True), done.stderr)

    def test_one_that_connects_and_waits_harms_nobody(self):
        self.start()
        waiting = []
        for _ in range(20):
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(f"{self.folder}/status")
            waiting.append(peer)
        self.assertEqual(self.status()["mcus"][0]["name"], "mcu")
        for peer in waiting:
            peer.close()

    def test_the_socket_is_for_owner_and_group(self):
        self.start()
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.folder}/status").st_mode), 0o660)

    def test_a_leftover_socket_is_replaced_and_one_in_use_is_not(self):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(f"{self.folder}/status")
        self.start()
        self.status()
        done = subprocess.run([NCP, "--uart", "unix:/nowhere", "--cloud", "mqtt://127.0.0.1:1", "--token-file",
                               f"{self.folder}/token", "--data", f"{self.folder}/data2", "--status-socket",
                               f"{self.folder}/status"], capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual((done.returncode, "Address already in use" in done.stderr), (1, True), done.stderr)


class Several(Operation):
    def test_each_mcu_has_its_line_token_folder_and_update(self):
        clouds = [Gateway(f"token-{name}") for name in "ab"]
        mcus = [FakeMcu(f"{self.folder}/uart-{name}") for name in "ab"]
        text = f"[Daemon]\nStatusSocket={self.folder}/status\n"
        for name, cloud in zip("ab", clouds):
            path = Path(self.folder, f"token-{name}")
            path.touch(0o600)
            path.write_text(f"token-{name}\n")
            text += (f"[Mcu {name}]\nUart=unix:{self.folder}/uart-{name}\nCloud=mqtt://127.0.0.1:{cloud.port}\n"
                     f"TokenFile={path}\nData={self.folder}/data-{name}\n")
        Path(self.folder, "several.conf").write_text(text)
        self.ncp = Ncp(self.folder, "", 0, "--config", f"{self.folder}/several.conf", text="[Mcu unused]\n")
        for name, cloud, mcu in zip("ab", clouds, mcus):
            self.cloud, self.mcu = cloud, mcu
            self.wait_check_in()
            if name == "b":
                self.offer()
                self.assert_installed()
                self.assertTrue(Path(self.folder, "data-b/firmware.bin").exists())
        self.assertEqual(mcus[0].offers, 0)
        self.assertEqual([(mcu["name"], mcu["link"]) for mcu in self.status()["mcus"]], [("a", "up"), ("b", "up")])
        self.assertIn(" info a: ", self.ncp.log.read_text())
        self.assertEqual(self.ncp.stop(), 0)
        for mcu, cloud in zip(mcus, clouds):
            mcu.close()
            cloud.close()
        self.mcu = None

    def test_an_mcu_that_does_not_initialize_is_told_of_with_what_to_look_at(self):
        lines = {"silent": b"", "noisy": b"\x42" * 100, "talking": encode_frame(invoke(0x0101, 1))}
        text, ends = "", {}
        for name in lines:
            ends[name], path = open_pty()
            self.addCleanup(ends[name].close)
            Path(self.folder, f"{name}.token").touch(0o600)
            Path(self.folder, f"{name}.token").write_text(name)
            text += (f"[Mcu {name}]\nUart={path}\nCloud=mqtt://127.0.0.1:1\nTokenFile={self.folder}/{name}.token\n"
                     f"Data={self.folder}/{name}\n")
        Path(self.folder, "several.conf").write_text(text)
        self.ncp = Ncp(self.folder, "", 0, "--config", f"{self.folder}/several.conf", text="[Mcu unused]\n")
        for name, said in lines.items():
            self.ncp.wait_log(f"info {name}: uart")
            ends[name].write(said)
        self.ncp.wait_log("warning silent: nothing came from the MCU")
        self.ncp.wait_log("warning noisy: 100 bytes came from the MCU in 10 s, and no whole frame; does it start at 38400 baud")
        self.ncp.wait_log("warning talking: the MCU sends frames, and has not called initialize")


class Manager(Operation):
    """systemd's side of sd_notify."""

    def setUp(self):
        super().setUp()
        self.said = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.said.bind(f"{self.folder}/notify")
        self.said.settimeout(SECONDS)
        self.addCleanup(self.said.close)

    def test_it_hears_ready_alive_and_stopping(self):
        self.start(environment={"NOTIFY_SOCKET": f"{self.folder}/notify", "WATCHDOG_USEC": "200000"})
        heard = [self.said.recv(100) for _ in range(6)]
        self.assertIn(b"READY=1", heard)
        self.assertGreaterEqual(heard.count(b"WATCHDOG=1"), 4)
        self.assertEqual(self.ncp.stop(), 0)
        while self.said.recv(100) != b"STOPPING=1":
            pass

    def test_a_watchdog_of_another_process_is_not_fed(self):
        self.start(environment={"NOTIFY_SOCKET": f"{self.folder}/notify", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
        self.assertEqual(self.said.recv(100), b"READY=1")
        self.ncp.stop()
        self.assertEqual(self.said.recv(100), b"STOPPING=1")

    def test_the_mcu_is_told_when_its_co_processor_goes(self):
        events = []
        self.start()
        self.mcu.todo.put(lambda: self.mcu.peer.serve("client.processEvent", events.append))
        self.mcu.todo.put(lambda: self.mcu.peer.call("ncp.ping"))
        self.ncp.wait(self.mcu.todo.empty, "the handler")
        self.ncp.stop()
        self.ncp.wait(lambda: events == [1], "the event")


if __name__ == "__main__":
    side_by_side.main()
