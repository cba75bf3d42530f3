"""A random fleet with its shipments, at a real server and in the oracle at once."""

import http.client
import json
import random
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import oracle  # noqa: E402
import server as s  # noqa: E402
import tandem_package as package  # noqa: E402
import terms  # noqa: E402

VERSIONS = ["1.0.0", "1.1.0-rc.1", "1.1.0-rc.2", "1.1.0", "1.2", "v1.2.1", "1.10.0", "2.0.0", "banana", ""]
BUILDS = ["", "Nov 16 2023 20:35:55", "Jan  2 2024 01:02:03", "2024-03-01 00:00:00", "yesterday"]
LIBRARIES = ["", "1.2.0", "1.3.0", "1.3.1"]
# Whole, half and quarter hours; summer times that begin and end in March, April and October; one of half an hour.
ZONES = ["", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
         "Pacific/Chatham", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca", "Asia/Beirut"]
REASONS = ["bad-signature", "wrong-type", "version-refused", "low-battery", "not-now", "bad-digest", "download-failed",
           "device-silent", "co-processor-restarted", "no-space", "wrong-base"]
STAGES = ["received", "downloading", "downloaded", "offered", "accepted", "transferring", "verifying", "installed"]
PAUSES = [1000, 5000, 30_000, 61_000, 90_000, 5 * 60_000, 16 * 60_000, 31 * 60_000, 2 * 3_600_000, 7 * 3_600_000, 25 * 3_600_000]
AGREE = 5  # seconds until the server must have come to what the oracle says


def rfc3339(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


class Client(s.Device):
    """A device's connection that reports as it is told."""

    def start(self, state, digest, reason, about):
        self.report(stage="device", event="started", state=state, reason=reason, digest=digest, about=about or "",
                    hardware="board-1", counter=1)


class Disagreement(AssertionError):
    pass


class World:
    """One template of the server. Everything that happens comes out of the seed."""

    def __init__(self, server, clock, seed, count=5, ordered=True):
        """ordered: what is due at the same moment is done in order. Several servers do it in any: then no shipment has a rate,
        whose turns go to who comes first, or stops in the middle of a wave."""
        self.server, self.clock, self.seed, self.ordered = server, clock, seed, ordered
        self.random = random.Random(seed)
        self.template = f"TMPL{seed}"
        self.cloud = oracle.Cloud(clock.now)
        self.links, self.tokens, self.urls, self.runs, self.before, self.tags = {}, {}, {}, {}, {}, {}
        self.got = []  # offers that arrived since the last comparison: (device, firmware)
        self.offers = 0
        self.log = []
        self.firmware = [self.upload(n) for n in range(3)]
        for _ in range(count):
            device = self.add_device()
            if self.random.random() < 0.9:
                self.check_in(device)
        self.ship()

    # --- What there is ---

    def upload(self, n):
        pick, kind = self.random.choice, f"pump-{self.seed}"
        version, build = pick(VERSIONS[:-2]), pick(BUILDS[:4])
        if pick((True, False)):
            data, digest = s.packed(version, kind, pick(("board-1", "board-1", "board-2")), build)
            hardware, library = package_hardware(data), ""
        else:
            library, hardware, digest = pick(LIBRARIES), None, None
            data = f"{self.seed} {n}".encode() * 20 + package.tag_build(version, kind, build, library) + b"the end"
        shown = self.server.upload(data, f"fw-{n}.bin")
        digest = digest or shown["sha256"]
        return terms.Firmware(shown["id"], kind, version, build, library, hardware, digest, shown["size"])

    def add_device(self):
        zone, tags = self.random.choice(ZONES), self.random.choice(([], ["canary"]))
        shown = self.server.add_device(self.template, tags=tags, **({"timezone": zone} if zone else {}))
        device = terms.Device(shown["id"], timezone=zone or None, small=self.random.random() < 0.1)
        self.tokens[device.id], self.tags[device.id] = shown["token"], tags
        kind = self.random.choices((f"pump-{self.seed}", "fan", ""), (12, 1, 1))[0]
        digest = self.random.choice((None, None, "%064x" % self.random.getrandbits(256)))
        self.runs[device.id] = (kind, self.random.choice(VERSIONS), self.random.choice(BUILDS), self.random.choice(LIBRARIES), digest)
        self.note("add", device.id, zone, tags, self.runs[device.id], "small" if device.small else "")
        self.cloud.add(device)
        return device

    def note(self, *what):
        self.log.append(" ".join(map(str, (rfc3339(self.clock.now), *what))))

    def any_device(self, condition=lambda device: True):
        fitting = [device for device in self.cloud.devices.values() if condition(device)]
        return self.random.choice(fitting) if fitting else None

    # --- What happens ---

    def step(self):
        events = [(5, self.connect), (2, self.disconnect), (3, self.download), (3, self.report_stage), (4, self.report_failure),
                  (4, self.install), (2, self.go_back), (2, self.confirm), (3, self.ship), (2, self.act), (2, self.consent),
                  (2, self.set_zone), (1, self.join), (1, self.remove), (1, self.forget)]
        self.random.choices([event for _, event in events], [weight for weight, _ in events])[0]()

    def check_in(self, device, state="confirmed", reason="none", about=None, foreign=False):
        kind, version, build, library, digest = self.runs[device.id]
        if device.id in self.links:
            self.leave(device)
        link = self.links[device.id] = s.wait_for(f"{device.id} may log in", lambda: self.log_in(device))
        self.cloud.connect(device)
        if digest:
            link.start(state, digest, reason, about)
            self.cloud.device_report(device, state, digest, reason, about)
        told = {"tmpl": "TMPLsomethingelse" if foreign else self.template, "ver": version, "build": build, "type": kind,
                "rxbuff": 128 if device.small else 1024}
        link.publish("info/mcu", {**told, **({"blynk": library} if library else {})})
        self.cloud.check_in(device, kind, version, build, library, foreign)

    def log_in(self, device):
        """At some server; without the bus, not all know of a device that was just added."""
        home = self.server.pick()
        link = Client(home, self.tokens[device.id])
        link.home = home
        if link.code == 0:
            return link
        link.close()
        return None

    def leave(self, device):
        self.collect()
        self.links.pop(device.id).close()
        s.wait_for(f"{device.id} is offline", lambda: not self.server.device({"id": device.id})["online"])
        self.cloud.disconnect(device)

    def connect(self):
        device = self.any_device(lambda d: not d.online) or self.any_device()
        foreign = self.random.random() < 0.05
        self.note("check-in", device.id, self.runs[device.id], "foreign" if foreign else "")
        self.check_in(device, foreign=foreign)

    def disconnect(self):
        device = self.any_device(lambda d: d.online)
        if device:
            self.note("disconnect", device.id)
            self.leave(device)

    def offered(self, device):
        """The shipment of its last offer, while the device may still act on it."""
        return self.cloud.shipments.get(device.last)

    def download(self):
        device = self.any_device(lambda d: d.id in self.urls and self.offered(d))
        if device is None:
            return
        self.note("download", device.id)
        firmware, url, since = self.urls[device.id]
        where = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=s.LIMIT)
        connection.request("GET", f"{where.path}?{where.query}")
        answer = connection.getresponse()
        valid = self.clock.now < since + 24 * terms.HOUR
        assert answer.status == (200 if valid else 403), f"{answer.status} to a link of {rfc3339(since)}"
        assert len(answer.read()) == int(answer.headers["Content-Length"])
        connection.close()
        if valid and self.offered(device).firmware.id == firmware:
            self.cloud.download(device, self.offered(device))

    def report_stage(self):
        device = self.any_device(lambda d: d.online and self.offered(d))
        if device:
            stage = self.random.choice(STAGES)
            self.note("report", device.id, stage)
            self.links[device.id].report(stage=stage, size=1000, bytes=500)
            self.cloud.stage(device, stage)

    def report_failure(self):
        device = self.any_device(lambda d: d.online and self.offered(d))
        if device:
            reason = self.random.choice(REASONS)
            self.note("failed", device.id, reason)
            self.links[device.id].report(stage="failed", reason=reason, leg="uart")
            self.cloud.failed(device, reason)

    def install(self):
        device = self.any_device(lambda d: d.online and self.offered(d))
        if device is None:
            return
        firmware, now = self.offered(device).firmware, self.runs[device.id]
        self.before[device.id] = now
        self.runs[device.id] = (firmware.type, firmware.version, firmware.build, firmware.library, now[4] and firmware.digest)
        state = self.random.choice(("trial", "confirmed"))
        self.note("install", device.id, firmware.id, state if now[4] else "")
        self.check_in(device, state)

    def go_back(self):
        device = self.any_device(lambda d: d.online and d.id in self.before)
        if device is None:
            return
        about = self.runs[device.id][4]
        self.runs[device.id] = self.before.pop(device.id)
        reason = self.random.choice(sorted(oracle.BLAME_IMAGE | oracle.BLAME_OTHERS))
        self.note("back", device.id, reason if about else "")
        self.check_in(device, "confirmed", reason if about else "none", about)

    def confirm(self):
        device = self.any_device(lambda d: d.online and d.trial)
        if device:
            digest = self.runs[device.id][4]
            self.note("confirm", device.id)
            self.links[device.id].report(stage="device", event="confirmed", state="confirmed", reason="none", digest=digest,
                                         about="", hardware="board-1", counter=1)
            self.cloud.device_report(device, "confirmed", digest)

    def join(self):
        if len(self.cloud.devices) < 8:
            self.add_device()

    def remove(self):
        if len(self.cloud.devices) > 3:
            device = self.any_device()
            self.note("remove", device.id)
            self.collect()
            answer = self.server.ask("DELETE", f"/api/v1/devices/{device.id}")
            assert answer.status == 204, answer.body
            if device.id in self.links:
                self.links.pop(device.id).close()
            self.cloud.remove(device)

    def forget(self):
        shipments = list(self.cloud.shipments.values())
        if shipments:
            shipment = self.random.choice(shipments)
            self.note("forget", shipment.id)
            over = shipment.state in ("finished", "cancelled")
            answer = self.server.ask("DELETE", f"/api/v1/shipments/{shipment.id}")
            assert answer.status == (204 if over else 409), answer.body
            if over:
                self.cloud.forget(shipment)

    def set_zone(self):
        device, zone = self.any_device(), self.random.choice(ZONES)
        field = self.random.choice(("timezone", "timezone", "location_timezone", "metadata_timezone"))
        self.note(field, device.id, zone)
        if field == "metadata_timezone":
            answer = self.server.ask("PATCH", f"/api/v1/devices/{device.id}/values", {"metadata": {"Time Zone": zone}})
        else:
            answer = self.server.ask("PATCH", f"/api/v1/devices/{device.id}", {field: zone})
        assert answer.status in (200, 204), answer.body
        self.cloud.set_zone(device, field, zone or None)

    def consent(self):
        asked = {device for (_, device), target in self.cloud.targets.items() if target.status == "awaiting-user-action"}
        device, agrees = self.any_device(lambda d: d.id in asked) or self.any_device(), self.random.random() < 0.8
        self.note("agrees" if agrees else "declines", device.id)
        answered = self.cloud.consent(device, agrees)
        answer = self.server.ask("POST", f"/api/v1/devices/{device.id}/{'consent' if agrees else 'decline'}", {})
        want = (200, sorted(answered)) if answered else (409, None)
        have = (answer.status, sorted(answer.json["shipments"]) if answer.status == 200 else None)
        assert have == want, f"consent: {have}, not {want}"

    def act(self):
        shipments = list(self.cloud.shipments.values())
        if shipments:
            shipment, action = self.random.choice(shipments), self.random.choice(("pause", "resume", "resume", "cancel", "advance"))
            self.note(action, shipment.id)
            works = self.cloud.act(shipment, action)
            answer = self.server.ask("POST", f"/api/v1/shipments/{shipment.id}/{action}")
            assert answer.status == (200 if works else 409), f"{action}: {answer.status} {answer.body}"

    # --- Shipments ---

    def order(self, firmware):
        """A body for the server, and the same for the oracle."""
        pick, chance = self.random.choice, self.random.random
        body = {"template": self.template, "firmware": firmware.id}
        shipment = terms.Shipment("?", firmware)
        if chance() < 0.3:
            body["condition"] = shipment.condition = pick(("lower-version", "earlier-build", "other-build", "lower-library"))
        if chance() < 0.2 and self.ordered:
            body["per_minute"] = shipment.per_minute = pick((0, 1, 2, 7, 60))
            body["bytes_per_second"] = shipment.bytes_per_second = pick((0, 8000, 20_000))  # of downloads, too
        elif chance() < 0.3:  # not both: all would be due at the same moment
            body["time"] = shipment.slot = pick(("night", "morning", "afternoon", "evening"))
        if chance() < 0.12:
            body["user_controlled"] = shipment.user_controlled = True
        if chance() < 0.5:
            body["attempts"] = shipment.attempts = pick((1, 2, 3))
            body["attempts_hours"] = pick((1, 3, 24))
            shipment.period = body["attempts_hours"] * terms.HOUR
        if chance() < 0.1:
            shipment.expires = self.clock.now + pick(PAUSES[2:])
            body["expires"] = rfc3339(shipment.expires)
        self.choose_waves(body, shipment)
        return body, shipment, self.choose_devices(body, shipment)

    def choose_waves(self, body, shipment):
        pick, chance = self.random.choice, self.random.random
        gate = {}
        if chance() < 0.4:
            gate = {"success_percent": pick((1, 50, 90, 100)), "failure_percent": pick((0, 1, 50, 100)), "minimum": pick((1, 2, 10))}
            if not self.ordered:
                gate["failure_percent"] = 0
            body["gate"] = gate
        sizes = ({"devices": 1}, {"devices": 2}, {"percent": 34}, {"filter": "tag=canary"}, {"filter": "tag=canary", "percent": 34},
                 {"filter": "tag!=canary", "devices": 1})
        counts = [dict(pick(sizes)) for _ in range(pick((0, 0, 0, 1, 2)))]
        for wave in counts:
            if chance() < 0.3:
                wave["gate"] = {**gate, "soak_minutes": pick((1, 10))}
        if counts:
            body["waves"] = counts
        shipment.waves = [terms.Wave(gate.get("success_percent", 90), gate.get("failure_percent", 0), gate.get("minimum", 10),
                                      wave.get("gate", {}).get("soak_minutes", 0) * terms.MINUTE) for wave in [*counts, {}]]

    def choose_devices(self, body, shipment):
        devices, chance = list(self.cloud.devices.values()), self.random.random()
        if chance < 0.5:
            shipment.all_devices = True
            return devices
        if chance < 0.8:
            chosen = self.random.sample(devices, self.random.randint(1, len(devices)))
            body["devices"] = [device.id for device in chosen]
            return chosen
        text, matches = self.random.choice((
            ("tag=canary", lambda d: "canary" in self.tags[d.id]),
            ("online=yes", lambda d: d.online),
            ("version=1.0.0", lambda d: d.version == "1.0.0"),
            ("version<1.2.0", lambda d: terms.lower(d.version, "1.2.0", terms.version_key) is True)))
        body["filter"] = text
        return [device for device in devices if matches(device)]

    def ship(self):
        if len(self.cloud.shipments) >= 8:
            return
        body, shipment, devices = self.order(self.random.choice(self.firmware))
        self.note("ship", json.dumps(body), "to", [device.id for device in devices])
        self.compare_preview(body, shipment, devices)
        promised = {device.id: self.cloud.preview(device, shipment) for device in devices}
        shown = self.server.post("/api/v1/shipments", body)
        shown = s.wait_for("it is planned", lambda: (now := self.server.get(f"/api/v1/shipments/{shown['id']}"))["planned"] and now)
        shipment.id = shown["id"]
        rows = self.rows(shipment)
        self.compare_waves(body, rows, devices)
        self.cloud.ship(shipment, {device: row["wave"] for device, row in sorted(rows.items(), key=lambda row: int(row[0][1:]))})
        self.compare()
        self.keep_promise(shipment, promised)

    def compare_preview(self, body, shipment, devices):
        want = {device.id: self.cloud.preview(device, shipment) for device in devices}
        listed = self.server.post("/api/v1/shipments/preview?limit=1000", body)["devices"]
        have = {row["id"]: row["rule"] for row in listed}
        if have != want:
            self.disagree("the dry run, device by device", have, want)
        summed = self.server.post("/api/v1/shipments/preview", body)
        if summed["target"] != len(devices) or summed["now"] + summed["later"] + summed["never"] != len(devices):
            self.disagree("the dry run's sums", summed, len(devices))
        if "waves" in body:
            return
        have = {rule["rule"]: rule["devices"] for rule in summed["rules"]}
        counted = {rule: list(want.values()).count(rule) for rule in want.values() if rule}
        later = sum(row["later"] for row in listed)
        if have != counted or (summed["now"], summed["later"]) != (list(want.values()).count(None), later):
            self.disagree("the dry run's rules", summed, (counted, later))

    def compare_waves(self, body, rows, devices):
        """Sizes are exact: a count, or a share that is rounded up, of those that match the wave's filter and that of no wave
        before it; the others draw from who is left then."""
        waves, ids = body.get("waves", []), {device.id for device in devices}
        want, unmatched = [0] * len(waves), set(ids)
        for number, wave in enumerate(waves):
            if "filter" in wave:
                matching = {i for i in unmatched if ("canary" in self.tags[i]) == (wave["filter"] == "tag=canary")}
                unmatched -= matching
                want[number] = self.size_of(wave, len(matching), len(matching))
        for number, wave in enumerate(waves):
            if "filter" not in wave:
                want[number] = self.size_of(wave, len(ids), len(ids) - sum(want))
        want.append(len(ids) - sum(want))
        have = [sum(row["wave"] == number + 1 for row in rows.values()) for number in range(len(want))]
        fit = all(("canary" in self.tags[i]) == (waves[row["wave"] - 1]["filter"] == "tag=canary") for i, row in rows.items()
                  if row["wave"] <= len(waves) and "filter" in waves[row["wave"] - 1])
        if set(rows) != ids or have != want or not fit:
            self.disagree("who is in which wave", {i: row["wave"] for i, row in rows.items()}, want)

    @staticmethod
    def size_of(wave, total, left):
        if "percent" in wave:
            return min(left, -(-total * wave["percent"] // 100))
        return min(left, wave.get("devices", left))

    def keep_promise(self, shipment, promised):
        """What the dry run said of a device is what becomes of it."""
        for device, rule in promised.items():
            target = self.cloud.targets[shipment.id, device]
            if shipment.state != "live" or target.wave > 1:
                continue
            if rule is None:
                kept = target.status in ("request-sent", "process-started")
            elif rule in oracle.ENDS:
                kept = target.status == oracle.ENDS[rule] or self.cloud.why(self.cloud.devices[device], shipment) == rule
            else:
                kept = target.attempts == 0 and (rule == "rate" or self.cloud.why(self.cloud.devices[device], shipment) == rule)
            kept = kept or (rule == "rate" and target.status in ("request-sent", "process-started"))
            if not kept:
                self.disagree(f"what the dry run said of {device}", target, rule)

    def restarted(self, server):
        """Its devices are offline until they connect."""
        self.note("a server restarts")
        for device, link in list(self.links.items()):
            if link.home is server:
                self.links.pop(device).close()
                self.cloud.disconnect(self.cloud.devices[device])

    def reconnect(self):
        for device in list(self.cloud.devices.values()):
            if self.random.random() < 0.7:
                self.note("check-in", device.id, self.runs[device.id])
                self.check_in(device)
        self.compare()

    # --- Looking ---

    def rows(self, shipment):
        return {row["id"]: row for row in self.server.get(f"/api/v1/shipments/{shipment.id}/devices?limit=1000")["devices"]}

    def collect(self):
        for device, link in self.links.items():
            for payload in link.offers():
                offer = json.loads(payload)
                firmware = urlsplit(offer["url"]).path.rsplit("/", 1)[1]
                self.urls[device] = (firmware, offer["url"], self.clock.now)
                self.got.append((device, firmware))

    def seen(self):
        """What the server says, in the oracle's terms."""
        self.collect()
        targets, states, progress, why = {}, {}, {}, {}
        for shipment in self.cloud.shipments.values():
            shown = self.server.get(f"/api/v1/shipments/{shipment.id}")
            states[shipment.id] = (shown["state"], shown["wave"])
            progress[shipment.id] = {name: shown["progress"][name] for name in self.cloud.progress(shipment)}
            for device, row in self.rows(shipment).items():
                targets[shipment.id, device] = (row["status"], row["ended"], row["attempts"])
        for device in self.cloud.devices.values():
            for entry in self.server.get(f"/api/v1/devices/{device.id}/why")["shipments"]:
                why[entry["id"], device.id] = entry["rule"]
        return {"offers": sorted(self.got), "shipments": states, "progress": progress, "targets": targets, "why": why}

    def told(self):
        cloud, why = self.cloud, {}
        for shipment in cloud.shipments.values():
            for device in cloud.devices.values():
                if shipment.state in ("live", "paused"):
                    why[shipment.id, device.id] = (
                        cloud.why(device, shipment) if (shipment.id, device.id) in cloud.targets else "not-selected")
        return {"offers": sorted((device, cloud.shipments[shipment].firmware.id) for device, shipment in cloud.offers),
                "shipments": {shipment.id: (shipment.state, shipment.wave) for shipment in cloud.shipments.values()},
                "progress": {shipment.id: cloud.progress(shipment) for shipment in cloud.shipments.values()},
                "targets": {key: (t.status, t.ended, t.attempts) for key, t in cloud.targets.items()}, "why": why}

    def compare(self):
        if self.cloud.ambiguous:
            return
        end = time.monotonic() + AGREE
        want = self.told()
        endless = {key: target for key, target in self.cloud.targets.items() if target.under_way and not target.due}
        if endless:
            self.disagree("a state without a time limit", endless, None)
        if None in want["why"].values():
            self.disagree("nothing stands in the way, and no offer went out", want["why"], None)
        while (have := self.seen()) != want:
            if time.monotonic() > end:
                self.disagree("the state", have, want)
            time.sleep(0.02)
        self.offers += len(self.got)
        self.got.clear()
        self.cloud.offers.clear()

    def disagree(self, about, have, want):
        differences = [f"server {have}", f"oracle {want}"]
        if isinstance(have, dict) and isinstance(want, dict) and have.keys() == want.keys():
            differences = [f"{key}: server {have[key]}, oracle {want[key]}" for key in have if have[key] != want[key]]
        if isinstance(have, dict) and "targets" in have:
            differences += [f"{key}: {self.cloud.targets[key]}" for key in want["targets"] if have["targets"].get(key) != want["targets"][key]]
        raise Disagreement("\n".join((f"seed {self.seed}: {about}", *self.log, *differences)))

    def close(self):
        for link in self.links.values():
            link.close()


def package_hardware(data):
    return "board-2" if b"board-2" in data else "board-1"
