import type { Shipment, Wave } from "../../api/types";
import { gateText, isOver, waveReach, waveState, type WaveState } from "../../ship/words";
import { count, dateTime } from "../../text";
import { Badge, type Tone } from "../../ui/Badge";
import { Panel } from "../../ui/Page";
import { Progress } from "../../ui/Progress";

const STATES: Record<WaveState, [Tone, string]> = {
  waiting: ["idle", "Waits for its turn"], open: ["busy", "Open"], soaking: ["warn", "Soaks"], done: ["ok", "Done"], stopped: ["bad", "Stopped by its gate"],
  over: ["idle", "Over"],
};

/** The waves in their order: who is in them, how far each is, what its gate asks for. */
export function Waves({ shipment }: { shipment: Shipment }) {
  return (
    <Panel title="Waves" wide>
      <ol class="track">
        {shipment.waves.map((wave, i) => <One key={wave.number} wave={wave} shipment={shipment} last={i + 1 === shipment.waves.length} />)}
      </ol>
    </Panel>
  );
}

const restOf = ({ size, updated, there, skipped, failed }: Wave) => Math.max(0, size - updated - there - skipped - failed);

function One({ wave, shipment, last }: { wave: Wave; shipment: Shipment; last: boolean }) {
  const { state, soakEnds } = waveState(wave, shipment);
  const [tone, text] = STATES[state];
  const progress = {
    target: wave.size, updated: wave.updated + wave.there, failed: wave.failed, skipped: wave.skipped, rest: restOf(wave), bytes_sent: 0, bytes_full: 0,
  };
  return (
    <li class={state}>
      <div class="head">
        <h3>Wave {wave.number}</h3>
        <Badge tone={tone}>{text}</Badge>
        {soakEnds && <span class="muted">until {dateTime(new Date(soakEnds).toISOString())}</span>}
      </div>
      <p>{waveReach(wave)}</p>
      <Progress progress={progress} over={isOver(shipment)} legend />
      {wave.stuck > 0 && <p class="hint">{count(wave.stuck)} out of attempts: they count as failed for the gate.</p>}
      {!last && <p class="hint">{gateText(wave.gate)}</p>}
    </li>
  );
}
