#!/usr/bin/env python3
"""Applies the deltas of bench/encoding.py on the simulated device, with the power cut at each operation of its flash. Prints a
section of docs/FIGURES.md.

    bench/delta_cuts.py               pairs of bench/encoding.py; minutes
    bench/delta_cuts.py OLD NEW       any two files

Each operation is cut once, in one of the ways of docs/TORTURE.md in turn. A case that does not end as it must is printed with
what replays it, on the layout and the images that are kept for that."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
from encoding import BIN, PAIRS, image_of  # noqa: E402

WAYS_TO_CUT = 14  # sim/torture.c
PAGE = 1024
BANK = 0x38000
FLASH = 0x08000000
LAYOUT = {"name": "pairs", "flash": {"address": FLASH, "bytes": 0x80000, "erase_bytes": PAGE, "program_bytes": 32},
          "record": [{"address": FLASH + n * PAGE, "bytes": PAGE} for n in (0, 1)], "keys": {"address": FLASH + 2 * PAGE},
          "banks": [{"address": FLASH + 0x1000 + n * BANK, "bytes": BANK} for n in (0, 1)], "header_bytes": PAGE}
SCENARIO = "delta-framed"


def pairs(folder):
    if len(sys.argv) == 3:
        return [(Path(sys.argv[2]).name, Path(sys.argv[1]), Path(sys.argv[2]))]
    return [(name, image_of(old, folder, f"{number}-old"), image_of(new, folder, f"{number}-new"))
            for number, (name, old, new) in enumerate(PAIRS)]


def torture(layout, old, new):
    done = subprocess.run([BIN / "tandem", "torture", "--layout", layout, "--scenario", SCENARIO, "--base", old, "--image", new, "--cuts",
                           "each", "--one-in", str(WAYS_TO_CUT), "--json"], text=True, stdout=subprocess.PIPE, check=False)
    if not done.stdout:
        sys.exit(f"delta_cuts.py: {old} to {new}: the simulator did not run")
    return json.loads(done.stdout)["scenarios"][0]


def main():
    folder = Path(tempfile.mkdtemp(prefix="tandem-cuts-"))
    layout = folder / "layout.json"
    layout.write_text(json.dumps(LAYOUT))
    chosen = pairs(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(lambda pair: torture(layout, *pair[1:]), chosen))
    print("## Deltas under power cuts\n\nEach delta of the pairs above on the simulated device (docs/TORTURE.md; two banks of 224 KiB, pages of 1 KiB, units "
          "of 32 bytes), with\nthe power cut at each operation of its flash, once. A brick is a case that did not end as it must.\n\n"
          "| pair | flash operations | cut at | bricks | boots |\n| --- | --- | --- | --- | --- |")
    for (name, old, new), row in zip(chosen, rows):
        print(f"| {name} | {row['operations']:,} | {row['cuts']:,} | {row['failed']} | {row['worst_boots']} |")
        if row["failed"]:
            print(f"tandem torture --layout {layout} --base {old} --image {new} --case {row['first_failed']}: {row['verdict']}",
                  file=sys.stderr)
    if any(row["failed"] or row["cuts"] < row["operations"] for row in rows):
        return 1
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
