#!/usr/bin/env python3
"""Every pair of power cuts, in every scenario, on the smallest layouts (docs/TORTURE.md); prints the table that
`tools/soak pairs` keeps.

    tools/soak_pairs.py                  all of it: about two hours of one core
    tools/soak_pairs.py --minutes 10     ten minutes of it; the next call with --minutes goes on
    tools/soak_pairs.py --one-in 50      a drawn share of the pairs
    tools/soak_pairs.py --layout tiny    the layout with two banks alone"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TANDEM = Path(os.environ.get("TANDEM_BIN", ROOT / "build/bin")) / "tandem"
KEPT = ROOT / "build/soak-pairs.json"  # what earlier calls with --minutes did
LAYOUTS = ("tiny", "one-tiny")


def torture(*arguments):
    done = subprocess.run([TANDEM, "torture", "--json", *arguments], check=False, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def scenarios(layouts):
    """(layout, scenario) of all, those with the fewest operations first."""
    rows = [(row["operations"], layout, row["scenario"]) for layout in layouts
            for row in torture("--layout", layout, "--cuts", "none")["scenarios"]]
    return [(layout, scenario) for _, layout, scenario in sorted(rows)]


def load(one_in):
    """Of this program and share only."""
    try:
        kept = json.loads(KEPT.read_text())
    except (OSError, ValueError):
        kept = {}
    mine = {"program": hashlib.sha256(TANDEM.read_bytes()).hexdigest(), "one_in": one_in}
    return kept if {key: kept.get(key) for key in mine} == mine else {**mine, "done": {}}


def run(kept, todo, until):
    def one(run):
        if time.monotonic() > until:
            return None
        layout, scenario = run
        result = torture("--layout", layout, "--cuts", "pairs", "--scenario", scenario, "--one-in", str(kept["one_in"]))
        return f"{layout}:{scenario}", result["scenarios"][0]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for ended in pool.map(one, todo):
            if ended:
                kept["done"][ended[0]] = ended[1]
                KEPT.write_text(json.dumps(kept))


def table(kept, order):
    rows = [(layout, scenario, kept["done"].get(f"{layout}:{scenario}")) for layout, scenario in order]
    done = [row for _, _, row in rows if row]
    pairs = sum(row["cases"] - 1 for row in done)
    possible = sum((row["cases"] - 1) * row["one_in"] for row in done)
    print("Pairs of power cuts. A bank has 5 pages of 256 bytes here, the fewest there can be: the header area takes 4, the image 1.\n")
    print(f"{'layout':<10} {'scenario':<28} {'operations':>10} {'share':>8} {'pairs':>9} {'failed':>6} {'boots':>5}")
    for layout, scenario, row in rows:
        if row:
            share = "all" if row["one_in"] == 1 else f"1 in {row['one_in']}"
            print(f"{layout:<10} {scenario:<28} {row['operations']:>10} {share:>8} {row['cases'] - 1:>9} {row['failed']:>6} "
                  f"{row['worst_boots']:>5}")
            if row["failed"]:
                print(f"    tandem torture --layout {layout} --case {row['first_failed']}: {row['verdict']}")
        else:
            print(f"{layout:<10} {scenario:<28} {'not run':>10}")
    failed = sum(row["failed"] for row in done)
    print(f"\n{len(done)} of {len(rows)} scenarios, {pairs:,} pairs, about {100 * pairs / max(possible, 1):.0f} % of all there are in "
          f"these; {failed} failed")
    return failed == 0 and len(done) == len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--one-in", type=int, default=1)
    parser.add_argument("--layout", choices=LAYOUTS)
    options = parser.parse_args()
    kept, order = load(options.one_in), scenarios([options.layout] if options.layout else LAYOUTS)
    run(kept, [(layout, scenario) for layout, scenario in order if f"{layout}:{scenario}" not in kept["done"]],
        time.monotonic() + 60 * options.minutes)
    return 0 if table(kept, order) else 1


if __name__ == "__main__":
    sys.exit(main())
