// Which room of the device's program may know which: what stands above imports what is below, never the other way
// round, and nothing goes in a circle. docs/architecture.md has the same in words.

import { join } from "node:path";
import { describe } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { holdsToItsLayers, type House } from "./import-graph.ts";

const house: House = {
  layers: [
    ["exokernel.ts", "crypto.ts", "format.ts", "agent-format.ts", "compare.ts", "divide.ts", "evidence.ts"],
    ["abort.ts", "big-endian.ts", "stream.ts", "flash.ts", "text", "random", "scheduler"],
    ["console.ts", "json", "mqtt", "host-stream.ts", "net", "tls", "boot-control"],
    ["http"],
    ["dual-copy.ts"],
    ["identity", "trust"],
    ["image"],
    ["boot-state.ts"],
    ["session", "local"],
    ["enrolment", "update"],
    ["command"],
    ["agent", "boot", "app", "network-image"],
    ["absent"],
  ],
  exceptions: {
    "net/link.ts -> net/arp-cache.ts": "a packet needs its next hop's address, and the cache asks for it with a packet",
    "net/tcp.ts -> net/tcp-listener.ts":
      "what comes in is handed to the port's listener, which has said there that it listens",
  },
};

describe("the rooms of the agent", () => {
  holdsToItsLayers(join(repositoryRoot, "apps/agent/src"), house, 300);
});
