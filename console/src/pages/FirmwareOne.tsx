import { useState } from "preact/hooks";
import { get, remove } from "../api/client";
import { useResource } from "../api/resource";
import { may } from "../api/session";
import type { Device, Firmware, Shipment } from "../api/types";
import { navigate } from "../router";
import { isOver, runsFilter } from "../ship/words";
import { plural } from "../text";
import { OnlineBadge, StateBadge } from "../ui/Badge";
import { Button, ButtonLink } from "../ui/Button";
import { Confirm } from "../ui/Dialog";
import { ErrorNote } from "../ui/ErrorNote";
import { Page, Panel } from "../ui/Page";
import { Progress } from "../ui/Progress";
import { Table } from "../ui/Table";
import { Time } from "../ui/Time";
import { DigestFacts, ManifestFacts, TagFacts } from "./firmware/Facts";

const SHOWN = 10;

/** The shipments of a firmware, of the newest 1000. */
const shipmentsOf = async (id: string, signal: AbortSignal) =>
  (await get<{ shipments: Shipment[] }>("/shipments", { limit: 1000 }, signal)).shipments.filter((one) => one.firmware.id === id);

export function FirmwareOnePage({ id }: { id: string }) {
  const read = useResource(`firmware ${id}`, (signal) => get<Firmware>(`/firmware/${id}`, undefined, signal));
  const shipments = useResource(`shipments of ${id}`, (signal) => shipmentsOf(id, signal));
  const [deleting, setDeleting] = useState(false);
  const firmware = read.data;
  const title = firmware ? `${firmware.type} ${firmware.version}` : "Firmware";
  return (
    <Page title={title} up={{ href: "/firmware", text: "Firmware" }} note={firmware?.name}
      actions={firmware && may("operator") && <>
        <Button onClick={() => setDeleting(true)}>Delete</Button>
        <ButtonLink href={`/shipments/new?firmware=${id}`} kind="primary">Ship it</ButtonLink>
      </>}>
      {read.error && <ErrorNote error={read.error} retry={read.reload} />}
      {firmware && <>
        <div class="panels">
          <Panel title="Tag"><TagFacts firmware={firmware} /></Panel>
          <Panel title="Manifest"><ManifestFacts firmware={firmware} /></Panel>
          <Panel title="Digests" wide><DigestFacts firmware={firmware} /></Panel>
        </div>
        <Runs firmware={firmware} />
        <Panel title="Shipped with">
          {shipments.error && <ErrorNote error={shipments.error} retry={shipments.reload} />}
          <Table label="Shipments of this firmware" rows={shipments.data} rowKey={(one) => one.id} expect={1}
            empty={<p class="muted">It has not been shipped yet.</p>} columns={[
              { title: "Shipment", cell: (one) => <a href={`/shipments/${one.id}`}>{one.name}</a> },
              { title: "State", cell: (one) => <StateBadge state={one.state} /> },
              { title: "Progress", cell: (one) => <Progress progress={one.progress} over={isOver(one)} legend /> },
              { title: "Started", cell: (one) => <Time at={one.created} />, minor: true },
            ]} />
        </Panel>
        {deleting && <Delete firmware={firmware} shipments={shipments.data ?? []} onClose={() => setDeleting(false)} />}
      </>}
    </Page>
  );
}

function Runs({ firmware }: { firmware: Firmware }) {
  const filter = runsFilter(firmware);
  const devices = useResource(`runs ${filter}`, (signal) =>
    get<{ devices: Device[]; next: string | null }>("/devices", { filter, limit: SHOWN }, signal));
  const all = `/devices?filter=${encodeURIComponent(filter)}`;
  return (
    <Panel title="Running on" actions={devices.data?.next && <a href={all}>All of them</a>}>
      {devices.error && <ErrorNote error={devices.error} retry={devices.reload} />}
      <Table label="Devices that run it" rows={devices.data?.devices} rowKey={(one) => one.id} expect={1}
        empty={<p class="muted">No device runs it now.</p>} columns={[
          { title: "Device", cell: (one) => <a href={`/devices/${one.id}`}>{one.name || one.id}</a> },
          { title: "State", cell: (one) => <OnlineBadge online={one.online} /> },
          { title: "Last seen", cell: (one) => <Time at={one.last_seen} /> },
        ]} />
    </Panel>
  );
}

function Delete({ firmware, shipments, onClose }: { firmware: Firmware; shipments: Shipment[]; onClose: () => void }) {
  const gone = shipments.filter(isOver);
  return (
    <Confirm title={`Delete ${firmware.type} ${firmware.version}?`} verb="Delete" danger onClose={onClose}
      act={async () => {
        await remove(`/firmware/${firmware.id}`);
        navigate("/firmware");
      }}>
      <ul class="plain">
        <li>It can no longer be shipped, nor shipped back to; upload <span class="mono">{firmware.name}</span> again for that.</li>
        {gone.length > 0 && <li>{plural(gone.length, "ended shipment")} with it and {gone.length === 1 ? "its report" : "their reports"} are deleted, too.</li>}
        <li>Devices that run it go on running it.</li>
        <li>While a live or paused shipment needs it, it is kept.</li>
      </ul>
    </Confirm>
  );
}
