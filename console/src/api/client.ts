/** Calls of the REST interface, and the errors that they end with. */

export type Query = Record<string, string | number | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  /** The ETag that was read: the change is refused if somebody else was faster. */
  ifMatch?: string;
  signal?: AbortSignal;
}

const NEXT_STEPS: Record<number, string> = {
  400: "Correct what it names, and try again.",
  401: "Sign in again.",
  403: "Ask an admin of your organization for the role that this needs.",
  404: "It may have been deleted meanwhile; go back to the list.",
  409: "Reload to see how things stand now, then try again if it still applies.",
  412: "Somebody else changed it meanwhile: reload, look, and try again.",
  413: "Send something smaller.",
  422: "Correct what it names, and try again.",
  429: "Wait a moment, then try again.",
  500: "Try again; the log of tandem-cloud says more.",
  503: "The server is busy: try again in a moment.",
  507: "Free some disk space on the server, then try again.",
};

/** What went wrong, as the server says it (problem+json), and what to do next. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string) {
    super(detail || title);
  }

  get next(): string {
    if (this.status === 0) return "Check that tandem-cloud runs and that you are connected, then try again.";
    return NEXT_STEPS[this.status] ?? "Try again; if it stays, the log of tandem-cloud says more.";
  }
}

/** Called when a call finds that nobody is signed in. */
let signedOut = () => {};
export function onSignedOut(handler: () => void) {
  signedOut = handler;
}

export function urlOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

async function errorOf(response: Response): Promise<ApiError> {
  const problem = await response.json().catch(() => ({}));
  return new ApiError(response.status, problem.title ?? response.statusText, problem.detail ?? "");
}

async function send(method: string, path: string, { query, body, ifMatch, signal }: Options): Promise<Response> {
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["X-Tandem-Request"] = "1";
  if (ifMatch) headers["If-Match"] = ifMatch;
  const raw = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = raw ? "application/octet-stream" : "application/json";
  const payload = body === undefined ? undefined : raw ? body : JSON.stringify(body);
  try {
    return await fetch(urlOf(path, query), { method, headers, body: payload, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "no answer", "The server did not answer.");
  }
}

async function call(method: string, path: string, options: Options = {}): Promise<Response> {
  const response = await send(method, path, options);
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.status === 401 && path !== "/session") signedOut();
  throw error;
}

async function json<T>(method: string, path: string, options?: Options): Promise<T> {
  const response = await call(method, path, options);
  return response.status === 204 || response.headers.get("Content-Length") === "0" ? (undefined as T) : response.json();
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => json<T>("GET", path, { query, signal });
export const post = <T = void>(path: string, body?: unknown, query?: Query) => json<T>("POST", path, { body, query });
export const put = <T = void>(path: string, body: unknown) => json<T>("PUT", path, { body });
export const patch = <T = void>(path: string, body: unknown, ifMatch?: string) => json<T>("PATCH", path, { body, ifMatch });
export const remove = (path: string) => json<void>("DELETE", path);

/** A JSON answer and its ETag, for what is going to be changed. */
export async function getTagged<T>(path: string): Promise<{ value: T; etag: string }> {
  const response = await call("GET", path);
  return { value: await response.json(), etag: response.headers.get("ETag") ?? "" };
}

/** A list that comes whole. */
export const getList = <T, K extends string>(path: string, key: K): Promise<T[]> => get<Record<K, T[]>>(path).then((answer) => answer[key]);

/** Reads a paged list to its end, for lists that stay short. */
export async function getAll<T, K extends string>(path: string, key: K, query: Query = {}): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await get<Record<K, T[]> & { next?: string | null }>(path, { ...query, limit: 1000, cursor });
    all.push(...page[key]);
    cursor = page.next ?? undefined;
  } while (cursor);
  return all;
}
