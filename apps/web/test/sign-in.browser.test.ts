// Signing in to the console, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("signing in", (open, begin) => {
  it("lets nobody in with a wrong password, nor with the one-time password before it is replaced", async () => {
    const { page, server, url, row } = await begin();
    await page.goto(url);
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("guess");
    await page.keyboard.press("Enter");
    const refusal = page.getByRole("alert");
    await refusal.getByText("User name or password is wrong").waitFor();
    await refusal.getByText("What to do:").waitFor();

    await page.getByLabel("Password").fill("one-time-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Choose a password" }).waitFor();
    expect(await page.getByRole("navigation").count()).toBe(0);

    await page.getByLabel("One-time password").fill("one-time-secret");
    await page.getByLabel("New password", { exact: true }).fill("short");
    await page.getByLabel("New password again").fill("short");
    await page.keyboard.press("Enter");
    await page.getByText("Use at least 10 characters; there are 5.").waitFor();
    expect(server.user.mustChangePassword).toBe(true);

    await page.getByLabel("New password", { exact: true }).fill("four words in a row");
    await page.getByLabel("New password again").fill("four words in a row");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await row("dev-1").waitFor();

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });

  it("asks for sign-in again when the session ends, and returns to the same page", async () => {
    const { page, server } = await open("/devices/dev-2");
    await page.getByRole("heading", { name: "dev-2" }).waitFor();
    server.signOutEverybody();
    server.dropStreams();
    await page.getByText("Your session has ended.").waitFor();
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("one-time-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "dev-2" }).waitFor();
  });
});
