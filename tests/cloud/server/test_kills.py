"""kill -9 at random moments, while devices check in, download and update, and people add devices and shipments.

After each: nothing that was acknowledged is missing. At the end: no shipment is stuck, every device runs the newest.
KILLS (6) is how often, KILLS_SEED repeats a run."""

import http.client
import os
import random
import select
import shutil
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
from contextlib import closing
from pathlib import Path

import server as s

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
from postgres import Postgres  # noqa: E402

KILLS = int(os.environ.get("KILLS", "6"))
SEED = int(os.environ.get("KILLS_SEED", time.time_ns() % 1000000))
DEVICES = 8
TROUBLE = (OSError, AssertionError, http.client.HTTPException, ValueError)


class Pump(threading.Thread):
    """A device as Blynk's clients are: it downloads what it is offered, restarts, and says what it runs now."""

    def __init__(self, server, device):
        super().__init__(daemon=True)
        self.server = server
        self.id = device["id"]
        self.token = device["token"]
        self.version = "1.0.0"
        self.acknowledged = None
        self.stopping = False

    def run(self):
        while not self.stopping:
            try:
                self._live()
            except TROUBLE:
                time.sleep(0.02)

    def _live(self):
        with closing(s.Device(self.server, self.token)) as connection:
            if connection.code != 0:
                return
            said = self.version
            connection.check_in(said)
            self.acknowledged = said
            while not self.stopping:
                offer = self._offer(connection)
                if offer:
                    self._download(offer["url"])
                    self.version = offer["ver"]
                    return

    def _offer(self, connection):
        for topic, payload in connection.messages:
            if topic == "downlink/ota/json":
                return s.json.loads(payload)
        connection.messages = []
        if select.select([connection.socket], [], [], 0.1)[0]:
            connection.step()
        return None

    def _download(self, url):
        parts = urllib.parse.urlsplit(url)
        with closing(http.client.HTTPConnection(parts.netloc, timeout=s.LIMIT)) as connection:
            connection.request("GET", f"{parts.path}?{parts.query}")
            response = connection.getresponse()
            assert response.status == 200
            assert len(response.read()) == int(response.headers["content-length"])


class People(threading.Thread):
    """Adds devices without a pause, and remembers those that were acknowledged."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.names = []
        self.stopping = False

    def run(self):
        count = 0
        while not self.stopping:
            count += 1
            try:
                answer = self.server.ask("POST", "/api/v1/devices", {"template": "OTHER", "name": f"n{count}"})
                if answer.status == 201:
                    self.names.append(f"n{count}")
            except TROUBLE:
                time.sleep(0.02)


class Kills(unittest.TestCase):
    def begin(self, *options):
        self.random = random.Random(SEED)
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-kills-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.server = s.Server("--settle", "0", *options, folder=self.folder)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.pumps = [Pump(self.server, self.server.add_device()) for _ in range(DEVICES)]
        self.people = People(self.server)
        for thread in (*self.pumps, self.people):
            thread.start()
            self.addCleanup(thread.join, s.LIMIT)
            self.addCleanup(setattr, thread, "stopping", True)

    def until(self, what, ask):
        """The first answer that is not trouble."""
        def once():
            try:
                return ask()
            except TROUBLE:
                return None
        return s.wait_for(what, once)

    def all_devices(self, template):
        devices, cursor = [], ""
        while cursor is not None:
            page = self.server.get(f"/api/v1/devices?template={template}&limit=100{cursor}")
            devices += page["devices"]
            cursor = f"&cursor={page['next']}" if page.get("next") else None
        return devices

    def nothing_is_missing(self):
        names = set(self.people.names)  # before the question: more come meanwhile
        versions = {pump.id: pump.acknowledged for pump in self.pumps if pump.acknowledged}
        kept = self.until("devices", lambda: {device["name"] for device in self.all_devices("OTHER")})
        self.assertEqual(names - kept, set())
        shown = self.until("pumps", lambda: {d["id"]: (d["firmware"] or {}).get("version", "")
                                            for d in self.all_devices(s.TEMPLATE)})
        for device, version in versions.items():
            self.assertGreaterEqual(shown[device], version)

    def ship(self, version):
        def once():
            firmware = self.server.upload(s.plain(version), f"{version}.bin")
            body = {"template": s.TEMPLATE, "firmware": firmware["id"], "name": version}
            return self.server.ask("POST", "/api/v1/shipments", body).status in (201, 409)  # 409: it was kept before
        self.until(f"shipment {version}", once)

    def kill_and_start(self):
        time.sleep(self.random.uniform(0, 0.6))
        self.server.kill()
        self.server.start()

    def run_kills(self):
        try:
            for i in range(KILLS):
                version = f"2.0.{i:05}"
                shipping = threading.Thread(target=self.ship, args=(version,))
                shipping.start()
                self.kill_and_start()
                shipping.join(2 * s.LIMIT)
                self.assertFalse(shipping.is_alive())
                self.nothing_is_missing()
            self.people.stopping = True
            s.wait_for("every device runs the newest", lambda: all(p.acknowledged == version for p in self.pumps))
            s.wait_for("every shipment is finished", lambda: all(
                shipment["state"] == "finished" for shipment in self.server.get("/api/v1/shipments")["shipments"]))
            self.nothing_is_missing()
        except AssertionError as error:
            raise AssertionError(f"KILLS_SEED={SEED} KILLS={KILLS}: {error}") from error

    def test_on_sqlite(self):
        self.begin()
        self.run_kills()
        self.server.stop()
        done = s.subprocess.run([s.PROGRAM, "check", "--data", self.server.data], stderr=s.subprocess.PIPE, text=True,
                                timeout=s.LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.start()

    def test_on_postgresql(self):
        with Postgres() as postgres:
            self.begin("--database", postgres.url)
            self.run_kills()
            self.doCleanups()


if __name__ == "__main__":
    unittest.main()
