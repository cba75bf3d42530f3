#!/usr/bin/env python3
"""ports/template is what docs/PORTING.md says: a copy of it, outside of this repository and with another layout, builds as it
is, and what is built lies where that layout says.

  test_template.py TANDEM    path of the tandem command"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = {"name": "my-board",  # 128 KB at 0x08000000, as a small Cortex-M part has them
          "flash": {"address": "0x08000000", "bytes": "0x20000", "erase_bytes": 1024, "program_bytes": 4},
          "bootloader": {"address": "0x08000000", "bytes": "0xA000"}, "keys": {"address": "0x08009C00"},
          "record": [{"address": "0x0800A000", "bytes": 1024}, {"address": "0x0800A400", "bytes": 1024}],
          "banks": [{"address": "0x0800A800", "bytes": "0x15800"}], "header_bytes": 1024,
          "ram": {"address": "0x20000000", "bytes": "0x5000"}}
STACK_AND_ENTRY = 8


class Template(unittest.TestCase):
    tandem = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-port-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.port = self.folder / "my-board"
        shutil.copytree(ROOT / "ports/template", self.port)
        (self.port / "layout.json").write_text(json.dumps(LAYOUT))
        for option, name in (("--c-header", "layout.h"), ("--ld", "memory.ld")):
            (self.port / name).write_text(self.run_quietly(self.tandem, "layout", "layout.json", option, cwd=self.port))

    def run_quietly(self, *command, cwd=ROOT):
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{' '.join(map(str, command))}\n{done.stdout}")
        return done.stdout

    def refused(self, because):
        done = subprocess.run(["cmake", "--preset", "m0", "-B", self.folder / "build", f"-DTANDEM_BOARD={self.port}",
                               f"-DTANDEM_COMMAND={self.tandem}"], cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(because, " ".join(done.stderr.split()))

    def test_a_layout_that_was_changed_is_not_built_by_the_old_header(self):
        (self.port / "layout.json").write_text(json.dumps({**LAYOUT, "name": "another"}))
        self.refused("layout.h is not what layout.json says now; run:")
        (self.port / "memory.ld").unlink()
        (self.port / "layout.h").write_text(self.run_quietly(self.tandem, "layout", "layout.json", "--c-header", cwd=self.port))
        self.refused("memory.ld is not there; run:")

    def test_a_copy_elsewhere_builds_with_a_layout_of_its_own(self):
        build = self.folder / "build"
        self.run_quietly("cmake", "--preset", "m0", "-B", build, f"-DTANDEM_BOARD={self.port}", "-DTANDEM_CPU=cortex-m4",
                         "-DTANDEM_FETCHES=ON", "-DTANDEM_DEMO_TABLE_KB=16")
        self.run_quietly("cmake", "--build", build, "-j", str(os.cpu_count()))
        for program, start in (("probe-bootloader", 0x08000000), ("probe-application", 0x0800A800)):
            stack, entry = memoryview((build / f"bin/{program}.bin").read_bytes()[:STACK_AND_ENTRY]).cast("I")
            self.assertEqual(stack, 0x20005000)
            self.assertIn(entry - start, range((build / f"bin/{program}.bin").stat().st_size))
        self.run_quietly(self.tandem, "keygen", self.folder / "key.pem")
        package = self.folder / "demo.tdm"
        self.run_quietly(self.tandem, "pack", build / "bin/demo-1.0.0.elf", "-o", package, "--key", self.folder / "key.pem",
                         "--hardware", "my-board-demo")
        self.run_quietly(self.tandem, "factory", "--layout", self.port / "layout.json", "--app", package, "--key",
                         self.folder / "key.pem.pub", "--bootloader", build / "bin/bootloader.bin", "-o", self.folder / "flash.bin")


if __name__ == "__main__":
    Template.tandem = str(Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
