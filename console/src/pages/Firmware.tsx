import { useMemo } from "preact/hooks";
import { get } from "../api/client";
import { useResource } from "../api/resource";
import { may } from "../api/session";
import type { Firmware } from "../api/types";
import { running, type VersionPoint } from "../ship/field";
import { runsFilter } from "../ship/words";
import { bytes, count } from "../text";
import { Badge } from "../ui/Badge";
import { Empty } from "../ui/Empty";
import { Page } from "../ui/Page";
import { PagedTable, usePages, type Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { DropZone } from "./firmware/DropZone";

const PAGE = 50;

/** Who says that it is genuine. */
export function Signer({ firmware }: { firmware: Firmware }) {
  if (!firmware.package) return <Badge tone="idle">No package</Badge>;
  const { signed_by } = firmware.package;
  return signed_by ? <Badge tone="ok">{signed_by}</Badge> : <Badge tone="warn">Not known here</Badge>;
}

function columnsOf(runs: (firmware: Firmware) => number | undefined): Column<Firmware>[] {
  return [
    { title: "Version", cell: (one) => <><a href={`/firmware/${one.id}`}>{one.version || "No version"}</a><div class="sub">{one.type}</div></> },
    { title: "File", cell: (one) => <span class="mono">{one.name}</span>, minor: true },
    { title: "Signed by", cell: (one) => <><Signer firmware={one} />{one.package && <div class="sub">key <span class="mono">{one.package.key_id}</span></div>}</> },
    { title: "Size", cell: (one) => bytes(one.size), align: "end", minor: true },
    { title: "Uploaded", cell: (one) => <Time at={one.uploaded} /> },
    {
      title: "Running on", align: "end", cell: (one) => {
        const devices = runs(one);
        return devices ? <a href={`/devices?filter=${encodeURIComponent(runsFilter({ ...one, build: "" }))}`}>{count(devices)}</a> : devices === 0 ? "0" : "";
      },
    },
  ];
}

export function FirmwarePage() {
  const pages = usePages<Firmware>("firmware", async (cursor, signal) => {
    const page = await get<{ firmware: Firmware[]; next: string | null }>("/firmware", { limit: PAGE, cursor }, signal);
    return { rows: page.firmware, next: page.next };
  });
  const field = useResource("field", (signal) => get<{ points: VersionPoint[] }>("/charts/versions", { hours: 1 }, signal));
  const runs = useMemo(() => (field.data ? running(field.data.points) : () => undefined), [field.data]);
  return (
    <Page title="Firmware" note="What can be shipped, newest first.">
      {may("operator") && <DropZone onUploaded={pages.reload} />}
      <PagedTable label="Firmware" pages={pages} columns={columnsOf(runs)} rowKey={(one) => one.id}
        empty={<Empty title="No firmware yet">
          {may("operator")
            ? <>Pack your application with <code>tandem pack</code>, then drop the file above. A plain image with a firmware tag is taken, too.</>
            : "Somebody with the role operator uploads the first one."}
        </Empty>} />
    </Page>
  );
}
