"""A running tandem-cloud, and the two kinds of clients it has: people (REST) and devices (MQTT), in plain Python."""

import base64
import hashlib
import http.client
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import contract  # noqa: E402
import database  # noqa: E402
import tandem_package as package  # noqa: E402

PROGRAM = os.environ.get("TANDEM_CLOUD") or Path(__file__).resolve().parents[3] / "build/asan/bin/tandem-cloud"
TEMPLATE = "TMPL0vFkFmJM7"
LIMIT = 20  # seconds that anything may take


def wait_for(what, condition):
    """The condition's first true value."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"timed out: {what}")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.cookies = response.headers.get_all("Set-Cookie") or []
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Person:
    """Somebody's browser: a session's cookie, and the header that a script of this site sends."""

    def __init__(self, server, login=None, password=None):
        self.server = server
        self.cookie = None
        if login:
            answer = self.sign_in(login, password)
            assert answer.status == 201, answer.body

    def ask(self, method, path, body=None, headers=None):
        headers = {"X-Tandem-Request": "1", **(headers or {})}
        if self.cookie:
            headers["Cookie"] = self.cookie
        answer = self.server.ask(method, path, body, token=False, headers=headers)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    def sign_in(self, login, password):
        return self.ask("POST", "/api/v1/session", {"login": login, "password": password})


class Server:
    """Starts in a fresh folder, or in the same one again; use as a context manager. On SQLite, unless the options or
    database.py name another database."""

    def __init__(self, *options, folder=None, environment=None, program=PROGRAM):
        self.program, self.options = program, options
        self.environment = {**os.environ, **(environment or {})}
        self.own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="tandem-cloud-"))
        self.data = self.folder / "data"
        self.database = None if "--database" in options else database.of(self.data)
        self.process = None
        self.fixed_http_port = 0  # any that is free
        self.limits = {}  # of resources, for what is started next

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder)

    def start(self):
        self.log_path = self.folder / f"log-{time.monotonic_ns()}"
        with open(self.log_path, "wb") as log, open(self.folder / "out", "wb") as out:
            self.process = subprocess.Popen(
                [self.program, "--data", self.data, "--http", f"127.0.0.1:{self.fixed_http_port}", "--mqtt",
                 "127.0.0.1:0", *self.options, *(self.database.options if self.database else ())],
                stdout=out, stderr=log, env=self.environment, preexec_fn=self._limit)
        started = wait_for("the server says its ports", self._ports)
        self.http_port, self.mqtt_port = int(started["http"]), int(started["mqtt"])
        self.https_port, self.mqtts_port = int(started["https"]), int(started["mqtts"])
        self.token = (self.data / "admin.token").read_text().strip()

    def _limit(self):
        for kind, limit in self.limits.items():
            resource.setrlimit(kind, (limit, limit))

    def _ports(self):
        if self.process.poll() is not None:
            raise AssertionError(f"tandem-cloud ended: {self.log()}")
        ports = dict(re.findall(r'(\w+)_port"?[=:](\d+)', self.log()))
        return len(ports) == 4 and ports

    def log(self):
        return self.log_path.read_text()

    def wait_log(self, text):
        """What the server writes on its own time, after the answer or without one."""
        wait_for(f"{text!r} in the log", lambda: text in self.log())

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            status = self.process.wait(LIMIT)
            self.process = None
            assert status == 0, f"exit status {status}: {self.log()}"

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT)
        self.process = None

    # --- REST ---

    def ask(self, method, path, body=None, token=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=LIMIT)
        headers = dict(headers or {})
        if token is not False:
            headers["Authorization"] = f"Bearer {token or self.token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        answer = Answer(connection.getresponse())
        connection.close()
        contract.check(method, path, answer)
        return answer

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path, body=None):
        answer = self.ask("POST", path, body)
        assert answer.status in (200, 201), answer.body
        return answer.json

    def add_device(self, template=TEMPLATE, **more):
        return self.post("/api/v1/devices", {"template": template, **more})

    def upload(self, data, name="app.bin"):
        return self.post(f"/api/v1/firmware?name={name}", data)

    def ship(self, firmware, **more):
        return self.post("/api/v1/shipments", {"template": TEMPLATE, "firmware": firmware["id"], **more})

    def target(self, shipment, device=0):
        return self.get(f"/api/v1/shipments/{shipment['id']}")["devices"][device]

    def wait_status(self, shipment, status):
        return wait_for(f"status {status}, not {self.target(shipment)}",
                        lambda: self.target(shipment)["status"] == status and self.target(shipment))

    def device(self, device):
        return self.get(f"/api/v1/devices/{device['id']}")

    def raw(self, data):
        """Sends bytes to the HTTP port, and gives what comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.http_port), LIMIT) as connection:
            connection.sendall(data)
            return read_to_end(connection)


def read_to_end(connection):
    answer = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return answer
        if not piece:
            return answer
        answer += piece


# --- MQTT 3.1.1, as a device speaks it ---

def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def packet(kind, body):
    length, size = b"", len(body)
    while True:
        size, digit = size >> 7, size & 0x7F
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


class Device:
    """A device's MQTT connection, from this source. login=False leaves the CONNECT to the caller."""

    def __init__(self, server, token, user="device", login=True, version=4, keep_alive=45, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", server.mqtt_port), LIMIT, source_address=(source, 0))
        self.buffer = b""
        self.next_id = 0
        self.messages = []
        self.acknowledged = set()
        if login:
            self.code = self.login(token, user, version, keep_alive)

    def login(self, token, user="device", version=4, keep_alive=45):
        properties = b"\0" if version == 5 else b""
        body = text("MQTT") + bytes([version, 0xC2]) + struct.pack(">H", keep_alive) + properties
        self.socket.sendall(packet(0x10, body + text("") + text(user) + text(token)))
        kind, answer = self.receive()
        assert kind == 0x20, f"no CONNACK but {kind}"
        return answer[1]

    def close(self):
        self.socket.close()

    def receive(self):
        """The next packet: (first byte, body); (None, b"") at the end of the connection."""
        end = time.monotonic() + LIMIT
        while True:
            found = self._take()
            if found:
                return found
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise AssertionError("timed out: a packet from the server")
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None, b""
            self.buffer += data

    def _take(self):
        size, shift, at = 0, 0, 1
        while at < len(self.buffer):
            size |= (self.buffer[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not self.buffer[at - 1] & 0x80:
                break
        else:
            return None
        if len(self.buffer) < at + size:
            return None
        kind, body = self.buffer[0], self.buffer[at:at + size]
        self.buffer = self.buffer[at + size:]
        return kind, body

    def step(self):
        """Takes one packet in."""
        kind, body = self.receive()
        assert kind is not None, "the server closed the connection"
        if kind >> 4 == 3:
            length = struct.unpack(">H", body[:2])[0]
            self.messages.append((body[2:2 + length].decode(), body[2 + length:]))
        elif kind >> 4 == 4:
            self.acknowledged.add(struct.unpack(">H", body[:2])[0])
        return kind

    def publish(self, topic, payload):
        """At QoS 1; returns when the server has acknowledged it, so it is on disk."""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        if isinstance(payload, str):
            payload = payload.encode()
        self.next_id += 1
        self.socket.sendall(packet(0x32, text(topic) + struct.pack(">H", self.next_id) + payload))
        while self.next_id not in self.acknowledged:
            self.step()

    def subscribe(self, topic):
        self.next_id += 1
        self.socket.sendall(packet(0x82, struct.pack(">H", self.next_id) + text(topic) + b"\0"))
        while self.step() != 0x90:
            pass

    def ping(self):
        """What the server had to say before this has arrived afterwards."""
        self.socket.sendall(b"\xC0\0")
        while self.step() != 0xD0:
            pass

    def check_in(self, version, build="", template=TEMPLATE, kind="pump"):
        self.publish("info/mcu", {"tmpl": template, "ver": version, "build": build, "type": kind, "rxbuff": 1024})

    def report(self, **fields):
        self.publish("ota/report", fields)

    def device_report(self, event="started", state="confirmed", reason="none", digest="", about=""):
        self.report(stage="device", event=event, state=state, reason=reason, digest=digest, about=about,
                    hardware="board-1", counter=1)

    def offer(self):
        """The next offer, as a dictionary."""
        while True:
            for i, (topic, payload) in enumerate(self.messages):
                if topic == "downlink/ota/json":
                    del self.messages[i]
                    return json.loads(payload)
            self.step()

    def offers(self):
        """Those that arrived by now."""
        self.ping()
        found = [payload for topic, payload in self.messages if topic == "downlink/ota/json"]
        self.messages = []
        return found

    def ended(self):
        """The server closes the connection."""
        while self.receive()[0] is not None:
            pass
        return True


# --- Firmware ---

def plain(version, kind="pump", build=""):
    return hashlib.sha256(version.encode()).digest() * 100 + package.tag_build(version, kind, build) + b"the end"


def packed(version, kind="pump", hardware="board-1", build=""):
    """A package, signed by nobody: the server holds no keys. Returns (file, image digest in hex)."""
    image = hashlib.sha256(version.encode()).digest() * 300
    firmware = package.Firmware(kind=kind, version=version, build=build, hardware=hardware, image=image, counter=1,
                                link_address=package.ANYWHERE)
    head = package.head_of(firmware, 0x11223344)
    return package.package_build(firmware, head, bytes(64)), hashlib.sha256(image).hexdigest()


def digest_header(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
