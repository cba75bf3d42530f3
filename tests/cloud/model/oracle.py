"""What a cloud has to do with devices and shipments, said a second time, in the words of docs/API.md ("How a shipment
proceeds") and docs/PROTOCOL.md (section 8), and not after the server's code: where the two differ, one of them, or the
document, is wrong. No I/O: events go in, offers and the state of every target are there to be compared.

Left out: deltas, and in which order several servers do what is due at the same moment."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from terms import (ANSWER, HOLD, MINUTE, POSTPONED, RETRY, SETTLE, SILENCE, TURN, Target, build_date, lower,
                   version_key)

FINAL = {"bad-signature", "unknown-key", "wrong-type", "wrong-hardware", "version-refused", "too-large", "rejected-before",
         "bad-package", "older-counter", "wrong-base", "unknown-encoding", "bad-relocations", "unsigned", "wrong-link-address",
         "already-running"}
WAITS = {"low-battery", "not-now", "on-trial"}
BLAME_IMAGE = {"self-test-failed", "self-test-timeout", "watchdog", "fault"}
BLAME_OTHERS = {"power-lost", "no-link", "bank-invalid", "restarted"}
SLOTS = {"any": (0, 24), "night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
# Rules that end a target, and the status that it gets.
ENDS = {"already-there": "already-there", "superseded": "upload-failure", "rejected-before": "upload-failure",
        "type-mismatch": "type-mismatch", "wrong-hardware": "upload-failure", "condition": "not-needed"}
AFTER_TRANSFER = {"verifying", "installed", "trial", "settling"}


class Cloud:
    def __init__(self, now):
        self.now = now
        self.organization_zone = "UTC"
        self.devices, self.shipments, self.targets = {}, {}, {}
        self.offers = []  # (device, shipment) since somebody looked
        self.sweeps = []
        self.ambiguous = False  # several were due at the same moment for the next turn, and any of them may have had it

    def of_device(self, device):
        """Newest shipment first."""
        return [(self.shipments[s], self.targets[s, device.id]) for s in reversed(self.shipments)
                if (s, device.id) in self.targets]

    # --- The rules, in the order of the table ---

    @staticmethod
    def there(device, firmware):
        if not device.seen:
            return False
        if device.digest:
            return device.digest == firmware.digest
        return (device.version, device.build) == (firmware.version, firmware.build) and device.type in ("", firmware.type)

    @staticmethod
    def needed(device, shipment):
        firmware = shipment.firmware
        if shipment.condition == "any":
            return True
        if shipment.condition == "lower-version":
            return lower(device.version, firmware.version, version_key) is True
        if shipment.condition == "lower-library":
            return lower(device.library, firmware.library, version_key) is True
        if shipment.condition == "earlier-build":
            return lower(device.build, firmware.build, build_date) is True
        return device.build != firmware.build

    def zone(self, device):
        return ZoneInfo(device.location_timezone or device.timezone or device.metadata_timezone or self.organization_zone)

    def slot_open(self, device, shipment, at=None):
        begin, end = SLOTS[shipment.slot]
        local = datetime.fromtimestamp((self.now if at is None else at) / 1000, timezone.utc).astimezone(self.zone(device))
        return begin <= local.hour < end

    def slot_opens(self, device, shipment):
        """The next minute at which it is open, looked for minute by minute: slots begin with a minute in every zone."""
        at = self.now - self.now % MINUTE + MINUTE
        while not self.slot_open(device, shipment, at):
            at += MINUTE
        return at

    def others_spent(self, device, shipment):
        return sum(t.attempts for s, t in self.of_device(device)
                   if s is not shipment and t.attempts and t.status != "success"
                   and s.firmware.digest == shipment.firmware.digest and t.attempt_start > self.now - shipment.period)

    def rule(self, device, shipment, target, newer=(), reconnected=False):
        """The first rule that says no, or None."""
        now, goes_on = self.now, target.is_repeat(self.now)
        if target.ended:
            return "ended"
        if not self.live(shipment):
            return "shipment-not-live"
        if not device.seen:
            return "never-seen"
        if device.foreign:
            return "other-template"
        if self.there(device, shipment.firmware):
            return "already-there"
        if any(t.status in ("success", "already-there") for s, t, _ in newer if s.state != "cancelled"):
            return "superseded"
        if any(live and not t.ended for _, t, live in newer):
            return "newer-shipment"
        if shipment.firmware.digest in device.rejected:
            return "rejected-before"
        if device.type not in ("", shipment.firmware.type):
            return "type-mismatch"
        if shipment.firmware.hardware and device.hardware not in ("", shipment.firmware.hardware):
            return "wrong-hardware"
        if not self.needed(device, shipment):
            return "condition"
        if target.wave > shipment.wave:
            return "wave"
        if shipment.user_controlled and not target.consent and not goes_on:
            return "consent"
        if not (device.online and device.checked_in):
            return "offline"
        if device.trial:
            return "on-trial"
        if not reconnected:
            if target.under_way or (target.status != "download-limit-reached" and target.due > now and target.reason != "none"):
                return "busy"
        if not (target.consent or goes_on or self.slot_open(device, shipment)):
            return "time"
        if not goes_on and target.spent(shipment.period, now) + self.others_spent(device, shipment) >= shipment.attempts:
            return "attempts"
        if shipment.interval and not goes_on and not 0 <= now - (target.turn or now + 1) < TURN:
            return "rate"
        return None

    def why(self, device, shipment):
        of_device = self.of_device(device)
        at = next(i for i, (s, _) in enumerate(of_device) if s is shipment)
        return self.rule(device, shipment, of_device[at][1], [(s, t, self.live(s)) for s, t in of_device[:at]])

    def live(self, shipment):
        return shipment.state == "live" and not 0 < shipment.expires <= self.now

    def preview(self, device, shipment):
        """Of a shipment that does not exist yet."""
        return self.rule(device, shipment, Target())

    # --- Decisions ---

    def decide(self, device, reconnected=False, due=None):
        """due: the target whose time came; others of the device have their own turn."""
        newer = []
        for shipment, target in self.of_device(device):
            live = self.live(shipment)  # one that its gate stops for this device's sake gets out of the way of all afterwards
            if not target.ended and shipment.state == "live":
                again = reconnected or (target is due and 0 < target.due <= self.now)
                rule = self.rule(device, shipment, target, newer, again)
                offered = self.carry_out(device, shipment, target, rule)
                if target.due <= self.now and (reconnected or due) and not target.under_way:
                    target.due = 0
                self.settle(shipment)
                if offered:
                    return
            newer.append((shipment, target, live))

    def carry_out(self, device, shipment, target, rule):
        now = self.now
        if rule is None:
            return self.offer(device, shipment, target)
        if rule == "already-there":
            if target.attempts == 0 and not device.trial:
                target.end("already-there")
        elif rule in ENDS:
            target.end(ENDS[rule], "superseded" if rule == "superseded" else rule)
        elif rule == "consent":
            if target.status == "waiting":
                target.move("awaiting-user-action")
        elif rule == "time":
            target.due = self.slot_opens(device, shipment)
        elif rule == "attempts":
            if target.status != "download-limit-reached" or target.due <= now:
                self.limit(device, shipment, target)
        elif rule == "rate":
            if target.turn > now:
                target.due = target.turn
                return False
            turn = max(shipment.turn, now)
            shipment.turn = turn + shipment.interval
            if turn == now:
                return self.offer(device, shipment, target)
            target.turn = target.due = turn
        return False

    def limit(self, device, shipment, target):
        """The next period begins when attempts are left again, of this shipment or of others with its image."""
        ends = [target.period_start + shipment.period] if target.spent(shipment.period, self.now) else []
        others = sorted((t.attempt_start + shipment.period, t.attempts) for s, t in self.of_device(device)
                        if s is not shipment and t.attempts and t.status != "success"
                        and s.firmware.digest == shipment.firmware.digest and t.attempt_start > self.now - shipment.period)
        spent = [(end, target.attempts) for end in ends] + others
        left = shipment.attempts - sum(n for _, n in spent)
        due = self.now
        for due, n in sorted(spent):
            left += n
            if left > 0:
                break
        target.stage = None
        target.move("download-limit-reached", target.reason, due)

    def offer(self, device, shipment, target):
        for other, theirs in self.of_device(device) if device.last != shipment.id else ():
            if other is not shipment and not theirs.ended and theirs.status != "waiting" and theirs.attempts:
                theirs.stage = None
                theirs.move("waiting", "superseded")
                self.settle(other)
        device.last = shipment.id
        target.turn = 0
        if target.is_repeat(self.now):
            target.repeats += 1
        else:
            if not target.spent(shipment.period, self.now):
                target.attempts, target.period_start = 0, self.now
            target.attempts += 1
            target.attempt_start, target.repeats = self.now, 0
        target.stage = None
        target.move("process-started" if device.small else "request-sent", due=self.now + ANSWER)
        if not device.small:
            self.offers.append((device.id, shipment.id))
        return True

    # --- Waves ---

    def counts(self, shipment, number):
        mine = [t for (s, _), t in self.targets.items() if s == shipment.id and t.wave == number]
        ended = [t.status for t in mine if t.ended]
        aside = sum(status in ("already-there", "not-needed", "declined") for status in ended)
        updated = ended.count("success")
        stuck = sum(not t.ended and t.status in ("download-limit-reached", "rollback") for t in mine)
        return len(mine), updated, aside, len(ended) - updated - aside, stuck

    def progress(self, shipment):
        """Of all its devices: updated or there before, failed, left out or declined, and the rest."""
        mine = [t for (s, _), t in self.targets.items() if s == shipment.id]
        ended = [t.status for t in mine if t.ended]
        updated = sum(status in ("success", "already-there") for status in ended)
        skipped = sum(status in ("not-needed", "declined") for status in ended)
        return {"target": len(mine), "updated": updated, "failed": len(ended) - updated - skipped, "skipped": skipped,
                "rest": len(mine) - len(ended)}

    def gate(self, shipment, number):
        """stop, wait or open."""
        gate = shipment.waves[number - 1]
        size, updated, aside, failed, stuck = self.counts(shipment, number)
        sample, bad = updated + failed + stuck - gate.forgiven_sample, failed + stuck - gate.forgiven_bad
        over = updated + aside + failed >= size
        if gate.failure and sample >= gate.minimum and bad * 100 >= gate.failure * sample:
            return "stop"
        if not (updated * 100 >= gate.success * (size - aside) or (over and gate.forgiven)):
            gate.reached = 0
            return "stop" if over else "wait"
        gate.reached = gate.reached or self.now
        return "wait" if size > aside and self.now - gate.reached < gate.soak else "open"

    def all_over(self, shipment):
        mine = [t for (s, _), t in self.targets.items() if s == shipment.id]
        return mine and all(t.ended for t in mine)

    def settle(self, shipment):
        if shipment.state not in ("live", "paused"):
            return
        if 0 < shipment.expires <= self.now:
            shipment.state = "finished"
            self.sweeps.append(shipment)
            return
        last = len(shipment.waves)
        if shipment.state == "live":
            for number in range(1, last + 1):
                verdict = self.gate(shipment, number)
                size, updated, aside, failed, _ = self.counts(shipment, number)
                if verdict == "stop" and not (number == last and updated + aside + failed >= size):
                    shipment.state, shipment.stopped = "paused", True
                    self.sweeps.append(shipment)
                    break
                if number == shipment.wave and (verdict != "open" or number == last):
                    break
                if number == shipment.wave:
                    shipment.wave += 1
                    self.sweeps.append(shipment)
        if self.all_over(shipment) and self.gate(shipment, last) != "wait":
            shipment.state = "finished"

    def sweep(self, shipment):
        """Connected devices that waited for it to go on, or to get out of the way of an older one."""
        for device in self.devices.values():
            if device.online and (shipment.id, device.id) in self.targets:
                self.decide(device)

    def swept(self):
        while self.sweeps:
            self.sweep(self.sweeps.pop(0))

    # --- What people do ---

    def add_target(self, device, shipment, wave):
        target = self.targets[shipment.id, device.id] = Target(wave=wave)
        rule = self.rule(device, shipment, target)
        if rule in ENDS and not (rule == "already-there" and device.trial):
            target.end(ENDS[rule], rule)
        elif rule == "consent":
            target.move("awaiting-user-action")

    def ship(self, shipment, waves):
        """waves: of each device that it has, by id."""
        self.shipments[shipment.id] = shipment
        for device, wave in waves.items():
            self.add_target(self.devices[device], shipment, wave)
        self.settle(shipment)
        self.sweeps.append(shipment)
        self.swept()

    def add(self, device):
        self.devices[device.id] = device
        newest = True
        for shipment in reversed(list(self.shipments.values())):
            if not shipment.all_devices or shipment.state == "cancelled":
                continue
            expired = 0 < shipment.expires <= self.now
            if not expired and (shipment.state in ("live", "paused") or newest):
                if shipment.state == "finished":
                    shipment.state = "live"
                self.add_target(device, shipment, len(shipment.waves))
                self.settle(shipment)
            newest = False
        self.swept()

    def act(self, shipment, action):
        """False: not from this state."""
        state = shipment.state
        if action == "pause" and state == "live":
            shipment.state = "paused"
        elif action == "resume" and state == "paused":
            shipment.state = "live"
            if shipment.stopped:
                self.forgive(shipment)
        elif action == "cancel" and state in ("live", "paused"):
            shipment.state = "cancelled"
        elif action == "advance" and state == "live" and shipment.wave < len(shipment.waves):
            self.forgive(shipment)
            shipment.wave += 1
        else:
            return False
        self.settle(shipment)
        self.sweeps.append(shipment)
        self.swept()
        return True

    def forgive(self, shipment):
        shipment.stopped = False
        for number in range(1, shipment.wave + 1):
            gate = shipment.waves[number - 1]
            _, updated, _, failed, stuck = self.counts(shipment, number)
            gate.forgiven, gate.forgiven_sample, gate.forgiven_bad = True, updated + failed + stuck, failed + stuck

    def consent(self, device, agrees):
        """The shipments that waited for it."""
        answered = []
        for shipment, target in self.of_device(device):
            if shipment.user_controlled and shipment.state in ("live", "paused") and not target.ended and not target.consent:
                answered.append(shipment.id)
                if agrees:
                    target.consent = True
                    if target.status == "awaiting-user-action":
                        target.move("waiting")
                else:
                    target.end("declined")
                self.settle(shipment)
        if answered:
            self.decide(device)
        self.swept()
        return answered

    def set_zone(self, device, field, zone):
        setattr(device, field, zone)
        self.decide(device)
        self.swept()

    def set_organization_zone(self, zone):
        self.organization_zone = zone
        self.sweeps += [shipment for shipment in self.shipments.values() if shipment.state == "live" and shipment.slot != "any"]
        self.swept()

    def remove(self, device):
        del self.devices[device.id]
        for shipment, _ in self.of_device(device):
            del self.targets[shipment.id, device.id]
            self.settle(shipment)
        self.swept()

    def forget(self, shipment):
        """Deleted once it is over: as if it had never been."""
        del self.shipments[shipment.id]
        self.targets = {key: target for key, target in self.targets.items() if key[0] != shipment.id}

    # --- What devices do ---

    def movable(self, device):
        return [(s, t) for s, t in self.of_device(device)
                if t.attempts and (not t.ended or (t.status == "success" and s.id == device.last))]

    def current(self, device):
        return next(((s, t) for s, t in self.movable(device) if s.id == device.last), (None, None))

    def connect(self, device):
        device.online, device.checked_in, device.reported = True, False, False

    def disconnect(self, device):
        device.online = device.checked_in = False

    def check_in(self, device, kind, version, build, library, foreign=False):
        device.checked_in, device.foreign = True, foreign
        if not foreign:
            self.take_check_in(device, kind, version, build, library)
            _, target = self.current(device)
            held = target is not None and target.stage is not None and target.under_way and target.due > self.now
            self.decide(device, reconnected=not held)
        self.swept()

    def take_check_in(self, device, kind, version, build, library):
        if (kind, version, build) != (device.type, device.version, device.build) or not device.seen:
            if not device.reported:
                device.digest, device.trial = None, False
        device.seen = True
        device.type, device.version, device.build, device.library = kind, version, build, library
        for shipment, target in self.movable(device):
            self.judge_check_in(device, shipment, target)
            self.settle(shipment)

    def judge_check_in(self, device, shipment, target):
        there = self.there(device, shipment.firmware)
        ran = target.stage in ("trial", "settling")
        if there and not target.ended:
            if not ran:
                target.stage = "trial" if device.reports else "settling"
                target.move("firmware-downloaded", due=self.now + SETTLE)
        elif not there and not device.reports and (ran or target.ended):
            if shipment.state in ("live", "paused") or not target.ended:
                target.end("rollback")
            device.rejected.add(shipment.firmware.digest)
        elif target.stage and target.under_way:
            target.due = self.now + HOLD

    def device_report(self, device, state, digest, reason="none", about=None):
        """Of a start, before the check-in."""
        device.reported = device.reports = True
        device.trial, device.digest, device.hardware = state == "trial", digest, "board-1"
        if about and reason in BLAME_IMAGE:
            device.rejected.add(about)
        for shipment, target in self.movable(device):
            self.judge_report(device, shipment, target, reason, about)
            self.settle(shipment)
        self.decide(device)
        self.swept()

    def judge_report(self, device, shipment, target, reason, about):
        runs = device.digest == shipment.firmware.digest
        back = not runs and about == shipment.firmware.digest and reason in BLAME_IMAGE | BLAME_OTHERS
        if runs and not device.trial and not target.ended:
            target.end("success")
        elif runs:
            self.stage_of(target, "trial")
        elif back and target.ended:
            if shipment.state in ("live", "paused"):
                target.end("rollback", reason)
        elif back and (reason in BLAME_IMAGE or target.stage in AFTER_TRANSFER):
            if reason in BLAME_IMAGE or target.spent(shipment.period, self.now) >= shipment.attempts:
                target.end("rollback", reason)
            else:
                target.stage = None
                target.move("rollback", reason, self.now + RETRY)

    def stage_of(self, target, stage):
        has_it = target.status == "firmware-downloaded" and target.stage in (None, "received", "downloading", "downloaded")
        if target.ended or not target.attempts or (has_it and stage in ("received", "downloading")):
            return
        target.stage = stage
        status = {"received": "request-sent", "downloading": "firmware-requested"}.get(stage, "firmware-downloaded")
        target.move(status, due=self.now + SILENCE)

    def stage(self, device, stage):
        shipment, target = self.current(device)
        if target is not None:
            self.stage_of(target, stage)
            self.settle(shipment)
        self.swept()

    def download(self, device, shipment):
        """The whole file."""
        mine, target = self.current(device)
        if target is not None and mine is not None and mine.firmware is shipment.firmware and not target.ended:
            target.move("firmware-downloaded", due=self.now + SILENCE)
            self.settle(mine)
        self.swept()

    def failed(self, device, reason):
        shipment, target = self.current(device)
        if target is not None:
            self.fail(target, reason)
            self.settle(shipment)
        self.decide(device)
        self.swept()

    def fail(self, target, reason):
        if target.ended:
            return
        if reason in FINAL:
            target.end({"wrong-type": "type-mismatch", "version-refused": "version-mismatch"}.get(reason, "upload-failure"), reason)
        elif target.under_way and reason == "co-processor-restarted":
            target.due = self.now + HOLD
        elif target.under_way:
            target.stage = None
            if reason in WAITS:
                target.attempts -= 1
                target.move("waiting", reason, self.now + POSTPONED)
            else:
                target.move("upload-failure", reason, self.now + RETRY)

    # --- Time ---

    def moments(self):
        """When something is due, or a time of the day begins for somebody."""
        waits = [(self.devices[d], self.shipments[s]) for s, d in self.targets if self.shipments[s].slot != "any"]
        return [t.due for t in self.targets.values() if t.due > self.now] + [self.slot_opens(*wait) for wait in waits[:3]]

    def next_moment(self):
        """Nothing happens by itself before."""
        ends = [t.due for t in self.targets.values()] + [s.expires for s in self.shipments.values()]
        ends += [wave.reached + wave.soak for s in self.shipments.values() for wave in s.waves if wave.reached]
        return min((end for end in ends if end > self.now), default=float("inf"))

    def tick(self, now):
        """The clock is read, and what is due is looked at."""
        self.now = now
        due = sorted((t.due, int(d[1:]), s, d) for (s, d), t in self.targets.items() if 0 < t.due <= now)
        taking_turns = [(at, s) for at, _, s, _ in due if self.shipments[s].interval]
        self.ambiguous |= len(set(taking_turns)) < len(taking_turns)
        for _, _, shipment, device in due:
            if 0 < self.targets[shipment, device].due <= now:
                self.look_at(self.devices[device], self.shipments[shipment], self.targets[shipment, device])
        for shipment in list(self.shipments.values()):
            self.settle(shipment)
        self.swept()

    def wait_idly(self, target):
        """A short break does not end an attempt; half an hour without a sign does."""
        if target.under_way and target.attempt_start + SILENCE > self.now:
            target.due = target.attempt_start + SILENCE
        else:
            self.fail(target, "device-silent")
        if target.due <= self.now:
            target.due = 0

    def look_at(self, device, shipment, target):
        if target.stage in ("trial", "settling") and self.there(device, shipment.firmware) and not device.trial:
            target.end("success")
        elif not device.online or not self.live(shipment):
            self.wait_idly(target)
        elif target.stage == "trial" or (target.under_way and not target.is_repeat(self.now)):
            self.fail(target, "device-silent")
        self.settle(shipment)
        self.decide(device, due=target)
        if target.under_way and target.due <= self.now:
            self.wait_idly(target)
            self.settle(shipment)
        self.swept()
