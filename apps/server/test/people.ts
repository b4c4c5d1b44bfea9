// Accounts of every role at a server under test, made as an administrator makes them.

import type { Permission, Role } from "@flipside/api/permissions";
import { ApiClient, password } from "./fixture.ts";

/** Signed in, with a password of their own. */
export async function newPerson(
  admin: ApiClient,
  role: Role,
  userName: string = role,
  scope: readonly string[] | null = null,
): Promise<ApiClient> {
  const made = await admin.post("/api/v1/accounts", { userName, role, scope });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const person = new ApiClient(admin.url);
  const currentPassword = made.body.oneTimePassword as string;
  const signedIn = await person.post("/api/v1/session", { userName, password: currentPassword });
  if (signedIn.status !== 200) throw new Error(JSON.stringify(signedIn.body));
  const changed = await person.post("/api/v1/session/password", { currentPassword, newPassword: password });
  if (changed.status !== 200) throw new Error(JSON.stringify(changed.body));
  return person;
}

export interface Shown {
  id: string;
  headers: { authorization: string };
}

export async function newToken(
  person: ApiClient,
  permissions: readonly Permission[],
  more: { lifeDays?: number; scope?: readonly string[] } = {},
): Promise<Shown> {
  const made = await person.post("/api/v1/session/tokens", { name: "for a test", permissions, ...more });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return { id: made.body.made.id, headers: { authorization: `Bearer ${made.body.token}` } };
}
