import { useState } from "preact/hooks";
import { get, getList, post, put, remove } from "../../api/client";
import { useAction, useResource } from "../../api/resource";
import { may } from "../../api/session";
import type { Key, Retention } from "../../api/types";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { ErrorNote } from "../../ui/ErrorNote";
import { Field, TextArea } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Table } from "../../ui/Table";
import { Time } from "../../ui/Time";

export function KeysPart() {
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<Key>();
  const keys = useResource("", () => getList<Key, "keys">("/keys", "keys"));
  return (
    <>
      <Panel title="Signing keys" actions={may("admin") && <Button kind="primary" onClick={() => setAdding(true)}>Add a public key</Button>}>
        <p class="muted">With them the server says who signed a package, and refuses what is forged. Devices judge for themselves, always.</p>
        {keys.error && <ErrorNote error={keys.error} retry={keys.reload} />}
        <Table label="Signing keys" rows={keys.data} rowKey={(row) => row.id} expect={2}
          empty={<Empty title="No keys yet">Add the file <code>.pub</code> that <code>tandem keygen</code> writes beside a signing key.</Empty>} columns={[
            { title: "Name", cell: (row) => row.name },
            { title: "Key id", cell: (row) => <span class="mono">{row.key_id}</span> },
            { title: "Added", cell: (row) => <Time at={row.created} />, minor: true },
            { title: "", align: "end", cell: (row) => may("admin") && <Button kind="danger" onClick={() => setDeleting(row)}>Forget</Button> },
          ]} />
      </Panel>
      <RetentionPanel />
      {adding && <AddKey onClose={() => { setAdding(false); keys.reload(); }} />}
      {deleting && (
        <Confirm title={`Forget ${deleting.name}?`} verb="Forget" danger onClose={() => setDeleting(undefined)} act={() => remove(`/keys/${deleting.id}`).then(keys.reload)}>
          <p>Packages are no longer said to be signed by it. Devices that trust it go on doing so.</p>
        </Confirm>
      )}
    </>
  );
}

function AddKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [pem, setPem] = useState("");
  const add = useAction(async () => {
    await post("/keys", { name, pem });
    onClose();
  });
  return (
    <Dialog title="Add a public key" onClose={onClose} onSubmit={add.run} error={add.error}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" kind="primary" busy={add.busy}>Add</Button></>}>
      <Field label="Name" value={name} onInput={setName} required autofocus maxLength={40} placeholder="release 2026" />
      <TextArea label="Public key (PEM)" value={pem} onInput={setPem} hint="ECDSA P-256, from -----BEGIN PUBLIC KEY----- on; never a private key" />
    </Dialog>
  );
}

function RetentionPanel() {
  const retention = useResource("", (signal) => get<Retention>("/retention", {}, signal));
  const [change, setChange] = useState<{ days: string; keep: string }>();
  const shown = change ?? { days: String(retention.data?.days ?? ""), keep: String(retention.data?.keep ?? "") };
  const save = useAction(async () => {
    await put("/retention", { days: Number(shown.days), keep: Number(shown.keep) });
    setChange(undefined);
    retention.reload();
  });
  return (
    <Panel title="How long firmware is kept">
      <form class="form" onSubmit={(event) => { event.preventDefault(); void save.run(); }}>
        <div class="fields">
          <Field label="Days" type="number" min={0} value={shown.days} disabled={!may("admin")} onInput={(days) => setChange({ ...shown, days })} hint="0: everything is kept" />
          <Field label="Newest of each type" type="number" min={0} value={shown.keep} disabled={!may("admin")} onInput={(keep) => setChange({ ...shown, keep })} hint="Kept, however old they are" />
        </div>
        <p class="muted">What a device runs, or a live shipment needs, is never deleted.</p>
        {(save.error ?? retention.error) && <ErrorNote error={(save.error ?? retention.error)!} />}
        {may("admin") && <div class="actions"><Button type="submit" busy={save.busy} disabled={!change}>Save</Button></div>}
      </form>
    </Panel>
  );
}
