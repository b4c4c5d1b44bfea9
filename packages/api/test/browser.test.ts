// What a browser loads of this package. Bundled as vite does it: nothing of Node, nothing of Express; and no schema
// with the parts that the console uses, which would make it more than twice as large.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  exports: Record<string, string>;
};

/** The files of a bundle for a browser; throws when something in it is not for one. */
async function bundled(names: string[]): Promise<{ inputs: string[]; bytes: number }> {
  const contents = names
    .map((name) => `export * as ${name.replace(/\W/g, "_")} from "@flipside/api/${name}";`)
    .join("\n");
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return { inputs: Object.keys(metafile.inputs), bytes: outputFiles[0]!.contents.length };
}

it("can be loaded by a browser, every part of it", async () => {
  const { inputs } = await bundled(Object.keys(exports).map((name) => name.slice(2)));
  expect(inputs.filter((path) => /node_modules\/(?!zod\/)/.test(path))).toEqual([]);
});

it("brings no schema with what the console uses", async () => {
  const parts = [
    "active-deployment",
    "client",
    "device-search",
    "errors",
    "event-kinds",
    "limits",
    "problem",
    "release-fit",
    "rollout-transitions",
    "rollout-arithmetic",
    "types",
  ];
  const { inputs } = await bundled(parts);
  expect(inputs.filter((path) => /zod|resources\/|open-api/.test(path))).toEqual([]);
});
