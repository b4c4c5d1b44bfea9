// Which room of the server may know which: what stands above imports what is below, never the other way round, and
// nothing goes in a circle. docs/architecture.md has the same in words.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { graphOf, holdsToItsLayers, type House, importsOf } from "./import-graph.ts";

const house: House = {
  layers: [
    ["present-request.ts"],
    [
      "domain",
      "logging.ts",
      "identifiers.ts",
      "plain-text.ts",
      "start-error.ts",
      "equal-in-constant-time.ts",
      "secret-text.ts",
      "turn-of-the-loop.ts",
      "turns.ts",
      "listen.ts",
    ],
    ["secret-file.ts"],
    ["storage"],
    ["clock.ts", "changes"],
    ["members"],
    ["mqtt", "http"],
    ["features/*"],
    ["devices-in"],
    ["composition", "configuration.ts"],
    ["optional-features.ts"],
    ["server.ts"],
    ["main.ts"],
  ],
  layerOfNeighbours: 7,
  exceptions: {
    "http/bind.ts -> features/accounts": "who asks is part of a request",
    "http/conditions.ts -> features/accounts": "who asks is part of a request",
    "http/request-allowance.ts -> features/accounts": "who asks is part of a request",
    "http/guards.ts -> features/accounts": "who asks is part of a request",
  },
};

describe("the rooms of the server", () => {
  it("that know each other are the features", () => {
    expect(house.layers[house.layerOfNeighbours!]).toEqual(["features/*"]);
  });

  holdsToItsLayers(join(repositoryRoot, "apps/server/src"), house, 200);
});

describe("this test", () => {
  const texts: Record<string, string> = {
    "storage/a.ts": `import { x } from "../changes/feed.ts";\nimport type {\n  Y,\n} from "../features/b/b.ts";`,
    "features/b/b.ts": `export { z } from "../c/c.ts";`,
    "features/c/c.ts": `const b = await import("../b/b.ts");`,
    "new-room/n.ts": `import "x";\nimport { q } from "../storage/a.ts";`,
  };
  const graph = graphOf(
    importsOf(Object.keys(texts), (file) => texts[file]!),
    house,
  );

  it("finds imports of all forms, arrows that run up, rooms of no layer, and circles", () => {
    expect(graph.imports).toHaveLength(5);
    expect(graph.wrong).toEqual([
      "storage/a.ts must not import changes/feed.ts: changes does not stand below storage",
      "storage/a.ts must not import features/b/b.ts: features/b does not stand below storage",
      "new-room is in no layer",
    ]);
    expect(graph.circlesOfFiles).toEqual(["features/b/b.ts -> features/c/c.ts -> features/b/b.ts"]);
    expect(graph.circlesOfRooms).toEqual(["features/b -> features/c -> features/b"]);
    expect(graph.unneeded).toEqual(Object.keys(house.exceptions));
  });
});
