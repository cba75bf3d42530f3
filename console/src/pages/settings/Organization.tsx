import { useState } from "preact/hooks";
import { patch } from "../../api/client";
import { useAction } from "../../api/resource";
import { begin, session } from "../../api/session";
import { Button } from "../../ui/Button";
import { ErrorNote, Note } from "../../ui/ErrorNote";
import { Field } from "../../ui/Field";
import { Panel } from "../../ui/Page";

export function OrganizationPart() {
  const own = session.value!.organization;
  const [name, setName] = useState(own.name);
  const [timezone, setTimezone] = useState(own.timezone ?? "");
  const [done, setDone] = useState(false);
  const change = useAction(async () => {
    await patch("/organization", { name, timezone });
    await begin();
    setDone(true);
  });
  return (
    <Panel title="Organization">
      <form class="form" onSubmit={(event) => { event.preventDefault(); setDone(false); void change.run(); }}>
        <Field label="Name" value={name} onInput={setName} required maxLength={40} />
        <Field label="Time zone" value={timezone} onInput={setTimezone} placeholder="the server's" spellcheck={false} maxLength={64}
          hint="Of devices that have none of their own, for preferred times of shipments; such as Europe/Berlin" />
        {change.error && <ErrorNote error={change.error} />}
        {done && <Note kind="ok">It was changed.</Note>}
        <div class="actions"><Button type="submit" busy={change.busy} disabled={name === own.name && timezone === (own.timezone ?? "")}>Save</Button></div>
      </form>
    </Panel>
  );
}
