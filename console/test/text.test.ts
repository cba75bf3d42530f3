import { expect, test } from "vitest";
import { ago, bytes, duration, percent, plural, words } from "../src/text";

test("bytes have a unit and at most three figures", () => {
  expect([0, 999, 1000, 12_345, 999_000, 104_211_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 KB", "12.3 KB", "999 KB", "104 MB"]);
});

test("a share is rounded, but neither to nothing nor to all", () => {
  expect(percent(0, 0)).toBe("0 %");
  expect(percent(1, 3)).toBe("33 %");
  expect(percent(1, 1000)).toBe("<1 %");
  expect(percent(999, 1000)).toBe(">99 %");
  expect(percent(1000, 1000)).toBe("100 %");
});

test("one thing is not many", () => {
  expect(plural(1, "device")).toBe("1 device");
  expect(plural(0, "device")).toBe("0 devices");
  expect(plural(2, "entry", "entries")).toBe("2 entries");
});

test("durations grow in unit", () => {
  expect([40, 1_200, 42_000, 125_000, 7_500_000, 259_200_000].map(duration))
    .toEqual(["40 ms", "1.2 s", "42 s", "2 min 5 s", "2 h 5 min", "3 days"]);
});

test("what is near is told by its distance, what is far by its date", () => {
  const now = Date.parse("2026-11-26T12:00:00.000Z");
  expect(ago("2026-11-26T11:55:00.000Z", now)).toMatch(/5 min/);
  expect(ago("2026-11-24T12:00:00.000Z", now)).toMatch(/2 days/);
  expect(ago("2026-05-01T12:00:00.000Z", now)).toMatch(/2026/);
});

test("a slug reads as words", () => {
  expect(words("firmware-requested")).toBe("Firmware requested");
});
