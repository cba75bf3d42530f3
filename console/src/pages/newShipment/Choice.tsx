import { useId } from "preact/hooks";

interface Props<V extends string> {
  legend: string;
  value: V;
  options: readonly (readonly [V, string, string?])[];
  onChange: (value: V) => void;
}

/** One of a few, all to be seen; each may have a line that explains it. */
export function Choice<V extends string>({ legend, value, options, onChange }: Props<V>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {options.map(([key, text, hint]) => (
        <div key={key} class="check">
          <input id={`${name}${key}`} type="radio" name={name} checked={value === key} onChange={() => onChange(key)}
            aria-describedby={hint ? `${name}${key}-hint` : undefined} />
          <label for={`${name}${key}`}>{text}</label>
          {hint && <p id={`${name}${key}-hint`} class="hint">{hint}</p>}
        </div>
      ))}
    </fieldset>
  );
}
