import { describe, expect, it } from "vitest";
import type { Wave } from "../../src/api/types";
import { gateText, legText, minutes, rateText, runsFilter, savedText, success, waveReach, waveState } from "../../src/ship/words";

const gate = { success_percent: 90, failure_percent: 0, minimum: 10, soak_minutes: 0 };
const wave = (changes: Partial<Wave> = {}): Wave => ({
  number: 1, filter: null, devices: 10, percent: null, gate, size: 10, updated: 0, there: 0, skipped: 0, failed: 0, stuck: 0,
  opened: "2026-11-22T10:00:00.000Z", reached: null, ...changes,
});

describe("waves in words", () => {
  it("says whom a wave takes", () => {
    expect(waveReach({ devices: 1, percent: null, filter: null })).toBe("1 device");
    expect(waveReach({ devices: null, percent: 2.5, filter: "tag=a" })).toBe("2.5 % of the devices that match tag=a");
    expect(waveReach({ devices: null, percent: null, filter: "tag=a" })).toBe("All devices that match tag=a");
    expect(waveReach({ devices: null, percent: null, filter: null })).toBe("The rest of the devices");
  });

  it("says what a gate does", () => {
    expect(gateText(gate)).toBe("Opens the next once 90 % are updated.");
    expect(gateText({ ...gate, failure_percent: 5, soak_minutes: 90 })).toBe(
      "Opens the next once 90 % are updated and stay so for 1 h 30 min; pauses when 5 % failed, of at least 10 devices.");
  });

  it("says where a wave stands", () => {
    const live = { wave: 1, state: "live" as const, why: null };
    expect(waveState(wave({ opened: null }), live).state).toBe("waiting");
    expect(waveState(wave(), live).state).toBe("open");
    expect(waveState(wave({ updated: 8, failed: 1, skipped: 1 }), live).state).toBe("done");
    expect(waveState(wave({ failed: 2 }), { wave: 1, state: "paused", why: "wave 1: 2 of 2 devices failed, the limit is 5 %" }).state).toBe("stopped");
    expect(waveState(wave({ updated: 9, reached: "2026-11-22T11:00:00.000Z", gate: { ...gate, soak_minutes: 30 } }), live))
      .toEqual({ state: "soaking", soakEnds: Date.parse("2026-11-22T11:30:00.000Z") });
    expect(waveState(wave({ updated: 9 }), { ...live, wave: 2 }).state).toBe("open");
    expect(waveState(wave({ updated: 9, failed: 1 }), { ...live, wave: 2 }).state).toBe("done");
    expect(waveState(wave({ updated: 9 }), { ...live, state: "cancelled" }).state).toBe("over");
    expect(waveState(wave({ opened: null }), { ...live, state: "cancelled" }).state).toBe("over");
    expect(waveState(wave({ updated: 10 }), { ...live, state: "finished" }).state).toBe("done");
  });

  it("says minutes as people do", () => {
    expect([0.5, 30, 60, 90, 1440].map(minutes)).toEqual(["30 s", "30 min", "1 h", "1 h 30 min", "24 h"]);
  });
});

describe("figures in words", () => {
  it("has no success before something ended", () => {
    expect(success(0, 0)).toBeNull();
    expect(success(3, 1)).toBe("75 %");
  });

  it("tells the leg, also one that is not known yet", () => {
    expect(legText({ stage: "transferring" })).toBe("To the device");
    expect(legText({ stage: "some-later-stage" })).toBe("Some later stage");
    expect(legText({ stage: null })).toBeNull();
  });

  it("says what a delta saved", () => {
    expect(savedText(null, null, null)).toBeNull();
    expect(savedText("plain", 100, 100)).toBe("Plain");
    expect(savedText("delta", 12_000, 104_000)).toBe("Delta: 12.0 KB instead of 104 KB");
  });

  it("finds devices by what they say of themselves, quoted where it must be", () => {
    expect(runsFilter({ type: "pump", version: "1.1.0", build: "Nov 16 2023 20:35:55" })).toBe('type=pump version=1.1.0 build="Nov 16 2023 20:35:55"');
    expect(runsFilter({ type: "pump", version: "1.1.0", build: "" })).toBe("type=pump version=1.1.0");
  });

  it("says the rate, if there is one", () => {
    expect(rateText({ per_minute: 0, bytes_per_second: 0 })).toBeNull();
    expect(rateText({ per_minute: 20, bytes_per_second: 500_000 })).toBe("20 devices a minute, 500 KB a second");
  });
});
