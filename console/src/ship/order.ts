/** A shipment while it is written: what the form holds, what is wrong with it, and the request that it becomes. */
import type { Gate, Shipment } from "../api/types";

export type Condition = Shipment["condition"];
export type Slot = Shipment["time"];

/** Numbers are texts here, as they are typed. */
export interface GateDraft {
  success: string;
  failure: string;
  minimum: string;
  soak: string;
}

export interface WaveDraft {
  key: number;
  kind: "devices" | "percent" | "all";
  amount: string;
  filter: string;
  /** Its own gate; null: that of the shipment. */
  gate: GateDraft | null;
}

export interface Draft {
  template: string;
  firmware: string;
  name: string;
  reach: "all" | "filter";
  filter: string;
  condition: Condition;
  time: Slot;
  consent: boolean;
  attempts: string;
  hours: string;
  perMinute: string;
  kilobytes: string;
  /** As an input of type datetime-local has it, in the viewer's zone. */
  expires: string;
  waves: WaveDraft[];
  gate: GateDraft;
}

export const GATE: GateDraft = { success: "90", failure: "10", minimum: "10", soak: "0" };

export const emptyDraft = (): Draft => ({
  template: "", firmware: "", name: "", reach: "all", filter: "", condition: "any", time: "any", consent: false,
  attempts: "3", hours: "24", perMinute: "", kilobytes: "", expires: "", waves: [], gate: { ...GATE },
});

export const WAVES_MAX = 14;

/** The next wave: a small count first, then shares. */
export function nextWave(waves: WaveDraft[]): WaveDraft {
  const key = 1 + Math.max(0, ...waves.map((wave) => wave.key));
  const amounts = ["10", "5", "25", "50"];
  return { key, kind: waves.length === 0 ? "devices" : "percent", amount: amounts[waves.length] ?? "10", filter: "", gate: null };
}

/** A whole number in a range; an empty text is `none`. NaN where it is neither. */
export function whole(text: string, least: number, most: number, none = NaN): number {
  const trimmed = text.trim();
  if (trimmed === "") return none;
  const value = Number(trimmed);
  return Number.isInteger(value) && value >= least && value <= most ? value : NaN;
}

const share = (text: string) => {
  const value = Number(text.trim());
  return text.trim() !== "" && value >= 0.01 && value <= 100 ? value : NaN;
};

/** What is wrong, by the name of the field: `template`, `waves.0.amount`, `gate.success`. */
export type Problems = Record<string, string>;

export function targetProblems(draft: Draft): Problems {
  const problems: Problems = {};
  if (!draft.template) problems.template = "Choose the template whose devices are to be updated.";
  if (draft.reach === "filter" && !draft.filter.trim()) problems.filter = "Say which devices, such as tag=canary, or choose all.";
  return problems;
}

export function firmwareProblems(draft: Draft): Problems {
  return draft.firmware ? {} : { firmware: "Choose the firmware that is shipped." };
}

function checkGate(problems: Problems, at: string, gate: GateDraft) {
  if (Number.isNaN(whole(gate.success, 1, 100))) problems[`${at}.success`] = "A share from 1 to 100.";
  if (Number.isNaN(whole(gate.failure, 0, 100))) problems[`${at}.failure`] = "A share from 0 (no limit) to 100.";
  if (Number.isNaN(whole(gate.minimum, 1, 1e9))) problems[`${at}.minimum`] = "1 or more.";
  if (Number.isNaN(whole(gate.soak, 0, 43200))) problems[`${at}.soak`] = "Minutes, 43,200 (30 days) at most.";
}

export function rolloutProblems(draft: Draft, now = Date.now()): Problems {
  const problems: Problems = {};
  draft.waves.forEach((wave, i) => {
    if (wave.kind === "devices" && Number.isNaN(whole(wave.amount, 1, 1e9))) problems[`waves.${i}.amount`] = "A count of devices.";
    if (wave.kind === "percent" && Number.isNaN(share(wave.amount))) problems[`waves.${i}.amount`] = "A share from 0.01 to 100.";
    if (wave.kind === "all" && !wave.filter.trim()) problems[`waves.${i}.filter`] = "Say which devices, such as tag=canary.";
    if (wave.gate) checkGate(problems, `waves.${i}.gate`, wave.gate);
  });
  checkGate(problems, "gate", draft.gate);
  if (Number.isNaN(whole(draft.attempts, 1, 100))) problems.attempts = "1 to 100.";
  if (Number.isNaN(whole(draft.hours, 1, 8760))) problems.hours = "1 to 8,760 (a year).";
  if (Number.isNaN(whole(draft.perMinute, 0, 1e7, 0))) problems.perMinute = "A count, or nothing for no limit.";
  if (Number.isNaN(whole(draft.kilobytes, 0, 1e9, 0))) problems.kilobytes = "Kilobytes, or nothing for no limit.";
  if (draft.expires && !(Date.parse(draft.expires) > now)) problems.expires = "A time that is still to come.";
  if (draft.name.length > 40) problems.name = "40 characters at most.";
  return problems;
}

const gateOf = (gate: GateDraft): Gate => ({
  success_percent: Number(gate.success), failure_percent: Number(gate.failure),
  minimum: Number(gate.minimum), soak_minutes: Number(gate.soak),
});

interface WaveOrder {
  devices?: number;
  percent?: number;
  filter?: string;
  gate?: Gate;
}

/** The body of POST /shipments and /shipments/preview; of a draft without problems. */
export interface Order {
  template: string;
  firmware: string;
  name?: string;
  filter?: string;
  condition: Condition;
  time: Slot;
  user_controlled: boolean;
  attempts: number;
  attempts_hours: number;
  per_minute: number;
  bytes_per_second: number;
  expires?: string;
  waves?: WaveOrder[];
  gate: Gate;
}

function waveOf({ kind, amount, filter, gate }: WaveDraft): WaveOrder {
  return {
    ...(kind === "devices" && { devices: Number(amount) }),
    ...(kind === "percent" && { percent: Number(amount) }),
    ...(filter.trim() && { filter: filter.trim() }),
    ...(gate && { gate: gateOf(gate) }),
  };
}

export function orderOf(draft: Draft): Order {
  return {
    template: draft.template,
    firmware: draft.firmware,
    ...(draft.name.trim() && { name: draft.name.trim() }),
    ...(draft.reach === "filter" && { filter: draft.filter.trim() }),
    condition: draft.condition,
    time: draft.time,
    user_controlled: draft.consent,
    attempts: whole(draft.attempts, 1, 100),
    attempts_hours: whole(draft.hours, 1, 8760),
    per_minute: whole(draft.perMinute, 0, 1e7, 0),
    bytes_per_second: 1000 * whole(draft.kilobytes, 0, 1e9, 0),
    ...(draft.expires && { expires: new Date(draft.expires).toISOString() }),
    ...(draft.waves.length > 0 && { waves: draft.waves.map(waveOf) }),
    gate: gateOf(draft.gate),
  };
}
