#!/usr/bin/env python3
"""What the decoder of compressed packages and deltas costs a Cortex-M0 and a Cortex-M3: instructions per byte of the image,
flash, RAM. Prints a section of docs/FIGURES.md.

    bench/decoder_cycles.py               pairs of bench/encoding.py
    bench/decoder_cycles.py OLD NEW       any two files

Instructions are counted by QEMU (-icount shift=0: each takes a nanosecond of the board's clock), so they are the same on every
machine. What a Cortex-M0 would run is counted on the same emulated board: it is a subset of what a Cortex-M3 runs."""

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
from encoding import CC, PAIRS, image_of, ours, run  # noqa: E402

CPUS = "cortex-m0", "cortex-m3"
NAMES = ("example application, M3: another version", "Lua 5.4, M3: one text changed", "Lua 5.3 to 5.4, M3",
         "TLS client, M0: -Os to -O1")
INPUT = 0x21000000  # as in decoder_firmware.c; the files and the image follow
SPACING = 0x200000
LOOP = 2_000_000  # instructions that it counts first, to see that it counts
INCLUDES = "-I", ROOT / "include", "-I", ROOT


class Failure(Exception):
    pass


def build(folder, cpu):
    """The program, and the two parts of the decoder as a device links them."""
    program = folder / f"{cpu}.elf"
    run(*CC, f"-mcpu={cpu}", "-Os", *INCLUDES, "-nostartfiles", "-Wl,--section-start=.vectors=0", "-Ttext=0x100",
        "-Tdata=0x20000000", "-Wl,-n,-e,start,-u,vectors", ROOT / "bench/decoder_firmware.c", ROOT / "core/image/unlzma.c", "-o", program)
    flash = []
    for source in ("core/image/unlzma.c", "core/mcu/decode.c"):
        out = folder / "part.o"
        run(*CC, f"-mcpu={cpu}", "-Os", *INCLUDES, "-c", ROOT / source, "-o", out)
        flash.append(int(run("arm-none-eabi-size", out).stdout.split()[-6]))
    return program, flash


def count(program, payload, base, image, folder):
    """(instructions, bytes read back, state of the decoder, of the client's part): what the program says."""
    places, fields = [], []
    for number, data in enumerate((payload, base, None, image), 1):
        address = INPUT + number * SPACING
        fields.append(address)
        if data is not image:
            fields.append(len(image if data is None else data))
        if data:
            file = folder / f"{number}.in"
            file.write_bytes(data)
            places += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
    head = folder / "head.in"
    head.write_bytes(struct.pack("<7I", *fields))
    done = subprocess.run(["qemu-system-arm", "-M", "mps2-an385", "-m", "16M", "-display", "none", "-monitor", "none", "-serial",
                           "none", "-icount", "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel", program,
                           "-device", f"loader,file={head},addr={INPUT:#x},force-raw=on", *places],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          check=False)
    figures = [int(word, 16) for word in done.stdout.split()] if done.returncode == 0 else []
    if len(figures) != 5 or figures[1] == 0:
        raise Failure(f"{program}: what the decoder gave is not the image: exit {done.returncode}: {done.stdout.strip()}")
    if not LOOP <= figures[0] <= LOOP + 200:
        raise Failure(f"a loop of {LOOP:,} instructions was counted as {figures[0]:,}: this QEMU counts otherwise")
    return figures[1:]


def pairs(folder):
    if len(sys.argv) == 3:
        yield Path(sys.argv[2]).name, Path(sys.argv[1]), Path(sys.argv[2])
        return
    for number, (name, old, new) in enumerate(PAIRS):
        if name in NAMES:
            yield name, image_of(old, folder, f"{number}-old"), image_of(new, folder, f"{number}-new")


def as_encoded(image):
    """As bench/encoding.py packs it."""
    return image.read_bytes().replace(b"blnkinf", b"blnkin_")


def rows(programs, folder):
    """A line for each pair and form; leaves the sizes of the states in each program's list."""
    for name, old, new in pairs(folder):
        base, image = as_encoded(old), as_encoded(new)
        for form, payload in zip(("compressed", "delta"), ours(old, new, folder)):
            cells = []
            for program, flash in programs.values():
                instructions, back, *flash[2:] = count(program, payload, base if form == "delta" else b"", image, folder)
                cells.append(f"{instructions / len(image):.0f} | {instructions / len(payload):,.0f}")
            yield f"| {name} | {form} | {len(payload):,} | {len(image):,} | {back / len(image):.2f} | {' | '.join(cells)} |"


def main():
    with tempfile.TemporaryDirectory(prefix="tandem-decoder-") as name:
        folder = Path(name)
        programs = {cpu: build(folder, cpu) for cpu in CPUS}
        print("## Decoder\n\nInstructions, counted by QEMU, from the first byte of the payload to the last of the image, with flash that reads\n"
              "and is written like memory. Read back: bytes of base and image so far that were read per byte of the image.\n"
              "M0: its code, counted on the emulated Cortex-M3, of whose instructions it is a subset.\n\n"
              "| pair | form | payload | image | read back | M0: per byte of the image | of the payload | M3: per byte of the image "
              "| of the payload |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for row in rows(programs, folder):
            print(row)
        print("\nBytes, -Os. The client's part reads base and image back as they were signed, and holds the decoder's state.\n\n"
              "| | decoder, flash | client's part, flash | decoder, RAM | both, RAM |\n| --- | --- | --- | --- | --- |")
        for cpu, (_, figures) in programs.items():
            print(f"| {cpu} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"decoder_cycles.py: {failure}")
