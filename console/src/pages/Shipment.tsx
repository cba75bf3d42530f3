import { useState } from "preact/hooks";
import { get } from "../api/client";
import { useEvents } from "../api/events";
import { useResource, useThrottled } from "../api/resource";
import type { ShipmentWithDevices } from "../api/types";
import { follow } from "../ship/live";
import type { Point } from "../ship/series";
import { attemptsText, CONDITIONS, isOver, lookup, rateText, SLOTS, success } from "../ship/words";
import { bytes, percent } from "../text";
import { StateBadge } from "../ui/Badge";
import { ErrorNote, Note } from "../ui/ErrorNote";
import { Facts, Page, Panel } from "../ui/Page";
import { Progress } from "../ui/Progress";
import { Time } from "../ui/Time";
import { Actions } from "./shipment/Actions";
import { Charts } from "./shipment/Charts";
import { Targets } from "./shipment/Targets";
import { Waves } from "./shipment/Waves";

const LIVE_POINTS = 2000;

export function ShipmentPage({ id }: { id: string }) {
  const read = useResource(`shipment ${id}`, (signal) => get<ShipmentWithDevices>(`/shipments/${id}`, undefined, signal));
  const [live, setLive] = useState<Point[]>([]);
  const reload = useThrottled(read.reload, 1000);
  useEvents((event) => {
    const about = event.event === "target" ? event.shipment : event.event === "shipment" ? event.id : null;
    if (event.event === "reset") reload();
    if (about !== id || event.event === "reset" || event.event === "device") return;
    read.set((shipment) => ({ ...shipment, progress: follow(shipment.progress, event.progress) }));
    setLive((points) => [...points.slice(-LIVE_POINTS), { time: new Date().toISOString(), ...event.progress }]);
    reload();
  });
  const shipment = read.data;
  if (!shipment)
    return (
      <Page title="Shipment" up={{ href: "/shipments", text: "Shipments" }}>
        {read.error && <ErrorNote error={read.error} retry={read.reload} />}
      </Page>
    );
  return (
    <Page title={shipment.name} up={{ href: "/shipments", text: "Shipments" }} note={<StateBadge state={shipment.state} />}
      actions={<Actions shipment={shipment} onDone={(now) => read.set(() => now)} />}>
      {read.error && <ErrorNote error={read.error} retry={read.reload} />}
      {shipment.why && <Note kind={shipment.state === "paused" ? "warn" : "info"}><p role="status"><strong>{state(shipment)}</strong> {shipment.why}.</p></Note>}
      {!shipment.planned && <Note><p role="status">The devices are being split into waves; offers begin afterwards.</p></Note>}
      <Panel title="Progress" wide>
        <Progress progress={shipment.progress} over={isOver(shipment)} legend />
        <Figures shipment={shipment} />
      </Panel>
      <Waves shipment={shipment} />
      <Charts shipment={shipment} live={live} />
      <Targets id={id} />
      <Panel title="What was asked for"><Settings shipment={shipment} /></Panel>
    </Page>
  );
}

const state = ({ state: now }: ShipmentWithDevices) =>
  now === "paused" ? "It paused by itself:" : now === "live" ? "It waits:" : "It ended:";

function Figures({ shipment: { progress, created, ended } }: { shipment: ShipmentWithDevices }) {
  const { updated, failed, bytes_sent: sent, bytes_full: full } = progress;
  return (
    <Facts facts={[
      ["Success, of those that ended", success(updated, failed) ?? (ended ? "none ended" : "none ended yet")],
      ["Sent to updated devices", full > 0 ? <>{bytes(sent)}{sent < full && <span class="muted"> of {bytes(full)}: {percent(full - sent, full)} saved</span>}</> : null],
      ["Started", <Time at={created} absolute />],
      ["Ended", ended ? <Time at={ended} absolute /> : null],
    ]} />
  );
}

function Settings({ shipment }: { shipment: ShipmentWithDevices }) {
  const { firmware, template, all_devices: all, filter, condition, time, user_controlled, expires } = shipment;
  return (
    <Facts facts={[
      ["Firmware", <a href={`/firmware/${firmware.id}`}>{firmware.type} {firmware.version}</a>],
      ["File", <span class="mono">{firmware.name}</span>],
      ["Template", <span class="mono">{template}</span>],
      ["Devices", filter ? <code>{filter}</code> : all ? "All of the template" : "As chosen at the start"],
      ["Condition", lookup(CONDITIONS, condition)],
      ["Preferred time", lookup(SLOTS, time)],
      ["Consent", user_controlled ? "Owners are asked" : "Critical: nobody is asked"],
      ["Attempts", attemptsText(shipment)],
      ["Rate", rateText(shipment) ?? "No limit"],
      ["Expires", expires ? <Time at={expires} absolute /> : "Never"],
    ]} />
  );
}
