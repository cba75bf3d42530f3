import { expect, test } from "vitest";
import type { TimelineEntry } from "../src/api/types";
import { stepOfStage, updatesOf } from "../src/updates";

let second = 0;
const entry = (event: string, code: string | null, more: Partial<TimelineEntry> = {}): TimelineEntry =>
  ({ time: new Date(Date.UTC(2026, 10, 26, 10, 0, second++)).toISOString(), event, code, text: `${event} ${code}`, shipment: "s1", shipment_name: "Winter", reason: null, ...more });

const WHOLE: [string, string][] = [
  ["offered", "offered"], ["report", "received"], ["download", "requested"], ["report", "downloading"], ["download", "sent"],
  ["report", "downloaded"], ["report", "offered"], ["report", "accepted"], ["report", "transferring"], ["report", "verifying"],
  ["report", "installed"],
];
const whole = () => WHOLE.map(([event, code]) => entry(event, code));
const states = (timeline: TimelineEntry[], which = 0) => updatesOf(timeline)[which]!.steps.map(({ state }) => state);

test("a good update goes through both legs, step by step", () => {
  const timeline = [...whole(), entry("report", "trial"), entry("report", "confirmed"), entry("status", "success")];
  const update = updatesOf(timeline)[0]!;
  expect(update.outcome).toBe("success");
  expect(update.steps.map(({ state }) => state)).toEqual(Array(7).fill("done"));
  expect(update.steps.map(({ at }) => at)).toEqual([0, 2, 6, 8, 9, 11, 12].map((i) => timeline[i]!.time));
});

test("a trial that ends with the first word after the reset is done", () => {
  expect(states([...whole(), entry("status", "success")])).toEqual(Array(7).fill("done"));
});

test("one under way shows where it is", () => {
  expect(states(whole().slice(0, 9))).toEqual(["done", "done", "done", "active", "ahead", "ahead", "ahead"]);
});

test("a rollback fails in its trial and says why", () => {
  const update = updatesOf([...whole(), entry("report", "trial"),
    entry("status", "rollback", { reason: "watchdog", text: "shipment s1: rollback (watchdog): the watchdog reset the new firmware" })])[0]!;
  expect([update.outcome, update.reason, update.why]).toEqual(["rollback", "watchdog", "the watchdog reset the new firmware"]);
  expect(update.steps[5]!.state).toBe("failed");
  expect(update.steps[6]!.state).toBe("ahead");
});

test("a failure is one of the step that was reached", () => {
  const timeline = [...whole().slice(0, 9), entry("report", "failed", { reason: "write-refused" }), entry("status", "upload-failure", { reason: "write-refused" })];
  expect(states(timeline)).toEqual(["done", "done", "done", "failed", "ahead", "ahead", "ahead"]);
});

test("what a device without reports does not tell is not claimed", () => {
  const timeline = [entry("offered", "offered"), entry("download", "requested"), entry("download", "sent"), entry("status", "success")];
  expect(states(timeline)).toEqual(["done", "done", "untold", "untold", "untold", "untold", "done"]);
});

test("each attempt is an update of its own, the newest first; a repeated offer belongs to its attempt", () => {
  const timeline = [entry("offered", "offered"), entry("status", "upload-failure", { reason: "silence" }),
    entry("offered", "offered"), entry("report", "received"), entry("offered", "repeated"), entry("report", "received")];
  expect(updatesOf(timeline).map(({ outcome }) => outcome)).toEqual(["under way", "failed"]);
});

test("a success that is lost while its shipment soaks becomes a rollback", () => {
  const timeline = [entry("offered", "offered"), entry("status", "success"), entry("status", "rollback", { reason: "fault" })];
  expect(updatesOf(timeline)[0]!.outcome).toBe("rollback");
});

test("what has no offer before it in the timeline is left out, and so is what is about no shipment", () => {
  expect(updatesOf([entry("report", "transferring"), entry("online", null, { shipment: null })])).toEqual([]);
});

test("a stage of a live event belongs to a step", () => {
  expect([stepOfStage("transferring"), stepOfStage("downloading"), stepOfStage(null), stepOfStage("unknown")]).toEqual([3, 1, undefined, undefined]);
});
