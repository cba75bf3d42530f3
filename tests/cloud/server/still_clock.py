"""The time of day that a server under test sees: it stands until the test moves it (tests/cloud/model/still_clock.c)."""

import os
import struct

import server as s

LIBRARY = os.environ.get("TANDEM_STILL_CLOCK") or str(s.PROGRAM).replace("bin/tandem-cloud", "tests/bin/libstill_clock.so")


class StillClock:
    def __init__(self, path, now_ms):
        self.path = path
        self.environment = {"LD_PRELOAD": LIBRARY, "TANDEM_CLOCK_FILE": str(path),
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.set(now_ms)

    def set(self, now_ms):
        self.now = now_ms
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("=q", now_ms))
