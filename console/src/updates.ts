/** A device's timeline as updates: both legs of each attempt, step by step. */
import type { TimelineEntry } from "./api/types";

export const STEPS = [
  { name: "Offer", leg: 1 },
  { name: "Download", leg: 1 },
  { name: "Hand-over", leg: 2 },
  { name: "UART transfer", leg: 2 },
  { name: "Verify", leg: 2 },
  { name: "Trial", leg: 2 },
  { name: "Confirm", leg: 2 },
] as const;

const OFFER = 0, DOWNLOAD = 1, HAND_OVER = 2, TRANSFER = 3, VERIFY = 4, TRIAL = 5, CONFIRM = 6;

export type StepState = "done" | "active" | "failed" | "untold" | "ahead";

export interface Step {
  state: StepState;
  /** When it began. */
  at: string | null;
}

export interface Update {
  shipment: string;
  /** Null once it was deleted. */
  shipmentName: string | null;
  /** What was offered, as the timeline says it. */
  text: string;
  started: string;
  ended: string | null;
  outcome: "under way" | "success" | "rollback" | "failed" | "over";
  reason: string | null;
  /** Why it ended, for people. */
  why: string | null;
  steps: Step[];
}

/** The step that an entry tells of, and whether that step is over with it. */
const MARKS: Record<string, [step: number, over: boolean]> = {
  "offered offered": [OFFER, false],
  "offered repeated": [OFFER, false],
  "report received": [OFFER, true],
  "download requested": [DOWNLOAD, false],
  "report downloading": [DOWNLOAD, false],
  "download sent": [DOWNLOAD, true],
  "report downloaded": [DOWNLOAD, true],
  "report offered": [HAND_OVER, false],
  "report accepted": [HAND_OVER, true],
  "report transferring": [TRANSFER, false],
  "report verifying": [VERIFY, false],
  "report installed": [VERIFY, true],
  "report trial": [TRIAL, false],
  "report confirmed": [CONFIRM, true],
};

const OUTCOMES: Record<string, Update["outcome"]> = {
  success: "success", rollback: "rollback", "upload-failure": "failed", "type-mismatch": "failed", "version-mismatch": "failed",
  "download-limit-reached": "failed", waiting: "over", declined: "over", "already-there": "success",
};

function begin(entry: TimelineEntry): Update {
  return {
    shipment: entry.shipment!, shipmentName: entry.shipment_name, text: entry.text, started: entry.time, ended: null, outcome: "under way", reason: null, why: null,
    steps: STEPS.map(() => ({ state: "ahead", at: null })),
  };
}

/** Steps before the one reached are done, or were never told of. */
function reach(update: Update, index: number, over: boolean, time: string) {
  update.steps.forEach((step, i) => {
    if (i < index && step.state !== "done") step.state = step.at ? "done" : "untold";
  });
  const step = update.steps[index]!;
  step.at ??= time;
  if (step.state !== "done") step.state = over ? "done" : "active";
}

const furthest = (update: Update) => Math.max(update.steps.findLastIndex((step) => step.at !== null), 0);

function end(update: Update, outcome: Update["outcome"], entry: TimelineEntry) {
  update.outcome = outcome;
  update.ended = entry.time;
  update.reason = entry.reason;
  update.why = entry.reason ? entry.text.split(": ").at(-1)! : null;
  if (outcome === "success") {
    const trial = update.steps[TRIAL]!;
    reach(update, CONFIRM, true, entry.time);
    // A device that reports confirms when its link is up: that is the end of its trial, and the first word after it.
    if (trial.state === "untold" && update.steps[VERIFY]!.at) trial.state = "done";
  } else if (outcome === "rollback") {
    const step = Math.max(TRIAL, furthest(update));
    reach(update, step, false, entry.time);
    update.steps[step]!.state = "failed";
  } else if (outcome === "failed") {
    update.steps[furthest(update)]!.state = "failed";
  }
}

/** The updates of a timeline, newest first. */
export function updatesOf(timeline: TimelineEntry[]): Update[] {
  const updates: Update[] = [];
  for (const entry of timeline) {
    if (!entry.shipment) continue;
    if (entry.event === "offered" && (entry.code === "offered" || !updates.some((update) => update.shipment === entry.shipment)))
      updates.push(begin(entry));
    const update = updates.findLast(({ shipment }) => shipment === entry.shipment);
    const outcome = entry.event === "status" ? OUTCOMES[entry.code ?? ""] : undefined;
    const mark = MARKS[`${entry.event} ${entry.code}`];
    if (!update) continue;
    if (outcome) end(update, outcome, entry);
    else if (mark && update.outcome === "under way") reach(update, mark[0], mark[1], entry.time);
  }
  return updates.reverse();
}

/** The step that a stage of a live event belongs to. */
export const stepOfStage = (stage: string | null): number | undefined => (stage ? MARKS[`report ${stage}`]?.[0] : undefined);
