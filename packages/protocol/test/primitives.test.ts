// A browser's bundle computes as Node does.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { expect, it } from "vitest";
import * as browser from "../src/primitives/browser.ts";
import * as node from "../src/primitives/node.ts";

const seed = seedOfRun();
const random = new SeededRandom(seed);
const someBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
const plain = (bytes: Uint8Array): number[] => [...bytes];

it(`hashes and writes binary values alike (FLIPSIDE_SEED=${seed})`, () => {
  for (let length = 0; length < 300; length++) {
    const bytes = someBytes(length);
    const text = node.base64url(bytes);
    expect(plain(browser.sha256(bytes))).toEqual(plain(node.sha256(bytes)));
    expect(plain(browser.hmacSha256(bytes, text))).toEqual(plain(node.hmacSha256(bytes, text)));
    expect(browser.base64url(bytes)).toBe(text);
    for (const given of [text, text.slice(0, -1), `${text}=`, `-${text} _!`])
      expect(plain(browser.fromBase64url(given))).toEqual(plain(node.fromBase64url(given)));
    expect(browser.utf8(bytes)).toBe(node.utf8(bytes));
  }
  for (const text of ["", "abc", "\ufeffmark", "grün €"]) {
    expect(plain(browser.sha256(text))).toEqual(plain(node.sha256(text)));
    expect(browser.utf8(new TextEncoder().encode(text))).toBe(node.utf8(new TextEncoder().encode(text)));
  }
});

const reference = fileURLToPath(new URL("../src/reference-server", import.meta.url));

it("are all that the reference server needs of Node", async () => {
  const parts = ["answers", "hear", "mqtt-end", "outcome", "pieces", "plain-mac"];
  const { metafile, outputFiles } = await build({
    stdin: {
      contents: parts.map((part, i) => `export * as part${i} from "./${part}.ts";`).join("\n"),
      resolveDir: reference,
    },
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => path.includes("primitives/"))).toEqual([
    expect.stringMatching(/primitives\/browser\.ts$/),
  ]);
  const own = inputs.filter((path) => path.includes("packages/") && !path.includes("node_modules"));
  expect(own.length).toBeGreaterThan(10);
  expect(outputFiles[0]!.text).not.toMatch(/\bBuffer\b|node:/);
});
