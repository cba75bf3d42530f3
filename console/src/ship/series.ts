/** From points of a shipment's progress to what its charts show. */

export interface Point {
  time: string;
  updated: number;
  failed: number;
  rest: number;
}

/** Kept points and those seen live, in order of time; a live one in the same second as another replaces it. */
export function merge(kept: Point[], live: Point[]): Point[] {
  const bySecond = new Map<number, Point>();
  for (const point of [...kept, ...live]) bySecond.set(Math.floor(Date.parse(point.time) / 1000), point);
  return [...bySecond.entries()].sort(([a], [b]) => a - b).map(([, point]) => point);
}

/** Leaves at most `most` points: the last of each of as many equal spans, and the first. */
export function thin(points: Point[], most: number): Point[] {
  if (points.length <= most) return points;
  const first = Date.parse(points[0]!.time);
  const span = (Date.parse(points.at(-1)!.time) - first) / (most - 1) || 1;
  const last = new Map<number, Point>();
  for (const point of points) last.set(Math.min(Math.ceil((Date.parse(point.time) - first) / span), most - 1), point);
  return [...last.values()];
}

export interface Throughput {
  /** Seconds since 1970: the end of each span; and first the beginning of all, where nothing is known yet. */
  times: number[];
  /** Devices that came to an end in it, as a rate per `unit`. */
  updated: (number | null)[];
  failed: (number | null)[];
  unit: "minute" | "hour";
}

/** How fast it went between one point and the next. */
export function throughput(points: Point[]): Throughput {
  const seconds = points.map((point) => Date.parse(point.time) / 1000);
  const unit = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0) > 3 * 3600 ? "hour" : "minute";
  const size = unit === "hour" ? 3600 : 60;
  const result: Throughput = { times: seconds.slice(0, 1), updated: seconds.length ? [null] : [], failed: seconds.length ? [null] : [], unit };
  for (let i = 1; i < points.length; i++) {
    const took = Math.max(seconds[i]! - seconds[i - 1]!, 1) / size;
    result.times.push(seconds[i]!);
    // What went back to its old firmware counts as failed from then on: the step down of `updated` is no negative speed.
    result.updated.push(Math.max(0, points[i]!.updated - points[i - 1]!.updated) / took);
    result.failed.push(Math.max(0, points[i]!.failed - points[i - 1]!.failed) / took);
  }
  return result;
}

/** The share of those updated among those that ended, at each point; null before the first. */
export const successShares = (points: Point[]) =>
  points.map(({ updated, failed }) => (updated + failed === 0 ? null : (100 * updated) / (updated + failed)));
