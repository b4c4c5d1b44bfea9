// How far downloads have come. Kept here and written in batches, as when devices were last heard of is: a report of
// progress changes nothing that a decision rests on, and a transaction for each would be most of a rollout's work.

import type { Logger } from "../../logging.ts";
import type { DeploymentRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";

const flushEveryMs = 10_000;

export interface Come {
  state: DeploymentRow["state"];
  attempt: number;
  code: number;
  done: number;
  total: number;
}

export interface Progress {
  /** Whether it says anything new. */
  note(deploymentId: string, come: Come): boolean;
  /** The row as it would be, were everything stored. */
  over<T extends DeploymentRow>(row: T): T;
  /** Stores what is known of one deployment in the transaction that changes its state. */
  settle(work: Work, deploymentId: string): Promise<void>;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** `stored`: of which deployments something was written. */
export function createProgress(
  storage: Storage,
  log: Logger,
  wallMs: () => number,
  stored: (deploymentIds: string[]) => void = () => {},
): Progress {
  /** By deployment. */
  const pending = new Map<string, Come>();

  const store = (db: Queries, id: string, { state, attempt, code, done, total }: Come): Promise<unknown> =>
    // A state that has changed meanwhile has numbers of its own.
    db
      .updateTable("deployments")
      .set({ code, done, total, updatedAt: wallMs() })
      .where("id", "=", id)
      .where("state", "=", state)
      .where("attempt", "=", attempt)
      .execute();

  const forget = (id: string, come: Come): void => {
    if (pending.get(id) === come) pending.delete(id);
  };

  async function flush(): Promise<void> {
    const batch = [...pending];
    if (batch.length === 0) return;
    try {
      await storage.transaction(async ({ db }) => {
        for (const [id, come] of batch) await store(db, id, come);
      });
      for (const [id, come] of batch) forget(id, come);
      stored(batch.map(([id]) => id));
    } catch (error) {
      log.error({ err: error as Error }, "progress of downloads could not be written");
    }
  }

  const timer = setInterval(() => void flush(), flushEveryMs);
  timer.unref();
  return {
    note(id, come) {
      const before = pending.get(id);
      pending.set(id, come);
      return (
        before === undefined || before.done !== come.done || before.total !== come.total || before.code !== come.code
      );
    },
    over(row) {
      const come = pending.get(row.id);
      if (come === undefined || come.state !== row.state || come.attempt !== row.attempt) return row;
      return { ...row, code: come.code, done: come.done, total: come.total };
    },
    async settle(work, id) {
      const come = pending.get(id);
      if (come === undefined) return;
      await store(work.db, id, come);
      work.afterCommit(() => forget(id, come));
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
