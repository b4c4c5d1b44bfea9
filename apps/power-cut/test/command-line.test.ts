// The command as an engineer uses it: on a release file, on one case, and wrongly.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { buildImage, buildRelease } from "@flipside/image-format";
import { imageFields } from "../../agent/build/image-fields.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { readSubject, subjectOfSources } from "../src/campaign/subject.ts";
import { powerCut } from "../src/main.ts";
import { keys, makeImage } from "../src/stories/images.ts";

const folder = mkdtempSync(join(tmpdir(), "flipside-power-cut-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function flipside(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--import", "tsx", join(repositoryRoot, "apps/cli/src/flipside-main.ts"), "power-cut", ...args],
      { cwd: repositoryRoot, timeout: 240_000, maxBuffer: 1 << 24 },
      (error, stdout, stderr) =>
        resolve({ code: error ? (typeof error.code === "number" ? error.code : -1) : 0, out: stdout + stderr }),
    );
  });
}

/** As the command, in this process. */
async function refusal(args: string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    return { code: await powerCut(args), out };
  } finally {
    write.mockRestore();
    log.mockRestore();
  }
}

describe("flipside power-cut", () => {
  it("tests somebody's release by its file alone", { timeout: 300_000 }, async () => {
    const { agent } = readSubject(await subjectOfSources());
    const fields = imageFields(virtualTarget, { version: "7.1.0", releaseSequence: 71 });
    const image = await buildImage({
      fields: { ...fields, product: "valve-controller" },
      payload: buildBundle(agent, new Uint8Array(1000)),
      signingKeys: [keys.stranger.privateJwk],
    });
    const path = join(folder, "valve.release");
    writeFileSync(path, buildRelease([image]));
    const json = join(folder, "figures.json");
    const { code, out } = await flipside(
      "--single",
      "--story",
      "your-release",
      "--deep",
      "0",
      "--processes",
      "1",
      "--json",
      json,
      path,
    );
    expect([code, out.slice(-600)]).toEqual([0, expect.stringContaining(" 0 violations")]);
    expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({ bricks: 0, violations: 0, stories: 1 });
  });

  it("replays one case, and tells each operation and decision", { timeout: 120_000 }, async () => {
    const { code, out } = await flipside("--case", "first-update/12.blank-unstable.0~fading/1.marginal.0");
    expect(code).toBe(0);
    for (const part of [
      "power is cut: blank-unstable.0",
      "power-up 3",
      "program bootControl+0x",
      "start slot b (good)",
      "all invariants hold",
    ])
      expect(out).toContain(part);
  });

  it.each([
    [["--case", "first-update/1.smudge.0"], "smudge.0 is no way to cut a"],
    [["--case", "first-update/999.complete.0"], "there is no operation 999"],
    [["--case", "no-such-story/1.complete.0"], "there is no story no-such-story"],
    [["--case", "first-update/x"], "is not OPERATION.FAULT.N"],
    [["--seed", "-1"], "--seed"],
    [["--seeds", "3-1"], "--seeds"],
    [["--seeds", "1-24", "--seed", "1"], "--seeds"],
    [["--what"], "Usage"],
    [["one.release", "two.release"], "one release at a time"],
    [["/nowhere/file.release"], "there is no such file"],
  ])("%j is refused with what is wrong", { timeout: 60_000 }, async (args, said) => {
    expect(await refusal(args)).toEqual({ code: 2, out: expect.stringContaining(said) });
  });

  it("says what a release must have to be tested", async () => {
    const path = join(folder, "other.release");
    writeFileSync(
      path,
      (await makeImage({ name: "other", version: "1.0.0", releaseSequence: 1, payloadBytes: 5000 })).file,
    );
    expect(await refusal([path])).toEqual({ code: 2, out: expect.stringContaining("holds no modules") });
  });
});
