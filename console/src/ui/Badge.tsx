import type { ComponentChildren } from "preact";
import type { Shipment, TargetStatus } from "../api/types";
import { words } from "../text";

export type Tone = "ok" | "warn" | "bad" | "busy" | "idle";

/** A word with a dot: colour helps, the word tells. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

const STATUS_TONES: Record<TargetStatus, Tone> = {
  waiting: "idle", "process-started": "busy", "request-sent": "busy", "firmware-requested": "busy", "firmware-downloaded": "busy",
  success: "ok", "already-there": "ok", "not-needed": "idle", declined: "idle", "awaiting-user-action": "warn", "download-limit-reached": "warn",
  "upload-failure": "bad", rollback: "bad", "type-mismatch": "bad", "version-mismatch": "bad",
};

export const STATUSES = Object.keys(STATUS_TONES) as TargetStatus[];

export const StatusBadge = ({ status }: { status: TargetStatus }) => <Badge tone={STATUS_TONES[status]}>{words(status)}</Badge>;

const STATE_TONES: Record<Shipment["state"], Tone> = { live: "busy", paused: "warn", finished: "ok", cancelled: "idle" };

export const StateBadge = ({ state }: { state: Shipment["state"] }) => <Badge tone={STATE_TONES[state]}>{words(state)}</Badge>;

export const OnlineBadge = ({ online }: { online: boolean }) => <Badge tone={online ? "ok" : "idle"}>{online ? "On line" : "Off line"}</Badge>;
