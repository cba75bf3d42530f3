"""The flash table of a port: what include/tandem/flash.h and docs/PORTING.md promise of it. Part of contract.Port."""

import random
import time

FLASH_ERASE_FAILED, FLASH_PROGRAM_FAILED, FLASH_READ_FAILED = "-21", "-22", "-20"
FILL_BYTES, READ_BYTES, PIECE_BYTES = 4096, 256, 240
CUTS, TORN_CUTS = 8, 200
BANK_ERASE_SECONDS = 27  # 30 s are what a chunk may take, and a signature check is in it (include/tandem/mcu.h)
WATCHDOG_MS = 300


class Flash:
    # --- helpers ---

    @property
    def unit(self):
        return self.number("flash", "program_bytes")

    @property
    def page(self):
        return self.number("flash", "erase_bytes")

    def units(self, count, first=1):
        """So many program units, none of which is blank, and no two alike."""
        return bytes((first + at) * 37 & 0x7F for at in range(count * self.unit))

    def erase(self, address):
        self.assertEqual(self.probe.ask(f"erase {address:#x}"), "0", f"erasing the unit at {address:#x} failed")

    def program(self, address, data, result="0"):
        self.assertEqual(self.probe.ask(f"program {address:#x} {data.hex()}"), result, f"programming {len(data)} bytes at {address:#x}")

    def read(self, address, count):
        """The bytes, or None for an error."""
        answer = self.probe.ask(f"read {address:#x} {count}")
        if answer == FLASH_READ_FAILED:
            return None
        self.assertRegex(answer, f"^0 [0-9a-f]{{{2 * count}}}$", f"reading {count} bytes at {address:#x}: bytes, or TDM_E_FLASH_READ")
        return bytes.fromhex(answer[2:])

    def assert_reads(self, address, data, why):
        found = self.read(address, len(data))
        self.assertIsNotNone(found, f"{why}: {address:#x} can't be read")
        self.assertEqual(found.hex(), data.hex(), f"{why}: what {address:#x} reads as")

    def is_blank(self, address, count):
        answer = self.probe.ask(f"blank {address:#x} {count}")
        self.assertIn(answer, ("0", "1"), f"is_blank of {count} bytes at {address:#x}")
        return answer == "1"

    # --- erase and program ---

    def test_what_is_programmed_reads_back_and_survives_a_power_cut(self):
        self.erase(self.record)
        data = self.units(1)
        self.program(self.record, data)
        self.restart()
        self.assert_reads(self.record, data, "after a power cut")

    def test_erased_flash_reads_as_ff_at_once(self):
        """Also where it was read before: no cache may keep what an erase took away, and no erase may be answered early."""
        for address in (self.record, self.bank[0]):
            self.erase(address)
            self.program(address, self.units(1))
            self.assert_reads(address, self.units(1), "once it was programmed")
            self.erase(address)
            self.assert_reads(address, b"\xff" * READ_BYTES, "after an erase that was answered with 0")

    def test_any_number_of_units_goes_in_one_call_wherever_it_starts(self):
        """Over the end of a row of the part's page buffer, and from memory at an odd address."""
        count = PIECE_BYTES // self.unit
        for first in (0, 1, 3):
            start = self.bank[0] + first * self.unit
            self.erase(self.bank[0])
            self.program(start, self.units(count))
            self.assert_reads(start, self.units(count), f"{count} units in one call")
            behind = start + count * self.unit
            self.assertTrue(self.is_blank(behind, self.unit), f"{behind:#x}: behind what was programmed something was written, too")

    def test_a_bit_cannot_go_from_0_to_1_without_an_erase(self):
        def units(start):
            return (bytes.fromhex(start) * 4)[:max(self.unit, 8)]

        self.erase(self.record)
        self.program(self.record, units("00ff00ff00ff00ff"))
        self.program(self.record, units("01ff00ff00ff00ff"), FLASH_PROGRAM_FAILED)
        self.assert_reads(self.record, units("00ff00ff00ff00ff"), "after a request that was refused")
        if not self.layout["flash"].get("program_once"):
            self.program(self.record, units("000f00ff00ff0000"))
            self.assert_reads(self.record, units("000f00ff00ff0000"), "programmed twice")

    def test_programming_is_by_whole_program_units(self):
        if self.unit == 1:
            self.skipTest("a program unit is a byte")
        self.erase(self.record)
        half = self.unit // 2
        self.program(self.record + half, bytes(self.unit), FLASH_PROGRAM_FAILED)
        self.program(self.record, bytes(half), FLASH_PROGRAM_FAILED)
        self.program(self.record, bytes(self.unit + half), FLASH_PROGRAM_FAILED)
        self.assertTrue(self.is_blank(self.record, 2 * self.unit), "a request that was refused changed something")

    def test_an_erase_clears_one_unit_and_nothing_else(self):
        first, size = self.bank[0] + self.page, self.unit
        for page in range(3):
            self.erase(self.bank[0] + page * self.page)
        places = (self.bank[0], first - size, first, first + self.page // 2, first + self.page - size, first + self.page)
        for address in places:
            self.program(address, self.units(1))
        self.erase(first)
        self.assertTrue(self.is_blank(first, self.page), f"{first:#x}: the erase unit of {self.page} bytes is not blank after its erase")
        for address in (self.bank[0], first - size, first + self.page):
            self.assert_reads(address, self.units(1), "beside an erase unit that was erased")
        for address in (first + size, first + self.page // 2):
            self.assertEqual(self.probe.ask(f"erase {address:#x}"), FLASH_ERASE_FAILED, f"{address:#x} is not the start of an erase unit")

    def test_blank_is_said_of_what_is_blank_to_its_first_and_last_bit(self):
        unit, page = self.unit, self.page
        first, last = bytes(b"\xfe" + b"\xff" * (unit - 1)), bytes(b"\xff" * (unit - 1) + b"\x7f")
        self.erase(self.bank[0])
        self.erase(self.bank[0] + page)
        for at, data in ((unit, first), (3 * unit, last), (2 * page - unit, last)):
            self.program(self.bank[0] + at, data)
        blank = [self.is_blank(self.bank[0] + at * unit, unit) for at in range(5)]
        self.assertEqual(blank, [True, False, True, False, True], "units 1 and 3 are programmed, each in one bit")
        self.assertTrue(self.is_blank(self.bank[0] + page, page - unit))
        self.assertFalse(self.is_blank(self.bank[0] + 4 * unit, 2 * page - 4 * unit), "the last of these units is programmed")

    def test_the_last_bytes_of_each_region_are_within_reach(self):
        """A bank's header lies in its tail: a bound that is off by one ends updates."""
        for region in (*self.layout["record"], *self.layout["banks"]):
            end = int(str(region["address"]), 0) + int(str(region["bytes"]), 0)
            self.erase(end - self.page)
            self.program(end - self.unit, self.units(1))
            self.assert_reads(end - self.unit, self.units(1), f"the last unit below {end:#x}")
            self.erase(end - self.page)

    def test_nothing_outside_of_flash_can_be_read_or_written(self):
        start, size = self.number("flash", "address"), self.number("flash", "bytes")
        count = max(self.unit, 8)
        elsewhere = (start - count, 0) if start > 0 else ()
        for address in (*elsewhere, start + size - count // 2, start + size, 0x10000000, 2 ** 32 - count):
            self.assertIsNone(self.read(address, count), f"{address:#x} is outside of the flash, and was read")
            self.assertFalse(self.is_blank(address, count), f"{address:#x} is outside of the flash, and is told as blank")
            self.program(address, bytes(count), FLASH_PROGRAM_FAILED)
        for address in (start + size, start + size + self.page, 0xFFFFF000):
            self.assertEqual(self.probe.ask(f"erase {address:#x}"), FLASH_ERASE_FAILED, f"{address:#x} is outside of the flash")

    def test_bootloader_and_keys_cannot_be_overwritten(self):
        keys = self.number("keys", "address")
        last = keys - self.page  # of the bootloader, where it lies below the key page
        inside = "bootloader" in self.layout and self.number("bootloader", "address") <= last
        for address in (keys, *((last,) if inside else ())):
            self.assertEqual(self.probe.ask(f"erase {address:#x}"), FLASH_ERASE_FAILED, f"{address:#x} must not be erased")
            self.program(address, bytes(self.unit), FLASH_PROGRAM_FAILED)

    # --- time ---

    def test_a_bank_is_erased_in_the_time_that_an_update_has(self):
        pages = max(1, FILL_BYTES // self.page)
        started = time.monotonic()
        for at in range(pages):
            self.erase(self.bank[0] + at * self.page)
        seconds = (time.monotonic() - started) / pages * (self.number("banks", 0, "bytes") // self.page)
        self.assertLess(seconds, BANK_ERASE_SECONDS, f"a bank takes about {seconds:.0f} s to erase, {BANK_ERASE_SECONDS} s is what an update "
                        "has for it (docs/PORTING.md, Time): erase larger units at once, or make the banks smaller")

    def test_an_erase_that_is_longer_than_the_watchdogs_period_is_survived(self):
        self.need("watchdog")
        self.assertEqual(self.probe.ask(f"watchdog {WATCHDOG_MS}"), "ok")
        started = time.monotonic()
        answer = self.probe.ask(f"erase {self.bank[0]:#x}")
        self.assertEqual(answer, "0", f"an erase of {time.monotonic() - started:.1f} s with a watchdog of {WATCHDOG_MS} ms: board_flash's "
                         "erase must feed it where it takes longer than the period")

    # --- the power goes while it is written ---

    def cut_while_programming(self, answers):
        """Fills the start of bank A unit by unit, and cuts the power as soon as that many were answered; returns how many were."""
        for at in range(0, FILL_BYTES, self.page):
            self.erase(self.bank[0] + at)
        self.probe.send(f"fill {self.bank[0]:#x} {FILL_BYTES}\n".encode())
        answered = len(self.probe.exchange(b"", answers))
        self.cut_power()
        self.restore_power()
        return answered

    def read_units(self):
        """What each of the filled units reads as: bytes, or None for an error."""
        unit, units = self.unit, []
        for at in range(self.bank[0], self.bank[0] + FILL_BYTES, READ_BYTES):
            pieces = [self.read(at, READ_BYTES)]
            if pieces[0] is None:
                pieces = [self.read(at + i, unit) for i in range(0, READ_BYTES, unit)]
            for piece in pieces:
                units += [piece[i:i + unit] for i in range(0, len(piece), unit)] if piece else [None]
        return units

    def filled_units(self):
        """What `fill` writes, and what an erased unit reads as."""
        unit = self.unit
        data = bytes(at * 37 & 0x7F for at in range(FILL_BYTES))
        return [data[at:at + unit] for at in range(0, FILL_BYTES, unit)], bytes(b"\xff" * unit)

    def assert_only_one_is_torn(self, found, answered):
        """All that was answered is there, all behind the unit in flight is erased; returns that unit's number, or None."""
        wanted, blank = self.filled_units()
        odd = [i for i, unit in enumerate(found) if unit not in (wanted[i], blank)]
        self.assertLessEqual(len(odd), 1, f"only the unit in flight may be torn or unreadable after a power cut, not the units {odd[:20]}: "
                             "is an error flag of an earlier read cleared before the next?")
        begun = max([i + 1 for i, unit in enumerate(found) if unit != blank], default=0)
        self.assertGreaterEqual(begun, answered, "units that were answered are gone: is program answered before it is done?")
        self.assertEqual(found[:begun - 1], wanted[:begun - 1], "only the unit in flight may be torn")
        return odd[0] if odd else None

    def test_a_power_cut_loses_nothing_that_was_answered_and_touches_nothing_that_was_not_asked_for(self):
        moments = random.Random(1)
        for _ in range(CUTS):
            answered = self.cut_while_programming(moments.randrange(1, FILL_BYTES // self.unit))
            self.assert_only_one_is_torn(self.read_units(), answered)
        self.erase(self.bank[0])
        self.assertTrue(self.is_blank(self.bank[0], self.page))

    def test_a_torn_write_reads_as_bytes_or_as_an_error_and_never_as_a_fault(self):
        """Cuts until a unit is neither what it was nor what it was to become, and reads it."""
        self.need("torn write")
        moments = random.Random(2)
        for _ in range(TORN_CUTS):
            answered = self.cut_while_programming(moments.randrange(1, FILL_BYTES // self.unit))
            torn = self.assert_only_one_is_torn(self.read_units(), answered)
            if torn is not None:
                address = self.bank[0] + torn * self.unit
                self.assertFalse(self.is_blank(address, self.unit), f"{address:#x} is torn, and is told as blank")
                self.erase(address - address % self.page)
                self.assert_reads(address, b"\xff" * self.unit, "a torn unit, once erased")
                return
        self.skipTest(f"not checked here: torn write: {TORN_CUTS} cuts tore nothing")
