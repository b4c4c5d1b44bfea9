// Which room of the server may know which: what stands above imports what is below, never the other way round, and
// nothing goes in a circle. docs/architecture.md has the same in words.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";

const source = join(repositoryRoot, "apps/server/src");

/**
 * From below to above; a room is a folder, or a file that has none. Rooms of one layer don't know each other, but for
 * features.
 */
const layers: readonly (readonly string[])[] = [
  ["domain", "logging.ts", "identifiers.ts", "plain-text.ts", "start-error.ts"],
  ["storage"],
  ["clock.ts", "changes"],
  ["mqtt", "http"],
  ["features/*"],
  ["devices-in"],
  ["composition", "configuration.ts"],
  ["server.ts"],
  ["main.ts"],
];
const features = layers.findIndex((rooms) => rooms.includes("features/*"));

/** Imports that run up all the same, each with its reason. The list may only shrink. */
const exceptions: Record<string, string> = {
  "http/bind.ts -> features/accounts": "who asks is part of a request",
  "http/guards.ts -> features/accounts": "who asks is part of a request",
};

export interface Import {
  from: string;
  to: string;
}

const roomOf = (file: string): string =>
  file.startsWith("features/") ? file.split("/").slice(0, 2).join("/") : file.split("/")[0]!;
const layerOf = (room: string): number =>
  layers.findIndex((rooms) => rooms.includes(room) || (room.startsWith("features/") && rooms.includes("features/*")));

function importsOf(files: readonly string[], read: (file: string) => string): Import[] {
  return files.flatMap((from) =>
    [...read(from).matchAll(/^(?:import|export)\b[^;]*?from\s*"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"/gm)]
      .map(([, statement, call]) => ({ from, to: join(dirname(from), (statement ?? call)!) }))
      .filter(({ to }) => !to.startsWith("..")),
  );
}

/** Arrows that run up, or between rooms of one layer that don't know each other; and rooms that no layer has. */
function wrong(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const [above, below] = [roomOf(from), roomOf(to)];
    if (layerOf(above) < 0) return [`${above} is in no layer`];
    if (above === below || `${from} -> ${below}` in exceptions) return [];
    const isBelow = layerOf(below) < layerOf(above) || (layerOf(below) === features && layerOf(above) === features);
    return isBelow ? [] : [`${from} must not import ${to}: ${below} does not stand below ${above}`];
  });
}

/** The circles that a walk along the arrows comes upon. */
function circles(arrows: readonly Import[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows) next.set(from, (next.get(from) ?? new Set()).add(to));
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) return void found.push([...path.slice(path.indexOf(node)), node].join(" -> "));
    if (done.has(node)) return;
    for (const each of next.get(node) ?? []) walk(each, [...path, node]);
    done.add(node);
  };
  for (const node of next.keys()) walk(node, []);
  return found;
}

const betweenRooms = (imports: readonly Import[]): Import[] =>
  imports
    .filter(({ from, to }) => roomOf(from) !== roomOf(to) && !(`${from} -> ${roomOf(to)}` in exceptions))
    .map(({ from, to }) => ({ from: roomOf(from), to: roomOf(to) }));

describe("the rooms of the server", () => {
  const files = readdirSync(source, { recursive: true })
    .map((name) => relative(source, join(source, String(name))))
    .filter((name) => name.endsWith(".ts"));
  const imports = importsOf(files, (file) => readFileSync(join(source, file), "utf8"));

  it("know only what stands below them", () => {
    expect(imports.length).toBeGreaterThan(200);
    expect(wrong(imports)).toEqual([]);
  });

  it("go in no circle, neither files nor rooms", () => {
    expect(circles(imports)).toEqual([]);
    expect(circles(betweenRooms(imports))).toEqual([]);
  });

  it("have no exception that is not needed any more", () => {
    const used = new Set(imports.map(({ from, to }) => `${from} -> ${roomOf(to)}`));
    expect(Object.keys(exceptions).filter((each) => !used.has(each))).toEqual([]);
  });
});

describe("this test", () => {
  const texts: Record<string, string> = {
    "storage/a.ts": `import { x } from "../changes/feed.ts";\nimport type {\n  Y,\n} from "../features/b/b.ts";`,
    "features/b/b.ts": `export { z } from "../c/c.ts";`,
    "features/c/c.ts": `const b = await import("../b/b.ts");`,
    "new-room/n.ts": `import "x";\nimport { q } from "../storage/a.ts";`,
  };
  const imports = importsOf(Object.keys(texts), (file) => texts[file]!);

  it("finds imports of all forms, arrows that run up, rooms of no layer, and circles", () => {
    expect(imports).toHaveLength(5);
    expect(wrong(imports)).toEqual([
      "storage/a.ts must not import changes/feed.ts: changes does not stand below storage",
      "storage/a.ts must not import features/b/b.ts: features/b does not stand below storage",
      "new-room is in no layer",
    ]);
    expect(circles(imports)).toEqual(["features/b/b.ts -> features/c/c.ts -> features/b/b.ts"]);
    expect(circles(betweenRooms(imports))).toEqual(["features/b -> features/c -> features/b"]);
  });
});
