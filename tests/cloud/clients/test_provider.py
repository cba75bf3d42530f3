"""Sign-in by a provider that others wrote, pages and all. What a provider may do wrong is in ../server/test_oidc.py."""

import http.client
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import npm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server"))

import server as s  # noqa: E402

PUBLIC = "https://ota.example.com"
BEGIN, END = PUBLIC + "/api/v1/session/oidc", PUBLIC + "/api/v1/session/oidc/callback"
SECRET = "a secret: with / odd + characters %"


class Provider:
    def __init__(self):
        folder = npm.folder_for("provider.mjs")
        self.process = subprocess.Popen(["node", folder / "provider.mjs", END], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.issuer = self.process.stdout.readline().strip()

    def set(self, **settings):
        print(json.dumps(settings), file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "ready\n"

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(s.LIMIT)


class Page:
    def __init__(self, url, response):
        self.url, self.status, self.headers, self.body = url, response.status, response.headers, response.read().decode()

    def found(self, pattern):
        return urljoin(self.url, re.search(pattern, self.body)[1])


class Browser:
    """Somebody who reads pages, follows redirects and keeps each site's cookies."""

    def __init__(self, server):
        self.server, self.cookies = server, {}

    def ask(self, url, form=None):
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        jar = self.cookies.setdefault(site, {})
        headers = {"Accept": "text/html", "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        port = self.server.http_port if site == PUBLIC else parts.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=s.LIMIT)
        connection.request("POST" if form else "GET", f"{parts.path}?{parts.query}", form and urlencode(form), headers)
        page = Page(url, connection.getresponse())
        connection.close()
        for cookie in page.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            jar[name] = value
            if "Max-Age=0" in cookie or "1970" in cookie:
                del jar[name]
        return page

    def go(self, url, form=None):
        """To the first page that is no redirect; the console itself is not asked for."""
        for _ in range(20):
            page = self.ask(url, form)
            if page.status not in (302, 303) or page.headers["Location"] == "/":
                return page
            url, form = urljoin(url, page.headers["Location"]), None
        raise AssertionError(f"redirected without an end, to {url}")

    def sign_in(self, login, agree=True):
        page = self.go(BEGIN)
        if page.url.startswith(PUBLIC):
            return page
        page = self.go(page.found(r'action="([^"]+)"'), {"prompt": "login", "login": login, "password": "any"})
        if not agree:
            return self.go(page.found(r'href="([^"]+/abort)"'))
        return self.go(page.found(r'action="([^"]+)"'), {"prompt": "consent"})

    def who(self):
        page = self.ask(PUBLIC + "/api/v1/session")
        return json.loads(page.body)["user"]["login"] if page.status == 200 else None


class CertifiedProvider(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        secret = Path(folder.name) / "secret"
        secret.write_text(SECRET)
        cls.provider = Provider()
        cls.addClassCleanup(cls.provider.close)
        cls.server = s.Server("--oidc-issuer", cls.provider.issuer, "--oidc-client-id", "tandem console", "--oidc-secret-file", str(secret),
                              "--public-url", PUBLIC, "--oidc-role", "viewer").__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def get_in(self, login):
        browser = Browser(self.server)
        page = browser.sign_in(login)
        self.assertEqual(page.status, 303, page.body)
        self.assertEqual(browser.who(), f"{login}@example.org")
        return browser

    def refused(self, status, reason, login, **more):
        browser = Browser(self.server)
        page = browser.sign_in(login, **more)
        self.assertEqual(page.status, status, page.body)
        self.assertIn(reason, page.body)
        self.assertIsNone(browser.who())

    def test_each_kind_of_signature_and_claims_in_either_place(self):
        for alg in ("RS256", "PS256", "ES256", "EdDSA"):
            for in_token in (False, True):
                with self.subTest(alg, in_token=in_token):
                    self.provider.set(alg=alg, inToken=in_token)
                    self.get_in(f"{alg.lower()}-{in_token}".lower())

    def test_keys_that_change_between_two_sign_ins_are_found(self):
        for _ in range(3):
            self.provider.set()
            self.get_in("rita")

    def test_somebody_who_says_no_there_and_somebody_without_a_verified_address_stay_out(self):
        self.provider.set()
        self.refused(403, "access_denied", "dora", agree=False)
        self.refused(403, "has not verified", "unverified")

    def test_a_code_is_good_once(self):
        self.provider.set()
        browser = Browser(self.server)
        asked = []
        ask, browser.ask = browser.ask, lambda url, form=None: asked.append((url, dict(browser.cookies.get(PUBLIC, {})))) or ask(url, form)
        self.assertEqual(browser.sign_in("olga").status, 303)
        url, cookies = asked[-1]
        self.assertTrue(url.startswith(END))
        again = Browser(self.server)
        again.cookies[PUBLIC] = cookies
        self.assertEqual(again.ask(url).status, 403)
        self.assertIsNone(again.who())
        self.assertIn("oidc-refused status=400 error=invalid_grant", self.server.log().replace('"', ""))

    def test_a_wrong_secret_is_told_to_who_runs_the_server(self):
        self.provider.set(secret="another")
        self.refused(403, "log says which", "wilma")
        self.assertIn("oidc-refused status=401 error=invalid_client", self.server.log().replace('"', ""))

    def test_one_that_is_down_is_said_to_be_and_one_that_is_back_is_asked_again(self):
        with s.Server(*self.server.options) as server:
            self.provider.set(down=True)
            self.assertEqual(Browser(server).sign_in("paul").status, 503)
            self.provider.set()
            self.assertEqual(Browser(server).sign_in("paul").status, 303)

    def test_sign_out_here_ends_the_session_here(self):
        self.provider.set()
        browser = self.get_in("sara")
        answer = self.server.ask("DELETE", "/api/v1/session", token=False, headers={
            "Cookie": f"__Host-tandem_session={browser.cookies[PUBLIC]['__Host-tandem_session']}", "X-Tandem-Request": "1"})
        self.assertEqual(answer.status, 204)
        self.assertIsNone(browser.who())


if __name__ == "__main__":
    unittest.main()
