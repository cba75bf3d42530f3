import { afterEach, expect, test, vi } from "vitest";
import { ApiError, get, getAll, onSignedOut, patch, post, urlOf } from "../src/api/client";

const fetched = vi.fn<typeof fetch>();
vi.stubGlobal("fetch", fetched);
afterEach(() => fetched.mockReset());

const answer = (status: number, body?: unknown, headers?: Record<string, string>) =>
  new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
const failure = (call: Promise<unknown>): Promise<ApiError> => call.then(() => { throw new Error("it did not fail"); }, (error) => error);
const sent = (call = 0) => ({ url: fetched.mock.calls[call]![0], ...fetched.mock.calls[call]![1] }) as RequestInit & { url: string };

test("what is not given is not sent, and what is given is encoded", () => {
  expect(urlOf("/devices", { filter: "name~a b", sort: undefined, cursor: "" })).toBe("/api/v1/devices?filter=name%7Ea+b");
});

test("changes carry the header that another site cannot make a browser send; reads do not", async () => {
  fetched.mockImplementation(async () => answer(200, {}));
  await get("/devices");
  await post("/devices", { name: "a" });
  expect(sent(0).headers).toEqual({});
  expect(sent(1).headers).toEqual({ "X-Tandem-Request": "1", "Content-Type": "application/json" });
  expect(sent(1).body).toBe('{"name":"a"}');
});

test("a change can be bound to the state that was read", async () => {
  fetched.mockResolvedValue(answer(200, {}));
  await patch("/users/u1", { name: "A" }, '"7"');
  expect(sent().headers).toMatchObject({ "If-Match": '"7"' });
});

test("an error says what the server says, and what to do next", async () => {
  fetched.mockResolvedValue(answer(422, { status: 422, title: "not a firmware", detail: "no firmware tag in app.hex" }));
  const error = await failure(post("/firmware"));
  expect(error).toBeInstanceOf(ApiError);
  expect([error.status, error.title, error.message]).toEqual([422, "not a firmware", "no firmware tag in app.hex"]);
  expect(error.next).toMatch(/Correct/);
});

test("what is wrong in a form is to be corrected, not tried again", async () => {
  fetched.mockResolvedValue(answer(400, { status: 400, title: "malformed request", detail: "login must be 1 to 100 of a-z" }));
  expect((await failure(post("/users"))).next).toMatch(/Correct/);
});

test("a server that does not answer is an error like any other", async () => {
  fetched.mockRejectedValue(new TypeError("network"));
  const error = await failure(get("/devices"));
  expect(error.status).toBe(0);
  expect(error.next).toMatch(/tandem-cloud runs/);
});

test("a session that has ended is told, a wrong password is not taken for one", async () => {
  const ended = vi.fn();
  onSignedOut(ended);
  fetched.mockImplementation(async () => answer(401, { title: "not signed in" }));
  await failure(post("/session", {}));
  expect(ended).not.toHaveBeenCalled();
  await failure(get("/devices"));
  expect(ended).toHaveBeenCalledOnce();
});

test("an answer without a body is nothing", async () => {
  fetched.mockResolvedValue(answer(204));
  expect(await post("/session/password", {})).toBeUndefined();
});

test("a list is read page by page to its end", async () => {
  fetched.mockResolvedValueOnce(answer(200, { users: [1, 2], next: "c" })).mockResolvedValueOnce(answer(200, { users: [3], next: null }));
  expect(await getAll("/users", "users")).toEqual([1, 2, 3]);
  expect(sent(1).url).toContain("cursor=c");
});
