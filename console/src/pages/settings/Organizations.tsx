import { useState } from "preact/hooks";
import { get, post, remove } from "../../api/client";
import { useAction } from "../../api/resource";
import { session } from "../../api/session";
import type { NewOrganization, Organization } from "../../api/types";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Secret } from "../../ui/Secret";
import { PagedTable, usePages } from "../../ui/Table";
import { Time } from "../../ui/Time";

export function OrganizationsPart() {
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<Organization>();
  const pages = usePages<Organization>("", async (cursor, signal) => {
    const page = await get<{ organizations: Organization[]; next: string | null }>("/organizations", { cursor }, signal);
    return { rows: page.organizations, next: page.next };
  });
  return (
    <Panel title="Organizations of this server" actions={<Button kind="primary" onClick={() => setAdding(true)}>Add an organization</Button>}>
      <PagedTable label="Organizations" pages={pages} rowKey={(row) => row.id} expect={2} columns={[
        { title: "Organization", cell: (row) => <>{row.name}<span class="sub"> {row.id}</span></> },
        { title: "Made", cell: (row) => <Time at={row.created} absolute none="with the server" /> },
        {
          title: "", align: "end",
          cell: (row) => (row.id === session.value!.organization.id ? <span class="tag">yours</span> : <Button kind="danger" onClick={() => setDeleting(row)}>Delete</Button>),
        },
      ]} />
      {adding && <AddOrganization onClose={() => { setAdding(false); pages.reload(); }} />}
      {deleting && (
        <Confirm title={`Delete ${deleting.name}?`} verb="Delete" danger onClose={() => setDeleting(undefined)} act={() => remove(`/organizations/${deleting.id}`).then(pages.reload)}>
          <p>Its users, tokens and audit log go with it. It must have no devices, firmware or shipments any more.</p>
        </Confirm>
      )}
    </Panel>
  );
}

function AddOrganization({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [login, setLogin] = useState("");
  const [made, setMade] = useState<NewOrganization>();
  const add = useAction(async () => setMade(await post<NewOrganization>("/organizations", { name, login })));
  if (made) return (
    <Dialog title={`${made.name} was made`} onClose={onClose} onSubmit={onClose} actions={<Button type="submit" kind="primary">Done</Button>}>
      <Secret name="one-time password" value={made.password} />
      <p class="muted">Its first admin signs in as <code>{made.admin.login}</code> with it.</p>
    </Dialog>
  );
  return (
    <Dialog title="Add an organization" onClose={onClose} onSubmit={add.run} error={add.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={add.busy}>Add</Button></>}>
      <Field label="Name" value={name} onInput={setName} required autofocus maxLength={40} />
      <Field label="Login of its first admin" value={login} onInput={setLogin} required autocapitalize="none" autocomplete="off" hint="Such as an e-mail address; unique on this server" />
    </Dialog>
  );
}
