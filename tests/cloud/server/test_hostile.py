"""What clients should not do, against the running program: nothing is lost, nothing stops, and the answer says why."""

import resource
import socket
import struct
import time
import unittest

import server as s


def connect_packet(user=None, password=None, client_id="", version=4):
    flags = 2 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = s.text("MQTT") + bytes([version, flags, 0, 45]) + (b"\0" if version == 5 else b"") + s.text(client_id)
    for value in (user, password):
        if value is not None:
            body += struct.pack(">H", len(value)) + value
    return s.packet(0x10, body)


class Hostile(unittest.TestCase):
    def setUp(self):
        self.server = s.Server("--settle", "0").__enter__()
        self.added = self.server.add_device()

    def tearDown(self):
        self.server.__exit__()

    def connect(self, token=None):
        device = s.Device(self.server, token or self.added["token"])
        self.addCleanup(device.close)
        return device

    def refused(self, status, method, path, body=None, says=(), **more):
        answer = self.server.ask(method, path, body, **more)
        self.assertEqual(answer.status, status, answer.body)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, answer.json["detail"])
        return answer

    def folder(self):
        return sorted(path.name for path in (self.server.data / "firmware").iterdir())

    # --- logins ---

    def login(self, *args, **more):
        device = s.Device(self.server, "", login=False)
        device.socket.sendall(connect_packet(*args, **more))
        answer = device.receive()[1]
        device.close()
        return answer[1]

    def test_a_login_without_token_or_name_is_refused(self):
        self.assertEqual(self.login(), 4)
        self.assertEqual(self.login(b"device"), 4)
        self.assertEqual(self.login(b"", b""), 4)
        self.assertEqual(self.login(b"device", b""), 4)
        self.assertEqual(self.login(version=5), 0x86)

    def test_a_token_with_something_behind_it_is_none(self):
        token = self.added["token"].encode()
        self.assertEqual(self.login(b"device", token), 0)
        for wrong in (token + b"\0", token + b"\0more", token + b"x", token[:-1], b"\0" + token, token * 20):
            self.assertEqual(self.login(b"device", wrong), 4)

    def test_the_longest_client_id_is_taken_and_a_longer_one_is_not(self):
        token = self.added["token"].encode()
        self.assertEqual(self.login(b"device", token, "x" * 64), 0)
        self.assertEqual(self.login(b"device", token, "ä" * 64), 0)
        self.assertEqual(self.login(b"device", token, "x" * 65), 2)

    # --- requests ---

    def test_a_member_that_does_not_exist_is_refused_and_not_ignored(self):
        firmware = self.server.upload(s.plain("1.1.0"))
        self.refused(400, "POST", "/api/v1/shipments",
                     {"template": s.TEMPLATE, "firmware": firmware["id"], "device": [self.added["id"]]}, says="\"device\"")
        self.refused(400, "POST", "/api/v1/devices", {"template": s.TEMPLATE, "nmae": "pump"}, says="\"nmae\"")
        self.refused(400, "POST", "/api/v1/devices", {"template": s.TEMPLATE, "ä" * 400: 1})
        self.assertEqual(self.server.get("/api/v1/shipments")["shipments"], [])

    def test_an_empty_body_is_called_that(self):
        self.refused(400, "POST", "/api/v1/devices", "", says="empty")

    def test_a_text_that_is_cut_in_a_message_stays_text(self):
        firmware = self.server.upload(s.plain("1.1.0"))
        for length in range(28, 34):
            self.refused(422, "POST", "/api/v1/shipments", {"template": s.TEMPLATE, "firmware": firmware["id"],
                                                             "devices": ["d" + "x" * length + "ä"]}, says="no device dxxx")

    def test_a_name_with_a_path_or_too_long_is_refused(self):
        for name in ("..%2f..%2fetc%2fpasswd", "a%2fb", "a%5Cb", "x" * 256, "a%0d%0aX:y", "%1b%5b31m", "%ZZ", "a%00b"):
            self.refused(400, "POST", f"/api/v1/firmware?name={name}", s.plain("1.1.0"), says="name")
        self.assertEqual(self.server.upload(s.plain("1.1.0"), name="x" * 255)["name"], "x" * 255)

    def test_a_filter_that_cannot_be_read_is_not_taken_for_none(self):
        for template in ("%ZZ", "x" * 65):
            self.refused(400, "GET", f"/api/v1/devices?template={template}", says="template")
        for query in ("tmplate=x", "template=x&template=y", "template", "=x", "template=x&%ff=1", "a" * 30 + "=1"):
            self.refused(400, "GET", f"/api/v1/devices?{query}", says="parameter")
        self.assertEqual(self.server.get("/api/v1/devices?template=" + "x" * 64)["devices"], [])

    def test_a_wrong_method_is_told_the_right_ones(self):
        self.assertEqual(self.refused(405, "PUT", "/api/v1/devices").headers["allow"], "POST, GET, HEAD")
        self.assertEqual(self.refused(405, "DELETE", "/firmware/f1", token=False).headers["allow"], "GET, HEAD")

    def test_a_chunked_body_is_told_what_to_send(self):
        answer = self.server.raw(b"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                 b"Authorization: Bearer " + self.server.token.encode() + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        self.assertIn(b"411 Length Required", answer)
        self.assertIn(b"Content-Length", answer.split(b"\r\n\r\n")[1])

    # --- what firmware says of itself ---

    def test_line_ends_in_a_tag_make_no_headers(self):
        data = s.plain("1.1.0", kind="pump", build="b\r\nSet-Cookie: x-1")
        firmware = self.server.upload(data)
        self.assertEqual(firmware["build"], "b\r\nSet-Cookie: x-1")
        self.server.ship(firmware)
        device = self.connect()
        device.check_in("1.0.0")
        offer = device.offer()
        self.assertEqual(offer["build"], "b\r\nSet-Cookie: x-1")
        answer = self.server.ask("GET", "/" + offer["url"].split("/", 3)[3], token=False)
        self.assertEqual((answer.status, answer.headers["x-fw-build"]), (200, "b  Set-Cookie: x-1"))
        self.assertNotIn("set-cookie", answer.headers)

    def test_what_devices_say_cannot_forge_the_log(self):
        device = self.connect()
        device.publish("info/mcu", '{"ver": "1\\n2026-01-01T00:00:00.000Z error forged x=1", "type": "pump"}')
        device.publish("ota/report", '{"stage": "failed\\u001b[2J", "reason": "x\\ny"}')
        device.publish("something/\u202e", "x")
        self.assertNotIn("forged", self.server.log())
        self.assertNotIn("\x1b", self.server.log())

    def test_nested_json_is_refused(self):
        device = self.connect()
        device.publish("info/mcu", "[" * 1000)
        device.publish("info/mcu", '{"a":' * 150 + "1" + "}" * 150)
        self.refused(400, "POST", "/api/v1/devices", "[" * 1000000, says="depth")
        device.ping()

    # --- uploads that do not end well ---

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        data = s.plain("1.1.0")
        head = (f"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n"
                f"Content-Length: {len(data)}\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", self.server.http_port), s.LIMIT) as connection:
            connection.sendall(head + data[:2000])
            s.wait_for("the upload begins", self.folder)
        s.wait_for("its file goes", lambda: not self.folder())
        self.assertEqual(self.server.get("/api/v1/firmware"), {"firmware": [], "next": None})

    def test_the_rest_of_an_upload_that_a_kill_broke_off_is_swept(self):
        with socket.create_connection(("127.0.0.1", self.server.http_port), s.LIMIT) as connection:
            connection.sendall(f"POST /api/v1/firmware HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n"
                               f"Content-Length: 5000\r\n\r\n".encode() + b"x" * 2000)
            s.wait_for("the upload begins", self.folder)
            self.server.kill()
        self.server.start()
        self.assertEqual(self.folder(), [])

    # --- floods ---

    def test_a_flood_of_connections_leaves_the_api_and_the_devices_alive(self):
        self.server.stop()
        self.server.limits = {resource.RLIMIT_NOFILE: 300}
        self.server.start()
        flood = [socket.create_connection(("127.0.0.1", port), s.LIMIT)
                 for port in (self.server.mqtt_port, self.server.http_port) for _ in range(400)]
        self.server.wait_log("connections-full")
        for connection in flood[400:]:
            connection.close()
        s.wait_for("the API answers", self.answers)
        for connection in flood[:400]:
            connection.close()
        s.wait_for("devices get in", lambda: self.connect().code == 0)

    def answers(self):
        try:
            return self.server.ask("GET", "/health").status == 200
        except OSError:
            time.sleep(0.05)
            return False

    def test_a_device_that_reads_nothing_is_disconnected_however_much_people_send_it(self):
        added = self.server.add_device()
        device = s.Device(self.server, added["token"], keep_alive=0)
        device.subscribe("downlink/#")
        values = {"datastreams": {f"value {i}": "x" * 900 for i in range(100)}}
        for _ in range(400):  # 36 MB, of which the kernel takes some
            answer = self.server.ask("PATCH", f"/api/v1/devices/{added['id']}/values", values)
            self.assertEqual(answer.status, 204)
            if not self.server.device(added)["online"]:
                break
        else:
            self.fail("it is still connected")
        device.close()

    def test_a_flood_of_pings_or_subscriptions_is_read_no_faster_than_one_of_messages(self):
        for one in (b"\xC0\0", s.packet(0x82, b"\0\1" + s.text("downlink/#") + b"\0")):
            device = self.connect(self.server.add_device()["token"])
            device.socket.sendall(one * 2000)
            answers = 0
            while answers < 2000 and device.step() >> 4 != 3:
                answers += 1
            self.assertLess(answers, 2000)
            self.assertEqual([topic for topic, _ in device.messages], ["downlink/diag"])

    def test_two_devices_with_one_token_are_slowed_down(self):
        codes = []
        for _ in range(40):
            device = s.Device(self.server, self.added["token"])
            codes.append(device.code)
            if device.code == 0:
                self.addCleanup(device.close)
                inside = device
            else:
                device.close()
        self.assertEqual(codes[:30], [0] * 30)
        self.assertIn(3, codes)
        inside.ping()
        self.server.wait_log("login-too-often device=" + self.added["id"])
        self.assertEqual(self.connect(self.server.add_device()["token"]).code, 0)
        s.wait_for("it gets in again", lambda: self.connect().code == 0)

    # --- kill -9 between each pair of steps ---

    def again(self):
        self.server.kill()
        self.server.start()

    def test_what_was_acknowledged_survives_a_kill_after_each_step(self):
        added = self.server.add_device(name="late")
        self.again()
        self.assertEqual([device["id"] for device in self.server.get("/api/v1/devices")["devices"]],
                         [self.added["id"], added["id"]])
        data = s.plain("1.1.0")
        firmware = self.server.upload(data)
        self.again()
        self.assertEqual(self.server.get("/api/v1/firmware")["firmware"], [firmware])
        shipment = self.server.ship(firmware, devices=[added["id"]])
        self.again()
        self.assertEqual(self.server.target(shipment)["status"], "waiting")
        device = self.connect(added["token"])
        device.check_in("1.0.0")
        offer = device.offer()
        self.server.wait_status(shipment, "request-sent")
        self.again()
        self.assertEqual(self.server.target(shipment)["status"], "request-sent")
        path = "/" + offer["url"].split("/", 3)[3]
        self.assertEqual(self.server.ask("GET", path, token=False).body, data)
        self.server.wait_status(shipment, "firmware-downloaded")
        self.again()
        self.assertEqual(self.server.target(shipment)["status"], "firmware-downloaded")
        self.server.post(f"/api/v1/shipments/{shipment['id']}/pause")
        self.again()
        device = self.connect(added["token"])
        device.check_in("1.1.0")
        self.again()
        target = s.wait_for("success", lambda: self.server.target(shipment)["ended"] and self.server.target(shipment))
        self.assertEqual((target["status"], target["attempts"]), ("success", 1))
        self.again()
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/devices/{added['id']}").status, 204)
        self.again()
        self.assertEqual(self.connect(added["token"]).code, 4)
        self.assertEqual(self.server.get(f"/api/v1/shipments/{shipment['id']}")["devices"], [])


if __name__ == "__main__":
    unittest.main()
