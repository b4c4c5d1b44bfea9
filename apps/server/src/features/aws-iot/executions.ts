// Executions: what an action is to a thing, as AWS IoT's jobs have it. A job's id is made of the action's number, which
// is given once and is the same after a restart; each has one execution.

import type { JobStatus } from "@flipside/protocol/thing-messages";
import type { ActionRow, ExecutionRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { readActionId } from "../other-agents/actions.ts";

const jobIdPrefix = "flipside-";
/** The thing has said so. */
const begun: readonly JobStatus[] = ["IN_PROGRESS", "SUCCEEDED", "FAILED"];

export const jobIdOf = ({ id }: Pick<ActionRow, "id">): string => `${jobIdPrefix}${id}`;

/** Undefined: no job of this server's is called so. */
export function actionIdOf(jobId: string): number | undefined {
  return jobId.startsWith(jobIdPrefix) ? readActionId(jobId.slice(jobIdPrefix.length)) : undefined;
}

export type StatusDetails = Record<string, string>;

export const detailsOf = ({ statusDetails }: ExecutionRow): StatusDetails | undefined =>
  statusDetails === null ? undefined : (JSON.parse(statusDetails) as StatusDetails);

export interface Executions {
  /** Made, and queued, when there is none. */
  of(action: ActionRow): Promise<ExecutionRow>;
  /** Details that are not given stay. */
  change(execution: ExecutionRow, status: JobStatus, details?: StatusDetails | null): Promise<ExecutionRow>;
}

export function createExecutions({ db }: Storage, wallMs: () => number): Executions {
  const find = (actionId: number): Promise<ExecutionRow | undefined> =>
    db.selectFrom("awsExecutions").selectAll().where("actionId", "=", actionId).executeTakeFirst();
  return {
    async of({ id: actionId, deviceId, createdAt }) {
      const known = await find(actionId);
      if (known !== undefined) return known;
      const made = { actionId, deviceId, status: "QUEUED", version: 1, updatedAt: createdAt } as const;
      await db
        .insertInto("awsExecutions")
        .values({ ...made, statusDetails: null, startedAt: null })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return (await find(actionId))!;
    },
    async change(execution, status, details) {
      const at = wallMs();
      const change = {
        status,
        statusDetails: details == null ? execution.statusDetails : JSON.stringify(details),
        version: execution.version + 1,
        startedAt: execution.startedAt ?? (begun.includes(status) ? at : null),
        updatedAt: at,
      };
      await db.updateTable("awsExecutions").set(change).where("actionId", "=", execution.actionId).execute();
      return { ...execution, ...change };
    },
  };
}
