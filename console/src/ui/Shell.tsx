import type { ComponentChildren } from "preact";
import { connected } from "../api/events";
import { session, signOut } from "../api/session";
import { path } from "../router";
import { Button } from "./Button";
import { keysShown } from "./Keys";
import { theme, type Theme } from "./theme";

const PLACES = [
  ["/", "Overview", "M3 12h5l2-7 4 14 2-7h5"],
  ["/devices", "Devices", "M6 3h12v18H6zM10 18h4"],
  ["/firmware", "Firmware", "M7 7h10v10H7zM10 7V3M14 7V3M10 21v-4M14 21v-4M7 10H3M7 14H3M21 10h-4M21 14h-4"],
  ["/shipments", "Shipments", "M3 7l9-4 9 4v10l-9 4-9-4zM3 7l9 4 9-4M12 11v10"],
  ["/settings", "Settings", "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4"],
] as const;

const inside = (place: string) => (place === "/" ? path.value === "/" : path.value === place || path.value.startsWith(`${place}/`));

/** The frame around every page. */
export function Shell({ children }: { children: ComponentChildren }) {
  const self = session.value!;
  return (
    <div class="shell">
      <a class="skip" href="#main">Skip to the page</a>
      <nav class="places" aria-label="Console">
        <a class="brand" href="/"><img src="/icon.svg" alt="" width="24" height="24" />Tandem</a>
        <ul>
          {PLACES.map(([place, name, icon]) => (
            <li key={place}>
              <a href={place} aria-current={inside(place) ? "page" : undefined}>
                <svg viewBox="0 0 24 24" aria-hidden="true"><path d={icon} /></svg>
                <span>{name}</span>
              </a>
            </li>
          ))}
        </ul>
        <footer>
          <p class="muted">{self.organization.name}<br /><span title={self.user.login}>{self.user.name || self.user.login}</span> · {self.role}</p>
          <p class={connected.value ? "live on" : "live"} role="status">{connected.value ? "Live" : "Connecting…"}</p>
          <ThemeSwitch />
          <div class="actions">
            <Button kind="quiet" onClick={() => (keysShown.value = true)}>Keys</Button>
            <Button kind="quiet" onClick={() => void signOut()}>Sign out</Button>
          </div>
        </footer>
      </nav>
      <main id="main" tabIndex={-1}>{children}</main>
    </div>
  );
}

export function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="unseen">Colours</span>
      <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        <option value="auto">System colours</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
