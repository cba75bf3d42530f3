import { useState } from "preact/hooks";
import { Button } from "./Button";
import { Note } from "./ErrorNote";

/** A token or password that the server shows once: to be copied now. */
export function Secret({ name, value }: { name: string; value: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="secret">
      <Note kind="warn">Copy the {name} now: it is shown this once.</Note>
      <div class="copy">
        <input readOnly aria-label={name} value={value} onFocus={(event) => event.currentTarget.select()} />
        <Button onClick={() => void navigator.clipboard?.writeText(value).then(() => setCopied(true))}>{copied ? "Copied" : "Copy"}</Button>
      </div>
    </div>
  );
}
