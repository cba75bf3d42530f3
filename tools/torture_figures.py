#!/usr/bin/env python3
"""How the simulated device fares under torture (docs/TORTURE.md): every cut on every small layout, every pair of cuts on the
tiniest, a drawn share of the pairs elsewhere. Prints the section for docs/FIGURES.md; two runs at a time.

    tools/torture_figures.py [--share N]    one pair of N (400) on the layouts that are not tiny"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TANDEM = Path(__file__).resolve().parent.parent / "build/bin/tandem"
TWO_BANKS = ("tiny", "small", "small-once", "small-wide", "long", "long-once")
ONE_BANK = ("one-tiny", "one", "one-once", "one-wide", "one-long")
ASKED_FOR = 100_000  # distinct cut cases for each kind of device


def runs(share):
    for layout in TWO_BANKS + ONE_BANK:
        yield layout, "each", 1
        yield layout, "pairs", 1 if layout.endswith("tiny") else share


def torture(run):
    layout, cuts, one_in = run
    done = subprocess.run([TANDEM, "torture", "--layout", layout, "--cuts", cuts, "--one-in", str(one_in), "--json"],
                          check=False, text=True, stdout=subprocess.PIPE)
    result = json.loads(done.stdout)
    for row in result["scenarios"]:
        if row["failed"]:
            print(f"tandem torture --layout {layout} --case {row['first_failed']}: {row['verdict']}", file=sys.stderr)
    return run, result


def row(run, result):
    layout, cuts, one_in = run
    share = "all" if one_in == 1 else f"1 in {one_in}"
    return (f"| {layout} | {cuts} | {share} | {result['cases']:,} | {result['cuts']:,} | {result['failed']} "
            f"| {result['worst_boots']} |\n")


def total(name, results):
    cases = sum(r["cases"] for r in results)
    boots = max(r["worst_boots"] for r in results)
    return cases, f"| **{name}** | | | **{cases:,}** | **{sum(r['cuts'] for r in results):,}** | **{sum(r['failed'] for r in results)}** | {boots} |\n"


def by_class(results):
    text = "\n| a cut ... | cuts |\n| --- | --- |\n"
    for name in results[0]["by_tear"]:
        text += f"| {name} | {sum(r['by_tear'][name] for r in results):,} |\n"
    return text


def section(share):
    """The section, and whether all is well."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(torture, runs(share)))
    text = ("## Torture\n\nPower cuts in the simulator (docs/TORTURE.md), all scenarios; no case stands twice. A brick is a case that did not end as "
            "it must.\nBoots: most starts from a cut until a confirmed firmware ran. Of the scenarios that take long (real signatures, a day of "
            "aborts)\n1 case in 24 or 200 of these.\n\n| layout | cuts | share | cases | cuts survived | bricks | boots |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n")
    well = True
    for name, layouts in (("two banks", TWO_BANKS), ("one bank", ONE_BANK)):
        mine = [(run, result) for run, result in done if run[0] in layouts]
        cases, line = total(name, [result for _, result in mine])
        text += "".join(row(*pair) for pair in mine) + line
        well = well and cases >= ASKED_FOR and not any(result["failed"] for _, result in mine)
    return well, text + by_class([result for _, result in done])


def main():
    share = int(sys.argv[2]) if sys.argv[1:2] == ["--share"] else 400
    well, text = section(share)
    print(text, end="")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
