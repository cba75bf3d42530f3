"""A primary MCU for tests of tandem-ncp: listens on a UNIX socket, initialises, takes updates."""

import hashlib
import os
import queue
import socket
import sys
import threading
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from tandem_wire import CallFailed, Peer  # noqa: E402


class FakeMcu:
    """Lives on a thread of its own; a test waits for its events."""

    def __init__(self, path, chunk=512, library="1.3.2"):
        self.path, self.chunk, self.library = path, chunk, library
        self.version = "1.0.0"
        self.image = bytearray()
        self.offer = None
        self.offers = 0
        self.prefetches = False
        self.events = queue.Queue()  # "initialized", "offered", "finished", ...
        self.states = []
        self.digests = {}
        self.refuse_with = None  # reason of the device report that follows a refused chunk
        self.hold_at = None  # stop answering when so many bytes are here
        self.noise = b""  # sent before each frame
        self.closing = threading.Event()
        self.peer = None
        self.todo = queue.Queue()
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(0.05)
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def close(self):
        """Switched off."""
        self.closing.set()
        self.thread.join(5)
        self.listener.close()

    def _live(self):
        while not self.closing.is_set():
            try:
                port, _ = self.listener.accept()
            except socket.timeout:
                continue
            try:
                self._session(port)
            except (ConnectionError, CallFailed, OSError) as error:
                self.events.put(f"ended: {error!r}")
            port.close()

    def _session(self, port):
        self.peer = Peer(port)
        self.todo = queue.Queue()
        self.peer.serve("mcu.ping", lambda: None)
        self.peer.serve("mcu.reboot", self._reboot)
        self.peer.serve("client.blynkStateChange", self.states.append)
        self.peer.serve("client.otaUpdateAvailable", self._available)
        self.peer.serve("client.otaUpdateWrite", self._write)
        self.peer.serve("client.otaUpdateFinish", self._finish)
        self.peer.serve("client.otaUpdateCancel", lambda: self.events.put("cancelled"))
        if self.noise:
            self.peer.send_raw(self.noise)
        self._initialize()
        while not self.closing.is_set():
            self.peer.run(until=lambda: self.closing.is_set() or not self.todo.empty(), timeout=0.05)
            if not self.todo.empty():
                self.todo.get()()

    def _initialize(self):
        self.peer.call("ncp.ping", timeout=2)
        assert self.peer.call("blynk.setFirmwareInfo", "demo", self.version, "Nov 22 2026", self.library)
        assert self.peer.call("blynk.initialize", "TMPLdemo", "Tandem demo")
        assert self.peer.call("ncp.hasUID", 0x5401)
        self.report(1, 0)
        self.events.put("initialized")

    def report(self, event, reason):
        running = hashlib.sha256(self.version.encode()).digest()
        assert self.peer.call("tandem.deviceReport", event, 1, reason, running, b"", "fake", 3)

    def _reboot(self):
        self.events.put("reboot")
        return True

    def _available(self, *offer):
        self.offer, self.image = offer, bytearray()
        self.offers += 1
        self.events.put("offered")
        self.todo.put(self._start)
        return True

    def _start(self):
        if self.prefetches:
            self.events.put(f"prefetch {self.peer.call('blynk.otaUpdatePrefetch')}")
        assert self.peer.call("blynk.otaUpdateStart", self.chunk)

    def _write(self, offset, chunk, crc32):
        if self.refuse_with is not None:
            self.todo.put(lambda: self.report(2, self.refuse_with))
            return False
        if self.hold_at is not None and len(self.image) >= self.hold_at:
            self.events.put("holding")
            self.closing.wait()
            raise ConnectionError("switched off")
        if offset != len(self.image) or zlib.crc32(chunk) != crc32:
            return False
        self.image += chunk
        return True

    def _finish(self):
        for call in ("CRC32", "MD5", "SHA256"):
            self.digests[call], good = self.peer.call(f"blynk.otaUpdateGet{call}")
            assert good
        self.events.put("finished")
        self.todo.put(self._restart)
        return True

    def _restart(self):
        self.version = self.offer[3]
        self._initialize()
