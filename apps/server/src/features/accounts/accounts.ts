// Accounts and the tokens that stand for a sign-in. Tokens are signed by jose with a secret of the database's; changing
// a password makes all earlier ones worthless, signing out makes one worthless.

import { randomBytes } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import type { User } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { newId } from "../../identifiers.ts";
import { LogLimiter, type Logger } from "../../logging.ts";
import type { AccountRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { AttemptLimiter, type AttemptLimits } from "./attempt-limiter.ts";
import { hashPassword, oneTimePassword, type PasswordCost, PasswordQueueFull, passwordMatches } from "./password.ts";

export const tokenLifeSeconds = 12 * 60 * 60;
const failuresLoggedPerMinute = 60;

export type { User };

export interface SignedIn extends User {
  tokenId: string;
  generation: number;
  /** Steady time. */
  expiresAt: number;
}

export interface Accounts {
  /** `from` is the client's address, by which failed attempts are limited. */
  signIn(userName: string, password: string, from: string): Promise<{ user: User; token: string }>;
  signOut(token: string): Promise<void>;
  /** The user whom the token stands for, or undefined. */
  authenticate(token: string): Promise<SignedIn | undefined>;
  changePassword(
    userName: string,
    currentPassword: string,
    newPassword: string,
    from: string,
  ): Promise<{ user: User; token: string }>;
  /** Calls `ended` once, as soon as the sign-in that the token stands for is over. Returns how to stop watching. */
  watch(token: string, user: SignedIn, ended: () => void): () => void;
  /** Ends what watches sign-ins that have expired. */
  tick(): void;
  /** Ends what watches sign-ins that are over by now: another server may have ended them. */
  lookAgain(): Promise<void>;
  /** Who is told that this server has ended a sign-in, to look again elsewhere. */
  onEnded(told: () => void): void;
  /** With no account yet: makes `admin` and returns the password, which is kept nowhere. */
  createFirst(): Promise<{ userName: string; password: string } | undefined>;
}

const viewOf = (row: AccountRow): User => ({
  userName: row.userName,
  role: row.role,
  mustChangePassword: row.mustChangePassword,
});

/** `passwordCost`: of the passwords that are set from now on; of others, each hash says its own. */
export async function createAccounts(
  storage: Storage,
  clock: Clock,
  passwordCost: PasswordCost,
  log: Logger,
  limiter: AttemptLimits = new AttemptLimiter(clock.steadyMs),
): Promise<Accounts> {
  const now = clock.steadyMs;
  const failures = new LogLimiter(failuresLoggedPerMinute);
  const watchers = new Set<{ token: string; user: SignedIn; ended: () => void }>();
  let endedHere = (): void => {};
  const secret = await tokenSecret(storage);
  /** Compared with when there is no such user, so that the time taken doesn't tell. */
  const nobodysHash = await hashPassword(randomBytes(16).toString("hex"), passwordCost);

  const find = (userName: string) =>
    storage.db.selectFrom("accounts").selectAll().where("userName", "=", userName).executeTakeFirst();

  function tokenFor(row: AccountRow): Promise<string> {
    return new SignJWT({ generation: row.tokenGeneration })
      .setProtectedHeader({ alg: "HS256", typ: "flipside-session" })
      .setSubject(row.userName)
      .setJti(newId())
      .setExpirationTime(Math.floor(now() / 1000) + tokenLifeSeconds)
      .sign(secret);
  }

  /** Ends what watches the sign-ins that are meant. */
  function end(isMeant: (user: SignedIn) => boolean): void {
    for (const watcher of [...watchers]) {
      if (!isMeant(watcher.user) || !watchers.delete(watcher)) continue;
      watcher.ended();
    }
  }

  /** Never the password; nor a name that is no account's, since it may be a password typed into the wrong field. */
  function logFailure(row: AccountRow | undefined, from: string, what: string): void {
    const suppressed = failures.admit(now());
    if (suppressed !== undefined)
      log.warn(
        { account: row?.userName ?? null, from, ...(suppressed > 0 ? { suppressed } : {}) },
        `sign-in failed: ${what}`,
      );
  }

  async function check(userName: string, password: string, from: string): Promise<AccountRow> {
    const row = await find(userName);
    const admission = await limiter.begin(from, userName);
    if ("retryAfterSeconds" in admission) {
      const { retryAfterSeconds } = admission;
      logFailure(row, from, "too many attempts from the address");
      throw new ApiError(
        "too-many-attempts",
        `Too many failed attempts came from here. Wait ${retryAfterSeconds} s, then try again.`,
        { retryAfterSeconds },
      );
    }
    if (admission.holdMs > 0) await new Promise((resolve) => setTimeout(resolve, admission.holdMs));
    try {
      const matches = await passwordMatches(password, row?.passwordHash ?? nobodysHash);
      if (!matches || row === undefined) {
        logFailure(row, from, row === undefined ? "no such account" : "wrong password");
        throw new ApiError("credentials-wrong", "Check both, then try again.");
      }
    } catch (error) {
      if (error instanceof PasswordQueueFull)
        throw new ApiError("server-busy", "Too many people are signing in at once. Try again in a moment.", {
          retryAfterSeconds: 5,
        });
      throw error;
    }
    await limiter.succeeded(from, userName);
    return row;
  }

  async function verified(
    token: string,
  ): Promise<{ userName: string; generation: number; tokenId: string; expiresAt: number } | undefined> {
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: ["HS256"],
        typ: "flipside-session",
        currentDate: new Date(now()),
      });
      if (
        typeof payload.sub !== "string" ||
        typeof payload["generation"] !== "number" ||
        typeof payload.jti !== "string" ||
        typeof payload.exp !== "number"
      )
        return undefined;
      return {
        userName: payload.sub,
        generation: payload["generation"],
        tokenId: payload.jti,
        expiresAt: payload.exp * 1000,
      };
    } catch {
      return undefined;
    }
  }

  async function authenticate(token: string): Promise<SignedIn | undefined> {
    const claims = await verified(token);
    if (claims === undefined) return undefined;
    const { tokenId, generation, expiresAt } = claims;
    const row = await find(claims.userName);
    if (row === undefined || row.tokenGeneration !== generation) return undefined;
    const ended = await storage.db
      .selectFrom("endedTokens")
      .select("tokenId")
      .where("tokenId", "=", tokenId)
      .executeTakeFirst();
    return ended === undefined ? { ...viewOf(row), tokenId, generation, expiresAt } : undefined;
  }

  return {
    async signIn(userName, password, from) {
      const row = await check(userName, password, from);
      log.info({ account: row.userName, from }, "signed in");
      return { user: viewOf(row), token: await tokenFor(row) };
    },

    async signOut(token) {
      const claims = await verified(token);
      if (claims === undefined) return;
      await storage.db.deleteFrom("endedTokens").where("expiresAt", "<", now()).execute();
      await storage.db
        .insertInto("endedTokens")
        .values({ tokenId: claims.tokenId, expiresAt: claims.expiresAt })
        .onConflict((c) => c.doNothing())
        .execute();
      end((user) => user.tokenId === claims.tokenId);
      endedHere();
    },

    authenticate,

    watch(token, user, ended) {
      const watcher = { token, user, ended };
      watchers.add(watcher);
      // It may have ended since it was looked at.
      authenticate(token).then(
        (still) => still === undefined && end((other) => other === user),
        () => end((other) => other === user),
      );
      return () => void watchers.delete(watcher);
    },

    tick() {
      const at = now();
      end((user) => user.expiresAt <= at);
    },

    async lookAgain() {
      for (const { token, user } of [...watchers])
        if ((await authenticate(token)) === undefined) end((other) => other === user);
    },

    onEnded(told) {
      endedHere = told;
    },

    async changePassword(userName, currentPassword, newPassword, from) {
      await check(userName, currentPassword, from);
      if (newPassword === currentPassword) {
        throw new ApiError("validation-failed", "The new password is the old one.", {
          errors: [{ path: "newPassword", message: "must differ from the current one" }],
        });
      }
      const passwordHash = await hashPassword(newPassword, passwordCost);
      await storage.db
        .updateTable("accounts")
        .set((q) => ({ passwordHash, mustChangePassword: false, tokenGeneration: q("tokenGeneration", "+", 1) }))
        .where("userName", "=", userName)
        .execute();
      const row = (await find(userName))!;
      end((user) => user.userName === userName && user.generation !== row.tokenGeneration);
      endedHere();
      log.info({ account: userName, from }, "password changed");
      return { user: viewOf(row), token: await tokenFor(row) };
    },

    async createFirst() {
      const any = await storage.db.selectFrom("accounts").select("userName").limit(1).executeTakeFirst();
      if (any !== undefined) return undefined;
      const password = oneTimePassword();
      const passwordHash = await hashPassword(password, passwordCost);
      await storage.db
        .insertInto("accounts")
        .values({
          userName: "admin",
          role: "admin",
          passwordHash,
          mustChangePassword: true,
          tokenGeneration: 1,
          createdAt: clock.wallMs(),
        })
        .execute();
      return { userName: "admin", password };
    },
  };
}

async function tokenSecret(storage: Storage): Promise<Uint8Array> {
  return storage.transaction(async ({ db }) => {
    const row = await db.selectFrom("meta").select("value").where("key", "=", "token-secret").executeTakeFirst();
    if (row !== undefined) return new Uint8Array(row.value);
    const value = randomBytes(32);
    await db.insertInto("meta").values({ key: "token-secret", value }).execute();
    return new Uint8Array(value);
  });
}
