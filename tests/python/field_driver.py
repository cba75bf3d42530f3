"""A primary MCU as products in the field have it: behaves like firmware built on the widespread NCP driver (0.7.0)
and its reference update code, with all that docs/PROTOCOL.md, section 9, says of them.

    mcu = FieldDriver("/tmp/uart", Firmware(chunk=128, room=256))    # listens, lives on a thread of its own
    mcu.faults["answer client.otaUpdateWrite"] = [None, "lose"]       # the second answer to a chunk is lost
    mcu.events.get()                                                  # "initialized", "offered", ...

Synchronous to the bone: it serves calls while its main loop runs, or while it waits for a result of its own. What
arrives while it works on flash sits in a small hardware buffer, or is lost."""

import os
import queue
import select
import socket
import struct
import termios
import threading
import time
import zlib
from dataclasses import dataclass

import tandem_wire as wire

RING_BYTES = 32


@dataclass
class Firmware:
    """What differs from product to product."""

    version: str = "1.0.0"
    chunk: int = 1024
    room: int = 2048  # of the message buffer, its bound unchecked
    unit: int = 1  # program unit: a short chunk in the middle is padded to it
    hardware_bytes: int = 64  # kept of what arrives while flash is worked on
    erase_seconds: float = 0
    write_seconds: float = 0  # of the chunk at slow_offset
    slow_offset: int = -1
    resets_at: int = -1  # once, when the chunk at this offset comes
    prefetches: bool = False
    starts_in_offer: bool = False  # otaUpdateStart before the offer is answered, as older code does
    starts: bool = True
    escapes_flow_control: bool = True  # False: XON and XOFF stand bare in what it sends, as nobody set its framing up
    hardware: tuple = (("hw.initRGB", 15, 12, 13, False), ("hw.setLedBrightness", 128))  # calls of each bring-up
    reboots_ncp: bool = False  # ncp.reboot in each bring-up, where no reset line is wired
    chatter: int = 0  # pins written in each turn of the main loop, updates or not
    watch: str = "blynk.getState"  # or "ncp.ping", which never learns of state 10
    watch_seconds: float = 30
    rates: tuple = (38400, 115200, 460800)
    target: int = 460800


class Reset(Exception):
    """The processor starts anew."""


class Off(Exception):
    """The test is over."""


def damaged(frame, fault):
    """What is left of a frame."""
    middle = len(frame) // 2
    return {None: frame, "lose": b"", "cut": frame[:middle], "no end": frame[:-1], "no begin": frame[1:],
            "flip": frame[:middle] + bytes([frame[middle] ^ 0x20]) + frame[middle + 1 :]}[fault]


class Line:
    """Bytes to and from the co-processor, with whole frames damaged on the way where a test asks for it."""

    def __init__(self, port, faults, rate_of=None, escaped=wire.RESERVED):
        self.port, self.faults, self.rate_of, self.escaped = port, faults, rate_of, escaped
        self.rate = 0
        self.waiting = bytearray()  # what has arrived
        self.frame = None  # the one that is arriving
        self.overruns = 0  # bytes that the hardware buffer had no room for
        self.asked = {}  # message id -> name, of the MCU's calls
        self.between = bytes  # gives noise that goes out before each frame
        self.raw = bytearray()  # all that ever arrived
        self.at_random = None  # gives a fault, or None, for each frame that none is planned for

    def fault(self, kind):
        planned = self.faults.get(kind)
        if planned:
            return planned.pop(0)
        return self.at_random() if self.at_random else None

    def wait(self, seconds):
        if select.select([self.port], [], [], seconds)[0]:
            self.fill()

    def fill(self, room=None):
        while select.select([self.port], [], [], 0)[0]:
            data = os.read(self.port.fileno(), 4096)
            if not data:
                raise ConnectionError
            self.raw += data
            if self.rate_of is None or self.rate_of() == self.rate:
                for byte in data:
                    self._arrive(byte)
        if room is not None and len(self.waiting) > room:
            self.overruns += len(self.waiting) - room
            del self.waiting[room:]

    def _arrive(self, byte):
        if self.frame is None and byte != wire.BEG:
            self.waiting.append(byte)
            return
        self.frame = (self.frame or b"") + bytes([byte])
        if byte == wire.END:
            self.waiting += self._damaged(self.frame)
            self.frame = None

    def _damaged(self, frame):
        (payload,) = wire.FrameReader().feed(frame) or [b""]
        kind = None
        if payload[:2] == struct.pack("<H", wire.RESULT):
            kind = f"result {self.asked.get(struct.unpack_from('<H', payload, 2)[0])}"
        elif len(payload) >= 4:
            kind = wire.BY_UID[struct.unpack_from("<H", payload, 2)[0]].name
        fault = self.fault(kind)
        return damaged(frame, fault)

    def send(self, kind, payload):
        frame = wire.encode_frame(payload, self.escaped)
        self.send_raw(self.between() + damaged(frame, self.fault(kind)))

    def send_raw(self, data):
        if self.rate_of is not None and self.rate_of() != self.rate:
            return
        while data:
            if not select.select([], [self.port], [], 5)[1]:
                raise ConnectionError
            data = data[os.write(self.port.fileno(), data) :]


class FieldReader:
    """Its frame reader: a ring of 32 bytes behind the line, whose counter knows no bounds. A BEG inside of a frame is
    data; a frame without a byte makes the counter go below 0, and what it then reads is junk."""

    OUTSIDE, INSIDE, ESCAPED, ENDED = range(4)

    def __init__(self, line, room):
        self.line, self.room = line, room
        self.ring = bytearray(RING_BYTES)
        self.read = self.write = self.count = self.longest = 0
        self.state = self.OUTSIDE
        self.message = bytearray()
        self.overran = False  # wrote behind the end of its message buffer

    def poll(self):
        """A message whose CRC is right, or None."""
        while True:
            self._fill()
            while self.count > 1:
                self._store(self._pop())
                self._fill()
            if self.state != self.ENDED:
                return None
            message, crc = bytes(self.message), self._pop()
            self.message = bytearray()
            self.state = self.OUTSIDE
            if crc == wire.crc8(message):
                self.longest = max(self.longest, len(message))
                return message

    def _store(self, byte):
        self.message.append(byte)
        self.overran = self.overran or len(self.message) > self.room

    def _pop(self):
        byte = self.ring[self.read]
        self.read = (self.read + 1) % RING_BYTES
        self.count = (self.count - 1) & 0xFF
        return byte

    def _push(self, byte):
        self.ring[self.write] = byte
        self.write = (self.write + 1) % RING_BYTES
        self.count += 1

    def _fill(self):
        if self.state == self.ENDED and self.count > 0:
            return
        waiting, used = self.line.waiting, 0
        while used < len(waiting) and self.count < RING_BYTES and self.state != self.ENDED:
            self._take(waiting[used])
            used += 1
        del waiting[:used]

    def _take(self, byte):
        if self.state == self.OUTSIDE:
            self.state = self.INSIDE if byte == wire.BEG else self.OUTSIDE
        elif self.state == self.ESCAPED:
            self._push(byte ^ 0xFF)
            self.state = self.INSIDE
        elif byte == wire.ESC:
            self.state = self.ESCAPED
        elif byte == wire.END:
            self.state = self.ENDED
        else:
            self._push(byte)


class FieldDriver:
    """The whole MCU on a thread of its own; a test waits for its events."""

    def __init__(self, path, firmware=None, pty=None):
        self.firmware = firmware or Firmware()
        self.version = self.firmware.version
        self.events = queue.Queue()
        self.states = []
        self.told = []  # events that it was told of
        self.hardware = []  # what its hardware calls said
        self.raised = None  # what hw.setUartBaudRate said
        self.faults = {}  # kind of frame -> what happens to the next ones of it
        self.noise_between = bytes  # gives noise that goes out before each frame
        self.line_fault = None  # gives a fault, or None, for each frame (Line.at_random)
        self.digests = {}
        self.offer = None
        self.finished = []  # images that it took for good
        self.image = bytearray()
        self.chunks = []  # (offset, bytes) as they came
        self.short_chunks = []  # offsets of those that were padded in the middle
        self.overran = False
        self.longest = 0
        self.lost_bytes = 0
        self.closing, self.resetting = threading.Event(), threading.Event()
        self.noise = b""
        self.line = self.reader = None
        self.listener = None if pty else self._listen(path)
        self.thread = threading.Thread(target=self._live, args=(pty,), daemon=True)
        self.thread.start()

    def close(self):
        """Switched off."""
        self.closing.set()
        self.thread.join(10)
        if self.listener:
            self.listener.close()

    def reset(self):
        """Its reset line is pulled; the UART stays as it is."""
        self.resetting.set()

    @staticmethod
    def _listen(path):
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(0.05)
        return listener

    def _live(self, pty):
        if pty:
            self._sessions(pty, lambda: _rate(pty))
            return
        while not self.closing.is_set():
            try:
                port, _ = self.listener.accept()
            except socket.timeout:
                continue
            self._sessions(port)
            port.close()

    def _sessions(self, port, rate_of=None):
        flow_control = {wire.XON, wire.XOFF} if not self.firmware.escapes_flow_control else set()
        self.line = Line(port, self.faults, rate_of, wire.RESERVED - flow_control)
        self.line.between = lambda: self.noise_between()
        self.line.at_random = lambda: self.line_fault() if self.line_fault else None
        try:
            while True:
                try:
                    self._run_once()
                except Reset:
                    self.line.waiting.clear()
                    self.events.put("reset")
        except (Off, ConnectionError, OSError, ValueError):  # the last: a port that a test has closed
            pass

    def _run_once(self):
        self.resetting.clear()
        self.seq, self.state, self.failures = 0, 10, 0
        self.ota, self.size, self.offset, self.crc32 = "idle", 0, 0, 0
        self.reinit_at = None
        self.reader = FieldReader(self.line, self.firmware.room)
        self._initialize()
        self.watch_at = time.monotonic() + self.firmware.watch_seconds
        while True:
            self._rpc_run()
            self._ota_step()
            self._watch()
            for pin in range(self.firmware.chatter):
                self._tell("blynk.virtualWrite", pin, b"21.5")
            self.line.wait(0.01)

    def _check(self):
        self.overran = self.overran or self.reader.overran
        self.longest = max(self.longest, self.reader.longest)
        self.lost_bytes = self.line.overruns
        if self.closing.is_set():
            raise Off
        if self.resetting.is_set():
            raise Reset

    def _work(self, seconds):
        """Flash is erased or programmed: nothing else runs."""
        if self.closing.wait(seconds):
            raise Off
        self.line.fill(room=self.firmware.hardware_bytes)

    # ---- Calls ----

    def _receive(self, timeout):
        deadline = time.monotonic() + timeout
        while True:
            self._check()
            self.line.fill()
            message = self.reader.poll()
            if message is not None:
                return message
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.line.wait(min(left, 0.05))

    def _call(self, name, *arguments):
        """The results, None after an error. Each message that comes meanwhile starts the time anew."""
        call = wire.BY_NAME[name]
        self.seq = (self.seq + 1) & 0xFFFF
        seq = self.seq
        self.line.asked[seq] = name
        self.line.send(f"call {name}", wire.invoke(call.uid, seq, wire.pack(call.arguments, arguments)))
        while (message := self._receive(call.timeout_ms / 1000)) is not None:
            if message[:2] != struct.pack("<H", wire.RESULT):
                self._handle(message)
            elif struct.unpack_from("<H", message, 2)[0] == seq:
                return wire.unpack(call.results, message[5:]) if message[4] == wire.OK else None
        return None

    def _tell(self, name, *arguments):
        call = wire.BY_NAME[name]
        self.line.send(f"call {name}", wire.oneway(call.uid, wire.pack(call.arguments, arguments)))

    def _is_true(self, name, *arguments):
        results = self._call(name, *arguments)
        return results is not None and results[-1:] == [True]

    def _rpc_run(self):
        while (message := self._receive(0)) is not None:
            self._handle(message)

    def _handle(self, message):
        (opcode,) = struct.unpack_from("<H", message)
        if opcode not in (wire.INVOKE, wire.ONEWAY):
            return
        (uid,) = struct.unpack_from("<H", message, 2)
        call = wire.BY_UID.get(uid)
        handler = getattr(self, "_on_" + call.name.split(".")[1], None) if call and call.server == "mcu" else None
        if handler is None:
            return  # an unknown uid gets no answer
        head = 6 if opcode == wire.INVOKE else 4
        try:
            arguments = wire.unpack(call.arguments, message[head:])
        except wire.WireError:
            if opcode == wire.INVOKE:
                self._answer(call, message, wire.ARGS_READ, b"")
            return
        returned = handler(*arguments)
        if opcode == wire.INVOKE:
            self._answer(call, message, wire.OK, wire.pack(call.results, [] if returned is None else [returned]))

    def _answer(self, call, message, status, results):
        self.line.send(f"answer {call.name}", wire.result(struct.unpack_from("<H", message, 4)[0], status, results))

    # ---- Bring-up and the life of the link ----

    def _initialize(self):
        while True:
            self._check()
            if self._connect() and self._introduce():
                self.events.put("initialized")
                return
            self.closing.wait(0.02)

    def _connect(self):
        if self.noise:
            self.line.send_raw(self.noise)
        if not self._raise_rate():
            return False
        if self.firmware.reboots_ncp:
            self._call("ncp.reboot")
            return self._raise_rate()
        return True

    def _raise_rate(self):
        for rate in self.firmware.rates:
            self.line.rate = rate
            if self._call("ncp.ping") is None:
                self.closing.wait(0.02)
                continue
            if rate == self.firmware.target:
                return True
            self.raised = self._is_true("hw.setUartBaudRate", self.firmware.target)
            self.line.rate = self.firmware.target
            self.closing.wait(0.02)
            return self._call("ncp.ping") is not None
        return False

    def _introduce(self):
        self._call("blynk.getNcpVersion")
        self._call("blynk.setFirmwareInfo", "demo", self.version, "Nov 22 2026", "1.3.2")
        self.hardware = [self._is_true(*call) for call in self.firmware.hardware]
        self._call("blynk.setConfigTimeout", 1800)
        return self._is_true("blynk.initialize", "TMPLdemo", "Tandem demo")

    def _watch(self):
        now = time.monotonic()
        if self.reinit_at is not None and now >= self.reinit_at:
            self.events.put("initializes anew")
            raise Reset
        if now < self.watch_at:
            return
        self.watch_at = now + self.firmware.watch_seconds
        results = self._call(self.firmware.watch)
        self.failures = self.failures + 1 if results is None else 0
        if self.failures >= 10 or results == [10]:
            raise Reset

    def _on_ping(self):
        return None

    def _on_hasUID(self, uid):  # noqa: N802
        call = wire.BY_UID.get(uid)
        return call is not None and call.server == "mcu"

    def _on_reboot(self):
        self.events.put("reboot")
        self.resetting.set()
        return True

    def _on_blynkStateChange(self, state):  # noqa: N802
        self.states.append(state)
        if state == 10 and self.state != 10:
            self.reinit_at = time.monotonic() + 1
        self.state = state

    def _on_processEvent(self, event):  # noqa: N802
        self.told.append(event)
        if event == 1:  # the co-processor restarts
            self.reinit_at = time.monotonic() + 1

    # ---- The update ----

    def _on_otaUpdateAvailable(self, *offer):  # noqa: N802
        self.offer = offer
        self.events.put("offered")
        self._work(self.firmware.erase_seconds)
        self.size, self.offset, self.crc32 = offer[1], 0, 0
        self.image = bytearray()
        self.ota = "prefetch" if self.firmware.prefetches else "start"
        if self.firmware.starts_in_offer:
            self._call("blynk.otaUpdateStart", self.firmware.chunk)
            self.ota = "in progress"
        return True

    def _ota_step(self):
        if self.ota == "prefetch":
            self.events.put(f"prefetch {self._call('blynk.otaUpdatePrefetch')}")
            self.ota = "start"  # whatever the answer
        elif self.ota == "start":
            self.ota = "in progress"  # and never again, whatever the answer
            if self.firmware.starts:
                self._call("blynk.otaUpdateStart", self.firmware.chunk)
        elif self.ota == "apply":
            self.closing.wait(0.05)
            self.version = self.offer[3]
            raise Reset

    def _on_otaUpdateWrite(self, offset, chunk, crc32):  # noqa: N802
        self.chunks.append((offset, len(chunk)))
        if zlib.crc32(chunk) != crc32 or offset != self.offset:
            return False
        if offset == self.firmware.resets_at:
            self.firmware.resets_at = -1
            raise Reset
        if offset == self.firmware.slow_offset:
            self._work(self.firmware.write_seconds)
        if len(chunk) % self.firmware.unit and offset + len(chunk) != self.size:
            self.short_chunks.append(offset)
        self.image += chunk
        self.crc32 = zlib.crc32(chunk, self.crc32)
        self.offset += len(chunk)
        return True

    def _on_otaUpdateFinish(self):  # noqa: N802
        if self.offset != self.size:
            return False
        for digest in ("MD5", "SHA256", "CRC32"):
            results = self._call(f"blynk.otaUpdateGet{digest}")
            self.digests[digest] = results[0] if results and results[1] else None
        if self.digests["CRC32"] != self.crc32:
            return False
        self.ota = "apply"
        self.finished.append(bytes(self.image))
        self.events.put("finished")
        return True

    def _on_otaUpdateCancel(self):  # noqa: N802
        self.events.put("cancelled")


def _rate(pty):
    """The rate that the other side of the pseudo-terminal is set to."""
    names = {termios.B9600: 9600, termios.B38400: 38400, termios.B115200: 115200, termios.B460800: 460800}
    return names.get(termios.tcgetattr(pty)[4])
