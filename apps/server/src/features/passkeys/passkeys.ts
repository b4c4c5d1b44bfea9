// Passkeys as the second factor of local accounts: WebAuthn through the package @simplewebauthn/server, and recovery
// codes for who has lost them. The password comes first, so a passkey shows that somebody has a thing: user
// verification (its PIN, a finger) is preferred, and not demanded, and plain security keys will do.

import {
  type AuthenticationResponseJSON,
  type AuthenticatorTransportFuture,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { passkeysPerAccountMax } from "@flipside/api/limits";
import type { Passkey, PasskeyAnswer } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull, newId } from "../../identifiers.ts";
import type { Logger } from "../../logging.ts";
import type { ChallengeRow, PasskeyRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { type Challenges, removeSecondFactorsOf } from "../accounts/challenges.ts";
import { hashOf } from "../accounts/credentials.ts";
import { oneTimePassword } from "../accounts/password.ts";

const recoveryCodesMade = 10;
/** How long a browser waits for its owner. */
const promptMs = 2 * 60 * 1000;

export interface PasskeyOptions {
  storage: Storage;
  clock: Clock;
  challenges: Challenges;
  /** Of the server, as browsers reach it: passkeys are bound to its host (the relying party's id) and origin. */
  publicUrl: URL | undefined;
  log: Logger;
}

/** As `challenges` knows what is under way to make one, apart from any session's text. */
const makingBy = (sessionId: string): string => `passkey of session ${sessionId}`;

/** As people type it: small and capital letters, blanks and dashes make no difference. */
const codeText = (typed: string): string => typed.toLowerCase().replace(/[^a-z0-9]/g, "");

const transportsOf = ({ transports }: PasskeyRow): AuthenticatorTransportFuture[] => JSON.parse(transports);

const viewOf = ({ id, name, createdAt, lastUsedAt, isSynced }: PasskeyRow): Passkey => ({
  ...{ id, name, isSynced, createdAt: iso(createdAt), lastUsedAt: isoOrNull(lastUsedAt) },
});

export class Passkeys {
  readonly #options: PasskeyOptions;

  constructor(options: PasskeyOptions) {
    this.#options = options;
  }

  async list(userName: string): Promise<{ passkeys: Passkey[]; recoveryCodesLeft: number }> {
    const { db } = this.#options.storage;
    const codes = await db.selectFrom("recoveryCodes").select("hash").where("userName", "=", userName).execute();
    return { passkeys: (await this.#of(userName)).map(viewOf), recoveryCodesLeft: codes.length };
  }

  /** What the browser makes one from. */
  async makingOptions(userName: string, sessionId: string): Promise<{ challenge: string }> {
    const { rpID } = this.#party();
    const known = await this.#of(userName);
    this.#checkRoom(known.length);
    const { storage, challenges } = this.#options;
    const challenge = await storage.transaction(({ db }) => challenges.begin(db, makingBy(sessionId), userName));
    return generateRegistrationOptions({
      ...{ rpName: "Flipside", rpID, userName, timeout: promptMs, attestationType: "none" },
      challenge: new Uint8Array(Buffer.from(challenge, "base64url")),
      // The same for all of an account's, so that one authenticator does not list it twice.
      userID: new Uint8Array(Buffer.from(hashOf(`user ${userName}`), "hex")),
      excludeCredentials: known.map((row) => ({ id: row.credentialId, transports: transportsOf(row) })),
      authenticatorSelection: { residentKey: "discouraged", userVerification: "preferred" },
    });
  }

  /** @throws {ApiError} passkey-refused, passkey-exists, too-many-passkeys */
  async add(
    userName: string,
    sessionId: string,
    { name, passkey }: { name: string; passkey: PasskeyAnswer },
  ): Promise<{ passkey: Passkey; recoveryCodes: string[] | null }> {
    const { storage, challenges, clock } = this.#options;
    const challenge = await challenges.find(makingBy(sessionId));
    if (challenge === undefined || challenge.userName !== userName || !(await challenges.try(challenge)))
      throw new ApiError("passkey-refused", "It was not asked for, or too long ago. Begin again.");
    const { credential, credentialBackedUp } = await this.#made(passkey, challenge);
    const row: PasskeyRow = {
      ...{ id: newId(), credentialId: credential.id, userName, name, counter: credential.counter },
      publicKey: Buffer.from(credential.publicKey).toString("base64url"),
      transports: JSON.stringify(credential.transports ?? []),
      ...{ isSynced: credentialBackedUp, createdAt: clock.wallMs(), lastUsedAt: null },
    };
    return storage.transaction(async ({ db }) => {
      // One after the other, so that two at once are not both the first.
      await db.selectFrom("accounts").select("userName").where("userName", "=", userName).forUpdate().execute();
      if (!(await challenges.end(db, challenge)))
        throw new ApiError("passkey-refused", "It was answered already. Begin again.");
      const known = await db.selectFrom("passkeys").select("id").where("userName", "=", userName).execute();
      this.#checkRoom(known.length);
      const made = await db
        .insertInto("passkeys")
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .returning("id")
        .executeTakeFirst();
      if (made === undefined)
        throw new ApiError("passkey-exists", "Use another authenticator, or the one that is there.");
      return { passkey: viewOf(row), recoveryCodes: known.length === 0 ? await newCodes(db, userName) : null };
    });
  }

  async rename(userName: string, id: string, name: string): Promise<Passkey> {
    const renamed = await this.#options.storage.db
      .updateTable("passkeys")
      .set({ name })
      .where("id", "=", id)
      .where("userName", "=", userName)
      .returningAll()
      .executeTakeFirst();
    if (renamed === undefined) throw noSuchPasskey();
    return viewOf(renamed);
  }

  /** With the last one the recovery codes go, too. */
  async remove(userName: string, id: string): Promise<Passkey> {
    return this.#options.storage.transaction(async ({ db }) => {
      const mine = await db.selectFrom("passkeys").selectAll().where("userName", "=", userName).execute();
      const row = mine.find((each) => each.id === id);
      if (row === undefined) throw noSuchPasskey();
      if (mine.length === 1) await removeSecondFactorsOf(db, userName);
      else await db.deleteFrom("passkeys").where("id", "=", id).execute();
      return viewOf(row);
    });
  }

  async renewCodes(userName: string): Promise<string[]> {
    return this.#options.storage.transaction(async ({ db }) => {
      const any = await db.selectFrom("passkeys").select("id").where("userName", "=", userName).execute();
      if (any.length === 0) throw new ApiError("no-passkeys", "Add one first: without, the password is enough.");
      return newCodes(db, userName);
    });
  }

  /** What the browser asks for one of the account's with. */
  async askingOptions({ userName, challenge }: ChallengeRow): Promise<{ challenge: string }> {
    const known = await this.#of(userName);
    return generateAuthenticationOptions({
      rpID: this.#party().rpID,
      challenge: new Uint8Array(Buffer.from(challenge, "base64url")),
      allowCredentials: known.map((row) => ({ id: row.credentialId, transports: transportsOf(row) })),
      ...{ userVerification: "preferred", timeout: promptMs },
    });
  }

  /** @throws {ApiError} second-factor-wrong */
  async prove(answer: PasskeyAnswer, { userName, challenge }: ChallengeRow): Promise<PasskeyRow> {
    const { db } = this.#options.storage;
    const row = await db
      .selectFrom("passkeys")
      .selectAll()
      .where("userName", "=", userName)
      .where("credentialId", "=", answer.id)
      .executeTakeFirst();
    if (row === undefined) throw wrong("It is none of this account's.");
    const { rpID, origin } = this.#party();
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: answer as unknown as AuthenticationResponseJSON,
        ...{ expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: false },
        credential: {
          ...{ id: row.credentialId, counter: row.counter, transports: transportsOf(row) },
          publicKey: new Uint8Array(Buffer.from(row.publicKey, "base64url")),
        },
      });
      if (!verified) throw new Error("its signature does not fit");
      await this.#used(row, authenticationInfo.newCounter, authenticationInfo.credentialBackedUp);
    } catch (error) {
      this.#options.log.warn({ account: userName, why: (error as Error).message }, "a passkey was refused");
      throw wrong("Try again, or use a recovery code.");
    }
    return row;
  }

  /** Throws where it was used by somebody else meanwhile: of a copy, one of the two counts behind. */
  async #used({ id, counter }: PasskeyRow, newCounter: number, isSynced: boolean): Promise<void> {
    const { storage, clock } = this.#options;
    const used = await storage.db
      .updateTable("passkeys")
      .set({ counter: newCounter, isSynced, lastUsedAt: clock.wallMs() })
      .where("id", "=", id)
      .where("counter", "=", counter)
      .returning("id")
      .executeTakeFirst();
    if (used === undefined) throw new Error("it was used at the same moment");
  }

  /** Uses it up. How many are left. @throws {ApiError} second-factor-wrong */
  async proveByCode(typed: string, { userName }: ChallengeRow): Promise<number> {
    const { db } = this.#options.storage;
    const used = await db
      .deleteFrom("recoveryCodes")
      .where("hash", "=", hashOf(codeText(typed)))
      .where("userName", "=", userName)
      .returning("hash")
      .executeTakeFirst();
    if (used === undefined) throw wrong("Check the code: each counts once, and the newest ten alone.");
    return (await db.selectFrom("recoveryCodes").select("hash").where("userName", "=", userName).execute()).length;
  }

  async #made(answer: PasskeyAnswer, { challenge }: ChallengeRow) {
    const { rpID, origin } = this.#party();
    try {
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: answer as unknown as RegistrationResponseJSON,
        ...{ expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: false },
      });
      if (verified) return registrationInfo;
    } catch (error) {
      throw new ApiError("passkey-refused", `Begin again (${(error as Error).message.slice(0, 200)}).`);
    }
    throw new ApiError("passkey-refused", "Begin again: its signature does not fit.");
  }

  #of(userName: string): Promise<PasskeyRow[]> {
    return this.#options.storage.db
      .selectFrom("passkeys")
      .selectAll()
      .where("userName", "=", userName)
      .orderBy("createdAt")
      .orderBy("id")
      .execute();
  }

  #checkRoom(there: number): void {
    if (there >= passkeysPerAccountMax)
      throw new ApiError("too-many-passkeys", `There are ${there}. Remove those that you don't use any more.`);
  }

  #party(): { rpID: string; origin: string } {
    const { publicUrl } = this.#options;
    if (publicUrl !== undefined) return { rpID: publicUrl.hostname, origin: publicUrl.origin };
    throw new ApiError("passkeys-off", "Passkeys belong to an address: start the server with --public-url.");
  }
}

const wrong = (detail: string): ApiError => new ApiError("second-factor-wrong", detail);
const noSuchPasskey = (): ApiError => new ApiError("not-found", "You have no such passkey; it may be removed already.");

/** In place of those of before. */
async function newCodes(db: Queries, userName: string): Promise<string[]> {
  await db.deleteFrom("recoveryCodes").where("userName", "=", userName).execute();
  const codes = Array.from({ length: recoveryCodesMade }, oneTimePassword);
  const rows = codes.map((code) => ({ hash: hashOf(codeText(code)), userName }));
  await db.insertInto("recoveryCodes").values(rows).execute();
  return codes;
}
