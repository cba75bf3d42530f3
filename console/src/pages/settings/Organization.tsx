import { useState } from "preact/hooks";
import { patch } from "../../api/client";
import { useAction } from "../../api/resource";
import { begin, session } from "../../api/session";
import { Button } from "../../ui/Button";
import { ErrorNote, Note } from "../../ui/ErrorNote";
import { Field } from "../../ui/Field";
import { Panel } from "../../ui/Page";

export function OrganizationPart() {
  const [name, setName] = useState(session.value!.organization.name);
  const [done, setDone] = useState(false);
  const rename = useAction(async () => {
    await patch("/organization", { name });
    await begin();
    setDone(true);
  });
  return (
    <Panel title="Organization">
      <form class="form" onSubmit={(event) => { event.preventDefault(); setDone(false); void rename.run(); }}>
        <Field label="Name" value={name} onInput={setName} required maxLength={40} />
        {rename.error && <ErrorNote error={rename.error} />}
        {done && <Note kind="ok">It was renamed.</Note>}
        <div class="actions"><Button type="submit" busy={rename.busy} disabled={name === session.value!.organization.name}>Rename</Button></div>
      </form>
    </Panel>
  );
}
