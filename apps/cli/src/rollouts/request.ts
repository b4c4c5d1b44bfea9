// The request of a new rollout, from a file, from options, or from both: what is said by an option counts.

import { readFileSync } from "node:fs";
import type { Client } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import type { NewRollout, RolloutTemplate } from "@flipside/api/types";
import type { OptionsOf } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import type { Io } from "../command-line/io.ts";
import { readDuration, readPercent, readTime, readWhole } from "../command-line/units.ts";
import { findRelease } from "./find-release.ts";
import { readFilter, readHealthMetric, readWave } from "./read-wave.ts";

const thresholdActions = ["pause", "abort", "roll-back-wave", "roll-back-all"] as const;
const healthActions = ["pause", "abort", "roll-back-all"] as const;

export const requestOptions = {
  release: { value: "VERSION", what: "what is rolled out: a release's version, or its id" },
  product: { value: "NAME", what: "of which product, where several have that version" },
  file: { value: "FILE", what: "the request as JSON (docs/api.md, Rollouts); - is standard input" },
  template: {
    value: "NAME",
    what: "begin with the settings that were kept under this name (flipside rollout templates)",
  },
  name: { value: "TEXT", what: "what it is called (the release's product and version)" },
  target: { value: "FILTER", what: "to the devices that a filter means (docs/device-filter.md)", read: readFilter },
  device: { value: "ID", what: "to this device", many: true },
  all: { what: "to every device of the product" },
  wave: {
    value: "WAVE",
    what: "a wave, in their order: 5% (how far it comes with it), 10 (devices), 'tag = canary' (a filter) or '10 of tag = canary'",
    many: true,
    read: readWave,
  },
  soak: { value: "DURATION", what: "how long a finished wave is watched (0s)", read: readDuration },
  deadline: {
    value: "DURATION",
    what: "from a wave's start to the offer, and from that to the end (24h)",
    read: readDuration,
  },
  threshold: { value: "PERCENT", what: "more failures than that in a wave, and it acts (50%)", read: readPercent },
  "threshold-action": { value: "ACTION", what: "what it does then (pause)", oneOf: thresholdActions },
  "minimum-sample": { value: "N", what: "so many have to be finished before that (5)", read: readWhole(1, 1_000_000) },
  health: {
    value: "METRIC",
    what: "the health gate compares this: crashes, reconnects, NAME:higher or NAME:lower of what apps report",
    many: true,
    read: readHealthMetric,
  },
  "health-action": { value: "ACTION", what: "what it does when that gate fails (pause)", oneOf: healthActions },
  "error-rate": {
    value: "PERCENT",
    what: "probability that a harmless update fails that gate (1%)",
    read: readPercent,
  },
  order: {
    value: "ORDER",
    what: "who is in the first waves (online-first)",
    oneOf: ["online-first", "as-listed", "random"],
  },
  "under-way": { value: "N", what: "so many devices at work at a time (all)", read: readWhole(1, 1_000_000) },
  approval: { what: "each wave waits for somebody else's approval" },
  "start-at": { value: "TIME", what: "the first wave does not start before", read: readTime },
  urgent: { what: "overtakes other rollouts on the same devices" },
  "allow-older": { what: "it may go back to an older release, by permits" },
  continuous: { what: "devices that come to match later join it" },
  supersedes: { value: "ID", what: "this rollout ends when the new one starts", many: true },
} as const;

type RequestOptions = OptionsOf<typeof requestOptions>;

async function fromFile(io: Io, path: string): Promise<Record<string, unknown>> {
  const text = path === "-" ? await io.readInput() : readFileSync(path, "utf8");
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new CommandFailure(`${path} is no JSON: ${(error as Error).message}`);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content))
    throw new CommandFailure(`${path} is no request: a JSON object is meant (docs/api.md, Rollouts)`);
  return content as Record<string, unknown>;
}

function targetOf({ all, device, target }: RequestOptions): NewRollout["target"] | undefined {
  const said = [all, device.length > 0, target !== undefined].filter(Boolean).length;
  if (said > 1) throw new UsageError("one target is meant: --target FILTER, --all, or --device ID once or more");
  if (all) return { all: true };
  if (device.length > 0) return { deviceIds: device };
  return target === undefined ? undefined : { filter: target };
}

function healthOf(options: RequestOptions): Pick<NewRollout, "health"> | Record<never, never> {
  const { health: metrics, "health-action": action, "error-rate": percent } = options;
  if (metrics.length === 0) {
    if (action !== undefined || percent !== undefined)
      throw new UsageError("--health-action and --error-rate are of a health gate: say what it compares by --health");
    return {};
  }
  return {
    health: {
      metrics,
      ...(percent === undefined ? {} : { errorRate: percent / 100 }),
      ...(action === undefined ? {} : { action: action as (typeof healthActions)[number] }),
    },
  };
}

/** Members that are said by an option. */
function saidByOptions(options: RequestOptions): Partial<NewRollout> {
  const said: Partial<Record<keyof NewRollout, unknown>> = {
    name: options.name,
    target: targetOf(options),
    waves: options.wave.length === 0 ? undefined : options.wave,
    soakMs: options.soak,
    deadlineMs: options.deadline,
    failureThresholdPercent: options.threshold,
    thresholdAction: options["threshold-action"],
    minimumSample: options["minimum-sample"],
    order: options.order,
    underWayMax: options["under-way"],
    startAt: options["start-at"],
    approval: options.approval || undefined,
    urgent: options.urgent || undefined,
    allowOlder: options["allow-older"] || undefined,
    continuous: options.continuous || undefined,
    supersedes: options.supersedes.length === 0 ? undefined : options.supersedes,
    ...healthOf(options),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** Throws CommandFailure. */
async function settingsKept(api: Client, meant: string): Promise<Record<string, unknown>> {
  const templates = await everyPage<RolloutTemplate>(async (query) => {
    const { templates, next } = await api("GET /api/v1/rollout-templates", { query });
    return { members: templates, next };
  });
  const found = templates.find(({ name }) => name === meant);
  if (found !== undefined) return { ...found.settings };
  const known = templates.map(({ name }) => name).join(", ");
  throw new CommandFailure(
    `there is no template ${meant}; ${known === "" ? "none was kept yet" : `there are ${known}`}`,
  );
}

/** Throws UsageError and CommandFailure; whether the whole of it holds, the server says. */
export async function requestOf(api: Client, io: Io, options: RequestOptions): Promise<NewRollout> {
  const said = saidByOptions(options);
  const kept = options.template === undefined ? {} : await settingsKept(api, options.template);
  const request: Record<string, unknown> = {
    ...kept,
    ...(options.file === undefined ? {} : await fromFile(io, options.file)),
    ...said,
  };
  if (options.release !== undefined) {
    const { id, product, version } = await findRelease(api, options.release, options.product);
    Object.assign(request, { releaseId: id });
    request["name"] ??= `${product} ${version}`;
  }
  if (request["releaseId"] === undefined) throw new UsageError("what is rolled out? Give --release VERSION");
  if (request["target"] === undefined)
    throw new UsageError("to which devices? Give --target FILTER, --all, or --device ID once or more");
  return request as unknown as NewRollout;
}
