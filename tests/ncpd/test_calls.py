#!/usr/bin/env python3
"""The calls that tandem-ncp serves, from the MCU's side, and what becomes of them in the cloud.

TANDEM_BIN names the folder of the program."""

import json
import queue
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import side_by_side  # noqa: E402
import tandem_wire as wire  # noqa: E402
from tandem_wire import CallFailed  # noqa: E402
from test_ncpd import SECONDS, Case  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([0-9A-F]{4}) \| ([\w.]+) \| (works|configurable|false) \|", re.MULTILINE)


def documented():
    rows = ROW.findall((ROOT / "docs/NCP.md").read_text())
    return {int(uid, 16): (name, here) for uid, name, here in rows}


class Calls(Case):
    def start(self, **options):
        self.start_mcu()
        self.start_ncp(**options)
        self.wait_check_in()
        self.drain()

    def drain(self):
        """Both get/ requests of the connection are the last of it."""
        while self.cloud.published.get(timeout=SECONDS)[0] != "get/loc/all":
            pass

    def mcu_does(self, what):
        """On the MCU's thread, whose peer it is; the result, or what was raised."""
        done = queue.Queue()

        def run():
            try:
                done.put((what(self.mcu.peer), None))
            except (CallFailed, AssertionError) as error:
                done.put((None, error))

        self.mcu.todo.put(run)
        value, error = done.get(timeout=SECONDS)
        if error:
            raise error
        return value

    def call(self, name, *arguments):
        return self.mcu_does(lambda peer: peer.call(name, *arguments))

    def published(self, count=1):
        got = [self.cloud.published.get(timeout=SECONDS) for _ in range(count)]
        return got if count > 1 else got[0]

    def says(self, name, *arguments):
        """A ONEWAY, and the message that comes of it."""
        self.call(name, *arguments)
        return self.published()


class Table(Calls):
    """docs/NCP.md against the program."""

    def test_every_call_of_the_protocol_has_its_row(self):
        served = {call.uid: call.name for call in wire.CALLS if call.server == "ncp"}
        self.assertEqual({uid: name for uid, (name, _) in documented().items()}, served)

    def has(self):
        return {uid for uid in documented() if self.call("ncp.hasUID", uid)}

    def rows(self, *kinds):
        return {uid for uid, (_, here) in documented().items() if here in kinds}

    def test_has_uid_says_what_the_table_says(self):
        self.start()
        self.assertEqual(self.has(), self.rows("works"))

    def test_what_does_not_work_is_answered_with_false(self):
        self.start()
        given = {"?": False, "B": 1, "H": 1, "h": 1, "I": 1, "q": 1, "s": "x", "b": b"x"}
        for uid in sorted(self.rows("false", "configurable")):
            call = wire.BY_UID[uid]
            if call.timeout_ms == 0:
                self.call(call.name, *[given[kind] for kind in call.arguments])
                continue
            with self.subTest(call.name):
                results = self.call(call.name, *[given[kind] for kind in call.arguments])
                last = results[-1] if isinstance(results, list) else results
                self.assertIn(last, (False, 3), "false, or a factory test's system fail")
        self.call("ncp.ping")

    def test_an_unknown_uid_is_answered_with_status_13(self):
        self.start()
        with self.assertRaises(CallFailed) as failed:
            self.mcu_does(lambda peer: peer.call("mcu.reboot"))  # which the MCU serves, not the co-processor
        self.assertEqual(failed.exception.status, wire.UNKNOWN_UID)


class Hooks(Calls):
    """What the configuration adds."""

    def setUp(self):
        super().setUp()
        for name in ("led", "red", "green", "blue"):
            folder = Path(self.folder, name)
            folder.mkdir()
            (folder / "max_brightness").write_text("100\n")
            (folder / "brightness").write_text("7\n")
            (folder / "trigger").write_text("[heartbeat] none\n")
        self.settings = {"Led": f"{self.folder}/led", "Rgb": ",".join(f"{self.folder}/{c}" for c in ("red", "green", "blue")),
                         "Button": "/dev/gpiochip99:3"}

    def set_hook(self, *lines):
        hook = Path(self.folder, "hook")
        hook.write_text("\n".join(["#!/bin/sh", f"echo $TANDEM_MCU $* >>{self.folder}/hooked", *lines, ""]))
        hook.chmod(0o755)
        self.settings["Hook"] = str(hook)

    def hooked(self, line):
        path = Path(self.folder, "hooked")
        self.ncp.wait(lambda: path.exists() and line in path.read_text().splitlines(), f"hook {line}")

    def brightness(self, name):
        return (Path(self.folder, name, "brightness").read_text()).strip()

    def test_has_uid_says_that_all_of_it_works(self):
        self.set_hook()
        self.start(settings=self.settings)
        has = {uid for uid in documented() if self.call("ncp.hasUID", uid)}
        self.assertEqual(has, {uid for uid, (_, here) in documented().items() if here != "false"})

    def test_configuration_is_the_hooks(self):
        self.set_hook()
        self.start(settings=self.settings)
        for name in ("Start", "Stop", "Reset"):
            self.assertTrue(self.call(f"blynk.config{name}"))
            self.hooked(f"test config-{name.lower()}")
            self.ncp.wait_log(f"config-{name.lower()} ended")

    def test_a_hook_that_cannot_run_is_said(self):
        self.set_hook()
        Path(self.settings["Hook"]).chmod(0o644)
        self.start(settings=self.settings)
        self.assertFalse(self.call("blynk.configStart"))
        self.ncp.wait_log("Permission denied; make it a program")

    def test_a_wifi_test_has_strength_and_result(self):
        self.set_hook("read password; echo $password >>" + f"{self.folder}/hooked", "echo -61", 'test "$2" = Home')
        self.start(settings=self.settings)
        self.assertEqual(self.call("blynk.factoryTestWiFi", "Home", "geheim"), [-61, 1])
        self.hooked("geheim")
        self.assertNotIn("geheim", self.ncp.log.read_text())
        self.assertEqual(self.call("blynk.factoryTestWiFi", "Other", "x"), [-61, 3])

    def test_the_exit_status_is_the_result(self):
        self.set_hook("exit $2")
        self.start(settings=self.settings)
        for status, result in ((0, 1), (2, 2), (4, 4), (5, 5), (6, 6), (7, 3), (1, 3)):
            self.assertEqual(self.call("blynk.factoryTestWiFiAP", status), result)

    def test_a_hook_that_hangs_is_killed(self):
        self.set_hook("sleep 30")
        self.start(settings=self.settings)
        self.assertEqual(self.call("blynk.factoryTestWiFiAP", 1), 3)
        self.ncp.wait_log("test-wifi-ap took too long")

    def test_reboot_ends_the_session_and_reboots_the_machine_where_it_may(self):
        for may in ("no", "yes"):
            with self.subTest(may):
                self.set_hook()
                self.settings["RebootHost"] = may
                self.start(settings=self.settings)
                self.assertTrue(self.call("ncp.reboot"))
                self.ncp.wait_log("not initialized any more")
                if may == "yes":
                    self.hooked("test reboot")
                self.ncp.stop()
                self.mcu.close()
                self.assertEqual(Path(self.folder, "hooked").exists(), may == "yes")

    def test_an_update_reboots_no_machine(self):
        self.set_hook()
        self.settings["RebootHost"] = "yes"
        self.start(settings=self.settings)
        self.offer()
        self.assert_installed()
        self.assertFalse(Path(self.folder, "hooked").exists())

    def test_the_led_shows_the_state(self):
        self.start(settings=self.settings)
        self.assertEqual(self.brightness("led"), "7", "it is not ours before the MCU asks")
        self.assertTrue(self.call("hw.initLED", 5, False))
        self.ncp.wait(lambda: self.brightness("led") == "100", "on when connected")
        self.assertTrue((Path(self.folder, "led/trigger").read_text()).startswith("none"))
        self.assertTrue(self.call("hw.setLedBrightness", 51))
        self.assertEqual(self.brightness("led"), "20")
        self.ncp.stop()
        self.assertEqual(self.brightness("led"), "0")

    def test_colours_show_the_state(self):
        self.start(settings=self.settings)
        self.assertTrue(self.call("hw.initRGB", 1, 2, 3, False))
        self.ncp.wait(lambda: [self.brightness(c) for c in ("red", "green", "blue")] == ["0", "100", "0"], "green")

    def test_hardware_that_is_not_there_is_false(self):
        self.settings["Led"] = "/nowhere"
        self.start(settings=self.settings)
        self.assertFalse(self.call("hw.initLED", 5, False))
        self.assertFalse(self.call("hw.initUserButton", 5, True))
        self.ncp.wait_log("button /dev/gpiochip99:3: No such file")

    def test_a_factory_reset_leaves_nothing(self):
        self.set_hook()
        self.start(settings=self.settings)
        self.offer()
        self.wait_event("offered")
        self.assertTrue(self.call("blynk.factoryReset"))
        self.hooked("test factory-reset")
        self.assertEqual(sorted(path.name for path in Path(self.folder, "data").iterdir()), [])
        report = self.wait_report("failed")
        self.assertEqual(report["reason"], "cancelled")


class Connect(Calls):
    def test_it_is_ok_while_connected(self):
        self.start()
        self.assertEqual(self.call("blynk.factoryTestConnect"), 1)

    def test_it_tries_where_there_is_no_login(self):
        self.write_token("wrong")
        self.start_mcu()
        self.start_ncp()
        self.ncp.wait_log("(code 4)")
        self.assertEqual(self.call("blynk.factoryTestConnect"), 1)

    def test_it_says_when_nobody_is_there(self):
        self.cloud.close()
        self.start_mcu()
        self.start_ncp()
        self.ncp.wait_log("trying again")
        self.assertEqual(self.call("blynk.factoryTestConnect"), 6)


class Data(Calls):
    def test_a_write_goes_to_the_datastream_of_its_pin(self):
        self.start()
        self.assertEqual(self.says("blynk.virtualWrite", 7, b"21.5"), ("ds/V7", b"21.5"))
        self.assertEqual(self.says("blynk.virtualWrite", 65535, b"a\0b"), ("ds/V65535", b"a\0b"))

    def test_a_property_goes_to_its_topic(self):
        self.start()
        self.assertEqual(self.says("blynk.setProperty", 3, "color", b"#FF0000"), ("ds/V3/prop/color", b"#FF0000"))
        self.assertEqual(self.says("blynk.setProperty", 3, "x" * 128, b"1"), ("ds/V3/prop/" + "x" * 128, b"1"))

    def test_a_property_that_is_no_level_of_a_topic_is_dropped(self):
        self.start()
        for name in ("", "a/b", "+", "#", "x" * 129):
            self.call("blynk.setProperty", 3, name, b"1")
        self.assertEqual(self.says("blynk.syncAll")[0], "get/ds/all")

    def test_syncs_ask_for_names(self):
        self.start()
        self.assertEqual(self.says("blynk.syncAll"), ("get/ds/all", b""))
        self.assertEqual(self.says("blynk.syncVirtual", b"1\0002\00033"), ("get/ds", b"V1,V2,V33"))

    def test_a_group_goes_out_as_one_batch(self):
        self.start()
        self.call("blynk.beginGroup", 0)
        for pin, value in ((1, b"21.5"), (2, b"on"), (3, b"30.5\x0050.25"), (4, b"-7")):
            self.call("blynk.virtualWrite", pin, value)
        topic, payload = self.says("blynk.endGroup")
        self.assertEqual(topic, "batch_ds")
        self.assertEqual(json.loads(payload), {"V1": 21.5, "V2": "on", "V3": [30.5, 50.25], "V4": -7})

    def test_a_group_may_be_of_an_earlier_time(self):
        self.start()
        self.call("blynk.beginGroup", 1795685884000)
        self.assertEqual(self.says("blynk.virtualWrite", 1, b"21.5"), ("ds/V1/timestamped_batch", b"[[1795685884000,21.5]]"))
        self.call("blynk.endGroup")
        self.assertEqual(self.says("blynk.virtualWrite", 1, b"22"), ("ds/V1", b"22"))

    def test_a_long_group_goes_out_in_messages_that_fit(self):
        self.start()
        self.call("blynk.beginGroup", 0)
        for pin in range(40):
            self.call("blynk.virtualWrite", pin, b"x" * 60)
        self.call("blynk.endGroup")
        sent = {}
        while len(sent) < 40:
            topic, payload = self.published()
            self.assertEqual(topic, "batch_ds")
            self.assertLessEqual(len(topic) + len(payload) + 2, 1024)
            sent.update(json.loads(payload))
        self.assertEqual(sent, {f"V{pin}": "x" * 60 for pin in range(40)})

    def test_events_and_metadata(self):
        self.start()
        self.assertEqual(self.says("blynk.logEvent", "too_hot", "31 degrees"), ("event/too_hot", b"31 degrees"))
        self.assertEqual(self.says("blynk.logEvent", "too_hot", ""), ("event/too_hot", b""))
        self.assertEqual(self.says("blynk.setMetadata", "Serial No", "A-1"), ("meta/Serial No", b"A-1"))

    def test_an_event_code_that_leads_elsewhere_is_dropped(self):
        self.start()
        self.call("blynk.logEvent", "../ota/report", "x")
        self.assertEqual(self.says("blynk.syncAll")[0], "get/ds/all")

    def test_a_value_from_the_cloud_changes_its_pin(self):
        self.start()
        got = queue.Queue()
        self.mcu_does(lambda peer: peer.serve("client.blynkVPinChange", lambda pin, value: got.put((pin, value))))
        self.cloud.publish("downlink/ds/V12", b"1\0002")
        self.assertEqual(got.get(timeout=SECONDS), (12, b"1\0002"))
        self.cloud.publish("downlink/ds/No pin", b"x")
        self.cloud.publish("downlink/ds/V99999", b"x")
        self.cloud.publish("downlink/ds/V3", b"y" * 900)
        self.assertEqual(got.get(timeout=SECONDS), (3, b"y" * 900))
        self.cloud.publish("downlink/ds/V4", b"")
        self.assertEqual(got.get(timeout=SECONDS), (4, b""))

    def test_writes_without_a_connection_are_dropped(self):
        self.start()
        self.cloud.cut()
        self.cloud.close()
        self.ncp.wait_log("trying again")
        self.call("blynk.virtualWrite", 1, b"x")
        self.ncp.wait_log("not there for ds/V1; dropped")


class Time(Calls):
    def test_the_time_is_the_machines(self):
        self.start()
        text, unix_ms, offset, _, _, known = self.call("blynk.getTime")
        self.assertTrue(known)
        self.assertLess(abs(unix_ms / 1000 - time.time()), 5)
        self.assertRegex(text, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")
        self.assertEqual(offset * 60, time.localtime().tm_gmtoff)

    def test_the_zone_and_the_place_are_the_clouds(self):
        self.start()
        events = queue.Queue()
        self.mcu_does(lambda peer: peer.serve("client.processEvent", events.put))
        self.assertEqual(self.call("blynk.getLocationInfo"), ["", "", "", "", False])
        self.cloud.publish("downlink/utc/all/json", json.dumps({
            "tz_name": "America/Goose_Bay", "tz_rule": "AST4ADT,M3.2.0,M11.1.0", "tz_offset": -240, "dst_offset": 60,
            "time": 1, "iso8601": "2024-03-01T16:47:57-04:00"}).encode())
        self.assertEqual(events.get(timeout=SECONDS), 22)
        self.cloud.publish("downlink/loc/all", b"53.30,-60.33")
        self.ncp.wait(lambda: self.call("blynk.getLocationInfo")[-1], "the place")
        self.assertEqual(self.call("blynk.getLocationInfo"),
                         ["53.30", "-60.33", "America/Goose_Bay", "AST4ADT,M3.2.0,M11.1.0", True])
        text, unix_ms, offset, zone, dst, known = self.call("blynk.getTime")
        self.assertEqual((offset, zone, dst, known), (-180, "America/Goose_Bay", 1, True))
        local = time.strftime("%Y-%m-%dT%H:%M:%S-03:00", time.gmtime(unix_ms // 1000 - 3 * 3600))
        self.assertEqual(text, local)

    def test_what_is_no_zone_and_no_place_changes_nothing(self):
        self.start()
        for payload in (b"", b"[]", b'{"tz_offset":"x"}', b'{"tz_offset":99999,"dst_offset":0}', b"\xff"):
            self.cloud.publish("downlink/utc/all/json", payload)
        for payload in (b"", b",", b"91,0", b"0,181", b"1e1,0", b"0" * 600):
            self.cloud.publish("downlink/loc/all", payload)
        self.cloud.publish("downlink/reboot", b"")
        self.wait_event("reboot")  # behind all of them
        self.assertEqual(self.call("blynk.getLocationInfo")[-1], False)
        self.assertEqual(self.call("blynk.getTime")[2] * 60, time.localtime().tm_gmtoff)

    def test_the_mcu_may_set_the_time(self):
        self.start()
        self.assertFalse(self.call("blynk.setTime", 1000))
        self.assertTrue(self.call("blynk.setTime", 1893456000000))
        self.assertIn(self.call("blynk.getTime")[1] // 1000, range(1893456000, 1893456000 + SECONDS))


class Identity(Calls):
    def test_addresses_are_those_of_the_machine(self):
        self.start()
        wanted = {True: [], False: []}
        for link in Path("/sys/class/net").iterdir():
            if (link / "device").exists():
                wanted[(link / "wireless").exists()].append((link / "address").read_text().strip())
        for name, wireless in (("hw.getWiFiMAC", True), ("hw.getEthernetMAC", False)):
            mac, found = self.call(name)
            self.assertEqual(found, bool(wanted[wireless]))
            self.assertIn(mac, wanted[wireless] or [""])

    def test_the_hotspot_carries_vendor_and_template(self):
        self.start()
        self.assertTrue(self.call("blynk.setVendorPrefix", "ACME"))
        self.assertFalse(self.call("blynk.setVendorPrefix", "x" * 33))
        name, known = self.call("blynk.getHotspotName")
        self.assertTrue(known)
        self.assertRegex(name, r"^ACME Tandem demo-[0-9a-f]{4}$")

    def test_another_cloud_is_refused_unless_it_is_allowed(self):
        self.start()
        self.assertTrue(self.call("blynk.setVendorServer", "127.0.0.1"))
        self.assertFalse(self.call("blynk.setVendorServer", "evil.example.com"))
        self.assertTrue(self.call("blynk.isConfigured"))
        self.assertTrue(self.call("blynk.setConfigTimeout", 1800))
        self.assertTrue(self.call("blynk.setConfigSkipLimit", 3))


if __name__ == "__main__":
    side_by_side.main()
