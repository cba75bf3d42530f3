#!/usr/bin/env python3
"""tandem tag, against tags made by hand from docs/PROTOCOL.md, section 6."""

import re
import unittest

from tandem_case import FAILED, USAGE, TandemCase

FULL = b"blnkinf\0mcu\x001.2.3\0fw-type\0pump\0build\0Nov 16 2023 20:35:55\0blynk\x001.3.2\0\0"
SHORT = b"blnkinf\0mcu\x001.2.3\0fw-type\0pump\0\0"


class Tag(TandemCase):
    def test_create_writes_the_tag_of_the_specification(self):
        self.tandem("tag", "create", "tag.bin", "--mcu", "1.2.3", "--type", "pump", "--build", "Nov 16 2023 20:35:55",
                    "--blynk", "1.3.2")
        self.assertEqual((self.folder / "tag.bin").read_bytes(), FULL)

    def test_create_leaves_out_what_is_not_given(self):
        self.tandem("tag", "create", "tag.bin", "--mcu", "1.2.3", "--type", "pump")
        self.assertEqual((self.folder / "tag.bin").read_bytes(), SHORT)

    def test_create_asks_for_version_and_type(self):
        self.refused("tag", "create", "tag.bin", "--type", "pump", because="--mcu", code=USAGE)
        self.refused("tag", "create", "tag.bin", "--mcu", "1", because="--type", code=USAGE)

    def test_create_refuses_values_that_scanners_do_not_take(self):
        for bad in ("", "1.0+build7", "1/2", "v\u00e4", "x" * 65):
            with self.subTest(bad):
                self.tandem("tag", "create", "tag.bin", "--mcu", bad, "--type", "pump", code=USAGE)
        self.assertFalse((self.folder / "tag.bin").exists())

    def test_show_prints_the_pairs_in_the_order_of_the_file(self):
        self.write("fw.bin", b"\x7f\xff\0junk" + FULL + b"\xff" * 100)
        done = self.tandem("tag", "show", "fw.bin")
        self.assertEqual(done.stdout, "mcu: 1.2.3\nfw-type: pump\nbuild: Nov 16 2023 20:35:55\nblynk: 1.3.2\n")

    def test_show_keeps_another_order_and_unknown_keys(self):
        self.write("fw.bin", b"blnkinf\0hw\0board 2\0fw-type\0pump\0mcu\x009\0\0")
        self.assertEqual(self.tandem("tag", "show", "fw.bin").stdout, "hw: board 2\nfw-type: pump\nmcu: 9\n")

    def test_a_bare_marker_in_front_is_skipped(self):
        self.write("fw.bin", b"blnkinf\0\xff%s blnkinf\0" + b"\x01" + SHORT)
        self.assertEqual(self.tandem("tag", "show", "fw.bin").stdout, "mcu: 1.2.3\nfw-type: pump\n")

    def expected(self, data):
        """What the expression and the splitting of docs/PROTOCOL.md, section 6, make of a file."""
        found = re.search(rb"blnkinf\0[\w\s.,:\-()\0]*?\0\0", data)
        parts = [part.decode() for part in found[0].split(b"\0")[1:-2]]
        return found[0], "".join(f"{key}: {value}\n" for key, value in zip(parts[::2], parts[1::2]))

    def test_show_and_extract_take_what_the_expression_takes(self):
        long = b"".join(b"key%d\0" % i + b"v" * 70 + b"\0" for i in range(9))
        for tag in (b"a\0b\0c\0\0", b"a\x001\0a\x002\0\0", b"ver\x001.0 (a), b:-_\0\0", b"a\0\t\n\v\f\r \0\0",
                    b"mcu\x001.0\0fw-type\0" + b"t" * 300 + b"\0\0", long + b"\0", b"\0a\0b\0\0",
                    b"x blnkinf\0mcu\x001.0\0\0"):
            with self.subTest(tag):
                data = b"junk" + b"blnkinf\0" + tag + b"\0\0more"
                self.write("fw.bin", data)
                bytes_of_tag, text = self.expected(data)
                self.assertEqual(self.tandem("tag", "show", "fw.bin").stdout, text.replace("\r", "\n"))
                self.tandem("tag", "extract", "fw.bin", "out.bin")
                self.assertEqual((self.folder / "out.bin").read_bytes(), bytes_of_tag)

    def test_a_place_that_the_expression_does_not_take_is_passed_over(self):
        for bad in (b"mcu\x001.0+7\0\0", b"mcu\0\xc3\xa4\0\0", b"mcu\x001/2\0\0", b"\0\0", b"mcu\0\0", b"mcu\x001"):
            with self.subTest(bad):
                self.write("fw.bin", b"blnkinf\0" + bad + b"\xff" + SHORT)
                self.assertEqual(self.tandem("tag", "show", "fw.bin").stdout, "mcu: 1.2.3\nfw-type: pump\n")

    def test_many_markers_take_no_time(self):
        self.write("fw.bin", b"blnkinf\0a" * 2000000)
        self.tandem("tag", "show", "fw.bin", code=FAILED)

    def test_create_takes_an_empty_build_for_none(self):
        self.tandem("tag", "create", "tag.bin", "--mcu", "1.2.3", "--type", "pump", "--build", "", "--blynk=")
        self.assertEqual((self.folder / "tag.bin").read_bytes(), SHORT)

    def test_show_as_json(self):
        self.write("fw.bin", SHORT)
        self.assertEqual(self.tandem("tag", "show", "fw.bin", "--json").stdout.split(),
                         '{ "mcu": "1.2.3", "fw-type": "pump" }'.split())

    def test_extract_writes_the_bytes_of_the_tag(self):
        self.write("fw.bin", b"\0" * 5000 + FULL + b"rest")
        self.tandem("tag", "extract", "fw.bin", "out.bin")
        self.assertEqual((self.folder / "out.bin").read_bytes(), FULL)

    def test_a_file_without_a_tag_is_said_so_in_the_words_of_the_original(self):
        self.write("fw.bin", b"\0" * 1000)
        for command in (("show", "fw.bin"), ("extract", "fw.bin", "out.bin")):
            done = self.tandem("tag", *command, code=FAILED)
            self.assertEqual((done.stdout, done.stderr), ("", "Blynk info tag not found\n"))
        self.assertFalse((self.folder / "out.bin").exists())

    def test_a_tag_that_is_cut_off_is_not_found(self):
        for length in range(len(SHORT)):
            self.write("fw.bin", SHORT[:length])
            self.tandem("tag", "show", "fw.bin", code=FAILED)

    def test_an_unreadable_file_is_named(self):
        self.refused("tag", "show", "none.bin", because="none.bin: can't be opened: No such file")
        self.refused("tag", "show", ".", because="Is a directory")


if __name__ == "__main__":
    unittest.main()
