// The console's page of keys, in a real browser. Nothing here waits for a fixed time.

import { it } from "vitest";
import { device, release } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the page of keys", (_open, begin) => {
  it("shows the keys in force and which devices have them, and takes a new trust record or says why not", async () => {
    const { page, server, signIn, row } = await begin();
    server.devices.set(
      "dev-2",
      device("dev-2", { trustRefused: { version: 2, code: 52, codeName: "trust-would-refuse-image" } }),
    );
    server.releases.set("rel-3", release("rel-3", "1.2.0", 3, { revoked: true }));
    await signIn("/trust");
    await row("2222222222222222").getByText("releases and permits").waitFor();
    await page.getByText("5 of 5 devices have record 1.").waitFor();
    await page.getByText("Record 1, the newest").waitFor();
    await page
      .getByRole("listitem")
      .filter({ hasText: "dev-2" })
      .getByText("would be left without any that may boot")
      .waitFor();

    const upload = async (content: string): Promise<void> => {
      await page
        .getByLabel("Trust chain file")
        .setInputFiles({ name: "trust-chain.bin", mimeType: "application/octet-stream", buffer: Buffer.from(content) });
      await page.getByRole("button", { name: "Upload" }).click();
    };
    await upload("of another line");
    await page.getByText("The record was not taken").waitFor();
    await upload("record 2");
    await page.getByText("Taken: record 2").waitFor();
    await row("2222222222222222").getByText("Revoked", { exact: true }).waitFor();
    await row("aaaaaaaaaaaaaaaa").getByText("In force").waitFor();
    await page.getByRole("link", { name: "Releases" }).click();
    await row("flipside-demo 1.2.0").getByText("Signer revoked").waitFor();
  });
});
