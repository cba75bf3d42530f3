"""Databases that earlier versions wrote, under this one. upgrade/ has what each wrote, as SQL (sqlite3's .dump, pg_dump
--inserts), and in JSON the tokens that it gave out and the answers that it gave last: those are what is expected. It is a
second later than the last of what they tell of, for as long as a test runs."""

import hashlib
import json
import re
import sqlite3
import subprocess
import tempfile
import unittest
from contextlib import closing
from datetime import datetime
from pathlib import Path

import server as s
from postgres import Postgres
from still_clock import StillClock

WRITTEN = Path(__file__).resolve().parent / "upgrade"
LATER = ("timeline",)  # lists that go on: what was there is their beginning


def differences(before, after, at=""):
    """What of an earlier answer is not in the later one, or is otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from differences(value, after[name], f"{at}.{name}") if name in after else [f"{at}.{name} is gone"]
    elif isinstance(before, list) and isinstance(after, list):
        goes_on = at.endswith(LATER)
        if len(before) > len(after) or len(before) < len(after) and not goes_on:
            yield f"{at}: {len(before)} are {len(after)}"
        for i, (old, new) in enumerate(zip(before, after)):
            yield from differences(old, new, f"{at}[{i}]")
    elif before != after and not at.endswith(".used"):  # when the token was used last: now
        yield f"{at}: {before!r} is {after!r}"


class Upgrade(unittest.TestCase):
    def server_on(self, name):
        """Today's server on what an earlier one wrote."""
        folder = Path(tempfile.mkdtemp(prefix="tandem-upgrade-"))
        text = (WRITTEN / f"{name}.json").read_text()
        kept = json.loads(text)
        last = datetime.fromisoformat(max(re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text)).replace("Z", "+00:00"))
        clock = StillClock(folder / "clock", int(last.timestamp() * 1000) + 1000)
        (folder / "data/firmware").mkdir(parents=True)
        for file in (s.plain("1.1.0"), s.packed("1.2.0")[0]):
            (folder / "data/firmware" / hashlib.sha256(file).hexdigest()).write_bytes(file)
        (folder / "data/admin.token").write_text(kept["token"] + "\n")
        sql = (WRITTEN / f"{name}.sql").read_text()
        options = self.on_postgresql(sql) if name.startswith("postgresql") else self.on_sqlite(sql, folder / "data")
        server = s.Server("--settle", "0", *options, folder=folder, environment=clock.environment)
        server.own_folder, server.database = True, None
        server.start()
        self.addCleanup(server.__exit__)
        return server, kept

    @staticmethod
    def on_sqlite(sql, data):
        with closing(sqlite3.connect(data / "tandem.db")) as database:
            database.executescript(sql)
        return ()

    def on_postgresql(self, sql):
        database = Postgres()
        database.__enter__()
        self.addCleanup(database.__exit__)
        subprocess.run([database.programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", database.url], input=sql, text=True,
                       check=True, stdout=subprocess.DEVNULL, timeout=s.LIMIT)
        return ("--database", database.url)

    def goes_on(self, name):
        server, kept = self.server_on(name)
        server.wait_log("database-upgrade ")
        for path, answer in kept["answers"].items():
            self.assertEqual(list(differences(answer, server.get(path))), [], path)
        self.assertEqual(server.get("/api/v1/shipments/s2")["state"], "live")
        devices = [s.Device(server, token) for token in kept["devices"]]
        for device in devices:
            self.addCleanup(device.close)
            self.assertEqual(device.code, 0)
        devices[2].device_report(digest="ab" * 32)
        devices[2].check_in("1.0.0")
        file, digest = s.packed("1.2.0")
        path = "/" + devices[2].offer()["url"].split("/", 3)[3]
        self.assertEqual(server.ask("GET", path, token=False).body, file)
        devices[2].device_report(event="confirmed", digest=digest)
        s.wait_for("its end", lambda: server.get("/api/v1/shipments/s2")["state"] == "finished")
        self.assertEqual(server.get("/api/v1/shipments/s2")["progress"]["updated"], 1)
        server.post("/api/v1/shipments/s3/resume")
        self.assertEqual(server.add_device()["id"], "d4")
        return server

    def test_what_the_first_version_wrote(self):
        self.goes_on("sqlite-1")

    def test_what_an_earlier_version_wrote(self):
        server = self.goes_on("sqlite-10")
        self.assertEqual(s.Person(server).sign_in("ann@example.org", "tulips under old bridges").status, 201)

    def test_what_an_earlier_version_wrote_on_postgresql(self):
        server = self.goes_on("postgresql-10")
        self.assertEqual(s.Person(server).sign_in("ann@example.org", "tulips under old bridges").status, 201)


if __name__ == "__main__":
    unittest.main()
