"""Simulated devices, connected to a server of the tests, which update or fail as they are told."""

import server as s


class Fleet:
    """Connected devices by id."""

    def __init__(self, server):
        self.server = server
        self.tokens = {}
        self.links = {}

    def add(self, count, version="1.0.0", **more):
        added = [self.server.add_device(**more) for _ in range(count)]
        for device in added:
            self.tokens[device["id"]] = device["token"]
            self.connect(device["id"], version)
        return [device["id"] for device in added]

    def connect(self, device, version):
        if device in self.links:
            self.links.pop(device).close()
        self.links[device] = s.Device(self.server, self.tokens[device])
        self.links[device].check_in(version)

    def succeed(self, device, version="1.1.0"):
        """The server settles at once (--settle 0)."""
        self.links[device].offer()
        self.connect(device, version)

    def fail(self, device):
        self.links[device].offer()
        self.links[device].report(stage="failed", reason="bad-signature", leg="uart")

    def offered(self):
        return {device for device, link in self.links.items() if link.offers()}

    def close(self):
        for link in self.links.values():
            link.close()
        self.links = {}
