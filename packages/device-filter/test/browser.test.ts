// The console loads the package: bundled as vite does it, with nothing of Node, no schema, and no library.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

it("can be loaded by a browser, and brings little with it", async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  expect(Object.keys(metafile.inputs).filter((path) => /node_modules|resources\//.test(path))).toEqual([]);
});
