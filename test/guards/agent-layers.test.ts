// Which room of the device's program may know which: what stands above imports what is below, never the other way round, and
// nothing goes in a circle. docs/architecture.md has the same in words.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { graphOf, type House, importsBelow } from "./import-graph.ts";

const house: House = {
  layers: [
    ["exokernel.ts", "crypto.ts", "format.ts", "compare.ts", "divide.ts"],
    ["abort.ts", "stream.ts", "flash.ts", "text", "random", "scheduler"],
    ["console.ts", "json", "mqtt", "host-stream.ts", "net", "boot-control"],
    ["dual-copy.ts"],
    ["identity", "trust"],
    ["image"],
    ["boot-state.ts"],
    ["session"],
    ["enrolment", "update"],
    ["command"],
    ["agent", "boot", "app"],
  ],
  exceptions: {
    "net/link.ts -> net/arp-cache.ts": "a packet needs its next hop's address, and the cache asks for it with a packet",
    "net/tcp.ts -> net/tcp-listener.ts": "what comes in is handed to the port's listener, which has said there that it listens",
  },
};

describe("the rooms of the agent", () => {
  const graph = graphOf(importsBelow(join(repositoryRoot, "apps/agent/src")), house);

  it("know only what stands below them", () => {
    expect(graph.imports.length).toBeGreaterThan(300);
    expect(graph.wrong).toEqual([]);
  });

  it("go in no circle, neither files nor rooms", () => {
    expect(graph.circlesOfFiles).toEqual([]);
    expect(graph.circlesOfRooms).toEqual([]);
  });

  it("have no exception that is not needed any more", () => {
    expect(graph.unneeded).toEqual([]);
  });
});
