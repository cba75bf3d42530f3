import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { navigate } from "../router";
import { Dialog } from "./Dialog";

const GO: Record<string, [string, string]> = {
  o: ["/", "Overview"], d: ["/devices", "Devices"], f: ["/firmware", "Firmware"], s: ["/shipments", "Shipments"],
  n: ["/shipments/new", "New shipment"], ",": ["/settings", "Settings"],
};

export const keysShown = signal(false);

const typing = (target: EventTarget | null) => target instanceof Element && !!target.closest("input, textarea, select, dialog");

/** Moves the focus through the rows of the page's first table. */
function step(by: number) {
  const links = [...document.querySelectorAll<HTMLElement>("main tbody tr td:first-child a")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

const ACTIONS: Record<string, () => void> = {
  "?": () => (keysShown.value = true),
  "/": () => document.querySelector<HTMLElement>("main input[type=search]")?.focus(),
  j: () => step(1),
  k: () => step(-1),
};

/** The console's keys: g and a letter goes to a page, the others act on the page. */
export function Keys() {
  useEffect(() => {
    let goesUntil = 0;
    const listener = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const going = Date.now() < goesUntil;
      goesUntil = !going && event.key === "g" ? Date.now() + 1500 : 0;
      const action = going ? GO[event.key] && (() => navigate(GO[event.key]![0])) : ACTIONS[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
  return keysShown.value ? <Help /> : null;
}

function Help() {
  const rows: [string[], string][] = [
    ...Object.entries(GO).map(([key, [, name]]): [string[], string] => [["g", key], name]),
    [["/"], "Search"], [["j"], "Next row"], [["k"], "Previous row"], [["Enter"], "Open the row"], [["Esc"], "Close a dialog"], [["?"], "These keys"],
  ];
  return (
    <Dialog title="Keys" onClose={() => (keysShown.value = false)}>
      <dl class="keys">
        {rows.map(([keys, text]) => <div key={text}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{text}</dd></div>)}
      </dl>
    </Dialog>
  );
}
