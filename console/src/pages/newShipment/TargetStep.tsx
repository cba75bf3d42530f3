import { useEffect, useState } from "preact/hooks";
import { get } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Device } from "../../api/types";
import { change, draft } from "../../ship/draft";
import type { Condition, Problems } from "../../ship/order";
import { CONDITIONS } from "../../ship/words";
import { plural } from "../../text";
import { ButtonLink } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { ErrorNote } from "../../ui/ErrorNote";
import { Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Choice } from "./Choice";
import { FilterField } from "./FilterField";

interface Template {
  template: string;
  devices: number;
}

const SHOWN = 8;

/** Whom the shipment is for. */
export function TargetStep({ problems }: { problems: Problems }) {
  const { template, reach, filter, condition } = draft.value;
  const templates = useResource("templates", (signal) => get<{ templates: Template[] }>("/templates", undefined, signal));
  const known = templates.data?.templates;
  useEffect(() => {
    if (known?.length === 1 && !draft.value.template) change({ template: known[0]!.template });
  }, [known]);
  if (templates.error) return <ErrorNote error={templates.error} retry={templates.reload} />;
  if (known?.length === 0)
    return (
      <Empty title="There are no devices yet" action={<ButtonLink href="/devices" kind="primary">Add a device</ButtonLink>}>
        A shipment goes to the devices of a template, and a template exists once a device was added with it.
      </Empty>
    );
  const options = [["", "Choose a template"], ...(known ?? []).map((one) => [one.template, `${one.template} (${plural(one.devices, "device")})`])] as [string, string][];
  return (
    <div class="panels">
      <Panel title="Devices">
        <Select label="Template" value={template} options={options} onChange={(value) => change({ template: value })}
          hint={problems.template ? <span class="bad">{problems.template}</span> : "The product that the devices belong to."} />
        <Choice legend="Which of its devices" value={reach} onChange={(value) => change({ reach: value })} options={[
          ["all", "All of them", "Those that are added later included."],
          ["filter", "Those that match a filter", "As they are when the shipment starts."],
        ]} />
        {reach === "filter" && <FilterField label="Filter" value={filter} onInput={(value) => change({ filter: value })} error={problems.filter} />}
        {reach === "filter" && template && filter.trim() && <Matches template={template} filter={filter.trim()} />}
      </Panel>
      <Panel title="Condition">
        <Select<Condition> label="Update them" value={condition} options={CONDITIONS} onChange={(value) => change({ condition: value })}
          hint="Compared with the firmware of the next step, when a device's turn comes. Those that run that very firmware are left alone in any case." />
      </Panel>
    </div>
  );
}

/** The value as it was when typing paused. */
function useSettled(value: string, ms: number) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

function Matches({ template, filter }: { template: string; filter: string }) {
  const settled = useSettled(filter, 300);
  const found = useResource(`matches ${template} ${settled}`, (signal) =>
    get<{ devices: Device[]; next: string | null }>("/devices", { template, filter: settled, limit: SHOWN }, signal));
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <p class="muted">Looking…</p>;
  const names = found.data.devices.map((one) => one.name || one.id).join(", ");
  return (
    <p class="muted" role="status">
      {names ? `Matches ${names}${found.data.next ? " and more" : ""}.` : found.data.next ? "None of the first devices match; the dry run counts them all." : "No device matches."}
    </p>
  );
}
