// `npm run reference`: writes anew what is told of the table of commands in docs/command-line.md, of the conformance
// kit's checks in docs/conformance.md, and of the route objects in docs/api-reference.md.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { apiReference } from "@flipside/api/reference";
import { referenceBegin, referenceEnd, referenceOf } from "./command-line/reference.ts";
import { commands } from "./commands.ts";
import { checks } from "./conformance/checks.ts";
import { tableBegin, tableEnd, tableOf } from "./conformance/table-in-docs.ts";

const docs = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

/** `made` begins and ends with the marks between which it stands in the page. */
function renew(name: string, begin: string, end: string, made: string): void {
  const path = docs(name);
  const [before, rest] = readFileSync(path, "utf8").split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${path} has no place for what is made: ${begin} … ${end}`);
  writeFileSync(path, `${before}${made}${after}`);
}

renew("command-line.md", referenceBegin, referenceEnd, referenceOf(commands));
renew("conformance.md", tableBegin, tableEnd, tableOf(checks));
writeFileSync(docs("api-reference.md"), apiReference());
