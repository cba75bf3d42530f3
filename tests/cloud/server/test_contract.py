"""docs/openapi.json against the running program: every operation with every status that it lists, other
organizations' ids on every path; and what all operations share. (Garbage on every path: test_garbage.py.)"""

import json
import tempfile
import unittest

from prometheus_client.parser import text_string_to_metric_families

import contract
import provider as p
import server as s
import test_oidc

GOOD = "tulips under old bridges"
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIvpGUBkSTN5gbHbCvf0rc7XzABjX
cVeDLJacMMn0nDhqP8Xd7azaVc0Bc5nyBarwnzBQZTec1xiteW35g9Gdbw==
-----END PUBLIC KEY-----
"""
KEY = "0b9a2c1e-8f6d-4f6f-9a51-111111111111"


def path_of(operation_path, ident):
    return operation_path.replace("{id}", ident)


def operations():
    """(method, path, operation) of the file."""
    for path, methods in contract.DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def letter(operation):
    """What ids of this operation begin with, or None."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            return parameter["schema"]["pattern"][1]
    return None


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s.Server("--settle", "0").__enter__()
        cls.other, cls.theirs = cls.make_other()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    @classmethod
    def sign_up(cls, login, password):
        person = s.Person(cls.server, login, password)
        assert person.ask("PUT", "/api/v1/session/password", {"old": password, "new": GOOD}).status == 204
        return person

    @classmethod
    def make_other(cls):
        """Another organization's token, and the ids of what it has, by their letter."""
        made = cls.server.post("/api/v1/organizations", {"name": "other", "login": "olga"})
        olga = cls.sign_up("olga", made["password"])
        token = olga.ask("POST", "/api/v1/tokens", {"name": "all"}).json
        ask = lambda *args: cls.server.ask(*args, token=token["token"]).json
        device = ask("POST", "/api/v1/devices", {"template": s.TEMPLATE})
        firmware = ask("POST", "/api/v1/firmware?name=theirs", s.plain("9.9.9"))
        shipment = ask("POST", "/api/v1/shipments", {"template": s.TEMPLATE, "firmware": firmware["id"]})
        saved = ask("POST", "/api/v1/filters", {"name": "theirs", "filter": "online=yes"})
        key = ask("POST", "/api/v1/keys", {"name": "theirs", "pem": PUBLIC_KEY})
        return token["token"], {"k": key["id"], "d": device["id"], "f": firmware["id"], "s": shipment["id"],
                                "q": saved["id"],
                                "w": ask("POST", "/api/v1/webhooks", {"url": "https://example.com/"})["id"],
                                "u": made["admin"]["id"], "t": token["id"], "o": made["id"],
                                "n": olga.ask("GET", "/api/v1/session").json["session"]}

    def status(self, expected, method, path, body=None, **more):
        answer = self.server.ask(method, path, body, **more)
        self.assertEqual(answer.status, expected, f"{method} {path}: {answer.body}")
        return answer

    # --- the file itself ---

    def test_file_is_served_to_anybody(self):
        answer = self.status(200, "GET", "/api/v1/openapi.json", token=False)
        self.assertEqual(answer.json, contract.DOCUMENT)
        self.assertEqual(answer.json["openapi"], "3.1.0")

    # --- every operation, every status ---

    def without_sign_in(self):
        for method, path, operation in operations():
            if operation.get("security") == []:
                continue
            ident = self.theirs.get(letter(operation), "")
            self.status(401, method, path_of(path, ident), token=False)
            self.status(401, method, path_of(path, ident), token="wrong")

    def without_the_right(self):
        """A token for an area that nothing else is in, and a session that has to change its password first."""
        user = self.server.post("/api/v1/users", {"login": "una"})
        una = s.Person(self.server, "una", user["password"])
        token = self.server.post("/api/v1/tokens", {"name": "events", "role": "viewer", "areas": ["events"]})["token"]
        for method, path, operation in operations():
            if operation.get("security") == [] or operation["x-role"] == "person":
                continue
            ident = self.theirs.get(letter(operation), "")
            self.assertEqual(una.ask(method, path_of(path, ident)).status, 403, path)
            if "x-area" in operation and operation["x-area"] != "events":
                self.status(403, method, path_of(path, ident), token=token)

    def other_organizations_ids(self):
        for method, path, operation in operations():
            kind = letter(operation)
            if kind is None or operation.get("security") == []:
                continue
            if operation["x-role"] != "host":
                self.status(404, method, path_of(path, self.theirs[kind]))
            for ident in (kind + "9999999", kind + "0", kind + "-1", kind + "01", "z1", kind + "1x", kind):
                self.status(404, method, path_of(path, ident))

    def unknown_parameters(self):
        for method, path, operation in operations():
            if "400" in operation["responses"] and operation["operationId"] != "endSignIn":
                ident = self.theirs.get(letter(operation), "")
                self.status(400, method, path_of(path, ident) + "?nope=1")

    def keys_of_another_request(self):
        key = {"Idempotency-Key": "a-key-of-its-own-0004"}
        device = self.status(201, "POST", "/api/v1/devices", {"template": s.TEMPLATE}, headers=key).json["id"]
        firmware = self.server.upload(s.plain("7.0.0"))
        ident = {"d": device, "s": self.server.ship(firmware, devices=[device])["id"],
                 "u": self.server.post("/api/v1/users", {"login": "otto"})["id"],
                 "w": self.server.post("/api/v1/webhooks", {"url": "https://example.com/"})["id"]}
        for method, path, operation in operations():
            if method == "POST" and operation.get("security") != []:
                body = s.plain("7.0.0") if operation["operationId"] == "uploadFirmware" else None
                query = "?name=a" if operation["operationId"] == "uploadFirmware" else ""
                self.status(422, method, path_of(path, ident.get(letter(operation), "")) + query, body, headers=key)
        self.status(204, "DELETE", f"/api/v1/webhooks/{ident['w']}")
        self.status(200, "POST", f"/api/v1/shipments/{ident['s']}/cancel")

    def connected_device(self):
        added = self.server.add_device()
        device = s.Device(self.server, added["token"])
        self.addCleanup(device.close)
        device.check_in("1.0.0")
        return f"/api/v1/devices/{added['id']}", added, device

    def devices(self):
        path, added, device = self.connected_device()
        self.status(422, "POST", "/api/v1/devices", {"template": "T", "timezone": "Mars/Base"})
        self.status(409, "POST", "/api/v1/devices", {"template": "T", "token": added["token"]})
        self.status(422, "GET", "/api/v1/devices?filter=colour%3Dred")
        self.status(200, "GET", "/api/v1/devices?limit=1")
        self.status(200, "GET", path)
        self.status(200, "PATCH", path, {"name": "pump", "tags": ["canary"]})
        for method, suffix, body in (("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("PATCH", "/values", {})):
            self.status(412, method, path + suffix, body, headers={"If-Match": '"other"'})
        self.status(422, "PATCH", path, {"timezone": "Mars/Base"})
        self.status(200, "GET", path + "/why")
        self.status(204, "PATCH", path + "/values", {"datastreams": {"V1": "2"}})
        self.status(422, "PATCH", path + "/values", {"datastreams": {"a/b": "2"}})
        self.status(200, "GET", path + "/values")
        for verb, body in (("ping", None), ("reboot", None), ("redirect", {"url": "mqtts://example.com:8883"})):
            self.status(202, "POST", f"{path}/{verb}", body)
        self.status(409, "POST", path + "/consent")
        self.status(422, "POST", path + "/consent", {"shipment": "x"})
        self.status(409, "POST", path + "/decline")
        self.status(422, "POST", path + "/decline", {"shipment": "x"})
        firmware = self.server.upload(s.plain("5.0.0"))
        shipment = self.server.ship(firmware, user_controlled=True, devices=[added["id"]])
        self.status(200, "POST", path + "/consent")
        offer = device.offer()["url"].split("/", 3)[3]
        self.status(200, "GET", "/" + offer, token=False)
        self.status(200, "HEAD", "/" + offer, token=False)
        self.status(206, "GET", "/" + offer, token=False, headers={"Range": "bytes=1-2"})
        self.status(416, "GET", "/" + offer, token=False, headers={"Range": "bytes=99999999-"})
        for method in ("GET", "HEAD"):
            self.status(304, method, "/" + offer, token=False, headers={"If-None-Match": "*"})
            self.status(412, method, "/" + offer, token=False, headers={"If-Match": '"other"'})
            self.status(403, method, "/firmware/f1?token=x", token=False)
            self.status(404, method, "/firmware/f" + "9" * 40, token=False)
        self.server.post(f"/api/v1/shipments/{shipment['id']}/cancel")
        device.close()
        s.wait_for("offline", lambda: not self.server.get(path)["online"])
        for verb, body in (("ping", None), ("reboot", None), ("redirect", {"url": "mqtts://example.com:8883"})):
            self.status(409, "POST", f"{path}/{verb}", body)
        self.server.ship(firmware, user_controlled=True, devices=[added["id"]])
        self.status(200, "POST", path + "/decline")
        self.status(201, "POST", path + "/token")
        self.status(204, "DELETE", path + "/token")
        self.status(200, "GET", "/api/v1/overview")
        self.status(200, "GET", "/api/v1/failures")
        self.status(204, "DELETE", path)

    def firmware_and_shipments(self):
        self.server.add_device()
        firmware = self.status(201, "POST", "/api/v1/firmware?name=a", s.plain("6.0.0")).json
        self.status(200, "POST", "/api/v1/firmware?name=a", s.plain("6.0.0"))
        self.status(422, "POST", "/api/v1/firmware?name=a", b"nothing")
        self.status(200, "GET", "/api/v1/firmware")
        path = f"/api/v1/firmware/{firmware['id']}"
        self.status(200, "GET", path + "/deltas")
        self.status(200, "GET", path)
        body = {"template": s.TEMPLATE, "firmware": firmware["id"], "name": "contract", "waves": [{"devices": 1}]}
        shipment = f"/api/v1/shipments/{self.status(201, 'POST', '/api/v1/shipments', body).json['id']}"
        self.status(409, "POST", "/api/v1/shipments", body)
        self.status(422, "POST", "/api/v1/shipments", {**body, "firmware": "f99999"})
        self.status(409, "DELETE", path)
        self.status(409, "DELETE", shipment)
        self.status(200, "GET", "/api/v1/shipments?state=live")
        self.status(200, "GET", shipment)
        self.status(200, "GET", shipment + "/devices?limit=1")
        self.status(200, "GET", shipment + "/report?format=csv")
        self.status(200, "GET", shipment + "/report?format=json")
        self.status(200, "GET", shipment + "/chart")
        self.status(200, "GET", "/api/v1/charts/versions")
        self.status(200, "POST", "/api/v1/shipments/preview", body)
        self.status(200, "POST", "/api/v1/shipments/preview?limit=1", body)
        self.status(422, "POST", "/api/v1/shipments/preview", {**body, "firmware": "f99999"})
        self.status(200, "POST", shipment + "/advance")
        self.status(200, "POST", shipment + "/pause")
        self.status(409, "POST", shipment + "/pause")
        self.status(409, "POST", shipment + "/advance")
        self.status(200, "POST", shipment + "/resume")
        self.status(409, "POST", shipment + "/resume")
        self.status(200, "POST", shipment + "/cancel")
        self.status(409, "POST", shipment + "/cancel")
        self.status(422, "POST", shipment + "/revert")
        back = self.status(201, "POST", shipment + "/revert", {"firmware": firmware["id"]}).json["id"]
        self.status(200, "POST", f"/api/v1/shipments/{back}/cancel")
        self.status(204, "DELETE", shipment)
        self.status(204, "DELETE", path)
        self.keys()
        saved = {"name": "contract", "filter": "online=yes"}
        one = f"/api/v1/filters/{self.status(201, 'POST', '/api/v1/filters', saved).json['id']}"
        self.status(201, "POST", "/api/v1/filters", {**saved, "name": "second"})
        self.status(409, "POST", "/api/v1/filters", saved)
        self.status(422, "POST", "/api/v1/filters", {"name": "x", "filter": "colour=red"})
        self.status(200, "GET", "/api/v1/filters")
        self.assertIn(s.TEMPLATE, [one["template"] for one in self.status(200, "GET", "/api/v1/templates").json["templates"]])
        self.status(200, "GET", one)
        self.status(200, "PUT", one, saved)
        for method, body in (("PUT", saved), ("DELETE", None)):
            self.status(412, method, one, body, headers={"If-Match": '"other"'})
        self.status(409, "PUT", one, {**saved, "name": "second"})
        self.status(422, "PUT", one, {"name": "x", "filter": "colour=red"})
        self.status(204, "DELETE", one)

    def keys(self):
        key = self.status(201, "POST", "/api/v1/keys", {"name": "release", "pem": PUBLIC_KEY}).json
        self.status(409, "POST", "/api/v1/keys", {"name": "release", "pem": PUBLIC_KEY})
        self.status(422, "POST", "/api/v1/keys", {"name": "other", "pem": "nonsense"})
        self.status(200, "GET", "/api/v1/keys")
        self.status(204, "DELETE", f"/api/v1/keys/{key['id']}")
        self.status(200, "GET", "/api/v1/retention")
        self.status(200, "PUT", "/api/v1/retention", {"days": 30, "keep": 3})
        self.status(412, "PUT", "/api/v1/retention", {"days": 0}, headers={"If-Match": '"other"'})

    def people(self):
        user = self.status(201, "POST", "/api/v1/users", {"login": "ann", "role": "admin"}).json
        self.status(409, "POST", "/api/v1/users", {"login": "ann"})
        path = f"/api/v1/users/{user['id']}"
        self.status(200, "GET", "/api/v1/users")
        self.status(200, "GET", path)
        self.status(200, "PATCH", path, {"name": "Ann"})
        for method in ("PATCH", "DELETE"):
            self.status(412, method, path, {"name": "Ann"} if method == "PATCH" else None, headers={"If-Match": '"other"'})
        ann = self.sign_up("ann", self.status(200, "POST", path + "/password").json["password"])
        self.assertEqual(ann.ask("GET", "/api/v1/session").status, 200)
        other = s.Person(self.server, "ann", GOOD).ask("GET", "/api/v1/session").json["session"]
        self.assertEqual(ann.ask("GET", "/api/v1/sessions").status, 200)
        self.assertEqual(ann.ask("DELETE", f"/api/v1/sessions/{other}").status, 204)
        change = "/api/v1/session/password"
        self.status(409, "PUT", change, {"old": "x", "new": "y"})
        self.status(409, "DELETE", "/api/v1/session")
        self.assertEqual(ann.ask("PUT", change, {"old": "wrong", "new": GOOD}).status, 403)
        self.assertEqual(ann.ask("PUT", change, {"old": GOOD, "new": "short"}).status, 422)
        token = ann.ask("POST", "/api/v1/tokens", {"name": "t", "days": 1}).json
        self.status(200, "GET", "/api/v1/tokens")
        self.assertEqual(ann.ask("DELETE", f"/api/v1/tokens/{token['id']}").status, 204)
        while (answer := ann.ask("PUT", change, {"old": "wrong", "new": GOOD})).status == 403:
            pass
        self.assertEqual(answer.status, 429)
        self.assertEqual(s.Person(self.server).sign_in("ann", "wrong").status, 429)
        self.assertEqual(s.Person(self.server).sign_in("nobody", "wrong").status, 401)
        self.assertEqual(self.server.ask("DELETE", "/api/v1/session", token=False, headers={"Cookie": ann.cookie}).status, 403)
        self.assertEqual(ann.ask("DELETE", "/api/v1/session").status, 204)
        self.status(204, "DELETE", path)
        for method, body in (("DELETE", None), ("PATCH", {"role": "viewer"})):
            self.status(409, method, "/api/v1/users/u1", body)
        self.status(200, "GET", "/api/v1/audit")

    def organizations(self):
        self.status(200, "GET", "/api/v1/organization")
        self.status(200, "PATCH", "/api/v1/organization", {"name": "ours"})
        self.status(422, "PATCH", "/api/v1/organization", {"timezone": "Mars/Olympus"})
        self.status(409, "PATCH", "/api/v1/organization", {"name": "other"})
        self.status(412, "PATCH", "/api/v1/organization", {"name": "x"}, headers={"If-Match": '"other"'})
        made = self.status(201, "POST", "/api/v1/organizations", {"name": "third", "login": "theo"}).json
        self.status(409, "POST", "/api/v1/organizations", {"name": "third", "login": "theodora"})
        self.status(422, "POST", "/api/v1/organizations", {"name": "fourth", "login": "theodora", "timezone": "Mars/Olympus"})
        self.status(200, "GET", "/api/v1/organizations")
        self.status(200, "GET", f"/api/v1/organizations/{made['id']}")
        self.status(204, "DELETE", f"/api/v1/organizations/{made['id']}")
        self.status(409, "DELETE", "/api/v1/organizations/o1")

    def webhooks(self):
        path = f"/api/v1/webhooks/{self.status(201, 'POST', '/api/v1/webhooks', {'url': 'https://example.com/'}).json['id']}"
        self.status(200, "GET", "/api/v1/webhooks")
        self.status(200, "GET", path)
        for method, body in (("PATCH", {"disabled": True}), ("DELETE", None)):
            self.status(412, method, path, body, headers={"If-Match": '"other"'})
        self.status(200, "PATCH", path, {"disabled": True})
        self.status(202, "POST", path + "/test")
        self.status(200, "GET", path + "/deliveries")
        self.status(204, "DELETE", path)
        answers = [self.server.ask("POST", "/api/v1/webhooks", {"url": "https://example.com/"}) for _ in range(21)]
        self.assertEqual([answer.status for answer in answers], [201] * 20 + [409])
        for answer in answers[:20]:
            self.status(204, "DELETE", f"/api/v1/webhooks/{answer.json['id']}")

    def sign_in_by_a_provider(self):
        for path in (test_oidc.BEGIN, test_oidc.END):
            self.status(404, "GET", path, token=False)
        self.status(200, "GET", "/api/v1/sign-in", token=False)
        provider = p.Provider()
        self.addCleanup(provider.close)
        with tempfile.TemporaryDirectory() as folder:
            options = test_oidc.options(folder, provider.issuer)
            with s.Server(*options) as server:
                self.assertEqual(test_oidc.Browser(server).sign_in(provider).status, 403)
                server.post("/api/v1/users", {"login": provider.person["email"]})
                self.assertEqual(test_oidc.Browser(server).sign_in(provider).status, 303)
                lost = lambda: test_oidc.Browser(server).end("x", "x")
                self.assertEqual(lost().status, 400)
                while (answer := lost()).status == 400:
                    pass
                self.assertEqual(answer.status, 429)
                self.assertIn("retry-after", answer.headers)

    def streams(self):
        """Not through ask: a stream has no end to read to."""
        import test_watch
        streams = [test_watch.Stream(self.server) for _ in range(32)]
        self.assertEqual(streams[0].status, 200)
        contract.seen.add(("watch", 200))
        self.status(503, "GET", "/api/v1/events")
        for stream in streams:
            stream.close()

    def test_every_operation_answers_as_the_file_says_with_every_status_in_it(self):
        for method in ("GET", "HEAD"):
            self.status(200, method, "/health", token=False)
        self.status(200, "GET", "/api/v1/openapi.json", token=False)
        self.status(200, "GET", "/metrics")
        for walk in (self.without_sign_in, self.without_the_right, self.other_organizations_ids, self.unknown_parameters, self.keys_of_another_request,
                     self.devices, self.firmware_and_shipments, self.people, self.organizations, self.webhooks,
                     self.sign_in_by_a_provider, self.streams):
            walk()
        listed = {(operation["operationId"], int(status)) for _, _, operation in operations()
                  for status in operation["responses"] if status != "default"}
        self.assertEqual(sorted(listed - contract.seen), [])

    # --- HEAD ---

    def test_head_is_get_without_its_body(self):
        device = self.server.add_device()
        firmware = self.server.upload(s.plain("8.0.0"))
        shipment = self.server.ship(firmware, devices=[device["id"]])
        user = self.server.post("/api/v1/users", {"login": "hedda"})
        ident = {"d": device["id"], "f": firmware["id"], "s": shipment["id"], "u": user["id"], "o": "o1"}
        for method, path, operation in operations():
            if method != "GET" or operation["operationId"] in ("watch", "download", "beginSignIn", "endSignIn"):
                continue
            with self.subTest(path):
                whole = path_of(path, ident.get(letter(operation), "x1")) + ("?format=csv" if path.endswith("/report") else "")
                get, head = self.server.ask("GET", whole), self.server.ask("HEAD", whole)
                self.assertEqual((head.status, head.body), (get.status, b""))
                for name in ("content-type", "etag"):
                    self.assertEqual(head.headers.get(name), get.headers.get(name))
                if not path.endswith(("/metrics", "/session", "/sessions", "/tokens", "/audit")):  # which change by being asked
                    self.assertEqual(head.headers["content-length"], get.headers["content-length"])
        self.status(401, "HEAD", "/api/v1/devices", token=False)
        for path in ("/api/v1/events", test_oidc.BEGIN, test_oidc.END):
            self.status(405, "HEAD", path)
        self.assertEqual(self.status(405, "PUT", "/api/v1/devices").headers["allow"], "POST, GET, HEAD")

    # --- the type of a body ---

    def test_body_that_is_not_json_is_refused_by_its_type(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            self.status(415, "POST", "/api/v1/devices", '{"template": "T"}', headers={"Content-Type": kind})
        self.status(201, "POST", "/api/v1/devices", '{"template": "T"}', headers={"Content-Type": "Application/JSON; charset=utf-8"})

    # --- ETag ---

    def test_second_of_two_edits_at_once_is_refused(self):
        path = f"/api/v1/users/{self.server.post('/api/v1/users', {'login': 'edith'})['id']}"
        tag = self.status(200, "GET", path).headers["etag"]
        first = self.status(200, "PATCH", path, {"name": "Edith"}, headers={"If-Match": tag})
        self.status(412, "PATCH", path, {"name": "Edit"}, headers={"If-Match": tag})
        self.assertEqual(self.server.get(path)["name"], "Edith")
        self.assertEqual(self.status(200, "GET", path).headers["etag"], first.headers["etag"])
        self.status(200, "PATCH", path, {"name": "Edit"}, headers={"If-Match": first.headers["etag"]})
        self.status(200, "PATCH", path, {"name": "Edna"}, headers={"If-Match": "*"})

    def test_whatever_can_be_changed_has_a_tag_that_guards_it(self):
        """Every path that has a PUT or a PATCH, so that one that comes later is here, too."""
        shared = {path for method, path, operation in operations() if method in ("PUT", "PATCH") and operation["operationId"] != "changePassword"}
        ident = {"d": self.server.add_device()["id"], "u": self.server.post("/api/v1/users", {"login": "etta"})["id"],
                 "w": self.server.post("/api/v1/webhooks", {"url": "https://example.com/"})["id"],
                 "q": self.server.post("/api/v1/filters", {"name": "etta", "filter": "tag=a"})["id"]}
        edits = {"/api/v1/devices/{id}": {"name": "x"}, "/api/v1/devices/{id}/values": {"datastreams": {"A": "1"}},
                 "/api/v1/users/{id}": {"name": "x"}, "/api/v1/webhooks/{id}": {"disabled": True},
                 "/api/v1/filters/{id}": {"name": "etta", "filter": "tag=b"}, "/api/v1/organization": {"timezone": "Asia/Tokyo"},
                 "/api/v1/retention": {"days": 7, "keep": 3}}
        self.assertEqual(shared, set(edits))
        for method, path, operation in operations():
            if method in ("PUT", "PATCH") and path in shared:
                with self.subTest(path):
                    whole = path_of(path, ident.get(letter(operation), ""))
                    tag = self.status(200, "GET", whole).headers["etag"]
                    self.assertIn(self.server.ask(method, whole, edits[path], headers={"If-Match": tag}).status, (200, 204))
                    self.assertNotEqual(self.status(200, "GET", whole).headers["etag"], tag)
                    self.status(412, method, whole, edits[path], headers={"If-Match": tag})

    def test_what_a_device_does_is_no_edit(self):
        path, _, device = self.connected_device()
        tag = self.status(200, "GET", path).headers["etag"]
        device.check_in("1.0.1")
        self.status(200, "PATCH", path, {"name": "pump 8"}, headers={"If-Match": tag})

    # --- Idempotency-Key ---

    def test_request_that_comes_again_is_done_once(self):
        body = {"template": "TMPLonce"}
        first = self.status(201, "POST", "/api/v1/devices", body, headers={"Idempotency-Key": KEY})
        again = self.status(201, "POST", "/api/v1/devices", body, headers={"Idempotency-Key": KEY})
        self.assertEqual(first.json, again.json)
        self.assertNotIn("idempotency-replayed", first.headers)
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertEqual(len(self.server.get("/api/v1/devices?template=TMPLonce")["devices"]), 1)
        self.status(422, "POST", "/api/v1/devices", {"template": "TMPLtwice"}, headers={"Idempotency-Key": KEY})
        self.status(201, "POST", "/api/v1/devices", body, token=self.other, headers={"Idempotency-Key": KEY})
        self.status(400, "POST", "/api/v1/devices", body, headers={"Idempotency-Key": "short"})

    def test_key_that_comes_with_another_query_or_other_rights_is_refused(self):
        key = {"Idempotency-Key": "a-key-of-its-own-0002"}
        self.status(201, "POST", "/api/v1/firmware?name=one.bin", s.plain("4.0.0"), headers=key)
        self.status(200, "POST", "/api/v1/firmware?name=one.bin", s.plain("4.0.0"))
        self.status(422, "POST", "/api/v1/firmware?name=two.bin", s.plain("4.0.0"), headers=key)
        key = {"Idempotency-Key": "a-key-of-its-own-0003"}
        for narrow in ({"role": "viewer"}, {"areas": ["people"]}):
            token = self.server.post("/api/v1/tokens", {"name": "narrow", **narrow})["token"]
            self.status(201, "POST", "/api/v1/tokens", {"name": "wide"}, headers=key)
            self.status(422, "POST", "/api/v1/tokens", {"name": "wide"}, token=token, headers=key)

    def test_refused_request_may_be_mended_and_sent_again(self):
        key = {"Idempotency-Key": KEY[::-1]}
        self.status(400, "POST", "/api/v1/devices", {"template": ""}, headers=key)
        self.status(201, "POST", "/api/v1/devices", {"template": "TMPLmended"}, headers=key)

    def test_secrets_that_are_shown_once_are_not_kept_in_the_clear(self):
        answer = self.status(201, "POST", "/api/v1/tokens", {"name": "x"}, headers={"Idempotency-Key": "a-key-of-its-own-0001"})
        for secret in (answer.json["token"], "a-key-of-its-own-0001"):
            self.assertFalse(self.server.database.holds(secret.encode()))

    # --- metrics ---

    def metrics(self):
        answer = self.status(200, "GET", "/metrics")
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        return {(sample.name, *sorted(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(answer.body.decode()) for sample in family.samples}

    def test_figures_are_those_of_the_fleet_in_prometheus_format(self):
        before = self.metrics()
        self.connected_device()
        self.server.get("/api/v1/firmware")
        after = self.metrics()
        self.assertEqual(after[("tandem_devices",)], before[("tandem_devices",)] + 1)
        self.assertEqual(after[("tandem_devices_online",)], before[("tandem_devices_online",)] + 1)
        listed = ("tandem_http_requests_total", ("operation", "listFirmware"), ("status", "2xx"))
        self.assertEqual(after[listed], before.get(listed, 0) + 1)
        self.assertGreater(after[("process_resident_memory_bytes",)], 1 << 20)
        self.assertGreater(after[("process_cpu_seconds_total",)], 0)
        token = self.server.post("/api/v1/tokens", {"name": "prometheus", "areas": ["metrics"]})["token"]
        self.status(200, "GET", "/metrics", token=token)
        self.status(403, "GET", "/api/v1/devices", token=token)
        self.status(403, "GET", "/metrics", token=self.other)


if __name__ == "__main__":
    unittest.main()
