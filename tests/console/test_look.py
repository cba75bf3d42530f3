#!/usr/bin/env python3
"""How the pages look and sound: no violations by axe in light and dark, nothing wider than a phone, everything by keyboard.

Pictures are kept in build/console-shots, for a look by eye."""

import unittest

from browser import DESKTOP, PHONE
from case import PASSWORD, ConsoleCase, s, setUpModule, tearDownModule  # noqa: F401
from selenium.webdriver.common.keys import Keys

# Name, path, and what stands on it once it is whole.
PAGES = [
    ("overview", "/", "Overview"),
    ("devices", "/devices", "canary 1"),
    ("device", "/devices/d1", "canary 1"),
    ("firmware", "/firmware", "1.1.0"),
    ("firmware-details", "/firmware/f2", "board-1"),
    ("shipments", "/shipments", "Winter"),
    ("shipment-live", "/shipments/s2", "wave 1 is open"),
    ("shipment-stopped", "/shipments/s3", "It paused by itself"),
    ("shipment-finished", "/shipments/s1", "Finished"),
    ("new-target", "/shipments/new?step=1", "devices)"),
    ("settings", "/settings", "Settings"),
    *((f"settings-{part}", f"/settings/{part}", "Settings")
      for part in ("tokens", "keys", "users", "webhooks", "audit", "organization", "organizations")),
    ("not-found", "/nowhere", "No such page"),
]


class Look(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.person(role="admin")

    def populate(self):
        """A small fleet with something to see on every page."""
        fleet, server = self.fleet, self.server
        canaries = [fleet.add(1, name=f"canary {i}", tags=["canary"])[0] for i in (1, 2, 3)]
        pumps = [fleet.add(1, name=f"pump {i}")[0] for i in range(1, 10)]
        server.add_device(name="on the shelf")
        server.post("/api/v1/filters", {"name": "canaries", "filter": "tag=canary"})
        server.ship(self.firmware("1.0.1"), name="Autumn", devices=canaries)
        for device in canaries:
            fleet.succeed(device, "1.0.1")
        package = server.upload(s.packed("1.1.0")[0], "pump-1.1.0.tdm")
        server.ship(package, name="Winter", waves=[{"filter": "canaries", "gate": {"soak_minutes": 60, "success_percent": 100}},
                                                   {"percent": 20}])
        fleet.succeed(canaries[0], "1.1.0")
        fleet.links[canaries[1]].report(stage="transferring", bytes=4000, size=9700)
        server.ship(self.firmware("1.2.0"), name="Spring", devices=pumps, waves=[{"devices": 2}],
                    gate={"failure_percent": 50, "minimum": 1})
        for device, link in list(fleet.links.items())[3:]:
            if link.offers():
                link.report(stage="failed", reason="bad-signature", leg="uart")
                break
        for device in pumps[4:]:
            fleet.links.pop(device).close()

    def visit(self, path, text):
        self.browser.open(path)
        self.browser.see(text, "body")
        self.browser.wait("everything is read", lambda: not self.browser.all("[aria-busy=true], .ghost"))

    def test_every_page_is_without_violations_in_light_and_dark_and_fits_a_phone(self):
        browser = self.browser
        self.populate()
        browser.open("/")
        browser.see("Sign in")
        self.judge("sign-in")
        self.sign_in()
        for name, path, text in PAGES:
            self.visit(path, text)
            self.judge(name)

    def test_the_open_part_of_the_settings_is_seen_among_their_names_on_a_phone(self):
        self.sign_in()
        self.browser.size(*PHONE)
        self.addCleanup(self.browser.size, *DESKTOP)
        for part, name in (("account", "Account"), ("audit", "Audit log"), ("organizations", "All organizations")):
            self.browser.open(f"/settings/{part}")
            self.browser.see(name, ".tabs [aria-current]")
            tab = self.browser.one(".tabs [aria-current]").rect
            self.assertTrue(0 <= tab["x"] and tab["x"] + tab["width"] <= PHONE[0], (part, tab))

    def judge(self, name):
        browser = self.browser
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            with self.subTest(page=name, scheme=scheme):
                self.assertEqual(browser.violations(), [])
                browser.shot(f"{name}-{scheme}")
        browser.scheme("light")
        browser.size(*PHONE)
        with self.subTest(page=name, width=PHONE[0]):
            self.assertEqual(browser.overflow(), [])
            browser.shot(f"{name}-phone")
        browser.size(*DESKTOP)

    def test_a_new_shipments_steps_and_dialogs_too(self):
        browser = self.browser
        self.populate()
        self.sign_in(path="/shipments/new?firmware=f2")
        browser.see("13 devices")
        browser.tick("Those that match a filter")
        browser.fill("Filter", "canaries")
        browser.see("Matches canary 1, canary 2, canary 3.")
        self.judge("new-target-filter")
        browser.tick("All of them")
        browser.click("Continue")
        browser.see("board-1")
        self.judge("new-firmware")
        browser.click("Continue")
        browser.click("Add a wave")
        browser.click("Add a wave")
        browser.press(lambda: browser.field("A gate of its own"))
        browser.fill("Devices a minute", "many")
        browser.click("Continue")
        browser.see("A count, or nothing for no limit.")
        self.judge("new-rollout")
        browser.fill("Devices a minute", "20")
        browser.click("Continue")
        browser.see("devices of 13 will be updated")
        self.judge("new-review")
        browser.press(lambda: browser.one("main .table tbody .button"))
        browser.see("canary", "dialog")
        browser.wait("everything is read", lambda: not browser.all(".ghost"))
        self.judge("new-rule")
        browser.click("Close")
        browser.open("/shipments/s2")
        browser.click("Ship previous back")
        browser.see("This shipment is cancelled", "dialog")
        self.judge("ship-back")

    def test_empty_pages_say_what_to_do_first(self):
        self.sign_in()
        for name, path, text in (("overview", "/", "Upload a firmware"), ("devices", "/devices", "No devices yet"), ("firmware", "/firmware", "No firmware yet"),
                                 ("shipments", "/shipments", "No shipments yet"), ("new", "/shipments/new", "There are no devices yet")):
            self.visit(path, text)
            self.judge(f"empty-{name}")

    def test_a_shipment_is_signed_in_for_written_started_and_paused_by_keyboard_alone(self):
        browser = self.browser
        device, = self.fleet.add(1, name="pump")
        self.firmware()
        browser.open("/shipments")
        browser.wait("the focus is on the login", lambda: browser.focused() == ["input", "Login"])
        browser.keys("olga", Keys.TAB, PASSWORD, Keys.ENTER)
        browser.see("No shipments yet")
        browser.tab_to("New shipment")
        browser.keys(Keys.ENTER)
        browser.see("(1 device)")
        browser.tab_to("Continue")
        browser.keys(Keys.ENTER)
        browser.wait("step two", lambda: browser.path().endswith("step=2"))
        browser.tab_to("Firmware", "select")
        browser.keys("p")  # the first option that begins so
        browser.see("Manifest")
        browser.tab_to("Continue")
        browser.keys(Keys.ENTER)
        browser.tab_to("Add a wave")
        browser.keys(Keys.ENTER)
        browser.tab_to("Devices", "input")
        browser.keys(Keys.BACKSPACE, Keys.BACKSPACE, "1")
        browser.tab_to("Continue")
        browser.keys(Keys.ENTER)
        browser.see("1 device of 1 will be updated")
        browser.wait("it can be started", lambda: browser.button("Start shipment").is_enabled())
        browser.tab_to("Start shipment")
        browser.keys(Keys.ENTER)
        browser.at("/shipments/s1")
        browser.see("Live", "header.page")
        browser.tab_to("Pause")
        browser.keys(Keys.SPACE)
        browser.see("Paused", "header.page")
        browser.tab_to("Cancel")
        browser.keys(Keys.ENTER)
        browser.wait("the focus is in the dialog", lambda: browser.one("dialog[open]"))
        browser.tab_to("Cancel shipment")
        browser.keys(Keys.ENTER)
        browser.see("Cancelled", "header.page")
        self.assertEqual(self.server.get("/api/v1/shipments/s1")["state"], "cancelled")


if __name__ == "__main__":
    unittest.main()
