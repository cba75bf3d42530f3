"""Plain images as toolchains leave them: what the server reads off their tag, wherever it stands and whatever stands around it
(docs/PROTOCOL.md, section 6)."""

import hashlib
import random
import unittest

import server as s

PIECE = 65536  # of a body, as it is read and scanned
BUILD = "Nov  6 2023 20:35:55"  # as __DATE__ " " __TIME__ has it
LIBRARY = "1.3.2"


def tag(version, **more):
    pairs = {"mcu": version, "fw-type": "TMPL0vFkFmJM7", "build": BUILD, "blynk": LIBRARY, **more}
    return b"blnkinf\0" + b"".join(f"{key}\0{value}\0".encode() for key, value in pairs.items() if value) + b"\0"


def code(bytes_, seed=1):
    """Looks like machine code: any byte, and now and then two NULs in a row."""
    return random.Random(seed).randbytes(bytes_)


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s.Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def read(self, data):
        """What the server read off the tag."""
        answer = self.server.ask("POST", "/api/v1/firmware?name=app.bin", data)
        self.assertIn(answer.status, (200, 201), answer.body)
        known = answer.json
        self.assertEqual((known["size"], known["md5"], known["sha256"]),
                         (len(data), hashlib.md5(data).hexdigest(), hashlib.sha256(data).hexdigest()))
        return {key: known[key] for key in ("version", "type", "build")}

    def refused(self, data):
        answer = self.server.ask("POST", "/api/v1/firmware?name=app.bin", data)
        self.assertEqual(answer.status, 422, answer.body)
        return answer.json["detail"]

    def expect(self, data, version):
        self.assertEqual(self.read(data), {"version": version, "type": "TMPL0vFkFmJM7", "build": BUILD})

    def test_a_tag_is_found_wherever_it_stands(self):
        size, length = 3 * PIECE, len(tag("1.0.00"))
        places = [0, 1, 2, 3, 255, 4095, size - length, size - length - 1]
        places += [edge - back for edge in (PIECE, 2 * PIECE) for back in (1, 7, 8, length // 2, length - 1, length)]
        for number, place in enumerate(places):
            version = f"1.0.{number:02}"
            image = bytearray(code(size, number))
            image[place : place + length] = tag(version)
            self.expect(bytes(image), version)

    def test_an_image_is_as_small_as_its_tag_and_as_large_as_16_megabytes(self):
        self.expect(tag("2.0.0"), "2.0.0")
        self.expect(code(16 * 1024 * 1024 - len(tag("2.0.1"))) + tag("2.0.1"), "2.0.1")
        for data in (b"\0", b"b", b"blnkinf", b"blnkinf\0", tag("2.0.2")[:-1], code(100_000)):
            self.assertIn("firmware tag", self.refused(data))

    def test_what_only_looks_like_a_tag_is_passed_over(self):
        decoys = (b"blnkinf\0", b"blnkinf\0\0", b"BLNKINF\0mcu\x009.9.9\0\0", b"blnkinf mcu\x009.9.9\0\0", b"blnkin\0mcu\x009.9.9\0\0",
                  b"blnkinf\0mcu\x009.9.9+dirty\0fw-type\0x\0\0", b"blnkinf\0\xff\xff\0\0", tag("9.9.9")[:40] + b"\x80",
                  b"blnkinf\0mcu\0%s\0fw-type\0%s\0\0")
        for number, decoy in enumerate(decoys):
            self.expect(code(777) + decoy + code(33, 2) + tag(f"3.0.{number}") + code(500, 3), f"3.0.{number}")
        self.expect(b"\xff".join(decoys) + b"\xff" + tag("3.1.0"), "3.1.0")

    def test_of_two_tags_the_first_counts(self):
        self.expect(code(100) + tag("4.0.0") + code(100) + tag("4.0.1") + b"\0", "4.0.0")

    def test_fields_stand_in_any_order_beside_others(self):
        pairs = ["mcu", "5.0.0", "fw-type", "TMPL0vFkFmJM7", "build", BUILD, "blynk", LIBRARY, "dev", "ESP32", "x y", "a, (b): c-d_e."]
        order = random.Random(5)
        for number in range(8):
            rows = [(pairs[i], pairs[i + 1]) for i in range(0, len(pairs), 2)]
            order.shuffle(rows)
            text = b"".join(f"{key}\0{value}\0".encode() for key, value in rows)
            self.expect(code(200, number) + b"blnkinf\0" + text + b"\0" + code(9), "5.0.0")

    def test_build_and_library_may_be_missing_but_not_version_and_type(self):
        self.assertEqual(self.read(tag("6.0.0", build=None, blynk=None)), {"version": "6.0.0", "type": "TMPL0vFkFmJM7", "build": ""})
        self.assertIn("fw-type", self.refused(tag("6.0.1", **{"fw-type": None})))
        self.assertIn("mcu", self.refused(tag(None)))

    def test_an_empty_value_ends_the_tag(self):
        self.assertEqual(self.read(b"blnkinf\0mcu\x007.0.0\0fw-type\0T\0build\0\0blynk\x001.3.2\0\0"),
                         {"version": "7.0.0", "type": "T", "build": ""})

    def test_a_value_has_64_bytes_at_most(self):
        self.expect(tag("8" * 64), "8" * 64)
        self.assertIn("firmware tag", self.refused(tag("8" * 65)))


if __name__ == "__main__":
    unittest.main()
