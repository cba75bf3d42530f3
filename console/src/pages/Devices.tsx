import { Page } from "../ui/Page";

export function DevicesPage() {
  return <Page title="Devices"><p class="muted">Devices</p></Page>;
}
