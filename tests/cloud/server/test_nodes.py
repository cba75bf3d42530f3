"""Three servers on one PostgreSQL and one NATS behind haproxy, and what happens when each of them fails.

Every device counts the offers that it gets: one per shipment and connection, whatever was killed meanwhile."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import server as s

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
from certificates import Authority  # noqa: E402
from postgres import Postgres  # noqa: E402
from test_watch import Stream  # noqa: E402

DEVICES = 12
NODES = 3
LATE_S = 5  # longer than what is said to a server may wait there
SOURCE = "127.0.0.3"  # of devices behind the balancer, which is at 127.0.0.1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A program that listens at a port."""

    def __init__(self, folder, name, port, command):
        self.log = folder / f"{name}.log"
        self.port = port
        self.command = command
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        s.wait_for(f"{self.command[0]} listens", self._listens)

    def _listens(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait(s.LIMIT)
        self.process = None


HAPROXY = """
global
  maxconn 2000
defaults
  timeout connect 2s
  timeout client 60s
  timeout server 60s
listen devices
  mode tcp
  bind 127.0.0.1:{mqtt}
  balance roundrobin
  option redispatch
  retries 3
{mqtt_servers}
listen people
  mode http
  bind 127.0.0.1:{http}
  balance roundrobin
  option redispatch
  retries 3
  option httpchk GET /health
{http_servers}
"""


class Balancer(Program):
    def __init__(self, folder, servers):
        self.mqtt_port, self.http_port = free_port(), free_port()
        line = "  server {name} 127.0.0.1:{port} check inter 200 fall 2 rise 1\n"
        proxied = line.replace(" check ", " send-proxy-v2 check ")
        mqtt = "".join(proxied.format(name=f"n{i}", port=node.mqtt_port) for i, node in enumerate(servers))
        web = "".join(line.format(name=f"n{i}", port=node.http_port) for i, node in enumerate(servers))
        config = folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(mqtt=self.mqtt_port, http=self.http_port, mqtt_servers=mqtt,
                                         http_servers=web))
        haproxy = shutil.which("haproxy") or "/usr/sbin/haproxy"
        super().__init__(folder, "haproxy", self.mqtt_port, [haproxy, "-f", str(config), "-db"])


class Client(threading.Thread):
    """A device that stays connected through the balancer, and comes back whenever its connection breaks."""

    def __init__(self, balancer, device):
        super().__init__(daemon=True)
        self.balancer = balancer
        self.id = device["id"]
        self.token = device["token"]
        self.version = "1.0.0"
        self.offers = []
        self.pings = 0
        self.logins = 0
        self.connected = False
        self.stopping = False
        self.lock = threading.Lock()

    def run(self):
        while not self.stopping:
            try:
                self._live()
            except (OSError, AssertionError):
                pass
            self.connected = False
            time.sleep(0.1)

    def _live(self):
        connection = s.Device(self.balancer, self.token, source=SOURCE)
        if connection.code != 0:
            connection.close()
            return
        self.logins += 1
        try:
            connection.subscribe("downlink/#")
            connection.check_in(self.version)
            connection.socket.settimeout(None)
            self.connected = True
            while not self.stopping:
                kind, body = self._next(connection)
                if kind is None:
                    return
                if kind >> 4 == 3:
                    self._take(connection, kind, body)
        finally:
            connection.close()

    def _next(self, connection):
        if connection.messages:
            topic, payload = connection.messages.pop(0)
            return 0x30, s.text(topic) + payload
        while not self.stopping:
            found = connection._take()
            if found:
                return found
            ready = s.select.select([connection.socket], [], [], 0.1)[0]
            if ready:
                data = connection.socket.recv(65536)
                if not data:
                    return None, b""
                connection.buffer += data
        return None, b""

    def _take(self, connection, kind, body):
        length = int.from_bytes(body[:2], "big")
        topic, rest = body[2:2 + length].decode(), body[2 + length:]
        if kind & 0x06:
            connection.socket.sendall(s.packet(0x40, rest[:2]))
            rest = rest[2:]
        with self.lock:
            if topic == "downlink/ota/json":
                self.offers.append((json.loads(rest)["ver"], self.logins))
            elif topic == "downlink/ping":
                self.pings += 1

    def stop(self):
        self.stopping = True
        self.join(s.LIMIT)


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tandem-nodes-"))
        cls.postgres = Postgres()
        cls.postgres.__enter__()
        port = free_port()
        cls.nats = Program(cls.folder, "nats", port,
                           [shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", str(port)])
        cls.nats.start()
        options = ["--database", cls.postgres.url, "--bus", f"nats://127.0.0.1:{port}", "--files",
                   str(cls.folder / "files"), "--mqtt-proxy", "127.0.0.1"]
        (cls.folder / "files").mkdir()
        cls.servers = []
        for i in range(NODES):
            folder = cls.folder / f"n{i}"
            folder.mkdir()
            if i > 0:  # the first one made the token; the others have it from the database
                (folder / "data").mkdir()
                (folder / "data" / "admin.token").write_text(cls.servers[0].token)
            node = s.Server(*options, folder=folder)
            node.start()
            cls.servers.append(node)
        cls.balancer = Balancer(cls.folder, cls.servers)
        cls.balancer.start()
        cls.clients = [Client(cls.balancer, cls.servers[i % NODES].add_device(name=f"d{i}")) for i in range(DEVICES)]
        for client in cls.clients:
            client.start()
        cls.versions = 0

    @classmethod
    def tearDownClass(cls):
        for client in cls.clients:
            client.stopping = True
        for client in cls.clients:
            client.stop()
        cls.balancer.kill()
        for node in cls.servers:
            node.stop()
        cls.nats.kill()
        cls.postgres.__exit__()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.all_connected()

    # --- What is seen ---

    def by_node(self):
        rows = self.postgres.sql("SELECT node, count(*) FROM presence JOIN pulse USING (device) WHERE (said & 1) = 1 GROUP BY node").split()
        return {int(node): int(count) for node, count in (row.split("|") for row in rows)}

    def all_connected(self):
        s.wait_for("every device is connected and checked in",
                   lambda: all(c.connected for c in self.clients) and sum(self.by_node().values()) == DEVICES)

    def ship(self, node):
        type(self).versions += 1
        version = f"2.0.{self.versions}"
        firmware = self.servers[node].upload(s.plain(version), f"{version}.bin")
        return version, self.servers[node].ship(firmware, name=f"to {version}")

    def each_got_one(self, version):
        s.wait_for(f"every device has its offer of {version}",
                   lambda: all(version in {offer[0] for offer in client.offers} for client in self.clients))

    def nobody_got_two(self):
        """An offer comes again only to a device that came back in the middle of it, and is the same attempt."""
        for client in self.clients:
            self.assertEqual(len(client.offers), len(set(client.offers)), client.offers)
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM target WHERE attempts > 1"), "0")

    # --- The cases ---

    def test_1_devices_spread_over_the_nodes(self):
        self.assertEqual(len(self.by_node()), NODES)
        self.assertEqual(set(self.by_node().values()), {DEVICES // NODES})
        for node in self.servers:
            node.wait_log(f"address={SOURCE}\n")
            self.assertNotIn("proxy-refused", node.log())

    def test_2_a_shipment_started_on_one_node_reaches_the_devices_of_all(self):
        version, shipment = self.ship(0)
        self.each_got_one(version)
        self.nobody_got_two()
        s.wait_for("every target says so", lambda: self.postgres.sql(
            f"SELECT count(*) FROM target WHERE shipment = {shipment['id'][1:]} AND attempts = 1 AND repeats = 0 "
            "AND status = 2") == str(DEVICES))

    def test_3_a_push_reaches_the_right_node(self):
        before = [client.pings for client in self.clients]
        for client in self.clients:
            answer = self.servers[1].ask("POST", f"/api/v1/devices/{client.id}/ping")
            self.assertLess(answer.status, 300, answer.body)
        s.wait_for("every device got its ping",
                   lambda: all(c.pings == n + 1 for c, n in zip(self.clients, before)))

    def test_4_a_device_that_one_node_added_logs_in_at_the_others(self):
        device = self.servers[0].add_device(name="late")
        for node in self.servers:
            def logged_in(node=node):
                connection = s.Device(node, device["token"], source=SOURCE)
                connection.close()
                return connection.code == 0
            s.wait_for("it may log in", logged_in)
        self.servers[0].ask("DELETE", f"/api/v1/devices/{device['id']}")

    def test_5_the_devices_of_a_killed_node_are_served_by_the_others(self):
        self.servers[2].kill()
        version, _ = self.ship(0)
        self.each_got_one(version)
        self.all_connected()
        self.nobody_got_two()
        s.wait_for("the dead node is taken out", lambda: self.postgres.sql("SELECT count(*) FROM node") == "2")
        self.servers[2].start()
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM node"), "3")

    def test_6_without_nats_everything_goes_on(self):
        self.nats.kill()
        version, _ = self.ship(1)
        self.each_got_one(version)
        self.nats.start()
        s.wait_for("the nodes are back on the bus",
                   lambda: all("bus-connected" in node.log().split("bus-lost")[-1] for node in self.servers))
        self.test_3_a_push_reaches_the_right_node()
        self.nobody_got_two()

    def test_7_after_a_crash_of_postgresql_everything_goes_on(self):
        self.postgres.stop(s.signal.SIGQUIT)
        self.postgres.start()
        self.all_connected()
        version, _ = self.ship(2)
        self.each_got_one(version)
        self.nobody_got_two()

    def test_8_while_postgresql_is_away_health_says_so(self):
        self.postgres.stop()
        answers = []

        def refused():
            answers.append(self.servers[0].ask("GET", "/health", token=False))
            return answers[-1].status == 503
        s.wait_for("health is not ok", refused)
        self.assertEqual(answers[-1].json["database"], "the database cannot be reached")
        self.postgres.start()
        for node in self.servers:
            s.wait_for("health is ok", lambda node=node: node.ask("GET", "/health", token=False).status == 200)

    def test_9_a_token_that_changes_without_nats_is_known_to_every_node(self):
        def code(node, token):
            connection = s.Device(node, token, source=SOURCE)
            connection.close()
            return connection.code
        first, gone, revoked = (self.servers[0].add_device(name=name) for name in ("renewed", "deleted", "revoked"))
        for node in self.servers:
            for device in (first, gone, revoked):
                s.wait_for("it may log in", lambda node=node, device=device: code(node, device["token"]) == 0)
        stays = s.Device(self.servers[1], revoked["token"], source=SOURCE)
        self.addCleanup(stays.close)
        self.nats.kill()
        renewed = self.servers[0].ask("POST", f"/api/v1/devices/{first['id']}/token").json["token"]
        self.assertLess(self.servers[0].ask("DELETE", f"/api/v1/devices/{revoked['id']}/token").status, 300)
        self.assertLess(self.servers[0].ask("DELETE", f"/api/v1/devices/{gone['id']}").status, 300)
        for node in self.servers:
            s.wait_for("the new token is known", lambda node=node: code(node, renewed) == 0)
            for device in (first, gone, revoked):
                s.wait_for("the old one is refused", lambda node=node, device=device: code(node, device["token"]) == 4)
            self.assertEqual(code(node, renewed), 0)
        self.assertTrue(stays.ended())
        self.nats.start()

    def test_9_a_token_that_passes_to_another_device_is_that_one_s_at_every_node(self):
        """Servers tell of its end and of its beginning in any order, and of both again and again."""
        def login(node, token):
            connection = s.Device(node, token, source=SOURCE)
            self.addCleanup(connection.close)
            return connection if connection.code == 0 else None
        first = self.servers[0].add_device(name="first")
        old = s.wait_for("it may log in", lambda: login(self.servers[1], first["token"]))
        self.nats.kill()
        self.assertLess(self.servers[0].ask("DELETE", f"/api/v1/devices/{first['id']}").status, 300)
        second = self.servers[0].add_device(name="second", token=first["token"])
        self.assertTrue(old.ended())
        for node in self.servers:
            s.wait_for("it may log in", lambda node=node: login(node, second["token"]))
            s.wait_for("it is the new device", lambda: self.servers[0].device(second)["online"])
        kept = s.wait_for("it may log in", lambda: login(self.servers[1], second["token"]))
        for _ in range(2):  # whoever knows a new device has looked at the ends of tokens since
            later = self.servers[0].add_device(name="later")
            s.wait_for("a look around", lambda later=later: login(self.servers[1], later["token"]))
        kept.ping()
        self.nats.start()
        for name in ("second", "later"):
            for row in self.servers[0].get("/api/v1/devices?limit=100")["devices"]:
                if row["name"] == name:
                    self.servers[0].ask("DELETE", f"/api/v1/devices/{row['id']}")

    def test_9_who_watches_is_told_to_look_anew_once_nats_is_back(self):
        stream = Stream(self.servers[0])
        self.addCleanup(stream.close)
        stream.wait("reset")
        self.nats.kill()
        self.nats.start()
        place = stream.wait("reset")[0]
        later = Stream(self.servers[0], last=place)
        self.addCleanup(later.close)
        device = self.servers[1].add_device(name="seen")  # by way of the bus
        s.Device(self.servers[1], device["token"], source=SOURCE).close()
        for watched in (stream, later):
            self.assertEqual(watched.wait("device", lambda data: data["id"] == device["id"])[2]["change"], "online")


class Late(unittest.TestCase):
    """What a device said to a server that hung, and has since said otherwise to another one."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres().__enter__()
        cls.addClassCleanup(cls.postgres.__exit__)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.servers = []
        for name in ("hung", "other"):
            where = Path(folder.name) / name
            (where / "data").mkdir(parents=True)
            if cls.servers:
                (where / "data/admin.token").write_text(cls.servers[0].token)
            server = s.Server("--database", f"{cls.postgres.url}&application_name={name}", folder=where)
            server.start()
            cls.addClassCleanup(server.stop)
            cls.servers.append(server)

    def moved(self, hang, go_on):
        """A device of version 1 that the first server has only heard of, at most, moves to the second and has version 2."""
        hung, other = self.servers
        device = hung.add_device()
        s.wait_for("it may log in", lambda: self.logs_in(other, device))
        hang()
        old = s.Device(hung, device["token"], login=False)
        self.addCleanup(old.close)
        body = s.text("MQTT") + bytes([4, 0xC2, 0, 45]) + s.text("") + s.text("device") + s.text(device["token"])
        info = s.text("info/mcu") + b"\0\1" + json.dumps({"tmpl": s.TEMPLATE, "ver": "1.0.0", "build": "", "type": "pump"}).encode()
        old.socket.sendall(s.packet(0x10, body) + s.packet(0x32, info))
        time.sleep(LATE_S)  # the hanging itself, which no event ends
        new = s.Device(other, device["token"])
        self.addCleanup(new.close)
        new.check_in("2.0.0")
        go_on()
        self.assertTrue(old.ended())
        self.assertNotIn(1, old.acknowledged)
        shown = other.device(device)
        self.assertEqual((shown["firmware"]["version"], shown["online"]), ("2.0.0", True))
        new.ping()  # it is still connected

    @staticmethod
    def logs_in(server, device):
        connection = s.Device(server, device["token"])
        connection.close()
        return connection.code == 0

    def test_a_server_that_stood_still_does_not_take_it_for_news(self):
        process = self.servers[0].process
        self.moved(lambda: process.send_signal(s.signal.SIGSTOP), lambda: process.send_signal(s.signal.SIGCONT))

    def test_a_server_whose_database_hung_does_not_take_it_for_news(self):
        pid = int(self.postgres.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'hung'"))
        self.moved(lambda: s.os.kill(pid, s.signal.SIGSTOP), lambda: s.os.kill(pid, s.signal.SIGCONT))


class SecureBus(unittest.TestCase):
    """NATS over TLS, with a certificate of an authority of one's own, and a password."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.authority = Authority(self.folder)
        certificate, key = self.authority.sign("localhost", "DNS:localhost")
        self.port = free_port()
        nats = Program(self.folder, "nats", self.port, [
            shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", str(self.port), "--user", "bus",
            "--pass", "secret", "--tls", "--tlscert", str(certificate), "--tlskey", str(key)])
        nats.start()
        self.addCleanup(nats.kill)
        self.postgres = Postgres().__enter__()
        self.addCleanup(self.postgres.__exit__)

    def bus(self, who="bus:secret@localhost", trusted=True):
        """What a server says of it, which then ends as it should."""
        environment = {"SSL_CERT_FILE": str(self.authority.certificate)} if trusted else {}
        with s.Server("--database", self.postgres.url, "--bus", f"tls://{who}:{self.port}", folder=self.folder / "server",
                      environment=environment) as server:
            state = server.ask("GET", "/health", token=False).json["bus"]
            if state != "ok":
                server.wait_log("bus-closed")
            return state, server.log()

    def test_a_server_meets_the_others_there_if_it_trusts_it_and_is_let_in(self):
        (self.folder / "server").mkdir()
        self.assertEqual(self.bus()[0], "ok")
        for how, reason in (({"trusted": False}, "certificate"), ({"who": "bus:secret@127.0.0.1"}, "mismatch"),
                            ({"who": "bus:wrong@localhost"}, "Authorization")):
            state, log = self.bus(**how)
            self.assertEqual(state, "away", how)
            self.assertRegex(log, f"bus-away kind=nats reason=.*{reason}")
            self.assertNotIn("bus-lost", log)


if __name__ == "__main__":
    unittest.main()
