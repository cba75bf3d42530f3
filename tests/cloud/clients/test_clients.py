"""Clients that other people wrote, unchanged: mosquitto's, MQTT.js over each transport, curl."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import npm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server"))

import server as s  # noqa: E402
from certificates import Authority  # noqa: E402
from test_doors import TlsServer  # noqa: E402

SECONDS = 60


def run(*words, check=True, **more):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=SECONDS, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: exit {done.returncode}: {done.stderr.decode()}")
    return done


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.authority = Authority(cls.temporary.name)

    def setUp(self):
        self.server = TlsServer(self.authority, name="localhost").__enter__()
        self.addCleanup(self.server.__exit__)
        self.added = self.server.add_device()
        self.data = s.plain("1.1.0") + os.urandom(300_000)
        self.shipment = self.server.ship(self.server.upload(self.data))

    def values(self):
        values = self.server.get(f"/api/v1/devices/{self.added['id']}/values")["datastreams"]
        return {name: value["value"] for name, value in values.items()}

    # --- MQTT.js ---

    def mqttjs(self, url, version):
        done = run("node", npm.folder_for("device.mjs") / "device.mjs", url, self.added["token"], version, s.TEMPLATE, self.authority.certificate)
        said = json.loads(done.stdout)
        self.assertEqual((said["code"], said["value"], said["offer"]["ver"]), (0, "21.3", "1.1.0"))
        self.assertEqual(said["offer"]["url"].split(":")[0], "https" if url.startswith(("mqtts", "wss")) else "http")
        self.assertEqual((said["file"]["status"], said["file"]["sha256"]), (200, hashlib.sha256(self.data).hexdigest()))
        self.assertEqual(said["file"]["header"], s.digest_header(self.data))
        self.assertEqual(self.values(), {"Temperature": "21.3"})

    def test_mqttjs_over_tcp(self):
        self.mqttjs(f"mqtt://localhost:{self.server.mqtt_port}", 4)

    def test_mqttjs_over_tls(self):
        self.mqttjs(f"mqtts://localhost:{self.server.mqtts_port}", 5)

    def test_mqttjs_over_websocket(self):
        self.mqttjs(f"ws://localhost:{self.server.http_port}/mqtt", 5)

    def test_mqttjs_over_secure_websocket(self):
        self.mqttjs(f"wss://localhost:{self.server.https_port}/mqtt", 4)

    def test_mqttjs_is_told_that_its_token_is_wrong(self):
        done = run("node", npm.folder_for("device.mjs") / "device.mjs", f"mqtt://localhost:{self.server.mqtt_port}", "wrong", 4, s.TEMPLATE, check=False)
        self.assertIn(b"Bad username or password", done.stderr)

    # --- mosquitto's clients ---

    def mosquitto(self, program, *words, version="5", tls=True, **more):
        where = ["-h", "localhost", "-p", self.server.mqtts_port, "--cafile", self.authority.certificate] if tls else \
                ["-h", "127.0.0.1", "-p", self.server.mqtt_port]
        return run(program, *where, "-V", version, "-u", "device", "-P", self.added["token"], *words, **more)

    def test_mosquitto_pub_sends_values_at_each_qos(self):
        for i, version in enumerate(("311", "5")):
            for qos in (0, 1, 2):
                self.mosquitto("mosquitto_pub", "-t", f"ds/v{i}{qos}", "-m", "x", "-q", qos, version=version, tls=bool(i))
        s.wait_for("they are kept", lambda: len(self.values()) == 6)

    def test_mosquitto_rr_asks_for_a_value(self):
        self.mosquitto("mosquitto_pub", "-t", "ds/Temperature", "-m", "21.3", "-q", 1)
        for version in ("311", "5"):
            done = self.mosquitto("mosquitto_rr", "-t", "get/ds", "-m", "Temperature", "-e", "downlink/ds/Temperature", "-q", 1,
                                  "-W", 20, version=version)
            self.assertEqual(done.stdout, b"21.3\n")

    def test_mosquitto_sub_prints_what_comes(self):
        with subprocess.Popen(
                ["stdbuf", "-oL", "mosquitto_sub", "-h", "localhost", "-p", str(self.server.mqtts_port), "--cafile", str(self.authority.certificate),
                 "-u", "device", "-P", self.added["token"], "-t", "downlink/ds/#", "-C", "1", "-v", "-W", "20", "-d"],
                stdout=subprocess.PIPE, text=True) as process:
            while "SUBACK" not in process.stdout.readline():
                pass
            answer = self.server.ask("PATCH", f"/api/v1/devices/{self.added['id']}/values", {"datastreams": {"Brightness": "40"}})
            self.assertEqual(answer.status, 204)
            self.assertIn("downlink/ds/Brightness 40\n", process.stdout.read())
        self.assertEqual(process.returncode, 0)

    def test_mosquitto_pub_with_a_wrong_token_fails_as_it_should(self):
        self.added["token"] = "wrong"
        done = self.mosquitto("mosquitto_pub", "-t", "ds/a", "-m", "1", "-q", 1, version="311", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"bad user name or password", done.stderr.lower() + done.stdout.lower())

    # --- curl ---

    def curl(self, path, *words, **more):
        address = path if path.startswith("http") else f"https://localhost:{self.server.https_port}{path}"
        return run("curl", "-sS", "--fail-with-body", "--cacert", self.authority.certificate, *words, address, **more)

    def offered(self):
        device = s.Device(self.server, self.added["token"])
        device.check_in("1.0.0")
        url = device.offer()["url"]
        device.close()
        return f"https://localhost:{self.server.https_port}/" + url.split("/", 3)[3]

    def test_curl_uploads_and_downloads_whole_in_part_and_resumed(self):
        data = s.plain("2.0.0") + os.urandom(2_000_000)
        source = Path(self.temporary.name) / "new.bin"
        source.write_bytes(data)
        done = self.curl("/api/v1/firmware?name=new.bin", "-H", f"Authorization: Bearer {self.server.token}",
                         "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{source}")
        self.assertEqual(json.loads(done.stdout)["sha256"], hashlib.sha256(data).hexdigest())
        url = self.offered()
        self.assertEqual(self.curl(url).stdout, self.data)
        self.assertEqual(self.curl(url, "-r", "100-199").stdout, self.data[100:200])
        part = Path(self.temporary.name) / "part.bin"
        part.write_bytes(self.data[:1000])
        self.curl(url, "-C", "-", "-o", part)
        self.assertEqual(part.read_bytes(), self.data)

    def test_curl_over_http_2_and_with_the_head_alone(self):
        url = self.offered()
        head = self.curl(url, "--http2", "-I").stdout.decode().lower()
        self.assertIn("http/1.1 200", head)
        self.assertIn(f"content-length: {len(self.data)}\r\n", head)
        self.assertEqual(self.curl(url, "-Z", url, "-o", "/dev/null", "-o", "/dev/null").returncode, 0)

    def test_curl_refuses_the_name_that_is_not_in_the_certificate(self):
        done = run("curl", "-sS", "--cacert", self.authority.certificate, "--resolve",
                   f"other.example.com:{self.server.https_port}:127.0.0.1",
                   f"https://other.example.com:{self.server.https_port}/health", check=False)
        self.assertEqual(done.returncode, 60)


if __name__ == "__main__":
    unittest.main()
