"""Certificates for tests, by the openssl program."""

import os
import subprocess
from pathlib import Path


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)


class Authority:
    """A certificate authority and what it signs, as files in a folder."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = Path(folder), name
        self.certificate = self.folder / f"{name}.pem"
        run("openssl", "req", "-x509", "-newkey", *EC, "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", self.folder / f"{name}.key", "-out", self.certificate)

    def sign(self, name, *alternatives, days=60, key=EC):
        """Files of a certificate and its key."""
        base = self.folder / f"{self.name}-{os.urandom(4).hex()}"
        extra = base.with_suffix(".ext")
        extra.write_text("subjectAltName=" + ",".join(alternatives or [f"DNS:{name}"]) + "\n")
        run("openssl", "req", "-newkey", *key, "-nodes", "-subj", f"/CN={name}",
            "-keyout", base.with_suffix(".key"), "-out", base.with_suffix(".csr"))
        run("openssl", "x509", "-req", "-in", base.with_suffix(".csr"), "-CA", self.certificate, "-CAkey",
            self.folder / f"{self.name}.key", "-days", str(days), "-extfile", extra, "-out", base.with_suffix(".crt"))
        return base.with_suffix(".crt"), base.with_suffix(".key")
