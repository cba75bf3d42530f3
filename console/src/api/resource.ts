import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./client";

export interface Resource<T> {
  /** The newest answer; it stays while the next one is on its way, so that nothing jumps. */
  data: T | undefined;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
  set: (change: (data: T) => T) => void;
}

export const asApiError = (error: unknown) =>
  error instanceof ApiError ? error : new ApiError(-1, "unexpected", error instanceof Error ? error.message : String(error));

/** Reads what load() reads, again whenever the key changes and when reload() is called. */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [state, setState] = useState<{ key: string; data?: T; error: ApiError | null; loading: boolean }>({ key, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const abort = new AbortController();
    setState((now) => ({ ...now, loading: true }));
    latest.current(abort.signal).then(
      (data) => abort.signal.aborted || setState({ key, data, error: null, loading: false }),
      (error) => abort.signal.aborted || setState((now) => ({ ...now, error: asApiError(error), loading: false })),
    );
    return () => abort.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((now) => now + 1), []);
  const set = useCallback(
    (change: (data: T) => T) => setState((now) => (now.data === undefined ? now : { ...now, data: change(now.data) })), []);
  return { data: state.data, error: state.error, loading: state.loading, reload, set };
}

/** At most one call in a while, the last one always: for reloads that events ask for. */
export function useThrottled(action: () => void, ms: number): () => void {
  const latest = useRef(action);
  latest.current = action;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, ms);
  }, [ms]);
}

/** An action that a button starts: whether it runs, and what it ended with. */
export function useAction<A extends unknown[], R>(act: (...args: A) => Promise<R>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const latest = useRef(act);
  latest.current = act;
  const run = useCallback(async (...args: A): Promise<R | undefined> => {
    setBusy(true);
    setError(null);
    try {
      return await latest.current(...args);
    } catch (caught) {
      setError(asApiError(caught));
      return undefined;
    } finally {
      setBusy(false);
    }
  }, []);
  return { run, busy, error, clear: () => setError(null) };
}
