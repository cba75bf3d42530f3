"""Who signed a package, as far as the server knows the keys. Signatures are made by openssl."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import server as s

package = s.package


def make_key(folder, name):
    """A key pair: (private PEM file, public PEM text)."""
    private = Path(folder) / f"{name}.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private], check=True)
    public = subprocess.run(["openssl", "ec", "-in", private, "-pubout"], check=True, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    return private, public


def signed(private, version, signer=None):
    """A package that names the key, signed by it or by another one."""
    image = version.encode() * 300
    firmware = package.Firmware(kind="pump", version=version, build="", hardware="board-1", image=image, counter=1,
                                link_address=package.ANYWHERE)
    head = package.head_of(firmware, package.key_id(package.public_key(private)))
    return package.package_build(firmware, head, package.sign(signer or private, head))


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = s.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.private, self.public = make_key(self.folder.name, "release")

    def add(self, name="release 2026", pem=None):
        return self.server.ask("POST", "/api/v1/keys", {"name": name, "pem": pem or self.public})

    def signer(self, firmware):
        return self.server.get(f"/api/v1/firmware/{firmware['id']}")["package"]["signed_by"]

    def test_a_package_is_said_to_be_signed_by_a_key_that_is_known(self):
        early = self.server.upload(signed(self.private, "1.0.0"), "early.tdm")
        self.assertIsNone(early["package"]["signed_by"])
        added = self.add()
        self.assertEqual(added.status, 201)
        self.assertEqual(added.json["key_id"], early["package"]["key_id"])
        self.assertEqual(self.signer(early), "release 2026")
        late = self.server.upload(signed(self.private, "1.1.0"), "late.tdm")
        self.assertEqual(late["package"]["signed_by"], "release 2026")
        other, _ = make_key(self.folder.name, "other")
        foreign = self.server.upload(signed(other, "1.2.0"), "foreign.tdm")
        self.assertIsNone(foreign["package"]["signed_by"])
        self.assertEqual(self.server.get("/api/v1/keys"), {"keys": [added.json]})
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/keys/{added.json['id']}").status, 204)
        self.assertIsNone(self.signer(late))

    def test_a_signature_that_is_not_the_keys_is_refused(self):
        self.add()
        other, _ = make_key(self.folder.name, "other")
        answer = self.server.ask("POST", "/api/v1/firmware?name=forged.tdm", signed(self.private, "1.0.0", signer=other))
        self.assertEqual((answer.status, answer.json["title"]), (422, "wrong signature"))
        self.assertEqual(self.server.get("/api/v1/firmware")["firmware"], [])

    def test_only_public_p256_keys_are_taken(self):
        curve = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], check=True,
                               stdout=subprocess.PIPE).stdout
        other = subprocess.run(["openssl", "pkey", "-pubout"], input=curve, check=True, stdout=subprocess.PIPE).stdout.decode()
        for pem, says in ((self.private.read_text(), "private key"), (other, "P-256"), ("nonsense", "P-256")):
            answer = self.add(pem=pem)
            self.assertEqual(answer.status, 422)
            self.assertIn(says, answer.json["detail"])
        self.assertEqual(self.add().status, 201)
        self.assertEqual(self.add(name="again").status, 409)

    def test_retention_is_kept(self):
        self.assertEqual(self.server.get("/api/v1/retention"), {"days": 0, "keep": 0})
        self.assertEqual(self.server.ask("PUT", "/api/v1/retention", {"days": 90, "keep": 5}).json, {"days": 90, "keep": 5})
        self.assertEqual(self.server.get("/api/v1/retention"), {"days": 90, "keep": 5})
        self.assertEqual(self.server.ask("PUT", "/api/v1/retention", {"days": -1}).status, 400)

    def test_charts_have_what_is_there_now(self):
        added = self.server.add_device()
        device = s.Device(self.server, added["token"])
        device.check_in("1.0.0")
        points = self.server.get(f"/api/v1/charts/versions?template={s.TEMPLATE}")["points"]
        self.assertEqual([(point["type"], point["version"], point["devices"]) for point in points], [("pump", "1.0.0", 1)])
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        points = self.server.get(f"/api/v1/shipments/{shipment['id']}/chart")["points"]
        self.assertEqual([(point["updated"], point["rest"]) for point in points], [(0, 1), (0, 1)])
        device.close()


if __name__ == "__main__":
    unittest.main()
