#!/usr/bin/env python3
"""Updates through tandem-ncp under random faults of line, network and processes: no image may be wrong, and every update
must end.

    soak_updates.py [--updates 200] [--seed 1]

The MCU is tests/python/field_driver.py, the cloud tests/ncpd/fake_cloud.py. TANDEM_BIN names the folder of the programs."""

import argparse
import collections
import json
import random
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from fake_cloud import FileServer, Gateway  # noqa: E402
from field_driver import FieldDriver, Firmware  # noqa: E402
from test_ncpd import TOKEN, Ncp  # noqa: E402

WORLDS = 40
CHUNKS = [128, 256, 512, 1024]  # one for each MCU
FAULTY = [0, 0.002, 0.01, 0.03]  # share of the frames, one for each update
LIMIT_S = 600  # of one update: of waiting for time limits, most of it
SETTINGS = {"DownloadStallSeconds": 1, "DownloadAttempts": 4, "StartLimitSeconds": 40}  # an MCU waits 30 s for a prefetch whose answer was lost


class World:
    """One MCU, its co-processor and their cloud, over many updates."""

    def __init__(self, number, seed):
        self.random = random.Random(f"{seed} {number}")
        self.number = number
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-soak-")
        token = Path(self.folder.name, "token")
        token.touch(0o600)
        token.write_text(TOKEN + "\n")
        self.counts = collections.Counter()
        self.wrong = []
        self.unended = []
        self.cloud = Gateway(TOKEN)
        self.files = FileServer(b"none")
        self.mcu = FieldDriver(f"{self.folder.name}/uart", Firmware(
            chunk=self.random.choice(CHUNKS), reboots_ncp=bool(number % 2), prefetches=bool(number % 3)))
        self.start_ncp()

    def start_ncp(self):
        self.ncp = Ncp(self.folder.name, f"unix:{self.folder.name}/uart", self.cloud.port, "--status-socket",
                       f"{self.folder.name}/status", settings=SETTINGS)

    def close(self):
        self.mcu.line_fault = None
        self.ncp.stop()
        self.mcu.close()
        self.files.close()
        self.cloud.close()
        self.folder.cleanup()

    def status(self):
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(5)
                peer.connect(f"{self.folder.name}/status")
                text = b""
                while piece := peer.recv(65536):
                    text += piece
            return json.loads(text)["mcus"][0]
        except (OSError, ValueError):
            return None

    # ---- Faults ----

    def fault_of_line(self):
        """For each frame that arrives at or leaves the MCU."""
        if self.random.random() >= self.rate:
            return None
        kind = self.random.choice(["lose", "lose", "cut", "flip", "no end", "no begin"])
        self.counts[f"line: {kind}"] += 1
        return kind

    def plan(self):
        """The faults of one update: of the line all the time, others at some moments."""
        self.rate = self.random.choice(FAULTY)
        self.mcu.line_fault = self.fault_of_line
        self.files.stall.clear()
        self.files.cut_after = [self.random.randrange(20_000) for _ in range(self.random.randrange(3))]
        self.counts["network: download cut"] += len(self.files.cut_after)
        if self.files.cut_after and self.random.random() < 0.3:
            self.files.stall.set()
            self.counts["network: cut ones stalled"] += 1
        self.files.statuses = [self.random.choice([500, 503, 429]) for _ in range(self.random.randrange(2))]
        self.counts["network: 5xx or 429"] += len(self.files.statuses)
        deeds = [self.kill_ncp, self.reset_mcu, self.cut_cloud, lambda: None]
        return [(self.random.uniform(0, 8), self.random.choice(deeds)) for _ in range(self.random.randrange(3))]

    def kill_ncp(self):
        self.counts["process: co-processor killed"] += 1
        self.ncp.kill()
        self.start_ncp()

    def reset_mcu(self):
        self.counts["process: MCU reset"] += 1
        self.mcu.reset()

    def cut_cloud(self):
        self.counts["network: cloud cut"] += 1
        try:
            self.cloud.cut()
        except OSError:
            pass

    # ---- One update ----

    def update(self, index):
        version = f"2.{self.number}.{index}"
        self.files.set_data(self.random.randbytes(self.random.randrange(5_000, 60_000)))
        self.wait(lambda: (self.status() or {}).get("cloud", {}).get("connected"), "connected")
        deeds = sorted(self.plan(), key=lambda deed: deed[0])
        started = time.monotonic()
        self.offer(version)
        offered_to, ended = self.cloud.connection, None
        while ended is None and time.monotonic() - started < LIMIT_S:
            if deeds and time.monotonic() - started >= deeds[0][0]:
                deeds.pop(0)[1]()
            if self.cloud.connection is not offered_to and self.is_idle():
                # A cloud offers again to a device that checks in without the version.
                offered_to = self.cloud.connection
                self.offer(version)
            ended = self.outcome(version)
            time.sleep(0.05)
        self.judge(version, ended)

    def is_idle(self):
        status = self.status()
        return status and status["cloud"]["connected"] and not status["update"]["active"]

    def offer(self, version):
        try:
            self.cloud.publish("downlink/ota/json", self.files.offer(ver=version))
        except OSError:
            pass  # it was cut just now; the next connection is offered it again

    def outcome(self, version):
        if self.mcu.version == version:
            return "installed"
        status = self.status()
        if status and status["update"]["version"] == version and status["update"]["stage"] == "failed":
            return "failed: " + status["update"]["reason"]
        return None

    def judge(self, version, ended):
        if ended is None:
            self.unended.append((version, self.status()))
        self.counts[f"update {ended or 'did not end'}"] += 1
        if ended != "installed":
            print(f"{version} {ended}:\n{self.ncp.log.read_text()[-6000:]}", file=sys.stderr)
        for image in self.mcu.finished:
            if image != self.files.data:
                self.wrong.append(version)
        self.mcu.finished.clear()

    def wait(self, condition, what):
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}; log:\n{self.ncp.log.read_text()[-4000:]}")
            time.sleep(0.05)


def run_world(number, seed, updates):
    world = World(number, seed)
    try:
        for index in range(updates):
            world.update(index)
    finally:
        world.close()
    return world


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shares = [options.updates // WORLDS + (number < options.updates % WORLDS) for number in range(WORLDS)]
    with ThreadPoolExecutor(WORLDS) as pool:
        worlds = list(pool.map(run_world, range(WORLDS), [options.seed] * WORLDS, shares))
    counts = sum((world.counts for world in worlds), collections.Counter())
    wrong = [version for world in worlds for version in world.wrong]
    unended = [one for world in worlds for one in world.unended]
    print(f"{options.updates} updates through tandem-ncp, seed {options.seed}, {WORLDS} MCUs side by side,\n"
          f"in chunks of {CHUNKS} bytes, with {[100 * share for share in FAULTY]} % of the frames faulty.\n")
    for name in sorted(counts):
        print(f"  {name:<40} {counts[name]:>6}")
    for one in unended:
        print(f"  did not end: {one}")
    print(f"\n{options.updates} updates, {len(wrong)} wrong images, {len(unended)} without an end")
    return 1 if wrong or unended else 0


if __name__ == "__main__":
    sys.exit(main())
