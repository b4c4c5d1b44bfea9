// Power is cut at every flash operation of an update, in ways of every fault class; after each power-up the flash alone
// has to show that the invariants of docs/boot-control.md hold (apps/power-cut/src/checker/what-must-hold.ts).
//
// The code is what ships: the boot loader and agent as .wasm, on the Node host, with a clock that stands still until
// the test moves it. A case that fails is printed with what replays it.

import { beforeAll, describe, it } from "vitest";
import { campaign, everySingleCut, openCampaign, scenarioNames, scenarios } from "./campaign.ts";

beforeAll(openCampaign, 240_000);

describe("a device that loses power", () => {
  it.each(scenarioNames)(
    "%s: at every flash operation, in ways of every class, boots a whole image and comes to its end",
    { timeout: 240_000 },
    async (scenarioName) => {
      const scenario = scenarios[scenarioName]!;
      const { operations, firstOperation } = scenario;
      await campaign(everySingleCut(scenarioName, operations, firstOperation).map((each) => ({ ...each, scenario })));
    },
  );
});
