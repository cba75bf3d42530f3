import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { may, session } from "../api/session";
import type { Role } from "../api/types";
import { Page } from "../ui/Page";
import { NotFoundPage } from "./NotFound";
import { AccountPart } from "./settings/Account";
import { AuditPart } from "./settings/Audit";
import { KeysPart } from "./settings/Keys";
import { OrganizationPart } from "./settings/Organization";
import { OrganizationsPart } from "./settings/Organizations";
import { TokensPart } from "./settings/Tokens";
import { UsersPart } from "./settings/Users";
import { WebhooksPart } from "./settings/Webhooks";

/** The last part of the address, its name, who may see it. */
const PARTS: [string, string, Role | "host", ComponentType][] = [
  ["account", "Account", "viewer", AccountPart],
  ["tokens", "API tokens", "viewer", TokensPart],
  ["keys", "Signing keys", "viewer", KeysPart],
  ["users", "Users", "admin", UsersPart],
  ["webhooks", "Webhooks", "admin", WebhooksPart],
  ["audit", "Audit log", "admin", AuditPart],
  ["organization", "Organization", "admin", OrganizationPart],
  ["organizations", "All organizations", "host", OrganizationsPart],
];

export function SettingsPage({ part = "account" }: { part?: string }) {
  const open = PARTS.filter(([, , role]) => (role === "host" ? session.value?.host : may(role)));
  const found = open.find(([slug]) => slug === part);
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [part]);
  if (!found) return <NotFoundPage />;
  const Part = found[3];
  return (
    <Page title="Settings">
      <nav ref={tabs} class="tabs" aria-label="Settings">
        {open.map(([slug, text]) => <a key={slug} href={`/settings/${slug}`} aria-current={slug === part ? "page" : undefined}>{text}</a>)}
      </nav>
      <Part key={part} />
    </Page>
  );
}
