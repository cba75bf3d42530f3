import { useState } from "preact/hooks";
import { get } from "../../api/client";
import { useEvents } from "../../api/events";
import { useThrottled } from "../../api/resource";
import type { Target, TargetStatus } from "../../api/types";
import { followTarget } from "../../ship/live";
import { amountText, legText, savedText } from "../../ship/words";
import { words } from "../../text";
import { OnlineBadge, STATUSES, StatusBadge } from "../../ui/Badge";
import { Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Meter } from "../../ui/Progress";
import { PagedTable, usePages, type Column } from "../../ui/Table";
import { Time } from "../../ui/Time";

const OPTIONS = [["", "All"] as const, ...STATUSES.map((status) => [status, words(status)] as const)];

const COLUMNS: Column<Target>[] = [
  { title: "Device", cell: (row) => <><a href={`/devices/${row.id}`}>{row.name || row.id}</a><div class="sub"><OnlineBadge online={row.online} /></div></> },
  { title: "Status", cell: (row) => <Standing row={row} /> },
  { title: "Version", cell: (row) => row.version || "–", minor: true },
  { title: "Wave", cell: (row) => row.wave, align: "end", minor: true },
  { title: "Sent as", cell: (row) => savedText(row.encoding, row.bytes_sent, row.bytes_full) ?? "–", minor: true },
  { title: "Attempts", cell: (row) => row.attempts, align: "end", minor: true },
  { title: "Last change", cell: (row) => <Time at={row.updated} none="–" />, minor: true },
];

/** Status and reason; while something is under way, on which leg, and how far. */
function Standing({ row }: { row: Target }) {
  const leg = row.ended ? null : legText(row);
  return (
    <div class="standing">
      <StatusBadge status={row.status} />
      {leg
        ? <div class="leg"><span>{leg}</span>{row.bytes !== null && row.size !== null && row.size > 0 && <>
            <span class="muted">{amountText(row.bytes, row.size)}</span><Meter value={row.bytes} max={row.size} label={`${leg}, bytes`} /></>}</div>
        : row.text && <div class="sub">{row.text}</div>}
    </div>
  );
}

/** Where each device stands. */
export function Targets({ id }: { id: string }) {
  const [status, setStatus] = useState<TargetStatus | "">("");
  const pages = usePages<Target>(`targets ${id} ${status}`, async (cursor, signal) => {
    const page = await get<{ devices: Target[]; next: string | null }>(`/shipments/${id}/devices`, { status, cursor, limit: 50 }, signal);
    return { rows: page.devices, next: page.next };
  });
  const reload = useThrottled(pages.reload, 1000);
  useEvents((event) => {
    if (event.event === "target" && event.shipment === id) pages.change((rows) => rows.map((row) => followTarget(row, event)));
    if (event.event === "device") pages.change((rows) => rows.map((row) => (row.id === event.id ? { ...row, online: event.change === "online" } : row)));
    if (event.event === "reset" || (event.event === "target" && event.shipment === id)) reload();
  });
  return (
    <Panel title="Devices" wide actions={<>
      <Report id={id} />
      <Select label="Status" value={status} options={OPTIONS} onChange={setStatus} hideLabel />
    </>}>
      <PagedTable label="Devices of the shipment" pages={pages} columns={COLUMNS} rowKey={(row) => row.id}
        empty={<p class="muted">{status ? `No device has the status ${words(status).toLowerCase()}.` : "No device is in it."}</p>} />
    </Panel>
  );
}

/** Every device of it, as a file. */
function Report({ id }: { id: string }) {
  return (
    <span class="report">Report:{" "}
      {["csv", "json"].map((format) => (
        <a key={format} href={`/api/v1/shipments/${id}/report?format=${format}`} download={`shipment-${id}.${format}`}>{format.toUpperCase()}</a>
      ))}
    </span>
  );
}
