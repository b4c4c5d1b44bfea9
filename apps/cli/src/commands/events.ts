// `flipside events`

import { type ThingKind, thingKinds } from "@flipside/api/event-kinds";
import { ProblemError } from "@flipside/api/problem";
import type { PolledEvents } from "@flipside/api/types";
import { command, type Invocation } from "../command-line/command.ts";
import { exitOfProblem } from "../command-line/problem-text.ts";
import { readDuration } from "../command-line/units.ts";

const AGAIN_AFTER_MS = 2_000;

const options = {
  after: { value: "CURSOR", what: "what came since; left out: from now on" },
  kind: { value: "KIND", what: "of these things alone", many: true, oneOf: thingKinds },
  lines: { what: "each event as a line of JSON, for programs" },
  follow: { what: "go on, until it is interrupted" },
  wait: { value: "DURATION", what: "without --follow: how long for the first one (0s)", read: readDuration },
} as const;

type ToldEvent = PolledEvents["events"][number];

/** What a line says of a thing: what people look for first. */
function textOf({ kind, data }: ToldEvent): string {
  if (kind === "resync") return "resync      more has changed than is known: read anew what you follow";
  const more: Record<Exclude<ToldEvent["kind"], "resync">, () => string> = {
    device: () => ("health" in data ? data.health : ""),
    release: () => ("version" in data ? data.version : ""),
    rollout: () => ("name" in data ? `${data.state}  ${data.name}` : ""),
    deployment: () => ("deviceId" in data ? `${data.state}  ${data.deviceId}` : ""),
    gone: () => ("kind" in data ? data.kind : ""),
  };
  return `${kind.padEnd(10)}  ${data.id}  ${more[kind]()}`;
}

const passes = (error: unknown): boolean =>
  error instanceof ProblemError &&
  (exitOfProblem(error) === "unreachable" || error.status === 503 || error.status === 429);

async function run({ options: asked, say, note, connect }: Invocation<typeof options>) {
  const api = connect();
  const kinds = asked.kind.length === 0 ? {} : { kinds: [...new Set(asked.kind as ThingKind[])].join(",") };
  const told: ToldEvent[] = [];
  let cursor = asked.after;
  let waitMs = Math.min(asked.wait ?? 0, 50_000);
  for (;;) {
    try {
      const polled: PolledEvents = await api("GET /api/v1/events/poll", {
        query: {
          ...kinds,
          ...(cursor === undefined ? {} : { after: cursor }),
          ...(asked.follow ? {} : { timeoutMs: String(waitMs) }),
        },
      });
      const isFirst = cursor === undefined;
      cursor = polled.cursor;
      for (const event of polled.events) say(asked.lines ? JSON.stringify(event) : textOf(event));
      if (asked.follow) continue;
      told.push(...polled.events);
      if (polled.events.length > 0) waitMs = 0;
      else if (!isFirst || waitMs === 0) break;
    } catch (error) {
      if (!asked.follow || !passes(error)) throw error;
      note(`${(error as Error).message}; asking again`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
    }
  }
  note(`go on with --after ${cursor}`);
  return { json: { events: told, cursor } };
}

export const events = command({
  name: "events",
  summary: "What has changed: devices, releases, rollouts, deployments",
  about:
    "Each thing is told as it is now. A cursor says from where to go on, over restarts of the server, as long as the changes are kept; resync says that they are not, or that more has changed than is named. Who is online and how far a download has come are not told here.",
  options,
  examples: [
    "flipside events --follow --kind rollout --lines",
    "flipside events --after 3f9c01ab-1204 --json",
    "flipside events --print cursor",
  ],
  connects: true,
  run,
});
