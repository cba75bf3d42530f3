/** What the fleet runs over time, as series of a chart. */
import type { Series } from "./ui/Chart";

export interface VersionPoint {
  time: string;
  template: string;
  type: string;
  version: string;
  devices: number;
}

export interface Versions {
  /** Seconds since 1970. */
  times: number[];
  series: Series[];
}

const SERIES_MAX = 6;
const OTHERS = "others";

const nameOf = ({ type, version }: VersionPoint, types: Set<string>) => (types.size > 1 ? `${type} ${version}` : version) || "unknown";

/** Names with most devices now first; what is not among the first few is added up. */
function ranked(points: VersionPoint[], last: string, types: Set<string>): string[] {
  const now = new Map<string, number>();
  for (const point of points) {
    const name = nameOf(point, types);
    now.set(name, (now.get(name) ?? 0) + (point.time === last ? point.devices : 0));
  }
  return [...now].sort((a, b) => b[1] - a[1] || b[0].localeCompare(a[0])).map(([name]) => name);
}

export function versionsOf(points: VersionPoint[]): Versions {
  const times = [...new Set(points.map((point) => point.time))].sort();
  const types = new Set(points.map((point) => point.type));
  const names = ranked(points, times.at(-1) ?? "", types);
  const shown = names.length > SERIES_MAX ? [...names.slice(0, SERIES_MAX), OTHERS] : names;
  const at = new Map(times.map((time, i) => [time, i]));
  const series = shown.map((label, i) => ({ label, color: `--series-${i + 1}`, values: times.map(() => 0) }));
  for (const point of points) {
    const name = nameOf(point, types);
    const one = series.find(({ label }) => label === name) ?? series.at(-1)!;
    one.values[at.get(point.time)!]! += point.devices;
  }
  return { times: times.map((time) => Date.parse(time) / 1000), series };
}
