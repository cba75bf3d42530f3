import { useId } from "preact/hooks";
import { get } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Filter } from "../../api/types";
import { Field } from "../../ui/Field";

/** Devices by expression, or by the name of a saved filter, which are proposed. */
export function FilterField({ label, value, onInput, error, hint }: {
  label: string; value: string; onInput: (value: string) => void; error?: string; hint?: string;
}) {
  const list = useId();
  const saved = useResource("filters", (signal) => get<{ filters: Filter[] }>("/filters", undefined, signal));
  return (
    <>
      <Field label={label} value={value} onInput={onInput} error={error} list={list} spellcheck={false} autocomplete="off" autocapitalize="none"
        hint={hint ?? <>Such as <code>tag=canary version&lt;1.2.0</code>, or the name of a saved filter.</>} />
      <datalist id={list}>
        {saved.data?.filters.map((one) => <option key={one.id} value={one.name}>{one.filter}</option>)}
      </datalist>
    </>
  );
}
