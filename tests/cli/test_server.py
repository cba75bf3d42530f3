#!/usr/bin/env python3
"""The commands that talk to the server, against one that answers by the script of docs/API.md."""

import calendar
import json
import os
import pty
import socket
import struct
import threading
import time
import unittest

from fake_server import FIRMWARE, TOKEN, FakeServer, problem, row, shipment
from tandem_case import FAILED, SERVER, SHIPMENT, TIMEOUT, USAGE, TandemCase
from certificates import Authority  # tandem_case knows where

API = "/api/v1"
DEVICE = {"id": "d1", "template": "TMPL", "name": "pump \u00fc", "online": True, "created": "2026-11-22T10:00:00.000Z",
          "last_seen": None, "firmware": {"type": "pump", "version": "1.0.0", "state": "confirmed"},
          "timeline": [{"time": "2026-11-22T10:00:01.000Z", "event": "check-in", "text": "came on-line"}]}


class ServerCase(TandemCase):
    def serve(self, answers, certificate=None):
        server = FakeServer({method.replace(" /", f" {API}/"): answer for method, answer in answers.items()}, certificate)
        self.enterContext(server)
        self.environment = {"TANDEM_URL": server.url, "TANDEM_TOKEN": TOKEN}
        return server

    def ask(self, *arguments, **options):
        return self.tandem(*arguments, environment=self.environment, **options)


class Requests(ServerCase):
    def test_device_add_shows_the_token(self):
        server = self.serve({"POST /devices": (201, {"id": "d1", "template": "TMPL", "name": "p 7", "token": "secret"})})
        done = self.ask("device", "add", "--template", "TMPL", "--name", "p 7", "--json")
        self.assertEqual(json.loads(done.stdout)["token"], "secret")
        method, path, _, body, headers = server.requests[0]
        self.assertEqual((method, path, json.loads(body)), ("POST", API + "/devices", {"template": "TMPL", "name": "p 7"}))
        self.assertEqual(headers["Content-Type"], "application/json")

    def test_a_secret_that_is_shown_once_comes_with_a_warning(self):
        self.serve({"POST /users": (201, {"id": "u2", "login": "ann", "password": "secret"}),
                    "POST /users/u2/password": (200, {"id": "u2", "login": "ann", "password": "secret"}),
                    "POST /organizations": (201, {"id": "o2", "name": "Acme", "password": "secret"}),
                    "POST /tokens": (201, {"id": "t2", "token": "secret"})})
        for command in (("user", "add", "ann"), ("user", "password", "u2"), ("organization", "add", "Acme", "--login", "ann"),
                        ("token", "add")):
            done = self.ask(*command)
            self.assertIn("secret", done.stdout)
            self.assertIn("shown this once", done.stderr)

    def test_device_add_says_tags_and_time_zone(self):
        server = self.serve({"POST /devices": (201, {"id": "d1", "template": "TMPL", "name": "", "token": "secret"})})
        self.ask("device", "add", "--template", "TMPL", "--tag", "lab", "--tag", "canary", "--timezone", "Europe/Berlin")
        self.assertEqual(json.loads(server.requests[0][3]), {"template": "TMPL", "tags": ["lab", "canary"],
                                                             "timezone": "Europe/Berlin"})

    def test_device_add_writes_the_token_to_a_file_of_its_own(self):
        self.serve({"POST /devices": (201, {"id": "d1", "template": "TMPL", "name": "", "token": "secret"})})
        done = self.ask("device", "add", "--template", "TMPL", "--token-file", "device.token")
        self.assertNotIn("secret", done.stdout + done.stderr)
        self.assertIn("kept in device.token", done.stdout)
        path = self.folder / "device.token"
        self.assertEqual((path.read_text(), path.stat().st_mode & 0o777), ("secret\n", 0o600))

    def test_device_add_says_the_token_that_the_device_has(self):
        token = "NrEsQx97BPbzVHXS1xi0TVcB2bhdOS42"
        server = self.serve({"POST /devices": (201, {"id": "d1", "template": "TMPL", "name": "", "token": token})})
        self.write("shipped.token", token + "\r\nmore\n")
        done = self.ask("device", "add", "--template", "TMPL", "--token-from", "shipped.token")
        self.assertEqual(json.loads(server.requests[0][3]), {"template": "TMPL", "token": token})
        self.assertNotIn(token, done.stdout + done.stderr)
        self.assertIn("d1", done.stdout)
        self.write("binary", b"\xff\n")
        for arguments, because in ((("--token-from", "none"), "No such file"), (("--token-from", "binary"), "no token")):
            self.refused("device", "add", "--template", "TMPL", *arguments, because=because, environment=self.environment)
        self.refused("device", "add", "--template", "TMPL", "--token-from", "shipped.token", "--token-file", "x", code=USAGE,
                     because="say one of them", environment=self.environment)
        self.assertEqual(len(server.requests), 1)
        self.assertFalse((self.folder / "x").exists())

    def test_no_device_is_added_whose_token_has_no_place(self):
        server = self.serve({"POST /devices": (201, {"id": "d1", "template": "TMPL", "name": "", "token": "secret"})})
        path = self.write("device.token", "old\n")
        for name, because in (("device.token", "exists already"), ("no/token", "No such file or directory")):
            self.refused("device", "add", "--template", "TMPL", "--token-file", name, because=because,
                         environment=self.environment)
        self.assertEqual((server.requests, path.read_text()), ([], "old\n"))

    def test_a_device_that_was_not_added_leaves_no_token_file(self):
        self.serve({"POST /devices": problem(422, "malformed")})
        self.ask("device", "add", "--template", "TMPL", "--token-file", "device.token", code=SERVER)
        self.assertFalse((self.folder / "device.token").exists())

    def test_device_list_asks_for_a_template(self):
        server = self.serve({"GET /devices": (200, {"devices": [DEVICE]})})
        lines = self.ask("device", "list", "--template", "A&B").stdout.splitlines()
        self.assertEqual(server.requests[0][2], {"template": ["A&B"]})
        self.assertEqual(lines[0].split(), ["ID", "NAME", "TEMPLATE", "ONLINE", "VERSION", "STATE", "LAST", "SEEN"])
        self.assertEqual(lines[1].split(), ["d1", "pump", "\u00fc", "TMPL", "yes", "1.0.0", "confirmed", "-"])
        self.assertEqual(json.loads(self.ask("device", "list", "--json").stdout), {"devices": [DEVICE]})

    def test_device_show_tells_the_timeline(self):
        self.serve({"GET /devices/d1": (200, DEVICE)})
        text = self.ask("device", "show", "d1").stdout
        self.assertIn("came on-line", text)
        self.assertIn("  version  1.0.0", text)

    def test_what_would_steer_a_terminal_is_not_printed(self):
        self.serve({"GET /devices": (200, {"devices": [dict(DEVICE, name="\x1b[2Jx\u009b1my\n")]}),
                    "GET /firmware": problem(422, "bad \x1b]0;title\x07")})
        self.assertIn("?[2Jx?1my?", self.ask("device", "list").stdout)
        self.assertIn("bad ?]0;title?", self.ask("firmware", "list", code=SERVER).stderr)

    def test_ids_are_escaped(self):
        server = self.serve({})
        self.ask("device", "show", "../firmware?x", code=FAILED)
        self.assertEqual(server.requests[0][1], API + "/devices/..%2Ffirmware%3Fx")

    def test_firmware_upload_sends_the_bytes(self):
        server = self.serve({"POST /firmware": (201, FIRMWARE)})
        data = os.urandom(200000)
        self.write("my app.tdm", data)
        done = self.ask("firmware", "upload", "my app.tdm", "--json")
        self.assertEqual(json.loads(done.stdout), FIRMWARE)
        method, _, query, body, headers = server.requests[0]
        self.assertEqual((method, query, body), ("POST", {"name": ["my app.tdm"]}, data))
        self.assertEqual(headers["Content-Type"], "application/octet-stream")

    def test_firmware_and_shipment_lists(self):
        self.serve({"GET /firmware": (200, {"firmware": [FIRMWARE]}),
                    "GET /shipments": (200, {"shipments": [shipment(row("waiting"))]})})
        self.assertIn("app.tdm", self.ask("firmware", "list").stdout)
        self.assertIn("a name", self.ask("shipment", "list").stdout)

    def test_shipment_actions(self):
        server = self.serve({f"POST /shipments/s1/{action}": (200, shipment(row("waiting"), state=state))
                             for action, state in (("pause", "paused"), ("resume", "live"), ("cancel", "cancelled"),
                                                 ("advance", "live"), ("revert", "live"))})
        for action, state in (("pause", "paused"), ("resume", "live"), ("cancel", "cancelled"), ("advance", "live"),
                              ("revert", "live")):
            self.assertEqual(json.loads(self.ask("shipment", action, "s1", "--json").stdout)["state"], state)
        self.assertEqual([request[3] for request in server.requests], [b""] * 5)
        self.ask("shipment", "revert", "s1", "--firmware", "f1")
        self.assertEqual(json.loads(server.requests[-1][3]), {"firmware": "f1"})

    def test_what_was_sent_and_what_that_saved_is_shown(self):
        shown = shipment(row("success", True, encoding="delta", bytes_sent=2140, bytes_full=125400),
                         row("success", True, "d2", encoding="compressed", bytes_sent=81_400, bytes_full=125400),
                         row("waiting", False, "d3", encoding=None, bytes_sent=0, bytes_full=0),
                         row("success", True, "d4", encoding="plain", bytes_sent=999, bytes_full=999))
        shown["progress"].update(bytes_sent=84_539, bytes_full=251_799)
        self.serve({"GET /shipments/s1": (200, shown)})
        text = self.ask("shipment", "show", "s1").stdout
        self.assertIn("sent: 85 KB instead of 252 KB, saved 66 %\n", text)
        self.assertIn("delta, 2.1 KB instead of 125 KB, saved 98 %", text)
        self.assertIn("compressed, 81 KB instead of 125 KB, saved 35 %", text)
        self.assertIn("plain, 999 bytes ", text)
        self.assertEqual(json.loads(self.ask("shipment", "show", "s1", "--json").stdout), shown)

    def test_why_and_consent(self):
        why = {"id": "d1", "text": "the device is offline", "shipments": [
            {"id": "s1", "name": "a name", "state": "live", "status": "waiting", "rule": "offline", "later": True,
             "text": "the device is offline"}]}
        server = self.serve({"GET /devices/d1/why": (200, why), "POST /devices/d1/consent": (200, {"shipments": ["s1"]})})
        lines = self.ask("why", "d1").stdout.splitlines()
        self.assertEqual(lines[0], "the device is offline")
        self.assertIn("offline", lines[3])
        self.assertEqual(json.loads(self.ask("why", "d1", "--json").stdout), why)
        self.assertEqual(json.loads(self.ask("consent", "d1", "--shipment", "s1", "--json").stdout), {"shipments": ["s1"]})
        self.assertEqual(json.loads(server.requests[2][3]), {"shipment": "s1"})

    def test_a_list_is_read_to_its_last_page(self):
        server = self.serve({"GET /devices": [(200, {"devices": [DEVICE], "next": "d1.6a"}),
                                              (200, {"devices": [dict(DEVICE, id="d2")], "next": None})]})
        listed = json.loads(self.ask("device", "list", "--filter", "online=yes a", "--sort", "-name", "--json").stdout)
        self.assertEqual([device["id"] for device in listed["devices"]], ["d1", "d2"])
        self.assertEqual(server.requests[0][2], {"filter": ["online=yes a"], "sort": ["-name"]})
        self.assertEqual(server.requests[1][2], {"filter": ["online=yes a"], "sort": ["-name"], "cursor": ["d1.6a"]})

    def test_a_report_goes_to_a_file(self):
        server = self.serve({"GET /shipments/s1/report": (200, b"id,name\r\nd1,pump\r\n")})
        self.ask("shipment", "report", "s1", "-o", "report.csv")
        self.assertEqual((self.folder / "report.csv").read_bytes(), b"id,name\r\nd1,pump\r\n")
        self.assertEqual(server.requests[0][2], {"format": ["csv"]})
        self.assertIn("d1,pump", self.ask("shipment", "report", "s1").stdout)
        self.assertIn("no such thing", self.ask("shipment", "report", "s9", code=FAILED).stderr)

    def test_refusals_are_passed_on(self):
        self.serve({"POST /firmware": problem(422, "not a firmware", "no firmware tag in app.hex; pack it"),
                    "POST /shipments/s1/pause": problem(409, "the shipment is finished"),
                    "GET /devices": (500, b"<html>oops</html>"), "GET /firmware": (200, b"no JSON")})
        self.write("app.hex", ":00")
        for arguments, code, because in (
                (("firmware", "upload", "app.hex"), SERVER, "not a firmware: no firmware tag in app.hex; pack it"),
                (("shipment", "pause", "s1"), SERVER, "the shipment is finished"),
                (("shipment", "show", "s9"), FAILED, "no such thing"),
                (("device", "list"), SERVER, "HTTP status 500"), (("firmware", "list"), SERVER, "HTTP status 200")):
            self.assertIn(because, self.ask(*arguments, code=code).stderr)

    def test_a_wrong_token_is_said_so(self):
        self.serve({})
        self.environment["TANDEM_TOKEN"] = "another"
        self.assertIn("does not accept this token", self.ask("device", "list", code=SERVER).stderr)

    def test_an_unreachable_server_is_said_so(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.environment = {"TANDEM_URL": f"http://127.0.0.1:{closed.getsockname()[1]}", "TANDEM_TOKEN": "t"}
            self.assertIn("can't be reached", self.ask("device", "list", code=SERVER).stderr)

    def test_a_door_of_the_other_kind_is_told_of(self):
        with socket.create_server(("127.0.0.1", 0)) as door:
            for scheme, said, because in (("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "no TLS there"),
                                          ("http", b"", "or should the URL be https?")):
                self.environment = {"TANDEM_URL": f"{scheme}://127.0.0.1:{door.getsockname()[1]}", "TANDEM_TOKEN": TOKEN}
                answer = threading.Thread(target=self.say_once, args=(door, said))
                answer.start()
                self.assertIn(because, self.ask("device", "list", code=SERVER).stderr)
                answer.join()
            reset = threading.Thread(target=self.reset_once, args=(door,))
            reset.start()
            self.assertIn("or should the URL be https?", self.ask("device", "list", code=SERVER).stderr)
            reset.join()

    @staticmethod
    def say_once(door, said):
        connection, _ = door.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(said)

    @staticmethod
    def reset_once(door):
        connection, _ = door.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.recv(1)  # the rest is not read
        connection.close()

    def test_a_server_that_is_silent_is_waited_for_aloud(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with self.start("device", "list", environment={"TANDEM_URL": url, "TANDEM_TOKEN": "t"}) as asking:
                connection, _ = silent.accept()
                with connection:
                    connection.recv(1000)
                    self.assertEqual(asking.stderr.readline(), f"tandem: {url}: no answer yet; waiting, for 60 s at most\n")
                self.assertIn("ended the connection without an answer", asking.stderr.read())
                self.assertEqual(asking.wait(20), SERVER)


class Configuration(ServerCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve({"GET /devices": (200, {"devices": []})})

    def config(self, text, mode=0o600, name=".config/tandem/config"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def test_the_file_in_the_home_is_read(self):
        self.config(f"# mine\n\nurl = {self.server.url}/\ntoken={TOKEN}\n")
        self.tandem("device", "list")
        self.tandem("device", "list", environment={"XDG_CONFIG_HOME": str(self.folder / ".config")})

    def test_options_go_before_the_environment_and_that_before_the_file(self):
        self.config("url = http://127.0.0.1:1\ntoken = wrong\n", name="other")
        self.tandem("device", "list", "--config", "other", environment=self.environment)
        wrong = {"TANDEM_URL": "http://127.0.0.1:1", "TANDEM_TOKEN": "wrong"}
        self.tandem("device", "list", "--url", self.server.url, "--token", TOKEN, environment=wrong)

    def test_a_token_that_others_can_read_is_refused(self):
        self.config(f"token = {TOKEN}\n", mode=0o640)
        self.refused("device", "list", "--url", self.server.url, because="chmod 600")
        self.config(f"url = {self.server.url}\n", mode=0o644)
        self.tandem("device", "list", "--token", TOKEN)

    def test_what_is_missing_or_wrong_is_named(self):
        self.refused("device", "list", because="which server?", code=USAGE)
        self.refused("device", "list", "--url", self.server.url, because="no API token", code=USAGE)
        self.refused("device", "list", "--url", "127.0.0.1:80", "--token", "t", because="http://", code=USAGE)
        self.refused("device", "list", "--config", "none", because="none: can't be opened")
        self.config("url: x\n")
        self.refused("device", "list", because="config:1: not \"key = value\"")
        self.config("url = http://x\nuser = me\n")
        self.refused("device", "list", because="config:2: unknown key \"user\"")


class Authorities(ServerCase):
    """A server whose certificate no authority of the system has signed."""

    def setUp(self):
        super().setUp()
        self.ours = Authority(self.folder, "ours")
        self.server = self.serve({"GET /devices": (200, {"devices": []})}, self.ours.sign("127.0.0.1", "IP:127.0.0.1"))

    def test_without_one_the_way_to_name_it_is_said_and_nothing_is_sent(self):
        error = self.ask("device", "list", code=SERVER).stderr
        self.assertIn("certificate is not accepted", error)
        self.assertIn("--ca FILE", error)
        self.assertEqual(self.server.requests, [])

    def test_it_is_named_by_option_environment_or_file(self):
        file = self.ours.certificate
        self.ask("device", "list", "--ca", file)
        self.tandem("device", "list", environment={**self.environment, "TANDEM_CA": str(file)})
        self.write("config", f"url = {self.server.url}\ntoken = {TOKEN}\nca = {file}\n").chmod(0o600)
        self.tandem("device", "list", "--config", "config")
        self.assertEqual(len(self.server.requests), 3)

    def test_another_one_accepts_nothing(self):
        other = Authority(self.folder, "other").certificate
        error = self.ask("device", "list", "--ca", other, code=SERVER).stderr
        self.assertIn("certificate is not accepted", error)
        self.assertIn(str(other), error)
        self.assertEqual(self.server.requests, [])

    def test_a_name_that_is_not_in_the_certificate_is_refused(self):
        url = self.server.url.replace("127.0.0.1", "localhost")
        self.assertIn("localhost", self.ask("device", "list", "--ca", self.ours.certificate, "--url", url, code=SERVER).stderr)

    def test_a_file_that_holds_none_is_named(self):
        self.write("empty.pem", "no certificate")
        for file in ("missing.pem", "empty.pem"):
            error = self.ask("device", "list", "--ca", file, code=SERVER).stderr
            self.assertIn(f"{file}: no certificates can be read", error)


class Ship(ServerCase):
    def setUp(self):
        super().setUp()
        self.write("app.tdm", "abc")

    def script(self, *shipments):
        return self.serve({"POST /firmware": (201, FIRMWARE), "POST /shipments": (201, shipment(row("waiting"))),
                           "GET /shipments/s1": [(200, s) if isinstance(s, dict) else s for s in shipments]})

    def ship(self, *options, **more):
        return self.ask("ship", "app.tdm", "--template", "TMPL", *options, **more)

    def test_it_uploads_and_creates(self):
        server = self.script(shipment(row("waiting")))
        self.ship("--device", "d1", "--device", "d2", "--name", "Friday")
        self.assertEqual([request[1] for request in server.requests], [API + "/firmware", API + "/shipments"])
        self.assertEqual(json.loads(server.requests[1][3]), {"template": "TMPL", "firmware": "f1", "name": "Friday",
                                                             "devices": ["d1", "d2"]})

    def test_without_devices_it_ships_to_all_of_the_template(self):
        server = self.script(shipment(row("waiting")))
        self.ship()
        self.assertNotIn("devices", json.loads(server.requests[1][3]))

    def test_every_option_is_a_member_of_the_request(self):
        server = self.script(shipment(row("waiting")))
        self.ship("--filter", "tag=lab", "--condition", "lower-version", "--time", "night", "--user-controlled",
                  "--attempts", "2", "--attempts-hours", "12", "--per-minute", "60", "--bytes-per-second", "100000",
                  "--expires", "2030-01-01T00:00:00Z", "--wave", "tag=canary", "--wave", "10", "--wave", "2.5%",
                  "--wave", "5% tag=lab", "--success", "95", "--failure", "10", "--minimum", "5", "--soak", "60")
        self.assertEqual(json.loads(server.requests[1][3]), {
            "template": "TMPL", "firmware": "f1", "filter": "tag=lab", "condition": "lower-version", "time": "night",
            "user_controlled": True, "attempts": 2, "attempts_hours": 12, "per_minute": 60, "bytes_per_second": 100000,
            "expires": "2030-01-01T00:00:00Z",
            "waves": [{"filter": "tag=canary"}, {"devices": 10}, {"percent": 2.5}, {"percent": 5.0, "filter": "tag=lab"}],
            "gate": {"success_percent": 95, "failure_percent": 10, "minimum": 5, "soak_minutes": 60}})

    def test_an_expiry_may_be_counted_from_now(self):
        server = self.script(shipment(row("waiting")))
        before = time.time()
        self.ship("--expires", "2d")
        expires = calendar.timegm(time.strptime(json.loads(server.requests[1][3])["expires"], "%Y-%m-%dT%H:%M:%SZ"))
        self.assertLessEqual(abs(expires - before - 2 * 86400), 60)

    def test_a_wrong_option_uploads_nothing(self):
        server = self.script(shipment(row("waiting")))
        for option, value in (("--wave", "0"), ("--wave", "1.5"), ("--wave", "10x"), ("--expires", "soon"),
                              ("--expires", "0h"), ("--attempts", "many")):
            self.ship(option, value, code=USAGE)
        self.ship("--dry-run", "--watch", code=USAGE)
        self.assertEqual(server.requests, [])

    def test_a_dry_run_ships_nothing_and_says_why_not(self):
        preview = {"target": 5, "now": 1, "later": 3, "never": 1, "waves": [{"number": 1, "size": 5}],
                   "rules": [{"rule": "offline", "text": "the device is offline", "later": True, "devices": 3,
                              "examples": ["d1"]},
                             {"rule": "type-mismatch", "text": "the device runs firmware type fan, this is for pump",
                              "later": False, "devices": 1, "examples": ["d5"]}]}
        server = self.serve({"POST /firmware": (201, FIRMWARE), "POST /shipments/preview": (200, preview)})
        text = self.ship("--dry-run").stdout
        self.assertIn("       1  would get an offer at once", text)
        self.assertIn("the device runs firmware type fan", text)
        self.assertEqual(json.loads(self.ship("--dry-run", "--json").stdout), preview)
        self.assertNotIn(API + "/shipments", [request[1] for request in server.requests])

    def test_a_gate_that_stops_it_is_exit_status_4(self):
        self.script(shipment(row("waiting")), dict(shipment(row("waiting"), state="paused"), why="wave 1: 2 of 3 failed"))
        done = self.ship("--watch", code=SHIPMENT)
        self.assertIn("shipment s1 stopped: wave 1: 2 of 3 failed", done.stderr)

    def test_watching_tells_both_legs_and_succeeds(self):
        self.script(shipment(row("waiting")), shipment(row("request-sent", stage="downloading", bytes=50, size=200)),
                    shipment(row("firmware-downloaded", stage="transferring", bytes=100, size=200)),
                    shipment(row("firmware-downloaded", stage="installed")),
                    shipment(row("success", ended=True, version="1.1.0"), state="finished"))
        text = self.ship("--watch").stdout
        for line in ("pump d1: waiting", "downloading, 25% of 200 bytes", "transferring to the MCU, 50% of 200 bytes",
                     "installed, restarting", "pump d1: success"):
            self.assertIn(line, text)

    def test_of_a_large_fleet_it_tells_the_whole_and_of_devices_what_happens(self):
        def large(updated, *rows):
            answer = dict(shipment(*rows), devices_next="d100")
            answer["progress"].update(target=7157, updated=updated)
            return answer
        self.script(large(0, row("waiting"), row("waiting", device="d2")), large(12, row("waiting"), row("success", True, "d2")),
                    dict(large(7157, row("success", True)), state="finished"))
        text = self.ship("--watch").stdout
        for line in ("s1: 0 of 7157 devices updated, 0 failed", "s1: 12 of 7157 devices updated", "pump d2: success"):
            self.assertIn(line, text)
        self.assertNotIn("waiting", text)

    def test_a_failed_device_is_exit_status_4(self):
        self.script(shipment(row("waiting"), row("success", True, "d2")),
                    shipment(row("rollback", True, reason="self-test-failed"), row("success", True, "d2")))
        done = self.ship("--watch", code=SHIPMENT)
        self.assertIn("pump d1: rollback (self-test-failed)", done.stdout)

    def test_a_cancelled_shipment_is_exit_status_4(self):
        self.script(shipment(row("waiting"), state="cancelled"))
        self.ship("--watch", code=SHIPMENT)

    def test_already_there_is_success(self):
        self.script(shipment(row("already-there", True)))
        self.ship("--watch")

    def test_the_limit_is_kept(self):
        self.script(shipment(row("waiting")))
        self.assertIn("it goes on", self.ship("--watch", "--timeout", "0", code=TIMEOUT).stderr)
        self.ship("--timeout", "5", code=USAGE)

    def test_a_shipment_that_goes_on_can_be_watched_again(self):
        done = shipment(row("success", True), state="finished")
        self.serve({"GET /shipments/s1": [(200, shipment(row("waiting"))), (200, done)],
                    "GET /shipments/s2": (200, shipment(row("rollback", True, reason="watchdog"))),
                    "GET /shipments/s3": (200, shipment(row("waiting")))})
        text = self.ask("shipment", "watch", "s1").stdout
        self.assertIn("pump d1: waiting", text)
        self.assertIn("s1 finished", text)
        self.assertEqual(json.loads(self.ask("shipment", "watch", "s1", "--json").stdout), done)
        self.ask("shipment", "watch", "s2", code=SHIPMENT)
        self.ask("shipment", "watch", "s3", "--timeout", "0", code=TIMEOUT)
        self.ask("shipment", "watch", "s4", code=FAILED)

    def test_a_server_that_fails_meanwhile_is_asked_again(self):
        self.script(shipment(row("waiting")), problem(503, "restarting"), problem(503, "restarting"),
                    shipment(row("success", True)))
        done = self.ship("--watch")
        self.assertEqual(done.stderr.count("restarting; still trying"), 1)

    def test_json_is_the_last_state_and_nothing_else(self):
        last = shipment(row("success", True), state="finished")
        self.script(shipment(row("waiting")), last)
        self.assertEqual(json.loads(self.ship("--watch", "--json").stdout), last)

    def test_a_terminal_gets_bars(self):
        name = "x" + "\u00fc" * 20
        self.script(shipment(row("request-sent", stage="downloading", bytes=50, size=200)),
                    shipment(row("firmware-downloaded", stage="transferring", bytes=100, size=200, name=name)),
                    shipment(row("success", True)))
        master, slave = pty.openpty()
        drawn = []

        def read():
            try:
                while data := os.read(master, 4096):
                    drawn.append(data)
            except OSError:
                pass

        reader = threading.Thread(target=read)
        reader.start()
        done = self.ship("--watch", stderr=slave)
        os.close(slave)
        reader.join()
        os.close(master)
        text = b"".join(drawn).decode()
        self.assertIn("Ctrl-C ends the watching, not the shipment", text)
        self.assertIn("pump d1         download [##--------]  25%", text)
        self.assertIn(f"{name[:14]}  download", text)
        self.assertIn("UART [#####-----]  50%  transf", text)
        self.assertNotIn("transferring", done.stdout)


if __name__ == "__main__":
    unittest.main()
