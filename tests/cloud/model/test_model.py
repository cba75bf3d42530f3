#!/usr/bin/env python3
"""Random fleets, shipments and hours at a real server, compared after each step with an oracle (oracle.py) that was written from
the documents: every offer, every target's status, every "why not?", and that a dry run says what then happens.

  MODEL_WORLDS   (3)    so many fleets
  MODEL_STEPS    (20)   things that happen to each
  MODEL_SEED     (1)    of the first; each further one has the next
  MODEL_SERVERS  (1)    several share one PostgreSQL and one bus, which fails at times, as each of them does
"""

import os
import random
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import servers  # noqa: E402
import world as w  # noqa: E402
from still_clock import StillClock  # noqa: E402
from world import s  # noqa: E402

WORLDS, STEPS, SEED, SERVERS = (int(os.environ.get(f"MODEL_{name}", unless))
                                for name, unless in (("WORLDS", 3), ("STEPS", 20), ("SEED", 1), ("SERVERS", 1)))
TOGETHER = 6  # worlds on one server, for which time passes at once
# The days before summer time begins or ends somewhere.
STARTS = [1772928000000, 1774656000000, 1775260800000, 1792886400000]


class Model(unittest.TestCase):
    def run_together(self, seeds):
        folder = Path(s.tempfile.mkdtemp(prefix="tandem-model-"))
        self.addCleanup(s.shutil.rmtree, folder)
        clock = StillClock(folder / "clock", STARTS[seeds[0] % len(STARTS)])
        options = "--deltas", "off"
        with (servers.One(*options, environment=clock.environment) if SERVERS == 1 else
              servers.Several(SERVERS, seeds[0], clock.environment, *options)) as server:
            worlds = [w.World(server, clock, seed, ordered=SERVERS == 1) for seed in seeds]
            server.add_device("TMPLsentinel")
            self.sentinel = server.upload(s.plain("0.0.1", "sentinel"))
            chance = random.Random(seeds[0])
            for step in range(STEPS):
                for world in worlds:
                    if not world.cloud.ambiguous:
                        world.step()
                        world.compare()
                if step % 3 == 2:
                    self.pass_time(server, clock, worlds, self.pause(chance, clock.now, worlds))
                if chance.random() < 0.05:
                    self.move(server, worlds, chance.choice(w.ZONES))
                if chance.random() < (0.03 if SERVERS == 1 else 0.1):
                    self.restart(server, clock, worlds)
                if SERVERS > 1 and chance.random() < 0.1:
                    server.bus_fails()
            for world in worlds:
                world.close()
                self.steps += len(world.log)
                self.offers += world.offers

    @staticmethod
    def pause(chance, now, worlds):
        """For how long nothing happens: often until a moment at which something does, or just before or after."""
        moments = [at - now + edge for world in worlds for at in world.cloud.moments() for edge in (-1, 0, 1)]
        exact = [pause for pause in moments if 0 < pause <= max(w.PAUSES)]
        return chance.choice(exact if exact and chance.random() < 0.5 else w.PAUSES)

    @staticmethod
    def move(server, worlds, zone):
        """The organization, and all devices that have no zone of their own."""
        assert server.ask("PATCH", "/api/v1/organization", {"timezone": zone}).status == 200
        for world in worlds:
            world.note("organization", zone)
            world.cloud.set_organization_zone(zone or "UTC")
            world.compare()

    def pass_time(self, server, clock, worlds, ms):
        """Twice, for what is due because of what was due. A shipment that expires tells when the server has looked."""
        for now in (clock.now + ms, clock.now + ms + 1000):
            sentinel = server.post("/api/v1/shipments", {"template": "TMPLsentinel", "firmware": self.sentinel["id"],
                                                         "expires": w.rfc3339(now)})
            clock.set(now)
            for world in worlds:
                world.note("time passes")
                world.cloud.tick(now)
            s.wait_for("time passes", lambda: server.get(f"/api/v1/shipments/{sentinel['id']}")["state"] == "finished")
            for world in worlds:  # each server has looked
                world.compare()
        self.compare_counts(server, worlds)

    @staticmethod
    def compare_counts(server, worlds):
        """Of all worlds, and the sentinel's device."""
        devices = [device for world in worlds for device in world.cloud.devices.values()]
        want = len(devices) + 1, sum(device.online for device in devices)
        s.wait_for(f"{want} devices and connected ones are counted",
                   lambda: (now := server.get("/api/v1/overview")) and (now["devices"], now["online"]) == want)

    def restart(self, server, clock, worlds):
        """What a server acknowledged is in the database; all that it knew of connections is gone. Where nothing would happen until
        the others miss it, it is killed."""
        for world in worlds:
            world.collect()
        self.restarts += 1
        quiet = all(world.cloud.next_moment() > clock.now + (servers.BEATS + 1) * servers.BEAT_MS for world in worlds)
        kill = SERVERS > 1 and quiet
        self.kills += kill
        gone = server.again(clock) if kill else server.again()
        for world in worlds:
            world.cloud.tick(clock.now)
            world.restarted(gone)
            world.compare()
        self.compare_counts(server, worlds)
        for world in worlds:
            world.reconnect()

    def test_random_fleets(self):
        self.steps = self.offers = self.restarts = self.kills = 0
        for first in range(SEED, SEED + WORLDS, TOGETHER):
            self.run_together(list(range(first, min(first + TOGETHER, SEED + WORLDS))))
        which = "the server was" if SERVERS == 1 else f"one of {SERVERS} servers was"
        print(f"{WORLDS} fleets from seed {SEED}: {self.steps} things happened, {self.offers} offers went out, {which} restarted "
              f"{self.restarts} times{f', {self.kills} of them killed' if SERVERS > 1 else ''}; all as the documents say")


if __name__ == "__main__":
    unittest.main()
