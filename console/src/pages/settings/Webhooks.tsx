import { useState } from "preact/hooks";
import { get, patch, post, remove } from "../../api/client";
import { useAction } from "../../api/resource";
import type { Delivery, NewWebhook, Webhook, WebhookEvent } from "../../api/types";
import { words } from "../../text";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { Check, Field } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Secret } from "../../ui/Secret";
import { PagedTable, usePages } from "../../ui/Table";
import { Time } from "../../ui/Time";

const EVENTS: WebhookEvent[] = ["shipment.live", "shipment.paused", "shipment.finished", "shipment.cancelled", "target.ended"];

export function WebhooksPart() {
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<Webhook>();
  const pages = usePages<Webhook>("", async (cursor, signal) => {
    const page = await get<{ webhooks: Webhook[]; next: string | null }>("/webhooks", { cursor }, signal);
    return { rows: page.webhooks, next: page.next };
  });
  return (
    <Panel title="Webhooks" actions={<Button kind="primary" onClick={() => setAdding(true)}>Add a webhook</Button>}>
      <PagedTable label="Webhooks" pages={pages} rowKey={(row) => row.id} expect={2}
        empty={<Empty title="No webhooks yet">Add one, and another program is told when a shipment goes live, stops or ends.</Empty>} columns={[
          { title: "Address", cell: (row) => <span class="mono">{row.url}</span> },
          { title: "Events", cell: (row) => (row.events.length > 0 ? row.events.join(", ") : "all"), minor: true },
          { title: "State", cell: (row) => <Badge tone={row.disabled ? "idle" : "ok"}>{row.disabled ? "Disabled" : "Active"}</Badge> },
          { title: "", align: "end", cell: (row) => <Button label={`Show ${row.url}`} onClick={() => setShown(row)}>Show</Button> },
        ]} />
      {adding && <AddWebhook onClose={() => { setAdding(false); pages.reload(); }} />}
      {shown && <ShowWebhook webhook={shown} onClose={() => { setShown(undefined); pages.reload(); }} />}
    </Panel>
  );
}

function AddWebhook({ onClose }: { onClose: () => void }) {
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<WebhookEvent[]>(EVENTS);
  const [made, setMade] = useState<NewWebhook>();
  const add = useAction(async () => setMade(await post<NewWebhook>("/webhooks", { url, events })));
  if (made) return (
    <Dialog title="The webhook was added" onClose={onClose} onSubmit={onClose} actions={<Button type="submit" kind="primary">Done</Button>}>
      <Secret name="secret" value={made.secret} />
      <p class="muted">Every message is signed with it: check the header <code>Tandem-Signature</code>.</p>
    </Dialog>
  );
  const toggle = (event: WebhookEvent, on: boolean) => setEvents(on ? [...events, event] : events.filter((one) => one !== event));
  return (
    <Dialog title="Add a webhook" onClose={onClose} onSubmit={add.run} error={add.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={add.busy} disabled={events.length === 0}>Add</Button></>}>
      <Field label="Address" type="url" value={url} onInput={setUrl} required autofocus placeholder="https://example.com/hook" />
      <fieldset>
        <legend>Events</legend>
        {EVENTS.map((event) => <Check key={event} label={event} checked={events.includes(event)} onChange={(on) => toggle(event, on)} />)}
      </fieldset>
    </Dialog>
  );
}

function ShowWebhook({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const path = `/webhooks/${webhook.id}`;
  const pages = usePages<Delivery>(webhook.id, async (cursor, signal) => {
    const page = await get<{ deliveries: Delivery[]; next: string | null }>(`${path}/deliveries`, { limit: 5, cursor }, signal);
    return { rows: page.deliveries, next: page.next };
  });
  const act = useAction(async (what: "test" | "toggle" | "delete") => {
    if (what === "test") {
      await post(`${path}/test`);
      setTimeout(pages.reload, 1000);
      return;
    }
    if (what === "toggle") await patch(path, { disabled: !webhook.disabled });
    else await remove(path);
    onClose();
  });
  return (
    <Dialog title="Webhook" onClose={onClose} error={act.error} actions={
      <>
        <Button kind="danger" busy={act.busy} onClick={() => void act.run("delete")}>Delete</Button>
        <Button busy={act.busy} onClick={() => void act.run("toggle")}>{webhook.disabled ? "Enable" : "Disable"}</Button>
        <Button busy={act.busy} onClick={() => void act.run("test")}>Send a test</Button>
        <Button kind="primary" onClick={onClose}>Close</Button>
      </>}>
      <p class="mono">{webhook.url}</p>
      <PagedTable label="Deliveries" pages={pages} rowKey={(row) => row.id} expect={3} empty={<p class="muted">Nothing was sent in the last 7 days.</p>} columns={[
        { title: "Event", cell: (row) => <>{row.event}<p class="sub"><Time at={row.created} /></p></> },
        {
          title: "Outcome",
          cell: (row) => (
            <>
              <Badge tone={row.state === "delivered" ? "ok" : row.state === "waiting" ? "busy" : "bad"}>{words(row.state)}</Badge>
              {row.error && <p class="sub">{row.error}</p>}
            </>
          ),
        },
      ]} />
    </Dialog>
  );
}
