// Row 4 of what broke when the console was tried as an operator would: threshold, deadline and waves of a rollout
// could be neither seen nor changed, and "Queued" meant both a canary that is offline and a wave that comes later.

import { expect, it } from "vitest";
import { noCounts } from "@flipside/api/rollout-arithmetic";
import { idFilters } from "../src/live/presence.ts";
import { deployment, device, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

it("asks who is online by filters as long as a server reads, each device once", () => {
  const ids = Array.from({ length: 700 }, (_, i) => `device-${i}`);
  const filters = idFilters(ids);
  expect(filters.filter((filter) => filter.length > 2_000)).toEqual([]);
  expect(filters.flatMap((filter) => filter.match(/device-\d+/g))).toEqual(ids);
  expect(idFilters([])).toEqual([]);
});

describeInBrowser("the page of a rollout", (open, begin) => {
  it("says its rules in sentences, shows those of each wave, and changes limit, deadline and later waves", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByText("pauses when more than 50 % of each wave fail, once 5 devices have ended").waitFor();
    await page.getByText("Each device has 1 day from its offer on.").waitFor();
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Change rules" }).click();
    await dialog.getByLabel("Failures above").fill("10");
    await dialog.getByLabel("Time each device may take", { exact: true }).fill("2");
    await dialog.getByRole("button", { name: "Change rules" }).click();
    await page.getByText("pauses when more than 10 % of each wave fail, once 5 devices have ended").waitFor();
    await page.getByText("Each device has 2 days from its offer on.").waitFor();
    const [made] = [...server.rollouts.values()];
    expect(made!.settings.rules[0]).toMatchObject({ failureThresholdPercent: 10, deadlineMs: 2 * 86_400_000 });
    await page.getByText("Rules", { exact: true }).click();
    await page
      .getByRole("row", { name: /Wave 2/ })
      .getByText("above 10 %")
      .waitFor();
    await page.getByRole("button", { name: "Resize waves" }).waitFor();
  });

  it("tells a canary that is offline from a device whose wave comes later", async () => {
    const { page, server, row, signIn } = await begin();
    server.devices.set("dev-2", device("dev-2", { online: false }));
    server.devices.set("dev-4", device("dev-4", { online: false }));
    const none = { finished: 0, succeeded: 0, cancelled: 0, unreached: 0 };
    server.rollouts.set(
      "r1",
      rollout("r1", {
        total: 4,
        currentWave: 0,
        deployments: ["dev-1", "dev-2", "dev-3", "dev-4"].map((id, i) => deployment(id, id, { wave: i < 2 ? 0 : 1 })),
        counts: { ...noCounts(), queued: 4 },
        waves: [
          { ...none, index: 0, total: 2, waiting: 2, state: "running" },
          { ...none, index: 1, total: 2, waiting: 2, state: "waiting" },
        ],
      }),
    );
    await signIn("/rollouts/r1");
    await row("dev-1").getByText("Queued", { exact: true }).waitFor();
    await row("dev-2").getByText("Queued, offline").waitFor();
    for (const later of ["dev-3", "dev-4"]) await row(later).getByText("Later wave").waitFor();
    await page.getByRole("button", { name: "Later wave 2" }).click();
    await row("dev-1").waitFor({ state: "detached" });
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual(["dev-3", "dev-4"]);
    await page.getByRole("button", { name: "Queued 2" }).click();
    await row("dev-2").getByText("Queued, offline").waitFor();
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual(["dev-1", "dev-2"]);
    // It is as live as the list.
    server.send({ kind: "device", data: device("dev-2") });
    await row("dev-2").getByText("Queued", { exact: true }).waitFor();
    for (const each of ["dev-1", "dev-2"]) server.advance("r1", each, { state: "confirmed" });
    await page.getByRole("button", { name: "All 4" }).click();
    await row("dev-4").getByText("Queued, offline").waitFor();
    await row("dev-3").getByText("Queued", { exact: true }).waitFor();
  });
});
