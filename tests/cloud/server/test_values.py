"""What Blynk's device API has beside updates, by the payloads of its documentation."""

import json
import re
import time
import unittest
from datetime import datetime, timezone

import server as s


def iso(ms):
    """A time as the REST interface has it."""
    at = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


class Values(unittest.TestCase):
    def setUp(self):
        self.server = s.Server().__enter__()
        self.addCleanup(self.server.__exit__)
        self.added = self.server.add_device(name="pump 7")

    def connect(self, subscribe="downlink/#", **more):
        device = s.Device(self.server, self.added["token"], **more)
        self.addCleanup(device.close)
        if subscribe:
            device.subscribe(subscribe)
        return device

    def values(self):
        return self.server.get(f"/api/v1/devices/{self.added['id']}/values")

    def timeline(self):
        return [event["text"] for event in self.server.device(self.added)["timeline"]]

    def received(self, device, count):
        """The next messages by topic; there must be no more than these."""
        while len(device.messages) < count:
            device.step()
        device.ping()
        self.assertEqual(len(device.messages), count, device.messages)
        messages, device.messages = dict(device.messages), []
        return messages

    def patch(self, **body):
        answer = self.server.ask("PATCH", f"/api/v1/devices/{self.added['id']}/values", body)
        self.assertEqual(answer.status, 204, answer.body)

    # --- datastreams ---

    def test_values_are_kept_and_answered(self):
        device = self.connect()
        device.publish("ds/Temperature", "21.3")
        device.publish("ds/Name with spaces \u00e4", "hello")
        device.publish("ds/Pair", b"First\0Second")
        device.publish("ds/Temperature", "21.4")
        for names in ("Temperature,Pair,Absent", "Temperature, Pair", " Pair,,  Temperature,"):
            device.publish("get/ds", names)
            self.assertEqual(self.received(device, 2), {"downlink/ds/Temperature": b"21.4", "downlink/ds/Pair": b"First\0Second"})
        device.publish("get/ds/all", "")
        self.assertEqual(self.received(device, 3)["downlink/ds/Name with spaces \u00e4"], b"hello")
        values = self.values()["datastreams"]
        self.assertEqual(values["Temperature"]["value"], "21.4")
        self.assertEqual(values["Pair"]["value"], ["First", "Second"])

    def test_a_name_may_have_64_letters_of_two_bytes(self):
        """Blynk's ESP-IDF client has room for names of 128 bytes."""
        device = self.connect()
        name = "\u0442\u0435" * 32
        device.publish(f"ds/{name}", "21.3")
        device.publish(f"ds/{name}/prop/{name}", "red")
        device.publish(f"meta/{name}", "1")
        device.publish(f"event/{name}", "")
        for request, branch, value in (("get/ds", "ds", b"21.3"), ("get/meta", "meta", b"1")):
            device.publish(request, name)
            self.assertEqual(self.received(device, 1), {f"downlink/{branch}/{name}": value})
        self.patch(datastreams={name: "22"})
        self.assertEqual(self.received(device, 1), {f"downlink/ds/{name}": b"22"})
        self.assertEqual(self.values()["properties"][f"{name}/{name}"]["value"], "red")
        self.assertEqual(self.timeline()[-1], name)

    def test_the_nul_that_ends_a_string_of_c_is_no_part_of_what_is_said(self):
        device = self.connect()
        for topic, payload in (("ds/Text", b"on\0"), ("ds/Parts", b"a\0b\0"), ("ds/Empty", b"\0"), ("meta/Serial", b"42\0"),
                               ("event/hot", b"too hot\0"), ("batch_ds", b'{"Batch": 1}\0'),
                               ("info/mcu", json.dumps({"tmpl": s.TEMPLATE, "ver": "1.0.0", "build": "", "type": "pump"}).encode() + b"\0")):
            device.publish(topic, payload)
        device.publish("get/ds", b"Text,Parts\0")
        self.assertEqual(self.received(device, 2), {"downlink/ds/Text": b"on", "downlink/ds/Parts": b"a\0b"})
        values = {name: value["value"] for name, value in self.values()["datastreams"].items()}
        self.assertEqual(values, {"Text": "on", "Parts": ["a", "b"], "Empty": "", "Batch": "1"})
        self.assertEqual(self.values()["metadata"]["Serial"]["value"], "42")
        self.assertIn("hot: too hot", self.timeline())
        self.assertEqual(self.server.device(self.added)["firmware"]["version"], "1.0.0")

    def test_a_value_is_erased(self):
        device = self.connect()
        device.publish("ds/Temperature", "1")
        device.publish("ds/Temperature/erase", "")
        device.publish("ds/Temperature/erase", "")
        self.assertEqual(self.values()["datastreams"], {})

    def test_a_batch_is_many_values(self):
        device = self.connect()
        device.publish("batch_ds", '{"Name": "Sample Batch Uplink", "Temperature": 10.3, "Location": [30.523333, 50.450001], '
                                   '"Device On": true, "Count": 12345678901}')
        values = {name: value["value"] for name, value in self.values()["datastreams"].items()}
        self.assertEqual(values, {"Name": "Sample Batch Uplink", "Temperature": "10.3", "Device On": "1", "Count": "12345678901",
                                  "Location": ["30.523333", "50.450001"]})
        device.publish("get/ds", "Location")
        self.assertEqual(self.received(device, 1), {"downlink/ds/Location": b"30.523333\x0050.450001"})

    def test_numbers_of_a_batch_are_in_their_shortest_form(self):
        device = self.connect()
        device.publish("batch_ds", '{"a": 1.50, "b": 25.0, "c": 1e3, "d": -0.5, "e": 0, "f": 10.0E-1, "place": [13.0, 52.5]}')
        values = {name: value["value"] for name, value in self.values()["datastreams"].items()}
        self.assertEqual(values, {"a": "1.5", "b": "25", "c": "1000", "d": "-0.5", "e": "0", "f": "1", "place": ["13", "52.5"]})

    def test_a_batch_is_taken_whatever_its_numbers_and_however_often_a_name_stands_in_it(self):
        device = self.connect()
        device.publish("batch_ds", '{"a": 1, "b": 2, "a": 3}')
        device.publish("batch_ds", '{"c": 18446744073709551615, "d": 7}')
        values = {name: value["value"] for name, value in self.values()["datastreams"].items()}
        self.assertEqual({name: values[name] for name in "abd"}, {"a": "3", "b": "2", "d": "7"})
        self.assertEqual(float(values["c"]), float("1.84467440737096e19"))

    def timed(self, device, *points, name="Temperature"):
        """Sends points as [milliseconds from now, value]; the time that counts as now."""
        now = time.time_ns() // 1_000_000
        device.publish(f"ds/{name}/timestamped_batch", json.dumps([[now + offset, value] for offset, value in points]))
        return now

    def test_of_a_timestamped_batch_the_newest_is_kept_with_its_time(self):
        device = self.connect()
        now = self.timed(device, (-3000, 20.5), (-1000, 21.5), (-2000, 22.5))
        value = self.values()["datastreams"]["Temperature"]
        self.assertEqual((value["value"], value["time"]), ("21.5", iso(now - 1000)))
        device.publish("get/ds", "Temperature")
        self.assertEqual(self.received(device, 1), {"downlink/ds/Temperature": b"21.5"})

    def test_what_was_measured_earlier_does_not_replace_what_is_kept(self):
        device = self.connect()
        device.publish("ds/Temperature", "30")
        self.timed(device, (-60_000, 20), (-50_000, 21))
        self.assertEqual(self.values()["datastreams"]["Temperature"]["value"], "30")
        self.timed(device, (-60_000, 20), (60_000, 22))  # a clock that is ahead
        self.assertEqual(self.values()["datastreams"]["Temperature"]["value"], "22")
        device.publish("ds/Temperature", "31")
        self.assertEqual(self.values()["datastreams"]["Temperature"]["value"], "31")
        self.received(device, 0)

    def test_a_timestamped_batch_takes_what_a_batch_takes(self):
        device = self.connect()
        for name, value, kept in (("Name", "text", "text"), ("On", True, "1"), ("Place", [30.523333, 50.450001], ["30.523333", "50.450001"])):
            self.timed(device, (0, value), name=name)
            self.assertEqual(self.values()["datastreams"][name]["value"], kept)

    def test_a_timestamped_batch_leaves_out_what_is_a_month_away_and_says_so(self):
        day = 24 * 3600 * 1000
        device = self.connect(subscribe=None)
        self.timed(device, (-32 * day, 1), (-30 * day, 2), (32 * day, 3))
        self.assertIn(b"left out 2", self.received(device, 1)["downlink/diag"])
        self.assertEqual(self.values()["datastreams"]["Temperature"]["value"], "2")
        device.publish("ds/Humidity/timestamped_batch", json.dumps([[int(time.time()), 40]]))
        self.assertIn(b"milliseconds", self.received(device, 1)["downlink/diag"])
        self.assertNotIn("Humidity", self.values()["datastreams"])

    def test_a_timestamped_batch_that_is_none_changes_nothing(self):
        now = time.time_ns() // 1_000_000
        device = self.connect(subscribe=None)
        for payload in ("", "[]", "{}", "21.5", f"[{now}, 21.5]", f"[[{now}, 1], [{now}]]", f"[[{now}, 1, 2]]", f'[["{now}", 1]]',
                        f"[[{now}.5, 1]]", f"[[{now}, null]]", f"[[{now}, {{}}]]", f"[[{now}, [1]]]", f"[[{now}, 1]", "[[1e300, 1]]"):
            device.publish("ds/Temperature/timestamped_batch", payload)
        device.ping()
        self.assertIn(b"timestamped_batch", dict(device.messages)["downlink/diag"])
        self.assertEqual(self.values()["datastreams"], {})

    def test_properties_are_kept_apart(self):
        device = self.connect()
        device.publish("ds/Temperature/prop/color", "red")
        device.publish("ds/Temperature/prop/label", "T")
        device.publish("ds/Temperature/prop/label/erase", "")
        values = self.values()
        self.assertEqual((list(values["properties"]), values["datastreams"]), (["Temperature/color"], {}))

    def test_values_outlive_a_kill(self):
        device = self.connect()
        device.publish("ds/Temperature", "21.3")
        self.server.kill()
        self.server.start()
        self.assertEqual(self.values()["datastreams"]["Temperature"]["value"], "21.3")

    def test_the_operator_sets_values_and_the_device_is_told(self):
        device = self.connect()
        self.patch(datastreams={"Brightness": "40"}, metadata={"Room": "cellar"})
        self.assertEqual(self.received(device, 2), {"downlink/ds/Brightness": b"40", "downlink/meta/Room": b"cellar"})
        for body in ({"datastreams": {"a/b": "1"}}, {"datastreams": {"": "1"}}, {"metadata": {"Device Name": "x"}},
                     {"datastreams": {"a": "x" * 1025}}):
            self.assertEqual(self.server.ask("PATCH", f"/api/v1/devices/{self.added['id']}/values", body).status, 422, body)
        self.assertEqual(list(self.values()["datastreams"]), ["Brightness"])

    # --- metadata, events, time, place ---

    def test_metadata_is_kept_but_the_clouds_own_is_not_changed(self):
        device = self.connect()
        device.publish("meta/Serial Number", "12345")
        device.publish("meta/Device Name", "mine")
        self.assertIn("downlink/diag", self.received(device, 1))
        device.publish("get/meta", "Serial Number,Device Name,Absent")
        self.assertEqual(self.received(device, 2), {"downlink/meta/Serial Number": b"12345", "downlink/meta/Device Name": b"pump 7"})

    def test_a_device_is_told_its_new_metadata_and_name(self):
        device = self.connect("downlink/meta/#")
        self.patch(metadata={"Serial Number": "12345"})
        self.assertEqual(self.received(device, 1), {"downlink/meta/Serial Number": b"12345"})
        path = f"/api/v1/devices/{self.added['id']}"
        self.assertEqual(self.server.ask("PATCH", path, {"tags": ["canary"]}).status, 200)
        self.assertEqual(self.server.ask("PATCH", path, {"name": "pump 8"}).status, 200)
        self.assertEqual(self.received(device, 1), {"downlink/meta/Device Name": b"pump 8"})

    def test_an_event_is_in_the_timeline(self):
        device = self.connect()
        device.publish("event/temp_is_high", "")
        device.publish("event/measurement_error", "Failed to measure temperature")
        self.assertEqual(self.timeline()[-2:], ["temp_is_high", "measurement_error: Failed to measure temperature"])

    def test_an_event_of_several_lines_is_one_line_of_the_timeline(self):
        device = self.connect()
        device.publish("event/hot", "too hot:\r\n\tinside 71\n\toutside 40\r\n")
        device.publish("event/quiet", "\n")
        self.assertEqual(self.timeline()[-2:], ["hot: too hot:   inside 71  outside 40", "quiet"])
        self.received(device, 0)

    def time(self, device):
        device.publish("get/utc/all/json", "")
        return json.loads(self.received(device, 1)["downlink/utc/all/json"])

    def test_the_time_is_that_of_the_devices_zone(self):
        device = self.connect()
        utc = self.time(device)
        self.assertEqual((utc["tz_name"], utc["tz_rule"], utc["tz_offset"], utc["dst_offset"]), ("UTC", "UTC0", 0, 0))
        self.assertRegex(utc["iso8601"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        device.publish("meta/Time Zone", "Asia/Kolkata")
        there = self.time(device)
        self.assertEqual((there["tz_name"], there["tz_rule"], there["tz_offset"], there["dst_offset"]),
                         ("Asia/Kolkata", "IST-5:30", 330, 0))
        self.assertTrue(there["iso8601"].endswith("+05:30"))
        for zone in ("../../etc/passwd", "No/Where", "x" * 900):
            device.publish("meta/Time Zone", zone)
            self.assertEqual(self.time(device)["tz_name"], "UTC")
        self.organization(timezone="Africa/Lagos")
        self.addCleanup(self.organization, timezone="")
        self.assertEqual((self.time(device)["tz_name"], self.time(device)["tz_offset"]), ("Africa/Lagos", 60))
        device.publish("meta/Time Zone", "Asia/Kolkata")
        self.assertEqual(self.time(device)["tz_name"], "Asia/Kolkata")
        answer = self.server.ask("PATCH", f"/api/v1/devices/{self.added['id']}", {"timezone": "Asia/Tokyo"})
        self.assertEqual(answer.status, 200)
        self.assertEqual((self.time(device)["tz_name"], self.time(device)["tz_offset"]), ("Asia/Tokyo", 540))

    def organization(self, **changes):
        self.assertEqual(self.server.ask("PATCH", "/api/v1/organization", changes).status, 200)

    def test_the_place_is_what_was_set(self):
        device = self.connect()
        device.publish("get/loc/all", "")
        self.received(device, 0)
        self.patch(metadata={"Location": "50.45,30.52"})
        self.received(device, 1)
        device.publish("get/loc/all", "")
        self.assertEqual(self.received(device, 1), {"downlink/loc/all": b"50.45,30.52"})

    # --- a word to the device ---

    def test_a_ping_is_answered_by_its_acknowledgement(self):
        device = self.connect(subscribe=None)
        device.socket.sendall(s.packet(0x82, b"\x00\x63" + s.text("downlink/#") + b"\x01"))
        while device.step() != 0x90:
            pass
        self.assertEqual(self.server.ask("POST", f"/api/v1/devices/{self.added['id']}/ping").status, 202)
        kind, body = device.receive()
        self.assertEqual((kind, body[:15]), (0x32, s.text("downlink/ping")))
        self.assertNotIn("answered", self.timeline()[-1])
        device.socket.sendall(b"\x40\x02" + body[15:17])
        s.wait_for("the answer is noted", lambda: re.match(r"answered a ping after \d+ ms$", self.timeline()[-1]))

    def test_reboot_and_redirect_reach_the_device_and_need_it_there(self):
        path = f"/api/v1/devices/{self.added['id']}"
        self.assertEqual(self.server.ask("POST", path + "/reboot").status, 409)
        device = self.connect(subscribe=None)
        self.assertEqual(self.server.ask("POST", path + "/redirect", {"url": "mqtts://eu.example.com:8883"}).status, 202)
        self.assertEqual(self.received(device, 1), {"downlink/redirect": b"mqtts://eu.example.com:8883"})
        for url in ("https://x:1", "mqtts://eu.example.com", "mqtts://:8883", "mqtts://x:0", "mqtts://x:65536", "mqtts://x:8883/", "mqtt:/x:1",
                    "mqtts://x:", "x:8883", "mqtts://x:88a"):
            self.assertEqual(self.server.ask("POST", path + "/redirect", {"url": url}).status, 400, url)
        device.subscribe("downlink/reboot")
        self.assertEqual(self.server.ask("POST", path + "/reboot").status, 202)
        self.assertEqual(self.received(device, 1), {"downlink/reboot": b""})

    # --- the limits ---

    def test_a_message_is_never_larger_than_the_devices_buffer(self):
        for buffer in ("100", "100.0", "1.0e2", '"100"'):
            device = self.connect()
            device.publish("info/mcu", f'{{"ver": "1", "type": "pump", "rxbuff": {buffer}}}')
            self.patch(datastreams={"Short": "x" * 60, "Long": "x" * 90})
            self.assertEqual(list(self.received(device, 1)), ["downlink/ds/Short"], buffer)
        for none in ("null", '""', "0", "-1", "1e300", "true", "[]"):
            device = self.connect()
            device.publish("info/mcu", f'{{"ver": "1", "type": "pump", "rxbuff": {none}}}')
            self.patch(datastreams={"Long": "x" * 90})
            self.assertEqual(list(self.received(device, 1)), ["downlink/ds/Long"], none)

    def test_what_makes_no_sense_is_told_to_the_device_but_not_all_the_time(self):
        device = self.connect(subscribe=None)
        device.publish("batch_ds", "[1]")
        self.assertIn(b"batch_ds", self.received(device, 1)["downlink/diag"])
        for topic, payload in (("ds/", "1"), ("ds/a/b/c", "1"), ("nothing/here", "1"), ("ds/" + "x" * 129, "1"),
                               ("event/", "x"), ("batch_ds", '{"a": {}}'), ("batch_ds", '{"": 1}'), ("ds/a\x01\x1b[2J", "1")):
            device.publish(topic, payload)
        self.assertEqual(self.values()["datastreams"], {})
        self.assertNotIn("\x1b", json.dumps(self.timeline(), ensure_ascii=False))

    def test_a_device_has_a_bounded_number_of_values(self):
        device = self.connect()
        for start in range(0, 140, 20):
            device.publish("batch_ds", json.dumps({f"v{i}": i for i in range(start, start + 20)}))
        self.assertEqual(len(self.values()["datastreams"]), 128)
        device.publish("ds/v5", "changed")
        self.assertEqual(self.values()["datastreams"]["v5"]["value"], "changed")

    def test_a_flood_is_slowed_and_others_are_not(self):
        device = self.connect()
        other = s.Device(self.server, self.server.add_device()["token"])
        self.addCleanup(other.close)
        message = s.packet(0x30, s.text("event/x"))
        device.socket.sendall(message * 600)
        while not any(topic == "downlink/diag" for topic, _ in device.messages):
            device.step()
        other.check_in("1.0.0")
        other.ping()
        device.ping()  # it is read on, later

    # --- the will ---

    def with_will(self, version=4):
        device = s.Device(self.server, "", login=False)
        properties = b"\0" if version == 5 else b""
        device.socket.sendall(s.packet(0x10, s.text("MQTT") + bytes([version, 0xC6, 0, 45]) + properties + s.text("") + properties
                                       + s.text("ds/Status") + s.text("offline") + s.text("device") + s.text(self.added["token"])))
        self.assertEqual(device.receive()[0], 0x20)
        self.addCleanup(device.close)
        self.patch(datastreams={"Status": "online"})
        return device

    def status(self):
        return self.values()["datastreams"]["Status"]["value"]

    def gone(self):
        s.wait_for("it is gone", lambda: not self.server.device(self.added)["online"])

    def test_a_will_counts_when_the_connection_is_lost(self):
        device = self.with_will()
        self.assertEqual(self.status(), "online")
        device.close()
        s.wait_for("the will is done", lambda: self.status() == "offline")

    def test_a_will_does_not_count_after_a_goodbye(self):
        device = self.with_will()
        device.socket.sendall(b"\xE0\0")
        self.gone()
        self.assertEqual(self.status(), "online")
        device = self.with_will(version=5)
        device.socket.sendall(b"\xE0\x01\x04")  # a goodbye that wants it
        s.wait_for("the will is done", lambda: self.status() == "offline")


if __name__ == "__main__":
    unittest.main()
