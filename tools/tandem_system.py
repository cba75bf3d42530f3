"""Starts and stops the whole system: tandem-cloud, tandem-ncp and a device, for the demo and the system tests.

Everything runs in one folder, on free ports of the loopback interface; nothing is left running."""

import ctypes
import hashlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "TMPLdemo"


class SystemFailure(Exception):
    """Something of the system did not do what it should; the text says what and where to look."""


def wait_for(what, condition, seconds, every=0.05):
    """Waits until condition() is true and returns its value; raises SystemFailure after the given seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise SystemFailure(f"{what}: not within {seconds} s")
        time.sleep(every)


_kept_ports = []


def free_port():
    """A port of the loopback interface that nobody else is given as long as this process runs: its socket stays bound and
    never listens. A server's own socket, which says SO_REUSEADDR as well, may still listen there."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _kept_ports.append(kept)
    return kept.getsockname()[1]


def _die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """One process with its log file."""

    def __init__(self, name, arguments, folder, keep=False):
        self.name, self.arguments, self.keep = name, [str(a) for a in arguments], keep
        self.log = Path(folder) / f"{name}.log"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=None if self.keep else _die_with_parent)
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        if not self.running():
            tail = self.log.read_text(errors="replace").strip().splitlines()[-8:]
            raise SystemFailure(f"{self.name} ended with {self.process.returncode}:\n  " + "\n  ".join(tail))
        return True

    def kill(self):
        """SIGKILL, as a power cut or the kernel would."""
        if self.running():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=5):
        if not self.running():
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()


class UartTap:
    """Stands between tandem-ncp and the device's UART socket, counts bytes, and calls back at a count.

    The co-processor connects to `path`; every connection gets one of its own to the device."""

    def __init__(self, path, device):
        self.path, self.device = str(path), str(device)
        self.to_device = 0
        self._trigger = None
        self._closing = False
        self._listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self._listener.bind(self.path)
        self._listener.listen(1)
        self._listener.settimeout(0.1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def at(self, count, action):
        """Calls action() once, from the tap's thread, when count more bytes went to the device."""
        self._trigger = (self.to_device + count, action)

    def _run(self):
        while not self._closing:
            try:
                ncp, _ = self._listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            device = socket.socket(socket.AF_UNIX)
            try:
                device.connect(self.device)
                self._pump(ncp, device)
            except OSError:
                pass
            ncp.close()
            device.close()

    def _pump(self, ncp, device):
        while not self._closing:
            for ready in select.select([ncp, device], [], [], 0.1)[0]:
                data = ready.recv(4096)
                if not data:
                    return
                if ready is device:
                    ncp.sendall(data)
                    continue
                self.to_device += len(data)
                if self._trigger and self.to_device >= self._trigger[0]:
                    action, self._trigger = self._trigger[1], None
                    action()
                device.sendall(data)

    def close(self):
        self._closing = True
        self._listener.close()
        self._thread.join(2)


class System:
    """Cloud, co-processor and device in a folder."""

    def __init__(self, folder, board="mps2", bin_folder=None, firmware=None, keep=False, settle=0,
                 one_bank=False, small=False, cloud_options=()):
        self.folder = Path(folder)
        self.board, self.keep, self.settle = board, keep, settle
        self.bin = Path(bin_folder or os.environ.get("TANDEM_BIN") or ROOT / "build/bin")
        self.simulated = board == "posix"  # a process, without firmware of its own
        self.simulator = "tandem-device"
        preset = f"{board}-onebank" if one_bank else board
        folder_of_firmware = f"{preset}-small" if small else preset
        self.firmware = Path(firmware or os.environ.get("TANDEM_FIRMWARE") or ROOT / "build") / folder_of_firmware
        self.hardware = f"{board}-demo" if self.simulated else f"{preset}-demo"
        self.http_port, self.mqtt_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.data = self.folder / "cloud"
        self.key = self.folder / "signing-key.pem"
        self.flash = self.folder / "flash.bin"
        self.uart = self.folder / "uart"
        self.qmp = self.folder / "qmp"  # QEMU's machine protocol
        self.one_bank = one_bank
        # Deltas are left to the tests of deltas: so every update sends the same bytes.
        self.cloud_options = ["--deltas", "off", *cloud_options]
        self.layout = ROOT / "ports" / board / ("onebank/layout.json" if one_bank else "layout.json")
        self.device_id = None
        self.programs = []
        self.tap = None
        self.cloud = self.ncp = self.device = None

    # --- the pieces ---

    def prepare(self):
        """Empty folder, signing key, and the factory's flash image with application 1.0.0."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.tandem("keygen", self.key)
        app = self.pack("1.0.0")
        bootloader = [] if self.simulated else ["--bootloader", self.firmware / "bin/bootloader.bin"]
        self.tandem("factory", "--layout", self.layout, *bootloader, "--app", app,
                    "--key", f"{self.key}.pub", "-o", self.flash)

    def start_cloud(self):
        self.cloud = self._program("tandem-cloud", [
            self.bin / "tandem-cloud", "--data", self.data, "--http", f"127.0.0.1:{self.http_port}",
            "--mqtt", f"127.0.0.1:{self.mqtt_port}", "--settle", self.settle, *self.cloud_options])
        wait_for("tandem-cloud answers", lambda: self.cloud.check() and self._healthy(), 10)

    def first_password(self):
        """What the first sign-in as admin takes."""
        return re.search(r"admin password: (\S+)", (self.folder / "tandem-cloud.log").read_text())[1]

    def start_device(self):
        log = self.folder / "console.log"
        program = [self.bin / self.simulator] if self.simulated else [ROOT / "tools/qemu-device", "--board", self.board]
        program += ["--one-bank"] if self.one_bank and self.simulated else []
        if not self.simulated:
            self.qmp.unlink(missing_ok=True)
            program += ["--qmp", f"unix:{self.qmp}"]
        arguments = [*program, "--flash", self.flash, "--uart", f"unix:{self.uart}", "--log", log]
        self.device = self._program("device", arguments)
        wait_for("the device opens its UART", lambda: self.device.check() and self.uart.exists(), 10)

    def reset_device(self):
        """Presses the reset button of a device in QEMU: RAM stays as it is, unlike in a power cut."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.qmp))
            lines = link.makefile("rw")
            lines.readline()  # the greeting
            for command in ("qmp_capabilities", "system_reset"):
                lines.write(json.dumps({"execute": command}) + "\n")
                lines.flush()
                while "return" not in (answer := json.loads(lines.readline())):  # events come in between
                    if "error" in answer:
                        raise SystemFailure(f"QEMU refuses {command}: {answer['error']}")

    def add_device(self):
        added = self.tandem_json("device", "add", "--template", TEMPLATE, "--name", "demo device")
        self.device_id = added["id"]
        token = self.folder / "device.token"
        token.touch(0o600)
        token.write_text(added["token"] + "\n")

    def start_ncp(self, tapped=False):
        path = self.uart
        if tapped:
            path = self.folder / "uart-tap"
            if not self.tap:
                self.tap = UartTap(path, self.uart)
        self.ncp = self._program("tandem-ncp", [
            self.bin / "tandem-ncp", "--uart", f"unix:{path}", "--cloud", f"mqtt://127.0.0.1:{self.mqtt_port}",
            "--token-file", self.folder / "device.token", "--data", self.folder / "ncp"])

    def start(self, tapped=False):
        self.prepare()
        self.start_cloud()
        self.add_device()
        self.start_device()
        self.start_ncp(tapped)
        self.wait_version("1.0.0", 60)

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        if self.tap:
            self.tap.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.keep:
            self.stop()

    def _program(self, name, arguments):
        program = Program(name, arguments, self.folder, self.keep).start()
        self.programs = [p for p in self.programs if p.running()] + [program]
        return program

    # --- what a user does ---

    def tandem_run(self, *arguments, **options):
        """Runs the tandem command and returns the finished process; output goes where the options say."""
        environment = dict(os.environ, TANDEM_URL=self.url, HOME=str(self.folder))
        token = self.data / "admin.token"
        if token.exists():
            environment["TANDEM_TOKEN"] = token.read_text().strip()
        options.setdefault("timeout", 300)
        return subprocess.run([str(self.bin / "tandem"), *[str(a) for a in arguments]], env=environment,
                              stdin=subprocess.DEVNULL, text=True, check=False, **options)

    def tandem(self, *arguments):
        done = self.tandem_run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            command = " ".join(str(a) for a in arguments)
            raise SystemFailure(f"tandem {command}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def tandem_json(self, *arguments):
        return json.loads(self.tandem(*arguments, "--json"))

    def pack(self, version):
        """Packs and signs a version of the example application (or of a simulated image)."""
        package = self.folder / f"demo-{version}.tdm"
        if not self.simulated:
            self.tandem("pack", self.firmware / f"bin/demo-{version}.elf", "-o", package, "--key", self.key,
                        "--hardware", self.hardware)
        else:
            image = self.folder / f"demo-{version}.bin"
            behaviour = {"bad": "self-test-fails", "hang": "hangs", "crash": "crashes", "mute": "no-link"}.get(
                version.partition("-")[2], "healthy")
            subprocess.run([ROOT / "tools/make-sim-image", "--version", version, "--behaviour", behaviour,
                            "--size", "100000", image], check=True)
            self.tandem("pack", image, "-o", package, "--key", self.key, "--hardware", self.hardware,
                        "--position-independent")
        return package

    def tamper(self, package):
        """A copy of the package with one bit of its signature flipped."""
        data = bytearray(package.read_bytes())
        head_bytes = int.from_bytes(data[6:8], "little")
        data[64 + head_bytes + 10] ^= 0x01
        tampered = package.with_name("tampered.tdm")
        tampered.write_bytes(data)
        return tampered

    def spoil(self, package):
        """Flips the last bit of the package where the co-processor keeps it, as a bad disk would: its own check was before."""
        last = package.read_bytes()[-1]
        with open(self.folder / "ncp" / "firmware.bin", "r+b") as kept:
            kept.seek(package.stat().st_size - 1)
            kept.write(bytes([last ^ 0x01]))

    # --- what a user looks at ---

    def request(self, path):
        request = urllib.request.Request(self.url + path)
        request.add_header("Authorization", "Bearer " + (self.data / "admin.token").read_text().strip())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def _healthy(self):
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=2) as answer:
                return json.load(answer)["status"] == "ok"
        except (OSError, ValueError):
            return False

    def device_state(self):
        return self.request(f"/api/v1/devices/{self.device_id}")

    def shipment(self, shipment_id):
        return self.request(f"/api/v1/shipments/{shipment_id}")

    def newest_shipment(self):
        return self.shipment(self.request("/api/v1/shipments")["shipments"][0]["id"])

    def wait_version(self, version, seconds):
        def there():
            state = self.device_state()
            firmware = state["firmware"] or {}
            return state if state["online"] and firmware.get("version") == version else None
        return wait_for(f"the device reports {version}", there, seconds)

    def wait_reason(self, shipment_id, reason, seconds):
        """Waits until an attempt of the shipment failed for that reason, ended or not; returns the device's row."""
        def failed():
            rows = self.shipment(shipment_id)["devices"]
            return rows[0] if rows and rows[0]["reason"] == reason else None
        return wait_for(f"shipment {shipment_id} fails with {reason}", failed, seconds)

    def wait_shipment(self, shipment_id, seconds):
        """Waits until the shipment has ended for our device; returns the device's row."""
        def ended():
            rows = self.shipment(shipment_id)["devices"]
            return rows[0] if rows and rows[0]["ended"] else None
        return wait_for(f"shipment {shipment_id} ends", ended, seconds)

    def banks(self):
        """(offset, bytes) of each bank in the flash file."""
        layout = json.loads(self.layout.read_text())
        base = int(layout["flash"]["address"], 0)
        return [(int(bank["address"], 0) - base, int(bank["bytes"], 0)) for bank in layout["banks"]]

    def bank_content(self, bank=0):
        start, size = self.banks()[bank]
        return self.flash.read_bytes()[start:start + size]

    def flash_digest(self):
        return hashlib.sha256(self.flash.read_bytes()).hexdigest()
