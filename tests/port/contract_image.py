"""The step from the bootloader into an image, with the probe in both places. Part of contract.Port."""

NO_VECTOR_TABLE = "-41"
PIECE_BYTES = 224


class Images:
    # --- what a class gives whose board can run an image ---

    def place_application(self):
        """Leaves probe-application in bank A; skips the test where there is none."""
        raise NotImplementedError

    def program_application(self, code):
        """Through the probe's own commands."""
        for at in range(0, len(code), self.page):
            self.erase(self.bank[0] + at)
        code += b"\xff" * (-len(code) % self.unit)
        for at in range(0, len(code), PIECE_BYTES):
            piece = code[at:at + PIECE_BYTES]
            if piece.strip(b"\xff"):
                self.program(self.bank[0] + at, piece)

    def jump(self):
        return self.probe.ask_and_wait_for_restart(f"jump {self.bank[0]:#x}")

    # --- who runs ---

    def test_the_bootloaders_place_is_no_bank(self):
        self.assertEqual(self.probe.ask("bank"), "none", "the probe in the bootloader's place: board_running_bank must say TDM_NO_BANK there")

    def test_an_image_starts_with_interrupts_that_work_and_knows_its_bank(self):
        self.place_application()
        self.probe.ask_and_wait_for_restart("reset no-link")
        self.assertEqual(self.probe.ask(f"check {self.bank[0]:#x}"), "0", "board_check_image refuses the probe in bank A")
        self.assertEqual(self.jump(), "no-link", "board_reset_cause in an image must be what the bootloader found")
        self.assertEqual(self.probe.ask("bank"), "0", "what runs in bank A must say 0: an update goes to the other one")
        self.assert_echo(3000)

    def test_a_crash_in_an_image_is_told_to_the_bootloader(self):
        self.place_application()
        self.jump()
        self.assertEqual(self.probe.ask_and_wait_for_restart("crash"), "fault")
        self.assertEqual(self.probe.ask("bank"), "none")

    def test_a_hang_in_an_image_is_told_to_the_bootloader(self):
        self.need("watchdog")
        self.place_application()
        self.jump()
        self.probe.ask("watchdog 300")
        self.assertEqual(self.probe.ask_and_wait_for_restart("hang"), "watchdog")

    def test_a_watchdog_started_by_the_bootloader_watches_the_image(self):
        self.need("watchdog")
        self.place_application()
        self.probe.ask("watchdog 1000")
        self.jump()
        self.probe.wait_ready()  # the probe there does not know of it and does not feed it
        self.assertEqual(self.probe.ask("cause"), "watchdog")

    # --- what may start ---

    def test_a_bank_that_is_erased_may_not_start(self):
        self.erase(self.bank[0])
        self.assertEqual(self.probe.ask(f"check {self.bank[0]:#x}"), NO_VECTOR_TABLE, "board_check_image takes erased flash for an image")

    def test_only_a_vector_table_of_its_own_bank_may_start(self):
        self.need("vector table")
        here, size = self.bank[-1], self.number("banks", len(self.bank) - 1, "bytes")

        def vector_table(stack, entry):
            self.erase(here)
            words = stack.to_bytes(4, "little") + entry.to_bytes(4, "little")
            self.program(here, words + b"\xff" * (-len(words) % self.unit))
            return self.probe.ask(f"check {here:#x}")

        ram, ram_bytes = self.number("ram", "address"), self.number("ram", "bytes")
        top, entry = ram + ram_bytes, here + 0x101
        self.assertEqual(vector_table(top, entry), "0")
        self.assertEqual(vector_table(ram + 8, entry), "0")
        for stack in (0xFFFFFFFF, ram, top + 8, top - 4, 0):
            self.assertEqual(vector_table(stack, entry), NO_VECTOR_TABLE, f"a stack pointer of {stack:#x} must be refused")
        elsewhere = (self.bank[0] + 0x101,) if len(self.bank) > 1 else ()
        for wrong in (*elsewhere, here + 0x100, here - 1, 0xFFFFFFFF, 1, here + size - self.number("header_bytes") + 1):
            self.assertEqual(vector_table(top, wrong), NO_VECTOR_TABLE, f"an entry of {wrong:#x} must be refused in the bank at {here:#x}")
        self.assertEqual(self.probe.ask(f"check {self.bank[0] + 2:#x}"), NO_VECTOR_TABLE)
