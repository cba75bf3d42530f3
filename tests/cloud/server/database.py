"""The database behind a server of the tests, looked at and changed behind the server's back: SQLite in its folder, or, where
TANDEM_TEST_DATABASE names a PostgreSQL (tests/python/postgres.py), a fresh database there."""

import hashlib
import os
import sqlite3
import subprocess
from contextlib import closing

import postgres

POSTGRES = os.environ.get("TANDEM_TEST_DATABASE")
LIMIT = 20


class Refused(Exception):
    """The database does not let this happen."""


class Sqlite:
    options = ()

    def __init__(self, data):
        self.data = data

    def _run(self, sql):
        with closing(sqlite3.connect(self.data / "tandem.db", timeout=LIMIT)) as database, database:
            try:
                cursor = database.execute(sql)
            except sqlite3.IntegrityError as error:
                raise Refused(str(error)) from error
            return cursor.fetchall(), cursor.rowcount

    def change(self, sql):
        """Runs a statement; gives the number of rows that it changed."""
        return self._run(sql)[1]

    def bytes(self, sql):
        """The one value of a query, which is a byte string."""
        return self._run(sql)[0][0][0]

    def holds(self, secret):
        """Whether these bytes are anywhere in what is stored."""
        return any(secret in path.read_bytes() for path in self.data.glob("tandem.db*"))


class Postgresql:
    def __init__(self, data):
        """The same folder, the same database."""
        name = "t_" + hashlib.sha256(str(data).encode()).hexdigest()[:20]
        self.url = POSTGRES.replace("/postgres?", f"/{name}?")
        self.options = ("--database", self.url)
        if not self._psql(POSTGRES, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self._psql(POSTGRES, f"CREATE DATABASE {name}")

    @staticmethod
    def _tool(*command):
        done = subprocess.run([postgres.programs() / command[0], *command[1:]], capture_output=True, text=True, timeout=LIMIT,
                              check=False)
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout

    def _psql(self, url, sql):
        return self._tool("psql", "-AtX", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql).strip()

    def change(self, sql):
        return int(self._psql(self.url, sql).split()[-1])  # "UPDATE 3"

    def bytes(self, sql):
        return bytes.fromhex(self._psql(self.url, sql).removeprefix("\\x"))

    def holds(self, secret):
        dump = self._tool("pg_dump", "-d", self.url)
        return secret.decode() in dump or secret.hex() in dump


def of(data):
    return Postgresql(data) if POSTGRES else Sqlite(data)
