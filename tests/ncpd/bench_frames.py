#!/usr/bin/env python3
"""What frames cost tandem-ncp: its CPU time as a share of the time that a line of 2 Mbaud needs for the same bytes. Prints
rows of docs/FIGURES.md.

TANDEM_BIN names the folder of the programs."""

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
import tandem_wire as wire  # noqa: E402
from fake_cloud import FileServer, Gateway  # noqa: E402
from fake_mcu import FakeMcu  # noqa: E402
from test_ncpd import TOKEN, Ncp  # noqa: E402

LINE_BYTES_S = 200_000  # 2 Mbaud, 8N1
IMAGE_BYTES = 1_000_000
FLOOD = 40_000  # frames
LIMIT_S = 120


def cpu_seconds(pid):
    """Of all its threads, from the scheduler, which counts nanoseconds."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


class Bench:
    def __init__(self, folder):
        self.folder = folder
        token = Path(folder, "token")
        token.touch(0o600)
        token.write_text(TOKEN + "\n")
        self.cloud = Gateway(TOKEN)
        self.files = FileServer(random.Random(1).randbytes(IMAGE_BYTES))
        self.mcu = FakeMcu(f"{folder}/uart", chunk=1024)
        self.ncp = Ncp(folder, f"unix:{folder}/uart", self.cloud.port, "--log-level", "info")
        assert self.mcu.events.get(timeout=LIMIT_S) == "initialized"

    def close(self):
        self.ncp.stop()
        self.mcu.close()
        self.files.close()
        self.cloud.close()

    def row(self, name, frames, wire_bytes, cpu_s):
        line_s = wire_bytes / LINE_BYTES_S
        print(f"| {name} | {frames:,} | {wire_bytes:,} | {frames / line_s:,.0f} | {100 * cpu_s / line_s:.1f} % |")

    def measure(self, name, frames, act):
        peer = self.mcu.peer
        before = peer.bytes_in + peer.bytes_out
        cpu = cpu_seconds(self.ncp.process.pid)
        act()
        self.row(name, frames, peer.bytes_in + peer.bytes_out - before, cpu_seconds(self.ncp.process.pid) - cpu)

    def update(self):
        self.wait_connected()
        self.cloud.publish("downlink/ota/json", self.files.offer())
        while (event := self.mcu.events.get(timeout=LIMIT_S)) != "finished":
            assert not event.startswith("ended"), event

    def flood(self):
        """Small frames as fast as the socket takes them, then a call whose answer says that all were served."""
        frame = wire.encode_frame(wire.oneway(0x0311, wire.pack("Hb", [7, b"21.5 degrees"])))
        done = []

        def run():
            for _ in range(FLOOD // 100):
                self.mcu.peer.send_raw(frame * 100)
            self.mcu.peer.call("ncp.ping", timeout=LIMIT_S)
            done.append(True)

        self.mcu.todo.put(run)
        deadline = time.monotonic() + LIMIT_S
        while not done:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def wait_connected(self):
        assert self.cloud.logins.get(timeout=LIMIT_S) == 0


def main():
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        bench = Bench(folder)
        try:
            bench.measure("update, chunks of 1 KiB and their answers", 2 * -(-IMAGE_BYTES // 1024), bench.update)
            bench.measure("virtualWrite of 12 bytes", FLOOD, bench.flood)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
