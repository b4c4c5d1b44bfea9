// A roll-back of many devices, a piece at a time (carrying-out.ts): those that the rollout made an offer to are looked
// through in their order, and who goes back is noted as a target of a rollout that is being made for its release
// (preparation.ts). When all were looked at, these start, and their deployments are made. How far it has come is in
// the row of the rollout that is taken back.

import type { Clock } from "../../clock.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addDecisions, lockRollout } from "../deployments/store.ts";
import type { Piece } from "./carrying-out.ts";
import { insertRow } from "./insert-rollout.ts";
import { begun, preparationIn } from "./preparation.ts";
import {
  decisionsOf,
  type GoingBack,
  namesListedMax,
  offeredBy,
  rowBack,
  type WaysBackOptions,
  waysBackOf,
  type WhoGoesBack,
} from "./ways-back.ts";

/** A rollout by which devices go back, as far as it is known. */
interface Back {
  id: string;
  releaseId: string;
  version: string;
  name: string;
  count: number;
}

interface Plan {
  /** Position of the deployment that was looked at last. */
  after: number;
  /** That there are to look at: no rollout has more devices. */
  most: number;
  backs: Back[];
  /** The first ones, in sentences, and how many there are. */
  stay: string[];
  staying: number;
}

/** What is due; `plan`: of a roll-back that is made in pieces. */
export interface Due extends WhoGoesBack {
  plan?: Plan;
}

export const dueIn = ({ rollBackDue }: Pick<RolloutRow, "rollBackDue">): Due | undefined =>
  rollBackDue === null ? undefined : (JSON.parse(rollBackDue) as Due);

/** Of positions, which begin with 1. */
const NONE = 0;
const PLACE_DIGITS = 12;

interface Options extends WaysBackOptions {
  storage: Pick<Storage, "reservePositions">;
  engineRoom: EngineRoom;
  clock: Clock;
  pieceMax: number;
}

/** The next piece of a rollout's roll-back; whether there is more. */
export function createRollBackPieces(options: Options): Piece {
  return async (work, rolloutId) => {
    const row = await lockRollout(work.db, rolloutId);
    const due = row && dueIn(row);
    if (row === undefined || due === undefined || row.sweeps !== null) return false;
    const isLarge = due.plan !== undefined || (await count(work, row.id, due)) > options.pieceMax;
    return isLarge && new RollBack(options, work, row, due).goOn();
  };
}

async function count({ db }: Work, rolloutId: string, due: Due): Promise<number> {
  const { offered } = await offeredBy(db, rolloutId, due)
    .select((q) => q.fn.countAll<number>().as("offered"))
    .executeTakeFirstOrThrow();
  return Number(offered);
}

/** One piece, in its transaction and behind the rollout's lock. */
class RollBack {
  readonly #options: Options;
  readonly #work: Work;
  readonly #row: RolloutRow;
  readonly #due: Due;

  constructor(options: Options, work: Work, row: RolloutRow, due: Due) {
    this.#options = options;
    this.#work = work;
    this.#row = row;
    this.#due = due;
  }

  async goOn(): Promise<boolean> {
    const { db } = this.#work;
    const { pieceMax } = this.#options;
    const plan: Plan = this.#due.plan ?? {
      after: NONE,
      most: await count(this.#work, this.#row.id, this.#due),
      backs: [],
      stay: [],
      staying: 0,
    };
    const rows = await offeredBy(db, this.#row.id, this.#due)
      .selectAll()
      .where("position", ">", plan.after)
      .orderBy("position")
      .limit(pieceMax)
      .execute();
    const { byRelease, stay } = await waysBackOf(this.#options, db, rows);
    for (const [releaseId, targets] of byRelease) await this.#note(plan, releaseId, targets);
    plan.staying += stay.length;
    plan.stay = [...plan.stay, ...stay].slice(0, namesListedMax);
    if (rows.length < pieceMax) {
      await this.#finish(plan);
      return false;
    }
    plan.after = rows.at(-1)!.position;
    await this.#keep({ ...this.#due, plan });
    return true;
  }

  async #keep(due: Due | null): Promise<void> {
    await this.#work.db
      .updateTable("rollouts")
      .set({ rollBackDue: due === null ? null : JSON.stringify(due) })
      .where("id", "=", this.#row.id)
      .execute();
    this.#work.changed({ kind: "rollout", id: this.#row.id });
  }

  async #begin(plan: Plan, releaseId: string): Promise<Back> {
    const { db } = this.#work;
    const { version, ...planned } = await rowBack(db, this.#row, releaseId);
    const position = await this.#options.storage.reservePositions(db, plan.most);
    await insertRow(
      this.#work,
      { ...planned, waveTotals: [] },
      { at: this.#options.clock.wallMs(), preparing: JSON.stringify(begun(position, plan.most)) },
    );
    this.#work.changed({ kind: "rollout", id: planned.id });
    const back = { id: planned.id, releaseId, version, name: planned.name, count: 0 };
    plan.backs.push(back);
    return back;
  }

  /** Whether it is still wanted: somebody may have cancelled it. */
  async #lockedBack({ id }: Back): Promise<RolloutRow | undefined> {
    const row = await lockRollout(this.#work.db, id);
    const isOpen = row?.state === "running" || row?.state === "paused";
    return isOpen && preparationIn(row)?.stage === "choosing" ? row : undefined;
  }

  async #note(plan: Plan, releaseId: string, targets: readonly GoingBack[]): Promise<void> {
    const { db } = this.#work;
    const back = plan.backs.find((each) => each.releaseId === releaseId) ?? (await this.#begin(plan, releaseId));
    const row = await this.#lockedBack(back);
    if (row === undefined) return;
    back.count += targets.length;
    await db
      .insertInto("rolloutTargets")
      .values(
        targets.map(({ device, image, position }) => ({
          rolloutId: back.id,
          place: String(position).padStart(PLACE_DIGITS, "0"),
          deviceId: device.id,
          digest: image.digest,
        })),
      )
      .execute();
    const preparation = preparationIn(row)!;
    await db
      .updateTable("rollouts")
      .set({ preparing: JSON.stringify({ ...preparation, matched: back.count, chosen: back.count }) })
      .where("id", "=", back.id)
      .execute();
  }

  /** All were looked at. */
  async #finish({ backs, stay, staying }: Plan): Promise<void> {
    const { db } = this.#work;
    const { engineRoom, clock } = this.#options;
    for (const back of backs) {
      const row = await this.#lockedBack(back);
      if (row === undefined) continue;
      await db
        .updateTable("rollouts")
        .set({
          waveTotals: JSON.stringify([back.count]),
          preparing: JSON.stringify({ ...preparationIn(row)!, stage: "making" }),
        })
        .where("id", "=", back.id)
        .execute();
      this.#work.changed({ kind: "rollout", id: back.id });
      await engineRoom.apply(this.#work, back.id, async () => ({ type: "started", leftOut: "" }));
    }
    await this.#keep(null);
    await addDecisions(db, this.#row.id, decisionsOf(backs, stay, staying), clock.wallMs());
  }
}
