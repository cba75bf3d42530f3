"""How clients get in: TLS, its certificate changed under way, client certificates, WebSocket, and clear ports."""

import base64
import hashlib
import os
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import server as s
from certificates import RSA, Authority
from still_clock import StillClock

NAME = "ota.example.com"


class TlsServer(s.Server):
    """A server whose doors are all open, clear and TLS."""

    def __init__(self, authority, *options, name=NAME, **more):
        self.authority, self.name = authority, name
        self.files = Path(authority.folder) / "server.crt", Path(authority.folder) / "server.key"
        self.renew()
        super().__init__("--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--tls-cert", self.files[0],
                         "--tls-key", self.files[1], *options, **more)

    def renew(self):
        for made, used in zip(self.authority.sign(self.name, f"DNS:{self.name}", "IP:127.0.0.1"), self.files):
            made.replace(used)

    def context(self, *client):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if client:
            context.load_cert_chain(*client)
        return context

    def connect(self, port, *client, name=NAME):
        clear = socket.create_connection(("127.0.0.1", port), s.LIMIT)
        return self.context(*client).wrap_socket(clear, server_hostname=name)


def over(device_socket, token, **more):
    """A device on a socket that is open already."""
    device = s.Device.__new__(s.Device)
    device.socket, device.buffer, device.next_id = device_socket, b"", 0
    device.messages, device.acknowledged = [], set()
    device.code = device.login(token, **more)
    return device


class WebSocket:
    """The client's end of a WebSocket, as a socket that s.Device can use."""

    KEY = base64.b64encode(b"sixteen bytes!!!").decode()

    def __init__(self, stream, path="/mqtt", protocol="mqtt", **headers):
        fields = {"Host": NAME, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": self.KEY, "Sec-WebSocket-Protocol": protocol,
                  **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.stream, self.frames, self.buffer = stream, [], b""
        stream.sendall((f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
                        + "\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            piece = stream.recv(4096)
            assert piece, self.buffer
            self.buffer += piece
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.head = head.decode()

    def frame(self, opcode, data, fin=True, mask=b"\x11\x22\x33\x44"):
        length = bytes([len(data) | 0x80]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.stream.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked)

    def sendall(self, data):
        self.frame(2, data)

    def recv(self, _):
        """The data of the next binary frame; b"" at the end."""
        while True:
            opcode, data = self.take()
            if opcode in (2, None):
                return data
            self.frames.append((opcode, data))

    def take(self):
        while True:
            if len(self.buffer) >= 2:
                assert not self.buffer[1] & 0x80, "a server must not mask"
                size, at = self.buffer[1] & 0x7F, 2
                if size == 126:
                    size, at = int.from_bytes(self.buffer[2:4], "big"), 4
                if len(self.buffer) >= at + size:
                    opcode, data = self.buffer[0] & 0x0F, self.buffer[at:at + size]
                    self.buffer = self.buffer[at + size:]
                    return opcode, data
            try:
                piece = self.stream.recv(4096)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return None, b""
            self.buffer += piece

    def fileno(self):
        return self.stream.fileno()

    def close(self):
        self.stream.close()


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.authority = Authority(cls.temporary.name)

    def start(self, *options, **more):
        server = TlsServer(self.authority, *options, **more).__enter__()
        self.addCleanup(server.__exit__)
        return server

    def ws(self, server, **more):
        stream = socket.create_connection(("127.0.0.1", server.http_port), s.LIMIT)
        self.addCleanup(stream.close)
        return WebSocket(stream, **more)

    # --- slow and silent clients ---

    def dribble(self, stream, data, pause=0.2):
        """Sends byte by byte until the server has had enough; what it said then."""
        try:
            for byte in data:
                stream.sendall(bytes([byte]))
                if s.select.select([stream], [], [], pause)[0]:
                    break
        except OSError:
            pass
        return s.read_to_end(stream)

    def test_silent_and_slow_clients_are_closed_after_their_time_and_others_stay(self):
        server = self.start()
        stays = s.Device(server, server.add_device()["token"])
        self.addCleanup(stays.close)
        ends = {}

        def client(name, port, act):
            with socket.create_connection(("127.0.0.1", port), s.LIMIT) as stream:
                ends[name] = act(stream)

        clients = {
            "silent mqtt": (server.mqtt_port, s.read_to_end), "silent tls": (server.mqtts_port, s.read_to_end),
            "silent https": (server.https_port, s.read_to_end), "silent http": (server.http_port, s.read_to_end),
            "slow login": (server.mqtt_port, lambda stream: self.dribble(stream, b"\x10\xff\x01\0\4MQTT\4\2\0\x3c" + b"\0" * 200)),
            "slow handshake": (server.mqtts_port, lambda stream: self.dribble(stream, b"\x16\x03\x01\x01\0\x01\0\0\xfc\x03\x03" + b"x" * 200)),
            "slow head": (server.http_port, lambda stream: self.dribble(stream, b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 200)),
        }
        threads = [threading.Thread(target=client, args=(name, *how)) for name, how in clients.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * s.LIMIT)
        self.assertEqual(ends, dict.fromkeys(clients, b""))
        stays.ping()

    # --- balancers ---

    SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"

    def balancer(self, port, *pieces, source="127.0.0.1"):
        """A connection of a balancer that sends these first, one after the other."""
        stream = socket.create_connection(("127.0.0.1", port), s.LIMIT, source_address=(source, 0))
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(stream.close)
        for piece in pieces:
            stream.sendall(piece)
        return stream

    def test_a_balancer_says_for_whom_it_connects_clear_and_before_tls(self):
        server = self.start("--mqtt-proxy", "127.0.0.1,10.0.0.0/8")
        token = server.add_device()["token"]
        line = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n"
        binary = self.SIGNATURE + b"\x21\x21\0\x24" + socket.inet_pton(socket.AF_INET6, "2001:db8::9") + bytes(16) + b"\1\2\3\4"
        local = self.SIGNATURE + b"\x20\0\0\0"
        for pieces, client in (((line,), "192.0.2.7"), ((binary,), "2001:db8::9"), ((local,), "127.0.0.1"),
                               (tuple(bytes([byte]) for byte in line), "192.0.2.7")):
            clear = self.balancer(server.mqtt_port, *pieces)
            self.assertEqual(over(clear, token).code, 0)
            server.wait_log(f"mqtt=3 address={client}\n")
        secure = self.balancer(server.mqtts_port, b"PROXY TCP4 192.0.2.8 198.51.100.1 1 2\r\n")
        device = over(server.context().wrap_socket(secure, server_hostname=NAME), token)
        device.check_in("1.0.0")
        server.wait_log("address=192.0.2.8\n")
        refused = over(self.balancer(server.mqtt_port, b"PROXY TCP4 192.0.2.9 198.51.100.1 1 2\r\n"), "wrong")
        self.assertEqual(refused.code, 4)
        server.wait_log("address=192.0.2.9\n")
        self.assertRegex(server.log(), r"login-refused connection=\d+ address=192\.0\.2\.9\n")

    def test_a_balancer_without_a_header_is_refused_and_nobody_else_may_send_one(self):
        server = self.start("--mqtt-proxy", "127.0.0.1")
        token = server.add_device()["token"]
        header = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n"
        for bad in (b"\x10\x1a\0\4MQTT", b"PROXY TCP4 nobody nowhere 1 2\r\n", self.SIGNATURE + b"\x21\x11\xff\xff", b"x" * 3000):
            self.assertEqual(s.read_to_end(self.balancer(server.mqtt_port, bad)), b"")
        server.wait_log("proxy-refused address=127.0.0.1 ")
        count = server.log().count("proxy-refused")
        self.balancer(server.mqtt_port).close()  # its check
        self.assertEqual(s.read_to_end(self.balancer(server.mqtt_port, header, source="127.0.0.2")), b"")
        device = over(self.balancer(server.mqtt_port, source="127.0.0.2"), token)
        self.assertEqual(device.code, 0)
        server.wait_log("address=127.0.0.2\n")
        self.assertEqual(server.log().count("proxy-refused"), count)
        self.assertNotIn("192.0.2.7", server.log())

    def test_one_that_waits_with_its_header_holds_nobody_up_and_no_stop(self):
        server = self.start("--mqtt-proxy", "127.0.0.1")
        self.balancer(server.mqtt_port, b"PROXY TCP4 192.0.2.7")
        self.balancer(server.mqtt_port)
        device = over(self.balancer(server.mqtt_port, b"PROXY UNKNOWN\r\n"), server.add_device()["token"])
        self.assertEqual(device.code, 0)

    # --- TLS ---

    def test_a_device_updates_over_tls_alone(self):
        server = self.start()
        added = server.add_device()
        data = s.plain("1.1.0")
        server.ship(server.upload(data))
        device = over(server.connect(server.mqtts_port), added["token"])
        self.assertEqual(device.code, 0)
        device.check_in("1.0.0")
        url = device.offer()["url"]
        self.assertTrue(url.startswith(f"https://{NAME}:{server.https_port}/"), url)
        with server.connect(server.https_port) as stream:
            stream.sendall(f"GET /{url.split('/', 3)[3]} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
            answer = s.read_to_end(stream)
        self.assertIn(b"strict-transport-security: ", answer.lower())
        self.assertEqual(answer.split(b"\r\n\r\n", 1)[1], data)
        device.close()

    def test_a_large_file_arrives_whole_through_tls_in_parts_and_at_once(self):
        server = self.start()
        added = server.add_device()
        data = s.plain("1.1.0") + os.urandom(3 << 20)
        server.ship(server.upload(data))
        device = over(server.connect(server.mqtts_port), added["token"])
        device.check_in("1.0.0")
        path = device.offer()["url"].split("/", 3)[3]
        with server.connect(server.https_port) as stream:
            stream.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() +
                           f"GET /{path} HTTP/1.1\r\nHost: x\r\nRange: bytes=1000000-\r\nConnection: close\r\n\r\n".encode())
            answer = s.read_to_end(stream)
        first, rest = answer.split(b"\r\n\r\n", 1)
        self.assertIn(b"200 OK", first)
        self.assertEqual(rest[:len(data)], data)
        self.assertEqual(rest[len(data):].split(b"\r\n\r\n", 1)[1], data[1000000:])
        device.close()

    def test_what_was_sent_before_a_goodbye_is_taken_however_fast_the_connection_ends(self):
        server = self.start()
        added = server.add_device()
        stream = server.connect(server.mqtts_port)
        login = s.packet(0x10, s.text("MQTT") + b"\x04\xC2\0\x2d" + s.text("") + s.text("device") + s.text(added["token"]))
        values = b"".join(s.packet(0x30, s.text(f"ds/{i % 100}") + b"%d" % i + b" " * 500) for i in range(400))
        stream.sendall(login + values + b"\xE0\0")
        with self.assertRaises(ssl.SSLError):  # it is told of its login, and does not want to know
            stream.unwrap()
        stream.close()
        s.wait_for("it is gone", lambda: not server.device(added)["online"])
        last = server.get(f"/api/v1/devices/{added['id']}/values")["datastreams"]["99"]["value"]
        self.assertEqual(last.rstrip(), "399")
        self.assertEqual(server.device(added)["timeline"][-1]["text"], "the device said goodbye")

    def test_the_certificate_changes_and_nobody_is_disconnected(self):
        server = self.start()
        device = over(server.connect(server.mqtts_port), server.add_device()["token"])
        with server.connect(server.mqtts_port) as probe:
            before = probe.getpeercert(True)
        server.renew()
        server.process.send_signal(signal.SIGHUP)
        s.wait_for("the certificate is read", lambda: "certificate-loaded" in server.log())
        for port in (server.mqtts_port, server.https_port):
            with server.connect(port) as probe:
                self.assertNotEqual(probe.getpeercert(True), before)
        device.check_in("1.0.0")
        device.close()

    def test_a_certificate_that_ends_soon_is_warned_of(self):
        server = self.start()
        self.assertNotIn("certificate-expires", server.log())
        text = server.ask("GET", "/metrics").body.decode()
        ends = int(text.split("\ntandem_certificate_expires_seconds ")[1].split()[0])
        self.assertAlmostEqual(ends, time.time() + 60 * 24 * 3600, delta=3600)
        for new, old in zip(self.authority.sign(NAME, days=5), server.files):
            old.write_bytes(new.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        server.wait_log("warning certificate-expires")
        self.assertRegex(server.log(), "certificate-expires path=.* days=[45] ")

    def test_a_server_that_runs_for_long_warns_of_it_once_a_day(self):
        now = time.time()
        clock = StillClock(Path(self.temporary.name) / "clock", int(now * 1000))
        server = self.start(environment=clock.environment)
        for days, left in ((44.5, 15), (45.5, 14), (61.5, -1)):
            clock.set(int((now + days * 24 * 3600) * 1000))
            server.wait_log(f"days={left} ")
        self.assertEqual(server.log().count("certificate-expires"), 2)
        self.assertEqual(server.log().count("certificate-expired"), 1)

    def test_a_broken_certificate_leaves_the_old_one_in_use(self):
        server = self.start()
        server.files[0].write_text("not a certificate")
        server.process.send_signal(signal.SIGHUP)
        s.wait_for("the error is said", lambda: "certificate-failed" in server.log())
        with server.connect(server.https_port) as probe:
            self.assertTrue(probe.getpeercert())
        server.renew()

    def test_a_certificate_of_another_key_is_refused_at_the_start(self):
        certificate, _ = self.authority.sign(NAME)
        _, key = self.authority.sign(NAME)
        started = subprocess.run(
            [s.PROGRAM, "--data", self.temporary.name + "/none", "--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0",
             "--tls-cert", certificate, "--tls-key", key], stderr=subprocess.PIPE, check=False, timeout=s.LIMIT)
        self.assertEqual(started.returncode, 1)
        self.assertIn(str(key).encode(), started.stderr)

    def test_old_versions_of_tls_are_refused(self):
        server = self.start()
        context = server.context()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", server.https_port), s.LIMIT) as clear, self.assertRaises(ssl.SSLError):
            context.wrap_socket(clear, server_hostname=NAME)

    def handshakes(self, port, ciphers):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        with socket.create_connection(("127.0.0.1", port), s.LIMIT) as clear:
            try:
                context.wrap_socket(clear, server_hostname=NAME).close()
                return True
            except ssl.SSLError:
                return False

    def test_every_connection_has_keys_of_its_own(self):
        """What is recorded today is not read by whoever gets the server's key tomorrow."""
        certificate, key = self.authority.sign(NAME, key=RSA)
        with s.Server("--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key) as server:
            for port in (server.https_port, server.mqtts_port):
                for ciphers in ("ECDHE+AESGCM", "ECDHE+CHACHA20", "ECDHE-RSA-AES128-SHA"):
                    self.assertTrue(self.handshakes(port, ciphers), ciphers)
                self.assertFalse(self.handshakes(port, "kRSA"))

    def test_a_clear_client_at_a_tls_door_is_closed(self):
        server = self.start()
        with socket.create_connection(("127.0.0.1", server.https_port), s.LIMIT) as clear:
            clear.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1", s.read_to_end(clear))
        self.assertEqual(server.ask("GET", "/health", token=False).status, 200)

    # --- client certificates ---

    def test_devices_must_show_a_certificate_where_that_is_asked_for(self):
        devices = Authority(self.temporary.name, "devices")
        server = self.start("--client-ca", devices.certificate)
        token = server.add_device()["token"]
        good, foreign = devices.sign("pump-1"), self.authority.sign("pump-1")
        device = over(server.connect(server.mqtts_port, *good), token)
        self.assertEqual(device.code, 0)
        device.close()
        for client in ((), foreign):
            with self.assertRaises((ssl.SSLError, ConnectionError, AssertionError)):
                over(server.connect(server.mqtts_port, *client), token)
        with self.assertRaises(ssl.SSLError), server.connect(server.https_port, *foreign) as stream:
            stream.recv(1)
        # People need none, but a device does not get round it through them.
        with server.connect(server.https_port) as stream:
            stream.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", s.read_to_end(stream))
        with server.connect(server.https_port) as stream:
            self.assertEqual(WebSocket(stream).status, 403)
        with server.connect(server.https_port, *good) as stream:
            self.assertEqual(over(WebSocket(stream), token).code, 0)

    # --- clear doors ---

    def test_clear_doors_beyond_loopback_must_be_asked_for(self):
        words = [s.PROGRAM, "--data", self.temporary.name + "/none", "--http", "0.0.0.0:0", "--mqtt", "127.0.0.1:0"]
        started = subprocess.run(words, stderr=subprocess.PIPE, check=False, timeout=s.LIMIT)
        self.assertEqual(started.returncode, 1)
        self.assertIn(b"--allow-clear", started.stderr)
        server = s.Server("--allow-clear", "--http", "0.0.0.0:0").__enter__()
        self.addCleanup(server.__exit__)
        self.assertEqual(server.ask("GET", "/health", token=False).status, 200)

    # --- WebSocket ---

    def test_a_device_works_in_a_websocket_clear_and_secure(self):
        server = self.start()
        token = server.add_device()["token"]
        for stream in (socket.create_connection(("127.0.0.1", server.http_port), s.LIMIT), server.connect(server.https_port)):
            socket_ = WebSocket(stream)
            self.assertEqual(socket_.status, 101)
            accept = base64.b64encode(hashlib.sha1((WebSocket.KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            self.assertIn(f"Sec-WebSocket-Accept: {accept.decode()}\r\n", socket_.head + "\r\n")
            self.assertIn("Sec-WebSocket-Protocol: mqtt\r\n", socket_.head + "\r\n")
            device = over(socket_, token)
            self.assertEqual(device.code, 0)
            device.check_in("1.0.0")
            device.close()

    def test_packets_may_be_cut_over_frames_and_share_one(self):
        server = self.start()
        socket_ = self.ws(server)
        device = over(socket_, server.add_device()["token"])
        packet = s.packet(0x32, s.text("info/mcu") + b"\x00\x07" + b"{}")
        socket_.frame(2, packet[:5], fin=False)
        socket_.frame(9, b"are you there")
        socket_.frame(0, packet[5:] + b"\xC0")
        socket_.frame(2, b"\0")
        answers = set()
        while not (7 in device.acknowledged and 0xD0 in answers):
            answers.add(device.step())
        self.assertIn((10, b"are you there"), socket_.frames)

    def test_other_paths_protocols_and_versions_are_no_websocket(self):
        server = self.start()
        for status, more in ((404, {"path": "/"}), (404, {"path": "/mqtt/"}), (400, {"protocol": "chat"}), (400, {"protocol": None}),
                             (426, {"Sec_WebSocket_Version": "8"}), (400, {"Sec_WebSocket_Key": "short"}),
                             (426, {"Upgrade": "h2c"}), (426, {"Connection": "close"})):
            self.assertEqual(self.ws(server, **more).status, status, more)

    def test_lists_of_the_handshake_may_be_spread_over_several_lines(self):
        server = self.start()
        for more in ({"protocol": "mqttv3.1\r\nSec-WebSocket-Protocol: mqtt"}, {"Upgrade": "h2c\r\nUpgrade: websocket"},
                     {"Connection": "keep-alive\r\nConnection: Upgrade"}):
            self.assertEqual(self.ws(server, **more).status, 101, more)

    def test_frames_that_break_a_rule_end_the_connection(self):
        server = self.start()
        token = server.add_device()["token"]
        for first in (b"\x82\x02\xC0\x00",                # not masked
                      b"\xC2\x82\0\0\0\0\xC0\x00",        # a reserved bit
                      b"\x83\x82\0\0\0\0\xC0\x00",        # a reserved opcode
                      b"\x80\x82\0\0\0\0\xC0\x00",        # continues nothing
                      b"\x81\x82\0\0\0\0\xC0\x00",        # text
                      b"\x82\xff" + b"\xff" * 8 + b"\0" * 4,  # longer than there is memory
                      b"\x89\xfe\x00\x80" + b"\0" * 4):   # a ping above 125 bytes
            socket_ = self.ws(server)
            device = over(socket_, token)
            socket_.stream.sendall(first)
            self.assertTrue(device.ended(), first)
            s.wait_for("it is gone", lambda: not server.device({"id": "d1"})["online"])
        self.assertEqual(server.ask("GET", "/health", token=False).status, 200)

    def test_a_flood_of_frames_that_carry_nothing_is_slowed_down(self):
        server = self.start()
        for frame in (b"\x89\x80\1\2\3\4", b"\x82\x80\1\2\3\4"):
            socket_ = self.ws(server)
            device = over(socket_, server.add_device()["token"])
            socket_.stream.sendall(frame * 2000)
            while device.step() >> 4 != 3:  # nothing was asked for, so this is the only thing that comes
                pass
            self.assertEqual([topic for topic, _ in device.messages], ["downlink/diag"])

    def test_a_close_is_answered(self):
        server = self.start()
        socket_ = self.ws(server)
        over(socket_, server.add_device()["token"])
        socket_.frame(8, b"\x03\xe8")
        self.assertEqual(socket_.take(), (8, b"\x03\xe8"))

    def test_a_goodbye_counts_although_the_close_comes_with_it(self):
        server = self.start()
        added = server.add_device()
        socket_ = self.ws(server)
        device = over(socket_, added["token"])
        device.ping()
        socket_.stream.sendall(b"\x82\x82\0\0\0\0\xE0\x00" + b"\x88\x80\0\0\0\0")
        self.assertTrue(device.ended())
        s.wait_for("it is gone", lambda: not server.device(added)["online"])
        self.assertEqual(server.device(added)["timeline"][-1]["text"], "the device said goodbye")


if __name__ == "__main__":
    unittest.main()
