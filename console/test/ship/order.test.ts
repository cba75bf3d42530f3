import { describe, expect, it } from "vitest";
import { emptyDraft, firmwareProblems, nextWave, orderOf, rolloutProblems, targetProblems, type Draft } from "../../src/ship/order";

const draft = (changes: Partial<Draft> = {}): Draft => ({ ...emptyDraft(), template: "TMPL1", firmware: "f1", ...changes });
const wave = (changes = {}) => ({ ...nextWave([]), ...changes });

describe("a shipment while it is written", () => {
  it("asks for a template and a firmware first", () => {
    expect(Object.keys(targetProblems(emptyDraft()))).toEqual(["template"]);
    expect(Object.keys(firmwareProblems(emptyDraft()))).toEqual(["firmware"]);
  });

  it("is for all devices of the template without a filter", () => {
    expect(orderOf(draft())).toEqual({
      template: "TMPL1", firmware: "f1", condition: "any", time: "any", user_controlled: false,
      attempts: 3, attempts_hours: 24, per_minute: 0, bytes_per_second: 0,
      gate: { success_percent: 90, failure_percent: 10, minimum: 10, soak_minutes: 0 },
    });
  });

  it("keeps a filter only where one is asked for", () => {
    expect(orderOf(draft({ filter: "tag=a" })).filter).toBeUndefined();
    expect(orderOf(draft({ reach: "filter", filter: " tag=a " })).filter).toBe("tag=a");
    expect(targetProblems(draft({ reach: "filter", filter: " " }))).toHaveProperty("filter");
  });

  it("sends each wave with what its kind has, and its own gate where it has one", () => {
    const own = { success: "100", failure: "0", minimum: "1", soak: "60" };
    const waves = [wave({ amount: "3" }), wave({ kind: "percent", amount: "2.5", filter: "tag=a" }), wave({ kind: "all", filter: "canaries", gate: own })];
    const order = orderOf(draft({ waves }));
    expect(order.waves).toEqual([
      { devices: 3 }, { percent: 2.5, filter: "tag=a" },
      { filter: "canaries", gate: { success_percent: 100, failure_percent: 0, minimum: 1, soak_minutes: 60 } },
    ]);
    expect(order.gate).toEqual({ success_percent: 90, failure_percent: 10, minimum: 10, soak_minutes: 0 });
  });

  it("names the field that is wrong", () => {
    const waves = [wave({ amount: "0" }), wave({ kind: "percent", amount: "101" }), wave({ kind: "all" }), wave({ gate: { success: "", failure: "x", minimum: "0", soak: "-1" } })];
    expect(Object.keys(rolloutProblems(draft({ waves, attempts: "0", hours: "1.5", perMinute: "many", kilobytes: "-1" }))).sort()).toEqual([
      "attempts", "hours", "kilobytes", "perMinute", "waves.0.amount", "waves.1.amount", "waves.2.filter",
      "waves.3.gate.failure", "waves.3.gate.minimum", "waves.3.gate.soak", "waves.3.gate.success",
    ]);
    expect(rolloutProblems(draft())).toEqual({});
  });

  it("expires at a time to come, sent in UTC", () => {
    const now = Date.parse("2026-11-22T12:00");
    expect(rolloutProblems(draft({ expires: "2026-11-22T11:59" }), now)).toHaveProperty("expires");
    expect(rolloutProblems(draft({ expires: "2026-11-22T12:01" }), now)).toEqual({});
    expect(orderOf(draft({ expires: "2026-11-22T12:01" })).expires).toBe(new Date(2026, 10, 22, 12, 1).toISOString());
  });

  it("proposes a small count, then shares, each with a key of its own", () => {
    const first = nextWave([]);
    const second = nextWave([first]);
    expect([first.kind, second.kind]).toEqual(["devices", "percent"]);
    expect(second.key).not.toBe(first.key);
  });

  it("turns kilobytes into bytes", () => {
    expect(orderOf(draft({ kilobytes: "500", perMinute: "20" }))).toMatchObject({ bytes_per_second: 500_000, per_minute: 20 });
  });
});
