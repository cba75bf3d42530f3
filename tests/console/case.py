"""What the tests of the console share: a server, people, connected devices, and a browser."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cloud/server"))

import server as s  # noqa: E402
from browser import CONSOLE, Browser  # noqa: E402
from fleet import Fleet  # noqa: E402

PASSWORD = "correct horse 41 battery"

_browser = None


def setUpModule():
    global _browser
    _browser = Browser()


def tearDownModule():
    _browser.close()


class ConsoleCase(unittest.TestCase):
    """Each test has a server of its own, with an operator who is called olga."""

    options = ("--settle", "0")

    def setUp(self):
        if not (CONSOLE / "index.html").exists():
            self.fail(f"{CONSOLE}: no console there; run tools/build console")
        self.server = s.Server("--console", CONSOLE, *self.options)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.fleet = Fleet(self.server)
        self.addCleanup(self.fleet.close)
        self.browser = _browser
        self.browser.fresh(self.server.http_port)
        self.addCleanup(self.leave)

    def leave(self):
        """Whatever the test did: nothing was asked of another host, and no script failed."""
        self.browser.open("/health")
        self.assertEqual(self.browser.foreign(), [])
        self.assertEqual(self.browser.complaints(), [])

    def person(self, login="olga", role="operator", token=None):
        """Somebody who may sign in with PASSWORD."""
        made = self.server.ask("POST", "/api/v1/users", {"login": login, "role": role, "name": login.title()}, token=token)
        self.assertEqual(made.status, 201, made.body)
        self.settle_password(login, made.json["password"])
        return made.json

    def settle_password(self, login, once):
        first = s.Person(self.server, login, once)
        answer = first.ask("PUT", "/api/v1/session/password", {"old": once, "new": PASSWORD})
        self.assertEqual(answer.status, 204, answer.body)
        first.ask("DELETE", "/api/v1/session")

    def sign_in(self, login="olga", path="/"):
        """Through the session's cookie; the page for it has a test of its own."""
        person = s.Person(self.server, login, PASSWORD)
        name, value = person.cookie.split("=", 1)
        self.browser.cdp("Network.setCookie", name=name, value=value, url=self.browser.base, httpOnly=True,
                         sameSite="Strict")
        self.browser.open(path)
        return person

    def firmware(self, version="1.1.0"):
        return self.server.upload(s.plain(version), f"app-{version}.bin")
