#!/usr/bin/env python3
"""tandem-ncp's connections with TLS: whom it trusts, and how it shows who it is.

TANDEM_BIN names the folder of the program. The cases with Debian's mosquitto run where it is installed."""

import getpass
import os
import queue
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import side_by_side  # noqa: E402
from fake_cloud import FileServer, Gateway  # noqa: E402
from test_ncpd import FIRMWARE, SECONDS, TOKEN, Case, Ncp  # noqa: E402

MOSQUITTO = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")


class Certificates:
    """Two authorities; of the first a server's certificate for 127.0.0.1, one for another host, and a client's."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-tls-")
        for name in ("ca", "other-ca"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                         self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"), "-days", "2", "-subj", f"/CN={name}")
        self.issue("server", "subjectAltName=IP:127.0.0.1")
        self.issue("stranger", "subjectAltName=DNS:other.example.com")
        self.issue("client", "subjectAltName=DNS:device")

    def path(self, name):
        return f"{self.folder.name}/{name}"

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=SECONDS)

    def issue(self, name, extension):
        Path(self.path("ext")).write_text(extension + "\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     self.path(f"{name}.key"), "-out", self.path("csr"), "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", self.path("csr"), "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"),
                     "-CAcreateserial", "-days", "2", "-extfile", self.path("ext"), "-out", self.path(f"{name}.pem"))

    def server(self, name="server", wants_client=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.path("ca.pem"))
        return context


CERTIFICATES = Certificates()


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.certificates = CERTIFICATES
        self.settings = {"CaFile": self.certificates.path("ca.pem"), "DownloadAttempts": 1}

    def serve(self, **options):
        """Cloud and files with TLS, in place of the clear ones."""
        self.cloud.close()
        self.files.close()
        self.cloud = Gateway(TOKEN, tls=self.certificates.server(**options))
        self.addCleanup(self.cloud.close)
        self.files = FileServer(FIRMWARE, tls=self.certificates.server(**options))
        self.addCleanup(self.files.close)

    def start(self, **settings):
        self.start_mcu()
        self.ncp = Ncp(self.folder, f"unix:{self.folder}/uart", self.cloud.port,
                       settings={"Cloud": f"mqtts://127.0.0.1:{self.cloud.port}", **self.settings, **settings})

    def assert_refused(self, text):
        self.ncp.wait_log(text)
        self.assertTrue(self.cloud.logins.empty(), "a login, and so a token, went to a server that is not trusted")


class Trust(Tls):
    def test_an_update_over_tls(self):
        self.serve()
        self.start()
        self.wait_check_in()
        self.offer()
        self.assert_installed()

    def test_another_authority_is_not_trusted(self):
        self.serve()
        self.start(CaFile=self.certificates.path("other-ca.pem"))
        self.assert_refused("trying again")

    def test_without_a_ca_file_only_the_systems_are_trusted(self):
        self.serve()
        self.start(CaFile=None)
        self.assert_refused("trying again")

    def test_a_certificate_of_another_host_is_refused(self):
        self.serve(name="stranger")
        self.start()
        self.assert_refused("trying again")

    def test_a_clear_server_is_no_tls_server(self):
        self.start()
        self.assert_refused("trying again")

    def test_a_download_from_a_server_that_is_not_trusted_fails(self):
        self.serve()
        self.files.close()
        self.files = FileServer(FIRMWARE, tls=self.certificates.server(name="stranger"))
        self.start()
        self.wait_check_in()
        self.offer()
        self.assertEqual(self.wait_report("failed")["leg"], "download")
        self.assertEqual(self.files.ranges, [])

    def test_a_ca_file_that_is_not_there_is_named(self):
        self.serve()
        self.start(CaFile=f"{self.folder}/no-ca.pem")
        self.assert_refused(f"CaFile {self.folder}/no-ca.pem: No such file or directory")

    def test_a_ca_file_that_is_none_is_said(self):
        self.serve()
        self.start(CaFile=f"{self.folder}/token")
        self.assert_refused("trying again")


class Downgrade(Tls):
    def test_a_redirect_of_the_cloud_never_gives_tls_up(self):
        self.serve()
        clear = Gateway(TOKEN)
        self.addCleanup(clear.close)
        self.start()
        self.wait_check_in()
        self.cloud.publish("downlink/redirect", b"mqtt://127.0.0.1:%d" % clear.port)
        self.ncp.wait_log("without the TLS that is configured; ignored")
        self.assertTrue(clear.logins.empty())

    def redirected(self, where):
        self.serve()
        self.start()
        self.wait_check_in()
        self.cloud.publish("downlink/redirect", where)
        self.ncp.wait_log("cloud 127.0.0.2:8883: connecting")
        self.assertNotIn("1883: connecting", self.ncp.log.read_text())

    def test_the_clear_port_of_another_server_stands_for_its_tls_port(self):
        self.redirected(b"mqtt://127.0.0.2:1883/")

    def test_so_does_its_number_alone(self):
        self.redirected(b"127.0.0.2:1883")

    def test_host_and_port_alone_keep_tls(self):
        self.serve()
        other = Gateway(TOKEN, tls=self.certificates.server())
        self.addCleanup(other.close)
        self.start()
        self.wait_check_in()
        self.cloud.publish("downlink/redirect", b"127.0.0.1:%d" % other.port)
        self.assertEqual(other.logins.get(timeout=SECONDS), 0)

    def test_a_download_is_not_redirected_out_of_tls(self):
        self.serve()
        clear = FileServer(FIRMWARE)
        self.addCleanup(clear.close)
        self.files.every_status = (302, {"Location": clear.url})
        self.start()
        self.wait_check_in()
        self.offer()
        self.assertEqual(self.wait_report("failed")["leg"], "download")
        self.assertEqual(clear.ranges, [])


class Client(Tls):
    def test_a_client_certificate_opens_cloud_and_files(self):
        self.serve(wants_client=True)
        self.start(ClientCertificate=self.certificates.path("client.pem"), ClientKey=self.certificates.path("client.key"))
        self.wait_check_in()
        self.offer()
        self.assert_installed()

    def test_without_one_the_door_stays_shut(self):
        self.serve(wants_client=True)
        self.start()
        self.ncp.wait_log("trying again")
        with self.assertRaises(queue.Empty):
            self.cloud.published.get(timeout=1)


@unittest.skipUnless(MOSQUITTO, "mosquitto is not installed")
class Mosquitto(Tls):
    """A broker as it is used elsewhere stands for the cloud."""

    def start_broker(self, *lines):
        path = self.certificates.path
        port = self.cloud.port
        self.cloud.close()
        config = Path(self.folder, "mosquitto.conf")
        config.write_text("\n".join([f"listener {port} 127.0.0.1", f"certfile {path('server.pem')}",
                                     f"keyfile {path('server.key')}", f"cafile {path('ca.pem')}",
                                     "allow_anonymous true", f"user {getpass.getuser()}", *lines, ""]))
        with open(Path(self.folder, "broker.log"), "wb") as log:
            broker = subprocess.Popen([MOSQUITTO, "-c", config], stdout=log, stderr=log)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.terminate)
        return port

    def test_it_checks_in_at_a_broker_that_asks_for_certificates(self):
        port = self.start_broker("require_certificate true")
        path = self.certificates.path
        tls = ["--cafile", path("ca.pem"), "--cert", path("client.pem"), "--key", path("client.key")]
        self.start(ClientCertificate=path("client.pem"), ClientKey=path("client.key"))
        self.ncp.wait_log("connected")
        listener = subprocess.Popen(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), *tls, "-t", "#", "-C", "1", "-W",
                                     str(SECONDS), "-v"], stdout=subprocess.PIPE)
        self.ncp.wait(lambda: self.write() or listener.poll() is not None, "the write")  # again until it listens
        self.assertEqual(listener.stdout.read(), b"ds/V1 21.5\n")
        listener.stdout.close()

    def write(self):
        self.mcu.todo.put(lambda: self.mcu.peer.call("blynk.virtualWrite", 1, b"21.5"))


if __name__ == "__main__":
    side_by_side.main()
