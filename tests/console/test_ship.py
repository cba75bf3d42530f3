#!/usr/bin/env python3
"""Firmware and shipments in the console, against a real tandem-cloud with simulated devices."""

import csv
import io
import json
import tempfile
import unittest
from pathlib import Path

from case import PASSWORD, ConsoleCase, s, setUpModule, tearDownModule  # noqa: F401
from selenium.webdriver.common.keys import Keys


class Firmware(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.person()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def choose_file(self, name, data):
        path = Path(self.folder.name) / name
        path.write_bytes(data)
        self.browser.field("Firmware file").send_keys(str(path))

    def test_a_package_is_uploaded_looked_at_and_deleted(self):
        browser = self.browser
        self.sign_in(path="/firmware")
        browser.see("No firmware yet")
        data, digest = s.packed("1.4.0")
        self.choose_file("pump-1.4.0.tdm", data)
        browser.see("is uploaded")
        browser.see("Not known here", "main table")
        browser.follow("1.4.0")
        for text in ("pump-1.4.0.tdm", "board-1", "11223344", digest, "No device runs it now", "It has not been shipped yet"):
            browser.see(text, "main")
        kept = self.server.get("/api/v1/firmware")["firmware"]
        self.assertEqual([one["version"] for one in kept], ["1.4.0"])
        browser.see(kept[0]["sha256"], "main")
        browser.click("Delete")
        browser.see("Devices that run it go on running it", "dialog")
        browser.press(lambda: browser.one("dialog .danger"))
        browser.at("/firmware")
        browser.see("No firmware yet")
        self.assertEqual(self.server.get("/api/v1/firmware")["firmware"], [])

    def test_what_is_no_firmware_is_refused_with_what_to_do(self):
        self.sign_in(path="/firmware")
        self.choose_file("notes.txt", b"not a firmware" * 100)
        self.browser.see("Neither a package nor an image with a firmware tag")
        self.browser.see("tandem pack", "main [role=alert]")
        self.assertEqual(self.server.get("/api/v1/firmware")["firmware"], [])

    def test_the_list_says_how_many_devices_run_each(self):
        self.firmware("1.0.0")
        self.fleet.add(3, name="pump")
        self.sign_in(path="/firmware")
        self.browser.press(lambda: self.browser.link("3"))
        self.browser.at("/devices?filter=type%3Dpump%20version%3D1.0.0")

    def test_firmware_that_a_live_shipment_needs_is_kept(self):
        self.fleet.add(1)
        firmware = self.firmware()
        self.server.ship(firmware)
        self.sign_in(path=f"/firmware/{firmware['id']}")
        self.browser.see("New Shipping")
        self.browser.click("Delete")
        self.browser.press(lambda: self.browser.one("dialog .danger"))
        self.browser.see("cancel the shipment first", "dialog")
        self.browser.keys(Keys.ESCAPE)
        self.browser.wait("the dialog closes", lambda: not self.browser.all("dialog[open]"))
        self.assertEqual(len(self.server.get("/api/v1/firmware")["firmware"]), 1)


class Shipping(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.person()

    def show(self, shipment):
        return self.server.get(f"/api/v1/shipments/{shipment}")

    def members(self, shipment, wave):
        return sorted(row["id"] for row in self.show(shipment)["devices"] if row["wave"] == wave)

    def legend(self, text):
        self.browser.see(text, "main .progress .legend")

    def state(self, text):
        self.browser.see(text, "header.page")

    def waves(self, *texts):
        """Where the waves stand, as the page says it."""
        def as_said():
            shown = [one.text for one in self.browser.all(".track .badge")]
            return shown == list(texts)
        self.browser.wait(f"waves that stand as {texts}", as_said)

    def test_two_waves_written_dry_run_started_and_watched_to_the_end(self):
        browser = self.browser
        canaries = self.fleet.add(2, name="canary", tags=["canary"])
        others = self.fleet.add(3, name="pump")
        self.fleet.add(1, version="1.1.0", name="newer")
        self.server.post("/api/v1/filters", {"name": "canaries", "filter": "tag=canary"})
        self.firmware("1.1.0")
        self.sign_in(path="/shipments")
        browser.see("No shipments yet")
        browser.follow("New shipment")
        browser.see(f"{s.TEMPLATE} (6 devices)")
        browser.choose("Update them", "Only those that run a lower version")
        browser.click("Continue")
        browser.click("Continue")
        browser.see("Choose the firmware that is shipped")
        browser.choose("Firmware", "pump 1.1.0 · app-1.1.0.bin")
        browser.click("Continue")
        browser.click("Add a wave")
        browser.choose("Takes", "All that match a filter")
        browser.click("Continue")
        browser.see("Say which devices")
        browser.fill("Of those that match", "canaries")
        browser.fill("Updated, %", "100")
        browser.fill("Name of the shipment", "Autumn")
        browser.click("Continue")
        browser.see("5 devices of 6 will be updated: 2 at once, 3 later; 1 will not be updated.")
        self.assertEqual(self.server.get("/api/v1/shipments")["shipments"], [])
        browser.press(lambda: browser.all("main table .button")[1])
        browser.see("newer", "dialog")
        browser.click("Close")
        browser.click("Start shipment")
        browser.at("/shipments/s1")
        self.state("Live")
        order = self.show("s1")
        self.assertEqual((order["name"], order["condition"], [one["size"] for one in order["waves"]]),
                         ("Autumn", "lower-version", [2, 4]))
        self.waves("Open", "Waits for its turn")
        self.fleet.succeed(canaries[0])
        self.legend("2 updated")  # with the one that ran it before
        self.fleet.succeed(canaries[1])
        self.waves("Done", "Open")
        for device in others:
            self.fleet.succeed(device)
        self.state("Finished")
        self.legend("6 updated")
        browser.see("All of the template", "main")
        browser.see("100 %", "main .facts")
        self.assertEqual(self.show("s1")["progress"]["updated"], 6)

    def test_a_failing_wave_is_stopped_by_its_gate_and_forgiven_by_resuming(self):
        browser = self.browser
        self.fleet.add(5)
        shipment = self.server.ship(self.firmware(), waves=[{"devices": 2}], gate={"failure_percent": 50, "minimum": 1})
        self.sign_in(path=f"/shipments/{shipment['id']}")
        self.waves("Open", "Waits for its turn")
        first, second = self.members("s1", 1)
        self.fleet.fail(first)
        self.state("Paused")
        browser.see("It paused by itself: wave 1: 1 of 1 devices failed, the limit is 50 %.")
        self.waves("Stopped by its gate", "Waits for its turn")
        browser.see("the signature does not match")
        self.fleet.succeed(second)
        browser.click("Resume")
        self.state("Live")
        self.waves("Done", "Open")
        browser.see_none("It paused by itself")
        browser.open(f"/devices/{first}")
        browser.see("The update failed: the signature does not match.")
        browser.see("Upload failure", "main .cards")

    def test_a_shipment_is_paused_resumed_advanced_and_cancelled(self):
        browser = self.browser
        self.fleet.add(3)
        self.server.ship(self.firmware(), waves=[{"devices": 1}])
        self.sign_in(path="/shipments/s1")
        browser.click("Pause")
        self.state("Paused")
        self.assertEqual(self.show("s1")["state"], "paused")
        browser.click("Resume")
        self.state("Live")
        browser.click("Open next wave")
        browser.see("2 devices more will be offered the firmware", "dialog")
        browser.click("Open it")
        self.waves("Open", "Open")
        browser.click("Cancel")
        browser.see("it cannot be resumed", "dialog")
        browser.click("Cancel shipment")
        self.state("Cancelled")
        self.assertEqual(self.show("s1")["state"], "cancelled")
        self.waves("Over", "Over")
        self.legend("3 not updated")
        browser.click("Delete")
        browser.press(lambda: browser.one("dialog .danger"))
        browser.at("/shipments")
        browser.see("No shipments yet")

    def test_the_previous_version_is_shipped_back(self):
        browser = self.browser
        devices = self.fleet.add(2, version="0.9.0")
        self.server.ship(self.firmware("1.0.0"), name="First")
        for device in devices:
            self.fleet.succeed(device, "1.0.0")
        second = self.server.ship(self.firmware("1.1.0"), name="Second")["id"]
        self.fleet.succeed(devices[0], "1.1.0")
        self.sign_in(path=f"/shipments/{second}")
        self.legend("1 updated")
        browser.click("Ship previous back")
        browser.see("This shipment is cancelled", "dialog")
        browser.wait("the version before is chosen", lambda: browser.one("dialog select").get_attribute("value") == "f1")
        browser.click("Ship it back")
        browser.wait("the page of the new shipment", lambda: browser.path() != f"/shipments/{second}")
        browser.see("pump 1.0.0")
        self.assertEqual(self.show(second)["state"], "cancelled")
        self.assertEqual(self.show(browser.path().rsplit("/", 1)[1])["progress"]["target"], 1)
        self.fleet.succeed(devices[0], "1.0.0")
        self.state("Finished")

    def test_the_report_is_downloaded(self):
        browser = self.browser
        one, two = self.fleet.add(2, name="pump, \"old\"")
        self.server.ship(self.firmware())
        self.fleet.succeed(one)
        self.fleet.fail(two)
        self.sign_in(path="/shipments/s1")
        browser.follow("CSV")
        name, data = browser.downloaded(".csv")
        self.assertEqual(name, "shipment-s1.csv")
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        self.assertEqual([(row["name"], row["status"]) for row in rows],
                         [("pump, \"old\"", "success"), ("pump, \"old\"", "upload-failure")])
        browser.follow("JSON")
        self.assertEqual([row["status"] for row in json.loads(browser.downloaded(".json")[1])], ["success", "upload-failure"])

    def test_a_deleted_shipment_is_told_of_on_the_devices_page_and_leads_nowhere(self):
        browser = self.browser
        device, = self.fleet.add(1, name="pump")
        shipment = self.server.ship(self.firmware(), name="Winter")
        self.fleet.succeed(device, "1.1.0")
        s.wait_for("it is finished", lambda: self.server.get(f"/api/v1/shipments/{shipment['id']}")["state"] == "finished")
        self.sign_in(path=f"/devices/{device}")
        browser.see("Success", ".update")
        self.assertEqual([link.get_attribute("title") for link in browser.all(".update header a")], ["Winter"])
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/shipments/{shipment['id']}").status, 204)
        browser.open(f"/devices/{device}")
        browser.see("shipment deleted", ".update")
        self.assertEqual(browser.all(".update header a"), [])

    def test_many_saved_filters_leave_room_for_the_fleet(self):
        self.server.add_device(name="pump 1")
        for i in range(15):
            self.server.post("/api/v1/filters", {"name": f"group {i:02}", "filter": f"tag=g{i}"})
        self.sign_in(path="/devices?filter=tag%3Dg14")
        self.browser.see("group 11")
        self.browser.see("group 14")
        self.browser.see_none("group 12")
        self.browser.click("2 more")
        self.browser.see("group 13")

    def test_the_fleet_says_how_many_match(self):
        browser = self.browser
        self.fleet.add(3, name="pump")
        self.server.add_device(name="fan")
        self.sign_in(path="/devices")
        browser.see("4 devices", ".matches")
        browser.fill("Search devices", "pump")
        browser.see("3 devices match", ".matches")
        browser.fill("Search devices", "fan")
        browser.see("1 device matches", ".matches")

    def test_devices_of_a_shipment_are_shown_by_status_with_the_reason(self):
        browser = self.browser
        one, two = self.fleet.add(2, name="pump")
        self.server.ship(self.firmware())
        self.fleet.fail(two)
        self.sign_in(path="/shipments/s1")
        browser.see("the offer was sent to the device")
        browser.choose("Status", "Upload failure")
        browser.wait("one row", lambda: len(browser.all("main .table tbody tr")) == 1)
        browser.see("the signature does not match", "main .table tbody")
        browser.choose("Status", "Rollback")
        browser.see("No device has the status rollback")

    def test_a_server_that_dies_and_comes_back_is_told_and_the_page_goes_on(self):
        browser = self.browser
        one, two = self.fleet.add(2)
        self.server.ship(self.firmware())
        self.sign_in(path="/shipments/s1")
        browser.see("Live", "[role=status].live")
        self.legend("2 to go")
        self.fleet.close()
        self.server.kill()
        browser.see("Connecting…")
        self.server.fixed_http_port = self.server.http_port  # where the page looks for it
        self.server.start()
        browser.see("Live", "[role=status].live")
        self.fleet.connect(one, "1.1.0")
        self.legend("1 updated")
        self.assertEqual(browser.path(), "/shipments/s1")

    def test_a_draft_outlives_the_session_that_ends_meanwhile(self):
        browser = self.browser
        self.fleet.add(1)
        self.firmware()
        person = self.sign_in(path="/shipments/new?step=1&firmware=f1")
        browser.see(f"{s.TEMPLATE} (1 device)")
        browser.click("Continue")
        browser.click("Continue")
        browser.fill("Name of the shipment", "Not lost")
        session = person.ask("GET", "/api/v1/session").json["session"]
        self.assertEqual(person.ask("DELETE", f"/api/v1/sessions/{session}").status, 204)
        browser.click("Continue")
        browser.fill("Login", "olga")
        browser.fill("Password", PASSWORD)
        browser.click("Sign in")
        browser.see("1 device of 1 will be updated")
        browser.click("Start shipment")
        browser.at("/shipments/s1")
        self.assertEqual(self.show("s1")["name"], "Not lost")


if __name__ == "__main__":
    unittest.main()
