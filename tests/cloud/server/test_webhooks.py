"""Webhooks of the running program, received by a server of the test's own."""

import hashlib
import hmac
import http.server
import json
import queue
import threading
import time
import unittest

import server as s


class Receiver:
    """Takes POSTs; answers by the next of the given statuses, then 200. With silent not at all, with endless without an end."""

    def __init__(self, *statuses, silent=False, endless=False):
        self.statuses = list(statuses)
        self.released = threading.Event()
        self.sent = 0
        self.got = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if silent:
                    receiver.got.put((self.path, dict(self.headers), body))
                    receiver.released.wait(120)
                    return
                if endless:
                    self.send_response(200)
                    self.end_headers()
                    self.flow()
                    return
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.got.put((self.path, dict(self.headers), body))

            def flow(self):
                try:
                    while receiver.sent < 1 << 30:
                        receiver.sent += self.wfile.write(bytes(1 << 16))
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        return self.got.get(timeout=s.LIMIT)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Webhooks(unittest.TestCase):
    def start(self, *options, statuses=()):
        self.server = s.Server("--settle", "0", *options).__enter__()
        self.addCleanup(self.server.__exit__)
        self.receiver = Receiver(*statuses)
        self.addCleanup(self.receiver.close)

    def add(self, url=None, **more):
        return self.server.post("/api/v1/webhooks", {"url": url or self.receiver.url, **more})

    def deliveries(self, hook):
        return self.server.get(f"/api/v1/webhooks/{hook['id']}/deliveries")["deliveries"]

    def make_due(self):
        """What waits for its next attempt waits no longer."""
        return self.server.database.change("UPDATE delivery SET due = 1 WHERE due > 0 AND status <> 0 OR error <> ''")

    def test_what_is_sent_is_signed_with_the_secret_and_the_time(self):
        self.start("--webhooks-anywhere")
        hook = self.add()
        self.server.ask("POST", f"/api/v1/webhooks/{hook['id']}/test")
        path, headers, body = self.receiver.next()
        self.assertEqual((path, headers["Tandem-Event"], headers["Content-Type"]), ("/hook", "test", "application/json"))
        fields = dict(part.split("=") for part in headers["Tandem-Signature"].split(","))
        expected = hmac.new(bytes.fromhex(hook["secret"]), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        self.assertEqual(fields["v1"], expected)
        self.assertLess(abs(time.time() - int(fields["t"])), 60)
        self.assertEqual(json.loads(body)["event"], "test")
        s.wait_for("delivered", lambda: self.deliveries(hook)[0]["state"] == "delivered")
        self.assertNotIn("secret", self.server.get(f"/api/v1/webhooks/{hook['id']}"))

    def test_shipment_is_told_of_from_its_begin_to_its_end_and_only_what_is_wanted(self):
        self.start("--webhooks-anywhere")
        self.add(events=["shipment.finished", "target.ended"])
        added = self.server.add_device()
        device = s.Device(self.server, added["token"])
        self.addCleanup(device.close)
        device.check_in("1.0.0")
        shipment = self.server.ship(self.server.upload(s.plain("1.1.0")))
        device.offer()
        device.close()
        device = s.Device(self.server, added["token"])
        self.addCleanup(device.close)
        device.check_in("1.1.0")
        told = sorted((json.loads(self.receiver.next()[2]) for _ in range(2)), key=lambda x: x["event"])
        self.assertEqual([x["event"] for x in told], ["shipment.finished", "target.ended"])
        self.assertEqual((told[0]["data"]["id"], told[0]["data"]["progress"]["updated"]), (shipment["id"], 1))
        self.assertEqual((told[1]["data"]["device"], told[1]["data"]["status"]), (added["id"], "success"))

    def test_refused_delivery_is_repeated_and_in_the_end_given_up(self):
        self.start("--webhooks-anywhere", statuses=[500] * 3 + [302] * 5)
        hook = self.add()
        self.server.ask("POST", f"/api/v1/webhooks/{hook['id']}/test")
        for attempt in range(1, 9):
            self.assertEqual(self.receiver.next()[0], "/hook")
            tried = s.wait_for("the outcome", lambda: self.deliveries(hook)[0]["status"] is not None and
                               self.deliveries(hook)[0]["attempts"] == attempt and self.deliveries(hook)[0])
            if attempt < 8:
                self.assertEqual(tried["state"], "waiting")
                s.wait_for("it waits", lambda: self.make_due() == 1)
        s.wait_for("given up", lambda: self.deliveries(hook)[0]["state"] == "given-up")
        self.assertIsNone(self.deliveries(hook)[0]["next"])

    def test_server_that_dies_delivers_after_its_restart(self):
        self.start("--webhooks-anywhere", statuses=[503])
        hook = self.add()
        self.server.ask("POST", f"/api/v1/webhooks/{hook['id']}/test")
        self.receiver.next()
        s.wait_for("the outcome", lambda: self.deliveries(hook)[0]["status"] == 503)
        self.server.kill()
        self.make_due()
        self.server.start()
        self.assertEqual(json.loads(self.receiver.next()[2])["event"], "test")

    def test_silent_receivers_of_one_organization_keep_nobody_elses_waiting_nor_a_stop(self):
        self.start("--webhooks-anywhere")
        silent = Receiver(silent=True)
        self.addCleanup(silent.close)
        made = self.server.post("/api/v1/organizations", {"name": "slow", "login": "sue"})
        sue = s.Person(self.server, "sue", made["password"])
        self.assertEqual(sue.ask("PUT", "/api/v1/session/password", {"old": made["password"], "new": "tulips under old bridges"}).status, 204)
        for _ in range(20):
            hook = sue.ask("POST", "/api/v1/webhooks", {"url": silent.url}).json
            for _ in range(5):
                sue.ask("POST", f"/api/v1/webhooks/{hook['id']}/test")
        silent.next()
        ours = self.add()
        self.server.ask("POST", f"/api/v1/webhooks/{ours['id']}/test")
        self.assertEqual(self.receiver.next()[1]["Tandem-Event"], "test")
        # What was under way at the stop is no attempt, and comes again.
        waiting = lambda: sue.ask("GET", f"/api/v1/webhooks/{hook['id']}/deliveries").json["deliveries"]
        self.server.stop()
        self.server.start()
        self.assertEqual({one["state"] for one in waiting()}, {"waiting"})
        silent.next()

    def test_an_answer_without_an_end_is_cut_off(self):
        self.start("--webhooks-anywhere")
        endless = Receiver(endless=True)
        self.addCleanup(endless.close)
        hook = self.add(endless.url)
        self.server.ask("POST", f"/api/v1/webhooks/{hook['id']}/test")
        s.wait_for("delivered", lambda: self.deliveries(hook)[0]["state"] == "delivered")
        self.assertLess(endless.sent, 1 << 24)  # what the sockets' buffers took

    def test_nothing_is_sent_to_one_that_is_disabled_until_it_is_enabled_again(self):
        self.start("--webhooks-anywhere", statuses=[500])
        hook, other = self.add(), self.add()
        path = f"/api/v1/webhooks/{hook['id']}"
        self.server.ask("POST", path + "/test")
        first = self.receiver.next()[1]["Tandem-Delivery"]
        s.wait_for("the outcome", lambda: self.deliveries(hook)[0]["status"] == 500)
        self.assertEqual(self.server.ask("PATCH", path, {"disabled": True}).status, 200)
        self.make_due()
        self.server.ask("POST", f"/api/v1/webhooks/{other['id']}/test")
        self.assertNotEqual(self.receiver.next()[1]["Tandem-Delivery"], first)
        self.assertEqual(self.deliveries(hook)[0]["attempts"], 1)
        self.assertEqual(self.server.ask("PATCH", path, {"disabled": False}).status, 200)
        self.assertEqual(self.receiver.next()[1]["Tandem-Delivery"], first)

    def test_addresses_that_only_the_server_reaches_are_not_asked(self):
        self.start()
        for url in (self.receiver.url, self.receiver.url.replace("127.0.0.1", "localhost"), self.receiver.url.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
                    self.receiver.url.replace("127.0.0.1", "2130706433"), "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]/"):
            hook = self.add(url)
            self.server.ask("POST", f"/api/v1/webhooks/{hook['id']}/test")
            error = s.wait_for(url, lambda: self.deliveries(hook)[0]["error"])
            self.assertIn("not of the open internet", error, url)
        self.assertTrue(self.receiver.got.empty())

    def test_malformed_webhooks(self):
        self.start()
        for body in ({}, {"url": "ftp://example.com"}, {"url": "file:///etc/passwd"}, {"url": "https://a b/"}, {"url": "http://"}, {"url": "https:///x"}, {"url": "http://[::1"},
                     {"url": "http://127.0.0.1:99999/"}, {"url": 7}, {"url": "https://x/" + "a" * 600},
                     {"url": "https://example.com/", "events": ["all"]}, {"url": "https://example.com/", "events": "test"},
                     {"url": "https://example.com/", "events": ["target.ended"] * 30}):
            self.assertEqual(self.server.ask("POST", "/api/v1/webhooks", body).status, 400, body)


if __name__ == "__main__":
    unittest.main()
