/** How many devices run what, and what ran before. */
import type { Firmware, Shipment } from "../api/types";

export interface VersionPoint {
  time: string;
  template: string;
  type: string;
  version: string;
  devices: number;
}

const key = ({ type, version }: { type: string; version: string }) => `${type}\0${version}`;

/** Devices by type and version in the newest of the points, over all templates. */
export function running(points: VersionPoint[]): (firmware: Pick<Firmware, "type" | "version">) => number {
  const newest = points.reduce((latest, { time }) => (time > latest ? time : latest), "");
  const sums = new Map<string, number>();
  for (const point of points)
    if (point.time === newest) sums.set(key(point), (sums.get(key(point)) ?? 0) + point.devices);
  return (firmware) => sums.get(key(firmware)) ?? 0;
}

const order = (id: string) => Number(id.slice(1));

/** The firmware that the newest shipment before this one, of the same template and type, has updated devices with: what
 *  "ship the previous version back" sends. */
export function previousFirmware(shipment: Shipment, all: Shipment[]): Firmware | null {
  const before = all.filter((one) =>
    order(one.id) < order(shipment.id) && one.template === shipment.template && one.firmware.type === shipment.firmware.type &&
    one.firmware.id !== shipment.firmware.id && one.progress.updated > 0);
  return before.sort((a, b) => order(b.id) - order(a.id))[0]?.firmware ?? null;
}
