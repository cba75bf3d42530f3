#!/usr/bin/env python3
"""tandem keygen, against openssl."""

import hashlib
import json
import stat
import subprocess
import unittest

from tandem_case import FAILED, TandemCase


class Keygen(TandemCase):
    def openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stdout=subprocess.PIPE).stdout

    def test_the_pair_is_a_p256_key_that_openssl_reads(self):
        self.tandem("keygen", "key.pem")
        self.assertIn(b"prime256v1", self.openssl("pkey", "-in", "key.pem", "-noout", "-text"))
        self.assertEqual(self.openssl("pkey", "-in", "key.pem", "-pubout"),
                         (self.folder / "key.pem.pub").read_bytes())

    def test_the_id_is_the_start_of_the_point_s_digest(self):
        said = json.loads(self.tandem("keygen", "key.pem", "--json").stdout)
        point = self.openssl("pkey", "-pubin", "-in", "key.pem.pub", "-outform", "DER")[-64:]
        expected = int.from_bytes(hashlib.sha256(point).digest()[:4], "little")
        self.assertEqual(said, {"key_id": f"{expected:08x}", "private_key": "key.pem", "public_key": "key.pem.pub"})

    def test_only_its_owner_reads_the_private_key(self):
        self.tandem("keygen", "key.pem", umask=0)
        self.assertEqual(stat.S_IMODE((self.folder / "key.pem").stat().st_mode), 0o600)

    def test_neither_file_is_ever_overwritten(self):
        for taken in ("key.pem", "key.pem.pub"):
            self.write(taken, "precious")
            self.refused("keygen", "key.pem", because=f"{taken}: exists already")
            self.assertEqual((self.folder / taken).read_text(), "precious")
            self.assertEqual([path.name for path in self.folder.iterdir()], [taken])
            (self.folder / taken).unlink()

    def test_a_folder_that_is_not_there_is_named(self):
        self.refused("keygen", "no/key.pem", because="no/key.pem: can't be created", code=FAILED)


if __name__ == "__main__":
    unittest.main()
