import { describe, expect, it } from "vitest";
import type { Progress, Target } from "../../src/api/types";
import { follow, followTarget } from "../../src/ship/live";

describe("live events", () => {
  it("move a shipment's progress; who is left over was skipped", () => {
    const known = { target: 10, updated: 1, failed: 0, skipped: 0, rest: 9, bytes_sent: 5, bytes_full: 9 } as Progress;
    expect(follow(known, { target: 10, updated: 3, failed: 1, rest: 4 }))
      .toEqual({ target: 10, updated: 3, failed: 1, skipped: 2, rest: 4, bytes_sent: 5, bytes_full: 9 });
  });

  it("move the row of their device alone", () => {
    const row = { id: "d1", status: "waiting", stage: null, name: "pump" } as Target;
    const event = {
      event: "target", shipment: "s1", device: "d1", status: "firmware-requested", reason: "none", stage: "downloading", bytes: 1, size: 2,
      ended: false, progress: {} as Progress,
    } as const;
    expect(followTarget(row, event)).toMatchObject({ status: "firmware-requested", stage: "downloading", bytes: 1, size: 2, name: "pump" });
    expect(followTarget(row, { ...event, device: "d2" })).toBe(row);
  });
});
