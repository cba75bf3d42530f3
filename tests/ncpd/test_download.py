#!/usr/bin/env python3
"""tandem-ncp's download against a server that misbehaves, and what it keeps on its disk. test_ncpd.py has the plain
cases.

TANDEM_BIN names the folder of the program."""

import email.utils
import json
import os
import queue
import resource
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import side_by_side  # noqa: E402
from fake_cloud import FileServer  # noqa: E402
from test_ncpd import FIRMWARE, SECONDS, Case  # noqa: E402

FAST = {"DownloadStallSeconds": 1, "DownloadAttempts": 2}


class DownloadCase(Case):
    def start(self, **options):
        self.start_mcu()
        self.start_ncp(settings=FAST, **options)
        self.wait_check_in()

    def failed(self, reason="download-failed"):
        report = self.wait_report("failed")
        self.assertEqual((report["leg"], report["reason"]), ("download", reason))
        self.assertIsNone(self.mcu.offer)

    def data(self, name):
        return Path(self.folder, "data", name)

    def nobodys_port(self):
        """One that is taken, so that nobody else listens there meanwhile, and at which nobody does."""
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server(DownloadCase):
    def test_a_file_that_changed_meanwhile_comes_whole(self):
        """Same URL, other file; the server heeds If-Range."""
        self.start()
        self.files.etag = '"first"'
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        port = self.files.port
        self.files.close()
        self.files = FileServer(FIRMWARE[::-1], port)
        self.addCleanup(self.files.close)
        self.files.etag = '"second"'
        self.assert_installed()
        self.assertEqual((self.files.ranges, self.files.if_ranges), (["bytes=15000-"], ['"first"']))

    def test_a_weak_tag_is_no_condition(self):
        self.start()
        self.files.etag = 'W/"first"'
        self.files.cut_after = [15_000]
        self.offer()
        self.assert_installed()
        self.assertEqual((self.files.ranges, self.files.if_ranges), ([None, "bytes=15000-"], [None, None]))

    def test_a_server_that_restarts_is_gone_on_with(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        port = self.files.port
        self.files.close()
        self.files = FileServer(FIRMWARE, port)
        self.addCleanup(self.files.close)
        self.assert_installed()
        self.assertEqual(self.files.ranges, ["bytes=15000-"])

    def test_one_that_stalls_is_cut_and_gone_on_with(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-"])

    def test_one_that_always_stalls_fails(self):
        self.start()
        self.files.cut_after = [0] * 9
        self.files.stall.set()
        self.offer()
        self.failed()
        self.assertEqual(len(self.files.ranges), 3)

    def test_one_that_is_cut_without_a_new_byte_fails(self):
        self.start()
        self.files.cut_after = [15_000, 0, 0, 0]
        self.offer()
        self.failed()
        self.assertEqual(self.files.ranges, [None] + ["bytes=15000-"] * 2)

    def test_one_that_is_cut_again_and_again_but_goes_on_arrives(self):
        self.start()
        self.files.cut_after = [10_000] * 3
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None] + [f"bytes={n}0000-" for n in (1, 2, 3)])

    def test_nobody_there_fails(self):
        self.start()
        self.offer(url=f"http://127.0.0.1:{self.nobodys_port()}/x")
        self.failed()

    def test_a_redirect_is_followed(self):
        self.start()
        self.files.statuses = [(302, {"Location": "/elsewhere?token=secret"})]
        self.offer()
        self.assert_installed()
        self.assertEqual(len(self.files.ranges), 2)

    def test_redirects_without_end_fail_at_once(self):
        self.start()
        self.files.every_status = (302, {"Location": "/dl/app-1.1.0.tdm"})
        self.offer()
        self.failed()
        self.assertEqual(len(self.files.ranges), 4)

    def test_a_redirect_to_what_is_no_http_fails_at_once(self):
        self.start()
        self.files.every_status = (302, {"Location": "file:///etc/passwd"})
        self.offer()
        self.failed()
        self.assertEqual(len(self.files.ranges), 1)

    def test_a_4xx_fails_at_once(self):
        for status in (400, 401, 403, 404, 410):
            with self.subTest(status):
                self.start()
                self.files.statuses, self.files.ranges = [status], []
                self.offer()
                self.failed()
                self.assertEqual(len(self.files.ranges), 1)
                self.ncp.stop()
                self.mcu.close()

    def test_a_5xx_without_end_fails(self):
        self.start()
        self.files.every_status = 500
        self.offer()
        self.failed()
        self.assertEqual(len(self.files.ranges), 3)

    def test_retry_after_is_heeded(self):
        for value in ("3", None):
            with self.subTest(value):
                value = value or email.utils.formatdate(time.time() + 6, usegmt=True)
                self.start()
                self.files.times.clear()
                self.files.statuses = [(503, {"Retry-After": value})]
                self.offer()
                self.assert_installed()
                self.assertGreaterEqual(self.files.times[1] - self.files.times[0], 2.0)
                self.ncp.stop()
                self.mcu.close()
                self.files.set_data(self.files.data[::-1])  # not the one that is here already

    def test_too_many_requests_is_no_refusal(self):
        self.start()
        self.files.statuses = [429]
        self.offer()
        self.assert_installed()

    def test_a_part_that_begins_elsewhere_is_not_taken(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.range_shift = 16
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-", None])

    def test_206_to_what_was_asked_for_whole_is_not_taken(self):
        self.start()
        self.files.always_partial = True
        self.offer()
        self.failed()
        self.assertEqual(self.files.ranges, [None] * 3)

    def test_an_answer_without_a_length_fails(self):
        self.start()
        self.files.chunked = True
        self.offer()
        self.failed()

    def test_an_answer_without_a_digest_fails(self):
        self.start()
        self.files.sha256 = "none"
        self.offer()
        self.failed("download-corrupt")

    def test_416_asks_for_the_whole(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.statuses = [None, 416]
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-", None])

    def test_a_new_offer_replaces_a_download(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        other = FileServer(FIRMWARE[::-1])
        self.addCleanup(other.close)
        self.files, first = other, self.files
        self.offer(ver="1.2.0")
        self.assert_installed("1.2.0")
        first.close()


class Disk(DownloadCase):
    def interrupt(self):
        """Kills the co-processor with 15,000 bytes of a download on the disk."""
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        self.ncp.kill()
        self.files.stall.clear()

    def restart(self, version="1.0.0"):
        self.start_ncp(settings=FAST)
        self.wait_check_in(version)

    def test_a_part_that_the_disk_damaged_comes_whole(self):
        self.start()
        self.interrupt()
        part = bytearray(self.data("download.part").read_bytes())
        part[5000:6000] = bytes(1000)
        self.data("download.part").write_bytes(part)
        self.restart()
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, "bytes=15000-", None])

    def test_a_part_that_grew_is_not_gone_on_with(self):
        self.start()
        self.interrupt()
        self.data("download.part").write_bytes(FIRMWARE + b"x")
        self.restart()
        self.offer()
        self.assert_installed()
        self.assertEqual(self.files.ranges, [None, None])

    def test_notes_that_are_garbage_are_ignored(self):
        self.start()
        self.interrupt()
        for garbage in (b"", b"{", b"[]", b'{"sha256":"00","size":-1}', b"\xff" * 5000):
            self.data("download.json").write_bytes(garbage)
            self.data("update.json").write_bytes(garbage)
            self.restart()
            self.ncp.stop()
        self.restart()
        self.offer()
        self.assert_installed()

    def test_a_folder_that_went_away_is_made_anew(self):
        self.start()
        shutil.rmtree(Path(self.folder, "data"))
        self.offer()
        self.assert_installed()
        self.assertTrue(self.data("firmware.bin").exists())

    def test_a_disk_that_goes_in_the_middle_ends_the_update_and_the_next_one_works(self):
        self.start()
        self.files.cut_after = [15_000]
        self.files.stall.set()
        self.offer()
        self.wait_report("downloading")
        shutil.rmtree(Path(self.folder, "data"))
        Path(self.folder, "data").write_text("not a folder")
        self.files.stall.clear()
        self.failed("no-space")
        os.unlink(Path(self.folder, "data"))
        self.offer()
        self.assert_installed()

    def test_a_file_that_is_gone_from_under_the_transfer_does_no_harm(self):
        """It is open: the name may go, the bytes stay."""
        self.start()
        self.offer()
        self.wait_event("offered")
        shutil.rmtree(Path(self.folder, "data"))
        self.assert_installed()

    def test_old_files_are_pruned_and_others_are_not(self):
        self.start()
        self.offer()
        self.assert_installed()
        self.ncp.stop()
        self.restart("1.1.0")
        self.assertTrue(self.data("firmware.bin").exists())
        self.ncp.stop()
        old = time.time() - 8 * 86400
        os.utime(self.data("firmware.bin"), (old, old))
        self.data("download.part").write_bytes(b"x")
        os.utime(self.data("download.part"), (old, old))
        self.restart("1.1.0")
        self.ncp.wait(lambda: not self.data("firmware.bin").exists(), "pruned")
        self.assertFalse(self.data("download.part").exists())


class Restart(DownloadCase):
    """The update is remembered."""

    def interrupt(self):
        self.start()
        self.mcu.hold_at = 10_000
        self.offer()
        self.wait_event("holding")
        self.ncp.kill()
        self.mcu.close()

    def test_it_goes_on_without_a_word_of_the_cloud(self):
        self.interrupt()
        self.start()
        self.assert_installed()
        self.assertEqual(len(self.files.ranges), 1)
        self.assertFalse(self.data("update.json").exists())

    def test_the_same_offer_again_changes_nothing(self):
        self.interrupt()
        self.start()
        self.offer()
        self.assert_installed()
        self.assertEqual(self.mcu.offers, 1)

    def test_a_file_that_the_disk_damaged_is_not_offered(self):
        self.interrupt()
        image = bytearray(self.data("firmware.bin").read_bytes())
        image[77] ^= 1
        self.data("firmware.bin").write_bytes(image)
        self.start()
        self.assertFalse(self.data("update.json").exists())
        self.offer()
        self.assert_installed()
        self.assertEqual(len(self.files.ranges), 2)

    def test_the_budget_runs_on(self):
        self.interrupt()
        note = json.loads(self.data("update.json").read_text())
        note["began"] -= 24 * 3600 - 2
        self.data("update.json").write_text(json.dumps(note))
        self.start_mcu()
        self.mcu.hold_at = 10_000
        self.start_ncp(settings=FAST)
        report = self.wait_report("failed")
        self.assertEqual((report["leg"], report["reason"]), ("uart", "expired"))
        self.assertFalse(self.data("update.json").exists())


class Prefetch(DownloadCase):
    """All results of otaUpdatePrefetch."""

    OK, GENERIC, CONNECT, REQUEST, TIMEOUT, NO_SPACE, WRITE, FINALIZE = range(1, 9)

    def prefetch(self):
        done = queue.Queue()
        self.mcu.todo.put(lambda: done.put(self.mcu.peer.call("blynk.otaUpdatePrefetch")))
        return done.get(timeout=SECONDS)

    def after(self, result, **offer):
        self.start()
        self.offer(**offer)
        self.wait_report("failed")
        self.assertEqual(self.prefetch(), result)

    def test_ok_when_the_file_is_here(self):
        self.start()
        self.mcu.prefetches = True
        self.offer()
        self.wait_event(f"prefetch {self.OK}")

    def test_ok_once_the_download_under_way_is_through(self):
        self.start()
        self.files.statuses = [503]
        self.offer()
        self.wait_report("received")
        self.assertEqual(self.prefetch(), self.OK)

    def test_generic_when_nothing_was_offered(self):
        self.start()
        self.assertEqual(self.prefetch(), self.GENERIC)

    def test_connect_failed(self):
        self.after(self.CONNECT, url=f"http://127.0.0.1:{self.nobodys_port()}/x")

    def test_request_failed(self):
        self.files.every_status = 404
        self.after(self.REQUEST)

    def test_download_timeout(self):
        self.files.cut_after = [0] * 9
        self.files.stall.set()
        self.after(self.TIMEOUT)

    def test_no_space(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

        self.start(preexec=limit)
        self.offer()
        self.failed("no-space")
        self.assertEqual(self.prefetch(), self.NO_SPACE)

    def test_write_failed(self):
        self.start()
        self.data("download.part").mkdir()
        self.offer()
        self.failed("no-space")
        self.assertEqual(self.prefetch(), self.WRITE)

    def test_finalize_failed(self):
        self.files.sha256 = "A" * 43 + "="
        self.after(self.FINALIZE)


if __name__ == "__main__":
    side_by_side.main()
