import { Page } from "../ui/Page";

export function FirmwarePage() {
  return <Page title="Firmware"><p class="muted">Firmware</p></Page>;
}
