import type { ComponentChildren } from "preact";
import { ApiError } from "../api/client";
import { Button } from "./Button";

/** What went wrong, and what to do next. */
export function ErrorNote({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <p><strong>{sentence(error.detail || error.title)}</strong> {error.next}</p>
      {retry && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Something to know, calmly. */
export function Note({ kind = "info", children }: { kind?: "info" | "ok" | "warn" | "bad"; children: ComponentChildren }) {
  return <div class={`note ${kind}`}>{children}</div>;
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
