// What the console says of its connection, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { device } from "./fixtures.ts";
import { describeInBrowser, isMarked, mark } from "./signed-in.ts";

describeInBrowser("the connection", (open) => {
  it("says when the connection is lost, and catches up with what it missed", async () => {
    const { page, server, row } = await open("/");
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
});
