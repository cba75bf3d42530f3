#!/usr/bin/env python3
"""What compressed packages and deltas save, against tools that people know, on the same pairs. Prints a section of docs/FIGURES.md.

    bench/encoding.py                 the pairs below, built here
    bench/encoding.py OLD NEW         any two files

Counts only: payload bytes, and seconds on a UART that is never idle (frames of 1 KiB chunks, every escape counted)."""

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/python"))
from tandem_wire import encode_frame, invoke  # noqa: E402

BIN = Path(os.environ.get("TANDEM_BIN") or ROOT / "build/bin")
DEPS = ROOT / "build/deps"
CHUNK = 1024
BAUDS = (38400, 115200, 2_000_000)
WRITE_UID = 0x0442
TRIFLE = 4096  # below this even the best tool's output, a pair says more of headers than of encodings
CC = ["arm-none-eabi-gcc", "-mthumb", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-w",
      "--specs=nano.specs", "--specs=nosys.specs"]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


# --- Pairs ---

def build_lua(out, release, cpu="cortex-m3", optimize="-Os", *options):
    """The interpreter without its command-line tools."""
    run(ROOT / "tools/fetch-source", release, DEPS)
    folder = DEPS / release / "src"
    sources = [path for path in sorted(folder.glob("*.c")) if path.name not in ("lua.c", "luac.c", "print.c")]
    run(*CC, f"-mcpu={cpu}", optimize, *options, "-I", folder, ROOT / "bench/lua_firmware.c", *sources, "-lm", "-o", out)


def build_tls(out, cpu="cortex-m0", optimize="-Os", *options):
    run(ROOT / "tools/fetch-source", "bearssl", DEPS)
    folder = DEPS / "bearssl"
    sources = sorted((folder / "src").rglob("*.c"))
    run(*CC, f"-mcpu={cpu}", optimize, *options, "-I", folder / "inc", "-I", folder / "src", ROOT / "bench/tls_firmware.c",
        *sources, "-o", out)


def build_demo(out, board, version):
    image = ROOT / f"build/{board}/bin/demo-{version}.elf"
    out.write_bytes(image.read_bytes())


# name, builder of the old one, builder of the new one
PAIRS = [
    ("example application, M3: another version", lambda o: build_demo(o, "mps2", "1.1.0"), lambda o: build_demo(o, "mps2", "1.6.0")),
    ("example application, M0: a self-test changed", lambda o: build_demo(o, "nrf51", "1.1.0"),
     lambda o: build_demo(o, "nrf51", "1.2.0-bad")),
    ("Lua 5.4, M3: one text changed", lambda o: build_lua(o, "lua5.4"),
     lambda o: build_lua(o, "lua5.4", "cortex-m3", "-Os", '-DGREETING="up and running"')),
    ("Lua 5.4, M3: a function added", lambda o: build_lua(o, "lua5.4"),
     lambda o: build_lua(o, "lua5.4", "cortex-m3", "-Os", "-DWITH_LOG")),
    ("Lua 5.4, M0: a build option", lambda o: build_lua(o, "lua5.4", "cortex-m0"),
     lambda o: build_lua(o, "lua5.4", "cortex-m0", "-Os", "-DLUA_COMPAT_5_3", "-DLUAI_MAXCCALLS=100")),
    ("Lua 5.3 to 5.4, M3", lambda o: build_lua(o, "lua5.3"), lambda o: build_lua(o, "lua5.4")),
    ("Lua 5.1 to 5.3, M0", lambda o: build_lua(o, "lua5.1", "cortex-m0"), lambda o: build_lua(o, "lua5.3", "cortex-m0")),
    ("Lua 5.4, M3: -Os to -O2", lambda o: build_lua(o, "lua5.4"), lambda o: build_lua(o, "lua5.4", "cortex-m3", "-O2")),
    ("TLS client, M0: session resumption", build_tls, lambda o: build_tls(o, "cortex-m0", "-Os", "-DWITH_RESUMPTION")),
    ("TLS client, M0: -Os to -O1", build_tls, lambda o: build_tls(o, "cortex-m0", "-O1")),
]


def image_of(build, folder, name):
    elf, image = folder / f"{name}.elf", folder / f"{name}.bin"
    build(elf)
    run("arm-none-eabi-objcopy", "-O", "binary", elf, image)
    return image


# --- Encodings ---

def payload_bytes(package):
    return int.from_bytes(package.read_bytes()[12:16], "little")


def ours(old, new, folder):
    """(compressed, delta) payload files, through packages as users make them."""
    key = folder / "key.pem"
    if not key.exists():
        run(BIN / "tandem", "keygen", key)
    common = ("--key", key, "--hardware", "bench", "--type", "bench", "--position-independent")
    packages = {}
    for name, image, version in (("old", old, "1.0.0"), ("new", new, "1.1.0")):
        named = folder / f"as-{name}.bin"
        named.write_bytes(image.read_bytes().replace(b"blnkinf", b"blnkin_"))  # the images' own tags are not the pair's
        packages[name] = folder / f"{name}.tdm"
        run(BIN / "tandem", "pack", named, "-o", packages[name], "--version", version, *common)
    payloads = []
    for name, options in (("compressed", ()), ("delta", ("--base", packages["old"]))):
        out = folder / f"{name}.tdm"
        run(BIN / "tandem", "encode", packages["new"], "-o", out, *options)
        payloads.append(out.read_bytes()[-payload_bytes(out):])
    return payloads


def size_of(command, out):
    run(*command)
    return out.stat().st_size


def peers(old, new, folder):
    xz = len(subprocess.run(["xz", "-9", "-k", "-c", str(new)], check=True, stdout=subprocess.PIPE).stdout)
    return xz, {
        "bsdiff": size_of(["bsdiff", old, new, folder / "o.bsdiff"], folder / "o.bsdiff"),
        "xdelta3": size_of(["xdelta3", "-e", "-9", "-S", "lzma", "-f", "-s", old, new, folder / "o.xdelta"], folder / "o.xdelta"),
        "zstd": size_of(["zstd", "-q", "-f", "--ultra", "-22", "--single-thread", f"--patch-from={old}", new, "-o",
                         folder / "o.zst"], folder / "o.zst"),
    }


def seconds(payload):
    """Of otaUpdateWrite requests alone, at each rate."""
    wire = 0
    for at in range(0, len(payload), CHUNK):
        chunk = payload[at:at + CHUNK]
        arguments = at.to_bytes(4, "little") + len(chunk).to_bytes(2, "little") + chunk + bytes(4)
        wire += len(encode_frame(invoke(WRITE_UID, 1, arguments)))
    return [wire * 10 / baud for baud in BAUDS]


def measure(name, old, new, folder):
    compressed, delta = ours(old, new, folder)
    xz, others = peers(old, new, folder)
    raw = new.read_bytes()
    return {"name": name, "raw": len(raw), "compressed": len(compressed), "delta": len(delta), "xz": xz, "peers": others,
            "best": min(others.values()), "seconds": [seconds(raw), seconds(compressed), seconds(delta)]}


# --- The report ---

def table(rows):
    yield "| pair | raw | xz -9 | compressed | bsdiff | xdelta3 | zstd | delta | delta / best |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        peer = row["peers"]
        yield (f"| {row['name']} | {row['raw']:,} | {row['xz']:,} | {row['compressed']:,} | {peer['bsdiff']:,} | {peer['xdelta3']:,} | "
               f"{peer['zstd']:,} | {row['delta']:,} | {row['delta'] / row['best']:.2f} |")


def times(rows):
    yield "| pair | " + " | ".join(f"{what} at {baud:,}" for baud in BAUDS for what in ("raw", "compressed", "delta")) + " |"
    yield "| --- |" + " --- |" * (3 * len(BAUDS))
    for row in rows:
        cells = (f"{row['seconds'][what][rate]:.2f}" for rate in range(len(BAUDS)) for what in range(3))
        yield f"| {row['name']} | " + " | ".join(cells) + " |"


def verdicts(rows):
    """The goals; yields a line each, and whether it is met."""
    worst = max(row["compressed"] / row["xz"] for row in rows)
    yield f"compressed against xz -9: {worst:.3f} at worst (goal 1.05)", worst <= 1.05
    big = [row["delta"] / row["best"] for row in rows if row["best"] >= TRIFLE]
    if big:
        mean = math.exp(sum(map(math.log, big)) / len(big))
        yield (f"deltas against the best of bsdiff, xdelta3 and zstd, pairs from {TRIFLE:,} bytes on: {max(big):.2f} at worst "
               f"(goal 1.30), geometric mean {mean:.2f} (goal 1.15)"), max(big) <= 1.30 and mean <= 1.15


def main():
    rows = []
    with tempfile.TemporaryDirectory(prefix="tandem-encoding-") as name:
        folder = Path(name)
        if len(sys.argv) == 3:
            rows.append(measure(Path(sys.argv[2]).name, Path(sys.argv[1]), Path(sys.argv[2]), folder))
        else:
            for number, (title, build_old, build_new) in enumerate(PAIRS):
                old, new = (image_of(build, folder, f"{number}-{age}") for build, age in ((build_old, "old"), (build_new, "new")))
                rows.append(measure(title, old, new, folder))
    print("## Compressed packages and deltas\n\nPayload bytes. Peers: bsdiff, xdelta3 -9 -S lzma, zstd --ultra -22 --patch-from.\n")
    print(*table(rows), sep="\n")
    print("\nSeconds of otaUpdateWrite requests on the UART, chunks of 1 KiB, escapes included:\n")
    print(*times(rows), sep="\n")
    print()
    met = True
    for line, good in verdicts(rows):
        print(f"- {line}: {'met' if good else 'MISSED'}")
        met = met and good
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
