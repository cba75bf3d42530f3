#!/usr/bin/env python3
"""What a user does wrong, and what breaks under them: each gets an error that says what to do next, and loses nothing."""

import os
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from tandem_system import ROOT, TEMPLATE, System, free_port, wait_for  # noqa: E402


def says(test, done, status, *words):
    """The program ended with this status and one of its lines has all the words; no crash report, no stack trace."""
    test.assertEqual(done.returncode, status, done.stderr)
    test.assertNotIn("Sanitizer", done.stderr)
    for word in words:
        test.assertIn(word.lower(), done.stderr.lower())


class Files(unittest.TestCase):
    """Files that are not what they should be, with a running server."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tandem-bad-")
        cls.system = System(Path(cls.folder.name) / "system", board="posix")
        cls.system.prepare()
        cls.system.start_cloud()
        cls.system.add_device()
        cls.package = cls.system.pack("1.1.0")

    @classmethod
    def tearDownClass(cls):
        cls.system.stop()
        cls.folder.cleanup()

    def tandem(self, *arguments):
        return self.system.tandem_run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def changed(self, name, change):
        path = self.system.folder / name
        path.write_bytes(change(self.package.read_bytes()))
        return path

    def refused_everywhere(self, path):
        verify = self.tandem("verify", path, "--key", f"{self.system.key}.pub")
        self.assertEqual(verify.returncode, 1, verify.stderr)
        upload = self.tandem("firmware", "upload", path)
        self.assertNotEqual(upload.returncode, 0)
        self.assertIn(path.name, upload.stderr)
        self.assertEqual([f for f in self.system.request("/api/v1/firmware")["firmware"] if f["name"] == path.name], [])

    def test_a_truncated_package_is_refused(self):
        self.refused_everywhere(self.changed("truncated.tdm", lambda data: data[:-1]))

    def test_a_package_cut_in_its_front_is_refused(self):
        self.refused_everywhere(self.changed("cut.tdm", lambda data: data[:100]))

    def test_a_package_with_bytes_behind_its_end_is_refused(self):
        self.refused_everywhere(self.changed("long.tdm", lambda data: data + b"x"))

    def test_a_file_without_tag_and_package_is_refused(self):
        self.refused_everywhere(self.changed("random.bin", lambda data: os.urandom(5000)))

    def test_an_empty_file_is_refused(self):
        self.refused_everywhere(self.changed("empty.bin", lambda data: b""))

    def test_a_missing_file_is_named(self):
        says(self, self.tandem("firmware", "upload", self.system.folder / "none.tdm"), 1, "none.tdm")

    def test_another_key_does_not_verify(self):
        other = self.system.folder / "other.pem"
        self.system.tandem("keygen", other)
        says(self, self.tandem("verify", self.package, "--key", f"{other}.pub"), 1, "key")

    def test_signing_with_a_public_key_says_which_is_needed(self):
        done = self.tandem("pack", self.system.folder / "demo-1.1.0.bin", "-o", self.system.folder / "x.tdm", "--key",
                           f"{self.system.key}.pub", "--hardware", "posix-demo", "--position-independent")
        says(self, done, 1, "private")
        self.assertFalse((self.system.folder / "x.tdm").exists())

    def test_an_unknown_template_is_named(self):
        done = self.tandem("ship", self.package, "--template", "TMPLnone")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("TMPLnone", done.stderr)

    def test_a_wrong_token_is_told(self):
        done = self.tandem("device", "list", "--token", "wrong")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("token", done.stderr)

    def test_an_unreachable_cloud_is_named(self):
        url = f"http://127.0.0.1:{free_port()}"
        done = self.tandem("device", "list", "--url", url)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(url, done.stderr)

    def test_a_port_in_use_is_named(self):
        done = subprocess.run([self.system.bin / "tandem-cloud", "--data", self.system.folder / "second", "--http",
                               f"127.0.0.1:{self.system.http_port}", "--mqtt", f"127.0.0.1:{free_port()}"],
                              text=True, stderr=subprocess.PIPE, timeout=20, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(str(self.system.http_port), done.stderr)

    def test_a_second_server_on_the_same_data_is_refused(self):
        done = subprocess.run([self.system.bin / "tandem-cloud", "--data", self.system.data, "--http",
                               f"127.0.0.1:{free_port()}", "--mqtt", f"127.0.0.1:{free_port()}"],
                              text=True, stderr=subprocess.PIPE, timeout=20, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(str(self.system.data), done.stderr)

    def test_a_data_folder_that_cannot_be_made_is_named(self):
        blocked = self.package / "data"
        for program, more in (("tandem-cloud", ["--http", f"127.0.0.1:{free_port()}", "--mqtt", f"127.0.0.1:{free_port()}"]),
                              ("tandem-ncp", ["--uart", "unix:/nowhere", "--cloud", "mqtt://127.0.0.1:1", "--token-file",
                                              self.system.folder / "device.token"])):
            done = subprocess.run([self.system.bin / program, "--data", blocked, *more], text=True,
                                  stderr=subprocess.PIPE, timeout=20, check=False)
            self.assertEqual(done.returncode, 1, (program, done.stderr))
            self.assertIn(str(blocked), done.stderr)

    def test_a_token_file_that_others_can_read_is_refused(self):
        token = self.system.folder / "open.token"
        token.write_text("secret-token\n")
        token.chmod(0o644)
        done = subprocess.run([self.system.bin / "tandem-ncp", "--data", self.system.folder / "ncp2", "--uart",
                               "unix:/nowhere", "--cloud", "mqtt://127.0.0.1:1", "--token-file", token],
                              text=True, stderr=subprocess.PIPE, timeout=20, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(str(token), done.stderr)
        self.assertNotIn("secret-token", done.stderr)


class FullDisk(unittest.TestCase):
    """A data folder on a file system with no room left (a small tmpfs; needs root)."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system needs root")
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-full-")
        self.addCleanup(self.folder.cleanup)
        self.small = Path(self.folder.name) / "small"
        self.small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.small], check=False)
        if mounted.returncode != 0:
            self.skipTest("tmpfs can't be mounted here")
        self.addCleanup(subprocess.run, ["umount", self.small], check=False)

    def test_an_upload_that_does_not_fit_is_told_and_leaves_nothing_behind(self):
        system = System(Path(self.folder.name) / "system", board="posix")
        self.addCleanup(system.stop)
        system.prepare()
        system.data = self.small / "cloud"
        system.start_cloud()
        system.add_device()
        big = system.folder / "big.bin"
        subprocess.run([ROOT / "tools/make-sim-image", "--version", "9.9.9", "--size", "3000000", big], check=True)
        done = system.tandem_run("firmware", "upload", big, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "(?i)disk|space|full")
        self.assertEqual(system.request("/api/v1/firmware")["firmware"], [])
        system.tandem("firmware", "upload", system.pack("1.1.0"))

    def test_a_package_that_does_not_fit_leaves_no_half_file(self):
        system = System(Path(self.folder.name) / "system", board="posix")
        system.prepare()
        image = system.folder / "big.bin"
        subprocess.run([ROOT / "tools/make-sim-image", "--version", "9.9.9", "--size", "3000000", image], check=True)
        done = system.tandem_run("pack", image, "-o", self.small / "big.tdm", "--key", system.key, "--hardware",
                                 "posix-demo", "--position-independent", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        says(self, done, 1, "big.tdm")
        self.assertEqual(list(self.small.iterdir()), [])


class Lines(unittest.TestCase):
    """The UART: missing, and full of garbage."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-line-")
        self.addCleanup(self.folder.cleanup)
        self.system = System(Path(self.folder.name) / "system", board="posix")
        self.addCleanup(self.system.stop)

    def test_a_missing_uart_is_told_and_used_once_it_is_there(self):
        system = self.system
        system.prepare()
        system.start_cloud()
        system.add_device()
        system.start_ncp()
        wait_for("tandem-ncp names the missing UART",
                 lambda: system.ncp.check() and str(system.uart) in system.ncp.log.read_text(), 15)
        system.start_device()
        system.wait_version("1.0.0", 60)

    def test_garbage_on_the_uart_does_not_stop_an_update(self):
        system = self.system
        system.prepare()
        system.start_cloud()
        system.add_device()
        system.start_device()
        for _ in range(3):
            noise = socket.socket(socket.AF_UNIX)
            noise.connect(str(system.uart))
            noise.sendall(os.urandom(5000) + b"\xaa" + os.urandom(100))
            noise.close()
        system.start_ncp()
        system.wait_version("1.0.0", 90)
        shipment = system.tandem_json("ship", system.pack("1.1.0"), "--template", TEMPLATE)["id"]
        self.assertEqual(system.wait_shipment(shipment, 120)["status"], "success")

    def test_a_missing_emulator_is_named(self):
        empty = Path(self.folder.name) / "flash.bin"
        empty.write_bytes(b"\xff")
        done = subprocess.run(["/bin/sh", ROOT / "tools/qemu-device", "--flash", empty, "--uart",
                               f"unix:{self.folder.name}/uart"], env={"PATH": "/nonexistent"}, text=True,
                              stderr=subprocess.PIPE, timeout=20, check=False)
        says(self, done, 1, "qemu-system-arm", "install")


if __name__ == "__main__":
    unittest.main(verbosity=2)
