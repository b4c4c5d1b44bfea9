// Documents and comments name files and folders of this repository: each of them is there.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { repositoryFiles } from "./repository-files.ts";

const files = repositoryFiles();
/** Every tail of every path, of files and of folders: `wire/tcp.ts` names `apps/agent/src/net/wire/tcp.ts`. */
const tails = new Set(
  files.flatMap((file) => {
    const parts = file.split("/");
    return parts.flatMap((_, to) => parts.slice(0, to + 1).map((_, from) => parts.slice(from, to + 1).join("/")));
  }),
);

/** What is made when it is needed, or belongs to something else. */
const notKept: Record<string, string> = {
  "hw/riscv/virt.c": "QEMU",
  "net/socket.c": "QEMU",
  "wasm-rt.h": "wabt",
  "os_unix.c": "SQLite",
  "sqlite3_wal.c": "SQLite",
  "drivers/mtd/ubi/io.c": "Linux",
  "node_object_wrap.h": "Node",
  "path/to/your/main.ts": "an example",
  "apps/agent/src/my-app/main.ts": "an example",
  "apps/web/dist": "`npm run build` makes it",
  "apps/web/dist/brick-it": "`npm run build` makes it",
  "apps/agent/src/mutants.ts": "a module that the compiler is given and no file has (test/mutants/questions.ts)",
};

/** Named with a folder of ours in front, or with the ending of a source. */
const NAMED = new RegExp(
  [
    /(?<![\w./:~@$\\{}*<>-])/,
    "(",
    /(?:apps|packages|test|scripts|docs)\/[\w.-]+(?:\/[\w.-]+)*/,
    "|",
    /[\w-]+(?:\/[\w-]+)*(?:\.test|\.browser\.test)?\.(?:tsx?|mjs|cjs|[ch]|md|ld)/,
    ")",
    /(?![\w/*{<…$-])/,
  ]
    .map((part) => (typeof part === "string" ? part : part.source))
    .join(""),
  "g",
);
const COMMENT = /(?:^|\s)\/\/ .*|\/\*[^]*?\*\/|^ *# .*/gm;

function namedIn(file: string): string[] {
  const text = readFileSync(join(repositoryRoot, file), "utf8");
  const parts = file.endsWith(".md") ? [text] : [...text.matchAll(COMMENT)].map(([comment]) => comment);
  return parts.flatMap((part) => [...part.matchAll(NAMED)].map(([, path]) => path!.replace(/[.-]+$/, "")));
}

const missing = (named: string[]): string[] =>
  named.filter((path) => !tails.has(path) && !Object.hasOwn(notKept, path));

const sources = files.filter((file) => /\.(ts|tsx|mjs|cjs|c|h|md|jsonc|ld)$/.test(file));

it("in documents and comments are there", () => {
  const wrong = sources.flatMap((file) => missing(namedIn(file)).map((path) => `${file} names ${path}`));
  expect(wrong, "say what it is called now, or take the sentence out").toEqual([]);
});

it("are looked for", () => {
  expect(sources.flatMap(namedIn).length).toBeGreaterThan(500);
  expect(missing(["apps/agent/src/net/tcp.ts", "wire/tcp.ts", "apps/agent/src/net", "apps/agent/src/gone.ts"])).toEqual(
    ["apps/agent/src/gone.ts"],
  );
});
