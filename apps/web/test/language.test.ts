// The console's languages are complete: every word for people goes through a macro, and every message has its
// translation, with the same values and elements in it.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { getCatalogs } from "@lingui/cli/api";
import { makeConfig } from "@lingui/conf";
import { expect, it } from "vitest";
import config from "../lingui.config.ts";
import { wordsLeftOut, wordsLeftOutOf } from "./words-in-code.ts";

const web = join(dirname(fileURLToPath(import.meta.url)), "..");
const normalized = makeConfig({ ...config, rootDir: web });

it("no words in the sources are left out", () => {
  const folder = join(web, "src");
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => /\.tsx?$/.test(name));
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap((name) => wordsLeftOut(join(folder, name), name))).toEqual([]);
});

it.each([
  ["the text of an element", "const a = <p>Nothing was found.</p>;"],
  ["a title", 'const a = <abbr title="Time to live" />;'],
  ["a label in a table", 'const a = { queued: { label: "Queued" } };'],
  ["a sentence of pieces", "const a = `$" + "{n} devices are away`;"],
  ["one word in a choice", 'const a = <b>{busy ? "Signing in…" : undefined}</b>;'],
  ["what is calculated within a message", "const a = <Trans>Sent by {who ?? <b>nobody</b>}</Trans>;"],
])("sees %s", (_what, code) => {
  expect(wordsLeftOutOf(code, "a.tsx")).toHaveLength(1);
});

it("lets what programs read be", () => {
  const code = `import a from "Some Module"; const b = t\`Two words\`; const c = <Trans>Two <b>words</b></Trans>;
    const d = <p className="Two words">{key === "Escape" ? plural(n, { one: "# word", other: "# words" }) : null}</p>;
    throw new Error("Two words");`;
  expect(wordsLeftOutOf(code, "a.tsx")).toEqual([]);
});

/** `{n}`, `{0}`, `<1>`, `#`, as often as they are there, and the kinds of what is chosen between. */
const partsOf = (message: string): string[] =>
  [...new Set([...message.matchAll(/\{\s*(\w+)|<\/?(\w+)\/?>/g)].map(([whole]) => whole.replace(/\s/g, "")))]
    .filter((part) => !/^\{[a-z]+$/i.test(part) || message.includes(`${part}}`) || message.includes(`${part},`))
    .sort();

it.each(normalized.locales)(
  "%s has every message, and none that there is no more",
  { timeout: 120_000 },
  async (locale) => {
    const [catalog] = await getCatalogs(normalized);
    const [inCode, translated] = [await catalog!.collect(), await catalog!.read(locale)];
    expect(Object.keys(inCode!).length).toBeGreaterThan(1_000);
    const messageOf = (id: string): string => inCode![id]!.message ?? id;
    expect(
      Object.keys(inCode!)
        .filter((id) => !translated![id]?.translation)
        .map(messageOf),
      "npm run words",
    ).toEqual([]);
    expect(
      Object.keys(translated!).filter((id) => inCode![id] === undefined),
      "npm run words",
    ).toEqual([]);
    const differ = Object.keys(inCode!).filter(
      (id) => partsOf(messageOf(id)).join() !== partsOf(translated![id]!.translation!).join(),
    );
    expect(differ.map((id) => [messageOf(id), translated![id]!.translation])).toEqual([]);
  },
);
