import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { ApiError } from "../api/client";
import { useAction } from "../api/resource";
import { Button } from "./Button";
import { ErrorNote } from "./ErrorNote";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons, in a row at the end. */
  actions?: ComponentChildren;
  onSubmit?: () => void;
  error?: ApiError | null;
}

/** A modal dialog: the browser's own, which keeps the focus inside and closes on Escape. */
export function Dialog({ title, onClose, children, actions, onSubmit, error }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => opener?.focus?.();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <form onSubmit={(event) => { event.preventDefault(); onSubmit?.(); }}>
        <h2 id={heading}>{title}</h2>
        {children}
        {error && <ErrorNote error={error} />}
        <div class="actions end">{actions ?? <Button onClick={onClose}>Close</Button>}</div>
      </form>
    </dialog>
  );
}

/** Asks before something that cannot be undone, or that reaches many devices. */
export function Confirm({ title, children, verb, danger, disabled, act, onClose }: {
  title: string; children: ComponentChildren; verb: string; danger?: boolean; disabled?: boolean; act: () => Promise<unknown>; onClose: () => void;
}) {
  const action = useAction(async () => {
    await act();
    onClose();
  });
  return (
    <Dialog title={title} onClose={onClose} error={action.error} onSubmit={action.run}
      actions={<>
        <Button onClick={onClose}>Keep</Button>
        <Button type="submit" kind={danger ? "danger" : "primary"} busy={action.busy} disabled={disabled}>{verb}</Button>
      </>}>
      {children}
    </Dialog>
  );
}
