// A case of the power-cut campaign again, step by step, as `npm run power-cut -- --case ID` tells it: the same stories,
// the same board, the same judge. Opened when somebody asks for it, since it plays all stories once before.

import "../bench/buffer-in-a-browser.ts";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { DEEP_PREFIX, parseCaseId } from "../../../../power-cut/src/campaign/case-id.ts";
import { replay } from "../../../../power-cut/src/campaign/replay.ts";
import { rememberedCryptoOf } from "../../../../power-cut/src/device/loaded-modules.ts";
import { type Campaign, openCampaign } from "../../../../power-cut/src/stories/catalogue.ts";
import { readBeside } from "../read-beside.ts";

export interface ReplayRequest {
  /** Where the files of the demonstration lie. */
  base: string;
  caseId: string;
  seed: number;
}

export type ReplayAnswer =
  | { kind: "replayed"; story: string; lines: string[]; violations: string[]; outcome: string }
  /** The case can't be replayed: why. */
  | { kind: "refused"; why: string };

const campaigns = new Map<string, Promise<Campaign>>();

/** One for each geometry; the modules were instrumented when this page was built. */
function campaignOf(base: string, geometry: "small" | "device"): Promise<Campaign> {
  let campaign = campaigns.get(geometry);
  if (!campaign) campaigns.set(geometry, (campaign = openedCampaign(base, geometry)));
  return campaign;
}

async function openedCampaign(base: string, geometry: "small" | "device"): Promise<Campaign> {
  if (globalThis.crypto?.subtle === undefined)
    throw new Error("the campaign signs its images, which a browser does for pages from https or localhost only");
  const [boot, agent, whole] = await Promise.all(
    ["replay-boot.wasm", "replay-agent.wasm", "replay-agent-crypto.wasm"].map(async (name) =>
      WebAssembly.compile((await readBeside(base, name)) as Uint8Array<ArrayBuffer>),
    ),
  );
  return openCampaign({
    modules: { boot: boot!, agent: agent!, crypto: rememberedCryptoOf(whole!) },
    ...(geometry === "device" ? { layout: unikernelLayout } : {}),
  });
}

async function replayed({ base, caseId, seed }: ReplayRequest): Promise<ReplayAnswer> {
  const isDeep = caseId.startsWith(DEEP_PREFIX);
  const { story: name, steps } = parseCaseId(isDeep ? caseId.slice(DEEP_PREFIX.length) : caseId);
  const { tested, pages, stories } = await campaignOf(base, isDeep ? "device" : "small");
  const entry = stories.get(name);
  if (!entry) throw new RangeError(`there is no story "${name}": one of ${[...stories.keys()].join(", ")}`);
  const lines: string[] = [];
  const { violations } = replay(tested, pages, entry.story, entry.start, steps, seed, {
    line: (text) => void lines.push(text),
  });
  const outcome = tested.server.memory.outcome ?? "checked in";
  return { kind: "replayed", story: `${name}: ${entry.story.what}`, lines, violations, outcome };
}

self.onmessage = ({ data }: MessageEvent<ReplayRequest>) => {
  replayed(data).then(
    (answer) => self.postMessage(answer),
    (thrown: unknown) =>
      self.postMessage({ kind: "refused", why: thrown instanceof Error ? thrown.message : String(thrown) }),
  );
};
