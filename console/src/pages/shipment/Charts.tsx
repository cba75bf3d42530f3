import { useMemo, useRef } from "preact/hooks";
import { get } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Shipment } from "../../api/types";
import { merge, successShares, thin, throughput, type Point } from "../../ship/series";
import { Chart } from "../../ui/Chart";
import { ErrorNote } from "../../ui/ErrorNote";
import { Panel } from "../../ui/Page";

const MOST = 240;

/** How far, how fast and how well, over time: what the server kept, and from then on what happens under one's eyes. */
export function Charts({ shipment, live }: { shipment: Shipment; live: Point[] }) {
  const opened = useRef(Date.now());
  const kept = useResource(`chart ${shipment.id} ${shipment.state}`, async (signal) => {
    const { points } = await get<{ points: Point[] }>(`/shipments/${shipment.id}/chart`, undefined, signal);
    // The last point is the server's now, and its clock may differ from ours.
    opened.current = Date.parse(points.at(-1)!.time) - Date.now();
    return points;
  });
  const points = useMemo(() => joined(kept.data ?? [], live, opened.current, shipment.ended), [kept.data, live, shipment.ended]);
  const times = useMemo(() => points.map((point) => Date.parse(point.time) / 1000), [points]);
  const reached = useMemo(() => [
    { label: "Updated", color: "--ok", values: points.map((point) => point.updated) },
    { label: "Failed", color: "--bad", values: points.map((point) => point.failed) },
  ], [points]);
  const speed = useMemo(() => throughput(points), [points]);
  const speeds = useMemo(() => [
    { label: `Updated a ${speed.unit}`, color: "--series-2", values: speed.updated },
    { label: `Failed a ${speed.unit}`, color: "--bad", values: speed.failed },
  ], [speed]);
  const well = useMemo(() => [{ label: "Success", color: "--ok", values: successShares(points) }], [points]);
  if (kept.error) return <ErrorNote error={kept.error} retry={kept.reload} />;
  return (
    <div class="panels charts">
      <Panel title="Devices over time"><Chart label="Devices updated and failed over time" times={times} series={reached} height={180} /></Panel>
      <Panel title="Throughput"><Chart label="Devices updated over time, as a rate" times={speed.times} series={speeds} height={180} format={rate} /></Panel>
      <Panel title="Success"><Chart label="Share of updated devices among those that ended" times={times} series={well} height={180} top={105} format={(value) => `${Math.round(value)} %`} /></Panel>
    </div>
  );
}

const rate = (value: number) => (value >= 10 || value === Math.round(value) ? String(Math.round(value)) : value.toFixed(1));

function joined(kept: Point[], live: Point[], clockOff: number, ended: string | null): Point[] {
  const ours = live.map((point) => ({ ...point, time: new Date(Date.parse(point.time) + clockOff).toISOString() }));
  const all = merge(kept, ours);
  if (!ended) return thin(all, MOST);
  const last = all.at(-1);
  const until = all.filter((point) => point.time < ended);
  return thin(last ? [...until, { ...last, time: ended }] : until, MOST);
}
