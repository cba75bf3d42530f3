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
        answer = self.ask_anything(command)
        if answer.endswith("ready"):
            raise AssertionError(f"at '{command}' the board restarted, which nobody asked for; its cause is {self.ask('cause')!r}")
        return answer

    def ask_anything(self, command):
        self.send(command.encode() + b"\n")
        try:
            return self.readline()
        except TimeoutError as error:
            raise AssertionError(f"no answer to '{command}': {error}") from None

    def number(self, command):
        answer = self.ask(command)
        if not re.fullmatch(r"-?\d+", answer):
            raise AssertionError(f"'{command}' was answered with {answer!r} instead of a number")
        return int(answer)

    def ask_and_wait_for_restart(self, command):
        """The command's answer must be ok; returns the reset cause after the restart."""
        answer = self.ask_anything(command)
        if answer.endswith("ready"):
            raise AssertionError(f"'{command}' was done before its answer was on the wire: is board_uart_drained true too early?")
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
        """Sends data, all of which must come back."""
        self.send(b"echo %d\n" % len(data))
        self.take_echo(data, f"an echo of {len(data)} bytes", data)

    def take_echo(self, data, what, unsent=b""):
        try:
            back = self.exchange(unsent, len(data) + 1)
        except TimeoutError:
            back, self.buffer = self.buffer, b""
        if back != data + b"\n":
            difference = tell_difference(data, back.removesuffix(b"\n"))
            raise AssertionError(f"{what}: {difference}")


def tell_difference(sent, back):
    """What a line did to the bytes that went through it, and what does such things."""
    lost = len(sent) - len(back)
    without_flow_control = sent.translate(None, b"\x11\x13")
    if sent != without_flow_control and without_flow_control.startswith(back) and len(back) > len(without_flow_control) * 3 // 4:
        return "the bytes 11 and 13 do not come back: turn software flow control (XON/XOFF) off, here and on the board"
    at = next((i for i, (a, b) in enumerate(zip(sent, back)) if a != b), min(len(sent), len(back)))
    if lost <= 0:
        if back[:len(sent)] == bytes(byte & 0x7F for byte in sent):
            return "bit 7 is gone: the frame is 8 data bits, no parity, 1 stop bit"
        return f"byte {at} came back as {back[at:at + 1].hex()} instead of {sent[at:at + 1].hex()}, {len(back)} came for {len(sent)}"
    return (f"{lost} of {len(sent)} bytes did not come back, the first is number {at}: does the receive buffer overrun (its size, "
            "interrupts that are held off), or does board_uart_write say that it took what it did not?")
