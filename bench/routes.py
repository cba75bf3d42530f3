#!/usr/bin/env python3
"""What the REST interface costs at a million devices: each list, report, count and chart, how long it takes, and for how long at
most devices wait meanwhile for the desk that decides about them. tools/bench prints it.

    bench/routes.py [sqlite] [postgresql]

  ROUTES_DEVICES (1000000)

A server makes the tables, SQL fills them, the server starts again. Half of the devices stand as connected. While a request runs,
devices on connections of their own check in one after the other, at QoS 1: the longest time until one is acknowledged is what the
request held up, with what the machine itself does to a check-in ("nothing" in the first row)."""

import http.client
import json
import multiprocessing
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/cloud/server"), str(ROOT / "tests/python")]
os.environ.setdefault("TANDEM_CLOUD", str(ROOT / "build/bin/tandem-cloud"))
import server as s  # noqa: E402
import tandem_package as package  # noqa: E402
from postgres import Postgres  # noqa: E402

DEVICES = int(os.environ.get("ROUTES_DEVICES", 1_000_000))
TEMPLATE, RARE = "TMPLbench", "TMPLrare"
PIECE = 100_000  # rows that a statement adds
PROBES, PAUSE_S = 10, 0.01
PATIENCE_S = 280
PAGE = os.sysconf("SC_PAGE_SIZE")

# The same on both databases, but for {hash}: 32 bytes that no other row has, {number} of rows n, and {now}.
NUMBERS = "WITH RECURSIVE n (i) AS (SELECT CAST({from_} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {to}) "
FILL = [
    "INSERT INTO template (name) VALUES ('TMPLbench'), ('TMPLrare')",
    "INSERT INTO template_owner (organization, template, devices) VALUES (1, 'TMPLbench', {number}), (1, 'TMPLrare', 100)",
    # Versions in the field as in a real one: most run the newest, names and last seen in no order of ids.
    NUMBERS + "INSERT INTO device (id, organization, token_hash, created, template, name, foreign_template, type, version, build, "
    "hardware, digest, state, counter, reports, library, tags, zone, location_zone, version_key, decodes, revoked) "
    "SELECT i, 1, {hash}, {now} - 9000000000, CASE WHEN i > {number} THEN 'TMPLrare' ELSE 'TMPLbench' END, "
    "'pump ' || (i * 7919 % {number}), 0, 'pump', '1.' || (i % 7) || '.0', 'Nov 16 2023 20:35:55', 'board-1', {hash}, 1, 1, 1, '1.3.0', "
    "CASE WHEN i % 100 = 0 THEN 'canary' ELSE '' END, CASE WHEN i % 10 = 0 THEN 'Europe/Berlin' ELSE '' END, '', "
    "'1000000001.100000000' || (i % 7), 0, 0 FROM n",
    NUMBERS + "INSERT INTO pulse (device, last_seen, checked_in, shipment, said, line, line_flow) SELECT i, {now} - i * 7919 % "
    "7000000, {now} - 8000000, 0, 3, 0, 0 FROM n",
    "INSERT INTO field (organization, template, type, version, devices) SELECT 1, template, type, version, count(*) FROM device "
    "WHERE organization = 1 AND id > 0 GROUP BY template, type, version",
    # Two shipments for all: one is over, one is live at its first wave.
    "INSERT INTO shipment (organization, name, template, firmware, all_devices, state, created, ended, planned, wave) "
    "VALUES (1, 'finished', 'TMPLbench', 1, 1, 2, {now} - 5000000, {now} - 1000000, 1, 1), "
    "(1, 'live', 'TMPLbench', 2, 1, 0, {now} - 100000, 0, 1, 1)",
    "INSERT INTO wave (shipment, number, kind, amount, filter, success_percent, failure_percent, minimum, soak, size, updated, there, "
    "skipped, failed, stuck, sent_bytes, plain_bytes, opened, reached, forgiven, forgiven_sample, forgiven_bad) VALUES "
    "(1, 1, 0, 0, '', 90, 0, 10, 0, {number}, {number} - 100, 0, 0, 100, 0, 0, 0, 1, 0, 0, 0, 0), "
    "(2, 1, 1, 100, '', 90, 0, 10, 0, 100, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), "
    "(2, 2, 0, 0, '', 90, 0, 10, 0, {number} - 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    NUMBERS + "INSERT INTO target (device, shipment, status, reason, ended, stage, bytes, size, wire_bytes, attempts, period_start, "
    "attempt_start, repeats, due, updated, wave, consent, turn, form, sent_bytes, plain_bytes, encoded) "
    "SELECT i, 1, CASE WHEN i * 100 % {number} = 0 THEN 6 ELSE 5 END, 0, 1, 0, -1, -1, 0, 1, 1, 1, 0, 0, {now} - 2000000, 1, 0, 0, 1, 0, 0, 0 "
    "FROM n WHERE i <= {number} UNION ALL SELECT i, 2, 0, 0, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, 0, CASE WHEN i <= 100 THEN 1 ELSE 2 END, 0, 0, 0, "
    "0, 0, 0 FROM n WHERE i <= {number}",
    NUMBERS + "INSERT INTO audit (organization, time, account, token, login, address, action, subject, detail, done) "
    "SELECT 1, {now} - 9000000 + i, i % 3 + 1, 0, 'somebody', '192.0.2.7', 'changeDevice', 'd' || i, '{{}}', 1 FROM n",
    NUMBERS + "INSERT INTO value (device, kind, name, time, data) SELECT i, 1, 'Site', {now}, {hash} FROM n WHERE i % 10 = 0",
]
CONNECT = [
    NUMBERS + "INSERT INTO presence (device, node, connection, origin) SELECT i, (SELECT max(id) FROM node), i, 'http://192.0.2.1:8080' "
    "FROM n WHERE i % 2 = 0",
    "INSERT INTO crowd (node, teller, organization, devices) SELECT node, node, 1, count(*) FROM presence GROUP BY node",
]


class Sqlite:
    name, hash, analyze = "SQLite", "randomblob(32)", "PRAGMA optimize"

    def __init__(self):
        self.server = s.Server("--deltas", "off")
        self.server.database = None

    def __enter__(self):
        self.path = self.server.data / "tandem.db"
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def sql(self, text):
        with closing(sqlite3.connect(self.path, timeout=60)) as database, database:
            database.execute(text)


class Postgresql:
    name, hash, analyze = "PostgreSQL", "decode(md5(i::text) || md5((-i)::text), 'hex')", "VACUUM ANALYZE"

    def __enter__(self):
        self.postgres = Postgres("-c", "fsync=on", "-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB")
        self.postgres.__enter__()
        self.server = s.Server("--deltas", "off", "--database", self.postgres.url)
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.postgres.__exit__()

    def sql(self, text):
        self.postgres.sql(text)


def fill(database):
    """Tables of a fleet; gives the tokens of devices that check in meanwhile."""
    server, now = database.server, int(time.time() * 1000)
    server.start()
    server.upload(package.tag_build("1.6.0", "pump", "Nov 16 2023 20:35:55") + b"one")
    server.upload(package.tag_build("1.7.0", "pump", "Nov 17 2023 20:35:55") + b"two")
    server.stop()
    def run(statements):
        for statement in statements:
            for from_ in range(1, DEVICES + 101, PIECE) if "{from_}" in statement else (1,):
                database.sql(statement.format(from_=from_, to=min(from_ + PIECE - 1, DEVICES + 100), number=DEVICES, now=now,
                                              hash=database.hash))
    run(FILL)
    if database.name == "PostgreSQL":
        database.sql("SELECT setval(pg_get_serial_sequence('device', 'id'), (SELECT max(id) FROM device))")
    server.start()
    probes = [server.add_device("TMPLprobe")["token"] for _ in range(PROBES)]
    run(CONNECT)
    database.sql(database.analyze)
    return probes


# --- What a request does ---

def probe(port, tokens, longest, stop):
    """Check-ins, one after the other; the longest wait for one of them."""
    server = type("Where", (), {"mqtt_port": port})
    devices = [s.Device(server, token) for token in tokens]
    for device in devices:
        device.check_in("1.0.0", template="TMPLprobe")
    turn = 0
    while not stop.is_set():
        device = devices[turn % len(devices)]
        turn += 1
        before = time.monotonic()
        device.check_in("1.0.0", template="TMPLprobe")
        with longest.get_lock():
            longest.value = max(longest.value, time.monotonic() - before)
        time.sleep(PAUSE_S)


class Probe:
    def __init__(self, server, tokens):
        self.longest, self.stop = multiprocessing.Value("d", 0.0), multiprocessing.Event()
        self.process = multiprocessing.Process(target=probe, args=(server.mqtt_port, tokens, self.longest, self.stop))

    def __enter__(self):
        self.process.start()
        s.wait_for("devices check in", lambda: self.longest.value > 0)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.process.join(PATIENCE_S)

    def take(self):
        """Since the last time; what is on its way now, and what a request left to be done behind it, belongs to that."""
        time.sleep(PAUSE_S * (20 if DEVICES > 10_000 else 2))
        with self.longest.get_lock():
            longest, self.longest.value = self.longest.value, 0.0
        return longest


def ask(server, method, path, body=None):
    """(seconds, status, answer as it came)"""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=PATIENCE_S)
    headers = {"Authorization": f"Bearer {server.token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    before = time.monotonic()
    connection.request(method, path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    data = answer.read()
    took = time.monotonic() - before
    connection.close()
    return took, answer.status, data


def deep(sort):
    """A cursor in the middle of the list of devices: as the list itself would give it."""
    return {"id": f"d{DEVICES // 2}.", "name": f"d1.{b'pump 5'.hex()}", "version": f"d{DEVICES // 2}.{b'1000000001.1000000003'.hex()}",
            "seen": f"d1.{int(time.time() * 1000) - 3_500_000}"}[sort.lstrip("-")]


def requests():
    """(what, method, path, body)"""
    devices, order = "/api/v1/devices?", {"template": TEMPLATE, "firmware": "f2"}
    for sort in ("id", "name", "version", "seen"):
        yield f"devices by {sort}, first page", "GET", f"{devices}sort={sort}", None
        yield f"devices by {sort}, deep, backwards", "GET", f"{devices}sort=-{sort}&cursor={deep(sort)}", None
    yield "devices by name of a template", "GET", f"{devices}sort=name&template={TEMPLATE}", None
    yield "devices by name of a rare template", "GET", f"{devices}sort=name&template={RARE}", None
    yield "devices by version of a rare template", "GET", f"{devices}sort=version&template={RARE}", None
    yield "devices by last seen of a rare template", "GET", f"{devices}sort=-seen&template={RARE}", None
    yield "a page of 1000 devices", "GET", f"{devices}limit=1000", None
    yield "devices, filter tag=canary, counted", "GET", f"{devices}filter=tag%3Dcanary&count=true", None
    yield "devices, filter tag=canary by last seen", "GET", f"{devices}filter=tag%3Dcanary&sort=-seen&limit=1000", None
    yield "devices, filter online=yes, counted", "GET", f"{devices}filter=online%3Dyes&count=true", None
    yield "devices, filter that none matches", "GET", f"{devices}filter=nobody", None
    yield "devices, metadata that none matches", "GET", f"{devices}filter=meta.Site%3Dnowhere", None
    yield "devices, a name", "GET", f"{devices}filter=name%3D%22pump+{DEVICES - 1}%22", None
    yield "devices, an id", "GET", f"{devices}filter=id%3Dd{DEVICES}", None
    yield "templates", "GET", "/api/v1/templates", None
    yield "overview", "GET", "/api/v1/overview", None
    yield "metrics", "GET", "/metrics", None
    yield "a device", "GET", f"/api/v1/devices/d{DEVICES // 2}", None
    yield "why a device is not updated", "GET", f"/api/v1/devices/d{DEVICES // 2}/why", None
    yield "shipments", "GET", "/api/v1/shipments", None
    yield "a live shipment", "GET", "/api/v1/shipments/s2", None
    yield "its devices, deep, 1000", "GET", f"/api/v1/shipments/s2/devices?limit=1000&cursor=d{DEVICES // 2}", None
    yield "those of a finished one that failed", "GET", "/api/v1/shipments/s1/devices?status=upload-failure&limit=1000", None
    yield "those in a status that none has", "GET", "/api/v1/shipments/s1/devices?status=rollback", None
    yield "its report, CSV", "GET", "/api/v1/shipments/s1/report?format=csv", None
    yield "its report, JSON", "GET", "/api/v1/shipments/s1/report?format=json", None
    yield "its chart", "GET", "/api/v1/shipments/s2/chart", None
    yield "versions in the field", "GET", "/api/v1/charts/versions", None
    yield "failures", "GET", "/api/v1/failures", None
    yield "dry run", "POST", "/api/v1/shipments/preview", order
    yield "dry run, device by device, deep", "POST", f"/api/v1/shipments/preview?limit=1000&cursor=d{DEVICES // 2}&rule=offline", order
    yield "dry run, devices of a rule that none breaks", "POST", "/api/v1/shipments/preview?rule=condition", order
    yield "audit log", "GET", "/api/v1/audit", None
    yield "audit log of a user, deep", "GET", f"/api/v1/audit?user=u2&cursor=a{DEVICES // 2}", None
    yield "a device is deleted", "DELETE", f"/api/v1/devices/d{DEVICES // 2}", None
    yield "the live shipment is paused", "POST", "/api/v1/shipments/s2/pause", None
    yield "it goes on", "POST", "/api/v1/shipments/s2/resume", None
    yield "it is cancelled", "POST", "/api/v1/shipments/s2/cancel", None
    yield "it is deleted", "DELETE", "/api/v1/shipments/s2", None
    yield "firmware is deleted, with a shipment", "DELETE", "/api/v1/firmware/f1", None


def measure(database):
    """Rows (what, seconds, longest wait, bytes) of one database, and what the server's memory grew by at most."""
    rows, server = [], database.server
    tokens = fill(database)
    with Probe(server, tokens) as probed:
        probed.take()
        time.sleep(3 if DEVICES > 10_000 else 0.1)
        rows.append(("nothing", 0, probed.take(), 0))
        ask(server, "GET", "/api/v1/devices?limit=1")
        before = most = resident_bytes(server.process.pid)
        for what, method, path, body in requests():
            took, status, data = ask(server, method, path, body)
            assert status in (200, 204), f"{what}: {status} {data}"
            rows.append((what, took, probed.take(), len(data)))
            most = max(most, resident_bytes(server.process.pid))
    return rows, most - before


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


# What devices may wait for one request, as long as the machine itself makes them wait no more.
WAIT_LIMIT_S = 0.25


def text(kinds=("sqlite", "postgresql")):
    """Whether no request keeps devices waiting, and the section."""
    measured = {}
    for kind, make in ("sqlite", Sqlite), ("postgresql", Postgresql):
        if kind in kinds:
            with make() as database:
                measured[database.name] = measure(database)
    met = all(wait < max(WAIT_LIMIT_S, 2 * rows[0][2]) for rows, _ in measured.values() for _, _, wait, _ in rows)
    names = list(measured)
    grown = ", ".join(f"{measured[name][1] / 1e6:.0f} MB on {name}" for name in names)
    lines = ["| | " + " | ".join(f"{name}, ms | wait, ms" for name in names) + " |", "| --- " + "| ---: | ---: " * len(names) + "|"]
    for columns in zip(*(rows for rows, _ in measured.values())):
        lines.append(f"| {columns[0][0]} | " + " | ".join(f"{took * 1000:,.0f} | {wait * 1000:.0f}" for _, took, wait, _ in columns) + " |")
    reports = ", ".join(f"{size / 1e6:.0f} MB" for what, _, _, size in measured[names[0]][0] if "report" in what)
    return met, (
        f"## REST at {DEVICES:,} devices\n\nHow long an answer takes, and for how long at most a device waited meanwhile for its check-in to be "
        "acknowledged\n(bench/routes.py): other devices check in all the time. Half of the fleet stands as connected; one shipment for all is "
        "over,\none is live; the audit log has as many entries. Pages have 100 records unless it says otherwise. The first row is what the "
        f"machine itself\ndoes to a check-in. The reports are {reports}; the server's memory grew by {grown} at most.\n\n"
        + "\n".join(lines) + "\n")


if __name__ == "__main__":
    print(text(sys.argv[1:] or ("sqlite", "postgresql"))[1], end="")
