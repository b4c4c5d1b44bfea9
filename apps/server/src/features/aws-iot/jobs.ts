// Jobs: what a thing is to do is chosen where it is for every device (other-agents/due.ts); here it is an execution
// with AWS IoT's states, versions and refusals. What has ended here without the thing's word has ended for it, too.

import { isTerminal, type JobErrorCode, type JobStatus, type UpdateRequest } from "@flipside/protocol/thing-messages";
import type { DeploymentStateName } from "@flipside/image-format";
import { ApiError } from "../../http/errors.ts";
import { withUnseenWrittenOut } from "../../plain-text.ts";
import type { ActionRow } from "../../storage/schema.ts";
import type { Claimed } from "../other-agents/claimed.ts";
import type { Common } from "../other-agents/common.ts";
import { executionNumber, type Job, jobDocument, type JobDocument, stateOf } from "./documents.ts";
import { actionIdOf, createExecutions, jobIdOf, type StatusDetails } from "./executions.ts";

const loggedCharactersMax = 400;

/** A request about jobs is refused; told to the thing as it is. */
export class JobRefusal extends Error {
  readonly code: JobErrorCode;
  readonly executionState: ReturnType<typeof stateOf> | undefined;

  constructor(code: JobErrorCode, message: string, executionState?: ReturnType<typeof stateOf>) {
    super(message);
    this.code = code;
    this.executionState = executionState;
  }
}

export interface Jobs {
  /** The one that the thing is to be at now. */
  next(thing: string): Promise<Job | undefined>;
  /** The same, begun if it was not. */
  startNext(thing: string, details: StatusDetails | undefined): Promise<Job | undefined>;
  /** All that follow throw JobRefusal. */
  find(thing: string, jobId: string): Promise<Job>;
  update(thing: string, jobId: string, request: UpdateRequest): Promise<Job>;
  documentOf(job: Job): Promise<JobDocument>;
}

/** What a deployment that has ended is to a job that nobody has closed. */
const endedAs: Partial<Record<DeploymentStateName, JobStatus>> = {
  confirmed: "SUCCEEDED",
  failed: "FAILED",
  "rolled-back": "FAILED",
  rejected: "REJECTED",
  cancelled: "CANCELED",
  "timed-out": "TIMED_OUT",
};

/** What of `statusDetails` is understood here, `step` and `progress`; of an execution's last words all are logged. */
const steps: Readonly<Record<string, DeploymentStateName>> = {
  downloading: "downloading",
  verifying: "verifying",
  installed: "installed",
  rebooting: "rebooting",
};

/** "40", "40%" or "2/5" */
export function progressIn(text: string | undefined): { part: number; of: number } | undefined {
  const [, percent, part, of] = /^(?:(\d{1,3})\s*%?|(\d{1,9})\/(\d{1,9}))$/.exec(text?.trim() ?? "") ?? [];
  const done = percent === undefined ? { part: Number(part), of: Number(of) } : { part: Number(percent), of: 100 };
  return done.of > 0 && done.part <= done.of ? done : undefined;
}

function claimedIn({ status, statusDetails }: Pick<UpdateRequest, "status" | "statusDetails">): Claimed {
  switch (status) {
    case "SUCCEEDED":
      return { kind: "success" };
    case "FAILED":
      return { kind: "failure" };
    case "REJECTED":
      return { kind: "rejected" };
    case "IN_PROGRESS": {
      const done = progressIn(statusDetails?.["progress"]);
      const state = steps[statusDetails?.["step"] ?? ""] ?? "downloading";
      return { kind: "at", state, ...(done === undefined ? {} : { done }) };
    }
  }
}

/** `addressOf`: where the payload of an action is fetched. */
export function createJobs(common: Common, addressOf: (action: ActionRow) => Promise<string>): Jobs {
  const { storage, actions, due, claimed, downloads, deviceLog, clock } = common;
  const executions = createExecutions(storage, clock.wallMs);

  const jobOf = async (action: ActionRow): Promise<Job> => ({ action, execution: await executions.of(action) });

  async function statusAfter({ deploymentId, attempt }: ActionRow): Promise<JobStatus> {
    const row = await storage.db
      .selectFrom("deployments")
      .select(["state", "attempt"])
      .where("id", "=", deploymentId)
      .executeTakeFirst();
    return row?.attempt === attempt ? (endedAs[row.state] ?? "REMOVED") : "REMOVED";
  }

  async function settle(thing: string, action: ActionRow): Promise<Job> {
    const job = await jobOf(action);
    if (action.state === "closed" || (await due.settle(thing, action)) === "open") return job;
    await actions.change(action.id, { state: "closed" });
    if (isTerminal(job.execution.status)) return job;
    return { ...job, execution: await executions.change(job.execution, await statusAfter(action)) };
  }

  async function next(thing: string): Promise<Job | undefined> {
    const found = await due.of(thing);
    for (const action of await actions.unclosed(thing)) if (action.id !== found?.action.id) await settle(thing, action);
    return found?.action.state === "open" ? jobOf(found.action) : undefined;
  }

  async function find(thing: string, jobId: string): Promise<Job> {
    const id = actionIdOf(jobId);
    const action = id === undefined ? undefined : await actions.find(thing, id);
    if (action === undefined) throw new JobRefusal("ResourceNotFound", `There is no job ${jobId.slice(0, 64)}.`);
    return settle(thing, action);
  }

  function note(thing: string, action: ActionRow, { status, statusDetails }: UpdateRequest): void {
    // Of what is under way a log of some fifty lines would be full.
    if (status === "IN_PROGRESS") return;
    const details = statusDetails == null ? "" : `: ${withUnseenWrittenOut(JSON.stringify(statusDetails))}`;
    deviceLog.add(thing, "deployment", `job ${jobIdOf(action)}: ${status}${details}`.slice(0, loggedCharactersMax));
  }

  return {
    next,
    find,
    async startNext(thing, details) {
      const job = await next(thing);
      if (job?.execution.status !== "QUEUED") return job;
      await claimed.take(thing, job.action, claimedIn({ status: "IN_PROGRESS", statusDetails: details }));
      return { ...job, execution: await executions.change(job.execution, "IN_PROGRESS", details) };
    },
    async update(thing, jobId, request) {
      const { action, execution } = await find(thing, jobId);
      const { status, statusDetails, expectedVersion } = request;
      const state = stateOf(execution);
      if (request.executionNumber !== undefined && request.executionNumber !== executionNumber)
        throw new JobRefusal("ResourceNotFound", `The job has one execution, ${executionNumber}.`);
      if (isTerminal(execution.status))
        throw new JobRefusal("InvalidStateTransition", `The job is ${execution.status} already.`, state);
      if (expectedVersion !== undefined && expectedVersion !== execution.version)
        throw new JobRefusal("VersionMismatch", `The execution's version is ${execution.version}.`, state);
      note(thing, action, request);
      // First what it means: what a crash leaves undone is said again.
      await claimed.take(thing, action, claimedIn(request));
      return { action, execution: await executions.change(execution, status, statusDetails) };
    },
    async documentOf({ action }) {
      try {
        const artifact = await downloads.artifactOf(action.deviceId, action);
        return jobDocument(artifact, await addressOf(action));
      } catch (error) {
        if (error instanceof ApiError) throw new JobRefusal("ResourceNotFound", error.message);
        throw error;
      }
    },
  };
}
