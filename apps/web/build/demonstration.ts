// What the page "Try to brick it" shows, made where the console is built: loader, agent and apps as they ship, a device
// as it leaves the factory, and signed images for it. The keys are the power-cut campaign's, which everybody can
// compute: nothing but a demonstration trusts them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FleetBeside } from "@flipside/api/fleet-beside";
import { toBase64Url } from "@flipside/image-format";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { memoryPages, PRODUCT, virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { buildBootWasm } from "../../agent/build/build-loader.ts";
import { cached, filesBelow, hashOf, hashOfFiles } from "../../agent/build/cache.ts";
import { compileWasm } from "../../agent/build/compile-module.ts";
import { agentSources, repositoryRoot } from "../../agent/build/paths.ts";
import { instrument } from "../../power-cut/src/device/instrument.ts";
import {
  bankRoots,
  type CampaignImage,
  firstTrustChain,
  identityFor,
  keys,
  makeImage,
} from "../../power-cut/src/stories/images.ts";
import { type AppName, apps, type DemonstrationFile, type SignedHead } from "../src/brick-it/bench/demonstration.ts";
import { type Flavour, flavours, layout } from "../src/brick-it/bench/geometry.ts";

/** So often a device can be updated until it has to be made anew. */
const VERSIONS = 24;
const PAGE_BYTES = 4096;

const entries: Record<AppName, string> = {
  healthy: join(agentSources, "app/main.ts"),
  crashes: join(repositoryRoot, "apps/web/build/faulty-apps/app-crash.ts"),
  unhealthy: join(repositoryRoot, "apps/web/build/faulty-apps/app-unhealthy.ts"),
};

const appOf = (flavour: Flavour): AppName => (flavour === "stranger" ? "healthy" : flavour);

interface Modules {
  boot: Uint8Array;
  agent: Uint8Array;
  apps: Record<AppName, Uint8Array>;
}

async function compileModules(): Promise<Modules> {
  const compiled = async (name: "agent" | "app", entry: string): Promise<Uint8Array> =>
    readFileSync(await compileWasm({ name, entry, memoryPages: memoryPages[name] }));
  return {
    boot: readFileSync(await buildBootWasm()),
    agent: await compiled("agent", join(agentSources, "agent/main.ts")),
    apps: {
      healthy: await compiled("app", entries.healthy),
      crashes: await compiled("app", entries.crashes),
      unhealthy: await compiled("app", entries.unhealthy),
    },
  };
}

/** Folder with demonstration.json and the modules, by the names that the page asks for. */
export async function buildDemonstration(): Promise<string> {
  const modules = await compileModules();
  const sources = [
    "apps/web/build",
    "apps/power-cut/src/stories",
    "apps/power-cut/src/device",
    "packages/image-format/src",
    "packages/machine/src",
  ]
    .flatMap((folder) => filesBelow(join(repositoryRoot, folder), [".ts"]))
    .concat(
      ["demonstration.ts", "geometry.ts"].map((name) => join(repositoryRoot, "apps/web/src/brick-it/bench", name)),
    );
  const inputs = [modules.boot, modules.agent, ...Object.values(modules.apps)];
  return cached("demonstration", hashOf([...inputs, hashOfFiles(sources, repositoryRoot)]), async (folder) => {
    const put = (name: string, bytes: Uint8Array | string): void => writeFileSync(join(folder, name), bytes);
    put("boot.wasm", modules.boot);
    put("agent.wasm", modules.agent);
    for (const app of Object.keys(apps) as AppName[]) put(apps[app], modules.apps[app]);
    // The campaign's, to replay its cases: what shipped, made ready for many starts.
    put("replay-boot.wasm", instrument(modules.boot, { importCrypto: true }));
    put("replay-agent.wasm", instrument(modules.agent, { importCrypto: true }));
    put("replay-agent-crypto.wasm", instrument(modules.agent, { importCrypto: false }));
    put("fleet.json", JSON.stringify({ fleet: null } satisfies FleetBeside));
    put("demonstration.json", JSON.stringify(await demonstrationOf(modules)));
  });
}

async function demonstrationOf(modules: Modules): Promise<DemonstrationFile> {
  const payloads = Object.fromEntries(
    Object.entries(modules.apps).map(([app, bytes]) => [app, buildBundle(modules.agent, bytes)]),
  ) as Record<AppName, Uint8Array>;
  const made: { flavour: Flavour; image: CampaignImage; version: string; releaseSequence: number }[] = [];
  for (let releaseSequence = 1; releaseSequence <= VERSIONS; releaseSequence++)
    for (const flavour of releaseSequence === 1 ? (["healthy"] as const) : flavours) {
      const version = `${releaseSequence}.0.0`;
      const image = await makeImage({
        name: `${version} ${flavour}`,
        version,
        releaseSequence,
        payload: payloads[appOf(flavour)],
        change: { description: flavour },
        signedBy: flavour === "stranger" ? keys.stranger : keys.release,
      });
      made.push({ flavour, image, version, releaseSequence });
    }
  const identity = { ...identityFor(virtualTarget), deviceId: "in-your-browser" };
  const first = made[0]!.image;
  const factory = await factoryFlash({ layout, identity, trustChain: await firstTrustChain(), image: first.file });
  const tableOf = (app: AppName): string =>
    toBase64Url(made.find(({ flavour }) => appOf(flavour) === app)!.image.table);
  return {
    product: PRODUCT,
    hardware: identity.hardware,
    deviceId: identity.deviceId,
    claimSecret: toBase64Url(identity.claimSecret),
    rootKeys: bankRoots.map(toBase64Url),
    releaseKeys: [toBase64Url(keys.release.publicKey)],
    tables: { healthy: tableOf("healthy"), crashes: tableOf("crashes"), unhealthy: tableOf("unhealthy") },
    factory: withoutPayload(factory, first),
    heads: made.map(
      ({ flavour, image, version, releaseSequence }): SignedHead => ({
        flavour,
        version,
        releaseSequence,
        digest: image.digest,
        header: toBase64Url(image.header),
        signatures: toBase64Url(image.signatures),
        chunkBytes: image.chunkBytes,
        app: appOf(flavour),
      }),
    ),
  };
}

/** Pages that are not blank, up to their last byte that is not; those of the payload come with the modules. */
function withoutPayload(flash: Uint8Array, { payload }: CampaignImage): DemonstrationFile["factory"] {
  const rest = flash.slice();
  const { offsetBytes, sizeBytes } = layout.zones.slotA;
  const at = Buffer.from(rest.buffer).indexOf(payload.subarray(0, 64), offsetBytes);
  if (at < 0 || at + payload.length > offsetBytes + sizeBytes) throw new Error("slot A does not hold the payload");
  rest.fill(0xff, at, at + payload.length);
  const parts: DemonstrationFile["factory"] = [];
  for (let offset = 0; offset < rest.length; offset += PAGE_BYTES) {
    const page = rest.subarray(offset, offset + PAGE_BYTES);
    let end = page.length;
    while (end > 0 && page[end - 1] === 0xff) end--;
    if (end > 0) parts.push({ offset, bytes: toBase64Url(page.subarray(0, end)) });
  }
  return parts;
}
