"""`tandem` as people use it with the running server: signing in, users, tokens, the audit log, lists of several pages."""

import re
import tempfile
import unittest

import server as s
from certificates import Authority
from command_case import CommandCase

GOOD = "tulips under old bridges"


class BehindAnAuthorityOfOnesOwn(CommandCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.authority = Authority(folder.name)
        certificate, key = self.authority.sign("127.0.0.1", "IP:127.0.0.1")
        self.options = ("--https", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key)
        super().setUp()
        self.url = f"https://127.0.0.1:{self.server.https_port}"

    def test_login_keeps_where_the_authority_is(self):
        password = re.search(r"admin password: (\S+)", (self.server.folder / "out").read_text())[1]
        self.assertIn("--ca FILE", self.tandem("login", "admin", typed=f"{password}\n", code=3).stderr)
        self.tandem("login", "admin", "--ca", self.authority.certificate, typed=f"{password}\n{GOOD}\n")
        self.assertIn("admin", self.tandem("user", "list").stdout)


class Command(CommandCase):
    def test_login_keeps_a_token_and_ends_its_session(self):
        password = re.search(r"admin password: (\S+)", (self.server.folder / "out").read_text())[1]
        self.tandem("login", "admin", typed="wrong\n", code=3)
        done = self.tandem("login", "admin", typed=f"{password}\n{GOOD}\n")
        kept = self.server.folder / ".config/tandem/config"
        self.assertIn(str(kept), done.stdout)
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertIn("admin", self.tandem("user", "list").stdout)
        self.assertEqual(self.server.get("/api/v1/tokens")["tokens"][-1]["name"][:7], "tandem@")
        self.assertNotIn(GOOD, kept.read_text())
        before = kept.read_text().splitlines()
        kept.write_text("# the lab's server\n" + kept.read_text())
        again = self.tandem("login", "admin", typed=f"{GOOD}\n")
        self.assertIn("signed in", again.stdout)
        after = kept.read_text().splitlines()
        self.assertEqual((after[0], after[1], len(after)), ("# the lab's server", before[0], len(before) + 1))
        admin = s.Person(self.server, "admin", GOOD)
        self.assertEqual(len(admin.ask("GET", "/api/v1/sessions").json["sessions"]), 1)

    def test_people_are_kept(self):
        token = self.server.token
        user = self.json("user", "add", "ann", "--name", "Ann", "--role", "operator", token=token)
        self.assertEqual(s.Person(self.server).sign_in("ann", user["password"]).status, 201)
        self.assertTrue(self.json("user", "set", user["id"], "--disable", token=token)["disabled"])
        self.assertEqual(self.json("user", "set", user["id"], "--enable", "--role", "admin", token=token)["role"], "admin")
        self.assertNotEqual(self.json("user", "password", user["id"], token=token)["password"], user["password"])
        self.tandem("user", "delete", user["id"], token=token)
        self.tandem("user", "delete", user["id"], token=token, code=1)
        made = self.json("token", "add", "--name", "ci", "--area", "firmware", "--area", "shipments", "--days", "7", token=token)
        self.assertEqual(made["areas"], ["firmware", "shipments"])
        self.tandem("device", "list", token=made["token"], code=3)
        self.tandem("token", "delete", made["id"], token=token)
        self.tandem("firmware", "list", token=made["token"], code=3)
        self.json("organization", "add", "Acme", "--login", "acme", "--timezone", "Asia/Tokyo", token=token)
        self.assertEqual([(o["name"], o["timezone"]) for o in self.json("organization", "list", token=token)["organizations"]],
                         [("default", None), ("Acme", "Asia/Tokyo")])
        changed = self.json("organization", "set", "--name", "Ours", "--timezone", "Europe/Berlin", token=token)
        self.assertEqual(self.json("organization", "show", token=token), changed)
        self.assertEqual((changed["name"], changed["timezone"]), ("Ours", "Europe/Berlin"))
        self.assertIn("Mars", self.tandem("organization", "set", "--timezone", "Mars", token=token, code=3).stderr)
        self.assertIn("nothing to change", self.tandem("organization", "set", token=token, code=2).stderr)
        actions = [e["action"] for e in self.json("audit", token=token)["entries"]]
        self.assertEqual(actions[:4], ["changeOwnOrganization", "createOrganization", "deleteToken", "createToken"])
        self.assertIn("deleteUser", self.tandem("audit", "--user", "u1", token=token).stdout)

    def test_lists_are_whole(self):
        for i in range(103):
            self.server.add_device(name=f"pump {i}")
        self.assertEqual(len(self.json("device", "list", token=self.server.token)["devices"]), 103)
        self.assertEqual(len(self.json("audit", "--all", token=self.server.token)["entries"]), 103)
        self.assertEqual(len(self.json("audit", token=self.server.token)["entries"]), 100)


if __name__ == "__main__":
    unittest.main()
