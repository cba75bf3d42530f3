"""Backup, restore and check of a data folder, and what a server says of a database that it can't use."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import unittest
from contextlib import closing
from pathlib import Path

import server as s
from postgres import Postgres


def run(*arguments):
    return subprocess.run([s.PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=s.LIMIT, check=False)


class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-backup-"))
        self.server = s.Server(folder=self.folder / "server")
        self.server.folder.mkdir()
        self.server.start()
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.server.stop)

    def good(self, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, says, *arguments, status=1):
        done = run(*arguments)
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertIn(says, done.stderr)

    def restored(self, backup):
        """A second server on what a backup holds."""
        again = s.Server(folder=self.folder / "again")
        again.folder.mkdir()
        self.good("restore", "--from", backup, "--data", again.data)
        shutil.copy(self.server.data / "admin.token", again.data / "admin.token")
        again.start()
        self.addCleanup(again.stop)
        return again

    def test_a_backup_of_a_running_server_holds_all_that_was_answered(self):
        device = self.server.add_device(name="pump 1")
        firmware = self.server.upload(s.plain("2.0.0"), "two.bin")
        shipment = self.server.ship(firmware, name="the shipment")
        said = self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        self.assertIn("1 firmware file:", said)
        self.server.add_device(name="added later")
        again = self.restored(self.folder / "b1")
        self.assertEqual([d["name"] for d in again.get("/api/v1/devices")["devices"]], ["pump 1"])
        connection = s.Device(again, device["token"])
        connection.check_in("1.0.0")
        self.assertEqual(connection.offer()["ver"], "2.0.0")
        self.assertEqual(again.target(shipment)["status"], "request-sent")
        connection.close()

    def test_a_backup_under_load_is_of_one_moment(self):
        stop = threading.Event()
        names = []

        def add():
            while not stop.is_set():
                name = f"n{len(names)}"
                self.server.add_device(name=name)
                names.append(name)

        adding = threading.Thread(target=add)
        adding.start()
        s.wait_for("some devices", lambda: len(names) > 20)
        before = len(names)
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        after = len(names) + 1
        s.wait_for("it goes on", lambda: len(names) > after)
        stop.set()
        adding.join(s.LIMIT)
        with closing(sqlite3.connect(self.folder / "b1" / "tandem.db")) as copy:
            kept = [row[0] for row in copy.execute("SELECT name FROM device ORDER BY id")]
        self.assertTrue(before <= len(kept) <= after)
        self.assertEqual(kept, names[:len(kept)])

    def test_a_backup_is_made_after_kill_9_too(self):
        self.server.add_device(name="pump 1")
        self.server.kill()
        self.good("check", "--data", self.server.data)
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        again = self.restored(self.folder / "b1")
        self.assertEqual(len(again.get("/api/v1/devices")["devices"]), 1)

    def test_nothing_is_overwritten(self):
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        self.bad("is there already", "backup", "--data", self.server.data, "--to", self.folder / "b1")
        self.bad("holds a database already", "restore", "--from", self.folder / "b1", "--data", self.server.data)

    def test_nothing_is_restored_beside_the_log_of_another_database(self):
        self.server.add_device()
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        self.server.kill()
        (self.server.data / "tandem.db").rename(self.folder / "away")
        self.assertTrue((self.server.data / "tandem.db-wal").exists())
        self.bad("tandem.db and all that begins so", "restore", "--from", self.folder / "b1", "--data", self.server.data)
        for path in self.server.data.glob("tandem.db-*"):
            path.unlink()
        self.good("restore", "--from", self.folder / "b1", "--data", self.server.data)
        self.server.start()
        self.assertEqual(len(self.server.get("/api/v1/devices")["devices"]), 1)

    @unittest.skipUnless(os.geteuid() == 0, "root can be somebody else")
    def test_who_may_not_read_it_is_told_so(self):
        self.folder.chmod(0o755)
        program = shutil.copy(s.PROGRAM, self.folder)  # where it was built, others may not look
        done = subprocess.run([program, "check", "--data", self.server.data], capture_output=True, text=True, timeout=s.LIMIT,
                              check=False, user=12345, group=12345, extra_groups=[])
        self.assertEqual(done.returncode, 1)
        self.assertIn("Permission denied; do this as its owner", done.stderr)

    def test_a_missing_or_damaged_firmware_is_named(self):
        firmware = self.server.upload(s.plain("2.0.0"))
        (path,) = (self.server.data / "firmware").iterdir()
        path.write_bytes(b"x" + path.read_bytes()[1:])
        self.bad(f"{path} is damaged", "check", "--data", self.server.data)
        self.bad(f"{path} is damaged", "backup", "--data", self.server.data, "--to", self.folder / "b1")
        self.assertFalse((self.folder / "b1").exists())
        path.unlink()
        self.bad(f"{path}, which the database refers to: No such file or directory; get it from a backup, upload it again", "check", "--data",
                 self.server.data)
        self.assertIn("id", firmware)
        said = self.good("check", "--data", self.server.data, "--files", "s3://elsewhere")
        self.assertIn("1 more are kept in s3://elsewhere alone", said)

    def test_a_damaged_database_is_found(self):
        for i in range(200):
            self.server.add_device(name=f"{i} of two hundred that fill pages")
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        path = self.folder / "b1" / "tandem.db"
        data = bytearray(path.read_bytes())
        data[len(data) // 2:len(data) // 2 + 4096] = bytes(4096)
        path.write_bytes(data)
        self.bad("tandem.db", "restore", "--from", self.folder / "b1", "--data", self.folder / "other")

    def test_a_restore_that_fails_leaves_nothing_that_a_server_would_take_and_may_be_repeated(self):
        self.server.upload(s.plain("2.0.0"))
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        (path,) = (self.folder / "b1/firmware").iterdir()
        data = path.read_bytes()
        path.write_bytes(b"x" + data[1:])
        restore = ("restore", "--from", self.folder / "b1", "--data", self.folder / "other")
        for _ in range(2):
            self.bad("is damaged", *restore)
            self.assertFalse((self.folder / "other/tandem.db").exists())
        path.write_bytes(data)
        self.good(*restore)
        self.good("check", "--data", self.folder / "other")
        self.assertEqual({path.name for path in (self.folder / "other").iterdir()}, {"firmware", "tandem.db"})

    @unittest.skipUnless(os.geteuid() == 0, "root gives files away")
    def test_what_root_restores_belongs_to_the_owner_of_the_folder(self):
        self.server.upload(s.plain("2.0.0"))
        self.good("backup", "--data", self.server.data, "--to", self.folder / "b1")
        other = self.folder / "other"
        other.mkdir()
        os.chown(other, 12345, 12346)
        self.good("restore", "--from", self.folder / "b1", "--data", other)
        made = list(other.rglob("*"))
        self.assertEqual(len(made), 3)
        self.assertEqual({(path.stat().st_uid, path.stat().st_gid) for path in made}, {(12345, 12346)})

    def test_what_is_missing_is_said(self):
        self.bad("Usage: tandem-cloud backup --data DIR", "backup", "--data", self.server.data, status=2)
        self.assertIn("Usage: tandem-cloud backup --data DIR", self.good("backup", "--help"))
        self.bad("Usage: tandem-cloud restore --from DIR", "restore", "--data", self.server.data, status=2)
        self.bad("Usage: tandem-cloud backup --data DIR", "backup", "--data", self.server.data, "--to", "", status=2)
        self.bad("no/b1.partial: No such file or directory; create the folder above it", "backup", "--data", self.server.data, "--to",
                 self.folder / "no/b1")
        nowhere = self.folder / "nowhere"
        for words in (("check", "--data", nowhere), ("backup", "--data", nowhere, "--to", self.folder / "b1"),
                      ("restore", "--from", nowhere, "--data", self.folder / "other")):
            self.bad("name a data folder of tandem-cloud", *words)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["server"])
        nowhere.mkdir()
        (nowhere / "tandem.db").touch()
        self.bad("name a data folder of tandem-cloud", "check", "--data", nowhere)

    def test_a_slash_behind_a_folder_means_nothing(self):
        self.good("backup", "--data", f"{self.server.data}/", "--to", f"{self.folder}/b1/")
        self.good("restore", "--from", f"{self.folder}/b1//", "--data", f"{self.folder}/other/")
        self.good("check", "--data", f"{self.folder}/other/")

    # --- Databases that can't be used ---

    def test_a_locked_database_is_said_and_gone_on_with(self):
        lock = sqlite3.connect(self.server.data / "tandem.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        answer = self.server.ask("POST", "/api/v1/devices", {"template": s.TEMPLATE})
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("lock", answer.json["detail"])
        self.assertRegex(answer.headers["retry-after"], r"^[1-9]\d?$")
        self.server.wait_log("database-locked")
        health = self.server.ask("GET", "/health", token=False)
        self.assertEqual(health.status, 503)
        self.assertRegex(health.headers["retry-after"], r"^[1-9]\d?$")
        lock.execute("ROLLBACK")
        lock.close()
        s.wait_for("health is ok", lambda: self.server.ask("GET", "/health", token=False).status == 200)
        self.server.add_device()

    def test_damage_that_is_found_stays_in_health_though_other_pages_are_good(self):
        for i in range(50):
            self.server.add_device(name=f"{i} of fifty")
        self.server.stop()
        path = self.server.data / "tandem.db"
        with closing(sqlite3.connect(path)) as database:
            pages = [row[0] for row in database.execute("SELECT pageno FROM dbstat WHERE name = 'event' AND pagetype = 'leaf'")]
            size = database.execute("PRAGMA page_size").fetchone()[0]
        with open(path, "r+b") as file:
            file.seek((pages[0] - 1) * size)
            file.write(b"\xff" * 8)
        self.server.start()
        self.assertEqual(self.server.ask("GET", "/health", token=False).status, 200)
        self.assertEqual(self.server.ask("GET", "/api/v1/devices/d1").status, 500)
        self.server.wait_log("database-damaged")
        self.assertEqual(self.server.ask("GET", "/api/v1/templates").status, 200)
        health = self.server.ask("GET", "/health", token=False)
        self.assertEqual((health.status, health.json["database"]), (503, "the database is damaged"))

    # --- Disks, as small file systems of their own (needs root) ---

    def small_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            self.skipTest("tmpfs can't be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        server = s.Server(folder=disk)
        server.start()
        self.addCleanup(server.stop)
        return server

    def test_a_full_disk_is_said_and_gone_on_with(self):
        server = self.small_disk()
        kept = 0
        while True:
            answer = server.ask("POST", "/api/v1/devices", {"template": s.TEMPLATE, "name": f"n{kept}"})
            if answer.status != 201:
                break
            kept += 1
        self.assertEqual(answer.status, 507, answer.body)
        server.wait_log("database-full")
        server.wait_log("free some space")
        self.assertEqual(server.ask("GET", "/health", token=False).json["database"], "the disk is full")
        self.assertGreater(kept, 0)
        self.assertEqual(len(server.get("/api/v1/devices?limit=1")["devices"]), 1)
        server.kill()
        subprocess.run(["mount", "-o", "remount,size=4m", server.folder], check=True)
        server.start()
        self.good("check", "--data", server.data)
        with closing(sqlite3.connect(server.data / "tandem.db")) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM device").fetchone()[0], kept)
        server.add_device()

    def test_a_read_only_disk_is_named(self):
        server = self.small_disk()
        server.stop()
        subprocess.run(["mount", "-o", "remount,ro", server.folder], check=True)
        self.bad("Read-only file system", "--data", server.data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")


class OnPostgresql(unittest.TestCase):
    """As docs/OPERATING.md says: the database by PostgreSQL's own tools, then the firmware files."""

    def test_what_pg_dump_saved_is_a_server_again(self):
        with Postgres() as postgres, tempfile.TemporaryDirectory() as folder:
            urls = [postgres.url.replace("/postgres?", f"/{name}?") for name in ("first", "again")]
            for name in ("first", "again"):
                postgres.sql(f"CREATE DATABASE {name}")
            with s.Server("--database", urls[0]) as server:
                server.add_device(name="pump 1")
                shipment = server.ship(server.upload(s.plain("1.1.0")))
                dump = subprocess.run([postgres.programs / "pg_dump", "--serializable-deferrable", "-d", urls[0]], check=True,
                                      capture_output=True, timeout=s.LIMIT).stdout
                again = s.Server("--database", urls[1], folder=folder)
                shutil.copytree(server.data / "firmware", again.data / "firmware")
                shutil.copy(server.data / "admin.token", again.data)
            subprocess.run([postgres.programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", urls[1]], input=dump, check=True,
                           stdout=subprocess.DEVNULL, timeout=s.LIMIT)
            with again:
                self.assertEqual(again.get("/api/v1/devices")["devices"][0]["name"], "pump 1")
                self.assertEqual(again.get(f"/api/v1/shipments/{shipment['id']}")["state"], "live")
                device = s.Device(again, again.add_device(name="pump 2")["token"])
                self.addCleanup(device.close)
                device.check_in("1.0.0")
                path = "/" + device.offer()["url"].split("/", 3)[3]
                self.assertEqual(again.ask("GET", path, token=False).body, s.plain("1.1.0"))


if __name__ == "__main__":
    unittest.main()
