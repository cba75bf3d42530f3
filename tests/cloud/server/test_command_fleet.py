"""`tandem` as people use it with the running server: devices' tokens, filters, keys, retention, webhooks, deltas."""

import tempfile
import unittest
from pathlib import Path

import server as s
from command_case import CommandCase
from test_deltas import BOTH, changed, digest_of, image_of, pack
from test_keys import make_key, signed
from test_webhooks import Receiver

FAILED, USAGE, SERVER = 1, 2, 3


class FleetCase(CommandCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def tandem(self, *arguments, **more):
        return super().tandem(*arguments, token=self.server.token, **more)

    def refused(self, *arguments, because, code):
        self.assertIn(because, self.tandem(*arguments, code=code).stderr)

    def connect(self, token):
        device = s.Device(self.server, token)
        self.addCleanup(device.close)
        return device


class Devices(FleetCase):
    def test_a_new_token_replaces_the_file_and_ends_the_old_one(self):
        file = self.folder / "device.token"
        added = self.json("device", "add", "-t", s.TEMPLATE, "--token-file", file)
        old = file.read_text().strip()
        self.assertEqual(self.connect(old).code, 0)
        done = self.tandem("device", "token", added["id"], "--token-file", file)
        new = file.read_text().strip()
        self.assertNotIn(new, done.stdout + done.stderr)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertNotEqual(self.connect(old).code, 0)
        self.assertEqual(self.connect(new).code, 0)

    def test_a_token_that_cannot_be_kept_is_shown(self):
        added = self.json("device", "add", "-t", s.TEMPLATE)
        done = self.tandem("device", "token", added["id"], "--token-file", self.folder / "none" / "token", code=FAILED)
        shown = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("token"))
        self.assertEqual(self.connect(shown).code, 0)
        self.assertIn("none/token", done.stderr)
        self.assertIn("shown this once instead", done.stderr)

    def test_a_revoked_device_stays_away_until_it_gets_a_new_token(self):
        added = self.json("device", "add", "-t", s.TEMPLATE)
        self.tandem("device", "revoke", added["id"])
        self.assertNotEqual(self.connect(added["token"]).code, 0)
        self.assertTrue(self.json("device", "show", added["id"])["revoked"])
        self.assertEqual(self.connect(self.json("device", "token", added["id"])["token"]).code, 0)
        self.assertFalse(self.json("device", "show", added["id"])["revoked"])

    def test_they_are_changed_and_deleted(self):
        added = self.json("device", "add", "-t", s.TEMPLATE, "--tag", "old")
        text = self.tandem("device", "set", added["id"], "--name", "pump 7", "--tag", "lab", "--tag", "canary").stdout
        self.assertIn("lab, canary\n", text)
        self.assertEqual(self.server.device(added)["name"], "pump 7")
        self.refused("device", "set", added["id"], because="nothing to change, give an option", code=USAGE)
        self.refused("device", "set", added["id"], "--timezone", "Mars", because="Mars", code=SERVER)
        self.tandem("device", "delete", added["id"])
        self.refused("device", "delete", added["id"], because="`tandem device list` shows", code=FAILED)

    def test_an_owner_declines(self):
        added = self.json("device", "add", "-t", s.TEMPLATE)
        self.connect(added["token"]).check_in("1.0.0")
        self.refused("decline", added["id"], because="wait", code=SERVER)
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")), user_controlled=True)
        self.server.wait_status(shipment, "awaiting-user-action")
        self.assertIn(shipment["id"], self.tandem("decline", added["id"], "--shipment", shipment["id"]).stdout)
        self.server.wait_status(shipment, "declined")


class Firmware(FleetCase):
    def test_deltas_are_listed_with_what_they_save(self):
        old_image = image_of(1)
        new_image = changed(old_image, 2)
        self.server.upload(pack(old_image, "1.0.0"))
        firmware = self.server.upload(pack(new_image, "1.1.0"))
        self.assertEqual(self.json("firmware", "deltas", firmware["id"]), {"deltas": []})
        device = self.connect(self.json("device", "add", "-t", s.TEMPLATE)["token"])
        device.report(stage="device", event="started", state="confirmed", reason="none", hardware="board-1",
                      digest=digest_of(old_image), about="", counter=1, decodes=BOTH)
        device.check_in("1.0.0")
        self.server.ship(firmware)
        size = device.offer()["size"]
        delta, = self.json("firmware", "deltas", firmware["id"])["deltas"]
        self.assertEqual((delta["encoding"], delta["state"], delta["size"]), ("delta", "ready", size))
        line = self.tandem("firmware", "deltas", firmware["id"]).stdout.splitlines()[1]
        self.assertRegex(line, r"^delta +1\.0\.0 +ready +.* instead of .*, saved \d+ %")
        self.refused("firmware", "deltas", "f99", because="`tandem firmware list` shows", code=FAILED)

    def test_what_is_over_is_deleted(self):
        self.json("device", "add", "-t", s.TEMPLATE)
        firmware = self.server.upload(s.plain("1.1.0"))
        shipment = self.server.ship(firmware)
        self.refused("shipment", "delete", shipment["id"], because="cancel", code=SERVER)
        self.refused("firmware", "delete", firmware["id"], because="shipment", code=SERVER)
        self.tandem("shipment", "cancel", shipment["id"])
        self.tandem("shipment", "delete", shipment["id"])
        self.tandem("firmware", "delete", firmware["id"])
        self.assertEqual(self.json("firmware", "list")["firmware"], [])

    def test_retention_is_said_and_shown(self):
        self.assertIn("is never deleted", self.tandem("retention", "show").stdout)
        self.assertEqual(self.json("retention", "set", "--days", "90", "--keep", "5"), {"days": 90, "keep": 5})
        self.assertEqual(self.json("retention", "show"), {"days": 90, "keep": 5})
        shown = self.tandem("retention", "show").stdout
        self.assertIn("older than 90 days", shown)
        self.assertIn("newest 5 of each type stay", shown)
        self.refused("retention", "set", "--days", "30", because="--keep N is missing", code=USAGE)
        self.refused("retention", "set", "--days", "30", "--keep", "many", because="not a number", code=USAGE)
        self.assertEqual(self.json("retention", "show"), {"days": 90, "keep": 5})

    def test_keys_are_made_known_and_private_ones_are_not_sent(self):
        private, public = make_key(self.folder, "release")
        (self.folder / "release.pem.pub").write_text(public)
        firmware = self.server.upload(signed(private, "1.0.0"), "a.tdm")
        self.refused("key", "add", private, "--name", "release", because="release.pem.pub", code=FAILED)
        (self.folder / "noise").write_bytes(b"\xff\xfe")
        self.refused("key", "add", self.folder / "noise", "-n", "x", because="`tandem keygen`", code=FAILED)
        self.refused("key", "add", self.folder / "none", "-n", "x", because="none", code=FAILED)
        key = self.json("key", "add", self.folder / "release.pem.pub", "--name", "release 2026")
        self.assertEqual(key["key_id"], firmware["package"]["key_id"])
        shown, = self.json("firmware", "list")["firmware"]
        self.assertEqual(shown["package"]["signed_by"], "release 2026")
        self.assertIn(key["key_id"], self.tandem("key", "list").stdout)
        self.tandem("key", "delete", key["id"])
        self.assertEqual(self.json("key", "list"), {"keys": []})


class Filters(FleetCase):
    def test_they_are_saved_used_changed_and_deleted(self):
        lab = self.json("device", "add", "-t", s.TEMPLATE, "--tag", "lab")
        self.json("device", "add", "-t", s.TEMPLATE)
        saved = self.json("filter", "add", "canaries", "tag=lab")
        self.assertEqual([d["id"] for d in self.json("device", "list", "--filter", "canaries")["devices"]], [lab["id"]])
        self.refused("filter", "add", "canaries", "tag=x", because="canaries", code=SERVER)
        self.refused("filter", "add", "bad", "nonsense=1", because="nonsense", code=SERVER)
        self.refused("filter", "add", "alone", because="NAME FILTER", code=USAGE)
        self.tandem("filter", "set", saved["id"], "canaries", "tag=none")
        self.assertIn("tag=none", self.tandem("filter", "list").stdout)
        self.assertEqual(self.json("device", "list", "--filter", "canaries")["devices"], [])
        self.tandem("filter", "delete", saved["id"])
        self.assertEqual(self.json("filter", "list"), {"filters": []})


class Webhooks(FleetCase):
    options = ("--webhooks-anywhere",)

    def test_they_are_added_tried_changed_and_deleted(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        hook = self.json("webhook", "add", receiver.url, "--event", "target.ended", "--event", "shipment.finished")
        self.assertEqual((len(hook["secret"]), hook["events"]), (64, ["target.ended", "shipment.finished"]))
        done = self.tandem("webhook", "test", hook["id"])
        self.assertIn(f"tandem webhook deliveries {hook['id']}", done.stdout)
        self.assertEqual(receiver.next()[1]["Tandem-Event"], "test")
        s.wait_for("delivered", lambda: "delivered" in self.tandem("webhook", "deliveries", hook["id"]).stdout)
        self.assertTrue(self.json("webhook", "set", hook["id"], "--disable")["disabled"])
        self.assertIn("target.ended, shipment.finished", self.tandem("webhook", "list").stdout)
        self.assertFalse(self.json("webhook", "set", hook["id"], "--enable", "--event", "shipment.live")["disabled"])
        self.assertEqual(self.json("webhook", "set", hook["id"], "--address", receiver.url + "?2")["url"], receiver.url + "?2")
        self.refused("webhook", "set", hook["id"], because="nothing to change", code=USAGE)
        self.refused("webhook", "set", hook["id"], "--enable", "--disable", because="not both", code=USAGE)
        self.tandem("webhook", "delete", hook["id"])
        self.refused("webhook", "test", hook["id"], because="no such", code=FAILED)

    def test_the_secret_is_shown_once_and_mistakes_are_named(self):
        done = self.tandem("webhook", "add", "https://example.com/hook")
        self.assertRegex(done.stdout, r"secret +[0-9a-f]{64}\n")
        self.assertIn("events", done.stdout)
        self.assertIn("shown this once", done.stderr)
        self.assertNotIn("secret", self.tandem("webhook", "list").stdout)
        self.refused("webhook", "add", "ftp://example.com", because="http", code=SERVER)
        self.refused("webhook", "add", "https://example.com", "-e", "all", because="shipment.live", code=SERVER)


if __name__ == "__main__":
    unittest.main()
