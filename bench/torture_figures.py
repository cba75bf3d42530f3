"""How the simulated device fares under torture (docs/TORTURE.md): every cut on every small layout; every pair of cuts in some
scenarios on the tiniest, a drawn share of all others; faults at the line's frames. A section of docs/FIGURES.md."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TANDEM = Path(__file__).resolve().parent.parent / "build/bin/tandem"
TWO_BANKS = ("tiny", "small", "small-once", "small-wide", "long", "long-once")
ONE_BANK = ("one-tiny", "one", "one-once", "one-wide", "one-long")
FRAMED = {"framed": ("compressed", "delta-mcu-restarts", "delta-both-restart"),  # images of more than a frame
          "one-framed": ("one-compressed", "one-compressed-mcu-restarts")}
ASKED_FOR = 100_000  # distinct cut cases for each kind of device
ALL_PAIRS = ("healthy", "self-test", "crash")  # every pair, on the tiny layouts
PAIRS_ONE_IN = 2000
LINE_ONE_IN = 1


def runs():
    """Layout, mode, share, scenario."""
    for layout in TWO_BANKS + ONE_BANK:
        yield layout, "each", 1, None
    for layout, scenarios in FRAMED.items():
        for scenario in scenarios:
            yield layout, "each", 1, scenario
    for prefix in ("", "one-"):
        for scenario in ALL_PAIRS:
            yield f"{prefix}tiny", "pairs", 1, prefix + scenario
    for layout in TWO_BANKS + ONE_BANK:
        if not layout.endswith("tiny"):
            yield layout, "pairs", PAIRS_ONE_IN, None
    for layout in ("small", "one"):
        yield layout, "line", LINE_ONE_IN, None


def torture(run):
    layout, cuts, one_in, scenario = run
    command = [TANDEM, "torture", "--layout", layout, "--cuts", cuts, "--one-in", str(one_in), "--json"]
    done = subprocess.run(command + (["--scenario", scenario] if scenario else []), check=False, text=True,
                          stdout=subprocess.PIPE)
    result = json.loads(done.stdout)
    for row in result["scenarios"]:
        if row["failed"]:
            print(f"tandem torture --layout {layout} --case {row['first_failed']}: {row['verdict']}", file=sys.stderr)
    return run, result


def row(run, result):
    layout, cuts, one_in, scenario = run
    share = "all" if one_in == 1 else f"1 in {one_in}"
    return (f"| {layout} | {cuts} | {scenario or 'all'} | {share} | {result['cases']:,} | {result['cuts']:,} "
            f"| {result['failed']} | {result['worst_boots']} |\n")


def total(name, results):
    cases = sum(r["cases"] for r in results)
    boots = max(r["worst_boots"] for r in results)
    cuts, failed = (sum(r[what] for r in results) for what in ("cuts", "failed"))
    return cases, f"| **{name}** | | | | **{cases:,}** | **{cuts:,}** | **{failed}** | {boots} |\n"


def by_class(results):
    text = "\n| what happened | times |\n| --- | --- |\n"
    for name in results[0]["by_tear"]:
        text += f"| {name} | {sum(r['by_tear'][name] for r in results):,} |\n"
    return text


def section():
    """Whether all is well, and the section."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(torture, runs()))
    text = ("## Torture\n\nThe simulated device under power cuts and faults of the line (docs/TORTURE.md); no case stands twice. A "
            "brick is a case that\ndid not end as it must. Boots: most starts from a cut until a confirmed firmware ran. Of the "
            "scenarios that take long\n(real signatures, a day of aborts or replays) 1 case in 24 or 200 of these was run.\n\n"
            "| layout | cuts | scenarios | share | cases | survived | bricks | boots |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- |\n")
    well = True
    for name, layouts in (("two banks", (*TWO_BANKS, "framed")), ("one bank", (*ONE_BANK, "one-framed"))):
        mine = [(run, result) for run, result in done if run[0] in layouts]
        cases, line = total(name, [result for _, result in mine])
        text += "".join(row(*pair) for pair in mine) + line
        well = well and cases >= ASKED_FOR and not any(result["failed"] for _, result in mine)
    return well, text + by_class([result for _, result in done])
