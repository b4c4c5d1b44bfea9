// Accounts, their sessions, ways to sign in, tokens, and what slows guessing down.

import type { Role } from "@flipside/api/permissions";
import type { Selectable } from "kysely";

export interface AccountTable {
  userName: string;
  role: Role;
  passwordHash: string;
  mustChangePassword: boolean;
  createdAt: number;
  lastSignedInAt: number | null;
  /** Of an account that signs in at an OpenID provider, and has no password; null: it has one. */
  oidcIssuer: string | null;
  /** What it is known by there. */
  oidcSubject: string | null;
  /** JSON: tags of the devices that it sees; null: the whole fleet. */
  scope: string | null;
}

/** Of a person. */
export interface UserSessionTable {
  id: string;
  /** SHA-256 of what its cookie holds, hex. */
  hash: string;
  userName: string;
  startedAt: number;
  lastSeenAt: number;
  /** Of steady time. */
  endsAt: number;
  address: string;
  client: string;
  /** What it is known by at the OpenID provider, if it was begun there and the provider says so. */
  oidcSession: string | null;
  /** The provider's ID token, sealed with the session itself. */
  oidcToken: string | null;
}

/** A second factor of an account's. */
export interface PasskeyTable {
  id: string;
  /** As the browser knows it, base64url. */
  credentialId: string;
  userName: string;
  name: string;
  /** COSE, base64url. */
  publicKey: string;
  /** How often it has signed, as it counts itself; many don't, and stay at 0. */
  counter: number;
  /** JSON: how browsers reach it. */
  transports: string;
  isSynced: boolean;
  createdAt: number;
  lastUsedAt: number | null;
}

/** Stands in for a passkey once. */
export interface RecoveryCodeTable {
  /** SHA-256 of it, hex. */
  hash: string;
  userName: string;
}

/** What a browser is asked to have signed by a passkey: to make one, or for the second step of a sign-in. */
export interface ChallengeTable {
  /** SHA-256 of what it is known by, hex. */
  hash: string;
  userName: string;
  /** base64url */
  challenge: string;
  triesLeft: number;
  /** Of steady time. */
  endsAt: number;
}

/** What counts once: its hash, until nobody could come with it anyway. */
export interface UsedOnceTable {
  hash: string;
  /** Of steady time. */
  endsAt: number;
}

export interface ApiTokenTable {
  id: string;
  /** SHA-256 of it, hex. */
  hash: string;
  userName: string;
  name: string;
  /** JSON: Permission[]. */
  permissions: string;
  /** JSON: tags of the devices that it sees, if its account does; null: all that its account sees. */
  scope: string | null;
  createdAt: number;
  /** Of steady time. */
  endsAt: number;
  lastUsedAt: number | null;
}

/** Failed sign-ins, counted across members (features/accounts/shared-attempts.ts). */
export interface SignInCounterTable {
  kind: "address" | "account";
  key: string;
  failures: number;
  since: number;
  nextAt: number;
}

/** Networks that gave an account's right password. */
export interface SignInWelcomeTable {
  account: string;
  network: string;
  at: number;
}

export type AccountRow = Selectable<AccountTable>;
export type UserSessionRow = Selectable<UserSessionTable>;
export type PasskeyRow = Selectable<PasskeyTable>;
export type ChallengeRow = Selectable<ChallengeTable>;
export type ApiTokenRow = Selectable<ApiTokenTable>;
