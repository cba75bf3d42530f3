import { Page } from "../ui/Page";

export function ShipmentsPage() {
  return <Page title="Shipments"><p class="muted">Shipments</p></Page>;
}
