"""The server of the model: one, or several on one PostgreSQL and one bus, each asked at random."""

import contextlib
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import server as s  # noqa: E402
import test_nodes as nodes  # noqa: E402
from postgres import Postgres  # noqa: E402

BEATS, BEAT_MS = 12, 1000  # more than a server may miss (cloud/fleet/node.h)


class One(s.Server):
    def pick(self):
        return self

    def again(self):
        """Stops or kills the server and starts it. Where other servers may be on the database, one that was killed is missed
        after ten beats only, and here time stands still: it stops. Gives those that it was connected to no more."""
        if s.database.POSTGRES:
            self.stop()
        else:
            self.kill()
        self.start()
        return self


class Several:
    """What the tests ask of a server goes to any of them."""

    def __init__(self, count, seed, environment, *options):
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-model-"))
        self.postgres = Postgres()
        port = nodes.free_port()
        self.nats = nodes.Program(self.folder, "nats", port, [shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1",
                                                              "-p", str(port)])
        (self.folder / "files").mkdir()
        self.options = ["--database", self.postgres.url, "--bus", f"nats://127.0.0.1:{port}", "--files", str(self.folder / "files"), *options]
        self.environment, self.count, self.servers = environment, count, []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder)
            stack.enter_context(self.postgres)
            stack.callback(self.nats.kill)
            self.nats.start()
            self.start(stack)
            self.stack = stack.pop_all()
        return self

    def start(self, stack):
        for number in range(self.count):
            folder = self.folder / f"n{number}"
            folder.mkdir()
            if number > 0:  # the first one made the token; the others have it from the database
                (folder / "data").mkdir()
                (folder / "data" / "admin.token").write_text(self.servers[0].token)
            self.servers.append(stack.enter_context(s.Server(*self.options, folder=folder, environment=self.environment)))

    def __exit__(self, *_):
        self.stack.close()

    def pick(self):
        return self.random.choice(self.servers)

    def __getattr__(self, name):
        return getattr(self.pick(), name)

    def again(self, clock=None):
        """Stops one of them, or kills it, lets time pass until the others miss it, and starts it."""
        server = self.pick()
        if clock is None:
            server.stop()
        else:
            server.kill()
            self.miss(clock)
        server.start()
        return server

    def miss(self, clock):
        alive = self.count - 1
        for _ in range(BEATS):
            before = self.beats()
            clock.set(clock.now + BEAT_MS)
            s.wait_for("the others beat", lambda: sum(beat > before.get(node, 0) for node, beat in self.beats().items()) >= alive)
        s.wait_for("it is taken out", lambda: len(self.beats()) == alive)

    def beats(self):
        return dict(tuple(map(int, row.split("|"))) for row in self.postgres.sql("SELECT id, beat FROM node").split())

    def bus_fails(self):
        """The bus goes away, or comes back."""
        if self.nats.process:
            self.nats.kill()
        else:
            self.nats.start()
