#!/usr/bin/env python3
"""README.md, "Use it": what it says is typed as it stands, and a device is updated. Only the folder, the ports and the place of the
programs are others, so that it meets nothing of this machine's.

TANDEM_BIN names the folder of the programs."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from tandem_system import free_port  # noqa: E402

BLOCK = re.compile(r"\n\n((?:    .*\n|\n(?=    ))+)")
SECONDS = 60


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tandem-readme-")
        self.addCleanup(shutil.rmtree, self.folder)

    def script(self):
        """The first steps, those without a board, and the last; not those with one."""
        text = re.search(r"\n## Use it\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.S)[1]
        start, simulated, board, ship = BLOCK.findall(text)
        self.assertIn("/dev/ttyUSB0", board)
        lines = "".join((start, simulated, ship))
        for said, here in (("8080", str(free_port())), ("1883", str(free_port())), ("~/tandem-first", self.folder),
                           ("$PWD/build/bin", os.environ["TANDEM_BIN"])):
            self.assertIn(said, lines)
            lines = lines.replace(said, here)
        return re.sub(r"(?m)^    ", "", lines)

    def test_what_it_says_updates_a_device(self):
        shell = subprocess.Popen(["bash", "-e", "-c", self.script()], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.addCleanup(shell.stdout.close)
        try:
            status = shell.wait(SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):  # its last line ends what it started
                os.killpg(shell.pid, signal.SIGTERM)
            said = shell.stdout.read()
        self.assertEqual(status, 0, said)
        self.assertIn("1 of 1 devices updated, 0 failed", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
