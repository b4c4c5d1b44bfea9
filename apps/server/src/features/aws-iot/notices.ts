// What things are told without asking: that the list of their jobs, or the one that is next, is another. They do not
// poll as others do, so one that is connected and has something open is looked at again and again: a rate, a window or
// a wave may have made room for it.

import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import { followDue } from "../deployments/follow-due.ts";
import type { Common } from "../other-agents/common.ts";
import { executionOf, type Job, secondsOf, summaryOf } from "./documents.ts";
import { jobIdOf } from "./executions.ts";
import { JobRefusal, type Jobs } from "./jobs.ts";

/** How often what is connected is looked at; one that is gone is shown as away after a few of these. */
export const lookEveryMs = 10_000;
const pushesUnderWayMax = 16;

export interface Notices {
  connected(thing: string): void;
  closed(thing: string): void;
  /** It has been told of it by an answer. */
  told(thing: string, next: Job | "none"): void;
  /** In the thing's turn. */
  look(thing: string): Promise<void>;
  /** Called often. */
  sweep(): void;
  close(): void;
}

interface Told {
  /** Of the job that is next, with its document; empty: none. */
  next: string;
  /** Of the list. */
  list: string;
}

const nextOf = (job: Job | undefined): string => (job === undefined ? "" : jobIdOf(job.action));
const listOf = (job: Job | undefined): string => (job === undefined ? "" : `${nextOf(job)} ${job.execution.status}`);

export function createNotices(
  { clock, memory, turns, polled, storage }: Common,
  jobs: Jobs,
  { link, feed, log }: { link: Pick<DeviceLink, "publishToThing">; feed: Feed; log: Logger },
): Notices {
  /** Those that are connected. */
  const toldTo = new Map<string, Told>();
  const waiting = new Set<string>();
  let underWay = 0;
  let lookedAtMs = clock.steadyMs();
  let isClosed = false;

  function messages(job: Job | undefined, document: Awaited<ReturnType<Jobs["documentOf"]>> | undefined) {
    const timestamp = secondsOf(clock.wallMs());
    const list = job === undefined ? {} : { [job.execution.status]: [summaryOf(job)] };
    const execution = job === undefined ? {} : { execution: executionOf(job, document) };
    return {
      list: { leaf: "jobs/notify", payload: JSON.stringify({ timestamp, jobs: list }) },
      next: { leaf: "jobs/notify-next", payload: JSON.stringify({ timestamp, ...execution }) },
    };
  }

  async function look(thing: string): Promise<void> {
    const job = await jobs.next(thing);
    const told = toldTo.get(thing);
    if (told === undefined) return;
    const [next, list] = [nextOf(job), listOf(job)];
    const isNextNew = next !== told.next;
    if (!isNextNew && list === told.list) return;
    const document = job !== undefined && isNextNew ? await jobs.documentOf(job) : undefined;
    const made = messages(job, document);
    const news = [...(list === told.list ? [] : [made.list]), ...(isNextNew ? [made.next] : [])];
    // Who does not listen yet is told later. Meanwhile another connection may have come in its place.
    const isHeard = await link.publishToThing(thing, news);
    if (isHeard && toldTo.get(thing) === told) toldTo.set(thing, { next, list });
  }

  function pump(): void {
    for (const thing of waiting) {
      if (isClosed || underWay >= pushesUnderWayMax) return;
      waiting.delete(thing);
      underWay++;
      turns
        .run(thing, () => look(thing))
        .catch((error: unknown) => {
          // It can't be fetched now: it is looked at again.
          if (!(error instanceof JobRefusal)) log.error({ err: error as Error, thing }, "a thing could not be told");
        })
        .finally(() => {
          underWay--;
          pump();
        });
    }
  }

  function push(things: Iterable<string>): void {
    for (const thing of things) if (toldTo.has(thing)) waiting.add(thing);
    pump();
  }

  async function lookAtAll(): Promise<void> {
    for (const [thing, { next }] of toldTo) {
      if (isClosed) return;
      polled.heard(thing);
      const isOpen = (await memory.deployments(thing)).some(({ finishedAt }) => finishedAt === null);
      if (isOpen || next !== "") push([thing]);
    }
  }

  const connected = (): Iterable<string> => toldTo.keys();
  followDue({ feed, storage, connected, push, isClosed: () => isClosed, log });

  return {
    connected(thing) {
      toldTo.set(thing, { next: "", list: "" });
      polled.heard(thing);
    },
    closed: (thing) => void toldTo.delete(thing),
    told(thing, next) {
      const before = toldTo.get(thing);
      const job = next === "none" ? undefined : next;
      if (before !== undefined) toldTo.set(thing, { next: nextOf(job), list: before.list || listOf(job) });
    },
    look,
    sweep() {
      if (clock.steadyMs() - lookedAtMs < lookEveryMs) return;
      lookedAtMs = clock.steadyMs();
      lookAtAll().catch((error: unknown) => log.error({ err: error as Error }, "things could not be looked at"));
    },
    close() {
      isClosed = true;
      waiting.clear();
    },
  };
}
