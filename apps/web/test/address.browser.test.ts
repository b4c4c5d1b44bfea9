// What the address keeps of a search, and where Back leads. Row 5 of what broke when the console was tried as an
// operator would: Back lost query and place, and no search could be handed on.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { deployment, device, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const queryOf = (page: Page): Record<string, string> => Object.fromEntries(new URL(page.url()).searchParams);
const topOf = (page: Page): Promise<number> => page.evaluate(() => window.scrollY);

describeInBrowser("the address", (open, begin) => {
  it("has what is searched by, and Back leads to it and to the same place in the list", async () => {
    const { page, server, row, signIn } = await begin();
    for (let i = 100; i < 400; i++) server.devices.set(`many-${i}`, device(`many-${i}`, { tags: ["hall"] }));
    await signIn("/devices");
    await page.getByRole("searchbox").fill("many");
    await page.getByLabel("Filter").fill("tag = hall");
    await expect.poll(() => queryOf(page)).toEqual({ query: "many", filter: "tag = hall" });
    // As somebody scrolls on, more is loaded.
    const far = row("many-290").getByRole("link");
    await expect
      .poll(async () => {
        await page.evaluate(() => window.scrollTo(0, 190 * 36));
        return far.count();
      })
      .toBe(1);
    const before = await topOf(page);
    expect(before).toBeGreaterThan(1_000);
    await far.click();
    await page.getByRole("heading", { name: "many-290" }).waitFor();
    expect(await topOf(page)).toBe(0);
    await page.goBack();
    await row("many-290").waitFor();
    await expect.poll(() => topOf(page)).toBe(before);
    expect(await page.getByRole("searchbox").inputValue()).toBe("many");
    expect(await page.getByLabel("Filter").inputValue()).toBe("tag = hall");
    await page.goForward();
    await page.getByRole("heading", { name: "many-290" }).waitFor();
  });

  it("shows the same search to whoever is given it, and none once it is cleared", async () => {
    const { page, url, row } = await open("/devices");
    await page.goto(`${url}/devices?query=dev-3&filter=online`);
    await page.getByText("1 device found").waitFor();
    expect(await page.getByRole("rowheader").count()).toBe(1);
    await page.getByRole("searchbox").fill("nobody");
    await page.getByRole("button", { name: "Show all devices" }).click();
    await row("dev-5").waitFor();
    await expect.poll(() => page.url()).toBe(`${url}/devices`);
    // A link to the page is a link to all of it.
    await page.getByLabel("Filter").fill("not online");
    await expect.poll(() => queryOf(page)).toEqual({ filter: "not online" });
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await row("dev-1").waitFor();
    expect(await page.getByLabel("Filter").inputValue()).toBe("");
  });

  it("has the state that a rollout's devices are narrowed to, and whether a list shows what is archived", async () => {
    const { page, server, url, row } = await open("/devices");
    const deployments = [deployment("d1", "dev-1", { state: "failed" }), deployment("d2", "dev-2")];
    server.rollouts.set("r1", rollout("r1", { total: 2, deployments }));
    Object.assign(server.rollouts.get("r1")!.counts, { failed: 1, queued: 1 });
    server.rollouts.set("r2", rollout("r2", { name: "Put away", archivedAt: new Date().toISOString() }));
    await page.goto(`${url}/rollouts/r1`);
    await page.getByRole("button", { name: /^Failed/ }).click();
    await row("dev-2").waitFor({ state: "detached" });
    expect(queryOf(page)).toEqual({ state: "failed" });
    await row("dev-1").getByRole("link").click();
    await page.getByRole("heading", { name: "dev-1" }).waitFor();
    await page.goBack();
    await row("dev-1").waitFor();
    expect(await row("dev-2").count()).toBe(0);
    await page.goto(`${url}/rollouts`);
    await page.getByLabel("Show archived").check();
    await row("Put away").waitFor();
    await page.reload();
    await row("Put away").waitFor();
  });
});
