// Releases in the console, in a real browser. Nothing here waits for a fixed time.

import {
  createStrictVerifier,
  FormatError,
  generateSigningKey,
  type SigningKey,
  verifyRelease,
} from "@flipside/image-format";
import { refusedFile } from "@flipside/api/refused-file";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { errorWords } from "../src/words/error-words.ts";
import { device, release } from "./fixtures.ts";
import { damages, signedRelease, trustIn } from "./release-files.ts";
import { describeInBrowser } from "./signed-in.ts";

let key: SigningKey;
let revoked: SigningKey;
beforeAll(async () => {
  [key, revoked] = await Promise.all([generateSigningKey(), generateSigningKey()]);
});

const file = (name: string, buffer: Buffer) => ({ name, mimeType: "application/octet-stream", buffer });
const choose = (page: Page, name: string, buffer: Buffer): Promise<void> =>
  page.getByLabel("Release file").setInputFiles(file(name, buffer));
const verdict = (page: Page, hasText: string) => page.getByRole("status").filter({ hasText });

/** As the server says it. */
async function refusalOf(bytes: Buffer): Promise<{ code: string; detail: string }> {
  const verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  try {
    await verifyRelease(bytes, [key.publicKey], verifier);
  } catch (error) {
    if (error instanceof FormatError) return refusedFile(error);
    throw error;
  }
  throw new Error("it is in order");
}

describeInBrowser("the page of releases", (open) => {
  it("finds each kind of damage before a byte is sent, and says it in the server's words", async () => {
    const { page, server } = await open("/releases");
    server.trust = await trustIn(key, revoked);
    for (const { name, code, file: bytes } of await damages(key, revoked)) {
      await choose(page, `${name}.fsr`, bytes);
      const refused = verdict(page, `Refused: ${name}.fsr`);
      await refused.waitFor();
      const said = await refused.innerText();
      const refusal = await refusalOf(bytes);
      const { means, todo } = errorWords(code)!;
      expect(refusal.code, name).toBe(code);
      expect(said, name).toContain(means);
      expect(said, name).toContain(`What to do: ${todo}`);
      expect(said, name).toContain(refusal.detail.replace(`${code}: `, "").slice(1));
      expect(said, name).toContain(`Code ${code}. It was looked at in this browser; nothing was sent.`);
      expect(await refused.evaluate((element) => element === document.activeElement), name).toBe(true);
    }
    await verdict(page, "was a release key from trust record 1 on; record 2 has revoked it").waitFor({
      state: "hidden",
    });
    await choose(page, "old-key.fsr", await signedRelease(revoked));
    await verdict(page, "was a release key from trust record 1 on; record 2 has revoked it").waitFor();
    expect(server.uploads).toEqual([]);
  });

  it("says what a file is that is in order, and who could take it, then sends it", async () => {
    const { page, server, row } = await open("/releases");
    server.trust = await trustIn(key, revoked);
    server.devices.set("odd", device("odd", { hardware: "board-x" }));
    server.devices.set("ahead", device("ahead", { running: { ...device("x").running!, version: "9.0.0" } }));
    const bytes = await signedRelease(key);
    // Dropped: what the browser hands over on a drop is a DataTransfer with a file in it.
    const transfer = await page.evaluateHandle(
      (content) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(content)], "good.fsr"));
        return data;
      },
      [...bytes],
    );
    await page.locator(".dropzone").dispatchEvent("drop", { dataTransfer: transfer });
    const checked = verdict(page, "Verified here: good.fsr");
    await checked.getByText("No image for 1 device of board-x revision 1").waitFor();
    const said = (await checked.innerText()).replaceAll(/\s+/g, " ");
    expect(said).toContain("2 images; every signature, chunk table and chunk holds against trust record 1");
    expect(said).toContain("flipside-demo 1.2.0, release sequence 3");
    expect(said).toContain(`${server.trust.keys[0]!.id}, a release key since trust record 1`);
    expect(said).toContain("virt-rv32, revision 1 and later: 6 devices");
    expect(said).toContain("virtual, revision 1: no device");
    expect(said).toContain("1 of these runs a later version");
    expect(said).toMatch(/payload 9\.8 KiB.*hashes of its 3 chunks 96 bytes.*signatures 84 bytes/);
    expect(server.uploads, "not yet").toEqual([]);
    await checked.getByRole("link", { name: "6 devices" }).waitFor();

    server.nextUpload = release("rel-3", "1.2.0", 3);
    await checked.getByRole("button", { name: "Upload" }).click();
    const accepted = verdict(page, "Accepted: flipside-demo 1.2.0");
    await accepted.waitFor();
    expect(Buffer.compare(server.uploads[0]!, bytes)).toBe(0);
    expect(await accepted.innerText()).toMatch(/good\.fsr holds 2 images[\s\S]*virt-rv32[\s\S]*virtual/);
    await row("flipside-demo 1.2.0").waitFor();
    await accepted.getByRole("link", { name: "Roll it out" }).click();
    expect(await page.getByLabel("Release", { exact: true }).inputValue()).toBe("rel-3");
  });

  it("shows what the server refuses all the same, and that a release is there already", async () => {
    const { page, server, row } = await open("/releases");
    server.trust = await trustIn(key);
    server.nextUpload = { code: "signature-mismatch", detail: "signature-mismatch: no signature holds. Do not." };
    await choose(page, "tampered.fsr", await signedRelease(key));
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    const refused = verdict(page, "Refused: tampered.fsr");
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(
      /was changed after signing[\s\S]*What to do: Do not use this file[\s\S]*The server’s own words[\s\S]*Nothing was stored/,
    );
    expect(await row("flipside-demo 1.2.0").count()).toBe(0);

    await choose(page, "again.fsr", await signedRelease(key, { version: "1.1.0", releaseSequence: 2 }));
    await verdict(page, "flipside-demo 1.1.0 was uploaded before.").waitFor();
    await page.getByRole("button", { name: "Put it away" }).click();
    await page.getByRole("button", { name: "Choose release file" }).waitFor();
    expect(server.uploads).toHaveLength(1);
  });

  it("asks before it sends a release whose sequence does not rise with its version, and says which files are lost", async () => {
    const { page, server, row } = await open("/releases");
    server.trust = await trustIn(key);
    const lost = release("rel-3", "1.2.0", 2);
    server.confirmedUpload = {
      ...lost,
      images: lost.images.map((image, i) => ({ ...image, file: i === 0 ? "missing" : "present" })),
    };
    const bytes = await signedRelease(key, { releaseSequence: 2 });
    await choose(page, "same-sequence.fsr", bytes);
    const checked = verdict(page, "Verified here: same-sequence.fsr");
    await checked.getByText("Version 1.2.0 is later than 1.1.0, but both have release sequence 2").waitFor();
    const upload = checked.getByRole("button", { name: "Upload" });
    await upload.click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toMatch(/sequence does not rise[\s\S]*both have release sequence 2/);
    await dialog.getByRole("button", { name: "Go back" }).click();
    expect(server.uploads).toEqual([]);

    await upload.click();
    await dialog.getByRole("button", { name: "Upload it anyway" }).click();
    await row("flipside-demo 1.2.0").getByText("File missing").waitFor();
  });

  it("asks once more when only the server knows that the sequence does not rise", async () => {
    const { page, server, row } = await open("/releases");
    server.trust = await trustIn(key);
    const detail =
      "Version 1.2.0 is later than 1.1.9, but both have release sequence 3: devices take the one with the higher sequence for the newer. Build it with another sequence, or confirm that this is meant (confirmSequence=true).";
    server.nextUpload = { code: "release-sequence", detail };
    server.confirmedUpload = release("rel-3", "1.2.0", 3);
    await choose(page, "late.fsr", await signedRelease(key));
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("both have release sequence 3").waitFor();
    await dialog.getByRole("button", { name: "Upload it anyway" }).click();
    await row("flipside-demo 1.2.0").waitFor();
  });
});
