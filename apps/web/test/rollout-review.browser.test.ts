// Making a rollout in the console: what it will do, said before it is started, and nothing that was typed is lost.
// Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the review of a rollout", (open, begin) => {
  it("says what happens to how many devices and when, what it would meet, and that nobody else is needed", async () => {
    const { page, server, signIn } = await begin();
    server.preflight = {
      problems: [{ kind: "waits", sentence: "Every device is offline.", todo: "Bring some of them back first." }],
    };
    await signIn("/rollouts/new");
    await page.getByLabel("Size of wave 2").fill("60");
    await page.getByLabel("Failures above").fill("5");
    await page.getByText("Starts at once").click();
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    await page.getByText(`In your time zone, ${zone}. Empty: at once.`).waitFor();
    const preview = page.getByRole("status", { name: "Preview of the waves" });
    await preview.getByText("40 %, 3 of 5 by then").waitFor();

    await page.getByRole("button", { name: "Review rollout" }).click();
    const review = page.getByRole("region", { name: "Review: flipside-demo 1.1.0" });
    await review.getByText("Nobody else is needed to start it.").waitFor();
    await review.getByText("Every device is offline.").waitFor();
    const said = (await review.innerText()).replaceAll(/\s+/g, " ");
    expect(said).toContain("flipside-demo 1.1.0 goes to 5 devices, in 3 waves. Nothing has happened yet.");
    expect(said).toContain("Wave 1: 1 device as soon as it is started (1 of 5 by then, 20 %).");
    expect(said).toContain("Wave 3: 2 devices when the wave before has passed (5 of 5 by then, 100 %).");
    expect(said).toContain(`Times are of ${zone}.`);
    expect(said).toContain(
      "The rollout pauses when more than 5 % of each wave fail, once 5 devices have ended, or all of a smaller one.",
    );
    expect(await review.getByRole("heading", { name: /^Review/ }).evaluate((it) => it === document.activeElement)).toBe(
      true,
    );
    expect(server.asked, "nothing was started").toEqual([]);

    await page.goBack();
    expect(await page.getByLabel("Size of wave 2").inputValue(), "Back leads to the form").toBe("60");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await review.getByRole("button", { name: "Change something" }).click();
    expect(await page.getByLabel("Size of wave 2").inputValue()).toBe("60");

    await page.getByLabel("Pause when updated devices crash more often than those that wait").check();
    await page.getByRole("button", { name: "Review rollout" }).click();
    await review.getByText("but no wave is watched once it has ended").waitFor();
    await review.getByRole("button", { name: "Change something" }).click();
    await page.getByLabel("Watch each wave for").fill("2");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await review.getByText(/crash more often than those that wait\.$/).waitFor();
  });

  it("says that it takes two persons where it does", async () => {
    const { page, server } = await open("/rollouts/new");
    server.takesTwo = ["createRollout"];
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("Starting a rollout takes two persons here").waitFor();
  });

  it("keeps what is typed in the browser, asks before it is left, and forgets it once it is started", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByLabel("Name").fill("Half typed");
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Leave this page?" });
    await dialog.getByRole("button", { name: "Stay" }).click();
    expect(await page.getByLabel("Name").inputValue()).toBe("Half typed");
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await dialog.getByRole("button", { name: "Keep and leave" }).click();
    await page.getByRole("heading", { name: "Devices" }).waitFor();

    await page.getByRole("link", { name: "Rollouts", exact: true }).click();
    await page.getByRole("link", { name: "New rollout" }).click();
    await page.getByText("This is what you had typed").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("Half typed");
    await page.reload();
    expect(await page.getByLabel("Name").inputValue()).toBe("Half typed");
    await page.getByRole("button", { name: "Add wave" }).click();
    await page.getByRole("button", { name: "Remove wave 3" }).click();
    await page.getByLabel("Size of wave 2").fill("50");

    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Half typed", exact: true }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({ name: "Half typed", waves: [{ count: 1 }, { percent: 50 }] });
    await page.goto(new URL("/rollouts/new", page.url()).href);
    expect(await page.getByLabel("Name").inputValue()).toBe("flipside-demo 1.1.0");
  });

  it("asks before it is left by Back, too, stays in place meanwhile, and goes there when that is meant", async () => {
    const { page, url } = await open("/rollouts");
    await page.getByRole("link", { name: "New rollout" }).click();
    await page.getByLabel("Name").fill("Half typed");
    const dialog = page.getByRole("dialog", { name: "Leave this page?" });
    // The same page is not left.
    await page.getByRole("link", { name: "Skip to content" }).press("Enter");
    await page.goBack();
    expect(await dialog.count()).toBe(0);
    await page.evaluate(() => history.back());
    await dialog.getByRole("button", { name: "Stay" }).click();
    await expect.poll(() => page.url()).toBe(`${url}/rollouts/new`);
    expect(await page.getByLabel("Name").inputValue()).toBe("Half typed");
    await page.evaluate(() => history.back());
    await dialog.getByRole("button", { name: "Keep and leave" }).click();
    await page.getByRole("heading", { name: "Rollouts", level: 1 }).waitFor();
    await page.evaluate(() => history.forward());
    await page.getByText("This is what you had typed").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("Half typed");
  });

  it("begins with settings that were kept under a name, which are of no release and no device", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByLabel("Failures above").fill("3");
    await page.getByLabel("Size of wave 1").fill("2");
    await page.getByLabel("Name", { exact: true }).fill("One of many");
    await page.getByRole("button", { name: "Keep as template…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Keep template" }).click();
    await dialog.getByText("Give it a name.").waitFor();
    await dialog.getByLabel("Name of the template").fill("Careful");
    await dialog.getByRole("button", { name: "Keep template" }).click();
    await dialog.waitFor({ state: "detached" });
    const [kept] = [...server.templates.values()];
    expect(kept!.settings).toMatchObject({ failureThresholdPercent: 3, waves: [{ count: 2 }, { percent: 25 }] });
    expect(Object.keys(kept!.settings)).not.toContain("releaseId");

    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("link", { name: "New rollout" }).click();
    expect(await page.getByLabel("Failures above").inputValue()).toBe("50");
    await page.getByLabel("Name", { exact: true }).fill("Stays");
    await page.getByLabel("Begin with the settings of").selectOption("Careful");
    expect(await page.getByLabel("Failures above").inputValue()).toBe("3");
    expect(await page.getByLabel("Size of wave 1").inputValue()).toBe("2");
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("Stays");
    await page.getByRole("button", { name: "Delete template…" }).click();
    await dialog.getByRole("button", { name: "Delete template" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(server.templates.size).toBe(0);
  });

  it("lets another form begin beside what is kept, which is then gone on with or thrown away", async () => {
    const { page } = await open("/rollouts/new");
    await page.getByLabel("Name").fill("The first");
    await page.goto(new URL("/rollouts/new?release=rel-2", page.url()).href);
    await page.getByText("This browser has kept another rollout that you had typed").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("flipside-demo 1.1.0");
    await page.getByRole("button", { name: "Go on with that one" }).click();
    expect(await page.getByLabel("Name").inputValue()).toBe("The first");
    await page.getByRole("button", { name: "Start anew" }).click();
    expect(await page.getByLabel("Name").inputValue()).toBe("flipside-demo 1.1.0");
    await page.getByLabel("Name").fill("Thrown away");
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("heading", { name: "Rollouts", exact: true }).waitFor();
    await page.getByRole("link", { name: "New rollout" }).click();
    expect(await page.getByLabel("Name").inputValue()).toBe("flipside-demo 1.1.0");
  });
});
