import { useState } from "preact/hooks";
import { get, post } from "../../api/client";
import { useAction, useResource } from "../../api/resource";
import type { Firmware, Preview, PreviewPage, ShipmentWithDevices } from "../../api/types";
import { navigate } from "../../router";
import { discard, draft } from "../../ship/draft";
import { dryRunText, sortRules, worthStarting, type DryRunRule } from "../../ship/dryRun";
import { orderOf, type Order } from "../../ship/order";
import { attemptsText, CONDITIONS, gateText, lookup, rateText, SLOTS, waveReach } from "../../ship/words";
import { count, plural } from "../../text";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { ErrorNote, Note } from "../../ui/ErrorNote";
import { Facts, Panel } from "../../ui/Page";
import { PagedTable, Table, usePages } from "../../ui/Table";
import { Time } from "../../ui/Time";

type Row = PreviewPage["devices"][number];

/** What will happen, who would be updated and who not, and the button. */
export function ReviewStep() {
  const order = orderOf(draft.value);
  const text = JSON.stringify(order);
  const dry = useResource(`dry run ${text}`, () => post<Preview>("/shipments/preview", order));
  const start = useAction(async () => {
    const shipment = await post<ShipmentWithDevices>("/shipments", order);
    discard();
    navigate(`/shipments/${shipment.id}`);
  });
  const ready = dry.data && !dry.loading && !dry.error;
  return (
    <div class="panels">
      <Panel title="What is shipped"><Summary order={order} /></Panel>
      <Panel title="Waves"><Waves order={order} sizes={dry.data?.waves} /></Panel>
      <Panel title="Dry run" wide actions={<Button onClick={dry.reload} busy={dry.loading}>Run again</Button>}>
        {dry.error && <ErrorNote error={dry.error} retry={dry.reload} />}
        {!dry.data && !dry.error && <p class="muted">Every device is being looked at…</p>}
        {dry.data && <>
          <Note kind={!worthStarting(dry.data) ? "warn" : "ok"}><p role="status"><strong>{dryRunText(dry.data)}</strong></p></Note>
          <Rules order={order} preview={dry.data} />
        </>}
      </Panel>
      <div class="start">
        {start.error && <ErrorNote error={start.error} />}
        <div class="actions end">
          <Button onClick={() => navigate("/shipments/new?step=3")}>Back</Button>
          <Button kind="primary" busy={start.busy} disabled={!ready || dry.data!.target === 0} onClick={() => void start.run()}>Start shipment</Button>
        </div>
      </div>
    </div>
  );
}

function Summary({ order }: { order: Order }) {
  const read = useResource(`firmware ${order.firmware}`, (signal) => get<Firmware>(`/firmware/${order.firmware}`, undefined, signal));
  const firmware = read.data;
  return (
    <Facts facts={[
      ["Firmware", firmware ? `${firmware.type} ${firmware.version}` : "…"],
      ["File", <span class="mono">{firmware?.name ?? "…"}</span>],
      ["Template", <span class="mono">{order.template}</span>],
      ["Devices", order.filter ? <code>{order.filter}</code> : "All, later ones included"],
      ["Condition", lookup(CONDITIONS, order.condition)],
      ["Preferred time", lookup(SLOTS, order.time)],
      ["Consent", order.user_controlled ? "Owners are asked" : "Critical: nobody is asked"],
      ["Attempts", attemptsText(order)],
      ["Rate", rateText(order) ?? "No limit"],
      ["Expires", order.expires ? <Time at={order.expires} absolute /> : "Never"],
    ]} />
  );
}

function Waves({ order, sizes }: { order: Order; sizes: Preview["waves"] | undefined }) {
  const waves = [...(order.waves ?? []), {}] as NonNullable<Order["waves"]>;
  return (
    <ol class="waves">
      {waves.map((wave, i) => (
        <li key={i}>
          <strong>{waveReach({ devices: wave.devices ?? null, percent: wave.percent ?? null, filter: wave.filter ?? null })}</strong>
          {sizes && <span class="muted"> · {plural(sizes[i]?.size ?? 0, "device")}</span>}
          <p class="hint">{i < waves.length - 1 ? gateText(wave.gate ?? order.gate) : lastGateText(order)}</p>
        </li>
      ))}
    </ol>
  );
}

/** Behind the last wave nothing opens. */
const lastGateText = ({ gate }: Order) => {
  const text = gateText(gate).split("; ")[1];
  return text ? text.charAt(0).toUpperCase() + text.slice(1) : "No limit of failures.";
};

function Rules({ order, preview }: { order: Order; preview: Preview }) {
  const [open, setOpen] = useState<DryRunRule | null>(null);
  const now: DryRunRule = { rule: "none", text: "nothing stands in the way", later: false, devices: preview.now, examples: [] };
  const rows = [...(preview.now > 0 ? [now] : []), ...sortRules(preview.rules)];
  return (
    <div class="rules">
      <Table label="What the rules say" rows={rows} rowKey={(rule) => rule.rule} columns={[
        { title: "Devices", align: "end", cell: (rule) => count(rule.devices) },
        { title: "Updated", cell: (rule) => <><When rule={rule} /><div>{sentence(rule.text)}</div></> },
        { title: "Which", cell: (rule) => <Button label={`Show devices: ${rule.text}`} onClick={() => setOpen(rule)}>Show</Button> },
      ]} empty={<p class="muted">No rule says anything.</p>} />
      {open && <RuleDevices order={order} rule={open} onClose={() => setOpen(null)} />}
    </div>
  );
}

function When({ rule }: { rule: DryRunRule }) {
  if (rule.rule === "none") return <Badge tone="ok">At once</Badge>;
  return rule.later ? <Badge tone="busy">Later</Badge> : <Badge tone="idle">No</Badge>;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function RuleDevices({ order, rule, onClose }: { order: Order; rule: DryRunRule; onClose: () => void }) {
  const pages = usePages<Row>(`dry run of ${rule.rule}`, async (cursor) => {
    const page = await post<PreviewPage>("/shipments/preview", order, { rule: rule.rule, cursor, limit: 20 });
    return { rows: page.devices, next: page.next };
  });
  return (
    <Dialog title={sentence(rule.text)} onClose={onClose}>
      <PagedTable label="Devices" pages={pages} rowKey={(row) => row.id} expect={3} empty={<p class="muted">None any more.</p>} columns={[
        { title: "Device", cell: (row) => <a href={`/devices/${row.id}`}>{row.name || row.id}</a> },
        { title: "Version", cell: (row) => row.version || "–" },
        { title: "Why", cell: (row) => row.text },
      ]} />
    </Dialog>
  );
}
