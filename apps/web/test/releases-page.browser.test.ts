// Releases in the console, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { release } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const file = (name: string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(4096, 1) });

describeInBrowser("the page of releases", (open) => {
  it("says clearly why a release was refused, and what an accepted one holds", async () => {
    const { page, server, row } = await open("/releases");
    server.nextUpload = {
      code: "signature-mismatch",
      detail: "signature-mismatch: no signature by a release key of this project holds. Do not use this file.",
    };
    await page.getByLabel("Release file").setInputFiles(file("tampered.fsr"));
    const refused = page.getByRole("status").filter({ hasText: "Refused: tampered.fsr" });
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(
      /was changed after signing[\s\S]*What to do: Do not use this file[\s\S]*signature-mismatch/,
    );
    expect(await refused.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await row("flipside-demo 1.2.0").count()).toBe(0);

    server.nextUpload = release("rel-3", "1.2.0", 3);
    // Dropped this time: what the browser hands over on a drop is a DataTransfer with a file in it.
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(4096)], "good.fsr"));
      return data;
    });
    await page.locator(".dropzone").dispatchEvent("drop", { dataTransfer: transfer });
    const accepted = page.getByRole("status").filter({ hasText: "Accepted: flipside-demo 1.2.0" });
    await accepted.waitFor();
    expect(await accepted.innerText()).toMatch(/good\.fsr holds 2 images[\s\S]*virt-rv32[\s\S]*virtual/);
    await row("flipside-demo 1.2.0").waitFor();
    await accepted.getByRole("link", { name: "Roll it out" }).click();
    expect(await page.getByLabel("Release", { exact: true }).inputValue()).toBe("rel-3");
  });

  it("asks before it takes a release whose sequence does not rise with its version, and says which files are lost", async () => {
    const { page, server, row } = await open("/releases");
    const detail =
      "Version 1.2.0 is later than 1.1.0, but both have release sequence 2: devices take the one with the higher sequence for the newer. Build it with another sequence, or confirm that this is meant (confirmSequence=true).";
    server.nextUpload = { code: "release-sequence", detail };
    const lost = release("rel-3", "1.2.0", 2);
    server.confirmedUpload = {
      ...lost,
      images: lost.images.map((image, i) => ({ ...image, file: i === 0 ? "missing" : "present" })),
    };
    await page.getByLabel("Release file").setInputFiles(file("same-sequence.fsr"));
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toMatch(/sequence does not rise[\s\S]*both have release sequence 2/);
    await dialog.getByRole("button", { name: "Go back" }).click();
    await page.getByRole("status").filter({ hasText: "Refused: same-sequence.fsr" }).waitFor();
    expect(await row("flipside-demo 1.2.0").count()).toBe(0);

    await page.getByLabel("Release file").setInputFiles(file("same-sequence.fsr"));
    await dialog.getByRole("button", { name: "Upload it anyway" }).click();
    await row("flipside-demo 1.2.0").getByText("File missing").waitFor();
  });
});
