import { useState } from "preact/hooks";
import { get, getAll, post, remove } from "../../api/client";
import { useAction, useResource } from "../../api/resource";
import { may } from "../../api/session";
import type { Firmware, Shipment, ShipmentWithDevices } from "../../api/types";
import { navigate } from "../../router";
import { previousFirmware } from "../../ship/field";
import { plural } from "../../text";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { ErrorNote } from "../../ui/ErrorNote";
import { Select } from "../../ui/Field";

type Asked = "cancel" | "advance" | "revert" | "delete";

/** What can be done with a shipment as it stands. */
export function Actions({ shipment, onDone }: { shipment: ShipmentWithDevices; onDone: (now: ShipmentWithDevices) => void }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const { id, state, wave, waves, progress } = shipment;
  const act = async (verb: string) => onDone(await post<ShipmentWithDevices>(`/shipments/${id}/${verb}`));
  const turn = useAction(act);
  const running = state === "live" || state === "paused";
  const ask = (what: Asked) => () => setAsked(what);
  const close = () => setAsked(null);
  return (
    <>
      {turn.error && <ErrorNote error={turn.error} />}
      {may("operator") && <>
        {state === "live" && <Button busy={turn.busy} onClick={() => void turn.run("pause")}>Pause</Button>}
        {state === "paused" && <Button kind="primary" busy={turn.busy} onClick={() => void turn.run("resume")}>Resume</Button>}
        {state === "live" && wave < waves.length && <Button onClick={ask("advance")}>Open next wave</Button>}
        {progress.updated > 0 && <Button onClick={ask("revert")}>Ship previous back</Button>}
        {running && <Button kind="danger" onClick={ask("cancel")}>Cancel</Button>}
        {!running && <Button kind="danger" onClick={ask("delete")}>Delete</Button>}
      </>}
      {asked === "cancel" && (
        <Confirm title={`Cancel ${shipment.name}?`} verb="Cancel shipment" danger act={() => act("cancel")} onClose={close}>
          <p>Nothing more is offered; it cannot be resumed. Updates that devices have begun go on, and their outcome is still recorded.
            {" "}{plural(progress.rest, "device")} would be left as {progress.rest === 1 ? "it is" : "they are"}.</p>
        </Confirm>
      )}
      {asked === "advance" && (
        <Confirm title={`Open wave ${wave + 1} now?`} verb="Open it" act={() => act("advance")} onClose={close}>
          <p>Whatever the gate of wave {wave} says: {plural(waves[wave]?.size ?? 0, "device")} more will be offered the firmware.</p>
        </Confirm>
      )}
      {asked === "delete" && (
        <Confirm title={`Delete ${shipment.name}?`} verb="Delete" danger onClose={close}
          act={async () => {
            await remove(`/shipments/${id}`);
            navigate("/shipments");
          }}>
          <p>Its figures, its report and its charts are gone afterwards. Devices stay as they are.</p>
        </Confirm>
      )}
      {asked === "revert" && <Revert shipment={shipment} onClose={close} />}
    </>
  );
}

interface Choices {
  previous: Firmware | null;
  others: Firmware[];
}

/** The version before, found as the server finds it; any other of the type can be chosen in its place. */
async function choices(shipment: Shipment, signal: AbortSignal): Promise<Choices> {
  const [{ shipments }, firmware] = await Promise.all([
    get<{ shipments: Shipment[] }>("/shipments", { limit: 1000 }, signal),
    getAll<Firmware, "firmware">("/firmware", "firmware"),
  ]);
  const others = firmware.filter((one) => one.type === shipment.firmware.type && one.id !== shipment.firmware.id);
  return { previous: previousFirmware(shipment, shipments), others };
}

function Revert({ shipment, onClose }: { shipment: Shipment; onClose: () => void }) {
  const read = useResource(`previous of ${shipment.id}`, (signal) => choices(shipment, signal));
  const [chosen, setChosen] = useState("");
  const { previous = null, others = [] } = read.data ?? {};
  const firmware = chosen || previous?.id || "";
  const running = shipment.state === "live" || shipment.state === "paused";
  const { type, version } = shipment.firmware;
  return (
    <Confirm title="Ship the previous version back?" verb="Ship it back" onClose={onClose} disabled={!firmware}
      act={async () => {
        const back = await post<ShipmentWithDevices>(`/shipments/${shipment.id}/revert`, { firmware });
        navigate(`/shipments/${back.id}`);
      }}>
      {read.error && <ErrorNote error={read.error} retry={read.reload} />}
      <Select label="Firmware" value={firmware} onChange={setChosen}
        options={[...(previous ? [] : [["", "Choose one"] as const]), ...others.map((one) => [one.id, `${one.type} ${one.version} · ${one.name}${one.id === previous?.id ? " (the one before)" : ""}`] as const)]}
        hint={read.data && !previous ? "No earlier shipment has updated devices of this template, so the one before is not known." : undefined} />
      <p>It goes to the devices that run {type} {version} now, all at once, as a shipment of its own.{running && " This shipment is cancelled."}</p>
    </Confirm>
  );
}
