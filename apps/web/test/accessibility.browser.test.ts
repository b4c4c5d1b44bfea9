// The console by keyboard alone and on a phone, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { deployment, device, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the console", (_open, begin) => {
  it("can be used by keyboard alone, from sign-in to a paused rollout", async () => {
    const { page, server, url } = await begin();
    server.user = { ...server.user, mustChangePassword: false };
    await page.goto(url);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.keyboard.type("admin");
    await page.keyboard.press("Tab");
    await page.keyboard.type("one-time-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();

    /** Tabs until the focus is on the control of that name; fails when a whole round finds none. */
    const tabTo = async (name: string | RegExp): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const [text, outlined] = await page.evaluate(() => {
          const element = document.activeElement as HTMLElement;
          const label =
            element.getAttribute("aria-label") ??
            (element as HTMLInputElement).labels?.[0]?.innerText ??
            element.innerText;
          return [label.trim(), getComputedStyle(element).outlineStyle !== "none"] as const;
        });
        if (typeof name === "string" ? text === name : name.test(text)) {
          expect(outlined, `focus on ${text} is visible`).toBe(true);
          return;
        }
      }
      throw new Error(`no way to ${name} by Tab`);
    };

    await tabTo("Rollouts");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Rollouts", exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    await tabTo("New rollout");
    await page.keyboard.press("Enter");
    await page.getByLabel("Name").waitFor();
    await tabTo("Name");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Review: By keyboard" }).waitFor();
    await tabTo("Start rollout");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "By keyboard", exact: true }).waitFor();

    await tabTo("Pause");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Pause this rollout?" });
    await dialog.waitFor();
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press("Tab");
      // The browser's own controls may be in the round, the page behind the dialog may not.
      expect(
        await page.evaluate(
          () => document.activeElement === document.body || document.activeElement!.closest("dialog") !== null,
        ),
      ).toBe(true);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).innerText.trim())).toBe("Pause");
    await page.keyboard.press("Enter");
    await tabTo("Pause rollout");
    await page.keyboard.press("Enter");
    await page.getByRole("status", { name: "Rollout state" }).getByText("Paused").waitFor();
  });

  it("needs no sideways scrolling on a phone, on any page", async () => {
    const { page, server, url, signIn } = await begin({ width: 360, height: 740 });
    const longId = "a-device-with-the-longest-id-that-is-allowed-48x";
    server.devices.set(
      longId,
      device(longId, { activeDeployment: deployment("d", longId, { state: "downloading", done: 3 }) }),
    );
    server.rollouts.set(
      "r1",
      rollout("r1", {
        name: "a-name-without-any-place-to-break-it-as-a-build-pipeline-may-give-it",
        total: 1,
        deployments: [
          deployment("d", longId, { state: "rejected", code: 6, codeName: "header-unknown-critical-field" }),
        ],
        waves: [
          { index: 0, total: 1, finished: 1, succeeded: 0, cancelled: 0, waiting: 0, unreached: 0, state: "done" },
        ],
        decisions: [{ at: new Date().toISOString(), text: "x".repeat(120) }],
      }),
    );
    server.stopAll("x".repeat(200));
    const why = { sentence: "x".repeat(120), since: new Date().toISOString(), until: null, actions: ["x".repeat(60)] };
    for (const id of ["r1", longId]) server.whys.set(id, why);
    await signIn();
    for (const [path, text] of [
      ["/devices", longId],
      [`/devices/${longId}`, "Details"],
      ["/releases", "virt-rv32"],
      ["/rollouts", "a-name-without"],
      ["/rollouts/r1", "Decisions"],
      ["/rollouts/new", "Limits"],
      ["/trust", "May sign"],
      ["/password", "Present password"],
    ]) {
      await page.goto(url + path);
      await page.getByText(text!).first().waitFor();
      const { content, screen } = await page.evaluate(() => ({
        content: document.documentElement.scrollWidth,
        screen: window.innerWidth,
      }));
      expect(content, `${path} is ${content} px wide`).toBeLessThanOrEqual(screen);
    }
  });
});
