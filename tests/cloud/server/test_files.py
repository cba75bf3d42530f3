"""Where firmware files are kept, and how they leave: S3, a shared folder, overload, a shared rate."""

import hashlib
import os
import resource
import socket
import tempfile
import threading
import time
import unittest
from pathlib import Path

import server as s
import s3_stand_in


class StandIn(unittest.TestCase):
    """The stand-in itself, by the worked example of Amazon's documentation of Signature Version 4."""

    def test_it_signs_as_the_published_example_does(self):
        to_sign = ("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
                   "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972")
        self.assertEqual(s3_stand_in.sign("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", to_sign),
                         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")

    def test_it_refuses_what_is_not_signed_or_changed(self):
        with self.assertRaises(s3_stand_in.Refused):
            s3_stand_in.check("GET", "/b/k", {"host": "x"}, b"")


class Kept:
    """What holds of every place; the subclasses say which."""

    def start(self):
        server = s.Server("--files", self.place, environment=self.environment).__enter__()
        self.addCleanup(server.__exit__)
        server.add_device()  # with it the template exists
        return server

    def device(self, server):
        added = server.add_device()
        device = s.Device(server, added["token"])
        self.addCleanup(device.close)
        device.check_in("1.0.0")
        return device

    def fetch(self, server, offer):
        return server.ask("GET", "/" + offer["url"].split("/", 3)[3], token=False)

    def forget(self, server):
        """The own folder is a cache: it can be lost."""
        for path in (server.data / "firmware").iterdir():
            path.unlink()

    def test_a_file_is_kept_there_and_comes_back(self):
        server = self.start()
        data = s.plain("1.1.0") + os.urandom(500_000)
        firmware = server.upload(data)
        self.assertEqual(self.kept(), {hashlib.sha256(data).hexdigest(): data})
        server.ship(firmware)
        self.forget(server)
        offer = self.device(server).offer()
        answer = self.fetch(server, offer)
        self.assertEqual((answer.status, answer.body), (200, data))
        self.assertEqual(answer.headers["content-length"], str(len(data)))

    def test_a_copy_that_lost_its_end_is_fetched_anew(self):
        server = self.start()
        data = s.plain("1.1.0")
        firmware = server.upload(data)
        server.ship(firmware)
        offer = self.device(server).offer()
        path = server.data / "firmware" / firmware["sha256"]
        path.write_bytes(data[:-500])
        answer = self.fetch(server, offer)
        self.assertEqual((answer.status, answer.body), (200, data))
        self.assertEqual(path.read_bytes(), data)

    def test_many_who_ask_for_a_file_that_is_not_here_yet_all_get_it(self):
        server = self.start()
        data = s.plain("1.1.0") + os.urandom(200_000)
        server.ship(server.upload(data))
        offers = [self.device(server).offer() for _ in range(8)]
        self.forget(server)
        answers = []
        threads = [threading.Thread(target=lambda offer=offer: answers.append(self.fetch(server, offer).body)) for offer in offers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(s.LIMIT)
        self.assertEqual(answers, [data] * 8)

    def test_a_damaged_file_is_never_sent(self):
        server = self.start()
        data = s.plain("1.1.0")
        server.ship(server.upload(data))
        offer = self.device(server).offer()
        self.forget(server)
        self.damage()
        answer = self.fetch(server, offer)
        self.assertEqual(answer.status, 503)
        self.assertTrue(30 <= int(answer.headers["retry-after"]) <= 60)
        self.assertEqual(list((server.data / "firmware").iterdir()), [])
        server.wait_log("file-damaged")


    def test_a_deleted_firmware_leaves_the_place_and_others_stay(self):
        server = self.start()
        stays = s.plain("1.0.0")
        server.upload(stays)
        goes = server.upload(s.plain("1.1.0"))
        self.assertEqual(server.ask("DELETE", f"/api/v1/firmware/{goes['id']}").status, 204)
        self.assertEqual(len(self.kept()), 2)  # for an hour: another server may be sending it
        self.an_hour_passes(server)
        s.wait_for("it is gone", lambda: len(self.kept()) == 1)
        self.assertEqual(self.kept(), {hashlib.sha256(stays).hexdigest(): stays})
        s.wait_for("it may come again", lambda: server.ask("POST", "/api/v1/firmware?name=again", s.plain("1.1.0")).status == 201)
        self.assertEqual(len(self.kept()), 2)

    def an_hour_passes(self, server):
        """For what is to be removed."""
        server.database.change("UPDATE removal SET due = 0")


class InDirectory(Kept, unittest.TestCase):
    environment = {}

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.place = self.temporary.name

    def kept(self):
        return {path.name: path.read_bytes() for path in Path(self.place).iterdir()}

    def damage(self):
        for path in Path(self.place).iterdir():
            path.write_bytes(b"something else")

    def test_a_folder_that_is_not_there_is_refused_at_the_start(self):
        with self.assertRaisesRegex(AssertionError, "/does/not/exist"):
            s.Server("--files", "/does/not/exist").__enter__()


class InS3(Kept, unittest.TestCase):
    place = "s3://bucket/firm-ware"

    def setUp(self):
        self.s3 = s3_stand_in.S3().__enter__()
        self.addCleanup(self.s3.__exit__)
        self.environment = self.s3.environment

    def tearDown(self):
        self.assertEqual(self.s3.refused, [])

    def kept(self):
        self.assertTrue(all(path.startswith("/bucket/firm-ware/") for path in self.s3.objects))
        return {path.rsplit("/", 1)[1]: data for path, data in self.s3.objects.items()}

    def damage(self):
        for path in self.s3.objects:
            self.s3.objects[path] = b"something else"

    def test_a_failure_that_passes_is_not_noticed(self):
        server = self.start()
        self.s3.failures = 2
        data = s.plain("1.1.0")
        server.ship(server.upload(data))
        self.forget(server)
        self.s3.cut = 1
        self.assertEqual(self.fetch(server, self.device(server).offer()).body, data, server.log())

    def test_a_removal_that_failed_is_tried_again(self):
        server = self.start()
        firmware = server.upload(s.plain("1.1.0"))
        self.s3.failures = 1000
        self.assertEqual(server.ask("DELETE", f"/api/v1/firmware/{firmware['id']}").status, 204)
        self.an_hour_passes(server)
        server.wait_log("file-not-removed")
        self.assertEqual(len(self.kept()), 1)
        self.s3.failures = 0
        self.an_hour_passes(server)
        s.wait_for("it is gone", lambda: not self.kept())

    def test_an_upload_that_cannot_be_kept_is_refused_and_leaves_nothing(self):
        server = self.start()
        self.s3.failures = 1000
        answer = server.ask("POST", "/api/v1/firmware", s.plain("1.1.0"))
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        self.assertEqual(server.get("/api/v1/firmware"), {"firmware": [], "next": None})
        self.assertEqual(list((server.data / "firmware").iterdir()), [])
        self.s3.failures = 0
        server.upload(s.plain("1.1.0"))

    def test_a_wrong_key_is_refused_by_s3_and_said_in_the_log(self):
        self.environment = {**self.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
        server = self.start()
        self.assertEqual(server.ask("POST", "/api/v1/firmware", s.plain("1.1.0")).status, 503)
        server.wait_log("status=403")
        self.assertEqual(len(self.s3.refused), 1)
        self.s3.refused.clear()

    def test_the_rest_goes_on_while_s3_is_slow_and_a_stop_does_not_wait_for_it(self):
        server = self.start()
        self.s3.delay = 15
        with socket.create_connection(("127.0.0.1", server.http_port), s.LIMIT) as upload:
            data = s.plain("1.1.0")
            upload.sendall(f"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
                           f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
            s.wait_for("S3 is asked", lambda: self.s3.requests)
            self.device(server).ping()
            self.assertEqual(server.get("/api/v1/firmware"), {"firmware": [], "next": None})
            before = time.monotonic()
            server.stop()
            self.assertLess(time.monotonic() - before, 10)
        server.start()

    def test_settings_that_cannot_work_are_refused_at_the_start(self):
        for environment, says in (({"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID"),
                                  ({"AWS_ENDPOINT_URL": "http://s3.example.com"}, "https://")):
            with self.assertRaisesRegex(AssertionError, says):
                s.Server("--files", self.place, environment={**self.environment, **environment}).__enter__()
        with self.assertRaisesRegex(AssertionError, "BUCKET"):
            s.Server("--files", "s3://../x", environment=self.environment).__enter__()


def answers(server):
    try:
        return server.ask("GET", "/health", token=False).status == 200
    except OSError:
        return False


class Leaving(unittest.TestCase):
    """Downloads under load."""

    def start(self, files=None):
        server = s.Server()
        if files:
            server.limits = {resource.RLIMIT_NOFILE: files}
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def offers(self, server, data, count, **shipment):
        """The paths by which so many devices fetch the firmware."""
        added = [server.add_device() for _ in range(count)]
        server.ship(server.upload(data), devices=[device["id"] for device in added], **shipment)
        devices = [s.Device(server, device["token"]) for device in added]
        for device in devices:
            self.addCleanup(device.close)
            device.check_in("1.0.0")
        return ["/" + device.offer()["url"].split("/", 3)[3] for device in devices]

    def offer(self, server, data, **shipment):
        return self.offers(server, data, 1, **shipment)[0]

    def hold(self, server, request=b""):
        connection = socket.create_connection(("127.0.0.1", server.http_port), s.LIMIT)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(connection.close)
        connection.sendall(request)
        return connection

    def test_too_many_downloads_are_told_when_to_come_back(self):
        server = self.start(files=600)
        paths = self.offers(server, s.plain("1.1.0") + os.urandom(8 << 20), 10)
        held = []
        for i in range(60):
            held.append(self.hold(server, f"GET {paths[i % 10]} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
            head = held[-1].recv(300)
            if b" 503 " in head:
                break
            self.assertIn(b" 200 ", head)
        self.assertIn(b"Retry-After: ", head)
        self.assertGreater(len(held), 20)
        self.assertEqual(server.ask("GET", "/health", token=False).status, 200)
        for connection in held:
            connection.close()
        s.wait_for("there is room again", lambda: server.ask("HEAD", paths[0], token=False).status == 200)

    def test_one_device_takes_no_more_than_its_part_of_the_downloads(self):
        server = self.start(files=600)
        mine, other = self.offers(server, s.plain("1.1.0") + os.urandom(8 << 20), 2)
        request = f"GET {mine} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        held = []
        for _ in range(600 // 8 * 3 // 4 // 4):  # fewer, since the server keeps some files for itself
            connection = self.hold(server, request)
            if b" 503 " in connection.recv(300):
                break
            held.append(connection)
        self.assertGreaterEqual(len(held), 8)
        answer = server.ask("GET", mine, token=False)
        self.assertEqual((answer.status, "retry-after" in answer.headers), (503, True))
        self.assertIn("this device", answer.json["detail"])
        self.assertEqual(server.ask("HEAD", other, token=False).status, 200)
        held[0].close()
        s.wait_for("the device may go on", lambda: server.ask("HEAD", mine, token=False).status == 200)

    def test_uploads_take_no_more_than_their_part_of_the_connections(self):
        server = self.start(files=600)
        upload = (f"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
                  "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n").encode()
        held = []
        for _ in range(600 // 8 // 8):  # an eighth; fewer, since the server keeps some files for itself
            held.append(self.hold(server, upload))
            head = held[-1].recv(2000)
            if b" 100 " not in head:
                break
        self.assertIn(b" 503 ", head)
        self.assertIn(b"Retry-After: ", head)
        self.assertGreaterEqual(len(held), 8)
        self.assertEqual(server.ask("GET", "/api/v1/devices").status, 200)
        held[0].close()
        s.wait_for("there is room again", lambda: b" 100 " in self.hold(server, upload).recv(300))

    def test_too_many_connections_are_told_when_to_come_back(self):
        server = self.start(files=300)
        body = (f"POST /api/v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n").encode()
        held = [self.hold(server, body) for _ in range(26)]
        for connection in held:
            self.assertIn(b" 100 ", connection.recv(300))
        answer = server.ask("GET", "/health", token=False)
        self.assertEqual(answer.status, 503)
        self.assertTrue(30 <= int(answer.headers["retry-after"]) <= 60)
        for connection in held:
            connection.close()
        s.wait_for("there is room again", lambda: answers(server))

    def test_connections_that_ask_for_nothing_keep_nobody_out(self):
        server = self.start(files=300)
        for _ in range(60):
            self.hold(server)
        self.assertEqual(server.ask("GET", "/health", token=False).status, 200)

    def test_downloads_of_a_shipment_share_its_rate(self):
        server = self.start()
        data = s.plain("1.1.0") + os.urandom(1 << 20)
        path = self.offer(server, data, bytes_per_second=1 << 20)
        began, bodies = time.monotonic(), []
        threads = [threading.Thread(target=lambda: bodies.append(server.ask("GET", path, token=False).body)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(s.LIMIT)
        self.assertEqual(bodies, [data] * 3)
        # 3 MiB at 1 MiB/s: a second's burst is free, and what the sockets' buffers take at the end.
        self.assertGreater(time.monotonic() - began, 0.5)


if __name__ == "__main__":
    unittest.main()
