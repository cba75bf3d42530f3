/** What a dry run found, in words. */
import type { Preview } from "../api/types";
import { count, plural } from "../text";

/** The one sentence above the start button. */
export function dryRunText({ target, now, later, never }: Preview): string {
  if (target === 0) return "No device is in it: choose another template or filter.";
  if (now + later === 0) return `None of the ${plural(target, "device")} would be updated.`;
  const parts = [now > 0 && `${count(now)} at once`, later > 0 && `${count(later)} later`].filter(Boolean).join(", ");
  const rest = never > 0 ? `; ${count(never)} will not be updated` : "";
  return `${plural(now + later, "device")} of ${count(target)} will be updated: ${parts}${rest}.`;
}

export type DryRunRule = Preview["rules"][number];

/** Those that pass by themselves after those that do not; the largest first. */
export function sortRules(rules: DryRunRule[]): DryRunRule[] {
  return [...rules].sort((a, b) => Number(a.later) - Number(b.later) || b.devices - a.devices);
}

/** Whether there is something to start. */
export const worthStarting = ({ now, later }: Preview) => now + later > 0;
