"""The wire between primary MCU and co-processor, a second time: frames, messages, calls, and a peer.

Written from docs/PROTOCOL.md, sections 1 to 3, not from the C sources, so that each can be held against the
other. Standard library only.

    peer = Peer(connect_unix("/tmp/uart"))
    peer.serve("client.otaUpdateAvailable", lambda name, size, *tag: True)
    peer.call("ncp.ping")                                  # blocks, serving meanwhile; returns the results
    mac, ok = peer.call("hw.getWiFiMAC")
    pending = peer.start("blynk.getState")                 # does not block
    peer.run(until=lambda: pending.finished, timeout=2)
"""

import os
import select
import socket
import struct
import termios
import time
import tty
from dataclasses import dataclass

# ---- Frames, section 1 ----

BEG, END, ESC, XON, XOFF = 0xAA, 0xBB, 0xCC, 0x11, 0x13
RESERVED = {BEG, END, ESC, XON, XOFF}
PAYLOAD_MAX = 1536


def crc8(data):
    """Polynomial 0x07, bit by bit, as a CRC is defined."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ (0x107 if crc & 0x80 else 0)
    return crc


def escape(data, reserved=RESERVED):
    out = bytearray()
    for byte in data:
        out += bytes([ESC, byte ^ 0xFF]) if byte in reserved else bytes([byte])
    return bytes(out)


def encode_frame(payload, reserved=RESERVED):
    return bytes([BEG]) + escape(payload + bytes([crc8(payload)]), reserved) + bytes([END])


class FrameReader:
    """Bytes in, payloads of good frames out."""

    def __init__(self, capacity=65536):
        self.capacity = capacity  # payload and CRC
        self.frame = None  # what came since BEG; None outside of a frame
        self.escaped = False
        self.good = self.bad_crc = self.oversized = self.cut_short = self.noise = 0

    def feed(self, data):
        return [payload for byte in data if (payload := self.push(byte)) is not None]

    def push(self, byte):
        if self.frame is None:
            if byte == BEG:
                self._begin()
            else:
                self.noise += 1
        elif self.escaped:
            self.escaped = False
            self._append(byte ^ 0xFF)
        elif byte == BEG:
            self.cut_short += not self._too_long()
            self._begin()
        elif byte == END:
            return self._end()
        elif self._too_long():
            pass
        elif byte == ESC:
            self.escaped = True
        else:
            self._append(byte)
        return None

    def _begin(self):
        self.frame = bytearray()

    def _too_long(self):
        return len(self.frame) > self.capacity

    def _append(self, byte):
        self.frame.append(byte)
        self.oversized += len(self.frame) == self.capacity + 1

    def _end(self):
        frame, too_long = bytes(self.frame), self._too_long()
        self.frame = None
        if too_long or len(frame) == 0:
            return None
        if crc8(frame[:-1]) != frame[-1]:
            self.bad_crc += 1
            return None
        if len(frame) == 1:
            return None
        self.good += 1
        return frame[:-1]


# ---- Fields and messages, section 2 ----

INVOKE, RESULT, ONEWAY = 0x67BC, 0xA512, 0x1CF3

OK, GENERIC, TIMEOUT, MEMORY, UNKNOWN_UID = 0x00, 0x10, 0x11, 0x12, 0x13
ARGS_WRITE, ARGS_READ, RESULTS_WRITE, RESULTS_READ = 0x14, 0x15, 0x16, 0x17

# Signature characters of fixed size; 's' String and 'b' Binary have none.
FIXED = {"?": "<B", "B": "<B", "H": "<H", "h": "<h", "I": "<I", "q": "<q"}


class WireError(Exception):
    """Bytes that do not fit a signature."""


def pack(signature, values):
    if len(signature) != len(values):
        raise WireError(f"{len(signature)} fields wanted, {len(values)} given")
    out = b""
    for kind, value in zip(signature, values):
        if kind == "s":
            out += value.encode() + b"\0"
        elif kind == "b":
            out += struct.pack("<H", len(value)) + value
        else:
            out += struct.pack(FIXED[kind], value)
    return out


def unpack(signature, data):
    """All fields, and nothing left over; Bool as bool, String as str, Binary as bytes."""
    values, at = [], 0
    for kind in signature:
        value, at = _unpack_one(kind, data, at)
        values.append(value)
    if at != len(data):
        raise WireError(f"{len(data) - at} bytes too many")
    return values


def _unpack_one(kind, data, at):
    if kind == "s":
        end = data.find(b"\0", at)
        if end < 0:
            raise WireError("String without its NUL")
        return data[at:end].decode(errors="surrogateescape"), end + 1
    size = struct.calcsize(FIXED.get(kind, "<H"))
    if at + size > len(data):
        raise WireError("fields end too early")
    if kind == "b":
        (length,) = struct.unpack_from("<H", data, at)
        at += size
        if at + length > len(data):
            raise WireError("Binary ends too early")
        return data[at : at + length], at + length
    (value,) = struct.unpack_from(FIXED[kind], data, at)
    return (value != 0 if kind == "?" else value), at + size


def invoke(uid, msg_id, arguments=b""):
    return struct.pack("<HHH", INVOKE, uid, msg_id) + arguments


def result(msg_id, status, results=b""):
    return struct.pack("<HHB", RESULT, msg_id, status) + (results if status == OK else b"")


def oneway(uid, arguments=b""):
    return struct.pack("<HH", ONEWAY, uid) + arguments


# ---- Calls, section 3 ----


@dataclass(frozen=True)
class Call:
    uid: int
    name: str
    arguments: str
    results: str
    timeout_ms: int  # 0: ONEWAY
    server: str  # "ncp" or "mcu"


def _calls(server, text):
    for line in text.strip().splitlines():
        uid, name, arguments, results, timeout_ms = line.split()
        yield Call(int(uid, 16), name, arguments.strip("-"), results.strip("-"), int(timeout_ms), server)


CALLS = [
    *_calls(
        "ncp",
        """
        0101 ncp.ping                     -      -       100
        0102 ncp.reboot                   -      ?      1000
        0103 ncp.hasUID                   H      ?      1000
        0201 hw.setUartBaudRate           I      ?      1000
        0211 hw.initUserButton            H?     ?      1000
        0221 hw.initLED                   H?     ?      1000
        0222 hw.initRGB                   HHH?   ?      1000
        0223 hw.initARGB                  HBB    ?      1000
        0224 hw.setLedBrightness          B      ?      1000
        0231 hw.getWiFiMAC                -      s?     1000
        0232 hw.getEthernetMAC            -      s?     1000
        0301 blynk.initialize             ss     ?      5000
        0302 blynk.setVendorPrefix        s      ?      1000
        0303 blynk.setVendorServer        s      ?      1000
        0304 blynk.setFirmwareInfo        ssss   ?      1000
        0305 blynk.getNcpVersion          -      s?     1000
        0306 blynk.getState               -      B      1000
        0307 blynk.getHotspotName         -      s?     1000
        0311 blynk.virtualWrite           Hb     -         0
        0312 blynk.syncAll                -      -         0
        0313 blynk.syncVirtual            b      -         0
        0314 blynk.setProperty            Hsb    -         0
        0315 blynk.beginGroup             q      -         0
        0316 blynk.endGroup               -      -         0
        0317 blynk.logEvent               ss     -         0
        0318 blynk.resolveEvent           s      -         0
        0319 blynk.resolveAllEvents       s      -         0
        031A blynk.setMetadata            ss     -         0
        0321 blynk.configStart            -      ?      1000
        0322 blynk.configStop             -      ?      1000
        0323 blynk.configReset            -      ?      1000
        0324 blynk.isConfigured           -      ?      1000
        0325 blynk.setConfigTimeout       H      ?      1000
        0326 blynk.setConfigSkipLimit     B      ?      1000
        0331 blynk.factoryReset           -      ?      1000
        0332 blynk.factoryTestWiFi        ss     hB    30000
        0333 blynk.factoryTestWiFiAP      H      B      5000
        033A blynk.factoryTestConnect     -      B     10000
        0341 blynk.otaUpdateStart         H      ?      1000
        0342 blynk.otaUpdateGetCRC32      -      I?     1000
        0343 blynk.otaUpdateGetMD5        -      b?     1000
        0344 blynk.otaUpdateGetSHA256     -      b?     1000
        0345 blynk.otaUpdatePrefetch      -      B     30000
        0346 blynk.otaUpdateSuspend       H      ?      1000
        0351 blynk.setTime                q      ?      1000
        0352 blynk.getTime                -      sqhsB? 1000
        0353 blynk.getLocationInfo        -      ssss?  1000
        5401 tandem.deviceReport          BBBbbsI ?     1000
        5402 tandem.otaUpdateResume       I      II?    1000
        5403 tandem.deviceStart           BI     ?      1000
        5404 tandem.otaUpdateWindow       B      ?      1000
        5405 tandem.deviceDecodes         B      ?      1000
        """,
    ),
    *_calls(
        "mcu",
        """
        0181 mcu.ping                     -      -       100
        0182 mcu.reboot                   -      ?      1000
        0183 mcu.hasUID                   H      ?      1000
        0411 client.blynkStateChange      B      -         0
        0412 client.blynkVPinChange       Hb     -         0
        0421 client.processEvent          B      -         0
        0441 client.otaUpdateAvailable    sIsss  ?      5000
        0442 client.otaUpdateWrite        IbI    ?      5000
        0443 client.otaUpdateFinish       -      ?      5000
        0444 client.otaUpdateCancel       -      -      1000
        """,
    ),
]
BY_NAME = {call.name: call for call in CALLS}
BY_UID = {call.uid: call for call in CALLS}


# ---- A peer ----


class CallFailed(Exception):
    """A call ended without results; status is None when it timed out."""

    def __init__(self, name, status):
        super().__init__(f"{name}: " + ("no answer" if status is None else f"status {status:#04x}"))
        self.status = status


class Later:
    """What a handler returns to answer later, with Peer.answer(later, ...)."""

    def __init__(self):
        self.msg_id = self.call = None


class Pending:
    """A call of ours in flight."""

    def __init__(self, call):
        self.call = call
        self.finished = False
        self.status = None
        self.results = None

    def value(self):
        """The results: None, the only one, or a list."""
        if self.status != OK:
            raise CallFailed(self.call.name, self.status)
        return self.results[0] if len(self.results) == 1 else (self.results or None)


class Peer:
    """One side of the link over a file descriptor. Whatever waits, serves: handlers may call in turn."""

    def __init__(self, port):
        self.port = port  # anything with fileno()
        self.reader = FrameReader()
        self.handlers = {}
        self.in_flight = {}
        self.next_msg_id = 1
        self.served = []  # (call or uid, arguments), in order
        self.bytes_in = self.bytes_out = 0

    # Calls of ours

    def start(self, name, *arguments):
        call = BY_NAME[name]
        pending = Pending(call)
        payload = pack(call.arguments, arguments)
        if call.timeout_ms == 0:
            pending.finished, pending.status, pending.results = True, OK, []
            self.send(oneway(call.uid, payload))
            return pending
        msg_id = self._new_msg_id()
        self.in_flight[msg_id] = pending
        self.send(invoke(call.uid, msg_id, payload))
        return pending

    def call(self, name, *arguments, timeout=None):
        """Results as Pending.value; CallFailed with a status, or without one after timeout seconds."""
        pending = self.start(name, *arguments)
        limit = pending.call.timeout_ms / 1000 if timeout is None else timeout
        self.run(until=lambda: pending.finished, timeout=limit)
        self.in_flight = {i: p for i, p in self.in_flight.items() if p is not pending}
        return pending.value()

    def _new_msg_id(self):
        while self.next_msg_id == 0 or self.next_msg_id in self.in_flight:
            self.next_msg_id = (self.next_msg_id + 1) & 0xFFFF
        msg_id = self.next_msg_id
        self.next_msg_id = (self.next_msg_id + 1) & 0xFFFF
        return msg_id

    # Calls of theirs

    def serve(self, name, handler):
        """handler(*arguments) returns the results: None, one, or a tuple; a Later; or raises CallFailed."""
        self.handlers[BY_NAME[name].uid] = handler

    def answer(self, later, *results):
        self.send(result(later.msg_id, OK, pack(later.call.results, results)))

    def _serve(self, uid, msg_id, arguments):
        handler, call = self.handlers.get(uid), BY_UID.get(uid)
        status, packed = UNKNOWN_UID, b""
        if handler is not None:
            status, packed = self._handle(handler, call, msg_id, arguments)
        if msg_id is not None and status is not None:
            self.send(result(msg_id, status, packed))

    def _handle(self, handler, call, msg_id, arguments):
        try:
            values = unpack(call.arguments, arguments)
        except WireError:
            return ARGS_READ, b""
        self.served.append((call.name, values))
        try:
            answer = handler(*values)
        except CallFailed as failed:
            return failed.status, b""
        if isinstance(answer, Later):
            answer.msg_id, answer.call = msg_id, call
            return None, b""
        if call.timeout_ms == 0:
            return None, b""
        values = [] if answer is None else list(answer) if isinstance(answer, tuple) else [answer]
        return OK, pack(call.results, values)

    # Bytes

    def send(self, payload):
        self.send_raw(encode_frame(payload))

    def send_raw(self, data):
        self.bytes_out += len(data)
        while data:
            _, ready, _ = select.select([], [self.port], [], 10)
            if not ready:
                raise TimeoutError("the other side does not take our bytes")
            data = data[os.write(self.port.fileno(), data) :]

    def run(self, until=lambda: False, timeout=1.0):
        """Serves until the condition holds; False if timeout seconds pass first. ConnectionError at the end
        of the stream."""
        deadline = time.monotonic() + timeout
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not select.select([self.port], [], [], left)[0]:
                continue
            data = os.read(self.port.fileno(), 4096)
            if not data:
                raise ConnectionError("the other side closed the link")
            self.bytes_in += len(data)
            for payload in self.reader.feed(data):
                self._take(payload)
        return True

    def _take(self, payload):
        if len(payload) >= 6 and payload[:2] == struct.pack("<H", INVOKE):
            uid, msg_id = struct.unpack_from("<HH", payload, 2)
            self._serve(uid, msg_id, payload[6:])
        elif len(payload) >= 4 and payload[:2] == struct.pack("<H", ONEWAY):
            self._serve(struct.unpack_from("<H", payload, 2)[0], None, payload[4:])
        elif len(payload) >= 5 and payload[:2] == struct.pack("<H", RESULT):
            self._finish(*struct.unpack_from("<HB", payload, 2), payload[5:])

    def _finish(self, msg_id, status, results):
        pending = self.in_flight.pop(msg_id, None)
        if pending is None:
            return
        try:
            pending.results = unpack(pending.call.results, results) if status == OK else []
            pending.status = status
        except WireError:
            pending.status = RESULTS_READ
        pending.finished = True


def connect_unix(path, timeout=10.0):
    """Connects to a socket that may not be there yet."""
    deadline = time.monotonic() + timeout
    while True:
        port = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            port.connect(path)
            return port
        except OSError:
            port.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def open_pty():
    """A pair: our end, and the path that the other side opens as its UART."""
    ours, theirs = os.openpty()
    tty.setraw(theirs, termios.TCSANOW)
    path = os.ttyname(theirs)
    return os.fdopen(ours, "rb+", buffering=0), path
