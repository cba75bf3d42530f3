import { describe, expect, it } from "vitest";
import type { Shipment } from "../../src/api/types";
import { previousFirmware, running } from "../../src/ship/field";

describe("devices in the field", () => {
  it("are counted by what they run now, over all templates", () => {
    const point = (time: string, template: string, version: string, devices: number) => ({ time, template, type: "pump", version, devices });
    const count = running([point("2026-11-22T10:00", "A", "1.0.0", 9), point("2026-11-22T11:00", "A", "1.0.0", 2), point("2026-11-22T11:00", "B", "1.0.0", 3)]);
    expect(count({ type: "pump", version: "1.0.0" })).toBe(5);
    expect(count({ type: "fan", version: "1.0.0" })).toBe(0);
    expect(running([])({ type: "pump", version: "1.0.0" })).toBe(0);
  });
});

describe("the previous version", () => {
  const shipment = (id: string, firmware: string, updated: number, template = "A", type = "pump") =>
    ({ id, template, firmware: { id: firmware, type }, progress: { updated } }) as Shipment;

  it("is that of the newest shipment before it that has updated devices", () => {
    const now = shipment("s10", "f3", 5);
    const all = [now, shipment("s11", "f4", 5), shipment("s9", "f2", 0), shipment("s8", "f3", 5), shipment("s7", "f1", 5), shipment("s2", "f0", 5), shipment("s6", "f5", 5, "B"), shipment("s6", "f6", 5, "A", "fan")];
    expect(previousFirmware(now, all)?.id).toBe("f1");
    expect(previousFirmware(shipment("s1", "f0", 1), all)).toBeNull();
  });
});
