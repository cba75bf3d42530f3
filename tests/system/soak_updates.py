#!/usr/bin/env python3
"""Updates a device again and again while its power is cut and its reset button pressed at random moments, and counts what
became of it.

  tests/system/soak_updates.py [--board nrf51|mps2|posix] [--updates 50] [--seed 1]

Exit status 0 if the device came back after every one of them and never ran anything but the two firmwares that it was given."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / folder) for folder in ("tools", "tests/port")]
from machines import CANNOT  # noqa: E402
from tandem_system import TEMPLATE, System, SystemFailure, wait_for  # noqa: E402

VERSIONS = ("1.1.0", "1.6.0")
BACK_SECONDS = 90


class Soak:
    def __init__(self, system, seed):
        self.system, self.random = system, random.Random(seed)
        self.disturbed = {"power cut": 0, "reset": 0}
        self.longest_s = 0
        self.endings = {}

    def disturb(self):
        """A power cut, or a press of the reset button where the machine has one."""
        what = self.random.choice(["power cut"] if self.system.simulated else list(self.disturbed))
        if what == "reset":
            self.system.reset_device()
        else:
            self.system.device.kill()
            self.system.start_device()
        self.disturbed[what] += 1
        return what

    def update(self, version, package):
        """One update, disturbed none to three times in its first seconds; returns how the shipment ended, and by what."""
        shipment = self.system.tandem_json("ship", package, "--template", TEMPLATE)["id"]
        by = []
        for _ in range(self.random.randint(0, 3)):
            time.sleep(self.random.uniform(0.05, 2.0))
            by.append(self.disturb())
        started = time.monotonic()
        row = self.system.wait_shipment(shipment, 180)
        state = wait_for("the device is back, confirmed", self.confirmed, BACK_SECONDS)
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        running = state["firmware"]["version"]
        self.endings[row["status"]] = self.endings.get(row["status"], 0) + 1
        if running not in (*VERSIONS, "1.0.0") or (row["status"] == "success" and running != version):
            raise SystemFailure(f"{running} runs after {version} ended as {row['status']}")
        return row["status"], by

    def confirmed(self):
        state = self.system.device_state()
        return state if state["online"] and state["firmware"]["state"] == "confirmed" else None

    def starts(self):
        """How often an application started, by what the device printed; nothing but what was given to it may have."""
        lines = (self.system.folder / "console.log").read_text(errors="replace").splitlines()
        started = [line.removeprefix("version ") for line in lines if line.startswith("version ")]
        if strange := set(started) - {*VERSIONS, "1.0.0"}:
            raise SystemFailure(f"what started is not what was shipped: {', '.join(sorted(strange))}")
        return len(started)

    def run(self, updates):
        self.system.start()
        packages = {version: self.system.pack(version) for version in VERSIONS}
        for number in range(updates):
            version = VERSIONS[number % 2]
            status, by = self.update(version, packages[version])
            print(f"{number + 1:3} {version}: {status}; {', '.join(by) or 'undisturbed'}", flush=True)


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
            starts = soak.starts()
        except SystemFailure as failure:
            print(f"soak, seed {options.seed}: {failure}", file=sys.stderr)
            return 1
    endings = ", ".join(f"{count} {status}" for status, count in sorted(soak.endings.items()))
    disturbed = ", ".join(f"{count} {what}s" for what, count in soak.disturbed.items())
    print(f"board {options.board}, seed {options.seed}: {options.updates} updates, {disturbed}; {endings}; "
          f"{starts} starts, 0 bricks, 0 wrong images; longest wait after the last of them {soak.longest_s:.0f} s")
    for what, why in CANNOT[options.board].items():
        print(f"not checked here: {what}: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
