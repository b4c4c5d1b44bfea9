// What is configured away is not missed by the rest: on the device.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildPayloads } from "../../build/build-release.ts";
import { missingDeviceTools } from "../../build/run-tool.ts";
import { makeDevice } from "../http/made-device.ts";

const missing = missingDeviceTools();
if (missing.length > 0) console.log(`skipped, the unikernel can't be built or run here: ${missing.join(", ")}`);

const LINE_MS = 60_000;

describe.skipIf(missing.length > 0)("a loader without recovery", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-features-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("starts a sound image, without icmp too, and says what is wrong with others while it goes on looking", {
    timeout: 400_000,
  }, async () => {
    const { unikernel: program } = await buildPayloads({ features: { without: ["icmp"] } });
    const device = await makeDevice({
      folder,
      deviceId: "dev-less",
      payload: new Uint8Array(readFileSync(program.binaryPath)),
      loader: { without: ["recovery"] },
      options: { network: { kind: "user" } },
    });
    device.powerOn();
    try {
      await device.waitForLine(/\] agent of dev-less/, LINE_MS);
    } finally {
      await device.cutPower();
    }
    // All of bank 1 is as the chip came: no factory record, no image.
    device.replaceFlash(new Uint8Array(32 * 1024 * 1024).fill(0xff));
    device.powerOn();
    try {
      const first = await device.waitForLine(/\] recovery: code /, LINE_MS);
      const second = await device.waitForLine(/\] recovery: code /, LINE_MS);
      expect(second.replace(/^\[\d+\]/, "")).toBe(first.replace(/^\[\d+\]/, ""));
      expect(device.running).toBe(true);
    } finally {
      await device.cutPower();
    }
  });
});
