import { useRef, useState } from "preact/hooks";
import { asApiError } from "../../api/resource";
import type { ApiError } from "../../api/client";
import type { Firmware } from "../../api/types";
import { uploadFirmware } from "../../api/upload";
import { percent } from "../../text";
import { ErrorNote, Note } from "../../ui/ErrorNote";
import { Meter } from "../../ui/Progress";

interface Upload {
  file: string;
  share: number;
  firmware?: Firmware;
  known?: boolean;
  error?: ApiError;
}

/** Takes firmware files, dropped or chosen, one after the other; tells how far each is and what became of it. */
export function DropZone({ onUploaded }: { onUploaded: (firmware: Firmware) => void }) {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const change = (file: string, changes: Partial<Upload>) =>
    setUploads((all) => all.map((one) => (one.file === file ? { ...one, ...changes } : one)));
  const send = async (files: File[]) => {
    setUploads(files.map((file) => ({ file: file.name, share: 0 })));
    for (const file of files) {
      try {
        const done = await uploadFirmware(file, (share) => change(file.name, { share }));
        change(file.name, { share: 1, ...done });
        onUploaded(done.firmware);
      } catch (error) {
        change(file.name, { error: asApiError(error) });
      }
    }
    if (input.current) input.current.value = "";
  };
  return (
    <div class="drops">
      <label class={over ? "drop over" : "drop"}
        onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => { event.preventDefault(); setOver(false); void send([...(event.dataTransfer?.files ?? [])]); }}>
        <input ref={input} type="file" multiple class="unseen" aria-label="Firmware file"
          onChange={(event) => void send([...(event.currentTarget.files ?? [])])} />
        <span><strong>Drop a firmware file here</strong>, or <span class="linked">choose one</span></span>
        <span class="hint">A package of tandem pack, or an image with a firmware tag; 64 MB at most.</span>
      </label>
      <div aria-live="polite" class="uploads">
        {uploads.map((one) => <Outcome key={one.file} upload={one} />)}
      </div>
    </div>
  );
}

function Outcome({ upload: { file, share, firmware, known, error } }: { upload: Upload }) {
  if (error) return <ErrorNote error={error} />;
  if (!firmware) {
    const text = share < 1 ? `${percent(share, 1)} sent` : "being checked";
    return <div class="upload"><span class="mono">{file}</span><span class="muted">{text}</span><Meter value={share} max={1} label={`${file}, sent`} /></div>;
  }
  return (
    <Note kind="ok">
      <p><strong>{file}</strong> {known ? "was here already" : "is uploaded"}: <a href={`/firmware/${firmware.id}`}>{firmware.type} {firmware.version}</a></p>
      <a class="button" href={`/shipments/new?firmware=${firmware.id}`}>Ship it</a>
    </Note>
  );
}
