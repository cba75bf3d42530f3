#!/usr/bin/env python3
"""The tables of docs/TORTURE.md, "What can go wrong" and "Rules": what they name exists, no rule of docs/BOOT.md lacks proof, no planted defect is missing."""

import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def names(cell):
    return [name for name in cell.strip().split(", ") if name]


def table():
    text = (ROOT / "docs/TORTURE.md").read_text().split("## Rules\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (R\d+) \|(.*)\|(.*)\|(.*)\|$", text, re.M)
    return {rule: [names(cell) for cell in cells] for rule, *cells in rows}


def failures():
    text = (ROOT / "docs/TORTURE.md").read_text().split("## What can go wrong\n")[1].split("\n## ")[0]
    return [row for row in re.findall(r"^\| (.*?) \|(.*)\|(.*)\|$", text, re.M) if row[0] not in ("what", "---")]


def all_scenarios():
    text = "".join(path.read_text() for path in (ROOT / "sim").glob("scenarios_*.c"))
    return set(re.findall(r'\.name = "(.*?)"', text))


def test_functions(pattern):
    """The test functions in files of tests/."""
    return [name for path in (ROOT / "tests").glob(pattern)
            for name in re.findall(r"^static void (\w+)\(", path.read_text(), re.M)]


class Rules(unittest.TestCase):
    def setUp(self):
        self.table = table()
        self.defects = {d["name"]: d for d in json.loads((ROOT / "tests/sim/defects.json").read_text())}

    def test_every_rule_has_a_row_with_proof(self):
        rules = re.findall(r"^(R\d+)\. ", (ROOT / "docs/BOOT.md").read_text(), re.M)
        self.assertEqual(list(self.table), rules)
        for rule, (scenarios, tests, _) in self.table.items():
            self.assertTrue(scenarios + tests, rule)

    def test_scenarios_exist(self):
        known = all_scenarios()
        for rule, (scenarios, _, _) in self.table.items():
            self.assertLessEqual(set(scenarios), known, rule)

    def test_tests_exist(self):
        known = set(test_functions("core/*/test_*.c"))
        for rule, (_, tests, _) in self.table.items():
            self.assertLessEqual(set(tests), known, rule)

    def test_what_can_go_wrong_names_what_exists(self):
        known = all_scenarios() | set(test_functions("sim/test_torture.c"))
        rows = failures()
        self.assertGreater(len(rows), 20)
        for what, *cells in rows:
            self.assertTrue(any(names(cell) for cell in cells), what)
            for cell in cells:
                self.assertLessEqual(set(names(cell)), known, what)

    def test_each_planted_defect_stands_with_its_rule(self):
        for rule, (_, _, defects) in self.table.items():
            self.assertEqual(sorted(defects), sorted(n for n, d in self.defects.items() if d["rule"] == rule), rule)


if __name__ == "__main__":
    sys.exit(unittest.main())
