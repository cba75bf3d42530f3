#!/usr/bin/env python3
"""Three servers on one PostgreSQL and one NATS behind haproxy, with a fleet that is updated again and again while servers are
killed, stopped for a while, cut off from the database or from the bus or have a clock that is minutes wrong, and while
PostgreSQL and NATS are restarted.

Devices and people keep their own books; after each update the database is compared with them. Exits with 1 at the first
difference."""

import argparse
import asyncio
import collections
import http.client
import http.server
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import server as s
import test_nodes as nodes
from certificates import Authority
from postgres import Postgres
from swarm import Swarm
from wire import Wire

NODES = 3
SETTLED_S = 120  # for everything to be in order again, once nothing fails any more
TROUBLE = (OSError, AssertionError, http.client.HTTPException, ValueError)
FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)

HAPROXY = """
global
  maxconn 4000
defaults
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 3
  balance leastconn
listen devices
  mode tcp
  bind 127.0.0.1:{mqtt}
{mqtt_servers}
listen secure-devices
  mode tcp
  bind 127.0.0.1:{mqtts}
{mqtts_servers}
listen people
  mode http
  bind 127.0.0.1:{http}
  option forwardfor
  option httpchk GET /health
  http-request set-header Connection close
{http_servers}
"""


def until(what, condition, limit=SETTLED_S):
    """The first true value; trouble counts as none."""
    end = time.monotonic() + limit
    last = None
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except TROUBLE as trouble:
            last = trouble
        time.sleep(0.1)
    raise AssertionError(f"timed out: {what} ({last})")


class Node:
    """A server and its supervisor, which starts it again when it ends."""

    def __init__(self, number, cluster):
        self.number = number
        self.ports = {door: nodes.free_port() for door in ("http", "mqtt", "mqtts")}
        self.database = Wire(cluster.loop, cluster.postgres.folder / ".s.PGSQL.5432")
        self.bus = Wire(cluster.loop, ("127.0.0.1", cluster.nats.port))
        self.folder = cluster.folder / f"n{number}"
        self.folder.mkdir()
        doors = [word for door, port in self.ports.items() for word in (f"--{door}", f"127.0.0.1:{port}")]
        self.server = s.Server(
            *doors, "--database", f"postgresql://tandem@127.0.0.1:{self.database.port}/postgres", "--bus",
            f"nats://127.0.0.1:{self.bus.port}", "--files", str(cluster.folder / "files"), "--mqtt-proxy", "127.0.0.1",
            "--trusted-proxy", "127.0.0.1", "--public-url", f"http://127.0.0.1:{cluster.http_port}", "--tls-cert",
            str(cluster.certificate), "--tls-key", str(cluster.key), "--settle", "0", "--webhooks-anywhere", folder=self.folder)
        self.wanted = True
        self.ends = []
        self.lock = threading.Lock()
        self.keeper = threading.Thread(target=self._keep, daemon=True)

    def start(self):
        self.server.start()
        self.keeper.start()

    def _keep(self):
        while self.wanted:
            with self.lock:
                process = self.server.process
                if process and process.poll() is not None:
                    self.ends.append((process.returncode, self.server.log()))
                    self._start_again()
            time.sleep(0.2)

    def _start_again(self):
        try:
            self.server.process = None
            self.server.start()
        except AssertionError:  # the database is away: it ends, and is started again
            if self.server.process:
                self.server.process.kill()
                self.server.process.wait()

    def signal(self, number):
        with self.lock:
            if self.server.process and self.server.process.poll() is None:
                self.server.process.send_signal(number)

    def with_clock(self, offset):
        """Started anew with a clock that is so many seconds wrong."""
        self.server.environment = {**os.environ}
        if offset and FAKETIME:
            self.server.environment.update(LD_PRELOAD=str(FAKETIME), FAKETIME=f"{offset:+d}s",
                                           FAKETIME_DONT_FAKE_MONOTONIC="1")
        self.signal(signal.SIGTERM)

    def stop(self):
        self.wanted = False
        self.keeper.join(s.LIMIT)
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.database.close()
        self.bus.close()


class Receiver(http.server.BaseHTTPRequestHandler):
    """What webhooks bring. Every third is refused, so it comes again."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.count += 1
        refused = self.server.count % 3 == 0
        if not refused:
            self.server.seen[(body["event"], body["data"]["id"])] += 1
        self.send_response(500 if refused else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Cluster:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-soak-nodes-"))
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.authority = Authority(self.folder)
        self.certificate, self.key = self.authority.sign("localhost", "DNS:localhost")
        self.postgres = Postgres("-c", "fsync=on", "-c", "max_connections=50").__enter__()
        port = nodes.free_port()
        self.nats = nodes.Program(self.folder, "nats", port, [shutil.which("nats-server") or "/usr/sbin/nats-server", "-a",
                                                              "127.0.0.1", "-p", str(port)])
        self.nats.start()
        (self.folder / "files").mkdir()
        self.mqtt_port, self.mqtts_port, self.http_port = (nodes.free_port() for _ in range(3))
        self.nodes = []
        for number in range(NODES):
            node = Node(number, self)
            if self.nodes:
                (node.folder / "data").mkdir()
                (node.folder / "data/admin.token").write_text(self.nodes[0].server.token)
            node.start()
            self.nodes.append(node)
        self._balance()
        self.people = s.Server(folder=self.folder)  # never started: a way to ask through the balancer
        self.people.http_port, self.people.token = self.http_port, self.nodes[0].server.token
        self.receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.receiver.seen, self.receiver.count = collections.Counter(), 0
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()
        self.people.post("/api/v1/webhooks", {"url": f"http://127.0.0.1:{self.receiver.server_port}/",
                                              "events": ["shipment.finished"]})
        self.swarm = Swarm(self.random, self.mqtt_port, self.mqtts_port, self.authority, nodes.SOURCE)
        self.keys = {}
        self.failing = collections.defaultdict(threading.Lock)
        for number in range(options.devices):
            self.add_device(f"d{number}")

    def _balance(self):
        def lines(door, more):
            return "\n".join(f"  server n{node.number} 127.0.0.1:{node.ports[door]} {more} inter 200 fall 2 rise 1"
                             for node in self.nodes)
        config = self.folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(
            mqtt=self.mqtt_port, mqtts=self.mqtts_port, http=self.http_port, http_servers=lines("http", "check"),
            mqtt_servers=lines("mqtt", "send-proxy-v2 check"), mqtts_servers=lines("mqtts", "send-proxy-v2 check")))
        self.balancer = nodes.Program(self.folder, "haproxy", self.mqtt_port, [
            shutil.which("haproxy") or "/usr/sbin/haproxy", "-f", str(config), "-db"])
        self.balancer.start()

    # --- People, who ask again with the same key until they have an answer ---

    def insist(self, path, body):
        key = {"Idempotency-Key": str(uuid.uuid4())}

        def once():
            answer = self.people.ask("POST", path, body, headers=key)
            if answer.status in (409, 422):
                raise SystemExit(f"{path}: {answer.status} {answer.body}")
            return answer.status in (200, 201) and answer.json
        return until(f"POST {path}", once)

    def add_device(self, name):
        device = self.insist("/api/v1/devices", {"template": s.TEMPLATE, "name": name})
        self.swarm.add(device)

    def ship(self, version):
        firmware = until("upload", lambda: self.people.upload(s.plain(version), f"{version}.bin"))
        return self.insist("/api/v1/shipments", {
            "template": s.TEMPLATE, "firmware": firmware["id"], "name": version, "attempts": 5,
            "waves": [{"percent": 10, "gate": {"success_percent": 50}}, {"percent": 50, "gate": {"success_percent": 50}}]})

    # --- What fails; each is over when it returns ---

    def node_killed(self, node):
        node.signal(signal.SIGKILL)

    def node_stopped(self, node):
        node.signal(signal.SIGSTOP)
        time.sleep(self.random.choice((1, 4, 14)))
        node.signal(signal.SIGCONT)

    def cut(self, wire, longest):
        wire.set(self.random.choice(("closed", "silent")))
        time.sleep(self.random.uniform(0.5, longest))
        wire.set("open")

    def node_cut_from_database(self, node):
        self.cut(node.database, 15)

    def node_cut_from_bus(self, node):
        self.cut(node.bus, 8)

    def clock_wrong(self, node):
        node.with_clock(self.random.choice((-200, 200)))

    def nats_restarted(self, _):
        self.nats.kill()
        time.sleep(self.random.uniform(0, 3))
        self.nats.start()

    def postgres_crashed(self, _):
        self.postgres.stop(signal.SIGQUIT)
        time.sleep(self.random.uniform(0, 3))
        self.postgres.start()

    def postgres_restarted(self, _):
        self.postgres.stop()
        time.sleep(self.random.uniform(0, 6))
        self.postgres.start()

    FAILURES = (node_killed, node_stopped, node_cut_from_database, node_cut_from_bus, clock_wrong, nats_restarted,
                postgres_crashed, postgres_restarted)

    def heal(self):
        for node in self.nodes:
            if "FAKETIME" in node.server.environment:
                node.with_clock(0)

    # --- The books compared ---

    def sql(self, text):
        return [row.split("|") for row in self.postgres.sql(text).splitlines()]

    def settled(self, version, shipment):
        pumps = self.swarm.pumps
        until(f"every device runs {version}", lambda: all(p.version == version and p.online for p in pumps))
        until("the shipment is finished",
              lambda: self.people.get(f"/api/v1/shipments/{shipment}")["state"] == "finished")
        until("the database knows who is connected", lambda: self.sql(
            "SELECT count(*) FROM presence p JOIN node n ON n.id = p.node JOIN pulse USING (device) WHERE (said & 1) = 1") ==
            [[str(len(pumps))]])
        until("there are as many nodes as servers", lambda: len(self.sql("SELECT id FROM node")) == NODES)
        until("the webhook told of it", lambda: self.receiver.seen[("shipment.finished", shipment)] >= 1)

    def compare(self, version, shipment):
        pumps = {pump.id[1:]: pump for pump in self.swarm.pumps}
        wrong = list(self.swarm.wrong)
        number = shipment[1:]
        acknowledged = {device: pump.acknowledged for device, pump in pumps.items()}  # before the question
        for device, said in self.sql("SELECT id, version FROM device"):
            if said != version:
                wrong.append(f"d{device} runs {version}, and the database says {said}")
        for device, attempts, status in self.sql(f"SELECT device, attempts, status FROM target WHERE shipment = {number}"):
            offers = [offer for offer in pumps[device].offers if offer[0] == version]
            if len(offers) != len(set(offers)):
                wrong.append(f"d{device} was offered {version} twice on one connection: {offers}")
            # A device that had the whole file and came back as it was has used an attempt up.
            if not 1 <= int(attempts) <= len(offers) or status != "5":
                wrong.append(f"d{device}: attempts {attempts}, status {status}, offers {offers}")
        for device, value in self.sql("SELECT device, convert_from(data, 'UTF8') FROM value WHERE name = 'count'"):
            if int(value) < acknowledged[device]:
                wrong.append(f"d{device}: value {acknowledged[device]} was acknowledged, {value} is there")
        for pump in pumps.values():
            if pump.locked_out:
                wrong.append(f"{pump.id} has a good token and was told that it is wrong")
        # 5: success. What a wave counts is what its targets say.
        wrong += [f"wave {row}" for row in self.sql(
            "SELECT w.shipment, w.number, w.size, w.updated, w.failed, w.skipped, w.there, count(t.device), "
            "count(*) FILTER (WHERE t.status = 5) FROM wave w LEFT JOIN target t ON t.shipment = w.shipment AND "
            "t.wave = w.number GROUP BY w.shipment, w.number HAVING w.size <> count(t.device) OR w.updated <> "
            "count(*) FILTER (WHERE t.status = 5 AND t.ended > 0) OR w.updated + w.failed + w.skipped + w.there <> "
            "count(*) FILTER (WHERE t.ended > 0)")]
        wrong += [f"field {row}" for row in self.sql(
            "SELECT version, sum(devices) FROM field GROUP BY version HAVING sum(devices) <> "
            "(SELECT count(*) FROM device d WHERE d.version = field.version)")]
        wrong += [f"two devices are called {row}" for row in self.sql(
            "SELECT name, count(*) FROM device GROUP BY name HAVING count(*) > 1")]
        # A device that was added while a shipment started joined the one before, which the new one has superseded.
        for device, shipment, status in self.sql(
                "SELECT device, shipment, status FROM target t JOIN device d ON d.id = t.device WHERE status <> 5 AND NOT EXISTS "
                "(SELECT FROM target u WHERE u.device = t.device AND u.shipment > t.shipment AND d.name LIKE 'new%')"):
            wrong.append(f"d{device} in s{shipment} has status {status}; its timeline:\n    " + "\n    ".join(
                " ".join(line) for line in self.sql(f"SELECT time, kind, text FROM event WHERE device = {device} ORDER BY id")[-40:]))
        for node in self.nodes:
            wrong += [f"node {node.number} ended with {code}: {log[-2000:]}" for code, log in node.ends
                      if code not in (0, 1, -signal.SIGKILL) or "Sanitizer" in log]
        return wrong

    def round(self, number):
        version = f"2.0.{number:05}"
        self.swarm.rough = True
        failures = [(self.random.choice(self.FAILURES), self.random.choice(self.nodes))
                    for _ in range(self.random.randint(1, 3))]
        shipped = []
        threads = [threading.Thread(target=lambda: shipped.append(self.ship(version)["id"]))]
        for failure, node in failures:
            threads.append(threading.Thread(target=self._later, args=(self.random.uniform(0, 4), failure, node)))
        for thread in threads:
            thread.start()
        self.add_device(f"new {number}")
        for thread in threads:
            thread.join()
        self.swarm.rough = False
        self.heal()
        print(f"  {version}: " + ", ".join(f"{failure.__name__} {node.number}" for failure, node in failures), end="", flush=True)
        began = time.monotonic()
        self.settled(version, shipped[0])
        wrong = self.compare(version, shipped[0])
        print(f": in order after {time.monotonic() - began:.0f} s" if not wrong else "")
        return wrong, [failure.__name__ for failure, _ in failures]

    def _later(self, seconds, failure, node):
        """One failure at a time of PostgreSQL, of NATS and of each server: it is over before the next one begins."""
        time.sleep(seconds)
        of = failure.__name__.split("_")[0]
        with self.failing[node.number if of in ("node", "clock") else of]:
            failure(self, node)

    def close(self):
        self.swarm.stop()
        self.balancer.kill()
        for node in self.nodes:
            node.stop()
        self.nats.kill()
        self.postgres.__exit__()
        self.receiver.shutdown()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{options.devices} devices on {NODES} servers behind haproxy, {options.updates} updates, seed {options.seed}\n")
    cluster = Cluster(options)
    counts = collections.Counter()
    wrong = []
    try:
        for number in range(options.updates):
            wrong, failed = cluster.round(number)
            counts.update(failed)
            if wrong:
                break
    except AssertionError as error:
        wrong = [str(error)]
    cluster.close()
    if wrong:
        print("FAILED\n  " + "\n  ".join(wrong[:40]) + f"\n  logs are in {cluster.folder}")
        return 1
    shutil.rmtree(cluster.folder)
    offers = sum(len(pump.offers) for pump in cluster.swarm.pumps)
    links = sum(pump.links for pump in cluster.swarm.pumps)
    print("\n" + "\n".join(f"  {name:24}{count:5}" for name, count in sorted(counts.items())))
    print(f"\n{offers} offers on {links} connections: none twice, none forgotten, nothing acknowledged is missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
