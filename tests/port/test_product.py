#!/usr/bin/env python3
"""A product's application on its board, before it ships: this program is its co-processor.

  tests/port/test_product.py UART NEW.tdm [--bad BAD.tdm ...] [--deaf SECONDS] [--idle SECONDS] [--trial SECONDS]

UART is a serial device (/dev/ttyACM0) or a Unix socket, where a confirmed firmware runs that takes NEW.tdm. Looks at the link, at
how fast the loop answers, and takes the application through the update to NEW: each chunk once, in time, on trial, confirmed,
and still there after restarts. Each BAD.tdm is shipped before that: a build that fails its self-test, hangs, crashes; the old
firmware must come back, or with one bank the bootloader ask for another. --deaf ships NEW first and answers nothing for so long, more than all attempts take: it must not stay.
In the end NEW runs. Exit status 0: all of it went well; 1: the last line says what did not, and where to look."""

import argparse
import sys
import time
from pathlib import Path

from bench_co_processor import CHUNK_SECONDS, CONFIRMED, FINISH_SECONDS, STARTED, CoProcessor, Trouble, wire

LINK_SECONDS, SIGN_SECONDS = 60, 15
PINGS, LOOP_MS = 40, 50
STATE_CONFIRMED = 1
RESTARTS = 5
NO_FIRMWARE = "0.0.0"  # the version that a bootloader says which has no image


class Package:
    def __init__(self, path):
        self.path, self.data = path, Path(path).read_bytes()
        tag = self.data.partition(b"blnkinf\0")[2].partition(b"\0\0")[0].split(b"\0")
        pairs = dict(zip(tag[::2], tag[1::2]))
        self.version = pairs.get(b"mcu", b"").decode(errors="replace")
        if not self.data.startswith(b"TDMP") or not self.version:
            raise Trouble(f"{path}: not a package; make one with `tandem pack`")


class Product:
    def __init__(self, uart, trial_seconds):
        self.ncp, self.trial_seconds, self.old = CoProcessor(uart), trial_seconds, None

    def version(self):
        return self.ncp.info[1] if self.ncp.info else "nothing"

    def link(self):
        begun = time.monotonic()
        self.ncp.must(lambda: self.ncp.initialized > 0 and self.ncp.info, LINK_SECONDS, self.why_no_link)
        self.ncp.run(timeout=1)
        self.old = self.version()
        return f"{self.ncp.info[0]} {self.old} is up after {time.monotonic() - begun:.1f} s"

    def why_no_link(self):
        served, reader = [name for name, _ in self.ncp.served], self.ncp.reader
        if self.ncp.bytes_in == 0:
            return f"nothing came within {LINK_SECONDS} s: does the application run (its log), are RX and TX crossed?"
        if reader.good == 0:
            return f"{self.ncp.bytes_in} bytes came and no frame among them: is it 38400, 8N1, without flow control?"
        if set(served) <= {"ncp.ping"}:
            return f"it pings ({len(served)} times) and goes no further: do our answers reach tdm_mcu_receive?"
        return f"it calls {', '.join(dict.fromkeys(served))}, and not blynk.initialize with a firmware info before it"

    def loop(self):
        took = []
        for at in range(PINGS):
            self.ncp.run(timeout=0.013 * (at % 5))  # at every phase of the loop
            begun = time.monotonic()
            if not self.ncp.answers():
                raise Trouble(f"mcu.ping number {at + 1} was not answered within a second, and whoever asks waits 100 ms")
            took.append((time.monotonic() - begun) * 1000)
        slow = sorted(took)[PINGS * 4 // 5]
        if slow > LOOP_MS:
            raise Trouble(f"a fifth of {PINGS} pings took {slow:.0f} ms and more, and whoever asks waits 100 ms: turn tdm_mcu_receive, "
                          "tdm_mcu_poll and tdm_mcu_pull more often")
        return f"four fifths of {PINGS} pings took {slow:.0f} ms at most"

    def idle(self, seconds):
        ncp, heard, initialized = self.ncp, self.ncp.bytes_in, self.ncp.initialized
        ncp.run(until=lambda: ncp.initialized != initialized, timeout=seconds)
        if ncp.initialized != initialized:
            ncp.run(timeout=1)
            told = f", by {ncp.start_told[1]}" if ncp.start_told else ""
            raise Trouble(f"left alone, it initialized anew within {seconds} s{told}: is the watchdog fed, which tdm_mcu_poll does while "
                          "healthy says yes?")
        if ncp.bytes_in == heard and seconds >= SIGN_SECONDS:
            raise Trouble(f"nothing came for {seconds} s: is tdm_mcu_poll called as often as it says, and does board_now_ms count milliseconds?")
        return f"it stays up for {seconds} s" + (" and says something" if ncp.bytes_in > heard else "")

    def has_none(self):
        """A bootloader with one bank, whose only image was rejected."""
        return self.ncp.prefetches > 0 and self.ncp.report and self.version() == NO_FIRMWARE

    def ship(self, package):
        """Up to the restart into it."""
        ncp = self.ncp
        ncp.resent, ncp.slowest = 0, 0.0
        ncp.offer(package.data, Path(package.path).name)
        ncp.feed()
        if ncp.resent:
            raise Trouble(f"{ncp.resent} chunks were not answered within {CHUNK_SECONDS} s and sent again, on a line that loses nothing: is "
                          "the UART read while flash is written (board_receives_while_writing says so?), and its buffer large enough?")
        ncp.info = None
        seconds = ncp.finish()
        if seconds > FINISH_SECONDS:
            raise Trouble(f"otaUpdateFinish took {seconds:.1f} s, and co-processors wait {FINISH_SECONDS}: verifying a bank must take 3 s at most")
        return f"{len(package.data)} bytes in chunks of {ncp.chunk_bytes}, {ncp.slowest:.1f} s at most for one, {seconds:.1f} s for the end"

    def is_confirmed(self):
        return self.ncp.report and (self.ncp.report[0] == CONFIRMED or (self.ncp.report[0] == STARTED and self.ncp.report[1] == STATE_CONFIRMED))

    def came_back(self):
        return self.ncp.info and self.version() == self.old and self.ncp.report and self.ncp.report[0] == STARTED

    def update(self, package):
        told, ncp = self.ship(package), self.ncp
        ncp.must(lambda: ncp.info is not None, LINK_SECONDS, f"after the update nothing initialized within {LINK_SECONDS} s: look at the log; "
                 "does the image start in that bank?")
        ncp.must(lambda: self.is_confirmed() or self.came_back(), self.trial_seconds, f"{package.version} is on trial for {self.trial_seconds} s, "
                 "and neither confirmed nor gone: which self-test does not end, and has it a deadline? (--trial)")
        if self.version() != package.version:
            raise Trouble(f"{self.version()} runs instead of {package.version}: {ncp.why() or 'no reason was reported'}")
        self.restart_and_find(package)
        return told

    def restart_and_find(self, package):
        """More often than a trial has attempts: what only believes that it is confirmed gives way in the end."""
        ncp = self.ncp
        for times in range(RESTARTS):
            ncp.run(timeout=0.5)
            ncp.info = None
            ncp.call("mcu.reboot", timeout=3)
            ncp.must(lambda: ncp.info is not None and ncp.report is not None, LINK_SECONDS, "after mcu.reboot nothing initialized")
            if self.version() != package.version or not self.is_confirmed():
                raise Trouble(f"after {times + 1} restarts {self.version()} runs, {'confirmed' if self.is_confirmed() else 'on trial'}, and "
                              f"{package.version} had said that it is confirmed: is config.running_bank the bank that it runs in, and who "
                              "else writes the boot record?")

    def survive(self, package):
        told, ncp = self.ship(package), self.ncp
        ncp.must(lambda: self.came_back() or self.has_none() or (ncp.info and self.version() == package.version and self.is_confirmed()),
                 self.trial_seconds, f"{self.old} did not come back within {self.trial_seconds} s from {package.path}: is the watchdog started by the bootloader, "
                 "does anybody feed it but tdm_mcu_poll, and has each self-test a deadline? (--trial)")
        if self.has_none():
            return f"its bootloader waits for a firmware: {ncp.why() or 'no reason was reported'}; {told}"
        if self.version() != self.old:
            raise Trouble(f"{package.path} is confirmed: nothing tests what is wrong with it")
        return f"{self.old} came back: {ncp.why() or 'no reason was reported'}; {told}"

    def endure_silence(self, package, seconds):
        self.ship(package)
        ncp = self.ncp
        ncp.deaf = True
        ncp.run(timeout=seconds)
        ncp.deaf = False
        ncp.must(lambda: ncp.info is not None and ncp.report is not None, LINK_SECONDS, "after the silence nothing initialized: has it hung?")
        if self.version() == self.old:
            return f"{self.old} came back: {ncp.why()}"
        if ncp.prefetches > 0 and ncp.why():  # with one bank the image is there, and its bootloader says why it does not run
            return f"its bootloader waits for a firmware: {ncp.why()}"
        raise Trouble(f"{package.version} still runs after {seconds} s without an answer: either that is shorter than all attempts with their "
                      "link_deadline_ms (--deaf), or it confirmed itself; confirming is tdm_mcu_poll's, so who calls tdm_boot_confirm?")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("uart", help="serial device (/dev/ttyACM0), or Unix socket")
    parser.add_argument("package", help="NEW.tdm: what it is updated to")
    parser.add_argument("--bad", nargs="+", default=[], help="packages of builds that must not stay")
    parser.add_argument("--deaf", type=int, help="seconds of silence that NEW must not outlive")
    parser.add_argument("--idle", type=int, default=SIGN_SECONDS, help=f"seconds that it must stay up alone ({SIGN_SECONDS})")
    parser.add_argument("--trial", type=int, default=300, help="seconds that a trial may take (300)")
    options = parser.parse_args()
    name = "start"
    try:
        package, bad = Package(options.package), [Package(path) for path in options.bad]
        product = Product(options.uart, options.trial)
        steps = [("link", product.link), ("loop", product.loop), ("alone", lambda: product.idle(options.idle))]
        steps += [(f"bad firmware {one.path}", lambda one=one: product.survive(one)) for one in bad]
        if options.deaf:
            steps.append((f"silence of {options.deaf} s", lambda: product.endure_silence(package, options.deaf)))
        steps.append((f"update to {package.version}", lambda: product.update(package)))
        for name, step in steps:
            print(f"ok      {name}: {step()}", flush=True)
    except (Trouble, OSError, wire.CallFailed) as trouble:
        print(f"FAILED  {name}: {trouble}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
