import { ButtonLink } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Page } from "../ui/Page";

export function NotFoundPage() {
  return (
    <Page title="No such page">
      <Empty title="Nothing is at this address" action={<ButtonLink href="/" kind="primary">Go to the overview</ButtonLink>}>
        The link may be old, or mistyped.
      </Empty>
    </Page>
  );
}
