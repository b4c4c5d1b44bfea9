// The classic shadow, as far as it says what a thing is: what it reports is kept as its attributes, and a version among
// them is the proof that an update has come to its end. There is nothing that it is to be (`desired`), and so no delta.

import { shadowGetRequest, shadowUpdateRequest } from "@flipside/protocol/thing-messages";
import type { z } from "zod";
import type { Common } from "../other-agents/common.ts";
import type { SentAttributes } from "../other-agents/attributes.ts";
import { storedAttributes } from "../other-agents/what-runs.ts";
import { raiseShadowVersion, shadowVersionOf } from "./thing-records.ts";

/** As AWS IoT numbers them: HTTP's. */
export class ShadowRefusal extends Error {
  readonly code: 400 | 404 | 409;

  constructor(code: 400 | 404 | 409, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Shadow {
  get(thing: string): Promise<object>;
  /** Both throw ShadowRefusal. */
  update(thing: string, request: z.output<typeof shadowUpdateRequest>): Promise<object>;
}

type Reported = Record<string, unknown>;

const isScalar = (value: unknown): value is string | number | boolean =>
  ["string", "number", "boolean"].includes(typeof value);

/** Of the reported members those that can be attributes, and those that go. */
function changesIn(reported: Reported | null): SentAttributes[] {
  if (reported === null) return [{ mode: "replace", data: {} }];
  const entries = Object.entries(reported);
  const kept = Object.fromEntries(entries.filter((entry): entry is [string, string] => isScalar(entry[1])));
  const gone = Object.fromEntries(entries.filter(([, value]) => value === null)) as Record<string, null>;
  return [
    ...(Object.keys(gone).length > 0 ? [{ mode: "remove", data: gone } as const] : []),
    { mode: "merge", data: kept },
  ];
}

export const shadowRequests = { get: shadowGetRequest, update: shadowUpdateRequest };

export function createShadow({ storage, memory, attributes }: Common): Shadow {
  return {
    async get(thing) {
      const version = await shadowVersionOf(storage.db, thing);
      const device = await memory.device(thing);
      if (version === 0 || device === null) throw new ShadowRefusal(404, `No shadow exists with name: '${thing}'`);
      return { state: { reported: storedAttributes(device) }, metadata: { reported: {} }, version };
    },
    async update(thing, { state, version }) {
      const before = await shadowVersionOf(storage.db, thing);
      if (version !== undefined && version !== before)
        throw new ShadowRefusal(409, `Version conflict: the shadow's version is ${before}.`);
      if (state.reported === undefined) return { state: {}, metadata: {}, version: before };
      const changes = changesIn(state.reported);
      for (const change of changes.slice(0, -1)) await attributes.take(thing, change);
      await attributes.take(thing, changes.at(-1)!, (db) => raiseShadowVersion(db, thing));
      return { state: { reported: state.reported }, metadata: { reported: {} }, version: before + 1 };
    },
  };
}
