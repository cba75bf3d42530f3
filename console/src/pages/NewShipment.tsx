import { useEffect, useRef, useState } from "preact/hooks";
import { may } from "../api/session";
import { navigate, query } from "../router";
import { change, discard, draft, ownDraft } from "../ship/draft";
import { firmwareProblems, rolloutProblems, targetProblems, type Problems } from "../ship/order";
import { Button, ButtonLink } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Page } from "../ui/Page";
import { FirmwareStep } from "./newShipment/FirmwareStep";
import { ReviewStep } from "./newShipment/ReviewStep";
import { RolloutStep } from "./newShipment/RolloutStep";
import { TargetStep } from "./newShipment/TargetStep";

const STEPS = [
  { title: "Target", Step: TargetStep, check: targetProblems },
  { title: "Firmware", Step: FirmwareStep, check: firmwareProblems },
  { title: "Rollout", Step: RolloutStep, check: rolloutProblems },
  { title: "Review and start", Step: ReviewStep, check: (): Problems => ({}) },
] as const;

/** What the address brings along, from "Ship it" or a list of devices. */
function takeQuery() {
  const template = query.value.get("template");
  const firmware = query.value.get("firmware");
  const filter = query.value.get("filter");
  if (template) change({ template });
  if (firmware) change({ firmware });
  if (filter) change({ filter, reach: "filter" });
}

/** The first step that something is wrong with. */
const firstWrong = () => {
  const wrong = STEPS.findIndex(({ check }) => Object.keys(check(draft.value)).length > 0);
  return wrong < 0 ? STEPS.length - 1 : wrong;
};

export function NewShipmentPage() {
  const [shown, setShown] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const part = useRef<HTMLElement>(null);
  useEffect(() => {
    ownDraft();
    takeQuery();
  }, []);
  const reachable = firstWrong();
  const at = Math.min(Math.max(Number(query.value.get("step") ?? 1) - 1, 0), reachable);
  const { Step, title, check } = STEPS[at]!;
  const go = (step: number) => {
    setShown(false);
    const next = new URLSearchParams(query.value);
    next.set("step", String(step + 1));
    navigate(`/shipments/new?${next}`);
    scrollTo(0, 0);
    requestAnimationFrame(() => heading.current?.focus());
  };
  const forward = () => {
    if (Object.keys(check(draft.value)).length === 0) return go(at + 1);
    setShown(true);
    requestAnimationFrame(() => part.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  if (!may("operator"))
    return (
      <Page title="New shipment" up={{ href: "/shipments", text: "Shipments" }}>
        <Empty title="This takes the role operator" action={<ButtonLink href="/shipments">See the shipments</ButtonLink>}>Ask an admin of your organization for it.</Empty>
      </Page>
    );
  return (
    <Page title="New shipment" up={{ href: "/shipments", text: "Shipments" }}
      actions={<Button kind="quiet" onClick={() => { discard(); go(0); }}>Start over</Button>}>
      <nav aria-label="Steps">
        <ol class="steps">
          {STEPS.map((step, i) => (
            <li key={step.title}>
              <button type="button" aria-current={i === at ? "step" : undefined} disabled={i > reachable} onClick={() => go(i)}>
                <span class="number">{i + 1}</span>{step.title}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <section ref={part} class="step" aria-labelledby="step-title">
        <h2 id="step-title" ref={heading} tabIndex={-1}>{title}</h2>
        <Step problems={shown ? check(draft.value) : {}} />
        {at < STEPS.length - 1 && (
          <div class="actions end">
            {at > 0 && <Button onClick={() => go(at - 1)}>Back</Button>}
            <Button kind="primary" onClick={forward}>Continue</Button>
          </div>
        )}
      </section>
    </Page>
  );
}
