/** What a shipment's settings and figures mean, in sentences. */
import type { Firmware, Gate, Shipment, Target, Wave } from "../api/types";
import { bytes, count, duration, percent, plural, words } from "../text";
import type { Condition, Slot } from "./order";

export const CONDITIONS: readonly (readonly [Condition, string])[] = [
  ["any", "Whatever version they run"],
  ["lower-version", "Only those that run a lower version"],
  ["earlier-build", "Only those with an earlier build date"],
  ["other-build", "Only those with another build date"],
  ["lower-library", "Only those with a lower library version"],
];

export const SLOTS: readonly (readonly [Slot, string])[] = [
  ["any", "At any time"],
  ["night", "At night, 0:00 to 6:00"],
  ["morning", "In the morning, 6:00 to 12:00"],
  ["afternoon", "In the afternoon, 12:00 to 18:00"],
  ["evening", "In the evening, 18:00 to 24:00"],
];

export const lookup = <V extends string>(list: readonly (readonly [V, string])[], value: V) =>
  list.find(([key]) => key === value)?.[1] ?? value;

export const minutes = (value: number) => duration(value * 60_000).replace(/ 0 (s|min)$/, "");

/** Whom a wave takes: "10 devices", "5 % of the devices that match tag=canary". */
export function waveReach({ devices, percent: part, filter }: Pick<Wave, "devices" | "percent" | "filter">): string {
  const those = filter ? ` that match ${filter}` : "";
  if (devices !== null) return `${plural(devices, "device")}${those}`;
  if (part !== null) return `${part} % of the devices${those}`;
  return filter ? `All devices${those}` : "The rest of the devices";
}

/** What opens the next wave, and what stops the shipment. */
export function gateText({ success_percent, failure_percent, minimum, soak_minutes }: Gate): string {
  const soak = soak_minutes > 0 ? ` and stay so for ${minutes(soak_minutes)}` : "";
  const open = `Opens the next once ${success_percent} % are updated${soak}`;
  if (failure_percent === 0) return `${open}.`;
  return `${open}; pauses when ${failure_percent} % failed, of at least ${plural(minimum, "device")}.`;
}

export type WaveState = "waiting" | "open" | "soaking" | "done" | "stopped" | "over";

/** Nothing more is offered. */
export const isOver = ({ state }: Pick<Shipment, "state">) => state === "finished" || state === "cancelled";

/** Where a wave stands; `soakEnds` (ms) while it soaks. An earlier wave stays open until its last device has ended. */
export function waveState(wave: Wave, shipment: Pick<Shipment, "wave" | "state" | "why">): { state: WaveState; soakEnds?: number } {
  const { updated, there, skipped, failed, size, opened, reached, gate, number } = wave;
  const { state } = shipment;
  const ended = updated + there + skipped + failed >= size;
  if (isOver(shipment)) return { state: opened && ended ? "done" : "over" };
  if (!opened) return { state: "waiting" };
  if (state === "paused" && shipment.why?.startsWith(`wave ${number}:`)) return { state: "stopped" };
  if (number === shipment.wave && reached && gate.soak_minutes > 0)
    return { state: "soaking", soakEnds: Date.parse(reached) + gate.soak_minutes * 60_000 };
  return { state: ended ? "done" : "open" };
}

/** Of those that came to an end, how many were updated; null while none has. */
export function success(updated: number, failed: number): string | null {
  return updated + failed === 0 ? null : percent(updated, updated + failed);
}

const LEGS: Record<string, string> = {
  received: "Offer received", downloading: "Co-processor downloads", downloaded: "Co-processor has it", offered: "Offered to the device", accepted: "Device accepts",
  transferring: "To the device", verifying: "Device verifies", installed: "Installed, device restarts", trial: "On trial", settling: "Settling",
};

/** What a device is doing right now, of both legs; null between updates. */
export function legText({ stage }: Pick<Target, "stage">): string | null {
  return stage ? (LEGS[stage] ?? words(stage)) : null;
}

/** "40 KB of 102 KB". */
export const amountText = (done: number, of: number) => `${bytes(done)} of ${bytes(of)}`;

/** What was saved by sending it in another form than whole: "delta, 12 KB instead of 104 KB"; null where nothing was. */
export function savedText(encoding: string | null | undefined, sent: number | null | undefined, full: number | null | undefined): string | null {
  if (!encoding) return null;
  if (!sent || !full || sent >= full) return words(encoding);
  return `${words(encoding)}: ${bytes(sent)} instead of ${bytes(full)}`;
}

/** A filter for the devices that run a firmware: by what each says of itself, with or without reports. */
export function runsFilter({ type, version, build }: Pick<Firmware, "type" | "version" | "build">): string {
  const quoted = (value: string) => (/^[\w.+-]+$/.test(value) ? value : `"${value}"`);
  return [["type", type], ["version", version], ["build", build]]
    .filter(([, value]) => value).map(([field, value]) => `${field}=${quoted(value!)}`).join(" ");
}

/** How an offer is spaced; null without a limit. */
export function rateText({ per_minute, bytes_per_second }: Pick<Shipment, "per_minute" | "bytes_per_second">): string | null {
  const parts = [
    per_minute > 0 && `${plural(per_minute, "device")} a minute`,
    bytes_per_second > 0 && `${bytes(bytes_per_second)} a second`,
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : null;
}

export const attemptsText = ({ attempts, attempts_hours }: Pick<Shipment, "attempts" | "attempts_hours">) =>
  `${count(attempts)} in ${plural(attempts_hours, "hour")}`;
