#!/usr/bin/env python3
"""A real device, in QEMU behind tandem-ncp, is updated from the console, and the page shows both legs of it."""

import sys
import tempfile
import unittest
from pathlib import Path

from browser import CONSOLE, Browser

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from tandem_system import System  # noqa: E402

PASSWORD = "correct horse 41 battery"
# Keeps what the page has shown of the device from then on: a leg may be over between two looks.
WATCH = """
    window.shown = [];
    const look = () => {
      const text = document.querySelector('main .table tbody tr')?.innerText ?? '';
      if (text !== window.shown.at(-1)) window.shown.push(text);
    };
    look();
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
"""

CONSENT = """
    const done = arguments[1];
    fetch(arguments[0], {method: 'POST', headers: {'X-Tandem-Request': '1', 'Content-Type': 'application/json'}, body: '{}'})
      .then((answer) => done(answer.status), (error) => done(String(error)));
"""


class RealDevice(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-console-")
        self.addCleanup(folder.cleanup)
        self.system = System(folder.name, cloud_options=["--console", CONSOLE])
        self.addCleanup(self.system.stop)
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def sign_in(self):
        """As the first operator of a server does: with the one-time password that it printed."""
        browser, once = self.browser, self.system.first_password()
        browser.open("/")
        browser.fill("Login", "admin")
        browser.fill("Password", once)
        browser.click("Sign in")
        browser.fill("One-time password", once)
        browser.fill("New password", PASSWORD)
        browser.fill("New password again", PASSWORD)
        browser.click("Set password")
        browser.link("Shipments")

    def test_both_legs_of_an_update_are_seen_while_they_happen(self):
        system, browser = self.system, self.browser
        system.start()
        browser.fresh(system.http_port)
        self.sign_in()
        browser.follow("Firmware")
        browser.field("Firmware file").send_keys(str(system.pack("1.1.0")))
        browser.follow("Ship it")
        browser.see("(1 device)")
        for step in (2, 3):
            browser.click("Continue")
            browser.wait(f"step {step}", lambda: f"step={step}" in browser.path())
        browser.tick("Controlled by the user: a device waits until its owner agrees")
        browser.click("Continue")
        browser.see("1 device of 1 will be updated: 1 later.")
        browser.click("Start shipment")
        browser.see("Awaiting user action")
        browser.driver.execute_script(WATCH)
        self.assertEqual(browser.driver.execute_async_script(CONSENT, f"/api/v1/devices/{system.device_id}/consent"), 200)
        browser.see("Finished", "header.page", seconds=90)
        browser.see("1 updated", ".progress .legend")
        shown = "\n".join(browser.driver.execute_script("return window.shown"))
        for told in ("Awaiting user action", "Firmware downloaded", "To the device", "Success"):
            self.assertIn(told, shown)
        self.assertRegex(shown, r"To the device\s+[\d.]+ K?B of [\d.]+ KB")
        browser.shot("shipment-real-device")
        browser.follow("demo device")
        browser.see("1.1.0", "main")
        browser.wait("everything is read", lambda: not browser.all("[aria-busy=true], .ghost"))
        browser.shot("device-real-device")
        browser.open("/health")
        self.assertEqual((browser.foreign(), browser.complaints()), ([], []))


if __name__ == "__main__":
    unittest.main()
