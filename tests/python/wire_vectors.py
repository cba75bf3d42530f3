#!/usr/bin/env python3
"""Vectors of the UART protocol, made by tandem_wire.py: tests/vectors/wire/*.txt.

    wire_vectors.py DIRECTORY          writes them
    wire_vectors.py --check DIRECTORY  compares; exit status 1 if one differs"""

import random
import sys
from pathlib import Path

import tandem_wire as wire

GOLDEN = [
    wire.invoke(0x0101, 2),
    wire.result(2, wire.OK),
    wire.invoke(0x0301, 6, wire.pack("ss", ["TMPL0vFkFmJM7", "QPower"])),
    wire.result(6, wire.OK, wire.pack("?", [True])),
]


def dash(text):
    return text or "-"


def some_bytes(rng, length):
    """Half of them reserved ones, so that escapes are common and stand in every place."""
    reserved = sorted(wire.RESERVED) + [b ^ 0xFF for b in sorted(wire.RESERVED)]
    return bytes(rng.choice(reserved) if rng.random() < 0.5 else rng.getrandbits(8) for _ in range(length))


def frames():
    rng = random.Random(1)
    yield "# payload, frame on the wire. The first four are the golden frames of docs/PROTOCOL.md."
    payloads = GOLDEN + [some_bytes(rng, rng.randint(1, 40)) for _ in range(200)]
    payloads += [bytes([b]) for b in sorted(wire.RESERVED)] + [some_bytes(rng, wire.PAYLOAD_MAX)]
    for payload in payloads:
        yield f"{payload.hex()} {wire.encode_frame(payload).hex()}"


def a_stream(rng):
    """Frames, whole, cut short, damaged or empty, with noise between them."""
    out = b""
    for _ in range(rng.randint(1, 6)):
        frame = bytearray(wire.encode_frame(some_bytes(rng, rng.randint(1, 24))))
        kind = rng.randrange(8)
        if kind == 0:
            frame = frame[: rng.randint(0, len(frame))]
        elif kind == 1:
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        elif kind == 2:
            frame = bytes([wire.BEG, wire.END])
        elif kind == 3:
            out += some_bytes(rng, rng.randint(0, 5))
        elif kind == 4:
            frame = wire.encode_frame(some_bytes(rng, rng.randint(1, 24)), {wire.BEG, wire.END, wire.ESC})
        out += bytes(frame)
    return out


def streams():
    rng = random.Random(2)
    yield "# capacity, frames, bad CRC, oversized, cut short, noise; stream; payloads received"
    for _ in range(300):
        reader = wire.FrameReader(capacity=rng.randint(2, 26))
        stream = a_stream(rng)
        payloads = reader.feed(stream)
        counters = f"{reader.good} {reader.bad_crc} {reader.oversized} {reader.cut_short} {reader.noise}"
        yield f"{reader.capacity} {counters} {stream.hex()} {dash(','.join(p.hex() for p in payloads))}"


LIMITS = {"B": (0, 2**8 - 1), "H": (0, 2**16 - 1), "h": (-(2**15), 2**15 - 1), "I": (0, 2**32 - 1)}
LIMITS["q"] = (-(2**63), 2**63 - 1)


def a_value(rng, kind):
    if kind == "?":
        return rng.random() < 0.5
    if kind == "s":
        return "".join(rng.choice("abcXYZ019 ._-") for _ in range(rng.randint(0, 12)))
    if kind == "b":
        return some_bytes(rng, rng.randint(0, 12))
    low, high = LIMITS[kind]
    return rng.choice([low, high, 0, 1, rng.randint(low, high)])


def shown(kind, value):
    if kind == "s":
        return kind + value.encode().hex()
    if kind == "b":
        return kind + value.hex()
    return f"{kind}{int(value)}"


def fields():
    rng = random.Random(3)
    yield "# fields as bytes, then each as type and value (String and Binary in hex)"
    for _ in range(200):
        signature = [rng.choice("?BHhIqsb") for _ in range(rng.randint(1, 8))]
        values = [a_value(rng, kind) for kind in signature]
        text = " ".join(shown(kind, value) for kind, value in zip(signature, values))
        yield f"{wire.pack(signature, values).hex()} {text}"


def fits(signature, data):
    try:
        wire.unpack(signature, data)
        return 1
    except wire.WireError:
        return 0


def signatures():
    rng = random.Random(4)
    yield "# signature, bytes, whether the bytes are exactly such fields"
    for call in wire.CALLS:
        data = wire.pack(call.arguments, [a_value(rng, kind) for kind in call.arguments])
        mangled = [data, data[:-1], data + b"\0", some_bytes(rng, len(data))]
        for candidate in mangled:
            yield f"{dash(call.arguments)} {dash(candidate.hex())} {fits(call.arguments, candidate)}"


def calls():
    yield "# uid, name, arguments, results, timeout in ms (0: ONEWAY), served by"
    for call in wire.CALLS:
        arguments, results = dash(call.arguments), dash(call.results)
        yield f"{call.uid:04x} {call.name} {arguments} {results} {call.timeout_ms} {call.server}"


FILES = {f.__name__ + ".txt": f for f in (frames, streams, fields, signatures, calls)}


def main(arguments):
    check = arguments[:1] == ["--check"]
    directory = Path(arguments[-1])
    different = []
    for name, lines in FILES.items():
        text = "".join(line + "\n" for line in lines())
        if not check:
            (directory / name).write_text(text)
        elif (directory / name).read_text() != text:
            different.append(name)
    if different:
        print(f"{', '.join(different)}: differs from what {sys.argv[0]} makes; write it anew and look at the diff")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
