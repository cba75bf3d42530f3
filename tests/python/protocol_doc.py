#!/usr/bin/env python3
"""Compares the call tables of docs/PROTOCOL.md with the second implementation: protocol_doc.py FILE."""

import re
import sys
from pathlib import Path

import tandem_wire as wire

ROW = re.compile(r"^\| ([0-9A-F]{4}) \| ([\w.]+)\((.*?)\)(?: -> (.*?))? \| (\d+) \|$", re.MULTILINE)
TYPES = {
    "Bool": "?",
    "UInt8": "B",
    "UInt16": "H",
    "Int16": "h",
    "UInt32": "I",
    "Int64": "q",
    "String": "s",
    "Binary": "b",
}


def signature(fields):
    return "".join(TYPES[field.split()[0]] for field in (fields or "").split(",") if field)


def documented(text):
    for uid, name, arguments, results, timeout_ms in ROW.findall(text):
        yield int(uid, 16), name, signature(arguments), signature(results), int(timeout_ms)


def main(path):
    there = list(documented(Path(path).read_text()))
    wanted = [(c.uid, c.name, c.arguments, c.results, c.timeout_ms) for c in wire.CALLS]
    for row in sorted(set(there) ^ set(wanted)):
        print(f"{path}: {'not a call' if row in there else 'missing'}: {row}")
    if len(there) != len(set(there)):
        print(f"{path}: a call stands twice")
    return 0 if sorted(there) == sorted(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
