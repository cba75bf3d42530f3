import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Progress, Shipment, TargetStatus } from "./types";

/** What the server tells while it happens (docs/API.md, live events). */
export type LiveEvent =
  | { event: "device"; id: string; change: "online" | "offline"; name: string; version: string }
  | {
      event: "target"; shipment: string; device: string; status: TargetStatus; reason: string; stage: string | null;
      bytes: number | null; size: number | null; ended: boolean; progress: Progress;
    }
  | { event: "shipment"; id: string; name: string; state: Shipment["state"]; progress: Progress }
  /** Events may have been missed: read anew what is shown. */
  | { event: "reset" };

const NAMES = ["device", "target", "shipment", "reset"] as const;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000];

/** Whether the page is told what happens. */
export const connected = signal(false);

const listeners = new Set<(event: LiveEvent) => void>();
let source: EventSource | null = null;
let wanted = false;
let retry: ReturnType<typeof setTimeout> | undefined;
let failures = 0;

function receive(name: string, message: MessageEvent<string>) {
  const event = { event: name, ...JSON.parse(message.data) } as LiveEvent;
  for (const listener of listeners) listener(event);
}

/** A stream that breaks is taken up again by the browser, with the id of the last event; one that is refused (a server that
 *  starts, say) is not: then a new one is opened, which begins with `reset`. */
function open() {
  close();
  source = new EventSource("/api/v1/events");
  for (const name of NAMES) source.addEventListener(name, (message) => receive(name, message));
  source.onopen = () => {
    failures = 0;
    connected.value = true;
  };
  source.onerror = () => {
    connected.value = false;
    if (source?.readyState !== EventSource.CLOSED) return;
    retry = setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  };
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
  connected.value = false;
}

/** Browsers hold six connections to a server that speaks HTTP/1.1, and a stream takes one for good: a page that nobody sees,
 *  in another tab or kept for the way back, lets go of its own. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else if (wanted) open();
});

export function connect() {
  wanted = true;
  if (!document.hidden) open();
}

export function disconnect() {
  wanted = false;
  close();
}

/** Calls the handler for every live event while the component is shown. */
export function useEvents(handler: (event: LiveEvent) => void) {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const listener = (event: LiveEvent) => latest.current(event);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
}
