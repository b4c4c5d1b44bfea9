// The console's page of keys, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { device, release, trust } from "./fixtures.ts";
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

  it("says how many changes are left once there are few", async () => {
    const { page, server, signIn } = await begin();
    const link = server.trust.links[0]!;
    const linksOf = (count: number) => Array.from({ length: count }, (_, i) => ({ ...link, version: i + 1 }));
    server.trust = trust({ version: 11, links: linksOf(11) });
    await signIn("/trust");
    await page.getByText("root must sign the next record").waitFor();
    expect(await page.getByText(/can be changed/).count()).toBe(0);
    server.trust = trust({ version: 15, links: linksOf(15) });
    await page.reload();
    await page.getByText("Keys can be changed 1 time more: keep it for a key that is lost.").waitFor();
    server.trust = trust({ version: 16, links: linksOf(16) });
    await page.reload();
    await page.getByText("This record is the last one: no key can be changed any more.").waitFor();
  });
});
