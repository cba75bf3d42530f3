"""Organizations, users, sessions, tokens and roles, against the running program."""

import http.client
import json
import re
import socket
import unittest

import server as s

GOOD = "tulips under old bridges"
BETTER = "bridges over old tulips"


class People(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s.Server("--settle", "0").__enter__()
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def ask(self, *args, **more):
        return self.server.ask(*args, **more)

    def refused(self, status, answer, says=""):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertIn(says, answer.json["detail"])
        return answer

    def name(self):
        type(self).count += 1
        return f"person-{self.count}"

    def add(self, role="viewer", token=None):
        """A user with the one-time password, as the admin gets it."""
        answer = self.ask("POST", "/api/v1/users", {"login": self.name(), "role": role}, token=token)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json

    def person(self, role="viewer"):
        """Somebody who is signed in, with a password of their own."""
        user = self.add(role)
        person = s.Person(self.server, user["login"], user["password"])
        answer = person.ask("PUT", "/api/v1/session/password", {"old": user["password"], "new": GOOD})
        self.assertEqual(answer.status, 204, answer.body)
        person.user = user
        return person

    def begin(self, method, path, body, cookie="", server=None, address="192.0.2.1"):
        """A browser's request, whose answer is for whoever reads it."""
        connection = socket.create_connection(("127.0.0.1", (server or self.server).http_port), s.LIMIT)
        self.addCleanup(connection.close)
        body = json.dumps(body)
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\nX-Tandem-Request: 1\r\n"
                           f"X-Forwarded-For: {address}\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return connection

    def organization(self):
        """Another organization's admin token."""
        made = self.server.post("/api/v1/organizations", {"name": self.name(), "login": self.name()})
        admin = s.Person(self.server, made["admin"]["login"], made["password"])
        self.assertEqual(admin.ask("PUT", "/api/v1/session/password",
                                   {"old": made["password"], "new": GOOD}).status, 204)
        return admin.ask("POST", "/api/v1/tokens", {"name": "all"}).json["token"], made

    # --- the first start ---

    def test_first_admin_signs_in_with_the_password_that_was_printed_and_must_change_it(self):
        with s.Server() as server:
            password = re.search(r"admin password: (\S+)", (server.folder / "out").read_text())[1]
            self.assertNotIn(server.token, (server.folder / "out").read_text())
            admin = s.Person(server, "admin", password)
            self.assertTrue(admin.ask("GET", "/api/v1/session").json["must_change_password"])
            self.refused(403, admin.ask("GET", "/api/v1/devices"), "PUT /api/v1/session/password")
            change = {"old": password, "new": GOOD}
            self.assertEqual(admin.ask("PUT", "/api/v1/session/password", change).status, 204)
            self.assertEqual(admin.ask("GET", "/api/v1/devices").status, 200)
            self.refused(401, s.Person(server).sign_in("admin", password))
            self.assertEqual(s.Person(server).sign_in("admin", GOOD).status, 201)

    def test_log_in_json_is_an_object_in_each_line(self):
        with s.Server("--log-format", "json") as server:
            s.Person(server).sign_in("admin", 'wrong "one"')
            lines = [json.loads(line) for line in server.log().splitlines()]
        self.assertEqual({"time", "level", "event"} - set.intersection(*(set(line) for line in lines)), set())
        started = [line for line in lines if line["event"] == "started"][0]
        self.assertEqual(started["http_port"], server.http_port)

    # --- sessions ---

    def test_session_cookie_is_kept_from_scripts_and_other_sites(self):
        user = self.add()
        answer = s.Person(self.server).sign_in(user["login"], user["password"])
        self.assertRegex(answer.headers["set-cookie"],
                         r"^tandem_session=[A-Za-z0-9_-]{32}; Path=/; HttpOnly; SameSite=Strict$")
        self.assertEqual(answer.json["user"]["login"], user["login"])
        self.assertEqual(answer.json["role"], "viewer")

    def test_cookie_is_for_tls_alone_where_people_come_through_it(self):
        """A proxy ends TLS, and speaks in the clear to this server."""
        with s.Server("--public-url", "https://ota.example.com") as server:
            user = server.post("/api/v1/users", {"login": "ann"})
            answer = s.Person(server).sign_in("ann", user["password"])
            known, session = answer.cookies
            self.assertIn("; Secure; ", known)
            # Browsers take a cookie of this name from this host alone, and by TLS alone.
            self.assertRegex(session, "^__Host-tandem_session=[A-Za-z0-9_-]{32}; Path=/; HttpOnly; SameSite=Strict; Secure$")
            session = session.split(";")[0]
            tossed = f"tandem_session={'x' * 32}"
            for cookie, status in ((session, 200), (f"{tossed}; {session}", 200), (session.removeprefix("__Host-"), 401)):
                self.assertEqual(server.ask("GET", "/api/v1/session", token=False, headers={"Cookie": cookie}).status, status)
        self.assertIn("max-age", answer.headers["strict-transport-security"])

    def test_what_people_are_answered_is_kept_by_nobody_on_the_way(self):
        for method, path, body in (("GET", "/api/v1/devices", None), ("POST", "/api/v1/tokens", {}), ("GET", "/metrics", None),
                                   ("GET", "/api/v1/devices/d99", None)):
            self.assertEqual(self.ask(method, path, body).headers["cache-control"], "no-store", path)
        self.assertEqual(self.ask("GET", "/api/v1/session", token=False).headers["cache-control"], "no-store")

    def test_session_ends_with_sign_out(self):
        person = self.person()
        cookie = person.cookie
        answer = person.ask("DELETE", "/api/v1/session")
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["set-cookie"])
        person.cookie = cookie
        self.refused(401, person.ask("GET", "/api/v1/session"), "sign in again")

    def test_change_by_cookie_needs_the_header_that_other_sites_cannot_send(self):
        person = self.person("operator")
        body = {"template": s.TEMPLATE}
        cookie = {"Cookie": person.cookie}
        self.refused(403, self.ask("POST", "/api/v1/devices", body, token=False, headers=cookie), "X-Tandem-Request")
        self.assertEqual(self.ask("GET", "/api/v1/devices", token=False, headers=cookie).status, 200)
        self.assertEqual(person.ask("POST", "/api/v1/devices", body).status, 201)

    def test_new_password_ends_the_other_sessions(self):
        here = self.person()
        there = s.Person(self.server, here.user["login"], GOOD)
        self.assertEqual(len(here.ask("GET", "/api/v1/sessions").json["sessions"]), 2)
        self.refused(403, here.ask("PUT", "/api/v1/session/password", {"old": "wrong", "new": BETTER}), "old password")
        self.refused(422, here.ask("PUT", "/api/v1/session/password", {"old": GOOD, "new": "short"}), "12 characters")
        self.assertEqual(here.ask("PUT", "/api/v1/session/password", {"old": GOOD, "new": BETTER}).status, 204)
        self.assertEqual(here.ask("GET", "/api/v1/session").status, 200)
        self.refused(401, there.ask("GET", "/api/v1/session"))

    def test_one_session_ends_another_of_the_same_person_and_nobody_elses(self):
        here, stranger = self.person(), self.person()
        there = s.Person(self.server, here.user["login"], GOOD)
        other = [x for x in here.ask("GET", "/api/v1/sessions").json["sessions"] if not x["current"]][0]
        self.refused(404, stranger.ask("DELETE", f"/api/v1/sessions/{other['id']}"))
        self.assertEqual(here.ask("DELETE", f"/api/v1/sessions/{other['id']}").status, 204)
        self.refused(401, there.ask("GET", "/api/v1/session"))

    def test_reset_password_ends_sessions_and_is_for_one_sign_in(self):
        person = self.person()
        made = self.server.post(f"/api/v1/users/{person.user['id']}/password")
        self.refused(401, person.ask("GET", "/api/v1/session"))
        self.refused(401, s.Person(self.server).sign_in(person.user["login"], GOOD))
        again = s.Person(self.server, person.user["login"], made["password"])
        self.refused(403, again.ask("GET", "/api/v1/devices"))

    def test_password_that_is_being_changed_gives_way_to_one_that_was_reset(self):
        """Hashing takes a while, more so while others sign in; an admin may put somebody out meanwhile."""
        thief = self.person()
        under_way = [self.begin("POST", "/api/v1/session", {"login": self.name(), "password": "wrong"}) for _ in range(3)]
        under_way.append(self.begin("PUT", "/api/v1/session/password", {"old": GOOD, "new": BETTER}, thief.cookie))
        self.server.get("/api/v1/session")  # the server has read what was sent before
        made = self.server.post(f"/api/v1/users/{thief.user['id']}/password")
        for connection in under_way:
            s.read_to_end(connection)
        self.refused(401, s.Person(self.server).sign_in(thief.user["login"], BETTER))
        self.assertEqual(s.Person(self.server).sign_in(thief.user["login"], made["password"]).status, 201)

    def test_wrong_sign_ins_say_nothing_about_who_exists(self):
        user = self.add()
        wrong = s.Person(self.server).sign_in(user["login"], "wrong")
        nobody = s.Person(self.server).sign_in("nobody", "wrong")
        self.refused(401, wrong)
        self.assertEqual(wrong.body, nobody.body)
        self.assertNotIn("set-cookie", wrong.headers)

    def test_tries_for_one_login_are_limited_and_others_still_get_in(self):
        with s.Server() as server:
            user = server.post("/api/v1/users", {"login": "ann"})
            other = server.post("/api/v1/users", {"login": "ben"})
            answers = [s.Person(server).sign_in("ann", "wrong") for _ in range(11)]
            self.assertEqual([a.status for a in answers], [401] * 10 + [429])
            self.assertTrue(1 <= int(answers[-1].headers["retry-after"]) <= 30)
            self.refused(429, s.Person(server).sign_in("ann", user["password"]), "try again in")
            self.assertEqual(s.Person(server).sign_in("ben", other["password"]).status, 201)

    def test_a_stranger_who_guesses_keeps_nobody_out_who_has_signed_in_before(self):
        def sign_in(password, known=""):
            return server.ask("POST", "/api/v1/session", {"login": "ann", "password": password}, token=False,
                              headers={"X-Tandem-Request": "1", "Cookie": f"other=1; {known}"})

        with s.Server() as server:
            password = server.post("/api/v1/users", {"login": "ann"})["password"]
            answer = sign_in(password)
            known, session = answer.cookies
            self.assertRegex(known, r"^tandem_known=[0-9]+\.[0-9a-f]{64}; Path=/api/v1/session; HttpOnly; SameSite=Strict; Max-Age=7776000$")
            self.assertRegex(session, "^tandem_session=")
            known = known.split(";")[0]
            server.stop()
            server.start()
            self.assertEqual([sign_in("wrong").status for _ in range(11)], [401] * 10 + [429])
            self.assertEqual(sign_in(password).status, 429)
            self.assertEqual(sign_in(password, known=known).status, 201)
            expires, mac = known.split("=")[1].split(".")
            for forged in (f"{int(expires) + 1}.{mac}", f"{expires}.{mac[:-1]}", f"{expires}.{mac}0", f"{expires}.", f"0.{mac}", "x"):
                self.assertEqual(sign_in(password, known=f"tandem_known={forged}").status, 429, forged)
            self.assertEqual([sign_in("wrong", known=known).status for _ in range(11)], [401] * 10 + [429])

    def test_strangers_who_guess_by_the_hundred_keep_nobody_waiting_who_has_signed_in_before(self):
        server = s.Server("--trusted-proxy", "127.0.0.1").__enter__()
        self.addCleanup(server.kill)  # what they began is not waited for
        ann = server.post("/api/v1/users", {"login": "ann"})
        ask = {"login": "ann", "password": ann["password"]}
        known = server.ask("POST", "/api/v1/session", ask, token=False).cookies[0].split(";")[0]
        for i in range(80):
            self.begin("POST", "/api/v1/session", {"login": f"nobody-{i}", "password": "x"}, server=server, address=f"192.0.2.{i}")
        server.get("/api/v1/session")  # the server has read what was sent before
        answer = server.ask("POST", "/api/v1/session", ask, token=False, headers={"Cookie": known})
        self.assertEqual(answer.status, 201, answer.body)

    def test_behind_a_proxy_its_clients_are_told_apart_and_no_client_can_pretend(self):
        def address(server, *forwarded):
            """What the server takes for the address of somebody who signs in with these X-Forwarded-For."""
            connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=s.LIMIT)
            body = json.dumps({"login": "ann", "password": GOOD}).encode()
            connection.putrequest("POST", "/api/v1/session")
            for line in forwarded:
                connection.putheader("X-Forwarded-For", line)
            for name, value in {"X-Tandem-Request": "1", "Content-Type": "application/json", "Content-Length": len(body)}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            self.assertEqual(answer.status, 201)
            cookie = answer.headers.get_all("Set-Cookie")[-1].split(";")[0]
            connection.close()
            sessions = server.ask("GET", "/api/v1/sessions", token=False, headers={"Cookie": cookie}).json["sessions"]
            return next(session["address"] for session in sessions if session["current"])

        def with_ann(*options):
            server = s.Server(*options).__enter__()
            self.addCleanup(server.__exit__)
            user = server.post("/api/v1/users", {"login": "ann"})
            person = s.Person(server, "ann", user["password"])
            self.assertEqual(person.ask("PUT", "/api/v1/session/password", {"old": user["password"], "new": GOOD}).status, 204)
            return server

        server = with_ann("--trusted-proxy", "192.0.2.1,127.0.0.1")
        self.assertEqual(address(server), "127.0.0.1")
        self.assertEqual(address(server, "198.51.100.1"), "198.51.100.1")
        # What a client writes itself stands before what the proxy adds, behind a comma or in a line of its own.
        self.assertEqual(address(server, "203.0.113.1, 198.51.100.1"), "198.51.100.1")
        self.assertEqual(address(server, "203.0.113.1", "198.51.100.1"), "198.51.100.1")
        self.assertEqual(address(with_ann("--trusted-proxy", "192.0.2.1"), "203.0.113.1"), "127.0.0.1")

    # --- users ---

    def test_user_is_created_listed_changed_and_deleted(self):
        user = self.add("operator")
        path = f"/api/v1/users/{user['id']}"
        shown = self.server.get(path)
        self.assertEqual((shown["login"], shown["role"], shown["disabled"]), (user["login"], "operator", False))
        self.assertNotIn("password", shown)
        self.assertIn(user["login"], [u["login"] for u in self.server.get("/api/v1/users?limit=1000")["users"]])
        answer = self.ask("PATCH", path, {"name": "Ann Ü", "role": "viewer"})
        self.assertEqual((answer.json["name"], answer.json["role"]), ("Ann Ü", "viewer"))
        self.refused(409, self.ask("POST", "/api/v1/users", {"login": user["login"]}), "already")
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.refused(404, self.ask("GET", path), "there is no user")

    def test_disabled_user_is_out_at_once_tokens_included(self):
        person = self.person("operator")
        token = person.ask("POST", "/api/v1/tokens", {"name": "mine"}).json["token"]
        self.assertEqual(self.ask("GET", "/api/v1/devices", token=token).status, 200)
        self.assertEqual(self.ask("PATCH", f"/api/v1/users/{person.user['id']}", {"disabled": True}).status, 200)
        self.refused(401, person.ask("GET", "/api/v1/session"))
        self.refused(401, self.ask("GET", "/api/v1/devices", token=token))
        self.refused(401, s.Person(self.server).sign_in(person.user["login"], GOOD))

    def test_last_admin_stays(self):
        with s.Server() as server:
            for method, body in (("DELETE", None), ("PATCH", {"role": "viewer"}), ("PATCH", {"disabled": True})):
                self.refused(409, server.ask(method, "/api/v1/users/u1", body), "last admin")
            self.assertEqual(server.get("/api/v1/users/u1")["role"], "admin")

    def test_malformed_users(self):
        for body in ({}, {"login": ""}, {"login": "Ann"}, {"login": "a b"}, {"login": "a" * 101}, {"login": 7},
                     {"login": "x'; DROP TABLE account; --"}, {"login": "a\nb"}, {"login": "ok", "role": "host"},
                     {"login": "ok", "role": 2}, {"login": "ok", "admin": True}, {"login": "ok", "name": "x" * 41}):
            self.refused(400, self.ask("POST", "/api/v1/users", body))
        self.refused(400, self.ask("PATCH", f"/api/v1/users/{self.add()['id']}", {"disabled": "yes"}))

    # --- roles ---

    def test_roles_bound_what_a_person_may(self):
        viewer, operator = self.person(), self.person("operator")
        self.assertEqual(viewer.ask("GET", "/api/v1/devices").status, 200)
        self.refused(403, viewer.ask("POST", "/api/v1/devices", {"template": "T"}), "operator, and yours has viewer")
        self.assertEqual(operator.ask("POST", "/api/v1/devices", {"template": "T"}).status, 201)
        self.refused(403, operator.ask("GET", "/api/v1/users"), "admin")
        self.refused(403, operator.ask("POST", "/api/v1/users", {"login": "me-too", "role": "admin"}))

    def test_body_of_somebody_who_may_not_is_not_read(self):
        token = self.person().ask("POST", "/api/v1/tokens", {"name": "v"}).json["token"]
        answer = self.server.raw(b"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nAuthorization: Bearer " +
                                 token.encode() + b"\r\nExpect: 100-continue\r\n\r\n")
        self.assertIn(b" 403 ", answer.split(b"\r\n")[0])
        self.assertNotIn(b"100 Continue", answer)

    # --- tokens ---

    def test_token_has_its_makers_rights_at_most(self):
        operator = self.person("operator")
        self.refused(403, operator.ask("POST", "/api/v1/tokens", {"name": "x", "role": "admin"}), "operator")
        made = operator.ask("POST", "/api/v1/tokens", {"name": "ci", "role": "operator", "areas": ["firmware", "people"]}).json
        self.assertEqual((made["role"], made["areas"]), ("operator", ["firmware", "people"]))
        self.assertEqual(self.ask("GET", "/api/v1/firmware", token=made["token"]).status, 200)
        self.refused(403, self.ask("GET", "/api/v1/devices", token=made["token"]), "area devices")
        more = {"name": "more", "areas": ["devices"]}
        self.refused(403, self.ask("POST", "/api/v1/tokens", more, token=made["token"]), "areas at most")
        self.server.ask("PATCH", f"/api/v1/users/{operator.user['id']}", {"role": "viewer"})
        self.refused(403, self.ask("POST", "/api/v1/firmware?name=x", b"x", token=made["token"]), "viewer")

    def test_token_for_other_areas_ends_nobodys_session(self):
        person = self.person()
        session = person.ask("GET", "/api/v1/sessions").json["sessions"][0]
        made = self.server.post("/api/v1/tokens", {"name": "figures", "areas": ["metrics"]})
        self.refused(403, self.ask("GET", "/api/v1/sessions", token=made["token"]), "area people")
        self.refused(403, self.ask("DELETE", f"/api/v1/sessions/{session['id']}", token=made["token"]), "area people")
        self.assertEqual(person.ask("GET", "/api/v1/session").status, 200)

    def test_token_that_a_token_made_does_not_outlive_it(self):
        short = self.server.post("/api/v1/tokens", {"name": "short", "days": 2})
        made = self.ask("POST", "/api/v1/tokens", {"name": "heir"}, token=short["token"])
        self.assertEqual((made.status, made.json["expires"]), (201, short["expires"]))
        made = self.ask("POST", "/api/v1/tokens", {"name": "shorter", "days": 1}, token=short["token"])
        self.assertEqual(made.status, 201)
        self.assertLess(made.json["expires"], short["expires"])
        self.refused(403, self.ask("POST", "/api/v1/tokens", {"name": "longer", "days": 3}, token=short["token"]), "ends")

    def test_token_ends_when_it_is_deleted_or_expires(self):
        person, stranger = self.person(), self.person()
        made = person.ask("POST", "/api/v1/tokens", {"name": "short", "days": 1}).json
        path = f"/api/v1/tokens/{made['id']}"
        self.assertNotIn("token", person.ask("GET", "/api/v1/tokens").json["tokens"][0])
        self.assertEqual(stranger.ask("GET", "/api/v1/tokens").json["tokens"], [])
        self.refused(404, stranger.ask("DELETE", path))
        self.server.database.change("UPDATE api_token SET expires = created WHERE name = 'short'")
        self.refused(401, self.ask("GET", "/api/v1/devices", token=made["token"]))
        self.assertEqual(person.ask("DELETE", path).status, 204)
        for body in ({"days": 0}, {"days": 99999}, {"days": "1"}, {"areas": []}, {"areas": ["all"]}, {"areas": "devices"}):
            self.refused(400, person.ask("POST", "/api/v1/tokens", body))

    def test_secrets_are_nowhere_in_the_database(self):
        person = self.person()
        token = person.ask("POST", "/api/v1/tokens", {"name": "secret"}).json["token"]
        for secret in (token, person.cookie.split("=")[1], GOOD, person.user["password"], self.server.token):
            self.assertFalse(self.server.database.holds(secret.encode()))
            self.assertNotIn(secret, self.server.log())

    # --- organizations ---

    def test_organizations_do_not_see_each_other(self):
        token, made = self.organization()
        device = self.server.add_device()
        firmware = self.server.upload(s.plain("7.0.0"))
        self.server.ship(firmware, devices=[device["id"]])
        for path, member in (("devices", "devices"), ("firmware", "firmware"), ("shipments", "shipments")):
            self.assertEqual(self.ask("GET", f"/api/v1/{path}", token=token).json[member], [])
        users = self.ask("GET", "/api/v1/users", token=token).json["users"]
        self.assertEqual([u["login"] for u in users], [made["admin"]["login"]])
        ship = {"template": s.TEMPLATE, "firmware": firmware["id"]}
        self.refused(422, self.ask("POST", "/api/v1/shipments", ship, token=token), s.TEMPLATE)
        own = self.ask("POST", "/api/v1/devices", {"template": s.TEMPLATE}, token=token).json
        self.refused(422, self.ask("POST", "/api/v1/shipments", ship, token=token), "no firmware")
        same = self.ask("POST", "/api/v1/firmware?name=x", s.plain("7.0.0"), token=token)
        self.assertEqual(same.status, 201)
        self.assertNotEqual(same.json["id"], firmware["id"])
        ship["firmware"] = same.json["id"]
        self.refused(422, self.ask("POST", "/api/v1/shipments", {**ship, "devices": [device["id"]]}, token=token), "no device")
        shipped = self.ask("POST", "/api/v1/shipments", ship, token=token).json
        self.assertEqual([d["id"] for d in shipped["devices"]], [own["id"]])

    def test_only_the_servers_own_admins_make_organizations(self):
        token, made = self.organization()
        self.refused(403, self.ask("GET", "/api/v1/organizations", token=token), "server's own")
        self.refused(403, self.ask("POST", "/api/v1/organizations", {"name": "x", "login": "x"}, token=token))
        self.assertEqual(self.ask("PATCH", "/api/v1/organization", {"name": "Renamed"}, token=token).json["name"], "Renamed")
        self.refused(409, self.ask("PATCH", "/api/v1/organization", {"name": "default"}, token=token))
        self.assertEqual(self.server.get(f"/api/v1/organizations/{made['id']}")["name"], "Renamed")
        device = self.ask("POST", "/api/v1/devices", {"template": "T"}, token=token).json
        self.refused(409, self.ask("DELETE", f"/api/v1/organizations/{made['id']}"), "still has")
        self.ask("DELETE", f"/api/v1/devices/{device['id']}", token=token)
        self.assertEqual(self.ask("DELETE", f"/api/v1/organizations/{made['id']}").status, 204)
        self.refused(401, self.ask("GET", "/api/v1/devices", token=token))
        self.refused(409, self.ask("DELETE", "/api/v1/organizations/o1"), "stays")

    # --- pages ---

    def test_pages_hold_everybody_once(self):
        for _ in range(5):
            self.add()
        everybody = [u["id"] for u in self.server.get("/api/v1/users?limit=1000")["users"]]
        found, cursor = [], ""
        while cursor is not None:
            page = self.server.get("/api/v1/users?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            found += [u["id"] for u in page["users"]]
            cursor = page["next"]
        self.assertEqual(found, everybody)
        for query in ("limit=0", "limit=1001", "limit=x", "limit=", "cursor=x", "cursor=d1", "cursor="):
            self.refused(400, self.ask("GET", f"/api/v1/users?{query}"))


if __name__ == "__main__":
    unittest.main()
