#!/usr/bin/env python3
"""One update with every network leg in TLS: tandem-ncp logs in with a certificate, and downloads over HTTPS."""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/python")]
from certificates import Authority  # noqa: E402
from tandem_system import TEMPLATE, System, free_port, wait_for  # noqa: E402


class SecureSystem(System):
    """The clear HTTP port is the operator's own here, on loopback; devices have TLS only."""

    def __init__(self, folder):
        super().__init__(folder, board="posix")
        self.https_port, self.mqtts_port = free_port(), free_port()

    def prepare(self):
        super().prepare()
        authority, devices = Authority(self.folder), Authority(self.folder, "devices")
        self.ca, self.devices_ca = authority.certificate, devices.certificate
        self.server_files = authority.sign("localhost", "DNS:localhost")
        self.device_files = devices.sign("pump-7")

    def start_cloud(self):
        certificate, key = self.server_files
        self.cloud = self._program("tandem-cloud", [
            self.bin / "tandem-cloud", "--data", self.data, "--http", f"127.0.0.1:{self.http_port}",
            "--https", f"127.0.0.1:{self.https_port}", "--mqtts", f"127.0.0.1:{self.mqtts_port}",
            "--tls-cert", certificate, "--tls-key", key, "--client-ca", self.devices_ca, "--settle", "0"])
        wait_for("tandem-cloud answers", lambda: self.cloud.check() and self._healthy(), 10)

    def start_ncp(self, tapped=False):
        certificate, key = self.device_files
        self.ncp = self._program("tandem-ncp", [
            self.bin / "tandem-ncp", "--uart", f"unix:{self.uart}", "--cloud", f"mqtts://localhost:{self.mqtts_port}",
            "--ca-file", self.ca, "--client-certificate", certificate, "--client-key", key,
            "--token-file", self.folder / "device.token", "--data", self.folder / "ncp"])


class OverTls(unittest.TestCase):
    def test_an_update_over_mqtts_and_https_ends_in_success(self):
        with tempfile.TemporaryDirectory(prefix="tandem-system-") as folder, SecureSystem(folder) as system:
            system.start()
            shipment = system.tandem_json("ship", system.pack("1.1.0"), "--template", TEMPLATE)["id"]
            row = system.wait_shipment(shipment, 120)
            self.assertEqual(row["status"], "success", row)
            self.assertEqual(system.wait_version("1.1.0", 30)["firmware"]["state"], "confirmed")


if __name__ == "__main__":
    unittest.main()
