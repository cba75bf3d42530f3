#!/usr/bin/env python3
"""The command line itself: help, options, exit status."""

import json
import re
import subprocess
import unittest
from pathlib import Path

from tandem_case import FAILED, OK, ROOT, TANDEM, USAGE, TandemCase

LAYOUT = ROOT / "ports/mps2/layout.json"


class CommandLine(TandemCase):
    helps = {}  # of each command, asked once

    def explained(self, name):
        if name not in self.helps:
            self.helps[name] = self.tandem("help", *name).stdout
        return self.helps[name]

    def commands(self):
        lines = self.explained(()).split("Commands:\n")[1].split("\n\n")[0].splitlines()
        for line in lines:
            words = line.split("  ")[1].split()
            yield tuple(word for word in words if word == word.lower() and word[0].isalpha())

    def test_version(self):
        self.assertRegex(self.tandem("--version").stdout, r"^tandem \d+\.\d+\.\d+\n$")

    def test_every_command_explains_itself(self):
        names = list(self.commands())
        self.assertGreater(len(names), 15)
        for name in names:
            text = self.explained(name)
            self.assertIn("Usage: tandem " + " ".join(name), text)
            self.assertIn("Exit status:", text)
            self.assertEqual(self.tandem(*name, "--help").stdout, text)

    def test_help_names_what_is_required_and_the_exit_statuses_that_can_be(self):
        for name, usage, codes in (("pack", "INPUT --output FILE.tdm --key PRIV.pem --hardware ID [OPTIONS]", "012"),
                                   ("device list", "[OPTIONS]", "0123"), ("ship", "FILE --template TEMPLATE [OPTIONS]", "012345"),
                                   ("shipment watch", "ID [OPTIONS]", "012345")):
            text = self.explained(tuple(name.split()))
            self.assertIn(f"Usage: tandem {name} {usage}\n", text)
            self.assertEqual("".join(re.findall(r"(?m)^  (\d)  ", text)), codes)

    def test_no_option_means_two_things(self):
        for name in self.commands():
            options = re.findall(r"(?m)^  (?:-(\w),|   ) --(\S+)", self.explained(name))
            for spellings in zip(*options):
                given = [spelling for spelling in spellings if spelling]
                self.assertEqual(len(given), len(set(given)), (name, given))

    def test_every_command_and_exit_status_is_documented(self):
        document = (ROOT / "docs/CLI.md").read_text()
        for name in self.commands():
            self.assertIn("tandem " + " ".join(name), document)
        for line in self.explained(()).split("Exit status:\n")[1].splitlines():
            code, text = line.split(maxsplit=1)
            self.assertIn(f"| {code} | {text}", document)

    def test_documents_name_commands_and_options_that_there_are(self):
        options = {" ".join(name): set(re.findall(r"--[a-z][a-z-]+", self.explained(name))) for name in self.commands()}
        checked = 0
        for document in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
            for words in re.findall(r"(?m)(?:`|^ {4,})tandem ([a-z][^`\n#]*)", document.read_text()):
                name = next((n for n in (" ".join(words.split()[:2]), words.split()[0]) if n in options), None)
                if name:
                    self.assertLessEqual(set(re.findall(r"--[a-z][a-z-]+", words)), options[name], f"{document.name}: {words}")
                    checked += 1
                else:
                    self.assertTrue(words == "help" or words.startswith("help ") or self.is_group(words), f"{document.name}: {words}")
        self.assertGreater(checked, 80)

    def test_documents_name_options_of_the_other_programs_that_there_are(self):
        documents = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*/**/README.md")]
        text = "\n".join(document.read_text() for document in documents).replace("\\\n", " ")  # a command may go on
        for program in ("tandem-cloud", "tandem-ncp", "tandem-device"):
            shown = subprocess.run([Path(TANDEM).parent / program, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
            options = set(re.findall(r"--[a-z][a-z-]+", shown)) | {"--from", "--to"}  # of tandem-cloud backup
            uses = re.findall(rf"(?m)(?:`|^ {{4,}}){program}((?: [^`\n#]*)?--[^`\n#]*)", text)
            self.assertGreater(len(uses), 0, program)
            for words in uses:
                self.assertLessEqual(set(re.findall(r"--[a-z][a-z-]+", words)), options, f"{program} {words}")

    def is_group(self, words):
        return any(name[0] == words and len(name) == 2 for name in self.commands())

    def test_a_group_lists_its_commands(self):
        text = self.tandem("help", "tag").stdout
        self.assertIn("tag show", text)
        self.assertNotIn("keygen", text)
        self.assertEqual(self.tandem("tag", "--help").stdout, text)

    def test_what_is_not_known_is_named(self):
        for arguments, because in [((), "which command?"), (("shp",), "no command shp"), (("--json", "device", "list"), "options stand behind it"), (("tag",), "a second word"),
                                   (("tag", "sow"), "no command tag sow"), (("help", "nothing"), "no command nothing"),
                                   (("layout", LAYOUT, "--jsn"), "unknown option --jsn"),
                                   (("layout", LAYOUT, "-x"), "unknown option -x")]:
            self.refused(*arguments, because=because, code=USAGE)

    def test_arguments_and_options_are_counted(self):
        for arguments, because in [(("layout",), "an argument is missing"),
                                   (("layout", "a", "b"), "one argument too many: b"),
                                   (("layout", LAYOUT, "--json", "--json"), "given twice"),
                                   (("layout", LAYOUT, "--json=yes"), "takes no value"),
                                   (("tag", "create", "f", "--mcu"), "needs a value")]:
            self.refused(*arguments, because=because, code=USAGE)

    def test_options_stand_anywhere_and_take_their_value_either_way(self):
        self.tandem("tag", "create", "--mcu=1", "a", "--type", "t")
        self.tandem("tag", "create", "b", "--mcu", "1", "--type=t")
        self.assertEqual((self.folder / "a").read_bytes(), (self.folder / "b").read_bytes())

    def test_after_two_dashes_there_are_no_options(self):
        self.write("--odd", "no tag")
        self.tandem("tag", "show", "--", "--odd", code=FAILED)

    def test_output_that_can_t_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = self.tandem("layout", LAYOUT, stdout=full, code=FAILED)
        self.assertIn("standard output could not be written: No space left", done.stderr)


class Layout(TandemCase):
    def test_the_c_header_defines_what_the_file_says(self):
        text = self.tandem("layout", LAYOUT, "--c-header", code=OK).stdout
        layout = json.loads(LAYOUT.read_text())
        for name, value in [("BANK_B_ADDRESS", layout["banks"][1]["address"]),
                            ("KEYS_ADDRESS", layout["keys"]["address"])]:
            self.assertRegex(text, rf"#define LAYOUT_{name} +0x{int(value, 0):08X}u\n")

    def test_json_can_be_read_again(self):
        text = self.tandem("layout", LAYOUT, "--json").stdout
        self.write("again.json", text)
        self.assertEqual(self.tandem("layout", "again.json", "--json").stdout, text)

    def change(self, **values):
        layout = json.loads(LAYOUT.read_text())
        for path, value in values.items():
            *way, last = path.split("__")
            place = layout
            for step in way:
                place = place[int(step) if step.isdigit() else step]
            if value is None:
                del place[last]
            else:
                place[int(last) if last.isdigit() else last] = value
        return self.write("layout.json", json.dumps(layout))

    def test_a_layout_that_can_t_work_is_refused_with_the_reason(self):
        for change, because in [
                ({"name": ""}, '"name"'), ({"flash": None}, '"flash"'), ({"flash__bytes": -1}, '"bytes"'),
                ({"flash__bytes": "12x"}, '"bytes"'), ({"flash__program_bytes": 3}, "program_bytes"),
                ({"flash__program_bytes": 64}, "program_bytes"), ({"flash__erase_bytes": 4100}, "erase_bytes"),
                ({"record": []}, '"record"'), ({"banks__0__address": "0x21050000"}, "bank A and bank B overlap"),
                ({"banks__1__bytes": "0x1000000"}, "bank B"), ({"banks__0__address": "0x21010004"}, "erase units"),
                ({"record__1__bytes": 8192}, "one size"), ({"header_bytes": 512}, "header_bytes"),
                ({"keys__address": "0x2100E000"}, "keys and record unit 1 overlap"),
                ({"keys__address": "0x20000000"}, "not inside of the flash"),
                ({"keys__address": "0x21003000"}, "keys and bootloader overlap"),
                ({"flash__program_once": 1}, "program_once")]:
            with self.subTest(because):
                self.refused("layout", self.change(**change), because=because)

    def test_one_bank_and_no_bootloader_are_a_layout(self):
        layout = json.loads(LAYOUT.read_text())
        del layout["banks"][1], layout["bootloader"], layout["ram"]
        path = self.write("layout.json", json.dumps(layout))
        self.assertNotIn("bank B", self.tandem("layout", path).stdout)

    def test_what_is_not_json_is_said_with_its_line(self):
        self.write("bad.json", '{\n"name": }')
        self.refused("layout", "bad.json", because="bad.json: line 2")
        self.refused("layout", "none.json", because="none.json: can't be opened")


if __name__ == "__main__":
    unittest.main()
