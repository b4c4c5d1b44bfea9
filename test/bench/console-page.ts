// A page of the console that somebody has signed in to, as the benches open it.

import type { BrowserContext, Page } from "playwright-core";
import { PASSWORD } from "./server-process.ts";

/** Of a server that may listen on every address. */
export const consoleUrlOf = ({ url }: { url: string }): string => url.replace("[::]", "127.0.0.1");

export async function signedInPage(context: BrowserContext, consoleUrl: string, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(consoleUrl + path);
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  return page;
}
