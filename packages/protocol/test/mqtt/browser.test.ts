// A browser can load the MQTT codec: nothing of Node is in it, and nothing of other packages.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

const source = fileURLToPath(new URL("../../src/mqtt", import.meta.url));

it("can be loaded by a browser, and brings nothing with it", async () => {
  const files = readdirSync(source);
  const contents = files.map((file, i) => `export * as part${i} from "./${file}";`).join("\n");
  const { metafile } = await build({
    stdin: { contents, resolveDir: source },
    bundle: true,
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>");
  const folderAndName = inputs.map((path) => path.split("/").slice(-2).join("/"));
  expect(folderAndName.sort()).toEqual(files.map((file) => `mqtt/${file}`).sort());
});
