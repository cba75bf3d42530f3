import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Labelled {
  label: string;
  hint?: ComponentChildren;
  error?: string;
}

interface FieldProps extends Labelled {
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "number" | "search" | "email" | "url" | "datetime-local";
  name?: string;
  autocomplete?: string;
  autocapitalize?: "none";
  placeholder?: string;
  inputMode?: "numeric" | "decimal";
  spellcheck?: boolean;
  required?: boolean;
  autofocus?: boolean;
  disabled?: boolean;
  maxLength?: number;
  min?: number;
  max?: number;
  step?: number;
  /** The id of a datalist. */
  list?: string;
}

/** A labelled line of text. */
export function Field({ label, hint, error, value, onInput, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} value={value} onInput={(event) => onInput(event.currentTarget.value)} aria-invalid={!!error}
        aria-describedby={hint || error ? `${id}-hint` : undefined} {...(input as object)} />
      {(hint || error) && <p id={`${id}-hint`} class={error ? "hint bad" : "hint"}>{error ?? hint}</p>}
    </div>
  );
}

/** A labelled text of several lines. */
export function TextArea({ label, hint, value, onInput, rows = 5 }: Labelled & { value: string; onInput: (value: string) => void; rows?: number }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea id={id} rows={rows} value={value} spellcheck={false} onInput={(event) => onInput(event.currentTarget.value)}
        aria-describedby={hint ? `${id}-hint` : undefined} />
      {hint && <p id={`${id}-hint`} class="hint">{hint}</p>}
    </div>
  );
}

/** A labelled choice of one; options are pairs of value and text. */
export function Select<V extends string>({ label, hint, value, options, onChange, hideLabel }: Labelled & {
  value: V; options: readonly (readonly [V, string])[]; onChange: (value: V) => void; hideLabel?: boolean;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={hideLabel ? "unseen" : undefined}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as V)}
        aria-describedby={hint ? `${id}-hint` : undefined}>
        {options.map(([key, text]) => <option key={key} value={key}>{text}</option>)}
      </select>
      {hint && <p id={`${id}-hint`} class="hint">{hint}</p>}
    </div>
  );
}

/** A labelled yes or no. */
export function Check({ label, hint, checked, onChange }: { label: string; hint?: string; checked: boolean; onChange: (checked: boolean) => void }) {
  const id = useId();
  return (
    <div class="check">
      <input id={id} type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)}
        aria-describedby={hint ? `${id}-hint` : undefined} />
      <label for={id}>{label}</label>
      {hint && <p id={`${id}-hint`} class="hint">{hint}</p>}
    </div>
  );
}
