import { change, changeGate, changeWave, draft } from "../../ship/draft";
import { GATE, nextWave, WAVES_MAX, type GateDraft, type Problems, type Slot, type WaveDraft } from "../../ship/order";
import { SLOTS } from "../../ship/words";
import { Button } from "../../ui/Button";
import { Check, Field, Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Choice } from "./Choice";
import { FilterField } from "./FilterField";

const KINDS = [["devices", "A number of devices"], ["percent", "A share of the devices"], ["all", "All that match a filter"]] as const;

/** In which order, when and how fast. */
export function RolloutStep({ problems }: { problems: Problems }) {
  const { waves, gate, time, consent, attempts, hours, perMinute, kilobytes, expires, name } = draft.value;
  return (
    <div class="panels">
      <Panel title="Waves" wide actions={
        <Button onClick={() => change({ waves: [...waves, nextWave(waves)] })} disabled={waves.length >= WAVES_MAX}>Add a wave</Button>}>
        {waves.length === 0 && <p class="muted">All devices at once. Add a wave to begin with a few, and go on only when they are well.</p>}
        {waves.map((wave, i) => <WaveRow key={wave.key} wave={wave} at={i} problems={problems} />)}
        {waves.length > 0 && <p class="muted">The last wave is the rest of the devices.</p>}
      </Panel>
      <Panel title="Gate">
        <p class="muted">What opens the next wave, and what pauses the shipment.</p>
        <GateFields gate={gate} onChange={changeGate} at="gate" problems={problems} />
      </Panel>
      <Panel title="When">
        <Select<Slot> label="Preferred time" value={time} options={SLOTS} onChange={(value) => change({ time: value })} hint="In the time zone of each device." />
        <Choice legend="Consent" value={consent ? "asked" : "critical"} onChange={(value) => change({ consent: value === "asked" })} options={[
          ["critical", "Critical: devices install it without asking"],
          ["asked", "Controlled by the user: a device waits until its owner agrees", "From then on the preferred time no longer counts."],
        ]} />
        <Field label="Expires" type="datetime-local" value={expires} onInput={(value) => change({ expires: value })} error={problems.expires}
          hint="In your time zone; from then on nothing is offered. Empty: never." />
      </Panel>
      <Panel title="Limits">
        <div class="fields figures">
          <Field label="Attempts" inputMode="numeric" value={attempts} onInput={(value) => change({ attempts: value })} error={problems.attempts} hint="For each device and image," />
          <Field label="in hours" inputMode="numeric" value={hours} onInput={(value) => change({ hours: value })} error={problems.hours} hint="then a device waits." />
          <Field label="Devices a minute" inputMode="numeric" value={perMinute} onInput={(value) => change({ perMinute: value })} error={problems.perMinute} hint="Empty: no limit." placeholder="no limit" />
          <Field label="Kilobytes a second" inputMode="numeric" value={kilobytes} onInput={(value) => change({ kilobytes: value })} error={problems.kilobytes} hint="All downloads together." placeholder="no limit" />
        </div>
      </Panel>
      <Panel title="Name">
        <Field label="Name of the shipment" value={name} onInput={(value) => change({ name: value })} error={problems.name} maxLength={40}
          hint="Unique; empty: New Shipping and the date." />
      </Panel>
    </div>
  );
}

function WaveRow({ wave, at, problems }: { wave: WaveDraft; at: number; problems: Problems }) {
  const { key, kind, amount, filter, gate } = wave;
  const set = (changes: Partial<WaveDraft>) => changeWave(key, changes);
  const number = at + 1;
  return (
    <fieldset class="wave">
      <legend>Wave {number}</legend>
      <div class="fields">
        <Select label="Takes" value={kind} options={KINDS} onChange={(value) => set({ kind: value })} />
        {kind !== "all" && <Field label={kind === "devices" ? "Devices" : "Percent"} inputMode="decimal" value={amount}
          onInput={(value) => set({ amount: value })} error={problems[`waves.${at}.amount`]} hint="Drawn at random." />}
        <FilterField label="Of those that match" value={filter} onInput={(value) => set({ filter: value })}
          error={problems[`waves.${at}.filter`]} hint={kind === "all" ? "An expression or a saved filter." : "Empty: of all."} />
      </div>
      {gate && <GateFields gate={gate} onChange={(changes) => set({ gate: { ...gate, ...changes } })} at={`waves.${at}.gate`} problems={problems} />}
      <div class="actions">
        <Check label="A gate of its own" checked={gate !== null} onChange={(own) => set({ gate: own ? { ...GATE } : null })} />
        <Button kind="quiet" label={`Remove wave ${number}`} onClick={() => change({ waves: draft.value.waves.filter((one) => one.key !== key) })}>Remove</Button>
      </div>
    </fieldset>
  );
}

function GateFields({ gate, onChange, at, problems }: { gate: GateDraft; onChange: (changes: Partial<GateDraft>) => void; at: string; problems: Problems }) {
  const field = (label: string, name: keyof GateDraft, hint: string) => (
    <Field label={label} inputMode="numeric" value={gate[name]} onInput={(value) => onChange({ [name]: value })} error={problems[`${at}.${name}`]} hint={hint} />
  );
  return (
    <div class="fields figures">
      {field("Updated, %", "success", "Opens the next wave.")}
      {field("Failed, %", "failure", "Pauses the shipment; 0: never.")}
      {field("Of at least", "minimum", "Devices that came to an end.")}
      {field("Soak, minutes", "soak", "How long it must stay so.")}
    </div>
  );
}
