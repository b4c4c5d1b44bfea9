// What is at hand on every page: finding things by a few letters, and stopping everything.

import { permissionsOf } from "@flipside/api/permissions";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";
import { axeProblems } from "./axe.ts";
import { rollout } from "./fixtures.ts";
import { describeInBrowser, isMarked, mark } from "./signed-in.ts";

const field = (page: Page): Locator => page.getByRole("combobox", { name: /^Find a page/ });
const options = (page: Page): Locator => page.getByRole("dialog", { name: "Find" }).getByRole("option");
/** What the field says is chosen, which is what a screen reader reads. */
async function chosen(page: Page): Promise<string> {
  const id = await field(page).getAttribute("aria-activedescendant");
  return page.locator(`[id="${id}"]`).innerText();
}

describeInBrowser("the command palette", (open, begin) => {
  it("opens by its keys, and leads to a page by keys alone; the focus is where it was after Escape", async () => {
    const { page } = await open("/devices");
    await mark(page);
    await page.getByRole("link", { name: "Releases", exact: true }).focus();
    await page.keyboard.press("Control+k");
    await field(page).waitFor();
    expect(await axeProblems(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await field(page).waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Releases");
    await page.keyboard.press("Control+k");
    await field(page).fill("tru");
    expect(await chosen(page)).toBe("Trust");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Trust", level: 1 }).waitFor();
    expect(await isMarked(page)).toBe(true);
  });

  it("goes around by the arrows, and says what is chosen", async () => {
    const { page } = await open("/devices");
    await page.getByRole("button", { name: /^Find/ }).click();
    await field(page).waitFor();
    expect(await chosen(page)).toBe("Overview");
    await page.keyboard.press("ArrowUp");
    expect(await chosen(page)).toBe("Sign out");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(await chosen(page)).toBe("Devices");
    expect(await options(page).locator("xpath=self::*[@aria-selected='true']").count()).toBe(1);
  });

  it("finds devices as the server does, rollouts and releases by their names, and nothing of nothing", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set("r1", { ...rollout("r1"), name: "Autumn in the halls" });
    await signIn("/devices");
    await page.keyboard.press("Control+k");
    await field(page).fill("dev-3");
    await options(page).filter({ hasText: "dev-3" }).waitFor();
    await field(page).fill("autumn");
    await expect.poll(() => options(page).allInnerTexts()).toEqual([expect.stringMatching(/^Autumn in the halls/)]);
    await field(page).fill("nothing-of-the-kind");
    await page.getByText("0 matches.").waitFor();
    await page.keyboard.press("Enter");
    await field(page).fill("dev-3");
    await options(page).filter({ hasText: "dev-3" }).click();
    await page.getByRole("heading", { name: "dev-3", level: 1 }).waitFor();
  });

  it("offers what the one may do who is signed in", async () => {
    const { page, server, signIn } = await begin();
    server.user = { ...server.user, role: "viewer", may: [...permissionsOf("viewer")] };
    await signIn("/devices");
    await page.keyboard.press("Control+k");
    await field(page).waitFor();
    const texts = await options(page).allInnerTexts();
    expect(texts).toContain("Overview");
    expect(texts).not.toContain("New rollout");
    expect(texts).not.toContain("Stop all updates…");
    expect(texts).not.toContain("People");
  });

  it("stops all updates from any page, and stays away over a dialog", async () => {
    const { page, server } = await open("/trust");
    await page.keyboard.press("Control+k");
    await field(page).fill("stop");
    expect(await chosen(page)).toBe("Stop all updates…");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Stop all updates?" });
    await dialog.getByLabel("Reason").fill("smoke");
    await page.keyboard.press("Control+k");
    expect(await field(page).count()).toBe(0);
    await dialog.getByRole("button", { name: "Stop all updates" }).click();
    await page
      .getByRole("alert")
      .getByText(/All updates are stopped/)
      .waitFor();
    expect(server.emergencyStop).toMatchObject({ stopped: true, reason: "smoke" });
  });

  it("stays where it is when the page becomes live: a click meant for it hits nothing else", async () => {
    const { page } = await open("/devices");
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/api/v1/events*", async (route) => {
      await held;
      await route.continue();
    });
    await page.reload();
    await page.getByText("Connecting", { exact: true }).waitFor();
    const places = async (): Promise<unknown[]> => {
      const names = ["Stop all updates…", "Sign out", "Show times in UTC"];
      return Promise.all(names.map((name) => page.getByRole("button", { name }).boundingBox()));
    };
    const before = await places();
    expect(before).not.toContain(null);
    release();
    await page.getByText("Live", { exact: true }).waitFor();
    expect(await places()).toEqual(before);
  });
});
