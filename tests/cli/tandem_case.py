"""What the tests of the `tandem` command share. TANDEM names the program; ctest sets it."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/python"))

TANDEM = os.environ.get("TANDEM", str(ROOT / "build/asan/bin/tandem"))
OK, FAILED, USAGE, SERVER, SHIPMENT, TIMEOUT = range(6)


class TandemCase(unittest.TestCase):
    """Each test gets an empty folder, which is also its home."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def surroundings(self, environment, options):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TANDEM", "XDG_"))}
        return {"cwd": self.folder, "text": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE, "env": {**clean, "HOME": str(self.folder), **(environment or {})}, **options}

    def start(self, *arguments, environment=None, **options):
        """Starts the command, and returns the process."""
        return subprocess.Popen([TANDEM, *map(str, arguments)], **self.surroundings(environment, options))

    def tandem(self, *arguments, code=OK, environment=None, **options):
        """Runs the command, checks its exit status, and returns the finished process."""
        done = subprocess.run([TANDEM, *map(str, arguments)], timeout=60, check=False, **self.surroundings(environment, options))
        said = f"tandem {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
        self.assertNotIn("Sanitizer", done.stderr or "", said)
        self.assertNotIn("runtime error", done.stderr or "", said)
        self.assertEqual(done.returncode, code, said)
        return done

    def refused(self, *arguments, because, code=FAILED, **options):
        """The command must fail and give this reason."""
        done = self.tandem(*arguments, code=code, **options)
        self.assertIn(because, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def keygen(self, name="key.pem"):
        self.tandem("keygen", name)
        return self.folder / name
