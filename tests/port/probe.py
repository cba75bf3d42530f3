"""The probe of a port (ports/probe), and the line to it: a Unix socket, or a serial device of this machine."""

import os
import re
import select
import socket
import stat
import termios
import time
import tty

SECONDS = 20  # for anything that a probe does at once
PROBE_BAUD = 115200


class Line:
    """Bytes to and from a UART."""

    def __init__(self, path):
        self.path, self.socket = str(path), None
        if stat.S_ISSOCK(os.stat(self.path).st_mode):
            self.socket = socket.socket(socket.AF_UNIX)
            self.fd = self.socket.fileno()
            try:
                self.socket.connect(self.path)
            except OSError:
                self.close()
                raise
        else:
            self.fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
            try:
                tty.setraw(self.fd)
                self.set_rate(PROBE_BAUD)
            except termios.error:
                self.close()
                raise
        os.set_blocking(self.fd, False)

    def set_rate(self, baud):
        """The rate of this end, once what was written is out; a socket has none."""
        if self.socket:
            return
        settings = termios.tcgetattr(self.fd)
        settings[4] = settings[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.fd, termios.TCSADRAIN, settings)

    def wait(self, seconds, sending=False):
        """(may read, may write) as soon as one of them holds, or after the seconds."""
        may_read, may_write, _ = select.select([self.fd], [self.fd] if sending else [], [], max(seconds, 0))
        return bool(may_read), bool(may_write)

    def close(self):
        if self.socket:
            self.socket.close()
        else:
            os.close(self.fd)


class Probe:
    """A probe that answers lines, one command each."""

    def __init__(self, uart, alive=lambda: True, seconds=SECONDS):
        self.uart, self.alive, self.seconds, self.line = uart, alive, seconds, None
        self.connect()

    def connect(self, filling=b""):
        deadline, self.buffer = time.monotonic() + self.seconds, b""
        while self.line is None:
            try:
                self.line = Line(self.uart)
            except OSError:
                if not self.alive() or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        try:
            self.exchange(filling, 0)  # to a probe that may still echo
            self.synchronize()
        except OSError:
            self.close()
            raise

    def close(self):
        if self.line:
            self.line.close()
        self.line = None

    # --- bytes ---

    def exchange(self, data, count, seconds=SECONDS):
        """Sends data, and takes what arrives meanwhile and until count bytes are there; returns and forgets those."""
        deadline = time.monotonic() + seconds
        while data or len(self.buffer) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} bytes expected within {seconds} s, {self.buffer[-80:]!r} came; {len(data)} unsent")
            may_read, may_write = self.line.wait(deadline - time.monotonic(), bool(data))
            if may_read:
                piece = os.read(self.line.fd, 65536)
                if not piece:
                    raise ConnectionError(f"the other end of {self.uart} is gone")
                self.buffer += piece
            if may_write:
                data = data[os.write(self.line.fd, data[:4096]):]
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, data):
        self.exchange(data, 0)

    def readline(self, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            held = len(self.buffer)
            self.buffer = self.exchange(b"", held + 1, deadline - time.monotonic()) + self.buffer
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode(errors="replace").strip()

    def synchronize(self):
        """Gets past whatever the line holds: a greeting, an answer to somebody before us."""
        deadline, attempt = time.monotonic() + self.seconds, 0
        while True:
            attempt += 1
            self.send(b"\nsay attempt-%d\n" % attempt)
            try:
                while self.readline(0.5) != f"attempt-{attempt}":
                    pass
                return
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise

    # --- commands ---

    def ask(self, command):
        self.send(command.encode() + b"\n")
        try:
            return self.readline()
        except TimeoutError as error:
            raise AssertionError(f"no answer to '{command}': {error}") from None

    def number(self, command):
        return int(self.ask(command))

    def ask_and_wait_for_restart(self, command):
        """The command's answer must be ok; returns the reset cause after the restart."""
        answer = self.ask(command)
        if answer != "ok":
            raise AssertionError(f"'{command}' was answered with {answer!r}")
        self.wait_ready()
        return self.ask("cause")

    def wait_ready(self):
        """A processor that starts may leave noise on the line before the probe's greeting."""
        greeting = self.readline()
        if not re.search(r"ready$", greeting):
            raise AssertionError(f"{greeting!r} instead of the greeting")

    def echo(self, data):
        """What comes back of data."""
        self.send(b"echo %d\n" % len(data))
        back = self.exchange(data, len(data) + 1)
        if back[-1:] != b"\n":
            raise AssertionError(f"{back[-1:]!r} behind the echo")
        return back[:-1]
