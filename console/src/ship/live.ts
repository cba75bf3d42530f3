/** What live events tell of a shipment. */
import type { Progress, Target } from "../api/types";
import type { LiveEvent } from "../api/events";

type Told = Pick<Progress, "target" | "updated" | "failed" | "rest">;

/** Progress as an event tells it, which leaves the skipped out; the rest of the figures stays until the next reading. */
export const follow = (known: Progress, told: Told): Progress =>
  ({ ...known, ...told, skipped: Math.max(0, told.target - told.updated - told.failed - told.rest) });

/** A device's row after an event about it; `text` is the server's and comes with the next reading. */
export const followTarget = (row: Target, event: LiveEvent & { event: "target" }): Target =>
  row.id !== event.device ? row
    : { ...row, status: event.status, reason: event.reason, stage: event.stage, bytes: event.bytes, size: event.size, ended: event.ended };
