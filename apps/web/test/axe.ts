// What axe-core finds wrong with a page as it stands (WCAG 2.2 A and AA, and best practices).

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** A line for each rule that is broken, with the elements that break it. */
export async function axeProblems(page: Page): Promise<string[]> {
  // Not as a script of the page, which its content security policy would refuse.
  await page.evaluate(await readFile(path, "utf8"));
  const { violations } = (await page.evaluate("axe.run(document)")) as AxeResults;
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).join("; ")}`);
}
