#!/usr/bin/env python3
"""tandem-ncp with a primary MCU as it is in the field: tests/python/field_driver.py, and the traps of
docs/PROTOCOL.md, section 9. Times are those of the protocol, so some tests wait for seconds.

TANDEM_BIN names the folder of the program."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import side_by_side  # noqa: E402
from fake_cloud import FileServer  # noqa: E402
from field_driver import FieldDriver, Firmware  # noqa: E402
from tandem_wire import open_pty  # noqa: E402
from test_ncpd import FIRMWARE, Case, Ncp  # noqa: E402

CHUNKS = -(-len(FIRMWARE) // 1024)


class Field(Case):
    def start_mcu(self, **options):
        self.mcu = FieldDriver(f"{self.folder}/uart", Firmware(**options))

    def assert_installed(self, version="1.1.0"):
        super().assert_installed(version)
        self.assertFalse(self.mcu.overran, "wrote behind the end of the MCU's buffer")
        self.assertEqual(self.mcu.short_chunks, [])

    def update(self, version="1.1.0", **faults):
        """Offers, and waits until the MCU runs it; faults as FieldDriver.faults, with _ for the space and the dot."""
        for kind, plan in faults.items():
            self.mcu.faults[kind.replace("__", ".").replace("_", " ")] = plan
        self.offer()
        self.assert_installed(version)
        self.assertFalse(any(self.mcu.faults.values()), "the fault that was planned never came")


class Driver(Field):
    """The driver as it is, on a good line."""

    def test_an_update_arrives_whole(self):
        self.start(unit=32)
        self.update()
        self.assertEqual([bytes_ for _, bytes_ in self.mcu.chunks[:-1]], [1024] * (CHUNKS - 1))
        self.assertIn(11, self.mcu.states)

    def test_one_that_does_not_escape_flow_control_is_understood(self):
        self.start(escapes_flow_control=False)
        self.update()
        self.assertEqual(len(self.mcu.chunks), CHUNKS)  # no answer was lost, whatever stood in it

    def test_an_mcu_that_erases_before_it_answers_gets_nothing_meanwhile(self):
        self.start(erase_seconds=6, hardware_bytes=0)
        self.update()
        self.assertEqual(self.mcu.lost_bytes, 0)
        self.assertEqual(len(self.mcu.chunks), CHUNKS)

    def test_one_that_starts_before_it_answers_the_offer_is_served(self):
        self.start(starts_in_offer=True)
        self.update()
        self.assertEqual(len(self.mcu.chunks), CHUNKS)

    def test_one_that_prefetches_is_told_that_the_file_is_here(self):
        self.start(prefetches=True)
        self.offer()
        self.wait_event("prefetch [1]")
        self.assert_installed()

    def test_a_small_buffer_is_never_overrun(self):
        self.start(chunk=128, room=256)
        self.offer(type="t" * 64, ver="v" * 64, build="b" * 64, url=self.files.url.replace("app-1.1.0", "n" * 60))
        self.assert_installed("v" * 64)
        self.assertLessEqual(self.mcu.longest, 255)
        self.assertEqual(self.mcu.offer[2:], ("t" * 64, "v" * 64, "b" * 64))

    def test_one_that_goes_on_writing_its_pins_is_updated_all_the_same(self):
        self.start(chatter=20)
        self.offer()
        self.assert_installed()
        self.assertEqual([offset for offset, _ in self.mcu.chunks].count(0), 1, "it was offered once")

    def test_noise_with_a_frame_in_it_costs_no_more_than_a_resend(self):
        self.start_mcu()
        self.mcu.noise = b"\x00boot 1.0\r\n\xaa\xbb\xaa\xcc\xcc\xbb\xaa"
        self.start_ncp()
        self.wait_check_in()
        self.update()


class Traps(Field):
    """docs/PROTOCOL.md, section 9, line by line; those that stand above or below are named there."""

    def test_an_empty_frame_is_ignored_and_never_sent(self):
        self.start()
        self.mcu.noise_between = lambda: b"\xaa\xbb"
        self.update()
        self.assertNotIn(b"\xaa\xbb", self.mcu.line.raw)

    def test_every_resend_is_preceded_by_a_resync(self):
        self.start()
        self.update(client__otaUpdateWrite=[None, "lose"])
        frames = bytes(self.mcu.line.raw).split(b"\xaa")
        chunks = [at for at, frame in enumerate(frames) if frame[:4] == b"\xbc\x67\x42\x04"]
        resent = [at for before, at in zip(chunks, chunks[1:]) if frames[at][4:6] == frames[before][4:6]]
        self.assertEqual(len(resent), 1, "one chunk went out again under its message id")
        self.assertTrue(frames[resent[0] - 1].endswith(b"\x01\xbb"), "01 END stands before it")

    def test_nothing_is_longer_than_1536_before_the_mcu_has_asked(self):
        self.start(prefetches=True)
        self.cloud.publish("downlink/ds/V1", b"x" * 1024)
        self.update()
        self.assertLessEqual(self.mcu.longest, 1536)

    def test_no_chunk_is_longer_than_asked_for(self):
        for chunk in (64, 100, 1024, 1520):
            with self.subTest(chunk):
                self.start(chunk=chunk, room=max(256, chunk + 17))
                self.offer()
                self.assert_installed()
                self.assertLessEqual(max(bytes_ for _, bytes_ in self.mcu.chunks), chunk)
                self.ncp.stop()
                self.mcu.close()

    def test_one_that_never_starts_is_offered_three_times_and_given_up(self):
        self.start_mcu(starts=False)
        self.start_ncp(settings={"StartLimitSeconds": 1})
        self.wait_check_in()
        self.offer()
        self.assertEqual(self.wait_report("failed")["reason"], "device-did-not-start")
        offered = []
        while not self.mcu.events.empty():
            offered.append(self.mcu.events.get())
        self.assertEqual((offered.count("offered"), offered.count("cancelled")), (3, 3))

    def test_a_prefetch_that_fails_stops_nothing(self):
        self.start(prefetches=True)
        self.mcu.faults["result blynk.otaUpdatePrefetch"] = ["flip"]  # no answer that it could read: 30 s
        self.offer()
        while self.mcu.events.get(timeout=60) != "prefetch None":
            pass
        self.assert_installed()

    def test_a_new_offer_during_an_update_waits_for_the_answer_that_is_due(self):
        self.start(write_seconds=3, slow_offset=10240, hardware_bytes=0)
        first = self.files
        self.offer()
        self.ncp.wait(lambda: any(offset == 10240 for offset, _ in self.mcu.chunks), "the slow chunk")
        self.files = FileServer(FIRMWARE[::-1])
        self.addCleanup(self.files.close)
        self.offer(ver="1.2.0")
        self.assert_installed("1.2.0")
        self.assertEqual(self.mcu.lost_bytes, 0, "something was sent while an answer was awaited")
        first.close()


class Losses(Field):
    def test_a_lost_answer_to_a_chunk_costs_no_new_offer(self):
        self.start()
        self.update(answer_client__otaUpdateWrite=[None, None, "lose"])
        self.assertEqual([offset for offset, _ in self.mcu.chunks].count(0), 1, "it was offered once")

    def test_an_answer_that_comes_late_counts(self):
        self.start(write_seconds=6, slow_offset=2048)
        self.update()
        self.assertEqual([offset for offset, _ in self.mcu.chunks].count(0), 1, "it was offered once")

    def test_frames_that_are_cut_short_go_out_again(self):
        self.start()
        self.update(client__otaUpdateWrite=[None, "cut", None, "no end", None, "no begin"])
        self.assertEqual([offset for offset, _ in self.mcu.chunks].count(0), 1, "it was offered once")

    def test_a_lost_offer_is_made_again(self):
        self.start()
        self.mcu.faults["client.otaUpdateAvailable"] = ["no end"]
        self.offer()
        self.wait_report("offered")
        self.mcu.events.get(timeout=1)  # initialized
        self.wait_event_within("offered", 30)
        self.assert_installed()

    def test_a_lost_answer_to_the_offer_does_no_harm(self):
        self.start()
        self.update(answer_client__otaUpdateAvailable=["lose"])

    def test_a_lost_answer_to_start_does_no_harm(self):
        self.start()
        self.update(result_blynk__otaUpdateStart=["lose"])

    def test_a_start_that_is_lost_is_offered_again_when_its_time_is_over(self):
        self.start_mcu()
        self.start_ncp(settings={"StartLimitSeconds": 1})
        self.wait_check_in()
        self.mcu.faults["call blynk.otaUpdateStart"] = ["lose"]
        self.offer()
        self.wait_event("cancelled")
        self.wait_event("offered")
        self.assert_installed()

    def test_a_digest_that_is_lost_costs_no_new_offer(self):
        self.start()
        self.update(result_blynk__otaUpdateGetCRC32=["lose"], call_blynk__otaUpdateGetCRC32=[None, "cut"])
        self.assertEqual([offset for offset, _ in self.mcu.chunks].count(0), 1, "it was offered once")

    def test_an_mcu_that_is_gone_before_its_last_answer_arrives_has_installed(self):
        for reboots_ncp in (False, True):
            with self.subTest(reboots_ncp=reboots_ncp):
                self.start(reboots_ncp=reboots_ncp)
                self.mcu.faults["answer client.otaUpdateFinish"] = ["lose"]
                self.offer()
                self.wait_report("installed")
                self.assert_installed()
                self.assertEqual([o for o, _ in self.mcu.chunks].count(0), 1)
                self.ncp.stop()
                self.mcu.close()

    def test_an_mcu_that_resets_in_the_middle_is_offered_the_update_anew(self):
        for reboots_ncp in (False, True):
            with self.subTest(reboots_ncp=reboots_ncp):
                self.start(reboots_ncp=reboots_ncp, resets_at=20480)
                self.offer()
                self.wait_event("reset")
                self.wait_event("initialized")
                self.wait_event("offered")
                self.assert_installed()
                self.ncp.stop()
                self.mcu.close()

    def wait_event_within(self, event, seconds):
        while self.mcu.events.get(timeout=seconds) != event:
            pass


class Tty(Field):
    """On a line with a rate: bytes at another one are lost."""

    def setUp(self):
        super().setUp()
        self.port, self.path = open_pty()
        self.addCleanup(self.port.close)

    def start_tty(self, **options):
        self.ncp = Ncp(self.folder, self.path, self.cloud.port)
        self.ncp.wait_log("open")
        self.mcu = FieldDriver(self.path, Firmware(**options), pty=self.port)
        self.addCleanup(self.mcu.close)
        self.wait_check_in()
        self.wait_event("initialized")

    def start_again(self):
        """The co-processor, as after a power cut of its own."""
        self.ncp.kill()
        self.ncp = Ncp(self.folder, self.path, self.cloud.port)

    def test_the_rate_is_raised_and_the_update_goes_over_it(self):
        self.start_tty()
        self.update()

    def test_an_mcu_that_resets_at_the_raised_rate_finds_it_again(self):
        for reboots_ncp in (False, True):
            with self.subTest(reboots_ncp=reboots_ncp):
                self.start_tty(reboots_ncp=reboots_ncp)
                self.mcu.reset()
                self.wait_event("reset")
                self.wait_event("initialized")
                self.mcu.close()
                self.ncp.stop()

    def test_one_that_polls_the_state_initializes_with_a_new_co_processor(self):
        self.start_tty(watch_seconds=0.2)
        self.start_again()
        self.wait_event("initialized")

    def test_one_that_only_pings_initializes_with_a_new_co_processor(self):
        self.start_tty(watch="ncp.ping", watch_seconds=0.2, rates=(38400,), target=38400)
        self.start_again()
        self.wait_event("initializes anew")
        self.wait_event("initialized")


if __name__ == "__main__":
    side_by_side.main()
