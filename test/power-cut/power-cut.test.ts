// Power is cut at every flash operation of an update, in every way that the fault model knows; after each power-up the
// flash alone has to show that the invariants of docs/boot-control.md hold (rig.ts).
//
// The code is what ships: the boot loader and agent as .wasm, on the Node host, with a clock that stands still until
// the test moves it. A case that fails is printed with what replays it.

import { beforeAll, describe, it } from "vitest";
import { campaign, openCampaign, scenarioNames, scenarios, wayNames, ways } from "./campaign.ts";

beforeAll(openCampaign, 240_000);

describe("a device that loses power", () => {
  it.each(scenarioNames)(
    "%s: at every flash operation, in every way, boots a whole image and comes to its end",
    { timeout: 240_000 },
    async (scenarioName) => {
      const scenario = scenarios[scenarioName]!;
      const operations = Array.from(
        { length: scenario.lastOperation - scenario.firstOperation + 1 },
        (_, i) => scenario.firstOperation + i,
      );
      await campaign(
        operations.flatMap((operation) =>
          wayNames.map((way) => ({
            name: `${scenarioName}:${operation}:${way}`,
            scenario,
            cuts: [{ operation, ...ways[way]! }],
          })),
        ),
      );
    },
  );
});
