"""A server that systemd started: when it says that it is ready, and how its log comes into the journal."""

import socket
import tempfile
import unittest
from pathlib import Path

import server as s


class Supervised(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def listen(self, address):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(address)
        listener.settimeout(s.LIMIT)
        return listener

    def test_it_says_that_it_is_ready_once_its_doors_are_open(self):
        path = str(self.folder / "notify")
        for name, address in ((path, path), ("@tandem-test", "\0tandem-test")):
            listener = self.listen(address)
            with s.Server(environment={"NOTIFY_SOCKET": name}) as server:
                self.assertEqual(listener.recv(100), b"READY=1")
                self.assertEqual(server.ask("GET", "/health", token=False).status, 200)

    def test_lines_for_the_journal_begin_with_their_priority(self):
        for stream, first in (("$(stat -L -c %d:%i /proc/self/fd/2)", "<6>2"), ("1:2", "2"), ("nonsense", "2")):
            program = self.folder / "program"
            program.write_text(f'#!/bin/sh\nJOURNAL_STREAM={stream} exec "{s.PROGRAM}" "$@"\n')
            program.chmod(0o755)
            with s.Server(program=program) as server:
                lines = server.log().splitlines()
            self.assertTrue(all(line.startswith(first) for line in lines), lines)
            self.assertTrue(lines)


if __name__ == "__main__":
    unittest.main()
