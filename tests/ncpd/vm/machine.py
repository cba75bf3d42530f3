"""A machine with a kernel, udev and systemd of its own: QEMU, whatever the processor of this one can or cannot help with.

    with Machine("build/vm", folder, [program_folder]) as machine:
        machine.run("systemctl start tandem-ncp")        # as root; its output
        machine.plug("adapter", f"{folder}/uart")        # a USB serial adapter whose other end is that socket

Serial ports: ttyS0 the console, kept in FOLDER/console; ttyS1 the shell; ttyS2 (PCI) the socket FOLDER/board."""

import json
import socket
import subprocess
import time
from pathlib import Path

BOOT_SECONDS = 400  # by emulation, on a machine that does other things as well
HOST = "10.0.2.2"  # this machine, as seen from in there
END = b"\x1e"


class CommandFailed(Exception):
    pass


class Machine:
    def __init__(self, guest, folder, programs, ports=()):
        """ports: which ones in there are reached by which ones here."""
        self.folder = Path(folder)
        self.ports = dict(ports)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", programs, f"{folder}/programs.img", "64M"], check=True,
                       stdout=subprocess.DEVNULL)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/shell")
            listener.listen(1)
            listener.settimeout(20)
            self.process = subprocess.Popen(self._command(Path(guest)), stdin=subprocess.DEVNULL)
            try:
                self.shell, _ = listener.accept()
                self.shell.settimeout(BOOT_SECONDS)
                self._read_until(b"ready\n")
                self.run("stty -F /dev/ttyS1 115200")  # this side of the line is as fast as the other
            except (OSError, CommandFailed):
                self.close()
                raise
        self.monitor = socket.socket(socket.AF_UNIX)
        self.monitor.connect(f"{folder}/monitor")
        self.monitor_lines = self.monitor.makefile("r")
        self.monitor_lines.readline()
        self._tell_monitor("qmp_capabilities")
        self.wait('[ -z "$(systemctl list-jobs --no-legend)" ]', "the end of booting", BOOT_SECONDS)
        self.run("mount -o ro /dev/vdb /mnt && cp -r --no-preserve=ownership /mnt/. / && umount /mnt")

    def _command(self, guest):
        folder = self.folder
        return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "512", "-nodefaults",
                "-display", "none", "-no-reboot", "-snapshot", "-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.img",
                "-append", "root=/dev/vda rw console=ttyS0 panic=-1 quiet mitigations=off",
                "-drive", f"file={guest}/root.img,if=virtio,format=raw",
                "-drive", f"file={folder}/programs.img,if=virtio,format=raw",
                "-netdev", "user,id=net" + "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in self.ports.items()), "-device", "virtio-net-pci,netdev=net", "-device", "qemu-xhci",
                "-qmp", f"unix:{folder}/monitor,server=on,wait=off",
                "-chardev", f"file,id=console,path={folder}/console", "-device", "isa-serial,chardev=console,index=0",
                "-chardev", f"socket,id=shell,path={folder}/shell", "-device", "isa-serial,chardev=shell,index=1",
                "-chardev", f"socket,id=board,path={folder}/board,reconnect=1", "-device",
                "pci-serial,chardev=board"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()

    # ---- Commands in there ----

    def run(self, command, fails=False, seconds=120):
        """As root. Returns what it printed; CommandFailed if its status is not 0, or with fails if it is."""
        text, status = self._ask(f"(\n{command}\n) </dev/null 2>&1; printf '\\036%d\\036' $?\n", seconds)
        if (status != 0) != fails:
            raise CommandFailed(f"{command}: status {status}\n{text}")
        return text

    def succeeds(self, command):
        return self._ask(f"(\n{command}\n) </dev/null 2>&1; printf '\\036%d\\036' $?\n", 120)[1] == 0

    def wait(self, command, what, seconds=120):
        """Until the command succeeds."""
        deadline = time.monotonic() + seconds
        while not self.succeeds(command):
            if time.monotonic() > deadline:
                raise CommandFailed(f"{what}: not within {seconds} s")
            time.sleep(0.2)

    def write(self, path, text, mode="644"):
        self.run(f"mkdir -p $(dirname {path}) && cat >{path} <<'END'\n{text}\nEND\nchmod {mode} {path}")

    def _ask(self, line, seconds=120):
        self.shell.settimeout(seconds)
        self.shell.sendall(line.encode())
        text = self._read_until(END)
        return text.decode(errors="replace"), int(self._read_until(END))

    def _read_until(self, mark):
        data = b""
        while not data.endswith(mark):
            piece = self.shell.recv(1)
            if not piece:
                raise ConnectionError(f"the machine ended; its console: {self.folder}/console")
            data += piece
        return data[: -len(mark)]

    # ---- Its hardware ----

    def _tell_monitor(self, command, **arguments):
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.monitor_lines.readline())
            if "error" in answer:
                raise CommandFailed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return

    def add_cable(self, name, path=None):
        """For adapters: to the socket at path, or to nothing."""
        backend = {"type": "null", "data": {}}
        if path:
            address = {"type": "unix", "data": {"path": path}}
            backend = {"type": "socket", "data": {"addr": address, "server": False, "reconnect": 1}}
        self._tell_monitor("chardev-add", id=name, backend=backend)

    def plug(self, cable, serial):
        """A USB adapter of that serial number (FTDI's FT232, says QEMU), at that cable."""
        self._tell_monitor("device_add", driver="usb-serial", id=serial, chardev=cable, serial=serial, **{"always-plugged": True})

    def unplug(self, serial):
        self._tell_monitor("device_del", id=serial)
