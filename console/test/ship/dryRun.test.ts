import { describe, expect, it } from "vitest";
import { dryRunText, sortRules, worthStarting } from "../../src/ship/dryRun";

const run = (target: number, now: number, later: number, never: number) => ({ target, now, later, never, waves: [], rules: [] });
const rule = (name: string, later: boolean, devices: number) => ({ rule: name, text: name, later, devices, examples: [] });

describe("a dry run in words", () => {
  it("says how many, when and how many not", () => {
    expect(dryRunText(run(1000, 20, 940, 40))).toBe("960 devices of 1,000 will be updated: 20 at once, 940 later; 40 will not be updated.");
    expect(dryRunText(run(1, 1, 0, 0))).toBe("1 device of 1 will be updated: 1 at once.");
  });

  it("says what to do where there is nobody", () => {
    expect(dryRunText(run(0, 0, 0, 0))).toMatch(/choose another template or filter/);
    expect(dryRunText(run(3, 0, 0, 3))).toBe("None of the 3 devices would be updated.");
    expect(worthStarting(run(3, 0, 0, 3))).toBe(false);
    expect(worthStarting(run(3, 0, 1, 2))).toBe(true);
  });

  it("puts first what does not pass by itself", () => {
    const rules = [rule("offline", true, 900), rule("condition", false, 3), rule("type-mismatch", false, 30)];
    expect(sortRules(rules).map((one) => one.rule)).toEqual(["type-mismatch", "condition", "offline"]);
  });
});
