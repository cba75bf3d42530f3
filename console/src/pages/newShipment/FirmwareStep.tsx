import { getAll } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Firmware } from "../../api/types";
import { change, draft } from "../../ship/draft";
import type { Problems } from "../../ship/order";
import { ErrorNote } from "../../ui/ErrorNote";
import { Select } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { DropZone } from "../firmware/DropZone";
import { ManifestFacts, TagFacts } from "../firmware/Facts";

/** What is shipped. */
export function FirmwareStep({ problems }: { problems: Problems }) {
  const list = useResource("firmware", () => getAll<Firmware, "firmware">("/firmware", "firmware"));
  const known = list.data ?? [];
  const chosen = known.find((one) => one.id === draft.value.firmware);
  const take = (firmware: Firmware) => {
    change({ firmware: firmware.id });
    list.reload();
  };
  const options = [["", known.length ? "Choose a firmware" : "None is uploaded yet"], ...known.map((one) => [one.id, `${one.type} ${one.version} · ${one.name}`])] as [string, string][];
  return (
    <div class="panels">
      <Panel title="File">
        {list.error && <ErrorNote error={list.error} retry={list.reload} />}
        <Select label="Firmware" value={chosen ? draft.value.firmware : ""} options={options} onChange={(firmware) => change({ firmware })}
          hint={problems.firmware ? <span class="bad">{problems.firmware}</span> : "Of those that are uploaded, newest first."} />
        <DropZone onUploaded={take} />
      </Panel>
      {chosen && <Panel title={`${chosen.type} ${chosen.version}`}>
        <TagFacts firmware={chosen} />
        <h3>Manifest</h3>
        <ManifestFacts firmware={chosen} />
      </Panel>}
    </div>
  );
}
