"""`tandem` and a running server, for tests of both together."""

import json
import os
import subprocess
import unittest
from pathlib import Path

import server as s

TANDEM = os.environ.get("TANDEM") or Path(s.PROGRAM).parent / "tandem"


class CommandCase(unittest.TestCase):
    options = ()

    def setUp(self):
        self.server = s.Server(*self.options).__enter__()
        self.addCleanup(self.server.__exit__)
        self.url = f"http://127.0.0.1:{self.server.http_port}"

    def tandem(self, *arguments, token=None, code=0, typed=""):
        environment = {"HOME": str(self.server.folder), "TANDEM_URL": self.url, "PATH": os.environ["PATH"]}
        if token:
            environment["TANDEM_TOKEN"] = token
        done = subprocess.run([TANDEM, *map(str, arguments)], env=environment, input=typed, capture_output=True, text=True,
                              timeout=s.LIMIT, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, *arguments, **more):
        return json.loads(self.tandem(*arguments, "--json", **more).stdout)
