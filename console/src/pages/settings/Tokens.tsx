import { useState } from "preact/hooks";
import { get, post, remove } from "../../api/client";
import { useAction } from "../../api/resource";
import { session } from "../../api/session";
import type { Area, NewToken, Role, Token } from "../../api/types";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { Check, Field, Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Secret } from "../../ui/Secret";
import { PagedTable, usePages } from "../../ui/Table";
import { Time } from "../../ui/Time";

const RANKS: Role[] = ["viewer", "operator", "admin"];

export function TokensPart() {
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token>();
  const pages = usePages<Token>("", async (cursor, signal) => {
    const page = await get<{ tokens: Token[]; next: string | null }>("/tokens", { cursor }, signal);
    return { rows: page.tokens, next: page.next };
  });
  const make = <Button kind="primary" onClick={() => setMaking(true)}>Make a token</Button>;
  return (
    <Panel title="API tokens" actions={make}>
      <p class="muted">For programs: the <code>tandem</code> command, build servers, Prometheus. A token may what its role and areas allow, and never more than you.</p>
      <PagedTable label="API tokens" pages={pages} rowKey={(row) => row.id} expect={3}
        empty={<Empty title="No tokens yet">Make one for each program, so that each can be revoked by itself.</Empty>} columns={[
          { title: "Token", cell: (row) => <>{row.name || row.id}<span class="sub"> {row.user === session.value!.user.id ? "yours" : row.user}</span></> },
          { title: "Role", cell: (row) => row.role },
          { title: "Areas", cell: (row) => (row.areas.length >= session.value!.areas.length ? "all" : row.areas.join(", ")), minor: true },
          { title: "Used", cell: (row) => <Time at={row.used} />, minor: true },
          { title: "Ends", cell: (row) => <Time at={row.expires} />, minor: true },
          { title: "", align: "end", cell: (row) => <Button kind="danger" onClick={() => setEnding(row)}>Revoke</Button> },
        ]} />
      {making && <MakeToken onClose={() => { setMaking(false); pages.reload(); }} />}
      {ending && (
        <Confirm title={`Revoke ${ending.name || ending.id}?`} verb="Revoke" danger onClose={() => setEnding(undefined)}
          act={() => remove(`/tokens/${ending.id}`).then(pages.reload)}>
          <p>Programs that use it are refused from now on. This cannot be undone.</p>
        </Confirm>
      )}
    </Panel>
  );
}

function MakeToken({ onClose }: { onClose: () => void }) {
  const { role: own, areas: ownAreas } = session.value!;
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState("90");
  const [areas, setAreas] = useState<Area[]>(ownAreas);
  const [made, setMade] = useState<NewToken>();
  const make = useAction(async () =>
    setMade(await post<NewToken>("/tokens", { name, role, ...(areas.length < ownAreas.length && { areas }), ...(days && { days: Number(days) }) })));
  if (made) return (
    <Dialog title={`Token ${made.name}`} onClose={onClose} onSubmit={onClose} actions={<Button type="submit" kind="primary">Done</Button>}>
      <Secret name="token" value={made.token} />
    </Dialog>
  );
  const toggle = (area: Area, on: boolean) => setAreas(on ? [...areas, area] : areas.filter((one) => one !== area));
  return (
    <Dialog title="Make a token" onClose={onClose} onSubmit={make.run} error={make.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={make.busy} disabled={areas.length === 0}>Make</Button></>}>
      <Field label="Name" value={name} onInput={setName} required autofocus maxLength={40} hint="The program that will use it" />
      <Select label="Role" value={role} onChange={setRole} options={RANKS.slice(0, RANKS.indexOf(own) + 1).map((one) => [one, one] as const)} />
      <Field label="Days" value={days} onInput={setDays} type="number" min={1} max={3650} hint="Empty: without an end" />
      <fieldset>
        <legend>Areas</legend>
        <div class="checks">{ownAreas.map((area) => <Check key={area} label={area} checked={areas.includes(area)} onChange={(on) => toggle(area, on)} />)}</div>
      </fieldset>
    </Dialog>
  );
}
