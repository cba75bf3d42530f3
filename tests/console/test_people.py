#!/usr/bin/env python3
"""Who may do what in the console: signing in and out, roles, and organizations that do not see each other."""

import socket
import tempfile
import unittest
from urllib.parse import urlsplit

from case import PASSWORD, ConsoleCase, s, setUpModule, tearDownModule  # noqa: F401
import provider  # noqa: E402 (case knows where)
import test_oidc  # noqa: E402


class People(ConsoleCase):
    def enter(self, login, password):
        self.browser.fill("Login", login)
        self.browser.fill("Password", password)
        self.browser.click("Sign in")

    def test_a_wrong_password_is_refused_and_a_right_one_leads_to_the_page_asked_for(self):
        self.person()
        browser = self.browser
        browser.open("/firmware")
        self.enter("olga", "wrong horse 41 battery")
        browser.see("Login and password do not fit", "[role=alert]")
        self.enter("olga", PASSWORD)
        browser.at("/firmware")
        browser.see("No firmware yet")
        browser.click("Sign out")
        browser.see("Sign in")
        browser.open("/firmware")
        browser.field("Login")
        browser.see_none("No firmware yet")

    def test_a_one_time_password_is_changed_before_anything_else(self):
        browser = self.browser
        once = self.server.post("/api/v1/users", {"login": "new", "role": "operator"})["password"]
        browser.open("/")
        self.enter("new", once)
        browser.wait("a new password is asked for", lambda: len(browser.all("input[type=password]")) > 1)
        self.assertFalse(browser.all("nav.places"))

    def test_a_viewer_sees_everything_and_no_button_that_changes_it(self):
        browser = self.browser
        self.person(login="vera", role="viewer")
        self.fleet.add(2, name="pump")
        firmware = self.firmware()
        self.server.ship(firmware, waves=[{"devices": 1}])
        self.sign_in("vera")
        forbidden = ("Pause", "Resume", "Cancel", "Open next wave", "Ship previous back", "Delete", "Ship it", "New shipment", "Start shipment")
        for path, text in (("/shipments", "New Shipping"), ("/shipments/s1", "pump"), ("/firmware", "1.1.0"),
                           (f"/firmware/{firmware['id']}", "New Shipping"), ("/shipments/new", "This takes the role operator")):
            browser.open(path)
            browser.see(text, "main")
            offered = {one.text for one in browser.all("main .button")}
            self.assertEqual(offered & set(forbidden), set(), path)
            self.assertFalse(browser.all("input[type=file]"), path)
        browser.open("/shipments/s1")
        browser.follow("CSV")  # to look at is allowed
        browser.downloaded(".csv")

    def test_who_edits_what_somebody_else_changed_meanwhile_is_told_and_overwrites_nothing(self):
        browser = self.browser
        self.person(role="admin")
        device = self.server.add_device(name="pump 1")
        user = self.person(login="vera", role="viewer")
        for path, what, change in ((f"/devices/{device['id']}", f"/api/v1/devices/{device['id']}", {"name": "pump of another"}),
                                   ("/settings/users", f"/api/v1/users/{user['id']}", {"name": "Name of another"})):
            self.sign_in(path=path)
            browser.see("pump 1" if "devices" in path else "Vera")
            if "devices" in path:
                browser.click("Edit")
            else:
                browser.all("tbody button")[-1].click()
            browser.fill("Name", "mine")
            self.assertEqual(self.server.ask("PATCH", what, change).status, 200)
            browser.click("Save")
            browser.see("Somebody else changed it meanwhile", "dialog")
            self.assertEqual(self.server.get(what)["name"], change["name"])
            browser.open(path)
            browser.see(change["name"])

    def test_organizations_do_not_see_each_other(self):
        browser = self.browser
        self.fleet.add(1, name="ours")
        self.server.ship(self.firmware(), name="Ours")
        made = self.server.post("/api/v1/organizations", {"name": "Acme", "login": "ada"})
        self.settle_password("ada", made["password"])
        self.sign_in("ada", "/shipments")
        browser.see("No shipments yet")
        browser.see("Acme")
        browser.open("/firmware")
        browser.see("No firmware yet")
        for path in ("/shipments/s1", "/firmware/f1"):
            browser.open(path)
            browser.see("go back to the list", "[role=alert]")
            browser.see_none("Ours")
        browser.open("/shipments/new")
        browser.see("There are no devices yet")

    def test_an_admin_says_where_the_devices_of_the_organization_stand(self):
        browser = self.browser
        self.person(login="ada", role="admin")
        self.sign_in("ada", "/settings/organization")
        browser.fill("Time zone", "Mars/Olympus")
        browser.click("Save")
        browser.see("there is no time zone", "[role=alert]")
        browser.fill("Time zone", "Europe/Berlin")
        browser.click("Save")
        browser.see("It was changed.")
        self.assertEqual(self.server.get("/api/v1/organization")["timezone"], "Europe/Berlin")


class ByProvider(ConsoleCase):
    """The identity provider is another site, as it is in the field: cookies must survive the way there and back."""

    def setUp(self):
        self.provider = provider.Provider(host="localhost")
        self.addCleanup(self.provider.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.options = ("--http", address, *test_oidc.options(folder.name, self.provider.issuer, public=f"http://{address}"))
        super().setUp()
        self.name = self.provider.issuer.removeprefix("http://")

    def test_a_user_signs_in_there_and_is_let_in_here(self):
        self.server.post("/api/v1/users", {"login": "ann@example.org", "role": "operator"})
        self.browser.open("/")
        self.browser.follow(f"Sign in with {self.name}")
        self.browser.see("Sign out")
        self.browser.at("/")
        self.assertEqual({urlsplit(url).netloc for url in self.browser.foreign()}, {self.name})

    def test_somebody_unknown_is_told_whom_to_ask(self):
        self.browser.open("/")
        self.browser.follow(f"Sign in with {self.name}")
        self.browser.see("ann@example.org is not a user of this server; ask an admin")
        self.browser.follow("To the sign-in page")
        self.browser.field("Password")
        self.assertEqual({urlsplit(url).netloc for url in self.browser.foreign()}, {self.name})


if __name__ == "__main__":
    unittest.main()
