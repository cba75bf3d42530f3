#!/usr/bin/env python3
"""A fleet that is larger than what the server looks at in one request."""

import sqlite3
import unittest

from case import ConsoleCase, setUpModule, tearDownModule  # noqa: F401

DEVICES = 45_000  # the server looks at 20,000 in a request


class Large(ConsoleCase):
    @staticmethod
    def copy(database, table, key, number, differs):
        """The row of that number once more for each further device, but for what differs."""
        row = dict(database.execute(f"select * from {table} where {key} = ?", (number,)).fetchone())
        places = ", ".join(f":{name}" for name in row)
        database.executemany(f"insert into {table} ({', '.join(row)}) values ({places})",
                             ({**row, key: number + i, **differs(i)} for i in range(1, DEVICES)))

    def grow(self):
        """Copies of one device, straight into the database: by the API it would take minutes."""
        device = self.server.add_device(name="pump 1")
        self.server.fixed_http_port = self.server.http_port
        self.server.stop()
        database = sqlite3.connect(next(self.server.data.glob("*.db")))
        database.row_factory = sqlite3.Row
        number = int(device["id"][1:])
        self.copy(database, "device", "id", number, lambda i: {"name": f"pump {i + 1}", "token_hash": i.to_bytes(32, "big")})
        self.copy(database, "pulse", "device", number, lambda i: {})
        database.commit()
        database.close()
        self.server.start()

    def test_a_search_finds_the_last_of_many_without_turning_pages(self):
        self.person()
        self.grow()
        self.sign_in(path="/devices")
        self.browser.see("pump 1")
        self.browser.see("1,000+ devices", ".matches")
        self.browser.fill("Search devices", f'"pump {DEVICES}"')
        self.browser.see(f"pump {DEVICES}", "tbody")
        self.assertEqual(len(self.browser.all("tbody tr")), 1)


if __name__ == "__main__":
    unittest.main()
