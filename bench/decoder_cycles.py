#!/usr/bin/env python3
"""Applies compressed packages and deltas in QEMU, on a microbit (Cortex-M0) and an mps2-an385 (Cortex-M3), and says what the decoder
costs there: instructions per byte of the image, flash, RAM. Prints a section of docs/FIGURES.md.

    bench/decoder_cycles.py               pairs of bench/encoding.py
    bench/decoder_cycles.py OLD NEW       any two files

Instructions are counted by QEMU (-icount shift=0: each takes a nanosecond of the board's clock), so they are the same on every
machine."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
from encoding import CC, PAIRS, image_of, ours, run  # noqa: E402

BOARDS = {"cortex-m0": ("microbit", 16_000_000), "cortex-m3": ("mps2-an385", 25_000_000)}  # its machine in QEMU, its clock
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
        run(*CC, f"-mcpu={cpu}", "-Os", "-std=c99", "-ffreestanding", *INCLUDES, "-c", ROOT / source, "-o", out)
        flash.append(int(run("arm-none-eabi-size", out).stdout.split()[-6]))
    return program, flash


def count(cpu, program, payload, base, image, folder):
    """(instructions, bytes read back, state of the decoder, of the client's part): what the program says. What came out is the
    image, or this fails."""
    machine, clock = BOARDS[cpu]
    for name, data in (("payload", payload), ("base", base), ("expected", image), ("image", b"")):
        (folder / name).write_bytes(data)
    done = subprocess.run(["qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none", "-icount",
                           "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel", program],
                          cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False)
    figures = [int(word, 16) for word in done.stdout.split()] if done.returncode == 0 else []
    if len(figures) != 5 or (folder / "image").read_bytes() != image:
        raise Failure(f"{program}: what the decoder gave is not the image: exit {done.returncode}: {done.stdout.strip()}")
    loop, instructions = (ticks * 1_000_000_000 // clock for ticks in figures[:2])
    if abs(loop - LOOP) > 200:
        raise Failure(f"a loop of {LOOP:,} instructions was counted as {loop:,}: this QEMU counts otherwise")
    return instructions, *figures[2:]


def pairs(folder):
    if len(sys.argv) == 3:
        yield Path(sys.argv[2]).name, Path(sys.argv[1]), Path(sys.argv[2])
        return
    for number, (name, old, new) in enumerate(PAIRS):
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
            for cpu, (program, flash) in programs.items():
                instructions, back, *flash[2:] = count(cpu, program, payload, base if form == "delta" else b"", image, folder)
                cells.append(f"{instructions / len(image):.0f} | {instructions / len(payload):,.0f}")
            yield f"| {name} | {form} | {len(payload):,} | {len(image):,} | {back / len(image):.2f} | {' | '.join(cells)} |"


def main():
    with tempfile.TemporaryDirectory(prefix="tandem-decoder-") as name:
        folder = Path(name)
        programs = {cpu: build(folder, cpu) for cpu in BOARDS}
        print("## Decoder\n\nEach payload of the pairs above, applied in QEMU on a microbit (Cortex-M0) and an mps2-an385 (Cortex-M3); what comes out is\n"
              "compared with the image. Instructions, counted by QEMU, from the first byte of the payload to the last of the image, without\n"
              "those of the flash driver. Read back: bytes of base and image so far that were read per byte of the image.\n\n"
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
