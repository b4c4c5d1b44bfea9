// Requests that come with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): who has no answer, since
// a connection broke off, asks again with the same key, and what was asked for is done once.
//
// That a request was begun is stored before anything is done, and what was answered after it. A server that ends in
// between leaves one of which nobody knows what came of it: that is said, and it is not done again.

import { createHash } from "node:crypto";
import type { RequestHandler } from "express";
import { idempotencyKeyPattern, type Route, takesIdempotencyKey } from "@flipside/api/route";
import { secretMembersOf } from "@flipside/api/secret-members";
import { ApiError } from "../../http/errors.ts";
import { type Answered, doneOnceBy, type Once } from "../../http/idempotent.ts";
import type { IdempotentRequestTable } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Logger } from "../../logging.ts";
import { userOf } from "../accounts/authentication.ts";

/** Of several servers, one that is alive has answered by then: no request takes longer. */
const underWayMsMax = 120_000;

interface IdempotencyOptions {
  storage: Storage;
  /** Another one at every start of a server. */
  serverStart: string;
  /** Of the wall clock: servers compare it. */
  nowMs: () => number;
  log: Logger;
}

const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

/** The same for what asks for the same. */
function fingerprintOf(operation: string, { params, query, body }: Parameters<Once["begin"]>[0]): string {
  return sha256(JSON.stringify([operation, params, query, body instanceof Uint8Array ? sha256(body) : (body ?? null)]));
}

function keyIn(given: string | undefined): string | undefined {
  if (given === undefined || idempotencyKeyPattern.test(given)) return given;
  const message = "1 to 128 characters of ASCII without spaces, such as a UUID";
  throw new ApiError("validation-failed", `Idempotency-Key: ${message}.`, {
    errors: [{ path: "Idempotency-Key", message }],
  });
}

/** After it is known who asks. */
export const createDoneOnce =
  (options: IdempotencyOptions) =>
  (operation: string, route: Route): RequestHandler[] => {
    if (!takesIdempotencyKey(route)) return [];
    const isSecret = route.answer.kind === "json" && secretMembersOf(route.answer.schema).size > 0;
    return [
      (request, response, next) => {
        const key = keyIn(request.get("idempotency-key"));
        if (key !== undefined) {
          const row = { userName: userOf(response).userName, keyHash: sha256(key) };
          doneOnceBy(response, new KeptRequest(options, { operation, isSecret, ...row }));
        }
        next();
      },
    ];
  };

interface Kind extends Pick<IdempotentRequestTable, "userName" | "keyHash"> {
  operation: string;
  /** What it answers is told once. */
  isSecret: boolean;
}

class KeptRequest implements Once {
  readonly #options: IdempotencyOptions;
  readonly #kind: Kind;
  #isMine = false;

  constructor(options: IdempotencyOptions, kind: Kind) {
    this.#options = options;
    this.#kind = kind;
  }

  async begin(asked: Parameters<Once["begin"]>[0]): Promise<Answered | undefined> {
    const { storage, serverStart, nowMs } = this.#options;
    const { userName, keyHash, operation } = this.#kind;
    const fingerprint = fingerprintOf(operation, asked);
    const { numInsertedOrUpdatedRows } = await storage.db
      .insertInto("idempotentRequests")
      .values({ userName, keyHash, fingerprint, serverStart, startedAt: nowMs(), status: null, answer: null })
      .onConflict((conflict) => conflict.columns(["userName", "keyHash"]).doNothing())
      .executeTakeFirstOrThrow();
    this.#isMine = Number(numInsertedOrUpdatedRows) === 1;
    if (this.#isMine) return undefined;
    const row = await storage.db
      .selectFrom("idempotentRequests")
      .selectAll()
      .where("userName", "=", userName)
      .where("keyHash", "=", keyHash)
      .executeTakeFirst();
    // The first one was refused at this moment.
    if (row === undefined) throw underWay();
    return this.#answered(row, fingerprint);
  }

  #answered(row: IdempotentRequestTable, fingerprint: string): Answered {
    if (row.fingerprint !== fingerprint)
      throw new ApiError("idempotency-key-reused", "Each request that asks for something else takes a key of its own.");
    if (row.status === null) throw this.#isUnderWay(row) ? underWay() : unknown();
    if (row.answer === null && this.#kind.isSecret)
      throw new ApiError("answer-told-once", "What it answered was a secret, which is kept nowhere. Make another one.");
    return { status: row.status, answer: row.answer === null ? undefined : (JSON.parse(row.answer) as unknown) };
  }

  #isUnderWay({ serverStart, startedAt }: IdempotentRequestTable): boolean {
    if (serverStart === this.#options.serverStart) return true;
    return this.#options.storage.shared !== undefined && this.#options.nowMs() - startedAt < underWayMsMax;
  }

  async done({ status, answer }: Answered): Promise<void> {
    const text = answer === undefined || this.#kind.isSecret ? null : JSON.stringify(answer);
    await this.#settle({ status, answer: text });
  }

  async failed(refusal: Answered, isKnown: boolean): Promise<void> {
    if (!this.#isMine) return;
    // A proposal was made of it: to ask again must not make a second one.
    const isKept = (refusal.answer as { code?: unknown }).code === "second-person-needed";
    if (isKept) await this.#settle({ status: refusal.status, answer: JSON.stringify(refusal.answer) });
    else if (isKnown) await this.#settle("forgotten");
  }

  /** Who asked is answered all the same. */
  async #settle(as: Pick<IdempotentRequestTable, "status" | "answer"> | "forgotten"): Promise<void> {
    const { storage, log } = this.#options;
    const { userName, keyHash, operation } = this.#kind;
    try {
      if (as === "forgotten")
        await storage.db
          .deleteFrom("idempotentRequests")
          .where("userName", "=", userName)
          .where("keyHash", "=", keyHash)
          .execute();
      else
        await storage.db
          .updateTable("idempotentRequests")
          .set(as)
          .where("userName", "=", userName)
          .where("keyHash", "=", keyHash)
          .execute();
    } catch (error) {
      log.error({ err: error as Error, what: operation }, "what came of a request with a key could not be kept");
    }
  }
}

const underWay = (): ApiError =>
  new ApiError("request-under-way", "Ask again in a moment: its answer is kept.", { retryAfterSeconds: 1 });

const unknown = (): ApiError =>
  new ApiError(
    "outcome-unknown",
    "The server ended while it was dealt with. Look whether it was done; if not, ask for it with another key.",
  );
