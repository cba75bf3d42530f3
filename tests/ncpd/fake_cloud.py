"""A cloud for tests of tandem-ncp: the device side of MQTT 3.1.1 and the download, as docs/PROTOCOL.md section 7 has
them, with the faults that a test asks for."""

import base64
import hashlib
import http.server
import json
import queue
import re
import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14


def _receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _read_packet(connection):
    first = _receive(connection, 1)[0]
    length = shift = 0
    while True:
        byte = _receive(connection, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first, _receive(connection, length)


def _packet(first, body):
    length, head = len(body), bytes([first])
    while True:
        byte, length = length & 0x7F, length >> 7
        head += bytes([byte | (0x80 if length else 0)])
        if not length:
            return head + body


def _text(data, at):
    (length,) = struct.unpack_from(">H", data, at)
    return data[at + 2 : at + 2 + length].decode(), at + 2 + length


class Gateway:
    """MQTT: takes one token, remembers what was published."""

    def __init__(self, token, port=0, tls=None, host="127.0.0.1"):
        self.token, self.tls = token, tls
        self.published = queue.Queue()  # (topic, payload)
        self.logins = queue.Queue()  # CONNACK code of each attempt
        self.subscribed = []
        self.acknowledges = True
        self.closes = False  # on each device once it subscribed
        self.sends_to = None  # a port that each device is redirected to once it subscribed
        self.connection = None
        self.listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def publish(self, topic, payload):
        name = topic.encode()
        self.connection.sendall(_packet(PUBLISH << 4, struct.pack(">H", len(name)) + name + payload))

    def cut(self):
        """Ends the connection, as a crash would; the next one is taken."""
        self.connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        except OSError:
            pass  # closed before
        self.listener.close()
        if self.connection:
            self.connection.close()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            code = self._login(connection)
            if code == 0:
                self.connection = connection  # before the other side can know of it
            connection.sendall(_packet(CONNACK << 4, bytes([0, code])))
            self.logins.put(code)
            while code == 0:
                self._take(connection, *_read_packet(connection))
        except (ConnectionError, OSError, struct.error):
            pass  # gone, or no MQTT at all
        finally:
            connection.close()

    def _login(self, connection):
        first, body = _read_packet(connection)
        assert first >> 4 == CONNECT
        protocol, at = _text(body, 0)
        level, flags, keep_alive = struct.unpack_from(">BBH", body, at)
        assert (protocol, level, flags, keep_alive) == ("MQTT", 4, 0xC2, 45), (protocol, level, flags, keep_alive)
        client_id, at = _text(body, at + 4)
        user, at = _text(body, at)
        password, at = _text(body, at)
        assert len(client_id) <= 64 and at == len(body)
        return 0 if (user, password) == ("device", self.token) else 4

    def _take(self, connection, first, body):
        kind = first >> 4
        if kind == PUBLISH:
            topic, at = _text(body, 0)
            qos = first >> 1 & 3
            if qos == 1:
                if self.acknowledges:
                    connection.sendall(_packet(PUBACK << 4, body[at : at + 2]))
                at += 2
            assert qos < 2 and len(body) <= 1024
            self.published.put((topic, body[at:]))
        elif kind == SUBSCRIBE:
            self.subscribed.append(_text(body, 2)[0])
            connection.sendall(_packet(SUBACK << 4, body[:2] + b"\1"))
            if self.closes:
                raise ConnectionError
            if self.sends_to:
                self.publish("downlink/redirect", b"127.0.0.1:%d" % self.sends_to)
        elif kind == PINGREQ:
            connection.sendall(_packet(PINGRESP << 4, b""))
        elif kind == DISCONNECT:
            raise ConnectionError


class FileServer:
    """HTTP: one file, its digests in the head, Range; cut short, refused or lied about where a test asks for it."""

    def __init__(self, data, port=0, tls=None):
        self.set_data(data)
        self.etag = None  # answers carry it, and If-Range is heeded
        self.cut_after = []  # the next answers end after so many bytes of body
        self.statuses = []  # the next answers are these: a status, or (status, headers)
        self.every_status = None  # all answers are this
        self.ranges = []  # the Range of each request, None without
        self.if_ranges = []
        self.times = []  # when each request came
        self.takes_ranges = True
        self.range_shift = 0  # a part begins so many bytes later than it was asked for
        self.always_partial = False  # 206 to everything
        self.chunked = False
        self.stall = threading.Event()  # set: a cut answer hangs instead of ending
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer._answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that are killed
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/dl/app-1.1.0.tdm?token=secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set_data(self, data):
        self.data = data
        self.sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
        self.md5 = hashlib.md5(data).hexdigest()

    def _answer(self, request):
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        self.if_ranges.append(request.headers.get("If-Range"))
        self.times.append(time.monotonic())
        status = self.statuses.pop(0) if self.statuses else self.every_status
        if status is not None:
            self._answer_status(request, *(status if isinstance(status, tuple) else (status, {})))
            return
        start = self._start(request, wanted)
        body = self.data[start:]
        request.send_response(206 if start or self.always_partial else 200)
        if start or self.always_partial:
            request.send_header("Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        if self.chunked:
            request.send_header("Transfer-Encoding", "chunked")
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        else:
            request.send_header("Content-Length", str(len(body)))
        self._send_info(request)
        self._send_body(request, body)

    def _start(self, request, wanted):
        condition = request.headers.get("If-Range")
        if not wanted or not self.takes_ranges or (condition and condition != self.etag):
            return 0
        return int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1)) + self.range_shift

    @staticmethod
    def _answer_status(request, status, headers):
        request.send_response(status)
        request.send_header("Content-Length", "0")
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    def _send_info(self, request):
        request.send_header("x-sha256", self.sha256)
        request.send_header("x-md5", self.md5)
        request.send_header("x-fw-type", "demo")
        request.send_header("x-fw-ver", "1.1.0")
        request.send_header("x-fw-build", "Nov 22 2026")
        if self.etag:
            request.send_header("ETag", self.etag)
        request.end_headers()

    def _send_body(self, request, body):
        cut = self.cut_after.pop(0) if self.cut_after else None
        request.close_connection = cut is not None
        try:
            request.wfile.write(body[:cut])
            request.wfile.flush()
            if cut is not None and self.stall.is_set():
                request.connection.recv(1)  # until the client is gone
        except OSError:
            pass

    def offer(self, **changes):
        fields = {"url": self.url, "size": len(self.data), "type": "demo", "ver": "1.1.0", "build": "Nov 22 2026"}
        fields.update(changes)
        return json.dumps({key: value for key, value in fields.items() if value is not None}).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
