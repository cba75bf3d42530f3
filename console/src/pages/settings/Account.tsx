import { useState } from "preact/hooks";
import { get, remove } from "../../api/client";
import { useAction } from "../../api/resource";
import { changePassword, session, signOut } from "../../api/session";
import type { Session } from "../../api/types";
import { Button } from "../../ui/Button";
import { ErrorNote, Note } from "../../ui/ErrorNote";
import { Field } from "../../ui/Field";
import { Facts, Panel } from "../../ui/Page";
import { ThemeSwitch } from "../../ui/Shell";
import { PagedTable, usePages } from "../../ui/Table";
import { Time } from "../../ui/Time";

export function AccountPart() {
  const { user, role, organization } = session.value!;
  return (
    <div class="panels">
      <Panel title="You" actions={<Button onClick={() => void signOut()}>Sign out</Button>}>
        <Facts facts={[["Login", user.login], ["Name", user.name || null], ["Role", role], ["Organization", organization.name]]} />
        <ThemeSwitch />
      </Panel>
      {session.value!.session && <PasswordPanel />}
      <Panel title="Where you are signed in" wide><Sessions /></Panel>
    </div>
  );
}

function PasswordPanel() {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [done, setDone] = useState(false);
  const change = useAction(async () => {
    await changePassword(old, fresh);
    setOld("");
    setFresh("");
    setDone(true);
  });
  return (
    <Panel title="Password">
      <form class="form" onSubmit={(event) => { event.preventDefault(); setDone(false); void change.run(); }}>
        <Field label="Present password" value={old} onInput={setOld} type="password" autocomplete="current-password" required />
        <Field label="New password" value={fresh} onInput={setFresh} type="password" autocomplete="new-password" required hint="12 characters at least; your other sessions end" />
        {change.error && <ErrorNote error={change.error} />}
        {done && <Note kind="ok">The password was changed.</Note>}
        <div class="actions"><Button type="submit" busy={change.busy}>Change password</Button></div>
      </form>
    </Panel>
  );
}

function Sessions() {
  const pages = usePages<Session>("", async (cursor, signal) => {
    const page = await get<{ sessions: Session[]; next: string | null }>("/sessions", { cursor }, signal);
    return { rows: page.sessions, next: page.next };
  });
  const end = useAction(async (id: string) => {
    await remove(`/sessions/${id}`);
    pages.reload();
  });
  return (
    <>
      {end.error && <ErrorNote error={end.error} />}
      <PagedTable label="Sessions" pages={pages} rowKey={(row) => row.id} expect={2} empty={<p class="muted">No sessions: you use a token.</p>} columns={[
        { title: "Where", cell: (row) => <>{browserOf(row.agent)}<span class="sub"> {row.address}</span></> },
        { title: "Used", cell: (row) => <Time at={row.used} /> },
        { title: "Since", cell: (row) => <Time at={row.created} absolute />, minor: true },
        { title: "", align: "end", cell: (row) => (row.current ? <span class="tag">this one</span> : <Button kind="danger" busy={end.busy} onClick={() => void end.run(row.id)}>End</Button>) },
      ]} />
    </>
  );
}

/** What of a browser's name people know it by. */
function browserOf(agent: string): string {
  const name = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS|Linux)/.exec(agent)?.[1];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera" };
  return name ? `${names[name] ?? name}${system ? ` on ${system}` : ""}` : agent || "unknown";
}
