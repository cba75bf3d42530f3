import { expect, test } from "vitest";
import { versionsOf, type VersionPoint } from "../src/versions";

const point = (hour: number, version: string, devices: number, type = "pump"): VersionPoint =>
  ({ time: `2026-11-26T0${hour}:00:00.000Z`, template: "T", type, version, devices });

test("nothing is drawn of nothing", () => {
  expect(versionsOf([])).toEqual({ times: [], series: [] });
});

test("each version is a line over all times, those that most devices run now first", () => {
  const { times, series } = versionsOf([point(1, "1.0", 5), point(2, "1.0", 2), point(2, "1.1", 3)]);
  expect(times).toEqual([Date.parse("2026-11-26T01:00:00Z") / 1000, Date.parse("2026-11-26T02:00:00Z") / 1000]);
  expect(series.map(({ label, values }) => [label, values])).toEqual([["1.1", [0, 3]], ["1.0", [5, 2]]]);
});

test("templates that run the same version are added up", () => {
  const { series } = versionsOf([point(1, "1.0", 5), { ...point(1, "1.0", 2), template: "U" }]);
  expect(series[0]!.values).toEqual([7]);
});

test("with more than one firmware type the type stands before the version", () => {
  const { series } = versionsOf([point(1, "1.0", 5), point(1, "1.0", 2, "valve")]);
  expect(series.map(({ label }) => label)).toEqual(["pump 1.0", "valve 1.0"]);
});

test("what is not among the first six is added up as others", () => {
  const points = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => point(1, `1.${n}`, n));
  const { series } = versionsOf(points);
  expect(series.map(({ label }) => label)).toEqual(["1.8", "1.7", "1.6", "1.5", "1.4", "1.3", "others"]);
  expect(series.at(-1)!.values).toEqual([3]);
});
