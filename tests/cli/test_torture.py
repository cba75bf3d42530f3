#!/usr/bin/env python3
"""tandem torture: what it prints, its reports, its exit status."""

import json
import re
import signal
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from tandem_case import FAILED, ROOT, TANDEM, USAGE, TandemCase

LAYOUT = ROOT / "ports/mps2/layout.json"
PAIR = ("torture", "--layout", "tiny", "--scenario", "healthy")


class Torture(TandemCase):
    def test_figures_for_people_and_for_programs_agree(self):
        text = self.tandem(*PAIR).stdout
        figures = json.loads(self.tandem(*PAIR, "--json").stdout)
        self.assertRegex(text, rf"(?m)^{figures['cases']} cases, 0 failed$")
        self.assertEqual(figures["failed"], 0)
        self.assertEqual(figures["cases"], 1 + sum(figures["by_tear"].values()))  # one without a cut

    def test_each_operation_is_cut_in_each_way_with_and_without_the_co_processor(self):
        figures = json.loads(self.tandem(*PAIR, "--json").stdout)
        operations = figures["scenarios"][0]["operations"]
        cuts = [count for count in figures["by_tear"].values() if count > 0]
        self.assertEqual(cuts, [2 * operations] * 7)

    def test_one_case_of_fourteen_cuts_each_operation_once(self):
        figures = json.loads(self.tandem(*PAIR, "--one-in", "14", "--json").stdout)
        operations = figures["scenarios"][0]["operations"]
        self.assertEqual(figures["cases"], 1 + operations)
        self.assertEqual(len([count for count in figures["by_tear"].values() if count >= operations // 7 - 1]), 7)

    def test_images_of_ones_own_are_shipped(self):
        base = bytes(range(256)) * 80
        (self.folder / "base.bin").write_bytes(base)
        (self.folder / "near.bin").write_bytes(base[:9000] + b"other" + base[9000:])
        (self.folder / "far.bin").write_bytes(base[::-1])
        images = "--base", "base.bin", "--layout", "framed", "--json", "--scenario"
        delta, whole = (json.loads(self.tandem("torture", *images, scenario, "--image", "near.bin", "--one-in", "200").stdout)
                        for scenario in ("delta-framed", "healthy"))
        far = json.loads(self.tandem("torture", *images, "delta-framed", "--image", "far.bin", "--cuts", "none").stdout)
        self.assertEqual((delta["failed"], whole["failed"]), (0, 0))
        self.assertGreater(delta["scenarios"][0]["operations"], len(base) // 32)  # blocks of 32 bytes go into flash
        frames = [figures["scenarios"][0]["frames"] for figures in (delta, far, whole)]
        self.assertEqual(frames, sorted(frames))  # the less they have in common, the more is sent

    def test_each_frame_has_each_fault(self):
        figures = json.loads(self.tandem(*PAIR, "--cuts", "line", "--one-in", "9", "--json").stdout)
        self.assertEqual(figures["failed"], 0)
        for fault in ("lost", "repeated", "late", "noise", "lie", "data", "cancel", "silence", "co-processor", "device"):
            self.assertAlmostEqual(figures["by_tear"][fault], figures["scenarios"][0]["frames"] / 9, delta=1)

    def test_a_case_tells_what_happened(self):
        text = self.tandem("torture", "--layout", "tiny", "--case", "healthy:8t3").stdout
        self.assertIn("power cut in operation 8", text)
        self.assertIn("the image is confirmed", text)
        self.assertIn("all invariants hold", text)

    def test_a_report_as_json_is_what_is_printed_with_json(self):
        self.tandem(*PAIR, "--report", "r.json")
        self.assertEqual(json.loads((self.folder / "r.json").read_text()), json.loads(self.tandem(*PAIR, "--json").stdout))

    def test_a_report_as_a_page_shows_every_operation(self):
        self.tandem(*PAIR, "--report", "r.html")
        operations = json.loads(self.tandem(*PAIR, "--json").stdout)["scenarios"][0]["operations"]
        page = (self.folder / "r.html").read_text()
        picture = ElementTree.fromstring(re.search(r"<svg.*?</svg>", page, re.S).group())
        rows = {}
        for cell in picture.iter("rect"):
            rows[cell.get("y")] = rows.get(cell.get("y"), 0) + int(cell.get("width"))
            self.assertNotIn(cell.get("class"), ("c0", "c255"))  # all were cut, none failed
        self.assertEqual(len(rows), 8)  # where the operation works, and seven kinds of cut
        self.assertEqual({width // 8 for width in rows.values()}, {operations})
        self.assertIn("the image is confirmed", page)

    def test_a_report_begins_with_the_verdict(self):
        self.tandem(*PAIR, "--cuts", "none", "--report", "r.html")
        page = (self.folder / "r.html").read_text()
        self.assertLess(page.index("<b>1 cases, 0 failed.</b>"), page.index("<h2"))
        self.assertNotIn("the frame is lost", page)  # no row of what this run did not do

    def test_a_run_that_is_ended_leaves_the_report_of_before(self):
        for name in ("r.html", "r.json"):
            self.write(name, "of before")
            running = subprocess.Popen([TANDEM, *PAIR, "--cuts", "pairs", "--report", name], cwd=self.folder, stdout=subprocess.PIPE)
            running.stdout.readline()  # it has begun
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=60)
            self.assertEqual(running.returncode, -signal.SIGINT)
            self.assertEqual([path.read_text() for path in self.folder.glob(f"{name}*")], ["of before"])

    def test_a_report_that_finds_no_room_is_no_success(self):
        for name in ("r.html", "r.json"):
            (self.folder / name).symlink_to("/dev/full")
            done = self.tandem(*PAIR, "--cuts", "none", "--report", name, code=FAILED)
            self.assertIn("No space left on device", done.stderr)

    def test_a_case_whose_cut_never_comes_is_no_success(self):
        done = self.tandem("torture", "--layout", "tiny", "--case", "healthy:999t4", code=FAILED)
        self.assertIn("ends before the cut", done.stderr)

    def test_a_layout_of_ones_own(self):
        self.tandem("torture", "--layout", LAYOUT, "--scenario", "healthy", "--cuts", "none")

    def test_record_units_of_several_pages(self):
        layout = json.loads(LAYOUT.read_text())
        for index, unit in enumerate(layout["record"]):
            unit.update(address=hex(0x21090000 + index * 0x2000), bytes=0x2000)
        (self.folder / "wide.json").write_text(json.dumps(layout))
        for scenario in ("frozen-record", "worn-record", "lose-unit-1"):
            self.tandem("torture", "--layout", "wide.json", "--scenario", scenario, "--cuts", "none")

    def test_a_transfer_that_goes_on_twice_among_small_pages(self):
        """What the first cut left weak lies pages behind where the second reset finds the transfer."""
        layout = {"name": "pages", "flash": {"address": 0, "bytes": 0x10000, "erase_bytes": 128, "program_bytes": 4, "program_once": True},
                  "keys": {"address": 0}, "record": [{"address": 256, "bytes": 256}, {"address": 512, "bytes": 256}],
                  "banks": [{"address": 0x400, "bytes": 0x4000}, {"address": 0x4400, "bytes": 0x4000}], "header_bytes": 1024}
        (self.folder / "pages.json").write_text(json.dumps(layout))
        self.tandem("torture", "--layout", "pages.json", "--scenario", "delta-mcu-restarts", "--one-in", "5")

    def test_what_is_wrong_is_said(self):
        for arguments, because, code in [(("--report", "r.txt"), "ends in .html or .json", USAGE),
                                         (("--report", "no/r.html"), "No such file or directory", FAILED),
                                         (("--report", "no/r.json"), "No such file or directory", FAILED),
                                         (("--layout", "smal"), "a built-in layout of that name; those are small, small-once", USAGE),
                                         (("--scenario", "one-healthy"), "is for devices with one bank", USAGE),
                                         (("--layout", "one", "--scenario", "healthy"), "is for devices with two banks", USAGE),
                                         (("--case", "one-healthy:3t4"), "is for devices with one bank", USAGE),
                                         (("--cuts", "some"), "--cuts is none, each, pairs, line or random", USAGE),
                                         (("--scenario", "x"), "--list", USAGE),
                                         (("--base", __file__), "--base and --image go together", USAGE),
                                         (("--base", __file__, "--image", __file__), "too small for the images", FAILED),
                                         (("--base", __file__, "--image", "no.bin"), "no.bin", FAILED),
                                         (("--base", __file__, "--image", __file__, "--scenario", "delta"), "take \"delta-framed\"", USAGE),
                                         (("--case", "healthy:12"), "names no case", USAGE),
                                         (("--layout", "no.json"), "no.json", FAILED)]:
            self.refused("torture", *arguments, because=because, code=code)


if __name__ == "__main__":
    unittest.main()
