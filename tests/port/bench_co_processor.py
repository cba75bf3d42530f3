"""The co-processor of a bench: it feeds an application, and measures how that takes it (test_product.py)."""

import hashlib
import re
import sys
import termios
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))

import tandem_wire as wire  # noqa: E402
from probe import Line  # noqa: E402

INITIAL_BAUD = 38400
SENDS, CHUNK_SECONDS, FINISH_SECONDS = 6, 5, 5  # docs/PROTOCOL.md, sections 3 and 5
ERASED_BY = 4096  # the chunks up to here may take as long as an erase of the bank, and come again meanwhile
STARTED, CONFIRMED = 1, 3  # events of tandem.deviceReport
CAUSES = ("power", "soft", "watchdog", "fault", "no-link")
REASONS = {int(number): f"{slug} ({text})" for number, slug, text in
           re.findall(r'X\(\w+, (\d+), "([^"]*)", "([^"]*)"', (ROOT / "include/tandem/reason.h").read_text())}


class Trouble(Exception):
    """What is wrong with the application, and where to look."""


class CoProcessor(wire.Peer):
    def __init__(self, uart):
        self.line = Line(uart)
        self.line.set_rate(INITIAL_BAUD)
        super().__init__(self)
        self.file, self.chunk_bytes, self.state, self.deaf, self.new_rate = b"", 0, 10, False, None
        self.info = self.report = self.start_told = None
        self.initialized = self.starts = self.prefetches = self.resent = 0
        self.slowest = 0.0
        for name, handler in {
            "ncp.ping": lambda: None,
            "ncp.hasUID": lambda uid: uid in self.handlers,
            "hw.setUartBaudRate": self.on_rate,
            "blynk.setFirmwareInfo": self.on_info,
            "blynk.initialize": self.on_initialize,
            "blynk.getState": lambda: self.state,
            "blynk.otaUpdatePrefetch": self.on_prefetch,
            "blynk.otaUpdateStart": self.on_start,
            "blynk.otaUpdateGetCRC32": lambda: (zlib.crc32(self.file), True),
            "blynk.otaUpdateGetSHA256": lambda: (hashlib.sha256(self.file).digest(), True),
            "tandem.deviceReport": self.on_report,
            "tandem.deviceStart": self.on_device_start,
        }.items():
            self.serve(name, handler)

    def fileno(self):
        return self.line.fd

    # --- what the device calls ---

    def _serve(self, uid, msg_id, arguments):
        if self.deaf:
            return
        super()._serve(uid, msg_id, arguments)
        if self.new_rate and not self.line.socket:
            termios.tcdrain(self.line.fd)
            self.line.set_rate(self.new_rate)
        self.new_rate = None

    def on_rate(self, baud):
        self.new_rate = baud if self.line.socket or hasattr(termios, f"B{baud}") else None
        return self.new_rate is not None

    def on_info(self, kind, version, build, library):
        self.info, self.report = (kind, version, build, library), None
        return True

    def on_initialize(self, template_id, template_name):
        self.state, self.initialized = 5, self.initialized + 1
        return True

    def on_prefetch(self):
        self.prefetches += 1
        return 1

    def on_start(self, chunk_bytes):
        self.chunk_bytes, self.starts = chunk_bytes, self.starts + 1
        return True

    def on_report(self, event, state, reason, running, about, hardware, counter):
        self.report = (event, state, reason)
        return True

    def on_device_start(self, cause, boots):
        self.start_told = boots, CAUSES[cause] if cause < len(CAUSES) else str(cause)
        return True

    # --- what is asked of it ---

    def must(self, condition, seconds, otherwise):
        if not self.run(until=condition, timeout=seconds):
            raise Trouble(otherwise() if callable(otherwise) else otherwise)

    def answers(self, seconds=1):
        try:
            self.call("mcu.ping", timeout=seconds)
            return True
        except wire.CallFailed:
            return False

    def why(self):
        return REASONS.get(self.report[2], "") if self.report and self.report[2] else ""

    def offer(self, file, name):
        """Up to the first otaUpdateStart; with one bank that is the bootloader's."""
        self.file, self.starts, self.chunk_bytes, initialized, fetched = file, 0, 0, self.initialized, self.prefetches
        self.ask_to_take(name)
        self.must(lambda: self.starts > 0 or self.prefetches > fetched, 60, lambda: "it accepted an offer, and neither asked for data "
                  "nor fetched within a minute: do good_moment, battery_percent and prepare say yes in the end? " + self.why())
        if self.starts == 0:
            self.must(lambda: self.starts > 0 or self.initialized > initialized, 60, "it accepted an offer and fetched, and its bootloader did not initialize "
                      "within a minute: is the bootloader built with -DTANDEM_FETCHES=ON, and does test_board.py find nothing wrong with "
                      "the flash, where the wish to fetch is recorded?")
            if self.starts == 0:
                self.ask_to_take(name)
            self.must(lambda: self.starts > 0, 60, lambda: "the bootloader accepted an offer and did not ask for data: " + self.why())

    def ask_to_take(self, name):
        try:
            if self.call("client.otaUpdateAvailable", name, len(self.file), "", "", "", timeout=20):
                return
        except wire.CallFailed as error:
            raise Trouble(f"an offer came to nothing ({error})") from None
        self.run(timeout=1)  # for the report
        raise Trouble(f"it refuses the offer of {name}: {self.why() or 'no reason was reported'}")

    def feed(self):
        """Sends the file, from the start again where the device starts again."""
        offset, started = 0, self.starts
        while offset < len(self.file):
            chunk = self.file[offset:offset + self.chunk_bytes]
            if self.write(offset, chunk, started):
                offset += len(chunk)
            elif self.starts != started:
                offset, started = 0, self.starts

    def write(self, offset, chunk, started):
        initialized, before = self.initialized, self.start_told
        for sends in range(SENDS):
            begun = time.monotonic()
            pending = self.start("client.otaUpdateWrite", offset, chunk, zlib.crc32(chunk))
            self.run(until=lambda: pending.finished or self.starts != started or self.initialized != initialized, timeout=CHUNK_SECONDS)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            if self.starts != started or (pending.finished and pending.status == wire.OK and pending.results[0]):
                self.resent += sends if offset >= ERASED_BY else 0
                return pending.finished
            if self.initialized != initialized:
                raise Trouble(f"at offset {offset} {self.why_anew(before)}")
            if pending.finished:
                self.run(timeout=1)  # for the report
                raise Trouble(f"it refuses the chunk at offset {offset}: {self.why() or f'status {pending.status:#04x}'}")
        raise Trouble(self.unanswered(offset, len(chunk)))

    def why_anew(self, before):
        self.run(until=lambda: self.start_told != before, timeout=2)
        if self.start_told is None:
            return "it initialized anew: did it restart?"
        if self.start_told == before:
            return ("it took the line for dead and initialized anew, without a restart: answers to its pings got lost, or came while it "
                    "was erasing for too long; what arrives meanwhile must be kept, or board_receives_while_writing be false")
        return (f"it restarted, by {self.start_told[1]}: where that is the watchdog, its period must exceed a signature check, and a driver "
                "whose erase takes longer feeds it")

    def unanswered(self, offset, count):
        if not self.answers(seconds=CHUNK_SECONDS):  # an erase unit may take its time
            return f"it fell silent at offset {offset}: does it hang, with the watchdog fed by somebody else than tdm_mcu_poll?"
        return (f"the chunk at offset {offset} was sent {SENDS} times, {CHUNK_SECONDS} s apart, and never answered, but pings are: {count} "
                f"bytes, as it asked for in otaUpdateStart, travel in up to {2 * (count + 17) + 2}. Are config.rx and the UART's buffer large "
                "enough, is the UART read while the loop does other work, and does erasing a bank take less than 27 s?")

    def finish(self):
        begun, self.state = time.monotonic(), 10
        try:
            taken = self.call("client.otaUpdateFinish", timeout=3 * FINISH_SECONDS)
        except wire.CallFailed as error:
            raise Trouble(f"the end of the update came to nothing ({error}): did it restart before it answered?") from None
        if not taken:
            self.run(timeout=1)
            raise Trouble(f"it refuses what it received: {self.why() or 'no reason was reported'}")
        return time.monotonic() - begun
