import { describe, expect, it } from "vitest";
import { merge, successShares, thin, throughput } from "../../src/ship/series";

const at = (second: number, updated: number, failed = 0) =>
  ({ time: new Date(1_700_000_000_000 + second * 1000).toISOString(), updated, failed, rest: 100 - updated - failed });

describe("points of a shipment's charts", () => {
  it("are in order, one a second, the newer one kept", () => {
    const points = merge([at(0, 0), at(60, 5)], [at(30, 2), at(60.4, 6)]);
    expect(points.map((point) => point.updated)).toEqual([0, 2, 6]);
  });

  it("are thinned out to the last of each span, ends kept", () => {
    const points = thin(Array.from({ length: 1000 }, (_, i) => at(i, i)), 100);
    expect(points.length).toBeLessThanOrEqual(100);
    expect([points[0]!.updated, points.at(-1)!.updated]).toEqual([0, 999]);
  });

  it("become a rate per minute, and per hour where it takes long", () => {
    expect(throughput([at(0, 0), at(30, 10), at(60, 10, 2)])).toMatchObject({ updated: [null, 20, 0], failed: [null, 0, 4], unit: "minute" });
    expect(throughput([at(0, 0), at(7200, 10), at(4 * 3600, 30)])).toMatchObject({ updated: [null, 5, 10], unit: "hour" });
  });

  it("begin with a time of which no rate is known, or with none at all", () => {
    expect(throughput([at(7, 1)])).toMatchObject({ times: [1_700_000_007], updated: [null] });
    expect(throughput([])).toMatchObject({ times: [], updated: [], failed: [] });
  });

  it("have no negative speed where devices roll back", () => {
    expect(throughput([at(0, 10), at(60, 8, 2)])).toMatchObject({ updated: [null, 0], failed: [null, 2] });
  });

  it("have a share of success once something ended", () => {
    expect(successShares([at(0, 0), at(1, 3, 1)])).toEqual([null, 75]);
  });
});
