// A case of the power-cut campaign again, step by step, as `npm run power-cut -- --case ID` tells it: the same stories,
// the same board, the same judge. Opened when somebody asks for it, since it plays all stories once before.

import "../bench/buffer-in-a-browser.ts";
import { t } from "@lingui/core/macro";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { DEEP_PREFIX, parseCaseId } from "../../../../power-cut/src/campaign/case-id.ts";
import { replay } from "../../../../power-cut/src/campaign/replay.ts";
import { rememberedCryptoOf } from "../../../../power-cut/src/device/loaded-modules.ts";
import { type Campaign, openCampaign } from "../../../../power-cut/src/stories/catalogue.ts";
import { listed } from "../../words/listed.ts";
import { readBeside } from "../read-beside.ts";
import type { ReplayAnswer, ReplayRequest } from "./replay-worker.ts";

const campaigns = new Map<string, Promise<Campaign>>();

/** One for each geometry; the modules were instrumented when this page was built. */
function campaignOf(base: string, geometry: "small" | "device"): Promise<Campaign> {
  let campaign = campaigns.get(geometry);
  if (!campaign) campaigns.set(geometry, (campaign = openedCampaign(base, geometry)));
  return campaign;
}

async function openedCampaign(base: string, geometry: "small" | "device"): Promise<Campaign> {
  if (globalThis.crypto?.subtle === undefined)
    throw new Error(t`the campaign signs its images, which a browser does for pages from https or localhost only`);
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

/** Throws why the case can't be replayed. */
export async function replayed({ base, caseId, seed }: ReplayRequest): Promise<ReplayAnswer> {
  const isDeep = caseId.startsWith(DEEP_PREFIX);
  const { story: name, steps } = parseCaseId(isDeep ? caseId.slice(DEEP_PREFIX.length) : caseId);
  const { tested, pages, stories } = await campaignOf(base, isDeep ? "device" : "small");
  const entry = stories.get(name);
  if (!entry) {
    const names = listed([...stories.keys()]);
    throw new RangeError(t`there is no story "${name}": one of ${names}`);
  }
  const lines: string[] = [];
  const { violations } = replay(tested, pages, entry.story, entry.start, steps, seed, {
    line: (text) => void lines.push(text),
  });
  const { outcome } = tested.server.memory;
  return { kind: "replayed", story: `${name}: ${entry.story.what}`, lines, violations, outcome };
}
