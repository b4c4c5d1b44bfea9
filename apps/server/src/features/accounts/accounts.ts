// Who asks: accounts with their passwords, and what stands for them, sessions and tokens. Changing a password ends all
// other sessions; signing out ends one.

import { randomBytes } from "node:crypto";
import { permissionsOf } from "@flipside/api/permissions";
import type { User } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { LogLimiter, type Logger } from "../../logging.ts";
import type { AccountRow, ChallengeRow, UserSessionRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { scopeIn, shownScope } from "../../storage/stored-scope.ts";
import { ApiTokens, mayBy, seenBy } from "./api-tokens.ts";
import { AttemptLimiter, type AttemptLimits } from "./attempt-limiter.ts";
import { Challenges, endChallengesOf, hasSecondFactor } from "./challenges.ts";
import { newSessionText, tokenPrefix } from "./credentials.ts";
import { hashPassword, oneTimePassword, type PasswordCost, PasswordQueueFull, passwordMatches } from "./password.ts";
import { SignInDoor } from "./sign-in-door.ts";
import type { SignedIn } from "./signed-in.ts";
import { type CameFrom, endSessionsOf, UserSessions } from "./user-sessions.ts";
import { WatchedSignIns } from "./watched-sign-ins.ts";

const failuresLoggedPerMinute = 60;

export type { User };

export interface Entered {
  user: User;
  session: string;
}

export interface Accounts {
  readonly sessions: UserSessions;
  readonly tokens: ApiTokens;
  /** Whoever tries to sign in passes it, by whatever way. */
  readonly door: SignInDoor;
  readonly challenges: Challenges;
  /**
   * Failed attempts are limited by the address. `secondStep`: the password was right, and the account has a second
   * factor; by this text the browser goes on.
   */
  signIn(userName: string, password: string, from: CameFrom): Promise<Entered | { secondStep: string }>;
  /** `prove` throws ApiError when what is shown is not the account's second factor. */
  takeSecondStep(
    secondStep: string | undefined,
    from: CameFrom,
    prove: (challenge: ChallengeRow) => Promise<void>,
  ): Promise<Entered>;
  /** Throws ApiError; for what takes the password once more. */
  checkPassword(userName: string, password: string, from: CameFrom): Promise<void>;
  /** Says whose it was, if there was such a session. */
  signOut(session: string): Promise<string | undefined>;
  isKnown(userName: string): Promise<boolean>;
  /** Who shows this session or token, or undefined. */
  authenticate(shown: string): Promise<SignedIn | undefined>;
  changePassword(
    userName: string,
    passwords: { current: string; new: string },
    from: CameFrom,
  ): Promise<{ user: User; session: string }>;
  /** A hash of a password for one use, and the password. */
  newOneTimePassword(): Promise<{ password: string; passwordHash: string }>;
  readonly watched: WatchedSignIns;
  /** With no account yet: makes `admin` and returns the password, which is kept nowhere. */
  createFirst(): Promise<{ userName: string; password: string } | undefined>;
}

/** Who signs in at a provider has no password here, and so nothing that could be guessed. */
export const signsInWith = ({ oidcIssuer }: Pick<AccountRow, "oidcIssuer">): User["signsInWith"] =>
  oidcIssuer === null ? "password" : "openid-connect";

/** Throws ApiError. `what`: that can't be done here, as the middle of a sentence. */
export function checkHasPassword(row: Pick<AccountRow, "oidcIssuer" | "userName">, what: string): void {
  if (row.oidcIssuer === null) return;
  throw new ApiError("oidc-account", `${row.userName} signs in at ${row.oidcIssuer}: ${what} there.`);
}

export const viewOfUser = (row: AccountRow): User => ({
  ...{ userName: row.userName, role: row.role, mustChangePassword: row.mustChangePassword },
  signsInWith: signsInWith(row),
  scope: shownScope(scopeIn(row)),
  may: [...permissionsOf(row.role)],
});

/** `passwordCost`: of the passwords that are set from now on; of others, each hash says its own. */
export async function createAccounts(
  storage: Storage,
  clock: Clock,
  passwordCost: PasswordCost,
  log: Logger,
  limits: AttemptLimits = new AttemptLimiter(clock.steadyMs),
): Promise<Accounts> {
  const door = new SignInDoor(limits);
  const now = clock.steadyMs;
  const failures = new LogLimiter(failuresLoggedPerMinute);
  const sessions = new UserSessions(storage, clock);
  const tokens = new ApiTokens(storage, clock);
  const challenges = new Challenges(storage, clock);
  /** Compared with when there is no such user, so that the time taken doesn't tell. */
  const nobodysHash = await hashPassword(randomBytes(16).toString("hex"), passwordCost);

  const find = (userName: string) =>
    storage.db.selectFrom("accounts").selectAll().where("userName", "=", userName).executeTakeFirst();

  /** Never the password; nor a name that is no account's, since it may be a password typed into the wrong field. */
  function logFailure(row: AccountRow | undefined, from: string, what: string): void {
    const suppressed = failures.admit(now());
    if (suppressed !== undefined)
      log.warn(
        { account: row?.userName ?? null, from, ...(suppressed > 0 ? { suppressed } : {}) },
        `sign-in failed: ${what}`,
      );
  }

  /** Counts as a failed attempt until the door is told otherwise. */
  async function check(userName: string, password: string, from: string): Promise<AccountRow> {
    const row = await find(userName);
    await door.enter(from, userName, (what) => logFailure(row, from, what));
    try {
      const hash = row?.oidcIssuer === null ? row.passwordHash : undefined;
      const matches = await passwordMatches(password, hash ?? nobodysHash);
      if (!matches || row === undefined || hash === undefined) {
        const why = row !== undefined && hash === undefined ? "an account of the provider's" : "wrong password";
        logFailure(row, from, row === undefined ? "no such account" : why);
        throw new ApiError("credentials-wrong", "Check both, then try again.");
      }
    } catch (error) {
      if (error instanceof PasswordQueueFull)
        throw new ApiError("server-busy", "Too many people are signing in at once. Try again in a moment.", {
          retryAfterSeconds: 5,
        });
      throw error;
    }
    return row;
  }

  /** Somebody is in: what it took is no failure any more. */
  async function enter(db: Queries, row: AccountRow, from: CameFrom): Promise<string> {
    const still = await db
      .updateTable("accounts")
      .set({ lastSignedInAt: clock.wallMs() })
      .where("userName", "=", row.userName)
      // Another password may have been set since this one was looked at.
      .where("passwordHash", "=", row.passwordHash)
      .returning("userName")
      .executeTakeFirst();
    if (still === undefined) throw new ApiError("credentials-wrong", "Check both, then try again.");
    return sessions.begin(db, row.userName, from);
  }

  async function bySession(text: string): Promise<SignedIn | undefined> {
    const session: UserSessionRow | undefined = await sessions.find(text);
    const row = session && (await find(session.userName));
    if (row === undefined) return undefined;
    const { id, endsAt } = session!;
    return { ...viewOfUser(row), by: { kind: "session", id }, endsAt };
  }

  async function byToken(text: string): Promise<SignedIn | undefined> {
    const token = await tokens.find(text);
    const row = token && (await find(token.userName));
    if (row === undefined) return undefined;
    const { id, name, endsAt } = token!;
    return {
      ...viewOfUser(row),
      may: mayBy(token!, row.role),
      scope: seenBy(token!, row),
      by: { kind: "token", id, name },
      endsAt,
    };
  }

  const authenticate = (shown: string): Promise<SignedIn | undefined> =>
    shown.startsWith(tokenPrefix) ? byToken(shown) : bySession(shown);

  const watched = new WatchedSignIns(authenticate, now);

  async function newOneTimePassword(): Promise<{ password: string; passwordHash: string }> {
    const password = oneTimePassword();
    return { password, passwordHash: await hashPassword(password, passwordCost) };
  }

  return {
    sessions,
    tokens,
    door,
    authenticate,
    watched,
    newOneTimePassword,

    challenges,

    async signIn(userName, password, from) {
      const row = await check(userName, password, from.address);
      const begun = await storage.transaction(async ({ db }) => {
        if (!(await hasSecondFactor(db, userName))) return { session: await enter(db, row, from) };
        const secondStep = newSessionText();
        await challenges.begin(db, secondStep, userName);
        return { secondStep };
      });
      // Half of a sign-in earns nothing: who has guessed a password goes on to be slowed down.
      if (begun.secondStep !== undefined) return { secondStep: begun.secondStep };
      await door.succeeded(from.address, userName);
      log.info({ account: row.userName, from: from.address }, "signed in");
      return { user: viewOfUser(row), session: begun.session };
    },

    async takeSecondStep(text, from, prove) {
      const over = new ApiError("second-step-over", "It took too long, or too many tries, or was never begun.");
      const challenge = text === undefined ? undefined : await challenges.find(text);
      const row = challenge && (await find(challenge.userName));
      if (challenge === undefined || row === undefined) throw over;
      const { userName } = row;
      await door.enter(from.address, userName, (what) => logFailure(row, from.address, what));
      if (!(await challenges.try(challenge))) throw over;
      try {
        await prove(challenge);
      } catch (error) {
        logFailure(row, from.address, "wrong second factor");
        throw error;
      }
      const session = await storage.transaction(async ({ db }) => {
        // By another request at the same moment, or since the password was set anew.
        if (!(await challenges.end(db, challenge))) throw over;
        return enter(db, row, from);
      });
      // Of both steps.
      for (const _ of ["password", "second factor"]) await door.succeeded(from.address, userName);
      log.info({ account: userName, from: from.address }, "signed in with a second factor");
      return { user: viewOfUser(row), session };
    },

    async checkPassword(userName, password, from) {
      const row = await find(userName);
      if (row !== undefined) checkHasPassword(row, "how you sign in is set up");
      await check(userName, password, from.address);
      await door.succeeded(from.address, userName);
    },

    async signOut(session) {
      const userName = await sessions.endByText(session);
      await watched.someEnded();
      return userName;
    },

    isKnown: async (userName) => (await find(userName)) !== undefined,

    async changePassword(userName, passwords, from) {
      const asking = await find(userName);
      if (asking !== undefined) checkHasPassword(asking, "its password is changed");
      await check(userName, passwords.current, from.address);
      await door.succeeded(from.address, userName);
      if (passwords.new === passwords.current) {
        throw new ApiError("validation-failed", "The new password is the old one.", {
          errors: [{ path: "newPassword", message: "must differ from the current one" }],
        });
      }
      const passwordHash = await hashPassword(passwords.new, passwordCost);
      const session = await storage.transaction(async ({ db }) => {
        const set = { passwordHash, mustChangePassword: false };
        await db.updateTable("accounts").set(set).where("userName", "=", userName).execute();
        await endSessionsOf(db, userName);
        await endChallengesOf(db, userName);
        return sessions.begin(db, userName, from);
      });
      await watched.someEnded();
      log.info({ account: userName, from: from.address }, "password changed");
      const row = await find(userName);
      if (row === undefined) throw new ApiError("not-signed-in", "The account was deleted meanwhile.");
      return { user: viewOfUser(row), session };
    },

    async createFirst() {
      const any = await storage.db.selectFrom("accounts").select("userName").limit(1).executeTakeFirst();
      if (any !== undefined) return undefined;
      const { password, passwordHash } = await newOneTimePassword();
      await storage.db
        .insertInto("accounts")
        .values({
          ...{ userName: "admin", role: "administrator" as const, passwordHash, mustChangePassword: true },
          ...{ createdAt: clock.wallMs(), lastSignedInAt: null, oidcIssuer: null, oidcSubject: null },
          scope: null,
        })
        .execute();
      return { userName: "admin", password };
    },
  };
}
