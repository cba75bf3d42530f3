"""The words that the oracle has for devices, firmware and shipments, and how versions and dates compare."""

import re
from dataclasses import dataclass, field
from datetime import datetime

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
SETTLE = 5 * MINUTE
ANSWER, SILENCE, HOLD, RETRY, POSTPONED, TURN = (
    5 * MINUTE, 30 * MINUTE, 5 * SECOND, MINUTE, 15 * MINUTE, MINUTE)
REPEATS = 5
UNDER_WAY = {"process-started", "request-sent", "firmware-requested", "firmware-downloaded"}


# --- What compares ---

def version_key(text):
    """Semantic Versioning 2.0.0, section 11; a leading v, and one to four numbers. None: no version."""
    match = re.fullmatch(r"v?(\d+(?:\.\d+){0,3})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", text)
    if not match:
        return None
    numbers = [int(part) for part in match[1].split(".")] + [0] * 4
    if match[2] is None:
        return numbers[:4], (1,)
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in match[2].split(".")]
    return numbers[:4], (0, parts)


def build_date(text):
    for form in ("%b %d %Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            pass
    return None


def lower(has, brings, key):
    """None where they do not compare."""
    a, b = key(has), key(brings)
    return None if a is None or b is None else a < b


# --- Records ---

@dataclass
class Firmware:
    id: str
    type: str
    version: str
    build: str = ""
    library: str = ""
    hardware: str = None  # of a package
    digest: str = ""
    size: int = 0


@dataclass
class Device:
    id: str
    location_timezone: str = None
    timezone: str = None
    metadata_timezone: str = None
    seen: bool = False
    foreign: bool = False
    online: bool = False
    checked_in: bool = False  # in this connection
    reported: bool = False    # in this connection
    reports: bool = False     # ever
    type: str = ""
    version: str = ""
    build: str = ""
    library: str = ""
    digest: str = None
    hardware: str = ""
    trial: bool = False
    small: bool = False       # it takes no message as long as an offer
    last: str = None          # shipment that offered last
    rejected: set = field(default_factory=set)


@dataclass
class Wave:
    success: int = 90
    failure: int = 0
    minimum: int = 10
    soak: int = 0
    reached: int = 0
    forgiven: bool = False
    forgiven_sample: int = 0
    forgiven_bad: int = 0


@dataclass
class Shipment:
    id: str
    firmware: Firmware
    condition: str = "any"
    slot: str = "any"
    user_controlled: bool = False
    attempts: int = 3
    period: int = 24 * HOUR
    per_minute: int = 0
    bytes_per_second: int = 0
    expires: int = 0
    state: str = "live"
    stopped: bool = False     # by its gate
    wave: int = 1
    waves: list = field(default_factory=lambda: [Wave()])
    turn: int = 0
    all_devices: bool = False

    @property
    def interval(self):
        """Milliseconds between two offers, rounded up; 0 without a limit."""
        by_count = -(-MINUTE // self.per_minute) if self.per_minute else 0
        by_bytes = -(-self.firmware.size * SECOND // self.bytes_per_second) if self.bytes_per_second else 0
        return max(by_count, by_bytes)


@dataclass
class Target:
    wave: int = 1
    status: str = "waiting"
    reason: str = "none"
    stage: str = None
    ended: bool = False
    attempts: int = 0
    period_start: int = 0
    attempt_start: int = 0
    repeats: int = 0
    consent: bool = False
    due: int = 0
    turn: int = 0

    def move(self, status, reason="none", due=0):
        self.status, self.reason, self.due = status, reason, due

    def end(self, status, reason="none"):
        self.stage = None
        self.move(status, reason)
        self.ended = True

    @property
    def under_way(self):
        return not self.ended and self.status in UNDER_WAY

    def is_repeat(self, now):
        over = self.status == "firmware-downloaded" and self.stage is None
        return self.under_way and not over and self.repeats < REPEATS and now - self.attempt_start < SILENCE

    def spent(self, period, now):
        return self.attempts if self.attempts and now - self.period_start < period else 0
