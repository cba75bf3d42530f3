#!/usr/bin/env python3
"""What is generated from a port's layout.json and committed is what `tandem layout` makes of it today.

  test_layouts.py TANDEM    path of the tandem command"""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTS = ROOT / "ports"


class Layouts(unittest.TestCase):
    tandem = None

    def assert_generated(self, option, name):
        found = 0
        for generated in PORTS.glob(f"**/{name}"):
            made = subprocess.run([self.tandem, "layout", "layout.json", option], cwd=generated.parent, check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
            self.assertEqual(generated.read_text(), made, f"{generated}: run `tandem layout layout.json {option}` again")
            found += 1
        self.assertGreater(found, 0)

    def test_headers_agree_with_their_layout(self):
        self.assert_generated("--c-header", "layout.h")

    def test_linker_regions_agree_with_their_layout(self):
        self.assert_generated("--ld", "memory.ld")

    def test_the_example_of_the_documentation_is_a_board_s(self):
        example = re.search(r"## Format\n\n((?:    .*\n)+)", (ROOT / "docs/LAYOUT.md").read_text())[1]
        self.assertEqual(json.loads(example), json.loads((PORTS / "mps2/layout.json").read_text()))


if __name__ == "__main__":
    Layouts.tandem = str(Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
