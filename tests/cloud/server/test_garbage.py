"""Garbage for every operation of docs/openapi.json: wrong types, values out of all bounds, missing and unknown members, wrong
content types, broken JSON, parameters, paths and headers. Whatever comes is refused by a 4xx with a problem, and harms nothing.

GOOD has a body for each operation that takes one, with every member that the file describes; it is taken as it is, so the one
thing that a test spoils in it is what was refused."""

import copy
import json
import os
import random
import unittest
from urllib.parse import quote

import contract
import server as s
from test_contract import PUBLIC_KEY, letter, operations, path_of

HUGE = "x" * 100_000
GATE = {"success_percent": 90, "failure_percent": 5, "minimum": 1, "soak_minutes": 0}
PASSWORD, NEXT_PASSWORD = "tulips under old bridges", "bridges over old tulips"

# What is wrong for a value of that type, as JSON text.
OF_ANY = ["[[[[]]]]", '{"a":{"b":[{}]}}', "1.5", "1e999", "-1e-999", "1" * 40, '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"a\\nb\\u001b[2J"',
          json.dumps(HUGE), json.dumps(["x"] * 3000)]
WRONG = {
    str: ["0", "-7", "true", "[]", "{}", '["x"]'],
    bool: ['"true"', '"false"', "0", "1", "[]", "{}"],
    int: ['"1"', '""', "true", "[]", "{}", "-9223372036854775808", "9223372036854775807", "-1000000000000"],
    list: ['"x"', "0", "true", "{}", "[0]", "[true]", "[{}]", "[[]]"],
    dict: ['"x"', "0", "true", "[]", "[{}]"],
}
FINE = {("waves", 1, "percent"): ["1.5"]}
FINE |= {at: ['"a\\nb\\u001b[2J"'] for at in (("datastreams", "Brightness"), ("metadata", "Location"))}
BROKEN = [b"", b" ", b"{", b"}", b"[]", b"null", b"true", b"0", b'"text"', b'{"name"}', b'{"name":}', b'{"name":"x",}', b"{'name':'x'}", b'{"a":1}{"a":2}',
          b'\xef\xbb\xbf{"name":"x"}', '{"name":"x"}'.encode("utf-16"), b'{"name":"\xff\xfe"}', b'{"name":"\xc0\x80"}', b'{"name":"\xed\xa0\x80"}', b"\0" * 100,
          b"[" * 100_000, b'{"a":' * 20_000, b'{"name":"' + b"x" * 900_000, b'{"name":NaN}', b'{"name":Infinity}', b'{"":""}', b"name=x&role=admin"]
KINDS = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "application/json5",
         "json", "/", ";", "application/json/x", "x" * 2000]
TEXTS = ["", "x", "-1", "0", "1e9", "0x10", " 1", "1 ", "9" * 30, "-" + "9" * 30, "%00", "%ff%fe", "%c0%80", "%0d%0aX-Evil:%201", "%0a", "%", "%zz", "%2", "'", "' OR '1'='1",
         "\" OR 1=1 --", "d1;DROP TABLE device", "../../etc/passwd", "%2e%2e%2f%2e%2e%2f", "${jndi:ldap://x}", "{{7*7}}", "<script>", "*", "a=b", "((((", "tag=", "online=maybe",
         "name~" + "(" * 500, "%f0%9f%92%a3", "x" * 3000, "%25" * 500]


def quoted(text):
    """As it is where it is encoded already."""
    return quote(text, safe="%")


def places(value, at=()):
    """Every place in a body: (path, value)."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*at, key), one
        yield from places(one, (*at, key))


def objects(value):
    """The places of all objects, the body itself included."""
    return [()] + [at for at, one in places(value) if isinstance(one, dict)]


def spoiled(body, at, text):
    """The body as JSON, with other text at this place."""
    body = copy.deepcopy(body)
    inside = body
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = "@here@"
    return json.dumps(body).replace('"@here@"', text)


class Garbage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s.Server("--settle", "0").__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.count = 0
        post = cls.server.post
        user = post("/api/v1/users", {"login": "olga", "role": "admin"})
        cls.olga = s.Person(cls.server, "olga", user["password"])
        assert cls.olga.ask("PUT", "/api/v1/session/password", {"old": user["password"], "new": PASSWORD}).status == 204
        cls.fixture_device = post("/api/v1/devices", {"template": s.TEMPLATE, "name": "pump"})
        firmware = cls.server.upload(s.plain("1.1.0"))
        cls.previous = cls.server.upload(s.plain("1.0.0"))
        shipment = cls.server.ship(firmware, name="first", user_controlled=True)
        cls.own = {"d": cls.fixture_device["id"], "f": firmware["id"], "s": shipment["id"], "u": user["id"],
                   "q": post("/api/v1/filters", {"name": "canaries", "filter": "tag=canary"})["id"],
                   "w": post("/api/v1/webhooks", {"url": "https://example.com/"})["id"],
                   "k": post("/api/v1/keys", {"name": "release", "pem": PUBLIC_KEY})["id"],
                   "t": post("/api/v1/tokens", {"name": "ci"})["id"],
                   "o": post("/api/v1/organizations", {"name": "Acme", "login": "ada"})["id"],
                   "n": cls.olga.ask("GET", "/api/v1/session").json["session"]}

    def tearDown(self):
        """It still works, and nothing in its log says that the fault was its own."""
        self.assertEqual(self.server.ask("GET", "/health", token=False).status, 200)
        self.assertEqual(self.server.get(f"/api/v1/devices/{self.own['d']}")["name"][:4], "pump")
        self.assertNotRegex(self.server.log(), r"(?m)^\S+ error ")

    def fresh(self):
        type(self).count += 1
        return f"pump{self.count}"

    def order(self):
        return {"template": s.TEMPLATE, "firmware": self.own["f"], "name": self.fresh(), "devices": [self.own["d"]], "condition": "any", "time": "any",
                "user_controlled": True, "attempts": 3, "attempts_hours": 24, "per_minute": 1, "bytes_per_second": 1000, "expires": "2100-01-01T00:00:00Z",
                "waves": [{"devices": 1, "gate": GATE}, {"percent": 5, "filter": "online=yes"}], "gate": GATE}

    def good(self, name):
        """(body, members of the file that do not go together with the others)."""
        zone = {"timezone": "Europe/Berlin", "location_timezone": "UTC"}
        bodies = {
            "createDevice": lambda: {"template": s.TEMPLATE, "name": "pump", "tags": ["canary", "x"], "token": os.urandom(16).hex(), **zone},
            "changeDevice": lambda: {"name": "pump", "tags": ["canary"], **zone},
            "consentDevice": lambda: {"shipment": self.own["s"]},
            "declineDevice": lambda: {"shipment": self.own["s"]},
            "setValues": lambda: {"datastreams": {"Brightness": "40"}, "metadata": {"Location": "1,2"}},
            "redirectDevice": lambda: {"url": "mqtts://ota.example.com:8883"},
            "createShipment": self.order, "previewShipment": self.order,
            "createFilter": lambda: {"name": self.fresh(), "filter": "tag=canary"},
            "changeFilter": lambda: {"name": "canaries", "filter": "tag=canary online=yes"},
            "signIn": lambda: {"login": "olga", "password": PASSWORD},
            "changePassword": self.change_of_password,
            "createUser": lambda: {"login": self.fresh(), "name": "Una", "role": "viewer"},
            "changeUser": lambda: {"name": "Olga", "role": "admin", "disabled": False},
            "createToken": lambda: {"name": "ci", "role": "viewer", "areas": ["devices"], "days": 7},
            "createWebhook": lambda: {"url": "https://example.com/hook", "events": ["target.ended"]},
            "changeWebhook": lambda: {"url": "https://example.com/hook", "events": ["target.ended"], "disabled": True},
            "changeOwnOrganization": lambda: {"name": "ours", "timezone": "UTC"},
            "createOrganization": lambda: {"name": self.fresh(), "login": self.fresh(), "timezone": "UTC"},
            "revertShipment": lambda: {"firmware": self.previous["id"]},
            "createKey": lambda: {"name": "again", "pem": self.another_key()},
            "setRetention": lambda: {"days": 90, "keep": 5},
        }
        return bodies[name]()

    def change_of_password(self):
        """There and back again."""
        new = NEXT_PASSWORD if self.knows(PASSWORD) else PASSWORD
        return {"old": PASSWORD if new == NEXT_PASSWORD else NEXT_PASSWORD, "new": new}

    def knows(self, password):
        return s.Person(self.server).sign_in("olga", password).status == 201

    @staticmethod
    def another_key():
        made = s.subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], check=True, capture_output=True).stdout
        return s.subprocess.run(["openssl", "pkey", "-pubout"], input=made, check=True, capture_output=True).stdout.decode()

    def with_bodies(self):
        """(method, path, operation, schema) of each operation that takes JSON."""
        for method, path, operation in operations():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                yield method, path_of(path, self.own.get(letter(operation), "")), operation, content["schema"]

    def ask(self, method, path, operation, body=None, headers=None):
        """By whoever may do it: with a token, or in a session where that is asked for."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if operation.get("x-role") == "person":
            answer = self.olga.ask(method, path, body, headers)
        else:
            answer = self.server.ask(method, path, body, token=None if operation.get("security") != [] else False, headers=headers)
        self.assertNotIn("x-evil", answer.headers)
        return answer

    def refused(self, what, answer, *statuses):
        with self.subTest(what):
            self.assertEqual(answer.status // 100, 4, answer.body[:300])
            self.assertEqual(answer.headers["content-type"].split(";")[0], "application/problem+json")
            self.assertEqual(answer.json["status"], answer.status)
            if statuses:
                self.assertIn(answer.status, statuses, answer.body[:300])

    # --- bodies ---

    def test_bodies_with_one_value_of_another_kind_are_refused(self):
        for method, path, operation, _ in self.with_bodies():
            name = operation["operationId"]
            body = self.good(name)
            for at, value in places(body):
                for text in WRONG[type(value)] + OF_ANY:
                    if text in FINE.get(at, ()):
                        continue
                    self.refused(f"{name} {at} {text[:60]}", self.ask(method, path, operation, spoiled(body, at, text)))

    def test_missing_and_unknown_members_are_refused(self):
        for method, path, operation, schema in self.with_bodies():
            name = operation["operationId"]
            body = self.good(name)
            self.assertLessEqual(set(schema["properties"]) - {"filter"} if "waves" in body else set(schema["properties"]), set(body), name)
            for member in schema.get("required", []):
                without = {key: value for key, value in body.items() if key != member}
                self.refused(f"{name} without {member}", self.ask(method, path, operation, json.dumps(without)), 400, 401, 429)
            for at in objects(body):
                if at in (("datastreams",), ("metadata",)):
                    continue  # names of the product's own
                more = copy.deepcopy(body)
                inside = more
                for key in at:
                    inside = inside[key]
                inside["colour"] = "red"
                self.refused(f"{name} {at} with colour", self.ask(method, path, operation, json.dumps(more)), 400)

    def test_bodies_that_are_no_json_are_refused_and_other_types_are_not_read(self):
        for method, path, operation, schema in self.with_bodies():
            name = operation["operationId"]
            for body in BROKEN:
                if not body.strip() and not schema.get("required"):
                    continue  # nothing to say is fine there
                long = name == "signIn" and len(body) > 8192
                self.refused(f"{name} {body[:40]}", self.ask(method, path, operation, body), 413 if long else 400)
            for kind in KINDS:
                self.refused(f"{name} {kind[:40]}", self.ask(method, path, operation, json.dumps(self.good("setRetention")), {"Content-Type": kind}), 415)

    def test_what_is_no_firmware_is_refused(self):
        chance = random.Random(5)
        package, _ = s.packed("3.0.0")
        tag = b"blnkinf\0"
        files = [b"", b"\0", os.urandom(5000), tag, tag + b"mcu\0", tag + b"mcu\0\0\0", tag + b"mcu\0" + b"9" * 5000 + b"\0\0", tag * 1000, package[:64], package[:100],
                 package[:-1], package + b"x", b"TDMP" + b"\xff" * 500, package[:4] + b"\xff" * 60 + package[64:]]
        for _ in range(60):
            spot = chance.randrange(200)
            files.append(package[:spot] + bytes([package[spot] ^ (1 << chance.randrange(8))]) + package[spot + 1:])
        for i, data in enumerate(files):
            answer = self.server.ask("POST", "/api/v1/firmware?name=x", data)
            if answer.status in (200, 201):  # an unsigned tail, or a digest that nothing is compared with
                self.assertEqual(self.server.ask("DELETE", f"/api/v1/firmware/{answer.json['id']}").status, 204)
                self.assertGreaterEqual(i, 14, "one of those that are no firmware at all")
            else:
                self.refused(f"file {i}", answer, 400, 422)

    def test_good_bodies_are_taken(self):
        for method, path, operation, _ in self.with_bodies():
            name = operation["operationId"]
            answer = self.ask(method, path, operation, json.dumps(self.good(name)))
            # The owner has agreed already, or the device is not there: the body was understood all the same.
            expected = {"declineDevice": (409,), "redirectDevice": (409,), "revertShipment": (201, 409)}.get(name, (200, 201, 202, 204))
            self.assertIn(answer.status, expected, f"{name}: {answer.body[:300]}")

    # --- parameters, paths, headers ---

    def test_parameters_are_refused_or_harmless(self):
        for method, path, operation in operations():
            if operation["operationId"] == "watch":
                continue
            path = path_of(path, self.own.get(letter(operation), ""))
            body = json.dumps(self.order()) if operation["operationId"] == "previewShipment" else None
            names = [p for p in operation.get("parameters", []) if p["in"] == "query"]
            for parameter in names:
                for text in TEXTS:
                    what = f"{method} {path} {parameter['name']}={text[:60]}"
                    answer = self.ask(method, f"{path}?{parameter['name']}={quoted(text)}", operation, body)
                    if method == "HEAD":
                        self.assertEqual(answer.status // 100, 4, what)
                    elif parameter["schema"].get("type") == "integer":
                        if text not in ("1 ", " 1"):
                            self.refused(what, answer)
                    elif answer.status // 100 != 2:
                        self.refused(what, answer)
                twice = f"{path}?{parameter['name']}=1&{parameter['name']}=2"
                self.assertLess(self.ask(method, twice, operation, body).status, 500)
            if method in ("GET", "DELETE") and operation.get("x-role"):
                self.refused(f"{method} {path}?colour=red", self.ask(method, f"{path}?colour=red", operation), 400)

    def test_paths_lead_to_what_is_meant_or_nowhere(self):
        for method, path, operation in operations():
            if "{id}" not in path:
                continue
            own = self.own[letter(operation)] if letter(operation) else "f1"
            idents = [quoted(text) for text in TEXTS if text not in ("*",)] + [
                own.upper(), own + "x", own + "%00", own + "%20", "0", own[0], own[0] + "0", own[0] + "-1", own[0] + "01", own[0] + "9" * 19, own[0] + "9223372036854775808",
                own[0] + "1.0", own[0] + "1e0", own[0] + "+1", own + "/", own + "/..", own + "//", own + "%2f", own + ";x=1", own + "%3f", "..", ".", "%2e%2e", "x" + own]
            for ident in idents:
                answer = self.ask(method, path_of(path, ident), operation, "{}" if method in ("POST", "PUT", "PATCH") else None)
                what = f"{method} {path_of(path, ident)[:100]}"
                if method == "HEAD":
                    self.assertEqual(answer.status // 100, 4, what)
                else:
                    self.refused(what, answer)

    def test_headers_are_refused_or_harmless(self):
        values = ["", "*", "x" * 4000, '"', '""', '"a", "b"', "\xff\xfe", "Bearer", "Basic YTpi", "\t", "a\tb", "0", "-1", "bytes=-", "bytes=0-0,1-1,2-2", "bytes=9-1",
                  "bytes=99999999999999999999999-", "W/\"x\"", "tandem_session=", "tandem_session=" + "a" * 3000, "tandem_session=%00; tandem_session=x", "gzip, br;q=0"]
        names = ["If-Match", "If-None-Match", "Idempotency-Key", "Cookie", "Range", "If-Range", "Accept", "Accept-Encoding", "Last-Event-ID", "X-Forwarded-For", "Expect",
                 "Content-Encoding", "Upgrade", "Host", "Origin"]
        targets = [("GET", f"/api/v1/devices/{self.own['d']}"), ("PATCH", f"/api/v1/devices/{self.own['d']}"), ("POST", "/api/v1/webhooks/w999/test"),
                   ("GET", f"/firmware/{self.own['f']}?token=x"), ("GET", "/health"), ("GET", "/mqtt")]
        for method, path in targets:
            for name in names:
                for value in values:
                    answer = self.server.ask(method, path, "{}" if method == "PATCH" else None, headers={name: value.encode("latin-1")})
                    self.assertLess(answer.status, 500, f"{method} {path} {name}: {value[:60]}")
                    self.assertNotIn("x-evil", answer.headers)
        for value in values:
            answer = self.server.ask("GET", "/api/v1/devices", token=False, headers={"Authorization": value.encode("latin-1")})
            self.refused(f"Authorization: {value[:60]}", answer, 401, 431)


if __name__ == "__main__":
    unittest.main()
