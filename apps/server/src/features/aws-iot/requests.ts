// What things ask, answered: each on its own topic with `/accepted` or `/rejected` behind it, and with the token that
// it gave.

import {
  clientTokenIn,
  describeRequest,
  isTerminal,
  type JobErrorCode,
  pendingRequest,
  startRequest,
  updateRequest,
} from "@flipside/protocol/thing-messages";
import type { ThingRequest } from "@flipside/protocol/thing-topics";
import type { z } from "zod";
import type { ThingMessage } from "../../mqtt/device-link.ts";
import { executionOf, type Job, listed, secondsOf, stateOf } from "./documents.ts";
import { JobRefusal, type Jobs } from "./jobs.ts";
import { type Shadow, ShadowRefusal, shadowRequests } from "./shadow.ts";

/** Stands for whichever job is next. */
const nextJob = "$next";

export interface Answered {
  message: ThingMessage;
  /** The job that the thing has been told of with its document as the next one, or that there is none. */
  toldNext?: Job | undefined | "none";
}

export interface Requests {
  /** Rejects only where the storage does, or by a mistake of this server's. */
  answer(thing: string, request: ThingRequest, payload: Uint8Array): Promise<Answered>;
  /** The same where it did: that it is to be asked again. */
  failed(request: ThingRequest, payload: Uint8Array): ThingMessage;
}

const topicOf = ({ leaf, jobId }: ThingRequest): string => (jobId === undefined ? leaf : leaf.replace("+", jobId));

const decoder = new TextDecoder("utf-8", { fatal: true });

/** No payload is as good as an empty object. Throws what is wrong with it. */
function parse(payload: Uint8Array): unknown {
  const text = decoder.decode(payload);
  return text.trim() === "" ? {} : JSON.parse(text);
}

function shaped<S extends z.ZodType>(shape: S, object: unknown): z.output<S> {
  const parsed = shape.safeParse(object);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new JobRefusal("InvalidRequest", `${issue?.path.join(".") || "The request"}: ${issue?.message}`);
}

type Body = Record<string, unknown>;
interface Told {
  body: Body;
  toldNext?: Answered["toldNext"];
}

export function createRequests(jobs: Jobs, shadow: Shadow, wallMs: () => number): Requests {
  const execution = async (job: Job | undefined, withDocument = true): Promise<Body> =>
    job === undefined ? {} : { execution: executionOf(job, withDocument ? await jobs.documentOf(job) : undefined) };

  async function describe(thing: string, jobId: string, object: unknown): Promise<Told> {
    const { includeJobDocument } = shaped(describeRequest, object);
    if (jobId === nextJob) {
      const job = await jobs.next(thing);
      return { body: await execution(job, includeJobDocument), toldNext: job ?? "none" };
    }
    const job = await jobs.find(thing, jobId);
    if (isTerminal(job.execution.status))
      throw new JobRefusal("TerminalStateReached", `The job is ${job.execution.status}.`, stateOf(job.execution));
    return { body: await execution(job, includeJobDocument) };
  }

  async function update(thing: string, jobId: string, object: unknown): Promise<Told> {
    const request = shaped(updateRequest, object);
    const job = await jobs.update(thing, jobId, request);
    const state = request.includeJobExecutionState ? { executionState: stateOf(job.execution) } : {};
    if (!request.includeJobDocument || isTerminal(job.execution.status)) return { body: state };
    return { body: { ...state, jobDocument: await jobs.documentOf(job) } };
  }

  async function told(thing: string, { leaf, jobId = "" }: ThingRequest, object: unknown): Promise<Told> {
    switch (leaf) {
      case "jobs/get": {
        shaped(pendingRequest, object);
        const job = await jobs.next(thing);
        return { body: { inProgressJobs: listed(job, "IN_PROGRESS"), queuedJobs: listed(job, "QUEUED") } };
      }
      case "jobs/start-next": {
        const { statusDetails } = shaped(startRequest, object);
        const job = await jobs.startNext(thing, statusDetails ?? undefined);
        return { body: await execution(job), toldNext: job ?? "none" };
      }
      case "jobs/+/get":
        return describe(thing, jobId, object);
      case "jobs/+/update":
        return update(thing, jobId, object);
      case "shadow/get":
        shaped(shadowRequests.get, object);
        return { body: { ...(await shadow.get(thing)) } };
      case "shadow/update":
        return { body: { ...(await shadow.update(thing, shaped(shadowRequests.update, object))) } };
    }
  }

  const isShadow = ({ leaf }: ThingRequest): boolean => leaf.startsWith("shadow/");

  function made(request: ThingRequest, ending: "accepted" | "rejected", body: Body, object: unknown): ThingMessage {
    const clientToken = clientTokenIn(object);
    const whole = { ...body, timestamp: secondsOf(wallMs()), ...(clientToken === undefined ? {} : { clientToken }) };
    return { leaf: `${topicOf(request)}/${ending}`, payload: JSON.stringify(whole) };
  }

  function rejected(request: ThingRequest, refusal: JobRefusal | ShadowRefusal, object: unknown): ThingMessage {
    const { message } = refusal;
    if (refusal instanceof ShadowRefusal) return made(request, "rejected", { code: refusal.code, message }, object);
    const { code, executionState } = refusal;
    const body = { code: isShadow(request) ? 400 : code, message, ...(executionState && { executionState }) };
    return made(request, "rejected", body, object);
  }

  const refusedAs = (request: ThingRequest, code: JobErrorCode, message: string, object?: unknown): ThingMessage =>
    rejected(request, new JobRefusal(code, message), object);

  function objectIn(payload: Uint8Array): { object: unknown } | { wrong: string } {
    try {
      return { object: parse(payload) };
    } catch (error) {
      return { wrong: (error as Error).message };
    }
  }

  return {
    async answer(thing, request, payload) {
      const read = objectIn(payload);
      if ("wrong" in read) return { message: refusedAs(request, "InvalidJson", `Not JSON: ${read.wrong}`) };
      try {
        const { body, toldNext } = await told(thing, request, read.object);
        return { message: made(request, "accepted", body, read.object), toldNext };
      } catch (error) {
        if (!(error instanceof JobRefusal || error instanceof ShadowRefusal)) throw error;
        return { message: rejected(request, error, read.object) };
      }
    },
    failed(request, payload) {
      const read = objectIn(payload);
      const object = "object" in read ? read.object : undefined;
      return refusedAs(request, "InternalError", "The server made a mistake; ask again.", object);
    },
  };
}
