// That the check of a page's accessibility finds what it is for.

import { describe, expect, it } from "vitest";
import { axeProblems } from "./axe.ts";
import { findChromium, launch } from "./browser.ts";

const executablePath = findChromium();
if (!executablePath) console.warn("skipped: axe needs Chromium, as chromium or chromium-browser on PATH");

describe.skipIf(!executablePath)("the check by axe", () => {
  it("names what breaks a rule, and nothing else", { timeout: 120_000 }, async () => {
    const browser = await launch(executablePath!);
    try {
      const page = await browser.newPage();
      const around = (body: string): string =>
        `<!doctype html><html lang="en"><title>t</title><main><h1>t</h1>${body}</main></html>`;
      await page.setContent(around("<p>Nothing is wrong.</p>"));
      expect(await axeProblems(page)).toEqual([]);
      await page.setContent(around('<button></button><p style="color: #aaa; background: #fff">pale</p>'));
      expect((await axeProblems(page)).map((each) => each.split(":")[0])).toEqual(["button-name", "color-contrast"]);
    } finally {
      await browser.close();
    }
  });
});
