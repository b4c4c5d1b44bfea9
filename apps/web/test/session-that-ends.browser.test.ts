// A session that ends while somebody works. Row 5 of what broke when the console was tried as an operator would: it
// threw a half-filled form away.

import { expect, it } from "vitest";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("a session that ends", (open) => {
  it("keeps a form that is half filled in, which goes on once its person has signed in again", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByLabel("Name").fill("Half filled in");
    await page.getByLabel("Size of wave 1").fill("3");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("Nobody else is needed to start it.").waitFor();
    server.signOutEverybody();
    await page.getByRole("button", { name: "Start rollout" }).click();
    const again = page.getByRole("dialog", { name: "Sign in again" });
    await again.getByText("What you have begun here is kept for admin.").waitFor();
    for (let i = 0; i < 3; i++) await page.keyboard.press("Escape");
    await again.getByLabel("User name").fill("admin");
    await again.getByLabel("Password").fill("guess");
    await page.keyboard.press("Enter");
    await again.getByText("User name or password is wrong").waitFor();
    await again.getByLabel("Password").fill("one-time-secret");
    await page.keyboard.press("Enter");
    await again.waitFor({ state: "detached" });
    expect(await page.getByLabel("Size of wave 1").inputValue()).toBe("3");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Half filled in", exact: true }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({ name: "Half filled in", waves: [{ count: 3 }, { percent: 25 }] });
  });

  it("ends in every tab, begins again in every tab, and is live there without a reload", async () => {
    const { page, server, url, row } = await open("/devices");
    const other = await page.context().newPage();
    await other.goto(`${url}/rollouts/new`);
    await other.getByText("Live", { exact: true }).waitFor();
    await other.getByLabel("Name").fill("In another tab");
    server.signOutEverybody();
    server.dropStreams();
    for (const tab of [page, other]) await tab.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await other.getByLabel("User name").fill("admin");
    await other.getByLabel("Password").fill("one-time-secret");
    await other.keyboard.press("Enter");
    for (const tab of [page, other]) {
      await tab.getByRole("dialog").waitFor({ state: "detached" });
      await tab.getByText("Live", { exact: true }).waitFor();
    }
    expect(await other.getByLabel("Name").inputValue()).toBe("In another tab");
    server.send({ kind: "device", data: { ...server.devices.get("dev-1")!, online: false } });
    await row("dev-1").getByText("Offline").waitFor();
  });

  it("leaves nothing to be seen in any tab when somebody signs out", async () => {
    const { page, url } = await open("/devices");
    const other = await page.context().newPage();
    await other.goto(`${url}/devices/dev-2`);
    await other.getByRole("heading", { name: "dev-2" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    for (const tab of [page, other]) {
      await tab.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
      expect(await tab.getByText("dev-2").count()).toBe(0);
    }
  });

  it("can be given up", async () => {
    const { page, server } = await open("/rollouts/new");
    server.signOutEverybody();
    server.dropStreams();
    await page.getByRole("dialog").getByRole("button", { name: "Give it up and leave this page" }).click();
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
    expect(await page.getByLabel("Size of wave 1").count()).toBe(0);
  });
});
