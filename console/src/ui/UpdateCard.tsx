import type { LiveEvent } from "../api/events";
import { bytes, clock, duration, percent, sentence } from "../text";
import { STEPS, stepOfStage, type Step, type Update } from "../updates";
import { Badge, type Tone } from "./Badge";
import { Meter } from "./Progress";
import { Time } from "./Time";

export type Live = Extract<LiveEvent, { event: "target" }>;

const TONES: Record<Update["outcome"], Tone> = { "under way": "busy", success: "ok", rollback: "bad", failed: "bad", over: "idle" };
const NAMES: Record<Update["outcome"], string> = {
  "under way": "Under way", success: "Success", rollback: "Rolled back", failed: "Failed", over: "Put off",
};
const STATES: Record<Step["state"], string> = { done: "done", active: "under way", failed: "failed", untold: "not told by this device", ahead: "not yet" };

/** One update of a device: both legs on one line, step by step. */
export function UpdateCard({ update, live }: { update: Update; live?: Live }) {
  const took = update.ended ? Date.parse(update.ended) - Date.parse(update.started) : null;
  return (
    <article class="update">
      <header class="row">
        <div>
          {update.shipmentName !== null
            ? <a href={`/shipments/${update.shipment}`} title={update.shipmentName}>{sentence(update.text)}</a>
            : <>{sentence(update.text)} <span class="tag">shipment deleted</span></>}
          <p class="muted small"><Time at={update.started} absolute />{took !== null && ` · took ${duration(took)}`}</p>
        </div>
        <Badge tone={TONES[update.outcome]}>{NAMES[update.outcome]}</Badge>
      </header>
      <div class="legs" aria-hidden="true"><span>Cloud to co-processor</span><span>Co-processor to MCU</span></div>
      <ol class="journey">
        {update.steps.map((step, i) => (
          <li key={i} class={step.state} aria-label={`${STEPS[i]!.name}: ${STATES[step.state]}`}>
            <span class="name">{STEPS[i]!.name}</span>
            <span class="muted small">{step.at ? <time dateTime={step.at}>{clock(step.at)}</time> : step.state === "untold" ? "not told" : " "}</span>
            {live && update.outcome === "under way" && stepOfStage(live.stage) === i && live.bytes !== null && live.size !== null && (
              <span class="live-bytes">
                <Meter value={live.bytes} max={live.size} label={STEPS[i]!.name} />
                <span class="muted small">{bytes(live.bytes)} · {percent(live.bytes, live.size)}</span>
              </span>
            )}
          </li>
        ))}
      </ol>
      {update.why && <p class={update.outcome === "over" ? "muted" : "hint bad"}>{update.why} <span class="mono muted">{update.reason}</span></p>}
    </article>
  );
}
