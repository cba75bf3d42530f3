"""A PostgreSQL server of its own in a temporary folder, reached through a socket file, ended with its user.

    python3 postgres.py COMMAND...    runs the command with TANDEM_TEST_DATABASE set to the URL of an empty database"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 60  # seconds that the server may take to start or stop


def programs():
    """The folder of initdb and postgres: Debian keeps them out of the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not folders:
        raise SystemExit("no PostgreSQL server is installed; run tools/deps")
    return folders[0]


def user():
    """The server refuses to be root's: somebody else to be, or None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise SystemExit("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")


class Postgres:
    def __init__(self, *options):
        self.options = options
        self.programs = programs()
        self.user = user()
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
        self.url = f"postgresql:///postgres?host={self.folder}&user=tandem"
        self.process = None

    def _as_user(self):
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def __enter__(self):
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        subprocess.run([self.programs / "initdb", "--no-sync", "--auth=trust", "--username=tandem", "--encoding=UTF8",
                        "--locale=C", "--pgdata", self.folder / "data"], check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, timeout=LIMIT, **self._as_user())
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
                 "-c", "fsync=off", "-c", "max_connections=30", *self.options],
                stdout=log, stderr=log, cwd=self.folder, **self._as_user())
        ready = [self.programs / "pg_isready", "-q", "-h", self.folder]
        end = time.monotonic() + LIMIT
        while subprocess.run(ready, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self, how=signal.SIGINT):
        """SIGINT: a fast shutdown; SIGQUIT: at once, as after a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(LIMIT)
            self.process = None

    def sql(self, text):
        """Runs SQL; gives the rows as text."""
        return subprocess.run([self.programs / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", text],
                              check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT).stdout.strip()


def main():
    with Postgres() as server:
        done = subprocess.run(sys.argv[1:], env={**os.environ, "TANDEM_TEST_DATABASE": server.url}, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
