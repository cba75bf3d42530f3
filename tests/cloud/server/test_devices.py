"""Devices against the running program: login, check-in, offer, download, reports, the end."""

import hashlib
import http.client
import shutil
import subprocess
import time
import unittest
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import server as s


class Devices(unittest.TestCase):
    def setUp(self):
        self.server = s.Server("--settle", "0").__enter__()
        self.added = self.server.add_device()
        self.open = []

    def tearDown(self):
        for device in self.open:
            device.close()
        self.server.__exit__()

    def connect(self, token=None, **more):
        device = s.Device(self.server, token or self.added["token"], **more)
        self.open.append(device)
        return device

    def timeline(self):
        return [(event["event"], event["text"]) for event in self.server.device(self.added)["timeline"]]

    def fetch(self, offer, method="GET", **headers):
        host, path = offer["url"].removeprefix("http://").split("/", 1)
        connection = http.client.HTTPConnection(host, timeout=s.LIMIT)
        connection.request(method, "/" + path, headers=headers)
        answer = s.Answer(connection.getresponse())
        connection.close()
        return answer

    # --- login ---

    def test_a_known_token_logs_in_and_the_device_is_online(self):
        self.assertEqual(self.connect().code, 0)
        s.wait_for("online", lambda: self.server.device(self.added)["online"])

    def test_a_wrong_token_gets_code_4_and_in_mqtt_5_0x86(self):
        self.assertEqual(self.connect("wrong").code, 4)
        self.assertEqual(self.connect(user="other").code, 4)
        self.assertEqual(self.connect(self.server.token).code, 4)
        self.assertEqual(self.connect("wrong", version=5).code, 0x86)

    def test_a_device_may_keep_the_token_that_it_shipped_with(self):
        token = "NrEsQx97BPbzVHXS1xi0TVcB2bhdOS42"  # such as Blynk.Cloud gives
        kept = self.server.add_device(name="shipped", token=token)
        self.assertEqual(kept["token"], token)
        device = s.Device(self.server, token)
        self.addCleanup(device.close)
        self.assertEqual(device.code, 0)
        s.wait_for("online", lambda: self.server.device(kept)["online"])
        self.assertEqual(self.server.ask("POST", "/api/v1/devices", {"template": s.TEMPLATE, "token": token}).status, 409)
        for other in ("", "x" * 31, "x" * 65, "x" * 31 + " ", "x" * 31 + "/", "\u00e4" * 32):
            answer = self.server.ask("POST", "/api/v1/devices", {"template": s.TEMPLATE, "token": other})
            self.assertIn(answer.status, (400, 422), other)
        self.assertEqual(self.server.get("/api/v1/devices?count=true")["count"]["devices"], 2)

    def test_a_token_may_pass_to_another_device_once_it_is_free(self):
        token = self.added["token"]
        first = self.connect()
        self.server.ask("DELETE", f"/api/v1/devices/{self.added['id']}")
        self.assertTrue(first.ended())
        self.added = self.server.add_device(token=token)
        self.assertEqual(self.connect().code, 0)
        self.assertEqual(self.server.ask("POST", f"/api/v1/devices/{self.added['id']}/token").status, 201)
        self.added = self.server.add_device(token=token)
        self.assertEqual(self.connect().code, 0)

    def test_a_renewed_token_replaces_the_old_one_at_once(self):
        device = self.connect()
        renewed = self.server.post(f"/api/v1/devices/{self.added['id']}/token")
        self.assertTrue(device.ended())
        self.assertEqual(self.connect().code, 4)
        self.assertEqual(self.connect(renewed["token"]).code, 0)

    def test_a_revoked_token_logs_in_no_more_and_the_device_says_so(self):
        device = self.connect()
        path = f"/api/v1/devices/{self.added['id']}"
        self.assertEqual(self.server.ask("DELETE", path + "/token").status, 204)
        self.assertTrue(device.ended())
        self.assertEqual(self.connect().code, 4)
        self.assertTrue(self.server.get(path)["revoked"])
        self.assertEqual(self.connect(self.server.post(path + "/token")["token"]).code, 0)
        self.assertFalse(self.server.get(path)["revoked"])

    def test_a_token_is_as_long_as_clients_in_the_field_have_room_for(self):
        self.assertRegex(self.added["token"], r"^[a-zA-Z0-9_-]{32}$")

    def test_the_newer_of_two_connections_stays(self):
        older, newer = self.connect(), self.connect()
        self.assertTrue(older.ended())
        newer.ping()
        s.wait_for("online", lambda: self.server.device(self.added)["online"])

    def test_a_deleted_device_is_put_out(self):
        device = self.connect()
        self.server.ask("DELETE", f"/api/v1/devices/{self.added['id']}")
        self.assertTrue(device.ended())
        self.assertEqual(self.connect().code, 4)

    def test_a_device_that_goes_is_offline(self):
        device = self.connect()
        device.ping()
        device.close()
        s.wait_for("offline", lambda: not self.server.device(self.added)["online"] and
                   ("offline", "the connection was lost") in self.timeline())

    # --- check-in ---

    def test_a_check_in_is_kept(self):
        device = self.connect()
        device.check_in("1.0.0", "Nov 16 2023 20:35:55")
        shown = self.server.device(self.added)["firmware"]
        self.assertEqual(shown, {"type": "pump", "version": "1.0.0", "build": "Nov 16 2023 20:35:55", "library": None,
                                 "digest": None, "hardware": None, "state": None, "counter": None})
        device.device_report(digest="ab" * 32)
        shown = self.server.device(self.added)["firmware"]
        self.assertEqual((shown["digest"], shown["hardware"], shown["state"], shown["counter"]),
                         ("ab" * 32, "board-1", "confirmed", 1))

    def test_a_check_in_may_say_the_type_as_the_tag_does(self):
        device = self.connect()
        device.publish("info/mcu", {"tmpl": "Demo device", "ver": "1.0.0", "fw-type": "pump", "build": "Nov 16 2023 20:35:55",
                                    "blynk": "1.3.0", "board": "nucleo", "conn": "Ethernet", "rxbuff": 2048})
        self.assertEqual(self.server.device(self.added)["firmware"]["type"], "pump")

    def test_a_report_before_the_check_in_speaks_of_the_same_firmware(self):
        device = self.connect()
        device.device_report(digest="ab" * 32)
        device.check_in("1.0.0")
        self.assertEqual(self.server.device(self.added)["firmware"]["digest"], "ab" * 32)

    def test_an_offer_that_does_not_fit_into_the_devices_buffer_is_in_its_timeline(self):
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        device = self.connect()
        device.publish("info/mcu", {"tmpl": s.TEMPLATE, "ver": "1.0.0", "type": "pump", "rxbuff": 128})
        s.wait_for("the timeline says it", lambda: any("rxbuff" in text for _, text in self.timeline()))
        self.assertEqual(self.server.target(shipment)["status"], "process-started")
        self.assertEqual(device.offers(), [])

    def test_another_template_is_logged_and_gets_no_offer(self):
        self.server.ship(self.server.upload(s.plain("1.1.0")))
        device = self.connect()
        device.check_in("1.0.0", template="TMPLother")
        self.assertEqual(device.offers(), [])
        self.assertTrue(any("TMPLother" in text for event, text in self.timeline() if event == "check-in"))

    def test_malformed_messages_are_logged_and_change_nothing(self):
        device = self.connect()
        for topic, payload in (("info/mcu", "{"), ("info/mcu", "[]"), ("info/mcu", '{"ver": 7}'), ("ota/report", "x"),
                               ("ota/report", '{"stage":"device","event":"started","digest":"zz"}'),
                               ("ota/report", '{"stage":"device"}'), ("info/mcu", "\x00")):
            device.publish(topic, payload)
        self.assertIn("info/mcu: malformed, ignored", [text for event, text in self.timeline() if "malformed" in text][-1])
        self.assertIsNone(self.server.device(self.added)["firmware"])

    def test_other_topics_are_taken_without_harm(self):
        device = self.connect()
        for topic in ("ds/temperature", "meta/serial", "event/alarm", "batch_ds", "something/else", "get/ds/all"):
            device.publish(topic, "1")
        device.ping()

    def test_the_time_is_told_on_request(self):
        device = self.connect()
        device.subscribe("downlink/#")
        device.publish("get/utc/all/json", "")
        device.ping()
        topic, payload = device.messages[0]
        self.assertEqual(topic, "downlink/utc/all/json")
        answer = s.json.loads(payload)
        self.assertLess(abs(answer["time"] / 1000 - time.time()), 10)
        self.assertEqual((answer["tz_name"], answer["tz_offset"]), ("UTC", 0))

    # --- the offer and the file ---

    def test_the_offer_leads_to_the_file(self):
        data = s.plain("1.1.0", build="b1")
        self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        self.assertEqual({key: offer[key] for key in ("size", "type", "ver", "build")},
                         {"size": len(data), "type": "pump", "ver": "1.1.0", "build": "b1"})
        answer = self.fetch(offer)
        self.assertEqual((answer.status, answer.body), (200, data))
        self.assertEqual(answer.headers["content-length"], str(len(data)))
        self.assertNotIn("transfer-encoding", answer.headers)
        self.assertEqual(answer.headers["x-sha256"], s.digest_header(data))
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")  # no browser runs it for this site
        self.assertEqual(answer.headers["x-md5"], hashlib.md5(data).hexdigest())
        self.assertEqual([answer.headers[f"x-fw-{name}"] for name in ("type", "ver", "build")], ["pump", "1.1.0", "b1"])

    def test_every_answer_says_what_time_it_is(self):
        self.server.ship(self.server.upload(s.plain("1.1.0")))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        for answer in (self.fetch(offer), self.fetch(offer, "HEAD"), self.fetch(offer, Range="bytes=0-0"),
                       self.fetch(offer, **{"If-None-Match": "*"}), self.fetch({"url": offer["url"] + "x"}), self.server.ask("GET", "/health")):
            self.assertRegex(answer.headers["date"], r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT$")
            said = parsedate_to_datetime(answer.headers["date"])
            self.assertLess(abs((datetime.now(timezone.utc) - said).total_seconds()), 2 * s.LIMIT)

    def test_link_of_a_device_that_is_put_out_fetches_nothing(self):
        self.server.ship(self.server.upload(s.plain("1.1.0")))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        path = f"/api/v1/devices/{self.added['id']}"
        self.assertEqual(self.server.ask("DELETE", path + "/token").status, 204)
        self.assertEqual(self.fetch(offer).status, 404)
        self.server.post(path + "/token")
        self.assertEqual(self.fetch(offer).status, 200)
        self.assertEqual(self.server.ask("DELETE", path).status, 204)
        self.assertEqual(self.fetch(offer).status, 404)

    def test_ranges_of_the_file(self):
        data = s.plain("1.1.0")
        self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        size = len(data)
        for text, part, content in (("bytes=10-", data[10:], f"bytes 10-{size - 1}/{size}"),
                                    ("bytes=0-0", data[:1], f"bytes 0-0/{size}"),
                                    ("bytes=-5", data[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
                                    (f"bytes=5-{size + 99}", data[5:], f"bytes 5-{size - 1}/{size}")):
            answer = self.fetch(offer, Range=text)
            self.assertEqual((answer.status, answer.body, answer.headers["content-range"]), (206, part, content), text)
            self.assertEqual(answer.headers["x-sha256"], s.digest_header(data))
        for text in ("bytes=1-0", "lines=1-2", "bytes=0-1,3-4", "bytes=-", "bytes=a-b"):
            self.assertEqual(self.fetch(offer, Range=text).body, data, text)
        self.assertEqual(self.fetch(offer, Range=f"bytes={size}-").status, 416)
        etag = self.fetch(offer, "HEAD").headers["etag"]
        self.assertEqual(self.fetch(offer, **{"Range": "bytes=1-", "If-Range": etag}).status, 206)
        self.assertEqual(self.fetch(offer, **{"Range": "bytes=1-", "If-Range": '"other"'}).status, 200)

    def test_a_file_that_lost_its_end_on_disk_is_refused_and_named(self):
        data = s.plain("1.1.0")
        firmware = self.server.upload(data)
        self.server.ship(firmware)
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        path = self.server.data / "firmware" / firmware["sha256"]
        path.write_bytes(data[:-500])
        answer = self.fetch(offer)
        self.assertEqual((answer.status, answer.headers["content-type"]), (500, "application/problem+json"))
        self.server.wait_log(f"file-damaged path={path} bytes={len(data) - 500} expected={len(data)}")
        self.server.upload(data)
        self.assertEqual(self.fetch(offer).body, data)

    def test_conditions_of_a_download_are_judged_before_its_part(self):
        data = s.plain("1.1.0")
        shipment = self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        etag = self.fetch(offer, "HEAD").headers["etag"]
        for method in ("GET", "HEAD"):
            for name, value in (("If-None-Match", f'"x", W/{etag}'), ("If-None-Match", "*")):
                answer = self.fetch(offer, method, **{name: value, "Range": "bytes=1-"})
                self.assertEqual((answer.status, answer.body, answer.headers["etag"]), (304, b"", etag), value)
            for name, value in (("If-Match", '"x"'), ("If-Match", f"W/{etag}")):
                self.assertEqual(self.fetch(offer, method, **{name: value, "If-None-Match": etag}).status, 412, value)
        self.assertEqual(self.server.target(shipment)["status"], "request-sent")
        for headers, status in (({"If-Match": f'"x", {etag}', "Range": "bytes=1-"}, 206), ({"If-Match": "*"}, 200),
                                ({"If-None-Match": '"x"', "Range": "bytes=1-"}, 206)):
            self.assertEqual(self.fetch(offer, **headers).status, status, headers)

    def test_a_file_fetched_in_parts_is_one_download(self):
        data = s.plain("1.1.0")
        shipment = self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        parts = [self.fetch(offer, Range=f"bytes={at}-{at + 255}", Connection="close").body for at in range(0, len(data), 256)]
        self.assertEqual(b"".join(parts), data)
        self.server.wait_status(shipment, "firmware-downloaded")
        steps = [event["text"] for event in self.server.device(self.added)["timeline"] if "the firmware was" in event["text"]]
        self.assertEqual(steps, ["the firmware was asked for", "the firmware was sent whole"])

    def test_a_part_is_not_for_the_head_alone(self):
        data = s.plain("1.1.0")
        self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        answer = self.fetch(device.offer(), "HEAD", Range="bytes=0-9")
        self.assertEqual((answer.status, answer.headers["content-length"]), (200, str(len(data))))

    def test_the_file_comes_to_a_target_in_absolute_form(self):
        data = s.plain("1.1.0")
        self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        url = device.offer()["url"]
        answer = self.server.raw(f"\r\nGET {url} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        self.assertEqual(answer.split(b"\r\n\r\n", 1)[1], data)

    def test_head_tells_all_and_sends_nothing(self):
        data = s.plain("1.1.0")
        shipment = self.server.ship(self.server.upload(data))
        device = self.connect()
        device.check_in("1.0.0")
        answer = self.fetch(device.offer(), "HEAD")
        self.assertEqual((answer.status, answer.body, answer.headers["content-length"]), (200, b"", str(len(data))))
        self.assertEqual(self.server.target(shipment)["status"], "request-sent")

    def test_a_link_of_someone_else_or_for_something_else_is_refused(self):
        self.server.ship(self.server.upload(s.plain("1.1.0")))
        other = self.server.upload(s.plain("1.2.0"))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        url = offer["url"]
        self.assertEqual(self.fetch({"url": url[:-1] + ("0" if url[-1] != "0" else "1")}).status, 403)
        self.assertEqual(self.fetch({"url": url.split("?")[0]}).status, 403)
        self.assertEqual(self.fetch({"url": url.replace("/firmware/f1", "/firmware/" + other["id"])}).status, 403)
        self.assertEqual(self.fetch({"url": url.replace("token=1-", "token=2-")}).status, 403)
        self.assertEqual(self.fetch({"url": url + "%00"}).status, 403)
        self.assertEqual(self.fetch({"url": url + "%0"}).status, 403)
        self.server.ask("DELETE", f"/api/v1/devices/{self.added['id']}")
        self.assertEqual(self.fetch(offer).status, 404)

    def test_a_connected_device_is_offered_a_new_shipment_at_once(self):
        device = self.connect()
        device.check_in("1.0.0")
        self.assertEqual(device.offers(), [])
        self.server.ship(self.server.upload(s.plain("1.1.0")))
        self.assertEqual(device.offer()["ver"], "1.1.0")

    def test_downloads_drive_the_status_of_any_client(self):
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        self.server.wait_status(shipment, "request-sent")
        self.fetch(offer)
        self.server.wait_status(shipment, "firmware-downloaded")
        device.close()
        again = self.connect()
        again.check_in("1.1.0")
        target = self.server.wait_status(shipment, "success")
        self.assertTrue(target["ended"])
        self.assertEqual(self.server.get(f"/api/v1/shipments/{shipment['id']}")["state"], "finished")
        self.assertEqual(again.offers(), [])

    # --- reports ---

    def test_a_whole_update_of_a_device_with_reports(self):
        data, digest = s.packed("1.1.0")
        device = self.connect()
        device.device_report(digest="10" * 32)
        device.check_in("1.0.0")
        shipment = self.server.ship(self.server.upload(data))
        size = device.offer()["size"]
        device.report(stage="received", size=size, type="pump", ver="1.1.0", build="")
        device.report(stage="downloading", size=size, bytes=100)
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["stage"], target["bytes"], target["size"]),
                         ("firmware-requested", "downloading", 100, size))
        device.report(stage="downloaded", size=size)
        device.report(stage="offered")
        device.report(stage="accepted")
        device.report(stage="transferring", size=size, bytes=4096)
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["stage"], target["bytes"]), ("firmware-downloaded", "transferring", 4096))
        device.report(stage="verifying", wire_bytes=12000)
        device.report(stage="installed", wire_bytes=12345)
        device.close()
        device = self.connect()
        device.device_report("started", "trial", digest=digest)
        device.check_in("1.1.0")
        self.assertEqual(self.server.target(shipment)["stage"], "trial")
        self.assertEqual(device.offers(), [])
        device.device_report("confirmed", "confirmed", digest=digest)
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["reason"], target["ended"], target["wire_bytes"], target["attempts"]),
                         ("success", "none", True, 12345, 1))
        self.assertEqual((target["encoding"], target["bytes_sent"], target["bytes_full"]), ("plain", size, size))
        progress = self.server.get(f"/api/v1/shipments/{shipment['id']}")["progress"]
        self.assertEqual((progress["updated"], progress["bytes_sent"], progress["bytes_full"]), (1, size, size))

    def test_a_rollback_is_told_with_its_reason_and_not_offered_again(self):
        data, digest = s.packed("1.2.0")
        device = self.connect()
        device.device_report(digest="10" * 32)
        device.check_in("1.1.0")
        shipment = self.server.ship(self.server.upload(data))
        device.offer()
        device.report(stage="installed")
        device.close()
        device = self.connect()
        device.device_report(reason="self-test-failed", digest="10" * 32, about=digest[:24])
        device.check_in("1.1.0")
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["reason"], target["ended"]), ("rollback", "self-test-failed", True))
        again = self.server.ship(self.server.upload(data))
        self.assertEqual(device.offers(), [])
        target = self.server.target(again)
        self.assertEqual((target["status"], target["reason"]), ("upload-failure", "rejected-before"))
        self.assertEqual(again["state"], "finished")

    def test_a_refusal_is_told_with_its_reason(self):
        data, _ = s.packed("1.2.0")
        device = self.connect()
        device.check_in("1.1.0")
        shipment = self.server.ship(self.server.upload(data))
        device.offer()
        device.report(stage="failed", reason="bad-signature", leg="uart", wire_bytes=900)
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["reason"], target["ended"], target["wire_bytes"]),
                         ("upload-failure", "bad-signature", True, 900))
        self.assertIn("signature", target["text"])

    def test_a_type_that_differs_is_not_offered(self):
        device = self.connect()
        device.check_in("1.0.0", kind="valve")
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        target = self.server.target(shipment)
        self.assertEqual((target["status"], target["reason"], target["ended"]), ("type-mismatch", "wrong-type", True))
        self.assertEqual(device.offers(), [])

    def test_an_interrupted_update_goes_on_in_the_same_attempt(self):
        shipment = self.server.ship(self.server.upload(s.packed("1.2.0")[0]))
        device = self.connect()
        device.check_in("1.1.0")
        device.offer()
        device.report(stage="transferring", size=10, bytes=5)
        device.report(stage="failed", reason="co-processor-restarted")
        device.offer()
        target = self.server.wait_status(shipment, "request-sent")
        self.assertEqual(target["attempts"], 1)

    def test_a_flood_of_reports_is_taken_at_the_pace_of_the_disk(self):
        shipment = self.server.ship(self.server.upload(s.packed("1.2.0")[0]))
        device = self.connect()
        device.check_in("1.1.0")
        device.offer()
        flood = b"".join(s.packet(0x30, s.text("ota/report") + b'{"stage":"transferring","size":600,"bytes":%d}' % i)
                         for i in range(601))
        device.socket.sendall(flood)
        device.report(stage="verifying")
        self.assertEqual(self.server.target(shipment)["stage"], "verifying")

    # --- crashes ---

    def test_after_a_kill_everything_acknowledged_is_there(self):
        data, digest = s.packed("1.1.0")
        firmware = self.server.upload(data)
        device = self.connect()
        device.check_in("1.0.0")
        shipment = self.server.ship(firmware)
        device.offer()
        device.report(stage="transferring", size=10, bytes=5)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.server.get(f"/api/v1/firmware/{firmware['id']}"), firmware)
        # Where servers share a database, one that died is taken for alive until others have noticed.
        target = s.wait_for("its connection is gone", lambda: next(
            (target for target in [self.server.target(shipment)] if not target["online"]), None))
        self.assertEqual((target["status"], target["stage"]), ("firmware-downloaded", "transferring"))
        device = self.connect()
        device.check_in("1.0.0")
        device.report(stage="transferring", size=10, bytes=6)
        device.device_report("confirmed", "confirmed", digest=digest)
        self.assertEqual(self.server.target(shipment)["status"], "success")

    def test_a_device_that_comes_back_from_nothing_is_offered_again(self):
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        for _ in range(3):
            device = self.connect()
            device.check_in("1.0.0")
            device.offer()
            device.close()
        self.assertEqual(self.server.target(shipment)["attempts"], 1)

    # --- clients that are not ours ---

    @unittest.skipUnless(shutil.which("mosquitto_sub"), "needs mosquitto-clients")
    def test_mosquitto_gets_the_offer_without_a_subscription_to_it(self):
        self.server.ship(self.server.upload(s.plain("1.1.0")))
        login = ["-h", "127.0.0.1", "-p", str(self.server.mqtt_port), "-u", "device", "-P", self.added["token"]]
        listener = subprocess.Popen(["mosquitto_rr", *login, "-t", "info/mcu", "-e", "downlink/ota/json", "-W", "10",
                                     "-m", '{"tmpl":"%s","ver":"1.0.0","type":"pump"}' % s.TEMPLATE],
                                    stdout=subprocess.PIPE)
        self.assertEqual(s.json.loads(listener.communicate(timeout=s.LIMIT)[0])["ver"], "1.1.0")

    @unittest.skipUnless(shutil.which("mosquitto_pub"), "needs mosquitto-clients")
    def test_mosquitto_says_why_a_token_is_refused(self):
        done = subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.server.mqtt_port), "-u", "device", "-P",
                               "wrong", "-t", "info/mcu", "-m", "{}"], stderr=subprocess.PIPE, text=True, timeout=s.LIMIT,
                              check=False)
        self.assertEqual(done.returncode, 4)

    @unittest.skipUnless(shutil.which("mosquitto_pub"), "needs mosquitto-clients")
    def test_mosquitto_checks_in_by_both_versions_and_every_quality_of_service(self):
        common = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.server.mqtt_port), "-u", "device", "-P",
                  self.added["token"], "-t", "info/mcu", "-r", "--will-topic", "ds/last", "--will-payload", "x", "--will-qos",
                  "2", "--will-retain"]
        for version in ("mqttv311", "mqttv5"):
            for qos in "012":
                for client in ([], ["-i", "x" * 64], ["-i", "kept", "-c"]):
                    name = f"{version[5:]}.{qos}.{len(client)}"
                    said = s.json.dumps({"tmpl": s.TEMPLATE, "ver": name, "type": "pump", "rxbuff": 1024})
                    done = subprocess.run([*common, "-V", version, "-q", qos, *client, "-m", said], timeout=s.LIMIT,
                                          capture_output=True, text=True, check=False)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), name)
                    s.wait_for(name, lambda: (self.server.device(self.added)["firmware"] or {}).get("version") == name)


if __name__ == "__main__":
    unittest.main()
