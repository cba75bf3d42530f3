import { useState } from "preact/hooks";
import { get, patch, post, remove } from "../../api/client";
import { useAction } from "../../api/resource";
import { session } from "../../api/session";
import type { Role, User, UserWithPassword } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Check, Field, Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Secret } from "../../ui/Secret";
import { PagedTable, usePages } from "../../ui/Table";
import { Tagged } from "../../ui/Tagged";
import { Time } from "../../ui/Time";

const ROLES: readonly (readonly [Role, string])[] = [
  ["viewer", "Viewer: sees everything but people and the audit log"],
  ["operator", "Operator: changes devices, firmware and shipments"],
  ["admin", "Admin: also keeps users, and sees the audit log"],
];

export function UsersPart() {
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<User>();
  const pages = usePages<User>("", async (cursor, signal) => {
    const page = await get<{ users: User[]; next: string | null }>("/users", { cursor }, signal);
    return { rows: page.users, next: page.next };
  });
  return (
    <Panel title="Users" actions={<Button kind="primary" onClick={() => setAdding(true)}>Add a user</Button>}>
      <PagedTable label="Users" pages={pages} rowKey={(row) => row.id} expect={3} columns={[
        { title: "User", cell: (row) => <>{row.name || row.login}{row.name && <p class="sub">{row.login}</p>}</> },
        { title: "Role", cell: (row) => row.role },
        { title: "State", cell: (row) => <State user={row} />, minor: true },
        { title: "Last sign-in", cell: (row) => <Time at={row.last_login} />, minor: true },
        { title: "", align: "end", cell: (row) => <Button label={`Edit ${row.login}`} onClick={() => setEditing(row)}>Edit</Button> },
      ]} />
      {adding && <AddUser onClose={() => { setAdding(false); pages.reload(); }} />}
      {editing && (
        <Tagged<User> path={`/users/${editing.id}`} title={editing.login} onClose={() => setEditing(undefined)}>
          {(user, etag) => <EditUser user={user} etag={etag} onClose={() => { setEditing(undefined); pages.reload(); }} />}
        </Tagged>
      )}
    </Panel>
  );
}

function State({ user }: { user: User }) {
  if (user.disabled) return <Badge tone="idle">Disabled</Badge>;
  if (user.must_change_password) return <Badge tone="warn">One-time password</Badge>;
  return <Badge tone="ok">{user.single_sign_on ? "Single sign-on" : "Active"}</Badge>;
}

function OneTime({ user, onClose }: { user: UserWithPassword; onClose: () => void }) {
  return (
    <Dialog title={`${user.name || user.login} may sign in`} onClose={onClose} onSubmit={onClose} actions={<Button type="submit" kind="primary">Done</Button>}>
      <Secret name="one-time password" value={user.password} />
      <p class="muted">Give it to them with the login <code>{user.login}</code>. They choose a password of their own when they sign in.</p>
    </Dialog>
  );
}

function AddUser({ onClose }: { onClose: () => void }) {
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [made, setMade] = useState<UserWithPassword>();
  const add = useAction(async () => setMade(await post<UserWithPassword>("/users", { login, name, role })));
  if (made) return <OneTime user={made} onClose={onClose} />;
  return (
    <Dialog title="Add a user" onClose={onClose} onSubmit={add.run} error={add.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={add.busy}>Add</Button></>}>
      <Field label="Login" value={login} onInput={setLogin} required autofocus autocapitalize="none" autocomplete="off" hint="Such as an e-mail address: a-z, 0-9 and . _ - + @" />
      <Field label="Name" value={name} onInput={setName} maxLength={40} autocomplete="off" />
      <Select label="Role" value={role} options={ROLES} onChange={setRole} />
    </Dialog>
  );
}

function EditUser({ user, etag, onClose }: { user: User; etag: string; onClose: () => void }) {
  const [name, setName] = useState(user.name);
  const [role, setRole] = useState(user.role);
  const [disabled, setDisabled] = useState(user.disabled);
  const [made, setMade] = useState<UserWithPassword>();
  const [deleting, setDeleting] = useState(false);
  const own = user.id === session.value!.user.id;
  const save = useAction(async () => {
    await patch(`/users/${user.id}`, { name, role, disabled }, etag);
    onClose();
  });
  const reset = useAction(async () => setMade(await post<UserWithPassword>(`/users/${user.id}/password`)));
  if (made) return <OneTime user={made} onClose={onClose} />;
  if (deleting) return (
    <Confirm title={`Delete ${user.login}?`} verb="Delete" danger onClose={onClose} act={() => remove(`/users/${user.id}`)}>
      <p>Sessions and tokens go with the user. What the user did stays in the audit log.</p>
    </Confirm>
  );
  return (
    <Dialog title={user.login} onClose={onClose} onSubmit={save.run} error={save.error ?? reset.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={save.busy}>Save</Button></>}>
      <Field label="Name" value={name} onInput={setName} maxLength={40} autofocus />
      <Select label="Role" value={role} options={ROLES} onChange={setRole} />
      <Check label="Disabled" hint="Cannot sign in, and tokens do not work" checked={disabled} onChange={setDisabled} />
      {!own && (
        <div class="actions">
          <Button busy={reset.busy} onClick={() => void reset.run()}>New one-time password</Button>
          <Button kind="danger" onClick={() => setDeleting(true)}>Delete the user</Button>
        </div>
      )}
    </Dialog>
  );
}
