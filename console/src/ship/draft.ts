/** The shipment being written: it outlives the page, and a sign-in in between. */
import { signal } from "@preact/signals";
import { session } from "../api/session";
import { emptyDraft, type Draft, type GateDraft, type WaveDraft } from "./order";

export const draft = signal<Draft>(emptyDraft());
let writer: string | undefined;

/** Somebody else's draft is not shown. */
export function ownDraft() {
  const user = session.value?.user.id;
  if (writer !== user) draft.value = emptyDraft();
  writer = user;
}

export function discard() {
  draft.value = emptyDraft();
}

export function change(changes: Partial<Draft>) {
  draft.value = { ...draft.value, ...changes };
}

export const changeGate = (changes: Partial<GateDraft>) => change({ gate: { ...draft.value.gate, ...changes } });

export const changeWave = (key: number, changes: Partial<WaveDraft>) =>
  change({ waves: draft.value.waves.map((wave) => (wave.key === key ? { ...wave, ...changes } : wave)) });
