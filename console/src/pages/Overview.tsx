import { useMemo, useState } from "preact/hooks";
import { get, getList } from "../api/client";
import { useEvents } from "../api/events";
import { useResource, useThrottled } from "../api/resource";
import { may, session } from "../api/session";
import type { Failure, Overview, Shipment } from "../api/types";
import { count, percent, plural, words } from "../text";
import { StateBadge } from "../ui/Badge";
import { ButtonLink } from "../ui/Button";
import { Chart } from "../ui/Chart";
import { Empty } from "../ui/Empty";
import { ErrorNote } from "../ui/ErrorNote";
import { Select } from "../ui/Field";
import { Page, Panel } from "../ui/Page";
import { Progress } from "../ui/Progress";
import { Table } from "../ui/Table";
import { Time } from "../ui/Time";
import { versionsOf, type VersionPoint } from "../versions";

const SHOWN = 6;

export function OverviewPage() {
  const overview = useResource("", (signal) => get<Overview>("/overview", {}, signal));
  const live = useResource("", async (signal) => [
    ...(await get<{ shipments: Shipment[] }>("/shipments", { state: "live", limit: SHOWN }, signal)).shipments,
    ...(await get<{ shipments: Shipment[] }>("/shipments", { state: "paused", limit: SHOWN }, signal)).shipments,
  ]);
  const failures = useResource("", (signal) => get<{ failures: Failure[] }>("/failures", { limit: 8 }, signal));
  const recount = useThrottled(overview.reload, 3000);
  const refail = useThrottled(failures.reload, 1500);
  const relive = useThrottled(live.reload, 1500);
  useEvents((event) => {
    if (event.event === "device" || event.event === "reset") recount();
    if (event.event === "shipment" || event.event === "reset") relive();
    if (event.event === "target") {
      if (event.reason !== "none") refail();
      live.set((shipments) => shipments.map((one) => (one.id === event.shipment ? { ...one, progress: { ...one.progress, ...event.progress } } : one)));
    }
  });
  const figures = overview.data;
  return (
    <Page title="Overview" note={session.value!.organization.name}
      actions={may("operator") && !!figures?.firmware && <ButtonLink href="/shipments/new" kind="primary">New shipment</ButtonLink>}>
      {overview.error && <ErrorNote error={overview.error} retry={overview.reload} />}
      <Figures figures={figures} failures={failures.data?.failures} />
      {figures && <FirstSteps figures={figures} />}
      <div class="panels">
        <VersionsPanel />
        <Panel title="Live shipments" actions={<a href="/shipments">All shipments</a>}>
          {live.error && <ErrorNote error={live.error} retry={live.reload} />}
          <LiveShipments shipments={live.data} />
        </Panel>
        <Panel title="Failed lately">
          {failures.error && <ErrorNote error={failures.error} retry={failures.reload} />}
          <Failures failures={failures.data?.failures} />
        </Panel>
      </div>
    </Page>
  );
}

function Figure({ name, value, note, href, tone }: { name: string; value: string; note: string; href: string; tone?: string }) {
  return (
    <a class={`figure ${tone ?? ""}`} href={href}>
      <span class="name">{name}</span>
      <strong>{value}</strong>
      <span class="muted">{note}</span>
    </a>
  );
}

function Figures({ figures, failures }: { figures?: Overview; failures?: Failure[] }) {
  const { live = 0, paused = 0 } = figures?.shipments ?? {};
  const recent = failures?.filter(({ time }) => Date.now() - Date.parse(time) < 24 * 3600 * 1000).length ?? 0;
  return (
    <div class="figures">
      <Figure name="Devices" value={figures ? count(figures.devices) : "–"} note="in this organization" href="/devices" />
      <Figure name="On line" value={figures ? count(figures.online) : "–"} tone="ok"
        note={figures ? `${percent(figures.online, figures.devices)} of all` : " "} href="/devices?filter=online%3Dyes" />
      <Figure name="Live shipments" value={figures ? count(live) : "–"} tone="busy"
        note={paused > 0 ? `${count(paused)} paused` : "none paused"} href="/shipments" />
      <Figure name="Failures" value={failures ? `${recent}${failures.length === recent && recent >= 8 ? "+" : ""}` : "–"} tone={recent > 0 ? "bad" : ""}
        note="in the last 24 hours" href="/shipments" />
    </div>
  );
}

/** What to do first, until all of it was done. */
function FirstSteps({ figures }: { figures: Overview }) {
  const { live, paused, finished, cancelled } = figures.shipments;
  const steps = [
    { done: figures.devices > 0, href: "/devices?new=1", name: "Add a device", text: "It gets a token, with which its co-processor signs in." },
    { done: figures.firmware > 0, href: "/firmware", name: "Upload a firmware", text: "A package that tandem pack made, or a tagged image." },
    { done: live + paused + finished + cancelled > 0, href: "/shipments/new", name: "Ship it", text: "To one device first, then in waves to all." },
  ];
  if (steps.every(({ done }) => done)) return null;
  const next = steps.find(({ done }) => !done)!;
  return (
    <Panel title="First steps" wide>
      <ol class="first-steps">
        {steps.map((step) => (
          <li key={step.name} class={step.done ? "done" : ""}>
            <div><strong>{step.name}</strong>{step.done && <span class="unseen"> (done)</span>}<p class="muted">{step.text}</p></div>
            {step === next && <ButtonLink href={step.href} kind="primary">{step.name}</ButtonLink>}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const SPANS = [["24", "24 hours"], ["168", "7 days"], ["720", "30 days"], ["8760", "A year"]] as const;

function VersionsPanel() {
  const [hours, setHours] = useState<(typeof SPANS)[number][0]>("168");
  const [template, setTemplate] = useState("");
  const templates = useResource("", () => getList<{ template: string }, "templates">("/templates", "templates"));
  const chart = useResource(`${hours} ${template}`, (signal) => get<{ points: VersionPoint[] }>("/charts/versions", { hours, template }, signal));
  const versions = useMemo(() => versionsOf(chart.data?.points ?? []), [chart.data]);
  const now = versions.series.map(({ label, values }) => ({ label, devices: values.at(-1) ?? 0 }));
  const total = now.reduce((sum, { devices }) => sum + devices, 0);
  const choices = (templates.data ?? []).map((one) => [one.template, one.template] as const);
  return (
    <Panel title="Versions in the field" wide actions={
      <>
        {choices.length > 1 && <Select label="Template" hideLabel value={template} options={[["", "All templates"], ...choices]} onChange={setTemplate} />}
        <Select label="Time span" hideLabel value={hours} options={SPANS} onChange={setHours} />
      </>}>
      {chart.error && <ErrorNote error={chart.error} retry={chart.reload} />}
      {chart.data && versions.times.length === 0
        ? <Empty title="No device has checked in yet">A device tells its version when it connects.</Empty>
        : (
          <div class="versions">
            <Chart label={`Devices by version: ${now.map(({ label, devices }) => `${label} ${devices}`).join(", ")}`}
              times={versions.times} series={versions.series} stacked legend={false} />
            <ul class="shares">
              {now.map(({ label, devices }, i) => (
                <li key={label}>
                  <svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2" class={`fill-${i + 1}`} /></svg>
                  {label === "others" ? label : <a href={`/devices?filter=${encodeURIComponent(`version=${label.split(" ").at(-1)}`)}`}>{label}</a>}
                  <span class="muted">{percent(devices, total)}</span><span>{count(devices)}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
    </Panel>
  );
}

function LiveShipments({ shipments }: { shipments?: Shipment[] }) {
  if (!shipments) return <p class="muted">&nbsp;</p>;
  if (shipments.length === 0) return <p class="muted">Nothing is being shipped.</p>;
  return (
    <ul class="cards">
      {shipments.map((shipment) => (
        <li key={shipment.id}>
          <p class="row">
            <a href={`/shipments/${shipment.id}`}><strong>{shipment.name}</strong></a>
            <StateBadge state={shipment.state} />
          </p>
          <p class="muted small">
            {shipment.firmware.type} {shipment.firmware.version} to {plural(shipment.progress.target, "device")}
            {shipment.waves.length > 1 && ` · wave ${shipment.wave} of ${shipment.waves.length}`} · <Time at={shipment.created} />
          </p>
          <Progress progress={shipment.progress} legend />
          {shipment.why && <p class="hint bad">{shipment.why}</p>}
        </li>
      ))}
    </ul>
  );
}

function Failures({ failures }: { failures?: Failure[] }) {
  return (
    <Table label="Failed lately" rows={failures} rowKey={(row) => row.id} expect={4}
      empty={<p class="muted">Nothing failed. When an update does, the device and its reason stand here.</p>}
      columns={[
        {
          title: "Device",
          cell: (row) => <><a href={`/devices/${row.device}`}>{row.device_name || row.device}</a><p class="sub"><Time at={row.time} /></p></>,
        },
        { title: "What", cell: (row) => <>{words(row.status)}<p class="sub">{row.text}</p></> },
        { title: "Version", cell: (row) => <a href={`/shipments/${row.shipment}`} title={row.shipment_name}>{row.version}</a>, minor: true },
      ]} />
  );
}
