// Rehearsals: asked for, waiting, being played one at a time at each server, and kept for some days. The model is made
// when one is asked for, so that what is wrong with it is said to whoever asks. One that is being played when its
// server ends has no answer, and says so: it is asked for again, and nothing is lost but some minutes.

import { randomInt } from "node:crypto";
import { seedMax } from "@flipside/api/limits";
import { covers, type Scope } from "@flipside/api/scope";
import type { CompleteNewRehearsal, Rehearsal } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull, newId } from "../../identifiers.ts";
import type { Logger } from "../../logging.ts";
import type { RehearsalRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { scopeColumn, scopeIn, shownScope } from "../../storage/stored-scope.ts";
import { type FleetModel, fleetModelOf } from "./fleet-model.ts";
import { type Outcome, type Player, startPlayer } from "./player.ts";
import { type Play, worldKindsOf } from "./player-words.ts";
import { takeSnapshot, type SnapshotOptions } from "./take-snapshot.ts";

export const rehearsalList = "rehearsals";
const runsOfWorld = 5;
/** Devices that are simulated. */
const simulatedMax = 120;
/** Of one server, besides the one that is being played. */
const waitingMax = 5;
export const rehearsalDeadlineMsDefault = 15 * 60_000;
const saidEveryMs = 2_000;
/** A server that has said nothing of it for so long is no more. */
const heardMsMax = 60_000;

type Summary = Omit<Rehearsal, "answer">;

export interface Rehearsals {
  create(asked: CompleteNewRehearsal, by: { userName: string; scope: Scope }): Promise<Rehearsal>;
  /** Throws ApiError when there is none that who asks sees. */
  get(id: string, scope: Scope): Promise<Rehearsal>;
  cancel(id: string, scope: Scope): Promise<Rehearsal>;
  list(page: PageAsked & { scope: Scope }): Promise<{ rehearsals: Summary[]; next: string | null }>;
  /** Ends what is being played; nothing is begun any more. */
  close(): Promise<void>;
  /** For tests: what would be played. */
  modelOf(asked: Pick<CompleteNewRehearsal, "rollout">, by: { userName: string; scope: Scope }): Promise<FleetModel>;
  /** For tests: of the process that plays, while one does. */
  readonly playerPid: number | undefined;
}

export interface RehearsalOptions {
  storage: Storage;
  clock: Clock;
  log: Logger;
  snapshot: SnapshotOptions;
  /** Of wall time, for one. */
  deadlineMs: number;
}

interface Job {
  id: string;
  play: Omit<Play, "folder">;
}

const notThere = (): ApiError => new ApiError("not-found", "There is no such rehearsal.");
const isOpen = ({ state }: Pick<RehearsalRow, "state">): boolean => state === "queued" || state === "running";

export function createRehearsals(options: RehearsalOptions): Rehearsals {
  const { storage, clock, log, deadlineMs } = options;
  const { db } = storage;
  const serverStart = newId();
  const waiting: Job[] = [];
  let playing: { id: string; player: Player } | undefined;
  let working: Promise<void> | undefined;
  let isClosed = false;

  /** Its server has ended meanwhile. */
  function isOrphan(row: RehearsalRow): boolean {
    if (!isOpen(row) || row.serverStart === serverStart) return false;
    return storage.shared === undefined || clock.steadyMs() - row.heardAt > heardMsMax;
  }

  function summaryOf(row: RehearsalRow): Summary {
    const { id, name, releaseId, seed, done, total, createdBy } = row;
    const isLost = isOrphan(row);
    return {
      ...{ id, name, releaseId, seed, createdBy },
      state: isLost ? "failed" : row.state,
      progress: { done, total },
      failure: isLost ? "The server that played it has ended meanwhile. Ask for it again." : row.failure,
      createdAt: iso(row.createdAt),
      finishedAt: isoOrNull(isLost ? Math.round(clock.shownMs(row.heardAt)) : row.finishedAt),
      scope: shownScope(scopeIn(row)),
    };
  }

  const viewOf = (row: RehearsalRow): Rehearsal => ({
    ...summaryOf(row),
    answer: row.answer === null ? null : (JSON.parse(row.answer) as Rehearsal["answer"]),
  });

  async function rowOf(id: string, scope: Scope): Promise<RehearsalRow> {
    const row = await db.selectFrom("rehearsals").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined || !covers(scope, scopeIn(row))) throw notThere();
    return row;
  }

  /** False: it was cancelled meanwhile. */
  async function keep(id: string, change: Partial<RehearsalRow>): Promise<boolean> {
    const row = await db
      .updateTable("rehearsals")
      .set({ ...change, heardAt: clock.steadyMs() })
      .where("id", "=", id)
      .where("state", "in", ["queued", "running"])
      .returning("id")
      .executeTakeFirst();
    return row !== undefined;
  }

  const ended = (outcome: Exclude<Outcome, { kind: "ended" }>): Partial<RehearsalRow> => ({
    finishedAt: clock.wallMs(),
    ...(outcome.kind === "answer"
      ? { state: "done", answer: JSON.stringify(outcome.answer) }
      : { state: "failed", failure: outcome.why }),
  });

  /** Says that it goes on, and how far it is; ends it when it was cancelled, maybe at another server. */
  function saying(id: string, progress: { done: number; total: number }): { stop(): Promise<void> } {
    let saying: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      saying = keep(id, progress).then(
        (isWanted) => (isWanted ? undefined : playing?.player.end()),
        (error: unknown) =>
          log.warn({ err: error as Error, rehearsal: id }, "how far a rehearsal is could not be kept"),
      );
    }, saidEveryMs);
    return {
      async stop() {
        clearInterval(timer);
        await saying;
      },
    };
  }

  async function playOne({ id, play }: Job): Promise<void> {
    const progress = { done: 0, total: play.runs * worldKindsOf(play.asked).length };
    if (!(await keep(id, { state: "running", ...progress })) || isClosed) return;
    const player = startPlayer(play, {
      deadlineMs,
      onProgress: (done, total) => Object.assign(progress, { done, total }),
    });
    playing = { id, player };
    const said = saying(id, progress);
    const outcome = await player.outcome;
    await said.stop();
    playing = undefined;
    if (outcome.kind === "failed") log.warn({ rehearsal: id, why: outcome.why }, "a rehearsal has no answer");
    if (outcome.kind !== "ended") await keep(id, { ...progress, ...ended(outcome) });
  }

  async function playAll(): Promise<void> {
    for (let job = waiting.shift(); job !== undefined && !isClosed; job = waiting.shift()) {
      const { id } = job;
      try {
        await playOne(job);
      } catch (error) {
        log.error({ err: error as Error, rehearsal: id }, "a rehearsal could not be played");
        const why = `It could not be played: ${(error as Error).message}`;
        await keep(id, ended({ kind: "failed", why })).catch((lost: unknown) =>
          log.error({ err: lost as Error, rehearsal: id }, "what came of a rehearsal could not be kept"),
        );
      }
    }
  }

  function wake(): void {
    working ??= playAll().finally(() => {
      working = undefined;
      if (waiting.length > 0 && !isClosed) wake();
    });
  }

  function refuseTooMany(): void {
    if (waiting.length < waitingMax) return;
    throw new ApiError(
      "too-many-rehearsals",
      `${waitingMax} wait already. Cancel one, or ask again when they are done.`,
    );
  }

  const modelOf: Rehearsals["modelOf"] = async ({ rollout }, by) => {
    const request = { ...rollout, scope: by.scope };
    return fleetModelOf(await takeSnapshot(options.snapshot, request, by.userName, simulatedMax));
  };

  return {
    async create(asked, by) {
      refuseTooMany();
      const model = await modelOf(asked, by);
      const { seed = randomInt(seedMax + 1) } = asked;
      const row: RehearsalRow = {
        id: newId(),
        name: asked.rollout.name,
        releaseId: asked.rollout.releaseId,
        createdAt: clock.wallMs(),
        createdBy: by.userName,
        scope: scopeColumn(by.scope),
        ...{ seed, state: "queued", done: 0, total: 0, serverStart, heardAt: clock.steadyMs() },
        ...{ finishedAt: null, failure: null, answer: null },
      };
      await db.insertInto("rehearsals").values(row).execute();
      waiting.push({ id: row.id, play: { asked: { ...asked, seed }, model, runs: runsOfWorld } });
      wake();
      return viewOf(row);
    },
    modelOf,
    get: async (id, scope) => viewOf(await rowOf(id, scope)),
    async cancel(id, scope) {
      await rowOf(id, scope);
      const isCancelled = await keep(id, { state: "cancelled", finishedAt: clock.wallMs() });
      if (!isCancelled) throw new ApiError("rehearsal-state", "It is over: there is nothing to cancel.");
      const at = waiting.findIndex((job) => job.id === id);
      if (at >= 0) waiting.splice(at, 1);
      if (playing?.id === id) await playing.player.end();
      return viewOf(await rowOf(id, scope));
    },
    async list({ limit, after, scope }) {
      const seen: RehearsalRow[] = [];
      let from = after as [number, string] | undefined;
      // Who sees a part of the fleet sees few of them; there are not many.
      for (let more = true; more && seen.length <= limit; ) {
        const rows = await db
          .selectFrom("rehearsals")
          .selectAll()
          .$if(from !== undefined, (q) =>
            q.where(({ eb, refTuple, tuple }) => eb(refTuple("createdAt", "id"), "<", tuple(from![0], from![1]))),
          )
          .orderBy("createdAt", "desc")
          .orderBy("id", "desc")
          .limit(limit + 1)
          .execute();
        seen.push(...rows.filter((row) => covers(scope, scopeIn(row))));
        more = rows.length > limit;
        const last = rows.at(-1);
        if (last !== undefined) from = [last.createdAt, last.id];
      }
      const { rows, next } = paged(rehearsalList, seen, limit, ({ createdAt, id }) => [createdAt, id]);
      return { rehearsals: rows.map(summaryOf), next };
    },
    async close() {
      isClosed = true;
      waiting.length = 0;
      await playing?.player.end();
      await working;
    },
    get playerPid() {
      return playing?.player.pid;
    },
  };
}
