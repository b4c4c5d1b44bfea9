// Our own agent, as .wasm on Node, keeps every promise that the kit looks at.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layoutOf } from "@flipside/machine/factory/flash-layout";
import { demoGeometry, manufactureInMemory } from "@flipside/machine/node/manufacture";
import { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildVirtualRelease } from "../../../agent/build/build-release.ts";
import { prepareVirtual, type PreparedVirtual } from "../../../demo/src/prepare.ts";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import type { Report } from "../../src/conformance/report.ts";
import { commandLine } from "../command-line.ts";

const deviceId = "agent-of-ours";
const folder = mkdtempSync(join(tmpdir(), "flipside-conformance-"));
const updatePath = join(folder, "update.release");
let prepared: PreparedVirtual;
let factoryImage: Uint8Array;

beforeAll(async () => {
  prepared = await prepareVirtual(folder, () => {});
  const signingKeys = [prepared.keys.release.privateJwk];
  ({ virtualImage: factoryImage } = await buildVirtualRelease({ version: "1.0.0", releaseSequence: 2, signingKeys }));
  const update = await buildVirtualRelease({ version: "2.0.0", releaseSequence: 3, signingKeys });
  writeFileSync(updatePath, update.file);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("agent.wasm on Node passes every check", { timeout: 600_000 }, async () => {
  const port = await reservePort();
  const { device: made, flash } = await manufactureInMemory({
    deviceId,
    server: { host: "127.0.0.1", port },
    trustChain: prepared.keys.trustChain,
    image: factoryImage,
  });
  const claimPath = join(folder, "claim.json");
  writeFileSync(claimPath, JSON.stringify({ deviceId, secret: made.claimSecret }));
  const device = new VirtualDevice({
    deviceId,
    layout: layoutOf(demoGeometry),
    flash: { bytes: flash },
    bootWasm: prepared.bootWasm,
    rootKeys: [prepared.keys.root.publicKey],
  });
  device.powerOn();
  try {
    const ended = await commandLine()(
      ...["conformance", "--listen", `127.0.0.1:${port}`, "--device", deviceId, "--claim", claimPath],
      ...["--keys", join(folder, "keys"), "--image", updatePath, "--json"],
    );
    expect(ended.said, ended.complained).not.toBe("");
    const report = JSON.parse(ended.said) as Report;
    const wrong = report.checks.filter(({ outcome }) => outcome !== "passed");
    expect(wrong, device.console.slice(-40).join("\n")).toEqual([]);
    expect(ended.code).toBe(0);
  } finally {
    await device.stop();
  }
});
