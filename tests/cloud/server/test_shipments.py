"""Shipments in waves against the real server: gates, kill -9, consent, dry run, why not, filters."""

import contextlib
import csv
import http.client
import io
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import server as s
from fleet import Fleet


class Shipments(unittest.TestCase):
    def setUp(self):
        self.server = s.Server("--settle", "0")
        self.server.__enter__()
        self.fleet = Fleet(self.server)

    def tearDown(self):
        self.fleet.close()
        self.server.__exit__()

    def firmware(self, version="1.1.0"):
        return self.server.upload(s.plain(version), f"app-{version}.bin")

    def show(self, shipment):
        return self.server.get(f"/api/v1/shipments/{shipment['id']}")

    def members(self, shipment, wave):
        return {row["id"] for row in self.show(shipment)["devices"] if row["wave"] == wave}

    def wait(self, shipment, what, condition):
        def reached():
            now = self.show(shipment)
            return now if condition(now) else None
        return s.wait_for(f"{what}, not {self.show(shipment)}", reached)

    def test_an_offer_that_a_stop_kept_back_is_not_called_sent(self):
        self.fleet.add(30)
        for number in range(5):  # stopped at other moments of it
            version = f"1.1.{number}"
            self.ship_and_stop(self.firmware(version), number * 0.004)
            got = {device for device, link in self.fleet.links.items() if self.has_offer(link)}
            self.server.start()
            shipments = self.server.get("/api/v1/shipments")["shipments"]
            if shipments and shipments[0]["firmware"]["version"] == version:
                rows = self.show(shipments[0])["devices"]
                self.assertEqual({row["id"] for row in rows if row["status"] == "request-sent"}, got)
                self.server.ask("POST", f"/api/v1/shipments/{shipments[0]['id']}/cancel")
            for device in self.fleet.tokens:
                self.fleet.connect(device, "1.0.0")

    def ship_and_stop(self, firmware, seconds):
        def ask():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.server.ask("POST", "/api/v1/shipments", {"template": s.TEMPLATE, "firmware": firmware["id"]})
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(seconds)  # a moment in its middle, which no event marks
        self.server.stop()  # fails if anything is left undone
        asking.join(s.LIMIT)

    @staticmethod
    def has_offer(link):
        found = False
        while (packet := link.receive())[0] is not None:
            found |= packet[0] >> 4 == 3 and b"downlink/ota/json" in packet[1]
        return found

    def test_two_waves_and_the_server_killed_in_between(self):
        self.fleet.add(10)
        shipment = self.server.ship(self.firmware(), waves=[{"devices": 3}], gate={"success_percent": 100})
        first = self.members(shipment, 1)
        self.assertEqual(len(first), 3)
        self.assertEqual(self.fleet.offered(), first)
        done, *rest = sorted(first)
        self.fleet.connect(done, "1.1.0")
        self.wait(shipment, "one is updated", lambda now: now["progress"]["updated"] == 1)
        self.fleet.close()
        self.server.kill()
        self.server.start()
        now = self.show(shipment)
        self.assertEqual((now["state"], now["wave"], now["progress"]["updated"]), ("live", 1, 1))
        for device in self.fleet.tokens:
            self.fleet.connect(device, "1.1.0" if device == done else "1.0.0")
        self.assertEqual(self.fleet.offered(), set(rest))
        for device in rest:
            self.fleet.connect(device, "1.1.0")
        self.wait(shipment, "the second wave opens", lambda now: now["wave"] == 2)
        others = set(self.fleet.tokens) - first
        for device in others:
            self.fleet.succeed(device)
        now = self.wait(shipment, "it is finished", lambda now: now["state"] == "finished")
        self.assertEqual({key: now["progress"][key] for key in ("target", "updated", "failed", "skipped", "rest")},
                         {"target": 10, "updated": 10, "failed": 0, "skipped": 0, "rest": 0})
        self.assertEqual([wave["size"] for wave in now["waves"]], [3, 7])

    def test_a_failing_wave_stops_and_the_operator_goes_on(self):
        self.fleet.add(6)
        shipment = self.server.ship(self.firmware(), waves=[{"percent": 50}],
                                    gate={"success_percent": 50, "failure_percent": 30, "minimum": 2})
        first = sorted(self.members(shipment, 1))
        self.assertEqual(len(first), 3)
        self.fleet.succeed(first[0])
        self.fleet.fail(first[1])
        now = self.wait(shipment, "it stopped", lambda now: now["state"] == "paused")
        self.assertEqual(now["why"], "wave 1: 1 of 2 devices failed, the limit is 30 %")
        self.assertEqual(self.fleet.offered(), {first[2]})
        now = self.server.post(f"/api/v1/shipments/{shipment['id']}/resume")
        self.assertEqual((now["state"], now["why"]), ("live", None))
        self.fleet.connect(first[2], "1.1.0")
        self.wait(shipment, "the second wave opens", lambda now: now["wave"] == 2)
        self.assertEqual(self.fleet.offered(), set(self.fleet.tokens) - set(first))
        self.server.post(f"/api/v1/shipments/{shipment['id']}/cancel")
        self.assertEqual(self.server.ask("POST", f"/api/v1/shipments/{shipment['id']}/advance").status, 409)
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/shipments/{shipment['id']}").status, 204)
        self.assertEqual(self.server.ask("GET", f"/api/v1/shipments/{shipment['id']}").status, 404)

    def test_an_owner_is_asked(self):
        device, = self.fleet.add(1)
        shipment = self.server.ship(self.firmware(), user_controlled=True)
        self.assertEqual(self.show(shipment)["devices"][0]["status"], "awaiting-user-action")
        why = self.server.get(f"/api/v1/devices/{device}/why")
        self.assertEqual((why["shipments"][0]["rule"], why["shipments"][0]["later"]), ("consent", True))
        agreed = self.server.post(f"/api/v1/devices/{device}/consent", {"shipment": shipment["id"]})
        self.assertEqual(agreed, {"shipments": [shipment["id"]]})
        self.fleet.succeed(device)
        self.wait(shipment, "it is finished", lambda now: now["state"] == "finished")
        self.assertEqual(self.server.ask("POST", f"/api/v1/devices/{device}/consent").status, 409)

    def test_an_owner_may_decline_and_the_shipment_is_over_for_that_device(self):
        willing, unwilling = self.fleet.add(2)
        shipment = self.server.ship(self.firmware(), user_controlled=True)
        declined = self.server.post(f"/api/v1/devices/{unwilling}/decline")
        self.assertEqual(declined, {"shipments": [shipment["id"]]})
        self.server.post(f"/api/v1/devices/{willing}/consent")
        self.fleet.succeed(willing)
        end = self.wait(shipment, "it is finished", lambda now: now["state"] == "finished")
        self.assertEqual({row["id"]: row["status"] for row in end["devices"]}, {willing: "success", unwilling: "declined"})
        self.assertEqual((end["progress"]["updated"], end["progress"]["skipped"], end["progress"]["failed"]), (1, 1, 0))
        self.assertNotIn(unwilling, self.fleet.offered())
        self.assertEqual(self.server.ask("POST", f"/api/v1/devices/{unwilling}/consent").status, 409)

    def test_the_timeline_tells_what_its_entries_are_about(self):
        device, _ = self.fleet.add(2)
        shipment = self.server.ship(self.firmware())
        self.fleet.fail(device)
        self.server.wait_status(shipment, "upload-failure")
        self.assertEqual(self.server.get(f"/api/v1/devices/{device}/why")["text"], "the update failed: the signature does not match")
        timeline = self.server.get(f"/api/v1/devices/{device}")["timeline"]
        about = [(entry["event"], entry["code"], entry["reason"]) for entry in timeline if entry["shipment"] == shipment["id"]]
        self.assertEqual(about, [("offered", "offered", None), ("report", "failed", "bad-signature"),
                                 ("status", "upload-failure", "bad-signature")])

    def test_why_a_device_failed_can_be_asked_when_the_shipment_is_over(self):
        device, = self.fleet.add(1)
        shipment = self.server.ship(self.firmware(), name="Autumn")
        self.fleet.fail(device)
        self.wait(shipment, "it is finished", lambda now: now["state"] == "finished")
        why = self.server.get(f"/api/v1/devices/{device}/why")
        self.assertEqual(why["text"], "the update failed: the signature does not match (Autumn, which is over; there is no live "
                                      "shipment for its template)")
        self.assertEqual(why["shipments"], [])

    def test_what_failed_is_not_promised_again_once_the_shipment_does_not_offer(self):
        device, = self.fleet.add(1)
        shipment = self.server.ship(self.firmware())
        self.fleet.links[device].offer()
        self.fleet.links[device].report(stage="failed", reason="no-space", leg="download")
        self.server.wait_status(shipment, "upload-failure")
        for action, text in (("pause", "; offered again when the shipment goes on"), ("resume", "; offered again shortly"),
                             ("cancel", "; not offered again, for the shipment is over")):
            self.server.post(f"/api/v1/shipments/{shipment['id']}/{action}")
            self.assertTrue(self.server.target(shipment)["text"].endswith(text), self.server.target(shipment)["text"])

    def test_what_failed_lately_is_listed_with_its_reason(self):
        first, second = self.fleet.add(2)
        shipment = self.server.ship(self.firmware())
        for device in (first, second):
            self.fleet.fail(device)
            s.wait_for("it failed", lambda: self.server.get("/api/v1/failures?limit=1")["failures"][:1]
                       and self.server.get("/api/v1/failures?limit=1")["failures"][0]["device"] == device)
        page = self.server.get("/api/v1/failures?limit=1")
        newest, = page["failures"]
        self.assertEqual((newest["shipment"], newest["version"], newest["status"], newest["reason"]),
                         (shipment["id"], "1.1.0", "upload-failure", "bad-signature"))
        older, = self.server.get(f"/api/v1/failures?limit=1&cursor={page['next']}")["failures"]
        self.assertEqual((newest["device"], older["device"]), (second, first))
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/devices/{second}").status, 204)
        self.assertEqual([one["device"] for one in self.server.get("/api/v1/failures")["failures"]], [first])

    def test_the_overview_counts_the_organization(self):
        self.fleet.add(2)
        self.server.add_device()
        self.server.ship(self.firmware())
        counted = s.wait_for("three devices", lambda: (now := self.server.get("/api/v1/overview"))["shipments"]["live"] == 1 and now)
        self.assertEqual((counted["devices"], counted["online"], counted["firmware"]), (3, 2, 1))

    def test_a_dry_run_says_what_the_shipment_then_does(self):
        fit = self.fleet.add(4)
        newer = self.fleet.add(2, version="1.2.0")
        self.fleet.add(1, version="1.1.0")
        asleep = self.server.add_device()["id"]
        order = {"template": s.TEMPLATE, "firmware": self.firmware()["id"], "condition": "lower-version",
                 "waves": [{"devices": 3}]}
        preview = self.server.post("/api/v1/shipments/preview", order)
        rules = {rule["rule"]: rule for rule in preview["rules"]}
        self.assertEqual(preview["target"], 8)
        self.assertEqual(rules["condition"]["devices"], 2)
        self.assertEqual(set(rules["condition"]["examples"]), set(newer))
        self.assertEqual(rules["already-there"]["devices"], 1)
        self.assertEqual((rules["never-seen"]["devices"], rules["never-seen"]["later"]), (1, True))
        self.assertEqual((preview["never"], preview["now"] + preview["later"]), (3, 5))
        self.assertEqual(self.server.get("/api/v1/shipments")["shipments"], [])
        listed = self.server.ask("POST", "/api/v1/shipments/preview?rule=none&limit=3", order).json
        more = self.server.ask("POST", f"/api/v1/shipments/preview?rule=none&cursor={listed['next']}", order).json
        self.assertEqual([row["id"] for row in listed["devices"] + more["devices"]], fit)
        shipment = self.server.post("/api/v1/shipments", order)
        self.assertEqual([wave["size"] for wave in shipment["waves"]], [wave["size"] for wave in preview["waves"]])
        self.assertEqual(len(self.fleet.offered()), preview["now"])
        why = self.server.get(f"/api/v1/devices/{asleep}/why")
        self.assertEqual(why["shipments"][0]["rule"], "never-seen")

    def test_a_dry_run_knows_the_attempts_that_another_shipment_spent_on_the_image(self):
        [device] = self.fleet.add(1)
        order = {"template": s.TEMPLATE, "firmware": self.firmware()["id"], "attempts": 1}
        first = self.server.post("/api/v1/shipments", order)
        self.fleet.links[device].offer()
        self.fleet.links[device].report(stage="failed", reason="download-failed", leg="download")
        self.wait(first, "it failed", lambda now: now["devices"][0]["status"] == "upload-failure")
        self.server.post(f"/api/v1/shipments/{first['id']}/cancel")
        preview = self.server.post("/api/v1/shipments/preview", order)
        self.assertEqual((preview["now"], preview["later"], preview["rules"][0]["rule"]), (0, 1, "attempts"))
        listed = self.server.post("/api/v1/shipments/preview?limit=1", order)["devices"]
        self.assertEqual(listed[0]["rule"], "attempts")
        second = self.server.post("/api/v1/shipments", order)
        self.assertEqual(second["devices"][0]["status"], "download-limit-reached")

    def test_a_device_whose_zone_is_set_need_not_wait_for_another_mornings_check_in(self):
        hour = time.gmtime().tm_hour
        there = (hour + 12) % 24 // 6  # the part of the day that is farthest away here; its middle is now in some zone
        east = (there * 6 + 3 - hour + 12) % 24 - 12
        zone = f"Etc/GMT{-east:+d}"  # signs are turned round in these names
        order = {"template": s.TEMPLATE, "firmware": self.firmware()["id"], "time": ("night", "morning", "afternoon", "evening")[there]}
        devices = self.fleet.add(3)
        shipment = self.server.post("/api/v1/shipments", order)
        self.assertEqual(self.fleet.offered(), set())
        self.server.ask("PATCH", f"/api/v1/devices/{devices[0]}", {"timezone": zone})
        self.server.ask("PATCH", f"/api/v1/devices/{devices[1]}/values", {"metadata": {"Time Zone": zone}})
        self.fleet.links[devices[2]].publish("meta/Time Zone", zone)
        self.assertEqual(self.fleet.offered(), set(devices))
        self.assertEqual({row["status"] for row in self.show(shipment)["devices"]}, {"request-sent"})

    def test_the_previous_version_is_shipped_back(self):
        devices = self.fleet.add(2, version="0.9.0")
        first = self.server.ship(self.firmware("1.0.0"))
        for device in devices:
            self.fleet.succeed(device, "1.0.0")
        self.wait(first, "it is finished", lambda now: now["state"] == "finished")
        self.assertEqual(self.server.ask("POST", f"/api/v1/shipments/{first['id']}/revert").status, 422)
        second = self.server.ship(self.firmware("1.1.0"))
        self.fleet.succeed(devices[0], "1.1.0")
        self.wait(second, "one is updated", lambda now: now["progress"]["updated"] == 1)
        back = self.server.post(f"/api/v1/shipments/{second['id']}/revert")
        self.assertEqual(self.show(second)["state"], "cancelled")
        self.assertEqual((back["firmware"]["version"], back["progress"]["target"]), ("1.0.0", 1))
        self.fleet.succeed(devices[0], "1.0.0")
        self.wait(back, "it is finished", lambda now: now["state"] == "finished")

    def test_the_report_has_every_device(self):
        self.fleet.add(2, name="pump, \"old\"")
        self.server.add_device(name="asleep")
        shipment = self.server.ship(self.firmware())
        self.fleet.succeed("d1")
        self.fleet.fail("d2")
        self.wait(shipment, "two have ended", lambda now: now["progress"]["rest"] == 1)
        path = f"/api/v1/shipments/{shipment['id']}/report"
        answer = self.server.ask("GET", path + "?format=csv")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/csv; charset=utf-8"))
        rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        self.assertEqual([(row["id"], row["name"], row["status"], row["reason"]) for row in rows],
                         [("d1", "pump, \"old\"", "success", "none"), ("d2", "pump, \"old\"", "upload-failure", "bad-signature"),
                          ("d3", "asleep", "waiting", "none")])
        size = str(shipment["firmware"]["size"])
        self.assertEqual([(row["encoding"], row["bytes_sent"], row["bytes_full"]) for row in rows],
                         [("plain", size, size), ("plain", size, size), ("", "0", "0")])
        listed = self.server.get(path + "?format=json")
        self.assertEqual([row["status"] for row in listed], [row["status"] for row in rows])
        self.assertEqual(self.server.ask("GET", path + "?format=pdf").status, 400)
        self.assertEqual(self.server.ask("GET", "/api/v1/shipments/s99/report?format=csv").status, 404)

    def test_no_text_of_a_report_is_a_formula_to_a_spreadsheet(self):
        """A spreadsheet computes what begins with one of these (OWASP, CSV injection); a device says its version itself."""
        texts = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/c calc',\"x\"", "'quoted", "pump = 1", " =1"]
        for text in texts:
            self.server.add_device(name=text)
        device = s.Device(self.server, self.server.add_device(name="says it")["token"])
        self.addCleanup(device.close)
        device.check_in('=HYPERLINK("http://evil.example")')
        path = f"/api/v1/shipments/{self.server.ship(self.firmware())['id']}/report"
        answer = self.server.ask("GET", path + "?format=csv").body.decode()
        rows = list(csv.DictReader(io.StringIO(answer, newline="")))
        self.assertEqual([row["name"] for row in rows[:-1]], ["'" + text for text in texts[:5]] + texts[5:])
        self.assertEqual(rows[-1]["version"], "'=HYPERLINK(\"http://evil.example\")")
        self.assertEqual([row["name"] for row in self.server.get(path + "?format=json")[:-1]], texts)

    def test_a_timeline_names_its_shipments_until_they_are_deleted(self):
        device, = self.fleet.add(1)
        shipment = self.server.ship(self.firmware(), name="Winter")
        self.fleet.succeed(device)
        self.wait(shipment, "it is finished", lambda now: now["state"] == "finished")
        told = lambda: {(entry["shipment"], entry["shipment_name"]) for entry in self.server.get(f"/api/v1/devices/{device}")["timeline"]}
        self.assertEqual(told(), {(None, None), (shipment["id"], "Winter")})
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/shipments/{shipment['id']}").status, 204)
        self.assertEqual(told(), {(None, None), (shipment["id"], None)})

    def test_filters_are_as_many_as_a_list_shows(self):
        add = lambda name: self.server.ask("POST", "/api/v1/filters", {"name": name, "filter": "tag=a"})
        self.server.database.change("INSERT INTO saved_filter (organization, name, text) WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL "
                                    "SELECT i + 1 FROM number WHERE i < 999) SELECT 1, 'filter ' || i, 'tag=a' FROM number")
        self.assertEqual(add("the last").status, 201)
        self.assertEqual(len(self.server.get("/api/v1/filters")["filters"]), 1000)
        answer = add("one too many")
        self.assertEqual((answer.status, answer.json["title"]), (409, "too many"))

    def test_matches_are_counted_from_a_page_on_and_no_further_than_a_thousand(self):
        self.fleet.add(7, name="pump")
        for _ in range(3):
            self.server.add_device(name="fan")
        count = lambda query: self.server.get(f"/api/v1/devices?count=true&{query}")["count"]
        self.assertEqual(count("filter=name%3Dpump&limit=2"), {"devices": 7, "more": False})
        self.assertEqual(count("filter=name%3Dnone"), {"devices": 0, "more": False})
        self.assertEqual(count("sort=-name"), {"devices": 10, "more": False})
        self.assertEqual(count("limit=1000"), {"devices": 10, "more": False})
        page = self.server.get("/api/v1/devices?filter=pump&limit=3")
        self.assertNotIn("count", page)
        self.assertEqual(count(f"filter=pump&limit=3&cursor={page['next']}"), {"devices": 4, "more": False})
        for wrong in ("count=false", "count=", "count=1"):
            self.assertEqual(self.server.ask("GET", "/api/v1/devices?" + wrong).status, 400)
        with ThreadPoolExecutor(8) as adders:
            list(adders.map(lambda _: self.server.add_device(name="many"), range(1001 - 10)))
        self.assertEqual(count("limit=1"), {"devices": 1000, "more": True})
        self.server.ask("DELETE", "/api/v1/devices/d1")
        self.assertEqual(count("limit=1"), {"devices": 1000, "more": False})

    def test_filters_select_and_are_kept_by_name(self):
        canaries = self.fleet.add(2, tags=["canary", "berlin"], name="pump")
        self.fleet.add(3, name="fan")
        kept = self.server.post("/api/v1/filters", {"name": "canaries", "filter": "tag=canary"})
        self.assertEqual(self.server.get("/api/v1/filters"), {"filters": [kept]})
        found = self.server.get("/api/v1/devices?filter=canaries&sort=-id")["devices"]
        self.assertEqual([device["id"] for device in found], canaries[::-1])
        self.assertEqual(len(self.server.get("/api/v1/devices?filter=version%3C1.1%20online%3Dyes%20fan")["devices"]), 3)
        shipment = self.server.ship(self.firmware(), waves=[{"filter": "canaries"}])
        self.assertEqual(self.members(shipment, 1), set(canaries))
        self.assertEqual(self.server.ask("PUT", f"/api/v1/filters/{kept['id']}",
                                         {"name": "canaries", "filter": "colour=red"}).status, 422)
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/filters/{kept['id']}").status, 204)
        self.assertEqual(self.show(shipment)["waves"][0]["filter"], "tag=canary")
        other = self.server.ship(self.firmware("1.2.0"), filter="tag=canary")
        self.assertEqual(other["progress"]["target"], 2)

    def test_pages_of_devices_in_each_order_are_whole(self):
        for number in (3, 1, 2, 5, 4):
            self.fleet.add(1, version=f"1.{number * 3}.0", name=f"device {number}")
        self.server.add_device(name="asleep")
        everything = {device["id"] for device in self.server.get("/api/v1/devices")["devices"]}
        for sort, member in (("id", None), ("-name", "name"), ("version", "firmware"), ("seen", None), ("name", "name")):
            seen, cursor = [], ""
            while cursor is not None:
                page = self.server.get(f"/api/v1/devices?limit=2&sort={sort}{cursor}")
                seen += page["devices"]
                cursor = page["next"] and f"&cursor={page['next']}"
            self.assertEqual({device["id"] for device in seen}, everything, sort)
            self.assertEqual(len(seen), 6, sort)
            if member == "name":
                names = [device["name"] for device in seen]
                self.assertEqual(names, sorted(names, reverse=sort[0] == "-"))
            if member == "firmware":
                self.assertEqual([device["firmware"]["version"] for device in seen if device["firmware"]],
                                 ["1.3.0", "1.6.0", "1.9.0", "1.12.0", "1.15.0"])

    def test_a_device_is_changed_by_what_is_named_alone(self):
        device = self.server.add_device(name="pump", tags=["a"], timezone="Europe/Berlin")
        path = f"/api/v1/devices/{device['id']}"
        changed = self.server.ask("PATCH", path, {"tags": ["b", "c"]}).json
        self.assertEqual((changed["name"], changed["tags"], changed["timezone"]), ("pump", ["b", "c"], "Europe/Berlin"))
        self.assertIsNone(self.server.ask("PATCH", path, {"timezone": ""}).json["timezone"])
        for wrong, status in (({"tags": ["a,b"]}, 400), ({"timezone": "Mars/Olympus"}, 422), ({"colour": "red"}, 400)):
            self.assertEqual(self.server.ask("PATCH", path, wrong).status, status)
        self.assertEqual(self.server.get(path)["tags"], ["b", "c"])

    def test_orders_that_make_no_sense_are_refused_by_name(self):
        self.fleet.add(1)
        firmware = self.firmware()["id"]
        for wrong, says in (({"condition": "newer"}, "condition"), ({"time": "noon"}, "time"),
                            ({"attempts": 0}, "attempts"), ({"expires": "tomorrow"}, "expires"),
                            ({"expires": "2001-01-01T00:00:00Z"}, "past"), ({"waves": [{}]}, "wave"),
                            ({"waves": [{"devices": 1, "percent": 5}]}, "not both"),
                            ({"waves": [{"percent": 101}]}, "percent"), ({"gate": {"soak": 1}}, "soak"),
                            ({"waves": [{"devices": 1}] * 16}, "15"), ({"filter": "colour=red"}, "colour"),
                            ({"filter": "tag=a", "devices": ["d1"]}, "not both")):
            answer = self.server.ask("POST", "/api/v1/shipments", {"template": s.TEMPLATE, "firmware": firmware, **wrong})
            self.assertIn(answer.status, (400, 422), wrong)
            self.assertIn(says, answer.json["detail"])
        self.assertEqual(self.server.get("/api/v1/shipments")["shipments"], [])


if __name__ == "__main__":
    unittest.main()
