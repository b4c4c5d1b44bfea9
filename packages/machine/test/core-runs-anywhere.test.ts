// The machine's core is what every host has in common, a browser too: it knows nothing of the leaves around it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const core = fileURLToPath(new URL("../src", import.meta.url));
const isOfTheCore = (path: string): boolean =>
  path === "@flipside/image-format" || (path.startsWith(".") && !/\/(browser|node|qemu|serial)\//.test(path));
const imported = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

test("no file of the core imports Node, or a leaf", () => {
  const files = readdirSync(core, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  expect(files.length).toBeGreaterThan(20);
  const wrong = files.flatMap((name) =>
    [...readFileSync(join(core, name), "utf8").matchAll(imported)]
      .map(([, path]) => path!)
      .filter((path) => !isOfTheCore(path))
      .map((path) => `${name} imports ${path}: what needs more than the core belongs in a leaf`),
  );
  expect(wrong).toEqual([]);
});
