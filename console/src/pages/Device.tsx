import { Page } from "../ui/Page";

export function DevicePage({ id }: { id: string }) {
  return <Page title="Device"><p class="muted">Device {id}</p></Page>;
}
