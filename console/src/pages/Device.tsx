import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { get, patch, post, remove } from "../api/client";
import { useEvents } from "../api/events";
import { useAction, useResource, useThrottled } from "../api/resource";
import { may } from "../api/session";
import type { DeviceWithTimeline, NewDevice, Value, Values, Why } from "../api/types";
import { navigate } from "../router";
import { exactTime, moment, sentence, words } from "../text";
import { updatesOf } from "../updates";
import { Badge, OnlineBadge, StatusBadge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { Confirm, Dialog } from "../ui/Dialog";
import { ErrorNote, Note } from "../ui/ErrorNote";
import { Field } from "../ui/Field";
import { Facts, Page, Panel } from "../ui/Page";
import { Secret } from "../ui/Secret";
import { Table } from "../ui/Table";
import { Tagged } from "../ui/Tagged";
import { Time } from "../ui/Time";
import { UpdateCard, type Live } from "../ui/UpdateCard";

const UPDATES_SHOWN = 3;

export function DevicePage({ id }: { id: string }) {
  const device = useResource(id, (signal) => get<DeviceWithTimeline>(`/devices/${id}`, {}, signal));
  const why = useResource(id, (signal) => get<Why>(`/devices/${id}/why`, {}, signal));
  const values = useResource(id, (signal) => get<Values>(`/devices/${id}/values`, {}, signal));
  const [live, setLive] = useState<Live>();
  const reload = () => {
    device.reload();
    why.reload();
    values.reload();
  };
  const soon = useThrottled(reload, 400);
  useEvents((event) => {
    if (event.event === "target" && event.device === id) setLive(event);
    if (event.event === "reset" || (event.event === "device" && event.id === id) || (event.event === "target" && event.device === id)) soon();
    if (event.event === "shipment") soon();
  });
  if (device.error && !device.data) return <Page title={id} up={{ href: "/devices", text: "Devices" }}><ErrorNote error={device.error} retry={device.reload} /></Page>;
  const known = device.data;
  const updates = updatesOf(known?.timeline ?? []);
  return (
    <Page title={known?.name || id} up={{ href: "/devices", text: "Devices" }}
      note={known && <span class="marks"><OnlineBadge online={known.online} />{known.firmware?.state === "trial" && <Badge tone="warn">On trial</Badge>}<span>{id}</span></span>}
      actions={known && may("operator") && <Actions device={known} changed={reload} />}>
      {known?.revoked && <Note kind="warn">Its token was revoked: it cannot sign in until it gets a new one.</Note>}
      <div class="panels">
        <Panel title="Why is it not updated?">
          {why.error && <ErrorNote error={why.error} retry={why.reload} />}
          <WhyNot device={id} why={why.data} changed={reload} />
        </Panel>
        <Panel title="Device"><DeviceFacts device={known} /></Panel>
        <Panel title="Updates" wide>
          {updates.length === 0 && <p class="muted">No update was offered to it yet.</p>}
          {updates.slice(0, UPDATES_SHOWN).map((update, i) => (
            <UpdateCard key={update.started} update={update} live={i === 0 && live?.shipment === update.shipment ? live : undefined} />
          ))}
          {updates.length > UPDATES_SHOWN && (
            <details><summary>{updates.length - UPDATES_SHOWN} earlier</summary>
              {updates.slice(UPDATES_SHOWN).map((update) => <UpdateCard key={update.started} update={update} />)}
            </details>
          )}
        </Panel>
        <Panel title="Last values">
          {values.error && <ErrorNote error={values.error} retry={values.reload} />}
          <LastValues values={values.data} />
        </Panel>
        <Panel title="Log"><Log timeline={known?.timeline} /></Panel>
      </div>
    </Page>
  );
}

function DeviceFacts({ device }: { device?: DeviceWithTimeline }) {
  const firmware = device?.firmware;
  const facts: [string, ComponentChildren][] = [
    ["Firmware", firmware && `${firmware.type} ${firmware.version}`],
    ["State", firmware?.state && words(firmware.state)],
    ["Build", firmware?.build || null],
    ["Library", firmware?.library],
    ["Hardware", firmware?.hardware],
    ["Security counter", firmware?.counter],
    ["Template", device && <span class="mono">{device.template}</span>],
    ["Tags", device && device.tags.length > 0 ? device.tags.map((tag) => <span key={tag} class="tag">{tag}</span>) : null],
    ["Time zone", device?.location_timezone ?? device?.timezone],
    ["Seen", device && <Time at={device.last_seen} />],
    ["Added", device && <Time at={device.created} absolute />],
    ["Image digest", firmware?.digest && <span class="mono">{firmware.digest.slice(0, 16)}…</span>],
  ];
  return <Facts facts={device ? facts.filter(([, value]) => value !== null && value !== undefined) : facts.map(([name]) => [name, " "])} />;
}

/** How the device stands with a shipment: its end, or whether its turn comes. */
function Outlook({ of: { rule, later, status } }: { of: Why["shipments"][number] }) {
  if (rule === "ended" && status) return <StatusBadge status={status} />;
  if (later) return <Badge tone="busy">Later</Badge>;
  return rule ? <Badge tone="idle">Not offered</Badge> : <Badge tone="ok">Next</Badge>;
}

function WhyNot({ device, why, changed }: { device: string; why?: Why; changed: () => void }) {
  const answer = useAction(async (shipment: string, word: "consent" | "decline") => {
    await post(`/devices/${device}/${word}`, { shipment });
    changed();
  });
  if (!why) return <p>&nbsp;</p>;
  return (
    <>
      <p class="lead">{sentence(why.text)}.</p>
      <ul class="cards">
        {why.shipments.map((one) => (
          <li key={one.id}>
            <p class="row"><a href={`/shipments/${one.id}`}>{one.name}</a><Outlook of={one} /></p>
            <p class="muted small">{one.text}</p>
            {one.rule === "consent" && may("operator") && (
              <div class="actions">
                <Button kind="primary" busy={answer.busy} onClick={() => void answer.run(one.id, "consent")}>The owner agrees</Button>
                <Button busy={answer.busy} onClick={() => void answer.run(one.id, "decline")}>Decline</Button>
              </div>
            )}
          </li>
        ))}
      </ul>
      {answer.error && <ErrorNote error={answer.error} />}
    </>
  );
}

function LastValues({ values }: { values?: Values }) {
  if (!values) return <p>&nbsp;</p>;
  const rows = (["datastreams", "metadata", "properties"] as const)
    .flatMap((kind) => Object.entries(values[kind] as Record<string, Value>).map(([name, value]) => ({ kind, name, ...value })));
  return (
    <Table label="Last values" rows={rows} rowKey={(row) => row.kind + row.name}
      empty={<p class="muted">It has sent no values yet, and was sent none.</p>}
      columns={[
        { title: "Name", cell: (row) => <>{row.name}{row.kind !== "datastreams" && <span class="sub"> {row.kind}</span>}</> },
        { title: "Value", cell: (row) => <span class="mono">{[row.value].flat().join(", ")}</span> },
        { title: "When", cell: (row) => <Time at={row.time} /> },
      ]} />
  );
}

const LOG_SHOWN = 12;

function Log({ timeline = [] }: { timeline?: DeviceWithTimeline["timeline"] }) {
  const [all, setAll] = useState(false);
  const entries = timeline.slice().reverse();
  if (entries.length === 0) return <p class="muted">Nothing happened yet.</p>;
  return (
    <>
      <ol class="log">
        {(all ? entries : entries.slice(0, LOG_SHOWN)).map((entry, i) => (
          <li key={`${entry.time} ${i}`}><time dateTime={entry.time} title={exactTime(entry.time)}>{moment(entry.time)}</time><span class="tag">{entry.event}</span><span>{entry.text}</span></li>
        ))}
      </ol>
      {!all && entries.length > LOG_SHOWN && <Button kind="quiet" onClick={() => setAll(true)}>All {entries.length} entries</Button>}
    </>
  );
}

type Asked = "reboot" | "edit" | "token" | "revoke" | "delete" | null;

function Actions({ device, changed }: { device: DeviceWithTimeline; changed: () => void }) {
  const [asked, setAsked] = useState<Asked>(null);
  const ping = useAction(async () => {
    await post(`/devices/${device.id}/ping`);
    setTimeout(changed, 500); // the answer stands in its log
  });
  const close = () => setAsked(null);
  const path = `/devices/${device.id}`;
  const name = device.name || device.id;
  return (
    <>
      <Button onClick={() => void ping.run()} busy={ping.busy} disabled={!device.online} title="The answer stands in the log">Ping</Button>
      <Button onClick={() => setAsked("reboot")} disabled={!device.online}>Reboot</Button>
      <Button onClick={() => setAsked("edit")}>Edit</Button>
      <Button onClick={() => setAsked("token")}>New token</Button>
      {!device.revoked && <Button kind="danger" onClick={() => setAsked("revoke")}>Revoke token</Button>}
      <Button kind="danger" onClick={() => setAsked("delete")}>Delete</Button>
      {ping.error && <ErrorNote error={ping.error} />}
      {asked === "edit" && (
        <Tagged<DeviceWithTimeline> path={`/devices/${device.id}`} title="Edit the device" onClose={close}>
          {(now, etag) => <Edit device={now} etag={etag} onClose={() => { close(); changed(); }} />}
        </Tagged>
      )}
      {asked === "token" && <RenewToken device={device} onClose={() => { close(); changed(); }} />}
      {asked === "reboot" && (
        <Confirm title={`Reboot ${name}?`} verb="Reboot" onClose={close} act={() => post(`${path}/reboot`).then(changed)}>
          <p>It is told to restart now. An update under way goes on afterwards.</p>
        </Confirm>
      )}
      {asked === "revoke" && (
        <Confirm title={`Revoke the token of ${name}?`} verb="Revoke" danger onClose={close} act={() => remove(`${path}/token`).then(changed)}>
          <p>Its connection closes, and it cannot sign in until it is given a new token by hand.</p>
        </Confirm>
      )}
      {asked === "delete" && (
        <Confirm title={`Delete ${name}?`} verb="Delete" danger onClose={close} act={() => remove(path).then(() => navigate("/devices", true))}>
          <p>Its token stops working, and its history goes with it. This cannot be undone.</p>
        </Confirm>
      )}
    </>
  );
}

function RenewToken({ device, onClose }: { device: DeviceWithTimeline; onClose: () => void }) {
  const [made, setMade] = useState<NewDevice>();
  const renew = useAction(async () => setMade(await post<NewDevice>(`/devices/${device.id}/token`)));
  return (
    <Dialog title={made ? "Its new token" : `A new token for ${device.name || device.id}?`} onClose={onClose} error={renew.error}
      onSubmit={made ? onClose : renew.run}
      actions={made ? <Button type="submit" kind="primary">Done</Button>
        : <><Button onClick={onClose}>Keep the old one</Button><Button type="submit" kind="primary" busy={renew.busy}>Make a new one</Button></>}>
      {made ? <Secret name="token" value={made.token} /> : <p>The old one stops working at once, and the device is disconnected until it has the new one.</p>}
    </Dialog>
  );
}

function Edit({ device, etag, onClose }: { device: DeviceWithTimeline; etag: string; onClose: () => void }) {
  const [name, setName] = useState(device.name);
  const [tags, setTags] = useState(device.tags.join(" "));
  const [timezone, setTimezone] = useState(device.timezone ?? "");
  const save = useAction(async () => {
    const changes = { name, tags: tags.split(/[\s,]+/).filter(Boolean), timezone };
    await patch(`/devices/${device.id}`, changes, etag);
    onClose();
  });
  return (
    <Dialog title="Edit the device" onClose={onClose} onSubmit={save.run} error={save.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={save.busy}>Save</Button></>}>
      <Field label="Name" value={name} onInput={setName} maxLength={40} autofocus />
      <Field label="Tags" value={tags} onInput={setTags} hint="With spaces between: canary berlin" />
      <Field label="Time zone" value={timezone} onInput={setTimezone} hint="For preferred times of shipments, such as Europe/Berlin; without one its organization's counts" />
    </Dialog>
  );
}
