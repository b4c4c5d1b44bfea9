// What an event changes of all deployments of a rollout that are in some states, carried out a piece at a time: the
// first one in the event's own transaction, so that a small rollout is changed as a whole by it; the rest in
// transactions of their own, with turns for everything else between them. What is left is in the rollout's row, so
// whoever starts anew goes on there.

import type { DeploymentStateName } from "@flipside/image-format";
import type { Changes, Withdrawal } from "../../domain/changes.ts";
import type { Queries } from "../../storage/storage.ts";
import { withdraw, withdrawable, type Withdrawn } from "./withdrawal.ts";

interface DeadlineSweep {
  kind: "deadline";
  throughWave: number;
  /** Those that are left, the present one first. */
  states: DeploymentStateName[];
  deadlineAt: number;
  /** Wave and position of the last one that has it, of the present state. */
  after: [number, number] | null;
}

export type Sweep = { kind: "withdraw"; cause: Withdrawal } | DeadlineSweep;

export const sweepsOf = (stored: string | null): Sweep[] => (stored === null ? [] : (JSON.parse(stored) as Sweep[]));
export const storedSweeps = (sweeps: readonly Sweep[]): string | null =>
  sweeps.length === 0 ? null : JSON.stringify(sweeps);

/**
 * With what these changes want. What is withdrawn needs no deadline, and a newer deadline holds in an older one's
 * place.
 */
export function sweepsAfter(sweeps: readonly Sweep[], { withdraw: cause, newDeadline }: Changes): Sweep[] {
  if (cause !== undefined) return [{ kind: "withdraw", cause }];
  if (newDeadline === undefined) return [...sweeps];
  const { throughWave, states, deadlineAt } = newDeadline;
  const others = sweeps.filter(
    (sweep) => sweep.kind !== "deadline" || !sweep.states.every((state) => states.includes(state)),
  );
  return [...others, { kind: "deadline", throughWave, states: [...states], deadlineAt, after: null }];
}

export interface Swept {
  /** What is left to do. */
  sweeps: Sweep[];
  withdrawn: Withdrawn[];
  /** Devices whose deployments have a new deadline: their turn may have come. */
  due: { deviceId: string }[];
}

/** The next piece, behind the rollout's lock. `settle`: before a deployment ends. `now`: of the wall clock. */
export async function sweep(
  db: Queries,
  rolloutId: string,
  sweeps: readonly Sweep[],
  { most, now, settle }: { most: number; now: number; settle: (deploymentId: string) => Promise<void> },
): Promise<Swept> {
  const [first, ...others] = sweeps;
  if (first === undefined) return { sweeps: [], withdrawn: [], due: [] };
  if (first.kind === "withdraw") {
    const of = await withdrawable(db, rolloutId, first.cause, most);
    for (const { id } of of) await settle(id);
    if (of.length > 0) await withdraw(db, rolloutId, { of, now });
    return { sweeps: of.length < most ? others : [first, ...others], withdrawn: of, due: [] };
  }
  const { due, left } = await setDeadlines(db, rolloutId, first, most);
  return { sweeps: left === undefined ? others : [left, ...others], withdrawn: [], due };
}

async function setDeadlines(
  db: Queries,
  rolloutId: string,
  { throughWave, states, deadlineAt, after: begun, ...rest }: DeadlineSweep,
  most: number,
): Promise<{ due: { deviceId: string }[]; left: DeadlineSweep | undefined }> {
  const due: { deviceId: string }[] = [];
  const left = [...states];
  let after = begun;
  while (left.length > 0) {
    const from = after;
    const rows = await db
      .selectFrom("deployments")
      .select(["id", "deviceId", "wave", "position"])
      .where("rolloutId", "=", rolloutId)
      .where("state", "=", left[0]!)
      .where("wave", "<=", throughWave)
      .$if(from !== null, (q) =>
        q.where(({ eb, refTuple, tuple }) => eb(refTuple("wave", "position"), ">", tuple(from![0], from![1]))),
      )
      .orderBy("wave")
      .orderBy("position")
      .limit(most - due.length)
      .execute();
    if (rows.length > 0)
      await db
        .updateTable("deployments")
        .set({ deadlineAt })
        .where(
          "id",
          "in",
          rows.map(({ id }) => id),
        )
        .execute();
    const isFull = rows.length === most - due.length;
    due.push(...rows);
    if (isFull) {
      const { wave, position } = rows.at(-1)!;
      return { due, left: { ...rest, throughWave, states: left, deadlineAt, after: [wave, position] } };
    }
    left.shift();
    after = null;
  }
  return { due, left: undefined };
}
