// What the console says of its connection, in a real browser. Nothing here waits for a fixed time.

import { generateSigningKey } from "@flipside/image-format";
import { expect, it } from "vitest";
import { device, release, rollout } from "./fixtures.ts";
import { signedRelease, trustIn } from "./release-files.ts";
import { describeInBrowser, isMarked, mark } from "./signed-in.ts";

describeInBrowser("the connection", (open, begin) => {
  it("says when the connection is lost, and catches up with what it missed", async () => {
    const { page, server, row } = await open("/devices");
    await mark(page);
    server.streamDown = true;
    server.dropStreams();
    await page.getByText("Connection lost, retrying.").waitFor();
    server.devices.set("dev-1", device("dev-1", { online: false }));
    server.devices.set("dev-6", device("dev-6"));
    server.streamDown = false;
    await page.getByRole("button", { name: "Retry now" }).click();
    await row("dev-6").waitFor();
    await row("dev-1").getByText("Offline").waitFor();
    await page.getByText("Connection lost, retrying.").waitFor({ state: "detached" });

    server.devices.set("dev-7", device("dev-7"));
    server.send({ kind: "resync", data: {} });
    await row("dev-7").waitFor();
    expect(await isMarked(page)).toBe(true);
  });

  it("says live only of what has been heard lately", async () => {
    const { page, server, signIn } = await begin();
    await page.clock.install();
    await signIn();
    // As through a connection that broke without a word: nothing comes, and nothing can be begun.
    server.streamDown = true;
    await page.clock.fastForward(30_000);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.clock.fastForward(15_000);
    await page.getByText("Connection lost, retrying.").waitFor();
    expect(await page.getByText("Live", { exact: true }).count()).toBe(0);
    server.streamDown = false;
    await page.clock.fastForward(5_000);
    await page.getByText("Live", { exact: true }).waitFor();
  });

  it("gives up a request that is not answered with a clear word, and lets it be tried again", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set("r1", rollout("r1"));
    await signIn("/rollouts/r1");
    await page.route("**/pause", () => {});
    await page.getByRole("button", { name: "Pause" }).click();
    const dialog = page.getByRole("dialog");
    // A browser's own timer, which no clock of a test reaches: of this one request 30 s are 0.3 s.
    await page.evaluate(() => {
      const timeout = AbortSignal.timeout.bind(AbortSignal);
      AbortSignal.timeout = (ms) => {
        AbortSignal.timeout = timeout;
        return timeout(ms / 100);
      };
    });
    await dialog.getByRole("button", { name: "Pause rollout" }).click();
    await dialog.getByText("The server took too long to answer").waitFor();
    await dialog.getByText("There was no answer within 30 s.").waitFor();
    await dialog.getByText("look first: it may have been done").waitFor();
    await page.unroute("**/pause");
    await dialog.getByRole("button", { name: "Pause rollout" }).click();
    await page.getByRole("status", { name: "Rollout state" }).getByText("Paused").waitFor();
    expect(server.rollouts.get("r1")!.state).toBe("paused");
  });

  it("gives up an upload of which nothing goes out any more, and sends the file again", async () => {
    const { page, server, row, signIn } = await begin();
    await page.clock.install();
    await signIn("/releases");
    server.nextUpload = release("rel-3", "1.2.0", 3);
    await page.route("**/api/v1/releases", (route) =>
      route.request().method() === "POST" ? undefined : route.continue(),
    );
    const key = await generateSigningKey();
    server.trust = await trustIn(key);
    const file = { name: "good.fsr", mimeType: "application/octet-stream", buffer: await signedRelease(key) };
    await page.getByLabel("Release file").setInputFiles(file);
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.getByRole("button", { name: "Cancel upload" }).waitFor();
    await page.clock.fastForward(61_000);
    const verdict = page.getByRole("status").filter({ hasText: "Not uploaded: good.fsr" });
    await verdict.getByText("The upload has stalled").waitFor();
    await page.unroute("**/api/v1/releases");
    await verdict.getByRole("button", { name: "Try again" }).click();
    await row("flipside-demo 1.2.0").waitFor();
  });
});
