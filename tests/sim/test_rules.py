#!/usr/bin/env python3
"""The table of docs/TORTURE.md, "Rules": what it names exists, no rule of docs/BOOT.md lacks proof, no planted defect is missing."""

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
        text = "".join(path.read_text() for path in (ROOT / "sim").glob("scenarios_*.c"))
        known = set(re.findall(r'\.name = "(.*?)"', text))
        for rule, (scenarios, _, _) in self.table.items():
            self.assertLessEqual(set(scenarios), known, rule)

    def test_tests_exist(self):
        known = set()
        for path in (ROOT / "tests/core").glob("*/test_*.c"):
            known.update(re.findall(r"^static void (\w+)\(", path.read_text(), re.M))
        for rule, (_, tests, _) in self.table.items():
            self.assertLessEqual(set(tests), known, rule)

    def test_each_planted_defect_stands_with_its_rule(self):
        for rule, (_, _, defects) in self.table.items():
            self.assertEqual(sorted(defects), sorted(n for n, d in self.defects.items() if d["rule"] == rule), rule)


if __name__ == "__main__":
    sys.exit(unittest.main())
