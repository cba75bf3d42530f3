import { Page } from "../ui/Page";

export function NewShipmentPage() {
  return <Page title="New shipment"><p class="muted">New shipment</p></Page>;
}
