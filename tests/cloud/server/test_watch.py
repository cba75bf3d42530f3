"""Live events and the audit log, against the running program."""

import http.client
import json
import time
import unittest

import server as s


class Stream:
    """An open text/event-stream."""

    def __init__(self, server, token=None, last=None, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=s.LIMIT)
        headers = dict(headers or {})
        if token is not False:
            headers["Authorization"] = f"Bearer {token or server.token}"
        if last:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def next(self):
        """The next event: (id, type, data)."""
        fields = {}
        end = time.monotonic() + s.LIMIT
        while True:
            assert time.monotonic() < end, "timed out: an event"  # comments come all the time
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if not line and fields:
                return fields["id"], fields["event"], json.loads(fields["data"])
            if line and not line.startswith(":"):
                name, value = line.split(": ", 1)
                fields[name] = value

    def wait(self, kind, condition=lambda data: True):
        while True:
            event = self.next()
            assert event, "the stream ended"
            if event[1] == kind and condition(event[2]):
                return event

    def close(self):
        self.response.close()
        self.connection.close()


class Watch(unittest.TestCase):
    def setUp(self):
        self.server = s.Server("--settle", "0").__enter__()

    def tearDown(self):
        self.server.__exit__()

    def stream(self, *args, **more):
        stream = Stream(self.server, *args, **more)
        self.addCleanup(stream.close)
        return stream

    # --- events ---

    def test_update_is_seen_as_it_happens(self):
        watch = self.stream()
        self.assertEqual(watch.response.getheader("content-type"), "text/event-stream")
        self.assertEqual(watch.next()[1], "reset")
        added = self.server.add_device()
        device = s.Device(self.server, added["token"])
        self.addCleanup(device.close)
        device.check_in("1.0.0")
        self.assertEqual(watch.wait("device")[2]["change"], "online")
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        event = watch.wait("target", lambda data: data["status"] == "request-sent")[2]
        self.assertEqual((event["shipment"], event["device"]), (shipment["id"], added["id"]))
        self.assertEqual(event["progress"], {"target": 1, "updated": 0, "failed": 0, "rest": 1})
        device.close()
        device = s.Device(self.server, added["token"])
        device.check_in("1.1.0")
        self.addCleanup(device.close)
        self.assertTrue(watch.wait("target", lambda data: data["ended"])[2]["progress"]["updated"])
        self.assertEqual(watch.wait("shipment", lambda data: data["state"] == "finished")[2]["id"], shipment["id"])

    def online(self, count):
        """So many events, by devices that come."""
        for _ in range(count):
            s.Device(self.server, self.server.add_device()["token"]).close()

    def test_client_that_comes_back_misses_nothing(self):
        first = self.stream()
        self.online(1)
        last = first.wait("device")[0]
        first.close()
        added = self.server.add_device()
        device = s.Device(self.server, added["token"])
        self.addCleanup(device.close)
        s.wait_for("online", lambda: self.server.device(added)["online"])
        again = self.stream(last=last)
        self.assertEqual(again.wait("device", lambda data: data["id"] == added["id"])[2]["change"], "online")

    def test_client_with_a_place_that_is_not_known_is_told_to_look_anew(self):
        for last in ("1-1", "x", "0-0", "ffffffffffffffff-99999999999999999999", "1-1\tx", "-1--1"):
            self.assertEqual(self.stream(last=last).next()[1], "reset", last)

    def test_events_of_one_organization_are_not_seen_by_another(self):
        made = self.server.post("/api/v1/organizations", {"name": "other", "login": "olga"})
        olga = s.Person(self.server, "olga", made["password"])
        olga.ask("PUT", "/api/v1/session/password", {"old": made["password"], "new": "tulips under old bridges"})
        token = olga.ask("POST", "/api/v1/tokens", {"name": "t"}).json["token"]
        theirs, ours = self.stream(token=token), self.stream()
        self.online(1)
        ours.wait("device")
        own = self.server.ask("POST", "/api/v1/devices", {"template": "T"}, token=token).json
        s.Device(self.server, own["token"]).close()
        self.assertEqual(theirs.wait("device")[2]["id"], own["id"])

    def test_stream_needs_a_sign_in(self):
        self.assertEqual(self.stream(token=False).status, 401)
        self.assertEqual(self.stream(token="wrong").status, 401)

    def somebody(self, login):
        """Another person's token."""
        user = self.server.post("/api/v1/users", {"login": login})
        made = self.server.post("/api/v1/tokens", {})
        self.server.database.change(f"UPDATE api_token SET account = {user['id'][1:]} WHERE id = {made['id'][1:]}")
        return made["token"]

    def test_streams_are_bounded_for_each_person_and_for_all(self):
        open_ones = []
        for i in range(8):
            token = self.somebody(f"person-{i}")
            open_ones += [self.stream(token=token) for _ in range(32)]
            self.assertEqual(self.stream(token=token).status, 503)
        self.assertEqual({x.status for x in open_ones}, {200})
        self.assertEqual(self.stream().status, 503)
        open_ones[0].close()
        s.wait_for("a place", lambda: self.stream().status == 200)
        self.assertEqual(self.server.ask("GET", "/health", token=False).status, 200)

    # --- the audit log ---

    def entries(self, query=""):
        return self.server.get("/api/v1/audit" + query)["entries"]

    def test_every_change_is_in_the_log(self):
        device = self.server.add_device(name="pump 7")
        self.server.ask("DELETE", f"/api/v1/devices/{device['id']}")
        self.server.upload(s.plain("1.0.0"), "app.bin")
        newest = self.entries("?limit=3")
        self.assertEqual([e["action"] for e in newest], ["uploadFirmware", "deleteDevice", "createDevice"])
        self.assertEqual([e["subject"] for e in newest], ["f1", device["id"], device["id"]])
        self.assertEqual(newest[2]["detail"], {"template": s.TEMPLATE, "name": "pump 7"})
        self.assertEqual(newest[0]["detail"], {"name": "app.bin"})
        self.assertEqual({(e["login"], e["address"], e["user"], e["token"], e["done"]) for e in newest},
                         {("admin", "127.0.0.1", "u1", "t1", True)})

    def test_refused_change_is_not_and_refused_sign_in_is(self):
        self.server.ask("POST", "/api/v1/devices", {"template": ""})
        self.assertEqual(self.entries(), [])
        s.Person(self.server).sign_in("admin", "wrong")
        s.Person(self.server).sign_in("nobody", "wrong")
        self.assertEqual([(e["action"], e["login"], e["user"], e["done"]) for e in self.entries()],
                         [("signIn", "nobody", None, False), ("signIn", "admin", "u1", False)])

    def test_secrets_are_not_in_the_log(self):
        user = self.server.post("/api/v1/users", {"login": "ann"})
        ann = s.Person(self.server, "ann", user["password"])
        ann.ask("PUT", "/api/v1/session/password", {"old": user["password"], "new": "tulips under old bridges"})
        text = json.dumps(self.entries())
        self.assertIn("changePassword", text)
        for secret in (user["password"], "tulips", ann.cookie.split("=")[1]):
            self.assertNotIn(secret, text)

    def test_log_is_only_added_to(self):
        self.server.add_device()
        for sql in ("UPDATE audit SET login = 'x'", "DELETE FROM audit"):
            with self.assertRaisesRegex(s.database.Refused, "only added to"):
                self.server.database.change(sql)
        self.assertEqual(len(self.entries()), 1)

    def test_log_in_pages_and_of_one_user(self):
        for _ in range(5):
            self.server.add_device()
        page = self.server.get("/api/v1/audit?limit=2")
        rest = self.server.get(f"/api/v1/audit?limit=1000&cursor={page['next']}")
        ids = [e["id"] for e in page["entries"] + rest["entries"]]
        self.assertEqual(ids, ["a5", "a4", "a3", "a2", "a1"])
        self.assertEqual(self.entries("?user=u1"), page["entries"] + rest["entries"])
        self.assertEqual(self.entries("?user=u2"), [])


if __name__ == "__main__":
    unittest.main()
