"""The REST interface of docs/API.md, against the running program."""

import hashlib
import json
import os
import re
import socket
import stat
import subprocess
import tempfile
import unittest

import server as s


class Rest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s.Server("--settle", "0")
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def refused(self, status, method, path, body=None, says="", **more):
        answer = self.server.ask(method, path, body, **more)
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        self.assertIn(says, json.dumps(answer.json))
        return answer

    def test_health_needs_no_token(self):
        answer = self.server.ask("GET", "/health", token=False)
        self.assertEqual((answer.status, answer.json["status"]), (200, "ok"))
        probe = self.server.ask("HEAD", "/health", token=False)
        self.assertEqual((probe.status, probe.body, probe.headers["content-length"]),
                         (200, b"", answer.headers["content-length"]))

    def test_everything_else_needs_a_token(self):
        for method, path in (("GET", "/api/v1/devices"), ("POST", "/api/v1/firmware"), ("GET", "/api/v1/shipments/s1")):
            self.refused(401, method, path, token=False)
            self.refused(401, method, path, token="wrong")

    def test_unknown_paths_and_methods(self):
        self.refused(404, "GET", "/api/v1/nothing")
        self.refused(404, "GET", "/api/v1/devices/d99999", says="there is no device d99999")
        self.refused(404, "POST", "/api/v1/shipments/s7777/pause", says="there is no shipment s7777")
        self.refused(404, "DELETE", "/api/v1/firmware/f88", says="there is no firmware f88")
        self.refused(404, "GET", "/api/v1/devices/17")
        self.refused(405, "PUT", "/api/v1/devices")

    def test_a_device_is_created_listed_shown_and_deleted(self):
        added = self.server.add_device("TMPLcrud", name="pump ü")
        self.assertEqual(set(added), {"id", "template", "name", "token"})
        listed = self.server.get("/api/v1/devices?template=TMPLcrud")["devices"]
        self.assertEqual([d["name"] for d in listed], ["pump ü"])
        self.assertNotIn("token", listed[0])
        shown = self.server.device(added)
        self.assertFalse(shown["online"])
        self.assertIsNone(shown["firmware"])
        self.assertIsNone(shown["last_seen"])
        self.assertRegex(shown["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(shown["timeline"][-1]["event"], "log")
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/devices/{added['id']}").status, 204)
        self.refused(404, "GET", f"/api/v1/devices/{added['id']}")

    def test_malformed_device_requests(self):
        self.refused(400, "POST", "/api/v1/devices", "{", says="JSON")
        self.refused(400, "POST", "/api/v1/devices", "[]", says="object")
        self.refused(400, "POST", "/api/v1/devices", {}, says="template")
        self.refused(400, "POST", "/api/v1/devices", {"template": 7})
        self.refused(400, "POST", "/api/v1/devices", {"template": "a" * 65})
        self.refused(400, "POST", "/api/v1/devices", {"template": "T", "name": "a" * 41})
        self.refused(400, "POST", "/api/v1/devices", {"template": "T", "name": "a\nb"})

    def test_a_plain_image_is_known_by_its_tag(self):
        data = s.plain("2.0.0", build="Nov 16 2023 20:35:55")
        firmware = self.server.upload(data, "app%202.bin")
        self.assertEqual(firmware["name"], "app 2.bin")
        self.assertEqual((firmware["kind"], firmware["package"]), ("plain", None))
        self.assertEqual((firmware["type"], firmware["version"]), ("pump", "2.0.0"))
        self.assertEqual(firmware["build"], "Nov 16 2023 20:35:55")
        self.assertEqual(firmware["size"], len(data))
        self.assertEqual(firmware["sha256"], hashlib.sha256(data).hexdigest())
        self.assertEqual(firmware["md5"], hashlib.md5(data).hexdigest())
        self.assertEqual(self.server.get(f"/api/v1/firmware/{firmware['id']}"), firmware)
        self.assertIn(firmware, self.server.get("/api/v1/firmware")["firmware"])

    def test_a_package_is_known_by_its_manifest(self):
        data, digest = s.packed("2.1.0", build="b 7")
        firmware = self.server.upload(data, "app.tdm")
        self.assertEqual((firmware["kind"], firmware["version"], firmware["build"]), ("package", "2.1.0", "b 7"))
        self.assertEqual(firmware["package"], {
            "hardware": "board-1", "image_digest": digest, "image_bytes": 9600, "counter": 1, "key_id": "11223344",
            "encoding": "plain", "signed_by": None})

    def test_firmware_is_listed_in_pages_newest_first(self):
        ids = [self.server.upload(s.plain(f"3.0.{i}"))["id"] for i in range(5)]
        listed, cursor = [], ""
        while cursor is not None:
            page = self.server.get(f"/api/v1/firmware?limit=2{cursor and '&cursor=' + cursor}")
            self.assertLessEqual(len(page["firmware"]), 2)
            listed += [one["id"] for one in page["firmware"]]
            cursor = page["next"]
        self.assertEqual(listed[:5], ids[::-1])
        self.assertEqual(listed, [one["id"] for one in self.server.get("/api/v1/firmware?limit=1000")["firmware"]])
        for wrong in ("cursor=d1", "limit=0", "limit=1001", "limit=-1", "limit=%2B1", "limit=%201", "limit=1%20", "limit=1.0", "limit="):
            self.assertEqual(self.server.ask("GET", "/api/v1/firmware?" + wrong).status, 400, wrong)

    def test_the_same_bytes_are_the_same_firmware(self):
        first = self.server.ask("POST", "/api/v1/firmware?name=a", s.plain("2.2.0"))
        second = self.server.ask("POST", "/api/v1/firmware?name=b", s.plain("2.2.0"))
        self.assertEqual((first.status, second.status), (201, 200))
        self.assertEqual(first.json, second.json)

    def test_uploading_it_again_mends_a_file_that_was_lost_or_damaged(self):
        data = s.plain("2.2.1")
        first = self.server.upload(data)
        path = self.server.data / "firmware" / first["sha256"]
        for broken in (None, b"x" + data[1:]):
            path.unlink()
            if broken:
                path.write_bytes(broken)
            self.assertEqual(self.server.upload(data), first)
            self.assertEqual(path.read_bytes(), data)

    def test_what_is_no_firmware_is_refused_with_a_reason(self):
        good, _ = s.packed("2.3.0")
        upload = "/api/v1/firmware?name=x"
        self.refused(422, "POST", upload, b"", says="empty")
        self.refused(422, "POST", upload, b"hello", says="tandem pack")
        self.refused(422, "POST", upload, good[:40], says="damaged")
        self.refused(422, "POST", upload, good[:300], says="truncated")
        self.refused(422, "POST", upload, good[:-1], says="truncated")
        self.refused(422, "POST", upload, good + b"x", says="follows")
        self.refused(422, "POST", upload, good[:70] + b"\xff" + good[71:], says="damaged")
        self.refused(422, "POST", upload, good[:-1] + b"\xff", says="digest")
        self.refused(422, "POST", upload, s.package.tag_build("1", "")[:-1] + b"\0", says="type")
        self.refused(422, "POST", upload, b"\x7fELF\1\1\1" + s.plain("1.0.0"), says="tandem pack")
        self.refused(415, "POST", upload, b"x", headers={"Content-Type": "multipart/form-data; boundary=x"})
        self.assertEqual([name for name in os.listdir(self.server.data / "firmware") if name.startswith(".")], [])

    def test_a_body_above_the_limit_is_refused_before_it_is_sent(self):
        answer = self.server.raw(b"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                                 self.server.token.encode() + b"\r\nContent-Length: 99999999\r\n\r\n")
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0])

    def test_a_body_without_a_token_is_refused_before_it_is_sent(self):
        answer = self.server.raw(b"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                                 b"Expect: 100-continue\r\n\r\n")
        self.assertIn(b" 401 ", answer.split(b"\r\n")[0])

    def test_a_client_that_waits_for_100_gets_it(self):
        data = s.plain("2.4.0")
        with socket.create_connection(("127.0.0.1", self.server.http_port), s.LIMIT) as connection:
            connection.sendall(b"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " +
                               self.server.token.encode() + b"\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(data))
            self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 100 "))
            connection.sendall(data)
            self.assertTrue(s.read_to_end(connection).startswith(b"HTTP/1.1 201 "))

    def test_a_body_in_the_smallest_pieces(self):
        data = s.plain("2.5.0")[-200:]
        request = b"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + \
                  self.server.token.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(data) + data
        with socket.create_connection(("127.0.0.1", self.server.http_port), s.LIMIT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(request)):
                connection.sendall(request[i:i + 1])
            self.assertTrue(s.read_to_end(connection).startswith(b"HTTP/1.1 201 "))

    def test_requests_may_follow_each_other_on_one_connection(self):
        get = b"GET /health HTTP/1.1\r\nHost: x\r\n%s\r\n"
        answer = self.server.raw(get % b"" + get % b"" + get % b"Connection: close\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 3)

    def test_what_is_not_http_is_refused(self):
        for request, status in ((b"hello\r\n\r\n", b"400"), (b"GET / HTTP/2.0\r\n\r\n", b"505"),
                                (b"GET / HTTP/1.1\r\n\r\n", b"400"), (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
                                (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
                                (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
                                (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
                                (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
                                (b"GET /" + b"a" * 9000, b"431"),
                                (b"GET /" + b"a" * 600 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414")):
            self.assertIn(status, self.server.raw(request).split(b"\r\n")[0], request)

    def test_a_shipment_is_created_and_acted_on(self):
        device = self.server.add_device("TMPLship")
        firmware = self.server.upload(s.plain("3.0.0"))
        ship = {"template": "TMPLship", "firmware": firmware["id"]}
        first = self.server.post("/api/v1/shipments", ship)
        second = self.server.post("/api/v1/shipments", {**ship, "name": "ünïque", "devices": [device["id"]]})
        self.assertRegex(first["name"], r"^New Shipping [A-Z][a-z]{2} \d\d, \d{4}")
        self.assertEqual(first["progress"], {"target": 1, "updated": 0, "failed": 0, "skipped": 0, "rest": 1,
                                             "bytes_sent": 0, "bytes_full": 0})
        self.assertEqual(first["firmware"], firmware)
        target = first["devices"][0]
        self.assertEqual((target["id"], target["status"], target["ended"]), (device["id"], "waiting", False))
        self.assertIn("never checked in", target["text"])
        path = f"/api/v1/shipments/{second['id']}"
        self.assertEqual(self.server.post(path + "/pause")["state"], "paused")
        self.refused(409, "POST", path + "/pause", says="paused")
        self.assertEqual(self.server.post(path + "/resume")["state"], "live")
        self.refused(409, "DELETE", f"/api/v1/firmware/{firmware['id']}", says="cancel")
        self.assertEqual(self.server.post(path + "/cancel")["state"], "cancelled")
        self.refused(409, "POST", path + "/resume", says="cancelled")
        listed = self.server.get("/api/v1/shipments")["shipments"]
        self.assertEqual([x["id"] for x in listed[:2]], [second["id"], first["id"]])
        self.assertNotIn("devices", listed[0])
        self.server.post(f"/api/v1/shipments/{first['id']}/cancel")
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/firmware/{firmware['id']}").status, 204)

    def test_two_shipments_without_a_name_get_different_ones(self):
        self.server.add_device("TMPLnames")
        firmware = self.server.upload(s.plain("3.1.0"))
        made = [self.server.post("/api/v1/shipments", {"template": "TMPLnames", "firmware": firmware["id"]}) for _ in range(4)]
        day = made[0]["name"].split(" (")[0]
        numbers = [int(shipment["id"][1:]) for shipment in made]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 4)))  # no id is spent on a name that was taken
        self.assertEqual([shipment["name"] for shipment in made[1:]],
                         [f"{day} ({int(made[0]['name'][len(day):].strip(' ()') or 1) + n})" for n in (1, 2, 3)])

    def test_malformed_shipments(self):
        device = self.server.add_device("TMPLbad")
        other = self.server.add_device("TMPLother")
        firmware = self.server.upload(s.plain("3.2.0"))["id"]
        good = {"template": "TMPLbad", "firmware": firmware}
        for change, status, says in (({"template": "TMPLnone"}, 422, "TMPLnone"), ({"template": None}, 400, "template"),
                                     ({"firmware": "f999"}, 422, "f999"), ({"firmware": None}, 400, "firmware"),
                                     ({"devices": []}, 400, "leave it out"), ({"devices": "d1"}, 400, "list"),
                                     ({"devices": [1]}, 400, "list"), ({"devices": ["d999"]}, 422, "d999"),
                                     ({"devices": [other["id"]]}, 422, "TMPLother"), ({"name": "x" * 41}, 400, "name")):
            self.refused(status, "POST", "/api/v1/shipments", {**good, **change}, says=says)
        self.server.post("/api/v1/shipments", {**good, "name": "twice", "devices": [device["id"]] * 2})
        self.refused(409, "POST", "/api/v1/shipments", {**good, "name": "twice"}, says="twice")


class Start(unittest.TestCase):
    """What an operator sees when something is in the way."""

    def run_server(self, *arguments):
        done = subprocess.run([s.PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=s.LIMIT, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_the_first_start_makes_a_token_and_later_ones_do_not(self):
        with s.Server() as server:
            first = (server.folder / "out").read_text()
            self.assertIn(f"admin token: kept in {server.data}/admin.token\n", first)
            self.assertNotIn(server.token, first)  # it may be a log
            self.assertEqual(stat.S_IMODE(os.stat(server.data).st_mode), 0o700)
            self.assertEqual(stat.S_IMODE(os.stat(server.data / "admin.token").st_mode), 0o600)
            self.assertFalse(server.database.holds(server.token.encode()))
            token = server.token
            server.stop()
            server.start()
            self.assertEqual((server.folder / "out").read_text(), "")
            self.assertEqual(server.token, token)
            self.assertEqual(server.get("/api/v1/devices")["devices"], [])
            self.assertNotIn(token, server.log())

    def test_the_token_of_another_database_is_kept(self):
        with s.Server() as server:
            first = server.token
            server.stop()
            server.database = None
            for path in server.data.glob("tandem.db*"):
                path.unlink()
            server.start()
            self.assertNotEqual(server.token, first)
            self.assertEqual((server.data / "admin.token.old").read_text().strip(), first)
            server.wait_log("new-database")

    def test_a_new_database_takes_no_folder_that_holds_the_firmware_of_another(self):
        """--database was forgotten, or tandem.db got lost."""
        with s.Server() as server:
            server.upload(s.plain("1.1.0"))
            kept = list((server.data / "firmware").iterdir())
            server.stop()
            away = server.folder / "away"
            away.mkdir()
            for path in server.data.glob("tandem.db*"):
                path.rename(away / path.name)
            for _ in range(2):
                status, output, error = self.run_server("--data", str(server.data), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
                self.assertEqual((status, output), (1, ""))
                self.assertRegex(error, r"/firmware holds files of another database.*--database")
                self.assertEqual(list((server.data / "firmware").iterdir()), kept)
            for path in server.data.glob("tandem.db*"):
                path.unlink()
            for path in away.iterdir():
                path.rename(server.data / path.name)
            server.start()
            self.assertEqual(len(server.get("/api/v1/firmware")["firmware"]), 1)

    def test_a_port_in_use_is_named(self):
        with s.Server() as server:
            status, _, error = self.run_server("--data", str(server.folder / "other"), "--http",
                                               f"127.0.0.1:{server.http_port}", "--mqtt", "127.0.0.1:0")
            self.assertEqual(status, 1)
            self.assertRegex(error, rf"127\.0\.0\.1:{server.http_port}.*in use.*another")

    def test_a_folder_in_use_is_named(self):
        with s.Server() as server:
            status, _, error = self.run_server("--data", str(server.data), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
            self.assertEqual(status, 1)
            self.assertIn(f"another tandem-cloud uses {server.data}", error)

    def test_a_folder_that_cannot_be_made_is_named(self):
        status, _, error = self.run_server("--data", "/proc/nothing", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
        self.assertEqual(status, 1)
        self.assertIn("/proc/nothing", error)

    def test_wrong_options_end_with_2(self):
        for arguments, says in (([], "required"), (["--data", "x", "--http", ":0", "--mqtt", ":0", "--settle", "x"], "settle"),
                                (["--nothing"], "help"), (["extra"], "extra"),
                                (["--data", "x", "--http", ":0", "--mqtt", ":0", "--tls-cert", "x"], "need --https or --mqtts"),
                                (["--public-url", "ftp://x"], "public-url"), (["--log-level", "loud"], "log-level")):
            status, _, error = self.run_server(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(says, error)

    def test_an_address_that_is_none_is_named(self):
        with s.Server() as server:
            status, _, error = self.run_server("--data", str(server.folder / "other"), "--http", "nonsense", "--mqtt", ":0")
            self.assertEqual(status, 1)
            self.assertIn("ADDR:PORT", error)
        for address, says in (("127.0.0.1:99999", "ADDR:PORT"), ("127.0.0.1:-1", "ADDR:PORT"), ("127.0.0.1:http", "ADDR:PORT"),
                              ("192.0.2.1:0", "no such address"), ("300.0.0.1:0", "an address of this machine")):
            with tempfile.TemporaryDirectory() as folder:
                status, _, error = self.run_server("--data", folder, "--http", address, "--mqtt", "127.0.0.1:0", "--allow-clear")
                self.assertEqual(status, 1, error)
                self.assertIn(says, error)

    def test_help_and_version_end_with_0(self):
        status, out, _ = self.run_server("--help")
        self.assertEqual(status, 0)
        for option in ("--data", "--http", "--mqtt", "--public-url", "--settle", "--log-level"):
            self.assertIn(option, out)
        status, out, _ = self.run_server("--version")
        self.assertTrue(re.match(r"tandem-cloud \d+\.\d+\.\d+\n", out) and status == 0)


class DiskFull(unittest.TestCase):
    """Firmware in a file system of 1 MiB, of which uploads leave a twentieth: the database may be in it, too."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small file system")
        self.server = s.Server().__enter__()
        self.addCleanup(self.server.__exit__)
        self.server.stop()
        self.files = self.server.data / "firmware"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.files], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            self.skipTest("no mounting here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.files], check=False)
        self.server.start()

    def begin(self, size):
        """An upload that waits for the server's word before it sends the file."""
        connection = socket.create_connection(("127.0.0.1", self.server.http_port), s.LIMIT)
        self.addCleanup(connection.close)
        connection.sendall(f"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n"
                           f"Connection: close\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n".encode())
        return connection, int(connection.recv(4096).split()[1])

    def test_an_upload_that_leaves_too_little_room_is_refused_before_it_is_sent(self):
        self.assertEqual(self.begin(1000000)[1], 507)
        self.assertEqual(os.listdir(self.files), [])
        self.server.upload(s.plain("4.0.1"))

    def test_uploads_under_way_have_their_room(self):
        first, status = self.begin(600000)
        self.assertEqual(status, 100)
        first.sendall(b"x" * 300000)
        self.assertEqual(self.begin(600000)[1], 507)
        first.close()
        s.wait_for("the room is free again", lambda: self.begin(600000)[1] == 100)

    def test_an_upload_that_finds_the_disk_full_is_refused_and_leaves_nothing(self):
        connection, status = self.begin(600000)
        self.assertEqual(status, 100)
        (self.files / "somebody's").write_bytes(bytes(800000))
        connection.sendall(b"x" * 600000)
        answer = s.read_to_end(connection)
        self.assertIn(b"507 ", answer.split(b"\r\n")[0])
        self.assertIn(b"disk full", answer)
        self.assertEqual(os.listdir(self.files), ["somebody's"])
        (self.files / "somebody's").unlink()
        self.server.upload(s.plain("4.0.1"))


if __name__ == "__main__":
    unittest.main()
