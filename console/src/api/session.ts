import { signal } from "@preact/signals";
import { connect, disconnect } from "./events";
import { get, onSignedOut, post, put, remove } from "./client";
import type { Role, Self } from "./types";

/** Who is signed in; null for nobody, undefined until that is known. */
export const session = signal<Self | null | undefined>(undefined);

function become(self: Self | null) {
  session.value = self;
  if (self && !self.must_change_password) connect();
  else disconnect();
}

onSignedOut(() => become(null));

/** Whoever opens the page may be signed in already. */
export async function begin() {
  become(await get<Self>("/session").catch((error) => {
    if (error.status === 401) return null;
    throw error;
  }));
}

export async function signIn(login: string, password: string) {
  become(await post<Self>("/session", { login, password }));
}

export async function changePassword(old: string, fresh: string) {
  await put("/session/password", { old, new: fresh });
  await begin();
}

export async function signOut() {
  await remove("/session");
  become(null);
}

const RANKS: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whether whoever is signed in has this role, or more. */
export function may(role: Role): boolean {
  return session.value ? RANKS[session.value.role] >= RANKS[role] : false;
}
