// Who may do what, as administrators see and change it; and one's own sessions and tokens.

import type { Permission, Role } from "@flipside/api/permissions";
import type { Account, ApiToken, UserSession } from "@flipside/api/types";
import { api } from "./http.ts";

/** A part of a list. */
export interface Paged<T> {
  members: T[];
  next: string | null;
}

/** Undefined: the first one. */
type After = string | undefined;
const after = (cursor: After): { after?: string } => (cursor === undefined ? {} : { after: cursor });

export async function accountPage(cursor: After): Promise<Paged<Account>> {
  const { accounts, next } = await api("GET /api/v1/accounts", { query: after(cursor) });
  return { members: accounts, next };
}

/** `scope`: tags of the devices that it sees; null: the whole fleet. */
export const createAccount = (of: {
  userName: string;
  role: Role;
  scope: string[] | null;
}): Promise<{ account: Account; oneTimePassword: string }> => api("POST /api/v1/accounts", { body: of });

export const changeRole = (userName: string, role: Role): Promise<Account> =>
  api("PUT /api/v1/accounts/:userName/role", { params: { userName }, body: { role } });

export const changeScope = (userName: string, scope: string[] | null): Promise<Account> =>
  api("PUT /api/v1/accounts/:userName/scope", { params: { userName }, body: { scope } });

export const resetPassword = (userName: string): Promise<{ account: Account; oneTimePassword: string }> =>
  api("POST /api/v1/accounts/:userName/reset-password", { params: { userName } });

export const deleteAccount = (userName: string): Promise<void> =>
  api("DELETE /api/v1/accounts/:userName", { params: { userName } });

/** Whose: one's own, or everybody's. */
export type Whose = "own" | "all";

export async function sessionPage(whose: Whose, cursor: After): Promise<Paged<UserSession>> {
  const query = after(cursor);
  const { sessions, next } =
    whose === "own" ? await api("GET /api/v1/session/all", { query }) : await api("GET /api/v1/sessions", { query });
  return { members: sessions, next };
}

export const endSession = (whose: Whose, id: string): Promise<void> =>
  whose === "own"
    ? api("DELETE /api/v1/session/all/:id", { params: { id } })
    : api("DELETE /api/v1/sessions/:id", { params: { id } });

export async function tokenPage(whose: Whose, cursor: After): Promise<Paged<ApiToken>> {
  const query = after(cursor);
  const { tokens, next } =
    whose === "own" ? await api("GET /api/v1/session/tokens", { query }) : await api("GET /api/v1/tokens", { query });
  return { members: tokens, next };
}

export const createToken = (of: {
  name: string;
  permissions: Permission[];
  lifeDays: number;
}): Promise<{ token: string; made: ApiToken }> => api("POST /api/v1/session/tokens", { body: of });

export const withdrawToken = (whose: Whose, id: string): Promise<void> =>
  whose === "own"
    ? api("DELETE /api/v1/session/tokens/:id", { params: { id } })
    : api("DELETE /api/v1/tokens/:id", { params: { id } });
