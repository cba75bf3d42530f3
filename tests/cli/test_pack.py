#!/usr/bin/env python3
"""tandem pack, inspect and verify, against tests/python/tandem_package.py (written from docs/PACKAGE.md), openssl,
and arm-none-eabi-gcc: what is packed and relocated must equal the program linked for the other address."""

import contextlib
import hashlib
import json
import os
import pty
import random
import resource
import shutil
import signal
import struct
import subprocess
import unittest
from pathlib import Path

from tandem_case import FAILED, OK, TANDEM, USAGE, TandemCase
from tandem_package import ANYWHERE, key_id, public_key, relocate, relocations_decode, signature_valid, tag_build

HERE = Path(__file__).resolve().parent
BANK_A, BANK_B = 0x08010000, 0x08050000
LOW_A, LOW_B = 0x4000, 0x24000
RAM = 0x20000000
TAG = tag_build("2.0.0", "pump", "Nov 22 2026 10:00:00", "1.3.2")


class Package:
    """A package file, cut up by the lengths in its envelope and head."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.magic, self.encoding, head, table, payload = struct.unpack_from("<4sxBHII", self.data)
        at = 64
        self.head, at = self.data[at:at + head], at + head
        self.signature, at = self.data[at:at + 64], at + 64
        self.table, at = self.data[at:at + table], at + table
        self.payload = self.data[at:]
        assert len(self.payload) == payload
        self.signer, tag_bytes, manifest_bytes = struct.unpack_from("<IHH", self.head, 8)
        self.tag = self.head[16:16 + tag_bytes]
        self.fields = {}
        at = 16 + tag_bytes
        while at < len(self.head):
            kind, length = self.head[at:at + 2]
            self.fields[kind] = self.head[at + 2:at + 2 + length]
            at += 2 + length
        assert at == 16 + tag_bytes + manifest_bytes == len(self.head)

    def number(self, kind):
        return struct.unpack("<I", self.fields[kind])[0]

    def sites(self):
        size, count = struct.unpack_from("<II", self.fields[6])
        assert size == len(self.table)
        return relocations_decode(self.table, len(self.payload), count)


class Bin(TandemCase):
    def setUp(self):
        super().setUp()
        self.key = self.keygen()
        self.image = struct.pack("<II", RAM + 0x1000, BANK_A + 9) + TAG + random.Random(7).randbytes(5003)
        self.write("app.bin", self.image)

    def pack(self, *options, source="app.bin", **more):
        return self.tandem("pack", source, "-o", "app.tdm", "--key", "key.pem", "--hardware", "board 1", *options, **more)

    def package(self):
        return Package(self.folder / "app.tdm")

    def test_every_byte_is_as_the_document_says(self):
        self.pack("--link-address", hex(BANK_A), "--counter", "7", "--revoke-slot", "1")
        package = self.package()
        self.assertEqual((package.magic, package.encoding), (b"TDMP", 0))
        self.assertEqual(package.payload, self.image)
        self.assertEqual(package.tag, TAG)
        self.assertEqual(package.signer, key_id(public_key(self.key)))
        nothing = hashlib.sha256(b"").digest()
        self.assertEqual(package.fields, {
            1: b"pump", 2: b"2.0.0", 3: b"Nov 22 2026 10:00:00", 4: b"board 1",
            5: struct.pack("<I", len(self.image)) + hashlib.sha256(self.image).digest(),
            6: struct.pack("<II", 0, 0) + nothing, 7: struct.pack("<I", 7), 8: struct.pack("<I", BANK_A),
            9: struct.pack("<I", 0), 10: b"\2"})

    def test_openssl_accepts_the_signature(self):
        self.pack("--link-address", hex(BANK_A))
        package = self.package()
        self.assertTrue(signature_valid(self.key, package.head, package.signature))
        self.assertFalse(signature_valid(self.key, package.head + b"x", package.signature))

    def test_packing_again_changes_nothing_but_the_signature(self):
        self.pack("--position-independent")
        first = self.package()
        self.pack("--position-independent")
        second = self.package()
        self.assertEqual(first.data[:64] + first.head + first.table + first.payload,
                         second.data[:64] + second.head + second.table + second.payload)
        self.assertEqual(first.number(8), ANYWHERE)

    def test_inspect_tells_every_field(self):
        self.pack("--link-address", hex(BANK_A), "--counter", "3")
        package = self.package()
        said = json.loads(self.tandem("inspect", "app.tdm", "--json").stdout)
        self.assertEqual(said, {
            "package_bytes": len(package.data), "encoding": "plain", "head_bytes": len(package.head),
            "payload_bytes": len(self.image), "type": "pump", "version": "2.0.0", "build": "Nov 22 2026 10:00:00",
            "hardware": "board 1", "image_bytes": len(self.image),
            "image_digest": hashlib.sha256(self.image).hexdigest(), "relocation_bytes": 0, "relocations": 0,
            "relocation_digest": hashlib.sha256(b"").hexdigest(), "counter": 3, "link_address": f"0x{BANK_A:08x}",
            "entry": "0x00000000", "revoked_keys": 0, "key_id": f"{key_id(public_key(self.key)):08x}",
            "signature": package.signature.hex(), "content": "ok"})
        self.assertIn("image digest", self.tandem("inspect", "app.tdm").stdout)

    def test_verify_accepts_it_with_the_right_key_among_two(self):
        self.keygen("other.pem")
        self.pack("--position-independent")
        said = json.loads(self.tandem("verify", "app.tdm", "--key", "other.pem.pub", "--key", "key.pem.pub",
                                      "--json").stdout)
        self.assertTrue(said["valid"])

    def test_a_package_revokes_any_slot_but_its_own(self):
        self.keygen("other.pem")
        ours, other = ("--key", "key.pem.pub"), ("--key", "other.pem.pub")
        for slot, good, bad in ((0, (*other, *ours), (*ours, *other)), (1, (*ours, *other), (*other, *ours))):
            self.pack("--position-independent", "--revoke-slot", slot)
            self.tandem("verify", "app.tdm", *good)
            self.refused("verify", "app.tdm", *bad, because="revoked")
        self.pack("--position-independent", "--revoke-slot", "2", code=USAGE)

    def test_verify_refuses_any_flipped_bit(self):
        self.pack("--position-independent")
        data = bytearray((self.folder / "app.tdm").read_bytes())
        places = list(range(0, 64, 7)) + list(range(64, len(data) - len(self.image), 11)) + [len(data) - 1]
        for place in places:
            bad = bytearray(data)
            bad[place] ^= 0x10
            self.write("bad.tdm", bytes(bad))
            done = self.tandem("verify", "bad.tdm", "--key", "key.pem.pub", code=FAILED)
            self.assertIn("bad.tdm: not a valid package", done.stderr)

    def test_verify_refuses_any_other_length(self):
        self.pack("--position-independent")
        data = (self.folder / "app.tdm").read_bytes()
        for length in [0, 1, 63, 64, 65, 200, len(data) - 1, len(data) + 1]:
            self.write("bad.tdm", (data + b"\0")[:length])
            for command in (("inspect", "bad.tdm"), ("verify", "bad.tdm", "--key", "key.pem.pub")):
                self.refused(*command, because="not a valid package")

    def test_verify_says_in_json_why_not(self):
        self.keygen("other.pem")
        self.pack("--position-independent")
        done = self.tandem("verify", "app.tdm", "--key", "other.pem.pub", "--json", code=FAILED)
        said = json.loads(done.stdout)
        self.assertEqual((said["valid"], said["error"]), (False, "E_KEY"))
        self.assertIn("tandem inspect", done.stderr)

    def test_the_image_s_tag_and_the_options_must_agree(self):
        for option, value in (("--version", "2.0.1"), ("--type", "fan"), ("--build", "today")):
            done = self.pack("--position-independent", option, value, code=FAILED)
            self.assertIn("differs from the firmware tag", done.stderr)
        self.pack("--position-independent", "--version", "2.0.0", "--type", "pump", code=OK)

    def test_an_image_without_a_tag_needs_the_options(self):
        self.write("bare.bin", bytes(64))
        done = self.pack("--position-independent", source="bare.bin", code=USAGE)
        self.assertIn("holds no firmware tag", done.stderr)
        done = self.pack("--position-independent", "--version", "1", "--type", "pump", source="bare.bin")
        self.assertIn("warning", done.stderr)
        self.assertEqual(self.package().tag, tag_build("1", "pump"))

    def test_values_that_can_t_stand_in_a_package_are_refused(self):
        self.write("bare.bin", bytes(64))
        for version, hardware in (("1.0+7", "b"), ("", "b"), ("x" * 65, "b"), ("1", ""), ("1", "b" * 33), ("1", "a\nb")):
            self.tandem("pack", "bare.bin", "-o", "app.tdm", "--key", "key.pem", "--hardware", hardware, "--version",
                        version, "--type", "pump", "--position-independent", code=USAGE if version in
                        ("", "x" * 65) or hardware in ("", "b" * 33) else FAILED)
        self.assertFalse((self.folder / "app.tdm").exists())

    def test_a_bin_must_say_where_it_runs(self):
        self.assertIn("does not say where it runs", self.pack(code=USAGE).stderr)
        self.pack("--position-independent", "--link-address", "0", code=USAGE)
        self.pack("--link-address", "0x1G", code=USAGE)
        self.pack("--link-address", "0x100000000", code=USAGE)

    def test_a_package_is_not_packed_again(self):
        self.write("packed.tdm", b"TDMP" + bytes(400))
        self.refused("pack", "packed.tdm", "-o", "again.tdm", "--key", "key.pem", "--hardware", "b", "--type", "t", "--version",
                     "1", "--position-independent", because="packed.tdm: a package already")
        self.assertFalse((self.folder / "again.tdm").exists())

    def test_text_and_containers_of_an_image_are_not_taken_for_it(self):
        """What objcopy -O ihex and -O srec write, and UF2, would be signed as if it were code."""
        self.write("app.uf2", b"UF2\n\x57\x51\x5d\x9e" + bytes(500) + b"\x30\x6f\xb1\x0a")
        for kind in ("ihex", "srec"):
            subprocess.run(["objcopy", "-I", "binary", "-O", kind, self.folder / "app.bin", self.folder / f"app.{kind}"], check=True)
        for name, kind in (("app.ihex", "Intel HEX"), ("app.srec", "S-record"), ("app.uf2", "UF2")):
            self.refused("pack", name, "-o", "app.tdm", "--key", "key.pem", "--hardware", "b", "--type", "t", "--version", "1",
                         "--position-independent", because=f"{name}: {kind}")
        self.assertFalse((self.folder / "app.tdm").exists())

    def test_an_incomplete_tag_is_refused_by_what_it_lacks(self):
        for pairs, lacks in (({"mcu": "1.0"}, "fw-type"), ({"fw-type": "pump", "build": "x"}, "mcu")):
            tag = b"blnkinf\0" + b"".join(f"{key}\0{value}\0".encode() for key, value in pairs.items()) + b"\0"
            self.write("half.bin", bytes(64) + tag)
            for options in ((), ("--type", "pump", "--version", "1.0")):
                done = self.pack("--position-independent", *options, source="half.bin", code=FAILED)
                self.assertIn(f"half.bin: its firmware tag has no {lacks}", done.stderr)

    def test_a_vector_table_that_can_t_start_is_refused(self):
        self.assertIn("reset vector", self.pack("--link-address", hex(BANK_B), code=FAILED).stderr)
        self.assertIn("--entry", self.pack("--position-independent", "--entry", "2", code=FAILED).stderr)
        self.assertIn("--entry", self.pack("--position-independent", "--entry", "5100", code=FAILED).stderr)

    def test_the_wrong_kind_of_key_is_named(self):
        options = ("--hardware", "b", "--position-independent", "-o", "app.tdm")
        openssl = ["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", str(self.folder / "p384.pem")]
        subprocess.run(openssl, check=True)
        self.write("text.pem", "hello")
        for key, because in (("key.pem.pub", "a public key, and signing needs the private one"),
                             ("p384.pem", "another kind of key"), ("text.pem", "no private key"),
                             ("none.pem", "none.pem: can't be opened")):
            self.refused("pack", "app.bin", "--key", key, *options, because=because)
        self.pack("--position-independent")
        for key, because in (("key.pem", "a private key; give the public one"), ("text.pem", "no public key")):
            self.refused("verify", "app.tdm", "--key", key, because=because)

    def keep_under_a_passphrase(self):
        """The key as two tools keep it: PKCS #8, and the form of before."""
        for name, how in (("new.pem", ("pkcs8", "-topk8")), ("old.pem", ("ec", "-aes128"))):
            subprocess.run(["openssl", *how, "-in", self.key, "-passout", "pass:open sesame", "-out", self.folder / name], check=True,
                           capture_output=True)
            yield name

    def test_a_key_under_a_passphrase_is_told_from_one_that_is_none(self):
        for name in self.keep_under_a_passphrase():
            done = self.refused("pack", "app.bin", "--key", name, "--hardware", "b", "--position-independent", "-o", "app.tdm",
                                because=f"{name}: is kept under a passphrase, and there is no terminal", start_new_session=True)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def pack_at_a_terminal(self, key, answer):
        """Status, and what stood on the terminal."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execv(TANDEM, [TANDEM, "pack", "app.bin", "--key", key, "--hardware", "b", "--position-independent", "-o", "app.tdm"])
        said = b""
        while b"pass phrase" not in said:
            said += os.read(terminal, 1000)
        os.write(terminal, answer + b"\n")
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(terminal, 1000):
                said += piece
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode()

    def test_a_passphrase_is_asked_for_once_at_a_terminal(self):
        for name in self.keep_under_a_passphrase():
            status, said = self.pack_at_a_terminal(name, b"guess")
            self.assertEqual((status, said.count("pass phrase")), (FAILED, 1), said)
            self.assertIn(f"{name}: that is not its passphrase", said)
            self.assertFalse((self.folder / "app.tdm").exists())
            self.assertEqual(self.pack_at_a_terminal(name, b"open sesame")[0], OK)
            self.tandem("verify", "app.tdm", "--key", "key.pem.pub")
            (self.folder / "app.tdm").unlink()

    def test_keys_with_line_ends_of_windows_are_read(self):
        for name in ("key.pem", "key.pem.pub"):
            self.write(name, (self.folder / name).read_bytes().replace(b"\n", b"\r\n"))
        self.pack("--position-independent")
        self.tandem("verify", "app.tdm", "--key", "key.pem.pub")

    def test_a_second_tag_that_says_something_else_is_warned_of(self):
        self.write("app.bin", self.image + TAG)
        self.assertEqual(self.pack("--position-independent").stderr, "")
        self.write("app.bin", self.image + tag_build("2.0.1", "pump"))
        warning = self.pack("--position-independent").stderr
        self.assertIn("app.bin holds two firmware tags: type pump, version 2.0.0", warning)
        self.assertIn("version 2.0.1 at", warning)
        self.assertEqual(self.package().tag, TAG)

    def test_an_empty_name_of_a_file_is_told_as_that(self):
        for options in (("app.bin", "-o", "", "--key", "key.pem"), ("app.bin", "-o", "app.tdm", "--key", ""),
                        ("", "-o", "app.tdm", "--key", "key.pem")):
            self.refused("pack", *options, "--hardware", "b", "--position-independent", because="the name of a file is empty")

    def test_a_key_that_others_can_read_is_warned_of(self):
        os.chmod(self.key, 0o644)
        self.assertIn("chmod 600", self.pack("--position-independent").stderr)

    def test_a_full_disk_leaves_the_old_package_and_no_rest(self):
        self.pack("--position-independent")
        before = sorted(path.name for path in self.folder.iterdir()), self.package().data
        self.write("app.bin", self.image + b"more")

        def small_disk():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        done = self.pack("--position-independent", code=FAILED, preexec_fn=small_disk, restore_signals=False)
        self.assertIn("app.tdm: can't be written: File too large", done.stderr)
        self.assertEqual((sorted(path.name for path in self.folder.iterdir()), self.package().data), before)
        done = self.tandem("pack", "app.bin", "-o", "/dev/full", "--key", "key.pem", "--hardware", "b",
                           "--position-independent", code=FAILED)
        self.assertIn("/dev/full: can't be written: No space left", done.stderr)

    def test_no_output_is_written_over_what_was_read(self):
        self.pack("--position-independent")
        (self.folder / "link.pem").hardlink_to(self.key)
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        made = ("--key", "key.pem", "--hardware", "b", "--position-independent")
        for arguments in [("pack", "app.bin", *made, "-o", "app.bin"), ("pack", "app.bin", *made, "-o", "./key.pem"),
                          ("pack", "app.bin", *made, "-o", "link.pem"), ("encode", "app.tdm", "-o", "app.tdm"),
                          ("tag", "extract", "app.bin", "app.bin")]:
            self.refused(*arguments, because=f"{arguments[-1]}: is one of the files to read")
        self.assertEqual({path.name: path.read_bytes() for path in self.folder.iterdir()}, before)

    def test_damaged_elf_files_are_refused(self):
        self.write("app.elf", b"\x7fELF" + bytes(100))
        self.assertIn("not a", self.pack(source="app.elf", code=FAILED).stderr)


signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


@unittest.skipUnless(shutil.which("arm-none-eabi-gcc"), "arm-none-eabi-gcc is not installed (see tools/deps)")
class Elf(TandemCase):
    def setUp(self):
        super().setUp()
        self.key = self.keygen()

    def link(self, name, base, *flags, source=None, cpu="cortex-m3", ram=RAM, emit=True):
        """Compiles and links for an address; returns the image as objcopy writes it."""
        flags = flags or ("-Os",)
        emit_relocs = ["-Wl,--emit-relocs"] if emit else []
        done = subprocess.run(
            ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", *flags, "-o", name, source or str(HERE / "newlib_app.c"),
             "-nostartfiles", "-T", str(HERE / "newlib_app.ld"), f"-Wl,--defsym=FLASH_BASE={base}",
             f"-Wl,--defsym=RAM_BASE={ram}", *emit_relocs, "--specs=nano.specs", "--specs=nosys.specs",
             "-u", "_printf_float", "-lm"], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "--gap-fill", "0xff", name, name + ".bin"],
                       cwd=self.folder, check=True)
        return (self.folder / (name + ".bin")).read_bytes()

    def pack(self, name, *options, **more):
        return self.tandem("pack", name, "-o", "app.tdm", "--key", "key.pem", "--hardware", "test", *options, **more)

    def package(self):
        return Package(self.folder / "app.tdm")

    def check_relocates(self, cpu, *flags):
        first = self.link("a.elf", BANK_A, *flags, cpu=cpu)
        second = self.link("b.elf", BANK_B, *flags, cpu=cpu)
        self.pack("a.elf", "--check-with", "b.elf")
        package = self.package()
        self.assertEqual(package.payload, first)
        self.assertEqual(package.number(8), BANK_A)
        self.assertGreater(len(package.sites()), 100)
        self.assertEqual(relocate(first, package.sites(), BANK_B - BANK_A), second)
        self.tandem("verify", "app.tdm", "--key", "key.pem.pub")
        veneers = subprocess.run(["arm-none-eabi-nm", "a.elf"], cwd=self.folder, capture_output=True, text=True,
                                 check=True).stdout
        self.assertIn("__puts_veneer", veneers)

    def test_cortex_m0_small(self):
        self.check_relocates("cortex-m0", "-Os", "-ffunction-sections", "-Wl,--gc-sections")

    def test_cortex_m3_small(self):
        self.check_relocates("cortex-m3", "-Os")

    def test_cortex_m3_fast_with_lto(self):
        self.check_relocates("cortex-m3", "-O2", "-flto", "-g")

    def test_cortex_m4_fast(self):
        self.check_relocates("cortex-m4", "-O2", "-g")

    def unwinding(self, text):
        """A program with an unwind table, whose equal entries the linker merges."""
        functions = "".join(f"int unwound{i}(int x); int unwound{i}(int x) {{ return puts(names[x % 3]) + x * {i}; }}\n"
                            for i in range(40))
        calls = " + ".join(f"unwound{i}(1)" for i in range(40))
        return self.write("unwind.c", text.replace("int main(void)\n{", functions + "int main(void)\n{\n    volatile int sum = "
                                                   + calls + ";\n    (void)sum;"))

    def test_unwind_tables_that_the_linker_merged(self):
        source = self.unwinding((HERE / "newlib_app.c").read_text().replace('section(".ramfunc"), ', ""))
        for flags in (("-Os", "-fexceptions"), ("-O2", "-funwind-tables", "-ffunction-sections")):
            with self.subTest(flags):
                first = self.link("a.elf", BANK_A, *flags, source=str(source))
                second = self.link("b.elf", BANK_B, *flags, source=str(source))
                self.pack("a.elf", "--check-with", "b.elf")
                self.assertEqual(relocate(first, self.package().sites(), BANK_B - BANK_A), second)

    def test_an_unwind_table_that_names_code_in_ram_is_refused(self):
        source = self.unwinding((HERE / "newlib_app.c").read_text())
        self.link("a.elf", BANK_A, "-Os", "-fexceptions", source=str(source))
        self.assertIn("-fno-unwind-tables", self.pack("a.elf", code=FAILED).stderr)

    def test_a_number_is_told_from_an_address_by_the_second_link(self):
        first = self.link("a.elf", LOW_A)
        second = self.link("b.elf", LOW_B)
        done = self.pack("a.elf", code=FAILED)
        self.assertIn("load_of_data: an absolute symbol that could be an address or a number", done.stderr)
        self.assertIn("a_number", done.stderr)
        self.pack("a.elf", "--check-with", "b.elf")
        self.assertEqual(relocate(first, self.package().sites(), LOW_B - LOW_A), second)

    def test_another_program_does_not_pass_the_check(self):
        self.link("a.elf", BANK_A)
        self.link("b.elf", BANK_B, "-O1")
        self.assertIn("b.elf", self.pack("a.elf", "--check-with", "b.elf", code=FAILED).stderr)
        self.assertIn("another address", self.pack("a.elf", "--check-with", "a.elf", code=FAILED).stderr)

    def test_the_tag_comes_from_the_image(self):
        self.link("a.elf", BANK_A)
        self.pack("a.elf")
        package = self.package()
        self.assertEqual((package.fields[1], package.fields[2], package.fields[3]),
                         (b"newlib", b"1.1.0", b"Nov 22 2026 10:00:00"))
        self.assertEqual(package.tag, tag_build("1.1.0", "newlib", "Nov 22 2026 10:00:00", "1.3.2"))

    def test_a_program_without_relocations_is_fixed_or_refused(self):
        self.link("a.elf", BANK_A, emit=False)
        self.assertIn("--emit-relocs", self.pack("a.elf", code=FAILED).stderr)
        self.pack("a.elf", "--fixed")
        self.assertEqual((self.package().table, self.package().number(8)), (b"", BANK_A))

    def refused_source(self, text, because, *flags, **more):
        path = self.write("bad.c", (HERE / "newlib_app.c").read_text() + text)
        self.link("bad.elf", BANK_A if "base" not in more else more.pop("base"), *(flags or ("-Os",)), source=str(path),
                  **more)
        done = self.pack("bad.elf", code=FAILED)
        for part in because:
            self.assertIn(part, done.stderr)
        self.assertFalse((self.folder / "app.tdm").exists())

    def test_addresses_in_two_instructions_are_refused_by_name(self):
        self.refused_source("", ["R_ARM_THM_MOVW_ABS_NC to load_of_data", "-mword-relocations"], "-Os", "-mslow-flash-data")
        self.refused_source('__attribute__((used)) void *half(void) { void *p; __asm__("movw %0, #:lower16:main\\n'
                            'movt %0, #:upper16:main" : "=r"(p)); return p; }',
                            ["R_ARM_THM_MOVW_ABS_NC to main", "R_ARM_THM_MOVT_ABS to main"])

    def test_a_pointer_in_a_packed_structure_is_refused_by_name(self):
        self.refused_source('__attribute__((used, section(".rodata.odd"))) const struct __attribute__((packed)) {'
                            'char a; const void *p; } odd = {1, main};', ["R_ARM_ABS32 to main", "packed"])

    def test_a_direct_call_between_flash_and_ram_is_refused_by_name(self):
        self.refused_source("", ["long_call"], base=RAM - 0x100000)

    def test_an_elf_file_cut_anywhere_is_refused(self):
        self.link("a.elf", BANK_A)
        data = (self.folder / "a.elf").read_bytes()
        lengths = [4, 16, 51, 52, 53, 84, 4096, 70000] + [len(data) * i // 12 for i in range(1, 12)] + [len(data) - 1]
        for length in lengths:
            self.write("cut.elf", data[:length])
            done = self.pack("cut.elf", code=FAILED)
            self.assertIn("cut.elf", done.stderr)
        self.assertFalse((self.folder / "app.tdm").exists())

    def test_objects_and_foreign_programs_are_refused(self):
        subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-c", str(HERE / "newlib_app.c"), "-o",
                        "a.o"], cwd=self.folder, check=True)
        self.assertIn("not a linked program", self.pack("a.o", code=FAILED).stderr)
        shutil.copy("/bin/true", self.folder / "true.elf")
        self.assertIn("not a 32-bit little-endian ARM program", self.pack("true.elf", code=FAILED).stderr)

    def test_link_address_is_not_for_elf_files(self):
        self.link("a.elf", BANK_A)
        self.pack("a.elf", "--link-address", "0", code=USAGE)


if __name__ == "__main__":
    unittest.main()
