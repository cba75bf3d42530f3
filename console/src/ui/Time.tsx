import { signal } from "@preact/signals";
import { ago, dateTime, exactTime } from "../text";

/** Ticks twice a minute, so that "5 minutes ago" stays true. */
const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 30_000);

/** A moment in the viewer's time zone; the exact one on hover. */
export function Time({ at, absolute, none = "never" }: { at: string | null; absolute?: boolean; none?: string }) {
  if (!at) return <span class="muted">{none}</span>;
  return <time dateTime={at} title={exactTime(at)}>{absolute ? dateTime(at) : ago(at, Date.parse(at) > now.value ? Date.now() : now.value)}</time>;
}
