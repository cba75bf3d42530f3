import { Page } from "../ui/Page";

export function SettingsPage({ part }: { part?: string }) {
  return <Page title="Settings"><p class="muted">{part}</p></Page>;
}
