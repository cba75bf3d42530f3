"""Sign-in by an identity provider: who gets in, and everything that does not. Expected: OpenID Connect Core 1.0,
section 3.1.3.7; RFC 7515; RFC 7519; RFC 7636."""

import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import provider as p
import server as s
from certificates import Authority

BEGIN, END = "/api/v1/session/oidc", "/api/v1/session/oidc/callback"
PUBLIC = "https://ota.example.com"


def options(folder, issuer, *more, public=PUBLIC):
    secret = Path(folder) / "secret"
    secret.write_text(p.SECRET + "\n")
    return ("--oidc-issuer", issuer, "--oidc-client-id", p.CLIENT, "--oidc-secret-file", str(secret),
            "--public-url", public, *more)


class Browser:
    def __init__(self, server):
        self.server, self.cookies = server, {}

    def get(self, path, **headers):
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.server.ask("GET", path, token=False, headers=headers)
        for cookie in answer.cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in cookie:
                del self.cookies[name]
        return answer

    def begin(self, provider):
        answer = self.get(BEGIN)
        assert answer.status == 302, answer.body
        return provider.authorize(answer.headers["location"])

    def end(self, code, state, more=""):
        return self.get(f"{END}?code={code}&state={state}{more}")

    def sign_in(self, provider):
        return self.end(*self.begin(provider))

    def who(self):
        answer = self.get("/api/v1/session")
        return answer.json["user"]["login"] if answer.status == 200 else None


class WithProvider(unittest.TestCase):
    more = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.provider = p.Provider()
        cls.server = s.Server(*options(cls.folder.name, cls.provider.issuer, *cls.more)).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.provider.close()
        cls.folder.cleanup()

    def setUp(self):
        self.provider.reset()
        self.browser = Browser(self.server)

    def refused(self, status, detail, answer=None):
        answer = answer or self.browser.sign_in(self.provider)
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(detail, answer.json["detail"])
        self.assertNotIn("__Host-tandem_session", self.browser.cookies)
        return answer

    def add(self, login, **more):
        return self.server.post("/api/v1/users", {"login": login, **more})


class WithAnn(WithProvider):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ann = cls.server.post("/api/v1/users", {"login": "ann@example.org", "role": "operator"})

    def newest_entry(self):
        return self.server.get("/api/v1/audit?limit=1")["entries"][0]


class SignIn(WithAnn):
    def test_anybody_can_ask_what_is_offered(self):
        offer = self.browser.get("/api/v1/sign-in").json["oidc"]
        self.assertEqual(offer, {"name": self.provider.issuer.split("//")[1], "url": BEGIN})

    def test_the_redirect_asks_for_a_code_with_state_nonce_and_challenge_bound_to_a_short_lived_cookie(self):
        answer = self.browser.get(BEGIN)
        self.assertEqual(answer.status, 302)
        cookie, = answer.cookies
        for attribute in ("HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/api/v1/session/oidc"):
            self.assertIn(attribute, cookie)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        code, _ = self.provider.authorize(answer.headers["location"])
        query = self.provider.codes[code]
        self.assertEqual(query["redirect_uri"], PUBLIC + END)
        self.assertEqual(len(query["code_challenge"]), 43)
        self.assertEqual(len({query["state"], query["nonce"], query["code_challenge"]}), 3)
        for value in (query["state"], query["nonce"]):
            self.assertNotIn(value, cookie)

    def test_a_user_with_that_verified_address_is_linked_and_stays_so_when_the_address_changes(self):
        answer = self.browser.sign_in(self.provider)
        self.assertEqual((answer.status, answer.headers["location"]), (303, "/"), answer.body)
        self.assertTrue(any("HttpOnly; SameSite=Strict" in cookie for cookie in answer.cookies))
        self.assertNotIn("tandem_oidc", self.browser.cookies)
        self.assertEqual(self.browser.who(), "ann@example.org")
        self.assertEqual(self.browser.get("/api/v1/devices").status, 200)
        user = self.server.get(f"/api/v1/users/{self.ann['id']}")
        self.assertTrue(user["single_sign_on"])
        self.assertEqual(user["role"], "operator")
        self.provider.person.update(email="ann@renamed.example", email_verified=False)
        again = Browser(self.server)
        self.assertEqual(again.sign_in(self.provider).status, 303)
        self.assertEqual(again.who(), "ann@example.org")
        entry = self.newest_entry()
        self.assertEqual((entry["action"], entry["login"], entry["user"], entry["done"]),
                         ("endSignIn", "ann@example.org", self.ann["id"], True))

    def test_linking_is_in_the_audit_log_and_ends_the_one_time_password(self):
        made = self.add("una@example.org")
        self.provider.person.update(sub="una", email="Una@Example.org")
        self.assertEqual(self.browser.sign_in(self.provider).status, 303)
        self.assertEqual(self.newest_entry()["detail"], {"linked": True})
        self.assertFalse(self.server.get(f"/api/v1/users/{made['id']}")["must_change_password"])
        self.assertEqual(s.Person(self.server).sign_in("una@example.org", made["password"]).status, 401)

    def test_es256_several_audiences_and_an_answer_with_more_parameters_are_good(self):
        self.provider.signer = self.provider.ec
        self.provider.changes = {"aud": ["other", p.CLIENT], "azp": p.CLIENT}
        self.add("ed@example.org")
        self.provider.person.update(sub="ed", email="ed@example.org")
        code, state = self.browser.begin(self.provider)
        more = f"&session_state=1.2&scope=openid&iss={self.provider.issuer}"
        self.assertEqual(self.browser.end(code, state, more).status, 303)

    # --- the way back ---

    def test_a_wrong_state_no_cookie_and_another_browsers_cookie_are_refused_before_the_provider_is_asked(self):
        code, state = self.browser.begin(self.provider)
        other = Browser(self.server)
        other.begin(self.provider)
        before = len(self.provider.asked)
        self.refused(400, "no sign-in under way", Browser(self.server).end(code, state))
        self.refused(400, "belongs to another sign-in", other.end(code, state))
        self.refused(400, "belongs to another sign-in", self.browser.end(code, state[:-1] + "x"))
        self.assertEqual(len(self.provider.asked), before)

    def test_a_cookie_that_was_changed_to_last_longer_fits_no_state(self):
        code, state = self.browser.begin(self.provider)
        expires, secret = self.browser.cookies["tandem_oidc"].split(".")
        self.browser.cookies["tandem_oidc"] = f"{int(expires) + 1}.{secret}"
        self.refused(400, "belongs to another sign-in", self.browser.end(code, state))

    def test_a_cookie_of_ours_is_good_for_its_time_and_no_longer(self):
        key = self.server.database.bytes("SELECT value FROM setting WHERE key = 'sign-in-key'")
        for age, detail in ((-60, "did not sign you in (denied)"), (60, "longer than 10 minutes")):
            cookie = f"{int(time.time()) - age}.secret"
            self.browser.cookies["tandem_oidc"] = cookie
            state = p.hmac_sha256(key, f"state {cookie}".encode()).hex()
            self.refused(403 if age < 0 else 400, detail, self.browser.get(f"{END}?error=denied&state={state}"))

    def test_a_sign_in_outlives_a_restart_of_the_server(self):
        with s.Server(*options(self.folder.name, self.provider.issuer)) as server:
            server.post("/api/v1/users", {"login": "ann@example.org"})
            browser = Browser(server)
            code, state = browser.begin(self.provider)
            server.stop()
            server.start()
            self.assertEqual(browser.end(code, state).status, 303)

    def test_a_replay_is_refused_by_the_used_up_cookie_and_with_it_by_the_used_up_code(self):
        code, state = self.browser.begin(self.provider)
        cookie = dict(self.browser.cookies)
        self.assertEqual(self.browser.end(code, state).status, 303)
        self.browser.cookies.clear()
        self.refused(400, "no sign-in under way", self.browser.end(code, state))
        self.browser.cookies.update(cookie)
        self.refused(403, "used before", self.browser.end(code, state))

    def test_a_code_of_another_sign_in_fails_by_its_challenge(self):
        code, _ = Browser(self.server).begin(self.provider)
        _, state = self.browser.begin(self.provider)
        self.refused(403, "does not take this code", self.browser.end(code, state))

    def test_what_the_provider_refused_or_another_one_answered_is_said(self):
        _, state = self.browser.begin(self.provider)
        self.refused(403, "access_denied", self.browser.get(f"{END}?error=access_denied&state={state}"))
        code, state = self.browser.begin(self.provider)
        self.refused(400, "another identity provider", self.browser.end(code, state, "&iss=https://evil.example"))

    def test_a_browser_gets_a_page_and_what_the_provider_said_is_escaped_in_it(self):
        _, state = self.browser.begin(self.provider)
        answer = self.browser.get(f"{END}?error=%3Cscript%3E&state={state}", Accept="text/html,*/*")
        self.assertEqual((answer.status, answer.headers["content-type"]), (403, "text/html; charset=utf-8"))
        self.assertIn(b"(&#60;script&#62;)", answer.body)
        self.assertIn(b'<a href="/">', answer.body)

    # --- people ---

    def test_people_who_are_unknown_or_without_a_verified_address_are_refused(self):
        person = self.provider.person
        person.update(sub="new", email="nobody@example.org")
        self.refused(403, "nobody@example.org is not a user of this server; ask an admin")
        self.add("fay@example.org")
        for verified in (False, None, "true", 1):
            person.update(sub="fay", email="fay@example.org", email_verified=verified)
            self.refused(403, "has not verified")
        person.update(email=None, email_verified=True)
        self.refused(403, "usable e-mail address")

    def test_a_linked_user_is_nobody_elses_and_one_who_is_disabled_stays_out(self):
        user = self.add("gus@example.org")
        self.provider.person.update(sub="gus", email="gus@example.org")
        self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
        self.provider.person["sub"] = "another"
        self.refused(403, "linked to another person")
        self.provider.person["sub"] = "gus"
        self.server.ask("PATCH", f"/api/v1/users/{user['id']}", {"disabled": True})
        self.refused(403, "is disabled here")
        entry = self.newest_entry()
        self.assertEqual((entry["login"], entry["user"], entry["done"]), ("gus@example.org", user["id"], False))

    # --- a provider in trouble ---

    def test_what_is_no_answer_of_a_provider_is_said_here_and_in_the_log(self):
        for wrong, reason in (((500, {}), "/token answered 500"), ((302, {}), "/token answered 302"),
                              ((200, b"no JSON"), "without a JSON object"), ((200, {"access_token": "x"}), "no id_token"),
                              ((200, b" " * 300000), "more than 256 KB")):
            with self.subTest(reason):
                self.provider.wrong = {"/token": wrong}
                self.refused(503, "server's log says how")
                self.assertIn(reason, self.server.log())

    def test_a_silent_provider_is_waited_for_a_while_in_which_others_sign_in_and_the_server_can_stop(self):
        path, answers = "/.well-known/openid-configuration", []
        with s.Server(*options(self.folder.name, self.provider.issuer)) as server:
            self.provider.silent = {path}
            before = self.provider.asked.count(path)
            waiting = [threading.Thread(target=lambda: answers.append(Browser(server).get(BEGIN))) for _ in range(4)]
            for thread in waiting:
                thread.start()
            s.wait_for("all are asked", lambda: self.provider.asked.count(path) == before + 4)
            self.assertEqual(s.Person(server).sign_in("nobody", "wrong").status, 401)
            self.assertEqual(answers, [])
            for thread in waiting:
                thread.join(s.LIMIT)
            self.assertEqual([answer.json["title"] for answer in answers], 4 * ["identity provider not available"])
            last = threading.Thread(target=lambda: self.assertRaises(OSError, Browser(server).get, BEGIN))
            last.start()
            s.wait_for("it is asked", lambda: self.provider.asked.count(path) == before + 5)
            server.stop()
            last.join(s.LIMIT)
            self.assertFalse(last.is_alive())


class Tokens(WithAnn):
    def test_claims_of_another_issuer_client_sign_in_or_time_are_refused(self):
        now = int(time.time())
        for changes, reason in (({"iss": "https://evil.example"}, "another provider"), ({"iss": None}, "another provider"),
                                ({"aud": "other"}, "another client"), ({"aud": [p.CLIENT, "other"]}, "another client"),
                                ({"azp": "other"}, "another client"), ({"aud": None}, "another client"),
                                ({"nonce": "0" * 64}, "another sign-in"), ({"nonce": None}, "another sign-in"),
                                ({"exp": now - 120}, "has expired"), ({"exp": None}, "no signed token"),
                                ({"exp": "tomorrow"}, "no signed token"), ({"iat": now + 600}, "from the future"),
                                ({"nbf": now + 600}, "from the future"), ({"sub": None}, "whom"), ({"sub": "x" * 256}, "whom")):
            with self.subTest(changes):
                self.provider.changes = changes
                self.refused(403, reason)
        entry = self.newest_entry()
        self.assertEqual((entry["action"], entry["done"]), ("endSignIn", False))

    def test_clocks_may_differ_by_a_few_seconds(self):
        now = int(time.time())
        self.provider.changes = {"exp": now - 10, "iat": now + 10}
        self.assertEqual(self.browser.sign_in(self.provider).status, 303)

    def test_signatures_by_nothing_by_the_public_key_as_a_secret_and_by_strangers_are_refused(self):
        stranger, pem = p.RsaKey("rsa-1"), self.provider.rsa.pem()
        for header, sign, reason in (({"alg": "none"}, lambda data: b"", "ES256 or EdDSA"),
                                     ({"alg": "none", "kid": None}, lambda data: b"", "ES256 or EdDSA"),
                                     ({"alg": "HS256"}, lambda data: p.hmac_sha256(pem, data), "ES256 or EdDSA"),
                                     ({"alg": "ES256"}, None, "ES256 or EdDSA"), ({"alg": "EdDSA"}, None, "ES256 or EdDSA"),
                                     ({"alg": "RS512"}, None, "ES256 or EdDSA"), ({"alg": None}, None, "ES256 or EdDSA"),
                                     ({"alg": "PS256"}, None, "signature is wrong"),
                                     ({}, stranger.sign, "signature is wrong"), ({}, lambda data: b"", "signature is wrong"),
                                     ({"crit": ["exp"]}, None, "no signed token"), ({"kid": 7}, None, "no signed token")):
            with self.subTest(header):
                self.provider.header, self.provider.sign = header, sign
                self.refused(403, reason)

    def test_what_is_no_token_is_refused(self):
        for token in ("x", "a.b", "a.b.c.d", "..", "e30.e30.", "!.!.!", "W10.W10.AA", "e30.e30.AA"):
            with self.subTest(token):
                self.provider.token = token
                self.refused(403, "ID token is not taken")

    # --- keys ---

    def test_an_unknown_key_is_asked_for_once_and_a_new_one_is_found(self):
        self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
        self.provider.signer = p.RsaKey("rsa-2")
        before = self.provider.asked.count("/keys")
        self.refused(403, "not among the provider's")
        self.assertEqual(self.provider.asked.count("/keys"), before + 1)
        self.provider.published = [self.provider.signer]
        self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
        self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
        self.assertEqual(self.provider.asked.count("/keys"), before + 2)
        self.provider.signer = self.provider.rsa
        self.refused(403, "not among the provider's")

    def test_ps256_and_eddsa_are_good_by_a_key_that_is_not_for_another_algorithm(self):
        for signer in (p.PssKey("pss-1"), p.EdKey("ed-1")):
            with self.subTest(signer.alg):
                self.provider.published, self.provider.signer = [signer], signer
                self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
                named = dict(signer.jwk(), alg={"PS256": "RS256", "EdDSA": "ES256"}[signer.alg], kid="named")
                self.provider.published, self.provider.header = [self.provider.rsa, p.Published(named)], {"kid": "named"}
                self.browser.cookies.clear()
                self.refused(403, "ID token is not taken")
                self.provider.header = {}

    def test_a_new_key_under_an_old_name_is_found(self):
        self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
        self.provider.signer = p.RsaKey("rsa-1")
        self.provider.published = [self.provider.signer]
        before = self.provider.asked.count("/keys")
        self.assertEqual(Browser(self.server).sign_in(self.provider).status, 303)
        self.assertEqual(self.provider.asked.count("/keys"), before + 1)


class Userinfo(WithProvider):
    def keep_address_for_userinfo(self, sub, **more):
        """As Core, section 5.4, has it where there is an access token: an ID token with the subject alone."""
        self.provider.userinfo = {**self.provider.person, "sub": sub, "email": f"{sub}@example.org", **more}
        self.provider.person = {"sub": sub}

    def test_an_address_that_is_not_in_the_token_is_asked_for_at_the_userinfo_endpoint(self):
        self.add("ula@example.org")
        self.keep_address_for_userinfo("ula")
        self.assertEqual(self.browser.sign_in(self.provider).status, 303)
        self.assertEqual(self.browser.who(), "ula@example.org")
        self.keep_address_for_userinfo("uwe", email_verified=False)
        self.browser = Browser(self.server)
        self.refused(403, "has not verified")

    def test_an_address_in_the_token_is_the_one_that_counts(self):
        self.add("ann@example.org")
        self.provider.userinfo = {**self.provider.person, "email": "admin@example.org"}
        before = self.provider.asked.count("/userinfo")
        self.assertEqual(self.browser.sign_in(self.provider).status, 303)
        self.assertEqual(self.provider.asked.count("/userinfo"), before)

    def test_userinfo_of_somebody_else_or_none_is_not_taken(self):
        self.add("uli@example.org")
        for userinfo, wrong, reason in (({"sub": "another"}, {}, "somebody else"), ({"sub": None}, {}, "somebody else"),
                                        ({}, {"/userinfo": (401, {})}, "/userinfo answered 401"),
                                        ({}, {"/userinfo": (200, b"a.jwt.of.it")}, "without a JSON object")):
            with self.subTest(reason):
                self.provider.reset()
                self.keep_address_for_userinfo("uli")
                self.provider.userinfo.update(userinfo)
                self.provider.wrong = wrong
                self.refused(503, "server's log says how")
                self.assertIn(reason, self.server.log())


class Added(WithProvider):
    more = ("--oidc-role", "viewer")

    def test_with_a_role_people_whom_the_provider_has_verified_are_added_and_others_are_not(self):
        self.provider.person.update(sub="new", email="New@example.org", name="New")
        self.assertEqual(self.browser.sign_in(self.provider).status, 303)
        user = self.browser.get("/api/v1/session").json
        self.assertEqual((user["user"]["login"], user["user"]["name"], user["role"], user["organization"]["id"]),
                         ("new@example.org", "New", "viewer", "o1"))
        entry = self.server.get("/api/v1/audit?limit=1")["entries"][0]
        self.assertEqual((entry["detail"], entry["login"]), ({"added": True}, "new@example.org"))
        self.provider.person.update(sub="other", email="other@example.org", email_verified=False)
        self.browser = Browser(self.server)
        self.refused(403, "has not verified")
        self.assertEqual(s.Person(self.server).sign_in("new@example.org", "").status, 401)


class Settings(unittest.TestCase):
    def refused(self, reason, *arguments):
        done = subprocess.run([s.PROGRAM, "--data", "x", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", *arguments],
                              capture_output=True, text=True, timeout=s.LIMIT)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(reason, done.stderr)

    def test_settings_that_are_unsafe_or_half_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            good = options(folder, "https://login.example.com")
            self.refused("takes https://", *good, "--oidc-issuer", "http://login.example.com")
            self.refused("takes https://", *good, "--oidc-issuer", "http://127.0.0.1.example.com")
            self.refused("takes https://", *good, "--oidc-issuer", "http://localhost@example.com")
            self.refused("must be https://", *good, "--public-url", "http://ota.example.com")
            self.refused("viewer or operator", *good, "--oidc-role", "admin")
            self.refused("is for --oidc-role", *good, "--oidc-organization", "o2")
            self.refused("takes an id", *good, "--oidc-organization", "x")
        self.refused("need --oidc-issuer", "--oidc-client-id", "x")
        self.refused("need --oidc-issuer", "--oidc-ca", "x")
        self.refused("needs --oidc-client-id", "--oidc-issuer", "https://login.example.com")

    def test_a_certificate_that_nobody_trusts_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            ours, other = Authority(folder, "ours"), Authority(folder, "other")
            provider = p.Provider(certificate=ours.sign("127.0.0.1", "IP:127.0.0.1"))
            self.addCleanup(provider.close)
            good = options(folder, provider.issuer)
            for more in ((), ("--oidc-ca", other.certificate)):
                with s.Server(*good, *more) as server:
                    self.assertEqual(Browser(server).get(BEGIN).status, 503)
                    self.assertIn("certificate", server.log())
                    self.assertEqual(provider.asked, [])
            with s.Server(*good, "--oidc-ca", ours.certificate) as server:
                server.post("/api/v1/users", {"login": "ann@example.org"})
                browser = Browser(server)
                browser.sign_in(provider)
                self.assertEqual(browser.who(), "ann@example.org")

    def test_a_file_without_authorities_is_named_at_the_start(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "empty.pem").write_text("no certificate")
            for file in ("missing.pem", "empty.pem"):
                with self.assertRaisesRegex(AssertionError, f"--oidc-ca: no certificates can be read from .*{file}"):
                    s.Server(*options(folder, "https://login.example.com", "--oidc-ca", f"{folder}/{file}")).start()

    def test_a_document_of_another_issuer_or_with_a_clear_address_in_it_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            provider = p.Provider()
            self.addCleanup(provider.close)
            with s.Server(*options(folder, provider.issuer)) as server:
                for changes in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://login.example.com/token"},
                                {"jwks_uri": "file:///etc/passwd"}, {"userinfo_endpoint": "http://login.example.com/userinfo"}, {"authorization_endpoint": None}):
                    provider.wrong = {"/.well-known/openid-configuration": (200, {**provider.configuration(), **changes})}
                    self.assertEqual(Browser(server).get(BEGIN).status, 503)
                provider.wrong = {}
                self.assertEqual(Browser(server).get(BEGIN).status, 302)


if __name__ == "__main__":
    unittest.main()
