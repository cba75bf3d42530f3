import { useEffect, useState } from "preact/hooks";
import { get, getList, post, remove } from "../api/client";
import { useEvents } from "../api/events";
import { useAction, useResource } from "../api/resource";
import { may } from "../api/session";
import type { Device, Filter, NewDevice } from "../api/types";
import { query, setQuery } from "../router";
import { count } from "../text";
import { OnlineBadge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Empty } from "../ui/Empty";
import { ErrorNote } from "../ui/ErrorNote";
import { Field } from "../ui/Field";
import { Page } from "../ui/Page";
import { Secret } from "../ui/Secret";
import { PagedTable, usePages, type Column } from "../ui/Table";
import { Time } from "../ui/Time";

const PAGE = 50;
const CHIPS = 12; // saved filters that are shown at first: the list is what people came for
const TYPING_MS = 250;

const COLUMNS: Column<Device>[] = [
  {
    title: "Device", sort: "name",
    cell: (row) => <><a href={`/devices/${row.id}`}>{row.name || row.id}</a>{row.name && <span class="sub"> {row.id}</span>}</>,
  },
  { title: "Connection", cell: (row) => (row.revoked ? <span class="tag">token revoked</span> : <OnlineBadge online={row.online} />) },
  {
    title: "Version", sort: "version",
    cell: (row) => row.firmware
      ? <>{row.firmware.version} {row.firmware.state === "trial" && <span class="tag">on trial</span>}<span class="sub"> {row.firmware.type}</span></>
      : <span class="muted">never checked in</span>,
  },
  { title: "Template", cell: (row) => <span class="mono">{row.template}</span>, minor: true },
  { title: "Tags", cell: (row) => row.tags.map((tag) => <a key={tag} class="tag" href={`/devices?filter=tag%3D${tag}`}>{tag}</a>), minor: true },
  { title: "Seen", sort: "seen", cell: (row) => <Time at={row.last_seen} />, minor: true },
];

/** How many the server found, as far as it looked. */
interface Matches {
  filter: string;
  devices: number;
  more: boolean;
}

export function DevicesPage() {
  const [matches, setMatches] = useState<Matches>();
  const filter = query.value.get("filter") ?? "";
  const sort = query.value.get("sort") ?? "id";
  const adding = query.value.get("new") !== null;
  const pages = usePages<Device>(`${filter} ${sort}`, async (cursor, signal) => {
    const page = await get<{ devices: Device[]; next: string | null; count?: Omit<Matches, "filter"> }>(
      "/devices", { filter, sort, limit: PAGE, cursor, count: cursor ? undefined : "true" }, signal);
    if (page.count) setMatches({ filter, ...page.count });
    return { rows: page.devices, next: page.next };
  });
  useEvents((event) => {
    if (event.event === "reset") pages.reload();
    if (event.event === "device")
      pages.change((rows) => rows.map((row) => (row.id === event.id ? { ...row, online: event.change === "online" } : row)));
  });
  return (
    <Page title="Devices" actions={may("operator") && <Button kind="primary" onClick={() => setQuery({ new: "1" })}>Add a device</Button>}>
      <Search filter={filter} />
      <p class="matches muted small" role="status">{matches?.filter === filter && matches.devices > 0 ? matchWords(matches) : "\u00a0"}</p>
      <PagedTable label="Devices" pages={pages} columns={COLUMNS} rowKey={(row) => row.id} expect={12} sort={sort}
        onSort={(next) => setQuery({ sort: next })} empty={<NoDevices filter={filter} more={pages.hasNext} />} />
      {adding && <AddDevice onClose={() => { setQuery({ new: undefined }); pages.reload(); }} />}
    </Page>
  );
}

function matchWords({ filter, devices, more }: Matches) {
  const one = devices === 1 && !more;
  return `${count(devices)}${more ? "+" : ""} ${one ? "device" : "devices"}${filter ? (one ? " matches" : " match") : ""}`;
}

function NoDevices({ filter, more }: { filter: string; more: boolean }) {
  if (more) return <Empty title="None so far">The search has looked at a million devices: go on to the next page.</Empty>;
  if (filter) return (
    <Empty title="No device matches" action={<Button onClick={() => setQuery({ filter: undefined })}>Show all devices</Button>}>
      A word alone is looked for in the names; a term such as <code>version&lt;1.2.0</code> in what devices say of themselves.
    </Empty>
  );
  return (
    <Empty title="No devices yet" action={may("operator") && <Button kind="primary" onClick={() => setQuery({ new: "1" })}>Add a device</Button>}>
      Add one and give its token to the co-processor: <code>tandem-ncp --token-file</code>. It appears here once it connects.
    </Empty>
  );
}

/** The filter of the address, typed or one that was saved under a name. */
function Search({ filter }: { filter: string }) {
  const [text, setText] = useState(filter);
  const [saving, setSaving] = useState(false);
  const [all, setAll] = useState(false);
  const saved = useResource("", () => getList<Filter, "filters">("/filters", "filters"));
  const forget = useAction(async (id: string) => {
    await remove(`/filters/${id}`);
    saved.reload();
  });
  useEffect(() => setText(filter), [filter]);
  useEffect(() => {
    const timer = setTimeout(() => text !== filter && setQuery({ filter: text }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const current = saved.data?.find((one) => one.filter === filter);
  const chips = saved.data?.filter((one, i) => all || i < CHIPS || one === current) ?? [];
  const hidden = (saved.data?.length ?? 0) - chips.length;
  return (
    <search class="search">
      <div class="search-bar">
        <input type="search" aria-label="Search devices" placeholder="Search: a name, or version<1.2.0 online=yes tag=canary" value={text}
          spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
        {may("operator") && filter && !current && <Button onClick={() => setSaving(true)}>Save filter</Button>}
        {may("operator") && current && <Button kind="quiet" busy={forget.busy} onClick={() => void forget.run(current.id)}>Forget “{current.name}”</Button>}
      </div>
      {chips.length > 0 && (
        <div class="chips" role="group" aria-label="Saved filters">
          {chips.map((one) => (
            <button key={one.id} type="button" class="chip" aria-pressed={one === current} title={one.filter}
              onClick={() => setQuery({ filter: one === current ? undefined : one.filter })}>{one.name}</button>
          ))}
          {hidden > 0 && <button type="button" class="chip" onClick={() => setAll(true)}>{hidden} more</button>}
        </div>
      )}
      {forget.error && <ErrorNote error={forget.error} />}
      <details class="hint">
        <summary>What can be searched for</summary>
        <p>
          Terms side by side must all hold. Fields: <code>id name template type version build library hardware digest tag timezone online state meta.NAME</code>.
          Operators: <code>=</code> <code>!=</code> <code>~</code> (contains), and <code>&lt; &lt;= &gt; &gt;=</code> for versions.
          A value with spaces stands in quotes: <code>meta."Site Name"=Berlin</code>.
        </p>
      </details>
      {saving && <SaveFilter filter={filter} onClose={() => { setSaving(false); saved.reload(); }} />}
    </search>
  );
}

function SaveFilter({ filter, onClose }: { filter: string; onClose: () => void }) {
  const [name, setName] = useState("");
  const save = useAction(async () => {
    await post("/filters", { name, filter });
    onClose();
  });
  return (
    <Dialog title="Save this filter" onClose={onClose} onSubmit={save.run} error={save.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={save.busy}>Save</Button></>}>
      <p><code>{filter}</code></p>
      <Field label="Name" value={name} onInput={setName} required autofocus maxLength={40} hint="Shipments can be sent to it by this name, too." />
    </Dialog>
  );
}

function AddDevice({ onClose }: { onClose: () => void }) {
  const [template, setTemplate] = useState("");
  const [name, setName] = useState("");
  const [tags, setTags] = useState("");
  const [made, setMade] = useState<NewDevice>();
  const templates = useResource("", () => getList<{ template: string }, "templates">("/templates", "templates"));
  const add = useAction(async () =>
    setMade(await post<NewDevice>("/devices", { template, name, tags: tags.split(/[\s,]+/).filter(Boolean) })));
  if (made) return (
    <Dialog title={`${made.name || made.id} was added`} onClose={onClose} onSubmit={onClose} actions={<Button type="submit" kind="primary">Done</Button>}>
      <Secret name="token" value={made.token} />
      <p class="muted">Put it into the file that <code>tandem-ncp --token-file</code> names, or use it as the MQTT password with the user name <code>device</code>.</p>
    </Dialog>
  );
  return (
    <Dialog title="Add a device" onClose={onClose} onSubmit={add.run} error={add.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={add.busy}>Add</Button></>}>
      <Field label="Template" value={template} onInput={setTemplate} required autofocus list="templates" hint="The id of its product's template, as the MCU says it" />
      <datalist id="templates">{templates.data?.map((one) => <option key={one.template} value={one.template} />)}</datalist>
      <Field label="Name" value={name} onInput={setName} maxLength={40} hint="Optional, such as where it stands" />
      <Field label="Tags" value={tags} onInput={setTags} hint="Optional, with spaces between: canary berlin" />
    </Dialog>
  );
}
