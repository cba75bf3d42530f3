#!/usr/bin/env python3
"""Plants a defect: copies a source of core/ with one piece of text replaced.

    plant.py DEFECTS.json NAME SOURCE_ROOT OUTPUT.c

A pattern that is not in the source exactly once is an error: the list has to follow the code."""

import json
import sys
from pathlib import Path


def main():
    listed, name, root, output = sys.argv[1:]
    defect = next(d for d in json.loads(Path(listed).read_text()) if d["name"] == name)
    source = (Path(root) / defect["file"]).read_text()
    found = source.count(defect["right"])
    if found != 1:
        sys.exit(f"{listed}: {name}: its text stands {found} times in {defect['file']}; it must stand once")
    Path(output).write_text(source.replace(defect["right"], defect["wrong"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
