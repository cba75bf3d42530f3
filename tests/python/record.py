#!/usr/bin/env python3
"""Boot record entries from docs/BOOT.md, independent of the C code: the vectors of tests/core/boot/test_record.c.

    tests/python/record.py > tests/core/boot/record_vectors.h"""

import struct
import zlib

FIELDS = ("sequence", "state", "active", "target", "counter_floor", "starts", "attempts_left", "revoked_keys",
          "target_digest", "rejected_digest", "last_reason", "soft_rollbacks", "trial_reason", "retries")
IDLE, ERASING, RECEIVING, PENDING, TRIAL, FETCH = range(1, 7)
NO_BANK = 0xFF


def entry(version=1, **values):
    """48 bytes; what is not given is zero."""
    v = dict.fromkeys(FIELDS, 0)
    v["target_digest"] = v["rejected_digest"] = bytes(12)
    v.update(values)
    body = struct.pack("<IBBBBIHBB12s12sBBBB", v["sequence"], version, v["state"], v["active"], v["target"],
                       v["counter_floor"], v["starts"], v["attempts_left"], v["revoked_keys"], v["target_digest"],
                       v["rejected_digest"], v["last_reason"], v["soft_rollbacks"], v["trial_reason"], v["retries"])
    return body + struct.pack("<I", zlib.crc32(body))


VECTORS = {
    "factory": entry(sequence=1, state=IDLE, active=0, target=NO_BANK, counter_floor=3),
    "trial": entry(sequence=0x04030201, state=TRIAL, active=1, target=0, counter_floor=0xA1A2A3A4, starts=0x0201,
                   attempts_left=2, revoked_keys=1, target_digest=bytes(range(0x10, 0x1C)),
                   rejected_digest=bytes(range(0x20, 0x2C)), last_reason=34, soft_rollbacks=7, trial_reason=36,
                   retries=1),
    "nothing_confirmed": entry(sequence=9, state=TRIAL, active=NO_BANK, target=1),
    "fetch": entry(sequence=10, state=FETCH, active=0, target=0, retries=4),
    "bad_version": entry(sequence=1, version=2, state=IDLE, active=0, target=NO_BANK),
    "bad_sequence": entry(sequence=0, state=IDLE, active=0, target=NO_BANK),
    "bad_state_0": entry(sequence=1, state=0, active=0, target=NO_BANK),
    "bad_state_7": entry(sequence=1, state=7, active=0, target=NO_BANK),
    "bad_active": entry(sequence=1, state=IDLE, active=2, target=NO_BANK),
    "bad_target": entry(sequence=1, state=PENDING, active=0, target=2),
    "bad_no_target": entry(sequence=1, state=RECEIVING, active=0, target=NO_BANK),
    "bad_same_bank": entry(sequence=1, state=TRIAL, active=1, target=1),
    "bad_idle_target": entry(sequence=1, state=IDLE, active=0, target=2),
    "bad_erasing_target": entry(sequence=1, state=ERASING, active=0, target=0),
}


def main():
    print("/* Made by tests/python/record.py from docs/BOOT.md. */")
    print("#ifndef TANDEM_TESTS_RECORD_VECTORS_H\n#define TANDEM_TESTS_RECORD_VECTORS_H\n\n#include <stdint.h>\n")
    print("/* clang-format off */")
    for name, data in VECTORS.items():
        print(f"\nstatic const uint8_t entry_{name}[48] = {{")
        for at in range(0, len(data), 16):
            print("    " + ", ".join(f"0x{byte:02x}" for byte in data[at:at + 16]) + ",")
        print("};")
    print("\n/* clang-format on */\n\n#endif")


main()
