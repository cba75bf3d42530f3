import { Page } from "../ui/Page";

export function ShipmentPage({ id }: { id: string }) {
  return <Page title="Shipment"><p class="muted">Shipment {id}</p></Page>;
}
