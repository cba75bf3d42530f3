#!/usr/bin/env python3
"""Deltas that the server makes: what fits a device, how one comes about, and everything that may go wrong on the
way, which must end in the plain package.

Run by ctest, or by hand:  tests/cloud/server/test_deltas.py [TestName]"""

import contextlib
import hashlib
import http.client
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))
import server as s  # noqa: E402
import s3_stand_in  # noqa: E402
import tandem_package as package  # noqa: E402
from postgres import Postgres  # noqa: E402

BOTH = ["compressed", "delta"]
KEY_ID = 0x11223344


def image_of(seed, size=40_000):
    """Bytes that compress about as code does."""
    draw = random.Random(seed)
    words = [draw.randbytes(draw.randint(2, 12)) for _ in range(400)]
    return b"".join(draw.choices(words, k=size // 4))[:size]


def changed(image, seed, spots=12):
    """As the next version of it: some bytes differ, some are new."""
    draw = random.Random(seed)
    new = bytearray(image)
    for _ in range(spots):
        new[draw.randrange(len(new))] ^= 1 + draw.randrange(255)
    return bytes(new) + draw.randbytes(60)


def pack(image, version, kind="pump", hardware="board-1"):
    firmware = package.Firmware(kind=kind, version=version, build="", hardware=hardware, image=image, counter=1,
                                link_address=package.ANYWHERE)
    return package.package_build(firmware, package.head_of(firmware, KEY_ID), bytes(64))


def digest_of(image):
    return hashlib.sha256(image).hexdigest()


class Envelope:
    def __init__(self, data):
        (magic, self.version, self.encoding, self.head_bytes, self.relocation_bytes,
         self.payload_bytes) = struct.unpack_from("<4sBBHII", data)
        assert magic == b"TDMP"
        self.base = data[28:60]
        self.signed = data[64:64 + self.head_bytes + 64 + self.relocation_bytes]
        assert len(data) == 64 + len(self.signed) + self.payload_bytes, "the file is as long as it says"


class DeltaCase(unittest.TestCase):
    options = ()
    environment = None

    def setUp(self):
        self.server = s.Server(*self.options, environment=self.environment)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.devices = []

    def start_device(self, image, version="1.0.0", decodes=BOTH, **report):
        device = self.server.add_device()
        self.devices.append(device)
        return self.connect(device, image, version, decodes, **report)

    def connect(self, device, image, version="1.0.0", decodes=BOTH, state="confirmed"):
        connection = s.Device(self.server, device["token"])
        self.addCleanup(connection.close)
        told = {"decodes": decodes} if decodes is not None else {}
        connection.report(stage="device", event="started", state=state, reason="none", hardware="board-1",
                          digest=digest_of(image) if image else "", about="", counter=1, **told)
        connection.check_in(version)
        return connection

    def fetch(self, offer):
        """The file of an offer, checked as a co-processor does."""
        url = urlsplit(offer["url"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=s.LIMIT)
        connection.request("GET", f"{url.path}?{url.query}")
        answer = s.Answer(connection.getresponse())
        connection.close()
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(answer.body), offer["size"])
        self.assertEqual(answer.headers["x-sha256"], s.digest_header(answer.body))
        return answer.body

    def forms(self, firmware):
        return self.server.get(f"/api/v1/firmware/{firmware['id']}/deltas")["deltas"]

    def wait_form(self, firmware, state):
        return s.wait_for(f"a form is {state}",
                          lambda: next((form for form in self.forms(firmware) if form["state"] == state), None))

    def assert_form(self, target, encoding, data, plain):
        self.assertEqual((target["encoding"], target["bytes_sent"], target["bytes_full"]),
                         (encoding, len(data), len(plain)))

    def metric(self, name):
        answer = self.server.ask("GET", "/metrics")
        return float(re.search(rf"^{re.escape(name)} (\S+)$", answer.body.decode(), re.MULTILINE).group(1))


class Made(DeltaCase):
    def setUp(self):
        super().setUp()
        self.old_image = image_of(1)
        self.new_image = changed(self.old_image, 2)
        self.old, self.new = pack(self.old_image, "1.0.0"), pack(self.new_image, "1.1.0")

    def test_a_device_that_decodes_gets_the_difference_to_what_it_runs(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        device = self.start_device(self.old_image)
        shipment = self.server.ship(firmware)
        offer = device.offer()
        data = self.fetch(offer)
        self.assertLess(len(data), len(self.new) / 10)
        sent, plain = Envelope(data), Envelope(self.new)
        self.assertEqual((sent.encoding, sent.base.hex()), (1, digest_of(self.old_image)))
        self.assertEqual(sent.signed, plain.signed, "head, signature and table are those that were uploaded")
        self.assert_form(self.server.target(shipment), "delta", data, self.new)
        form, = self.forms(firmware)
        self.assertEqual((form["encoding"], form["base"], form["base_version"], form["state"], form["size"], form["sha256"]),
                         ("delta", digest_of(self.old_image), "1.0.0", "ready", len(data),
                          hashlib.sha256(data).hexdigest()))
        timeline = self.server.device(self.devices[0])["timeline"]
        self.assertTrue(any(f"delta: {len(data)} bytes instead of {len(self.new)}" in entry["text"] for entry in timeline))

    def test_it_is_made_once_and_serves_every_device_with_that_base(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        devices = [self.start_device(self.old_image) for _ in range(3)]
        self.server.ship(firmware)
        offers = [device.offer() for device in devices]
        late = self.start_device(self.old_image)
        self.assertEqual({offer["size"] for offer in offers}, {late.offer()["size"]})
        self.assertEqual(self.metric('tandem_deltas_made_total{result="ready"}'), 1)
        self.assertEqual(self.metric('tandem_offers_total{encoding="delta"}'), 4)
        self.assertEqual(self.metric("tandem_offer_bytes_saved_total"),
                         4 * (len(self.new) - offers[0]["size"]))
        self.assertEqual(self.metric("tandem_deltas_bytes"), offers[0]["size"])


class Chosen(DeltaCase):
    """Devices that get the package as it was uploaded, or compressed."""

    def setUp(self):
        super().setUp()
        self.old_image = image_of(3)
        self.old, self.new = pack(self.old_image, "1.0.0"), pack(changed(self.old_image, 4), "1.1.0")

    def test_without_a_known_base_it_is_compressed(self):
        firmware = self.server.upload(self.new)  # and of what runs no package
        device = self.start_device(self.old_image)
        shipment = self.server.ship(firmware)
        data = self.fetch(device.offer())
        sent = Envelope(data)
        self.assertEqual((sent.encoding, sent.base, sent.signed), (1, bytes(32), Envelope(self.new).signed))
        self.assert_form(self.server.target(shipment), "compressed", data, self.new)

    def test_a_device_that_does_not_say_that_it_decodes_gets_it_plain_at_once(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        device = self.start_device(self.old_image, decodes=None)
        shipment = self.server.ship(firmware)
        self.assertEqual(self.fetch(device.offer()), self.new)
        self.assert_form(self.server.target(shipment), "plain", self.new, self.new)
        self.assertEqual(self.forms(firmware), [])

    def test_what_is_hardly_smaller_is_not_sent(self):
        noise = pack(random.Random(5).randbytes(30_000), "1.2.0")
        self.server.upload(self.old)
        firmware = self.server.upload(noise)
        device = self.start_device(self.old_image)
        shipment = self.server.ship(firmware)
        self.assertEqual(self.fetch(device.offer()), noise)
        self.assertEqual({(form["encoding"], form["state"]) for form in self.forms(firmware)},
                         {("delta", "no-gain"), ("compressed", "no-gain")})
        self.assertEqual(self.server.target(shipment)["encoding"], "plain")

    def test_what_was_uploaded_encoded_is_sent_as_it_is(self):
        self.server.upload(self.old)
        plain = self.server.upload(self.new)
        first = self.start_device(self.old_image)
        before = self.server.ship(plain)
        made = self.fetch(first.offer())
        self.server.post(f"/api/v1/shipments/{before['id']}/cancel")
        firmware = self.server.upload(made)
        device = self.start_device(self.old_image, decodes=None)
        shipment = self.server.ship(firmware, devices=[self.devices[-1]["id"]])
        self.assertEqual(self.fetch(device.offer()), made)
        self.assert_form(self.server.target(shipment), "delta", made, self.new)

    def test_after_a_refusal_the_plain_package_follows_and_the_reason_is_seen(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        device = self.start_device(self.old_image)
        shipment = self.server.ship(firmware)
        self.assertLess(device.offer()["size"], len(self.new))
        device.report(stage="failed", reason="wrong-base", leg="uart", wire_bytes=1100)
        device.device_report("failed", reason="wrong-base", digest=digest_of(self.old_image))
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["reason"], target["ended"]), ("upload-failure", "wrong-base", False))
        self.assertEqual(self.fetch(device.offer()), self.new)
        self.assertEqual(self.server.target(shipment)["encoding"], "plain")

    def test_a_file_that_was_lost_is_made_again(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        device = self.start_device(self.old_image)
        self.server.ship(firmware)
        offer = device.offer()
        for file in (self.server.data / "deltas").iterdir():
            file.unlink()
        url = urlsplit(offer["url"])
        self.assertEqual(self.server.ask("GET", f"{url.path}?{url.query}", token=False).status, 404)
        self.assertEqual(self.forms(firmware), [])
        another = self.start_device(self.old_image)
        self.assertEqual(len(self.fetch(another.offer())), offer["size"])

    def test_a_link_to_one_form_gives_no_other(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        device = self.start_device(self.old_image)
        self.server.ship(firmware)
        url = urlsplit(device.offer()["url"])
        device_id, firmware_id, expires, form, signature = url.query.partition("=")[2].split("-")
        for forged in (f"{device_id}-{firmware_id}-{expires}-{signature}",
                       f"{device_id}-{firmware_id}-{expires}-{int(form, 16) + 1:x}-{signature}"):
            self.assertEqual(self.server.ask("GET", f"{url.path}?token={forged}", token=False).status, 403)

    def test_firmware_that_is_deleted_takes_its_deltas_along(self):
        self.server.upload(self.old)
        firmware = self.server.upload(self.new)
        device = self.start_device(self.old_image)
        shipment = self.server.ship(firmware)
        device.offer()
        folder = self.server.data / "deltas"
        self.assertEqual(len(list(folder.iterdir())), 1)
        self.server.post(f"/api/v1/shipments/{shipment['id']}/cancel")
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/firmware/{firmware['id']}").status, 204)
        self.assertEqual(self.metric("tandem_deltas"), 0)
        self.server.stop()
        self.server.start()
        s.wait_for("the file is gone", lambda: not list(folder.iterdir()))


class Off(DeltaCase):
    options = ("--deltas", "off")

    def test_every_device_gets_what_was_uploaded(self):
        image = image_of(1)
        self.server.upload(pack(image, "1.0.0"))
        new = pack(changed(image, 2), "1.1.0")
        firmware = self.server.upload(new)
        device = self.start_device(image)
        self.server.ship(firmware)
        self.assertEqual(self.fetch(device.offer()), new)


class Failing(DeltaCase):
    """Whatever becomes of the process that makes it, the server goes on and the device gets its firmware."""

    def ship_large(self, image, base=True):
        """What takes a while."""
        if base:
            self.server.upload(pack(image, "1.0.0"))
        new = pack(changed(image, 8), "1.1.0")
        firmware = self.server.upload(new)
        device = self.start_device(image)
        return device, firmware, self.server.ship(firmware), new

    def workers(self):
        """Processes that make something for this server."""
        found = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                parent = re.search(r"^PPid:\t(\d+)", status.read_text(), re.MULTILINE).group(1)
                command = (status.parent / "cmdline").read_bytes()
            except (OSError, AttributeError):
                continue
            if int(parent) == self.server.process.pid and b"make-form" in command:
                found.append(int(status.parent.name))
        return found

    def assert_plain(self, device, shipment, new):
        self.assertEqual(len(self.fetch(device.offer())), len(new))
        self.assertEqual(self.server.target(shipment)["encoding"], "plain")
        self.assertEqual(self.server.ask("GET", "/health").status, 200)

    def reasons(self, firmware):
        return {(form["encoding"], form["state"], form["why"]) for form in self.forms(firmware)}


class Killed(Failing):
    def ship(self):
        return self.ship_large(image_of(7, 400_000), base=False)

    def test_one_that_is_killed_gives_way_to_the_plain_package(self):
        device, firmware, shipment, new = self.ship()
        killed = set()

        def offered():
            for worker in self.workers():
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
            return self.server.target(shipment)["status"] != "waiting"

        s.wait_for("it is offered", offered)
        self.assertTrue(killed)
        self.assert_plain(device, shipment, new)
        self.assertGreaterEqual(self.metric('tandem_deltas_made_total{result="crashed"}'), 1)
        self.assertIn("result=crashed tries=1", self.server.log())
        self.assertEqual(self.reasons(firmware),
                         {("compressed", "failed", "the process that made it ended before it was done")})

    def test_one_that_a_dying_server_was_making_is_made_after_its_restart(self):
        _, firmware, shipment, new = self.ship()
        worker = s.wait_for("it is being made", self.workers)[0]
        self.server.kill()
        s.wait_for("its process ends with it", lambda: not Path(f"/proc/{worker}").exists())
        self.server.start()
        form = self.wait_form(firmware, "ready")
        self.assertEqual(form["tries"], 2)
        self.assertFalse((self.server.data / "deltas/.part").exists())

    def test_one_that_a_server_was_making_when_it_was_told_to_end_counts_as_no_try(self):
        _, firmware, _, _ = self.ship()
        s.wait_for("it is being made", self.workers)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.wait_form(firmware, "ready")["tries"], 1)


class LittleMemory(Failing):
    options = ("--deltas-memory", "32")

    def test_it_is_not_begun_where_memory_will_not_do(self):
        device, firmware, shipment, new = self.ship_large(bytes(2 << 20))
        self.assert_plain(device, shipment, new)
        why = "more memory is needed than --deltas-memory allows"
        self.assertEqual(self.reasons(firmware), {("delta", "failed", why), ("compressed", "failed", why)})


class LittleTime(Failing):
    options = ("--deltas-seconds", "1")

    def test_it_is_ended_when_its_time_is_over(self):
        device, firmware, shipment, new = self.ship_large(random.Random(7).randbytes(2 << 20))
        self.assert_plain(device, shipment, new)
        self.assertIn(("delta", "failed", "it took longer than --deltas-seconds allows"), self.reasons(firmware))


class LittlePatience(Failing):
    options = ("--deltas-wait", "0")

    def test_nobody_waits_and_the_next_device_finds_it(self):
        image = image_of(1)
        self.server.upload(pack(image, "1.0.0"))
        new = pack(changed(image, 2), "1.1.0")
        firmware = self.server.upload(new)
        first = self.start_device(image)
        self.server.ship(firmware)
        self.assertEqual(self.fetch(first.offer()), new)
        form = self.wait_form(firmware, "ready")
        second = self.start_device(image)
        self.assertEqual(second.offer()["size"], form["size"])


class Damaged(Failing):
    def test_a_base_that_is_not_what_was_uploaded_makes_no_delta(self):
        image = image_of(1)
        old = pack(image, "1.0.0")
        base = self.server.upload(old)
        new = pack(changed(image, 2), "1.1.0")
        firmware = self.server.upload(new)
        file = self.server.data / "firmware" / base["sha256"]
        file.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
        device = self.start_device(image)
        self.server.ship(firmware)
        self.assertEqual(Envelope(self.fetch(device.offer())).base, bytes(32))
        self.assertEqual(self.metric('tandem_deltas_made_total{result="wrong"}'), 1)


class FullDisk(Failing):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-deltas-"))
        self.addCleanup(shutil.rmtree, self.folder)
        disk = self.folder / "data/deltas"
        disk.mkdir(parents=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], stderr=subprocess.DEVNULL,
                          check=False).returncode:
            self.skipTest("tmpfs can't be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        self.server = s.Server(folder=self.folder)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.devices = []

    def test_what_does_not_fit_gives_way_to_the_plain_package(self):
        image = image_of(1)
        new = pack(image, "1.1.0")
        firmware = self.server.upload(new)
        device = self.start_device(image_of(9))
        shipment = self.server.ship(firmware)
        self.assert_plain(device, shipment, new)
        self.assertEqual(self.reasons(firmware),
                         {("compressed", "failed", "it could not be written: see whether the disk is full")})


class Places:
    """With --files it is kept there, and the server's own folder may be lost. What holds of every place."""

    def ship_delta(self):
        image = image_of(1)
        self.server.upload(pack(image, "1.0.0"))
        self.firmware = self.server.upload(pack(changed(image, 2), "1.1.0"))
        device = self.start_device(image)
        shipment = self.server.ship(self.firmware)
        return device.offer(), shipment

    def lose(self, *folders):
        for folder in folders:
            for file in (self.server.data / folder).iterdir():
                file.unlink()

    def test_a_lost_folder_is_filled_again_from_there(self):
        offer, shipment = self.ship_delta()
        self.lose("firmware", "deltas")
        data = self.fetch(offer)
        self.assert_form(self.server.target(shipment), "delta", data, pack(changed(image_of(1), 2), "1.1.0"))
        self.assertEqual(self.kept()[hashlib.sha256(data).hexdigest()], data)

    def test_it_is_made_of_files_that_only_the_place_has(self):
        image = image_of(1)
        self.server.upload(pack(image, "1.0.0"))
        firmware = self.server.upload(pack(changed(image, 2), "1.1.0"))
        self.lose("firmware")
        device = self.start_device(image)
        self.server.ship(firmware)
        self.assertEqual(Envelope(self.fetch(device.offer())).base.hex(), digest_of(image))

    def test_one_that_was_damaged_there_is_never_sent(self):
        offer, _ = self.ship_delta()
        self.lose("deltas")
        self.damage()
        url = urlsplit(offer["url"])
        self.assertEqual(self.server.ask("GET", f"{url.path}?{url.query}", token=False).status, 503)
        self.server.wait_log("file-damaged")

    def test_deleting_the_firmware_empties_the_place(self):
        _, shipment = self.ship_delta()
        self.assertEqual(len(self.kept()), 3)
        self.server.ask("POST", f"/api/v1/shipments/{shipment['id']}/cancel")
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/shipments/{shipment['id']}").status, 204)
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/firmware/{self.firmware['id']}").status, 204)
        s.wait_for("its file and its form are to be removed",
                   lambda: self.server.database.change("UPDATE removal SET due = 0") == 2)
        s.wait_for("they are gone", lambda: len(self.kept()) == 1)


class InFolder(Places, DeltaCase):
    def setUp(self):
        self.place = Path(tempfile.mkdtemp(prefix="tandem-place-"))
        self.addCleanup(shutil.rmtree, self.place)
        self.options = ("--files", self.place)
        super().setUp()

    def kept(self):
        files = {}
        for file in self.place.iterdir():
            with contextlib.suppress(FileNotFoundError):  # it may be removed meanwhile
                files[file.name] = file.read_bytes()
        return files

    def damage(self):
        for file in self.place.iterdir():
            file.write_bytes(b"something else")


class InS3(Places, DeltaCase):
    options = ("--files", "s3://bucket/forms")

    def setUp(self):
        self.s3 = s3_stand_in.S3().__enter__()
        self.addCleanup(self.s3.__exit__)
        self.environment = self.s3.environment
        super().setUp()

    def tearDown(self):
        self.assertEqual(self.s3.refused, [])

    def kept(self):
        return {path.removeprefix("/bucket/forms/"): data for path, data in self.s3.objects.items()}

    def damage(self):
        for path in self.s3.objects:
            self.s3.objects[path] = b"something else"

    def test_one_that_cannot_be_kept_gives_way_to_the_plain_package(self):
        image = image_of(1)
        self.server.upload(pack(image, "1.0.0"))
        new = pack(changed(image, 2), "1.1.0")
        firmware = self.server.upload(new)
        device = self.start_device(image)
        self.s3.failures = 1_000_000
        self.server.ship(firmware)
        self.assertEqual(self.fetch(device.offer()), new)
        self.assertGreaterEqual(self.metric('tandem_deltas_made_total{result="files"}'), 1)
        self.assertEqual(len(self.kept()), 2)


class Servers(unittest.TestCase):
    """Two servers on PostgreSQL and a shared folder: a delta is made once, and both send it."""

    def test_what_one_made_the_other_sends(self):
        place = Path(tempfile.mkdtemp(prefix="tandem-place-"))
        self.addCleanup(shutil.rmtree, place)
        image = image_of(1)
        new = pack(changed(image, 2), "1.1.0")
        with Postgres() as postgres:
            options = ("--database", postgres.url, "--files", place)
            with s.Server(*options) as first:
                second = s.Server(*options)
                self.addCleanup(second.__exit__)
                second.data.mkdir()
                (second.data / "admin.token").write_text(first.token)  # of the database that they share
                second.start()
                first.upload(pack(image, "1.0.0"))
                firmware = first.upload(new)
                sent = [self.update(server, image, firmware) for server in (first, second)]
                self.assertEqual(sent[0], sent[1])
                self.assertLess(len(sent[0]), len(new) / 10)
                made = [DeltaCase.metric(self.on(server), 'tandem_deltas_made_total{result="ready"}')
                        for server in (first, second)]
                self.assertEqual(sum(made), 1)
                self.assertEqual(len(list((second.data / "deltas").iterdir())), 1)

    def on(self, server):
        """A case that looks at this server."""
        case = DeltaCase()
        case.server, case.devices = server, []
        self.addCleanup(case.doCleanups)
        return case

    def update(self, server, image, firmware):
        case = self.on(server)
        device = case.start_device(image)
        server.ship(firmware, devices=[case.devices[0]["id"]])
        return case.fetch(device.offer())


if __name__ == "__main__":
    unittest.main(verbosity=2)
