// What lists, counts, `why` and the making of rollouts cost at very many devices: the real server on a database that is
// filled beforehand, asked over HTTP. docs/benchmarks.md says what each figure means.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { askLoopDelay } from "../fleet/loop-delay.ts";
import { FilledServer } from "./filled-server.ts";

export interface ListsOptions {
  devices: number;
  database: "sqlite" | "postgres";
  /** Of each question. */
  times: number;
  /** Also make, start, pause and cancel one for all of them. */
  rollouts: boolean;
  say: (text: string) => void;
}

/** Milliseconds, as a client sees them, one question at a time. */
export interface Asked {
  p50Ms: number;
  p95Ms: number;
  /** Of the server's processor time, for one. */
  cpuMs: number;
  bytes: number;
}

/** One thing that an operator has done to a rollout for the whole fleet. */
export interface Done {
  /** Until it was answered. */
  answeredMs: number;
  /** Until all of it was carried out. */
  wholeS: number;
  /** The server's event loop was late by so much at most. */
  stallMs: number;
  stallP99Ms: number;
  /** The server's processor time, all of it. */
  cpuS: number;
  /** What the first page of devices took meanwhile. */
  listP95Ms: number;
}

export interface ListsFigures {
  devices: number;
  database: ListsOptions["database"];
  asked: Record<string, Asked>;
  done: Record<string, Done>;
}

const tellLoopDelay = pathToFileURL(join(import.meta.dirname, "../fleet/tell-loop-delay.ts")).href;
const LOOK_EVERY_MS = 100;
const CARRIED_OUT_MS_MAX = 1_800_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const share = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
const rounded = (ms: number): number => Math.round(ms * 10) / 10;

class Run {
  constructor(
    readonly options: ListsOptions,
    readonly filled: FilledServer,
  ) {}

  async ask(path: string): Promise<Asked> {
    const tookMs: number[] = [];
    let bytes = 0;
    const cpuFromMs = this.filled.server.cpuMs;
    for (let i = 0; i < this.options.times; i++) {
      const began = performance.now();
      const answer = await this.filled.operator.call("GET", path);
      tookMs.push(performance.now() - began);
      bytes = JSON.stringify(answer).length;
    }
    const sorted = tookMs.sort((a, b) => a - b);
    const cpuMs = rounded((this.filled.server.cpuMs - cpuFromMs) / this.options.times);
    return { p50Ms: rounded(share(sorted, 0.5)), p95Ms: rounded(share(sorted, 0.95)), cpuMs, bytes };
  }

  /** `isWhole` looks at the rollout. */
  async act(path: string, body: object, isWhole: (rollout: Rollout) => boolean): Promise<Done & { id: string }> {
    await askLoopDelay(this.filled.server.child);
    const [began, cpuFromMs] = [performance.now(), this.filled.server.cpuMs];
    const { id } = (await this.filled.operator.call("POST", path, body)) as { id: string };
    const answeredMs = rounded(performance.now() - began);
    const lists: number[] = [];
    for (;;) {
      const rollout = (await this.filled.operator.call("GET", `/api/v1/rollouts/${id}`)) as unknown as Rollout;
      if (isWhole(rollout)) break;
      if (performance.now() - began > CARRIED_OUT_MS_MAX) throw new Error(`${path} was not carried out in time`);
      const from = performance.now();
      await this.filled.operator.call("GET", "/api/v1/devices");
      lists.push(performance.now() - from);
      await pause(LOOK_EVERY_MS);
    }
    const wholeS = rounded((performance.now() - began) / 1_000);
    const cpuS = rounded((this.filled.server.cpuMs - cpuFromMs) / 1_000);
    const { maxMs, p99Ms } = await askLoopDelay(this.filled.server.child);
    const sorted = lists.sort((a, b) => a - b);
    const listP95Ms = sorted.length === 0 ? 0 : rounded(share(sorted, 0.95));
    return { id, answeredMs, wholeS, stallMs: rounded(maxMs), stallP99Ms: rounded(p99Ms), cpuS, listP95Ms };
  }
}

interface Rollout {
  state: string;
  preparing: object | null;
  carryingOut: boolean;
  total: number;
}

const filterQuery = (filter: string): string => `/api/v1/devices?${new URLSearchParams({ filter }).toString()}`;
const cursor = (...keys: (string | number)[]): string => Buffer.from(JSON.stringify(keys)).toString("base64url");

function questions(devices: number): Record<string, string> {
  const id = (n: number): string => `dev-${String(n).padStart(7, "0")}`;
  const middle = Math.floor(devices / 2);
  const filters = [
    "tag = canary",
    "version < 1.0.0",
    'version ~ "^1" and health = unhealthy',
    "hardware = nothing",
    "attribute.site = s7",
    "attribute.site = nowhere",
    "lastSeen > 11d",
    "online",
    `id like *${String(middle).slice(-4)}`,
    "not (tag = ring:1 or version = 1.0.0)",
    "id like *1*2*3*",
  ];
  return {
    "first page of devices": "/api/v1/devices",
    "a page of 500": "/api/v1/devices?limit=500",
    "a page in the middle": `/api/v1/devices?after=${cursor("devices", id(middle))}`,
    "the last page": `/api/v1/devices?after=${cursor("devices", id(devices - 50))}`,
    ...Object.fromEntries(filters.map((filter) => [filter, filterQuery(filter)])),
    "words: an id": `/api/v1/devices?query=${id(middle)}`,
    "words: online": "/api/v1/devices?query=online",
    "counts of devices": "/api/v1/device-summary",
    "a device": `/api/v1/devices/${id(middle)}`,
    "its log": `/api/v1/devices/${id(middle)}/log`,
    "its deployments": `/api/v1/devices/${id(middle)}/deployments`,
    "its commands": `/api/v1/devices/${id(middle)}/commands`,
    "why a device waits": `/api/v1/devices/${id(middle)}/why`,
    claims: `/api/v1/claims?after=${cursor("claims", id(middle))}`,
    releases: "/api/v1/releases",
    rollouts: "/api/v1/rollouts",
  };
}

const ofRollout = (id: string): Record<string, string> => ({
  "a rollout": `/api/v1/rollouts/${id}`,
  "a rollout's deployments": `/api/v1/rollouts/${id}/deployments`,
  "its deployments, in the middle": `/api/v1/rollouts/${id}/deployments?after=${cursor("rollout-deployments", 1, 1)}`,
  "its deployments, queued": `/api/v1/rollouts/${id}/deployments?state=queued`,
  "its decisions": `/api/v1/rollouts/${id}/decisions`,
  "why a rollout waits": `/api/v1/rollouts/${id}/why`,
});

async function measure(run: Run, releaseId: string): Promise<Pick<ListsFigures, "asked" | "done">> {
  const { devices, say } = run.options;
  const asked: Record<string, Asked> = {};
  const done: Record<string, Done> = {};
  const all = async (paths: Record<string, string>): Promise<void> => {
    for (const [what, path] of Object.entries(paths)) {
      asked[what] = await run.ask(path);
      say(`${what}: ${JSON.stringify(asked[what])}`);
    }
  };
  const act = async (
    what: string,
    path: string,
    body: object,
    isWhole: (rollout: Rollout) => boolean,
  ): Promise<string> => {
    say(what);
    const { id, ...figures } = await run.act(path, body, isWhole);
    done[what] = figures;
    say(`${what}: ${JSON.stringify(figures)}`);
    return id;
  };
  say("lists");
  await all(questions(devices));
  if (!run.options.rollouts) return { asked, done };
  const canaries = { name: "canaries", releaseId, target: { filter: "tag = canary" } };
  await act("making one for the canaries", "/api/v1/rollouts", canaries, ({ preparing }) => preparing === null);
  const everybody = { name: "everybody", releaseId, target: { all: true }, waves: [{ percent: 1 }] };
  const id = await act(
    "making one for all",
    "/api/v1/rollouts",
    everybody,
    ({ preparing, total }) => preparing === null && total === devices,
  );
  await all(ofRollout(id));
  const word = (name: string): string => `/api/v1/rollouts/${id}/${name}`;
  const isSwept = ({ carryingOut }: Rollout): boolean => !carryingOut;
  await act("starting the wave of 99 %", word("start-next-wave"), {}, isSwept);
  await act("pausing it", word("pause"), {}, isSwept);
  await act("resuming it", word("resume"), {}, isSwept);
  await all({ "why a rollout waits, with its last wave": `/api/v1/rollouts/${id}/why` });
  await act("cancelling it", word("cancel"), {}, isSwept);
  return { asked, done };
}

/** Rejects when it can't be measured. */
export async function measureLists(options: ListsOptions): Promise<ListsFigures> {
  const filled = await FilledServer.start({ ...options, preload: [tellLoopDelay] });
  try {
    const { devices, database } = options;
    return { devices, database, ...(await measure(new Run(options, filled), filled.releaseId)) };
  } finally {
    await filled.close();
  }
}
