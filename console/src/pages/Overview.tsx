import { Page } from "../ui/Page";

export function OverviewPage() {
  return <Page title="Overview"><p class="muted">Overview</p></Page>;
}
