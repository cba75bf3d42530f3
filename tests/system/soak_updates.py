#!/usr/bin/env python3
"""Updates a device again and again while its power is cut at random moments, and counts what became of it.

  tests/system/soak_updates.py [--board nrf51|mps2|posix] [--updates 50] [--seed 1]

Exit status 0 if the device came back after every cut and never ran anything but the two firmwares that it was given."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from tandem_system import TEMPLATE, System, SystemFailure, wait_for  # noqa: E402

VERSIONS = ("1.1.0", "1.6.0")
BACK_SECONDS = 90


class Soak:
    def __init__(self, system, seed):
        self.system, self.random = system, random.Random(seed)
        self.cuts = self.longest_s = 0
        self.endings = {}

    def update(self, version, package):
        """One update with none to three power cuts in its first seconds; returns how the shipment ended."""
        shipment = self.system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        for _ in range(self.random.randint(0, 3)):
            time.sleep(self.random.uniform(0.05, 2.0))
            self.system.device.kill()
            self.system.start_device()
            self.cuts += 1
        started = time.monotonic()
        row = self.system.wait_shipment(shipment, 180)
        state = wait_for("the device is back, confirmed", self.confirmed, BACK_SECONDS)
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        running = state["firmware"]["version"]
        self.endings[row["status"]] = self.endings.get(row["status"], 0) + 1
        if running not in (*VERSIONS, "1.0.0") or (row["status"] == "success" and running != version):
            raise SystemFailure(f"{running} runs after {version} ended as {row['status']}")
        return row["status"]

    def confirmed(self):
        state = self.system.device_state()
        return state if state["online"] and state["firmware"]["state"] == "confirmed" else None

    def run(self, updates):
        self.system.start()
        packages = {version: self.system.pack(version) for version in VERSIONS}
        for number in range(updates):
            version = VERSIONS[number % 2]
            cuts = self.cuts
            status = self.update(version, packages[version])
            print(f"{number + 1:3} {version}: {status}, {self.cuts - cuts} power cuts", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", default="nrf51")
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-soak-") as folder, System(folder, board=options.board) as system:
        soak = Soak(system, options.seed)
        try:
            soak.run(options.updates)
        except SystemFailure as failure:
            print(f"soak, seed {options.seed}: {failure}", file=sys.stderr)
            return 1
    endings = ", ".join(f"{count} {status}" for status, count in sorted(soak.endings.items()))
    print(f"board {options.board}, seed {options.seed}: {options.updates} updates, {soak.cuts} power cuts; {endings}; "
          f"0 bricks, 0 wrong images; longest wait after the last cut {soak.longest_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
