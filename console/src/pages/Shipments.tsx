import { get } from "../api/client";
import { useEvents } from "../api/events";
import { useThrottled } from "../api/resource";
import { may } from "../api/session";
import type { Shipment } from "../api/types";
import { query, setQuery } from "../router";
import { follow } from "../ship/live";
import { isOver } from "../ship/words";
import { count } from "../text";
import { StateBadge } from "../ui/Badge";
import { ButtonLink } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Select } from "../ui/Field";
import { Page } from "../ui/Page";
import { Progress } from "../ui/Progress";
import { PagedTable, usePages, type Column } from "../ui/Table";
import { Time } from "../ui/Time";

const STATES = [["", "All"], ["live", "Live"], ["paused", "Paused"], ["finished", "Finished"], ["cancelled", "Cancelled"]] as const;

const COLUMNS: Column<Shipment>[] = [
  { title: "Shipment", cell: (one) => <div class="subject"><a href={`/shipments/${one.id}`}>{one.name}</a><div class="sub">{one.id} · {one.firmware.name}</div></div> },
  { title: "State and progress", cell: (one) => <div class="gauge"><StateBadge state={one.state} /><Progress progress={one.progress} over={isOver(one)} legend />{one.why && <div class="sub">{one.why}</div>}</div> },
  { title: "Target", cell: (one) => count(one.progress.target), align: "end", minor: true },
  { title: "Version", cell: (one) => one.firmware.version, minor: true },
  { title: "Started", cell: (one) => <span class="whole"><Time at={one.created} /></span>, minor: true },
  { title: "Template", cell: (one) => <span class="mono whole">{one.template}</span>, minor: true },
];

export function ShipmentsPage() {
  const state = query.value.get("state") ?? "";
  const pages = usePages<Shipment>(`shipments ${state}`, async (cursor, signal) => {
    const page = await get<{ shipments: Shipment[]; next: string | null }>("/shipments", { state, cursor, limit: 25 }, signal);
    return { rows: page.shipments, next: page.next };
  });
  const reload = useThrottled(pages.reload, 2000);
  useEvents((event) => {
    if (event.event === "device") return;
    if (event.event === "target")
      pages.change((rows) => rows.map((one) => (one.id === event.shipment ? { ...one, progress: follow(one.progress, event.progress) } : one)));
    else reload();
  });
  const operator = may("operator");
  const ship = operator && <ButtonLink href="/shipments/new" kind="primary">New shipment</ButtonLink>;
  return (
    <Page title="Shipments" note="Who gets which firmware, in which order." actions={ship}>
      <div class="bar"><Select label="Show" value={state} options={STATES} onChange={(value) => setQuery({ state: value })} /></div>
      <PagedTable label="Shipments" pages={pages} columns={COLUMNS} rowKey={(one) => one.id}
        empty={state
          ? <Empty title={`No shipment is ${state}`} action={<ButtonLink href="/shipments">Show all</ButtonLink>} />
          : <Empty title="No shipments yet" action={ship}>
              {operator ? "A shipment brings a firmware to devices, in waves if you like. Upload the firmware first." : "Somebody with the role operator starts the first one."}
            </Empty>} />
    </Page>
  );
}
