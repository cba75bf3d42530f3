import { expect, test } from "vitest";
import { match } from "../src/match";

test("a path fits a pattern segment by segment", () => {
  expect(match("/devices", "/devices")).toEqual({});
  expect(match("/devices/:id", "/devices/d12")).toEqual({ id: "d12" });
  expect(match("/settings/:part", "/settings/a%20b")).toEqual({ part: "a b" });
});

test("a path that is longer, shorter or other does not fit", () => {
  expect(match("/devices/:id", "/devices")).toBeNull();
  expect(match("/devices", "/devices/d1")).toBeNull();
  expect(match("/devices/:id", "/shipments/s1")).toBeNull();
});
