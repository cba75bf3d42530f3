import { get, getAll } from "../../api/client";
import { useResource } from "../../api/resource";
import type { AuditEntry, User } from "../../api/types";
import { query, setQuery } from "../../router";
import { actionWords } from "../../text";
import { Badge } from "../../ui/Badge";
import { Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { PagedTable, usePages } from "../../ui/Table";
import { Time } from "../../ui/Time";

const PLACES: Record<string, string> = { d: "/devices/", s: "/shipments/", f: "/firmware/" };

/** Of what the server does by itself, nothing is refused: no delta is made where it would save nothing. */
const Undone = ({ action }: { action: string }) =>
  action === "makeDelta" ? <Badge tone="idle">not made</Badge> : <Badge tone="bad">refused</Badge>;

export function AuditPart() {
  const user = query.value.get("user") ?? "";
  const users = useResource("", () => getAll<User, "users">("/users", "users"));
  const pages = usePages<AuditEntry>(user, async (cursor, signal) => {
    const page = await get<{ entries: AuditEntry[]; next: string | null }>("/audit", { user, limit: 50, cursor }, signal);
    return { rows: page.entries, next: page.next };
  });
  const choices = (users.data ?? []).map((one) => [one.id, one.name || one.login] as const);
  return (
    <Panel title="Who did what" actions={<Select label="User" hideLabel value={user} options={[["", "Everybody"], ...choices]} onChange={(id) => setQuery({ user: id })} />}>
      <PagedTable label="Audit log" pages={pages} rowKey={(row) => row.id} expect={10} empty={<p class="muted">Nothing was changed yet.</p>} columns={[
        { title: "When", cell: (row) => <Time at={row.time} absolute /> },
        { title: "Who", cell: (row) => <>{row.login}<p class="sub">{row.token ? `token ${row.token}` : row.address}</p></> },
        { title: "What", cell: (row) => <>{actionWords(row.action)} <Subject id={row.subject} />{!row.done && <> <Undone action={row.action} /></>}</> },
        { title: "Details", cell: (row) => <Detail detail={row.detail} />, minor: true },
      ]} />
    </Panel>
  );
}

/** What was asked, member by member. */
function Detail({ detail }: { detail: AuditEntry["detail"] }) {
  return (
    <dl class="detail">
      {Object.entries(detail ?? {}).map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd></div>
      ))}
    </dl>
  );
}

function Subject({ id }: { id: string | null }) {
  const place = id && PLACES[id[0]!];
  return place ? <a href={place + id}>{id}</a> : <span class="muted">{id}</span>;
}
