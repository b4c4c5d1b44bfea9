// What one person has asked for, and another one is to confirm. It is done as if it were asked for at that moment: who
// asked must still be allowed to, and what it is about is looked at then.

import { permissionsOf } from "@flipside/api/permissions";
import type { Proposal } from "@flipside/api/types";
import { FormatError } from "@flipside/image-format";
import { ZodError } from "zod";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import type { Held } from "../../http/second-person.ts";
import { iso, isoOrNull, newId } from "../../identifiers.ts";
import type { ProposalRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { checkPermission } from "../accounts/authentication.ts";
import { viewOfUser } from "../accounts/accounts.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import { wholeFleetOnly } from "../scopes/scopes.ts";
import { kept } from "../audit/without-secrets.ts";
import { permissionOf } from "./rule.ts";

const lifeMs = 24 * 60 * 60 * 1000;

/** As its cursors name it. */
export const proposalList = "proposals";
export const proposalKeys = ["number", "string"] as const;

/** What is done, in the name of who asked for it; returns what it answers. Throws what doing it throws. */
export type CarryOut = (
  operation: string,
  held: Held,
  by: SignedIn,
  about: { id: string; confirmedBy: string },
) => Promise<unknown>;

export interface Proposals {
  /** Returns what to tell who asked. */
  make(operation: string, held: Held, by: SignedIn): Promise<ApiError>;
  /** `scope`: of who asks; who sees a part of the fleet is told of one's own alone. */
  list(
    page: PageAsked,
    by: Pick<SignedIn, "userName" | "scope">,
  ): Promise<{ proposals: Proposal[]; next: string | null }>;
  confirm(id: string, by: SignedIn): Promise<{ proposal: Proposal; answer: unknown }>;
  withdraw(id: string, by: SignedIn): Promise<Proposal>;
}

/** A file is kept as it came; all else is JSON. */
const stored = ({ params, query, body }: Held): string =>
  JSON.stringify({
    params,
    query,
    ...(body instanceof Uint8Array ? { file: Buffer.from(body).toString("base64") } : { body }),
  });

function heldIn({ request }: ProposalRow): Held {
  const { params, query, body, file } = JSON.parse(request) as Held & { file?: string };
  return { params, query, body: file === undefined ? body : new Uint8Array(Buffer.from(file, "base64")) };
}

export function createProposals(storage: Storage, clock: Clock, carryOut: CarryOut): Proposals {
  const { db } = storage;

  function viewOf(row: ProposalRow): Proposal {
    const { id, operation, userName, askedAt, endsAt, decidedBy, decidedAt, code } = row;
    const { params, body } = heldIn(row);
    const isExpired = row.state === "waiting" && endsAt <= clock.steadyMs();
    return {
      ...{ id, operation, on: params as Record<string, string>, by: userName, decidedBy, code },
      state: isExpired ? "expired" : row.state,
      asked: body instanceof Uint8Array ? { bytes: body.length } : (kept(body) ?? null),
      ...{ at: iso(askedAt), endsAt: iso(clock.shownMs(endsAt)), decidedAt: isoOrNull(decidedAt) },
    };
  }

  async function find(id: string): Promise<ProposalRow> {
    const row = await db.selectFrom("proposals").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new ApiError("not-found", "There is no such proposal.");
    return row;
  }

  /** From waiting on, once: of two who decide at once, one is refused. */
  async function decide(id: string, state: "begun" | "withdrawn", by: string): Promise<ProposalRow> {
    const row = await db
      .updateTable("proposals")
      .set({ state, decidedBy: by, decidedAt: clock.wallMs() })
      .where("id", "=", id)
      .where("state", "=", "waiting")
      .where("endsAt", ">", clock.steadyMs())
      .returningAll()
      .executeTakeFirst();
    if (row !== undefined) return row;
    throw new ApiError("proposal-state", `The proposal is ${viewOf(await find(id)).state}. Ask for it anew.`);
  }

  const end = (id: string, state: "done" | "refused", code: string | null): Promise<unknown> =>
    db.updateTable("proposals").set({ state, code }).where("id", "=", id).execute();

  const waitOn = (id: string): Promise<unknown> =>
    db
      .updateTable("proposals")
      .set({ state: "waiting", decidedBy: null, decidedAt: null })
      .where("id", "=", id)
      .execute();

  /** Who asked for it, with what the account may now. */
  async function askedBy({ userName, operation }: ProposalRow): Promise<SignedIn> {
    const account = await db.selectFrom("accounts").selectAll().where("userName", "=", userName).executeTakeFirst();
    const may = account === undefined ? [] : permissionsOf(account.role);
    if (account === undefined || !may.includes(permissionOf(operation)))
      throw new ApiError("role-refused", `${userName}, who asked for it, may not do it any more.`);
    return { ...viewOfUser(account), may, by: { kind: "session", id: "" }, endsAt: clock.steadyMs() };
  }

  return {
    async make(operation, held, { userName }) {
      const now = clock.steadyMs();
      const row: ProposalRow = {
        ...{ id: newId(), operation, request: stored(held), userName, state: "waiting" },
        ...{ askedAt: clock.wallMs(), endsAt: now + lifeMs, decidedBy: null, decidedAt: null, code: null },
      };
      await storage.transaction(async (work) => {
        await work.db.insertInto("proposals").values(row).execute();
        const about = { operation, by: userName, permission: permissionOf(operation) };
        work.changed({ kind: "fact", id: row.id, fact: "proposal.waiting", at: row.askedAt, about });
      });
      const until = iso(clock.shownMs(row.endsAt));
      return new ApiError(
        "second-person-needed",
        `It waits as proposal ${row.id} until ${until} for somebody else with the permission ${permissionOf(operation)}: POST /api/v1/proposals/${row.id}/confirm.`,
      );
    },

    async list({ limit, after }, { userName, scope }) {
      const rows = await db
        .selectFrom("proposals")
        .selectAll()
        .$if(scope !== null, (q) => q.where("userName", "=", userName))
        .$if(after !== undefined, (q) =>
          q.where(({ eb, refTuple, tuple }) =>
            eb(refTuple("askedAt", "id"), "<", tuple(after![0] as number, String(after![1]))),
          ),
        )
        .orderBy("askedAt", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      const page = paged(proposalList, rows, limit, ({ askedAt, id }) => [askedAt, id]);
      return { proposals: page.rows.map(viewOf), next: page.next };
    },

    async confirm(id, by) {
      const proposed = await find(id);
      checkPermission(by, permissionOf(proposed.operation));
      if (proposed.userName === by.userName)
        throw new ApiError("own-proposal", "You asked for it yourself. Somebody else has to confirm it.");
      if (by.scope !== null) throw wholeFleetOnly(by.scope);
      const row = await decide(id, "begun", by.userName);
      let answer: unknown;
      try {
        answer = await carryOut(row.operation, heldIn(row), await askedBy(row), { id, confirmedBy: by.userName });
      } catch (error) {
        const code = refusalIn(error);
        // What failed for the server's own reasons may be confirmed again.
        await (code === undefined ? waitOn(id) : end(id, "refused", code));
        throw error;
      }
      await end(id, "done", null);
      return { proposal: viewOf(await find(id)), answer };
    },

    async withdraw(id, by) {
      const { userName, operation } = await find(id);
      if (userName !== by.userName) {
        checkPermission(by, permissionOf(operation));
        if (by.scope !== null) throw wholeFleetOnly(by.scope);
      }
      return viewOf(await decide(id, "withdrawn", by.userName));
    },
  };
}

/** Undefined: a fault of the server's. */
function refusalIn(error: unknown): string | undefined {
  if (error instanceof FormatError) return error.codeName;
  if (error instanceof ZodError) return "validation-failed";
  return error instanceof ApiError && error.status < 500 ? error.code : undefined;
}
