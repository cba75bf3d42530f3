import type { Progress as Figures } from "../api/types";
import { count, percent } from "../text";

/** How far a shipment is: updated, failed, not needed, and the rest, which stays as it is once the shipment is over. The widths
 *  are attributes of an SVG, which the content security policy allows and a style attribute is not. */
export function Progress({ progress, legend, over }: { progress: Figures; legend?: boolean; over?: boolean }) {
  const { target, updated, failed, skipped, rest } = progress;
  const restText = `${count(rest)} ${over ? "not updated" : "to go"}`;
  const share = (part: number) => (target === 0 ? 0 : (100 * part) / target);
  const parts = [["ok", updated], ["idle", skipped], ["bad", failed]] as const;
  let from = 0;
  return (
    <div class="progress">
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img"
        aria-label={`${updated} of ${target} updated, ${failed} failed, ${skipped} not needed, ${restText}`}>
        {parts.map(([tone, part]) => {
          const bar = <rect key={tone} class={tone} x={from} width={share(part)} height="1" />;
          from += share(part);
          return bar;
        })}
      </svg>
      {legend && (
        <p class="legend">
          <span class="ok">{count(updated)} updated</span>
          <span class="bad">{count(failed)} failed</span>
          {skipped > 0 && <span class="idle">{count(skipped)} not needed</span>}
          {!(over && rest === 0) && <span class="rest">{restText}</span>}
          <span class="share">{percent(updated + skipped, target)}</span>
        </p>
      )}
    </div>
  );
}

/** One number on its way to another, such as bytes that were sent. */
export function Meter({ value, max, label }: { value: number; max: number; label: string }) {
  return <progress value={value} max={Math.max(max, 1)} aria-label={label} />;
}
