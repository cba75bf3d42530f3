import type { Firmware } from "../../api/types";
import { bytes, count } from "../../text";
import { Facts } from "../../ui/Page";
import { Time } from "../../ui/Time";
import { Signer } from "../Firmware";

/** What the tag says, which devices compare with. */
export const TagFacts = ({ firmware }: { firmware: Firmware }) => (
  <Facts facts={[
    ["Type", firmware.type || null], ["Version", firmware.version || null], ["Build", firmware.build || null],
    ["File", <span class="mono">{firmware.name}</span>], ["Size", `${bytes(firmware.size)} (${count(firmware.size)} bytes)`],
    ["Uploaded", <Time at={firmware.uploaded} absolute />],
  ]} />
);

/** What the package's signed head says. */
export function ManifestFacts({ firmware }: { firmware: Firmware }) {
  const manifest = firmware.package;
  if (!manifest) return <p class="muted">A plain image with a tag: nobody signed it. A device that asks for a signature refuses it.</p>;
  return (
    <Facts facts={[
      ["Signed by", <Signer firmware={firmware} />], ["Key", <span class="mono">{manifest.key_id}</span>], ["Hardware", manifest.hardware || null],
      ["Security counter", count(manifest.counter)], ["Image", bytes(manifest.image_bytes)], ["Encoding", manifest.encoding],
    ]} />
  );
}

export const DigestFacts = ({ firmware }: { firmware: Firmware }) => (
  <dl class="digests">
    {([["SHA-256 of the file", firmware.sha256], ["MD5 of the file", firmware.md5], ["SHA-256 of the image", firmware.package?.image_digest]] as const)
      .filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="mono">{value}</dd></div>)}
  </dl>
);
