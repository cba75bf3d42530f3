"""Lists, reports and deletes that take several turns of the desk (more than a thousand devices): whole, in order, nothing twice."""

import csv
import io
import unittest

import server as s

DEVICES = 2500
ADD = [
    "INSERT INTO device (id, organization, token_hash, created, template, name, foreign_template, type, version, build, hardware, state, "
    "counter, reports, library, tags, zone, location_zone, version_key, decodes, revoked) {numbers} SELECT i, 1, CAST('{salt}' || i AS "
    "{bytes}), 1, '{template}', 'pump ' || (i * 7 % {devices}), 0, '', '', '', '', 0, -1, 0, '', CASE WHEN i % 3 = 0 THEN 'third' ELSE '' "
    "END, '', '', '', 0, 0 FROM number",
    "INSERT INTO pulse (device, last_seen, checked_in, shipment, said, line, line_flow) {numbers} SELECT i, 1000 + i * 7 % {devices} / 2, "
    "0, 0, 0, 0, 0 FROM number",
    "UPDATE template_owner SET devices = devices + {devices}",
]
NUMBERS = "WITH RECURSIVE number (i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM number WHERE i < {last})"
IDS = range(101, 101 + DEVICES)


class Large(unittest.TestCase):
    def setUp(self):
        self.server = s.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.first = self.server.add_device()["id"]
        words = {"numbers": NUMBERS.format(last=IDS[-1]), "devices": DEVICES, "template": s.TEMPLATE, "salt": "0123456789" * 3,
                 "bytes": "BYTEA" if s.database.POSTGRES else "BLOB"}
        for statement in ADD:
            self.server.database.change(statement.format(**words))

    def pages(self, path, name="devices", ask=None):
        """Every record of a list, page by page."""
        records, cursor = [], ""
        while cursor is not None:
            page = (ask or self.server.get)(f"{path}{cursor}")
            records += page[name]
            cursor = page["next"] and f"&cursor={page['next']}"
        return records

    def ids(self, path, **more):
        return [int(record["id"][1:]) for record in self.pages(path, **more)]

    def test_a_filter_that_few_match_finds_them_all(self):
        third = [i for i in IDS if i % 3 == 0]
        self.assertEqual(self.ids("/api/v1/devices?filter=tag%3Dthird&limit=1000"), third)
        self.assertEqual(self.ids("/api/v1/devices?filter=tag%3Dthird&limit=70&sort=-id"), third[::-1])
        self.assertEqual(self.server.get("/api/v1/devices?filter=tag%3Dthird&count=true&limit=1")["count"],
                         {"devices": len(third), "more": False})

    def test_devices_come_in_order_of_when_they_were_seen(self):
        seen = {i: i * 7 % DEVICES // 2 for i in IDS}
        order = sorted(IDS, key=lambda i: (seen[i], i))
        first = int(self.first[1:])  # which nobody ever saw
        self.assertEqual(self.ids("/api/v1/devices?sort=seen&limit=600"), [first, *order])
        self.assertEqual(self.ids("/api/v1/devices?sort=-seen&limit=1000"), [*order[::-1], first])
        self.assertEqual(self.ids("/api/v1/devices?sort=-seen&limit=150&filter=tag%3Dthird"), [i for i in order[::-1] if i % 3 == 0])
        self.assertEqual(self.server.get("/api/v1/devices?sort=seen&count=true&limit=5&filter=tag%3Dthird")["count"]["devices"],
                         len([i for i in IDS if i % 3 == 0]))

    def test_one_device_is_found_by_id_and_by_name_in_any_order(self):
        for sort in ("id", "-id", "name", "-version", "seen", "-seen"):
            for term in ("id%3Dd2400", f"name%3D%22pump+{2400 * 7 % DEVICES}%22"):
                found = self.server.get(f"/api/v1/devices?filter={term}&sort={sort}&count=true")
                self.assertEqual([device["id"] for device in found["devices"]], ["d2400"], (sort, term))
                self.assertEqual((found["next"], found["count"]), (None, {"devices": 1, "more": False}), (sort, term))
        self.assertEqual(self.ids("/api/v1/devices?filter=id%3Dd5"), [])

    def test_the_names_of_a_small_template_among_many(self):
        few = [self.server.add_device("TMPLfew", name=name)["id"] for name in ("pump 20", "pump 10", "zebra")]
        order = [int(few[i][1:]) for i in (1, 0, 2)]
        self.assertEqual(self.ids("/api/v1/devices?template=TMPLfew&sort=name"), order)
        self.assertEqual(self.ids("/api/v1/devices?filter=template%3DTMPLfew&sort=-name&limit=2"), order[::-1])
        self.assertEqual({one["template"]: one["devices"] for one in self.server.get("/api/v1/templates")["templates"]},
                         {"TMPLfew": 3, s.TEMPLATE: DEVICES + 1})

    def test_a_shipment_is_listed_reported_and_deleted_whole(self):
        everybody = [int(self.first[1:]), *IDS]
        order = {"template": s.TEMPLATE, "firmware": self.server.upload(s.plain("1.1.0"))["id"]}
        for rule, expected in (("never-seen", everybody), ("wave", [])):
            ask = lambda path: self.server.post(path, order)  # noqa: E731
            self.assertEqual(self.ids(f"/api/v1/shipments/preview?limit=1000&rule={rule}", ask=ask), expected)
        path = f"/api/v1/shipments/{self.server.post('/api/v1/shipments', order)['id']}"
        s.wait_for("it is planned", lambda: self.server.get(path)["planned"])
        for status, expected in (("", everybody), ("&status=waiting", everybody), ("&status=success", [])):
            self.assertEqual(self.ids(f"{path}/devices?limit=350{status}"), expected)
        rows = list(csv.DictReader(io.StringIO(self.server.ask("GET", f"{path}/report?format=csv").body.decode())))
        self.assertEqual([int(row["id"][1:]) for row in rows], everybody)
        self.assertEqual([row["name"] for row in rows[1:3]], [f"pump {i * 7 % DEVICES}" for i in IDS[:2]])
        self.assertEqual([int(row["id"][1:]) for row in self.server.get(f"{path}/report?format=json")], everybody)
        self.server.post(f"{path}/cancel")
        self.assertEqual(self.server.ask("DELETE", path).status, 204)
        self.assertEqual(self.server.ask("GET", path).status, 404)
        self.assertEqual(self.server.get("/api/v1/shipments")["shipments"], [])

    def test_firmware_goes_with_its_large_shipments(self):
        firmware = self.server.upload(s.plain("1.1.0"))
        paths = []
        for _ in range(2):
            paths.append(f"/api/v1/shipments/{self.server.ship(firmware)['id']}")
            s.wait_for("it is planned", lambda: self.server.get(paths[-1])["planned"])
            self.server.post(f"{paths[-1]}/cancel")
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/firmware/{firmware['id']}").status, 204)
        for path in (*paths, f"/api/v1/firmware/{firmware['id']}"):
            self.assertEqual(self.server.ask("GET", path).status, 404)
        self.assertEqual([entry["action"] for entry in self.server.get("/api/v1/audit?limit=2")["entries"]],
                         ["deleteFirmware", "cancelShipment"])


if __name__ == "__main__":
    unittest.main()
