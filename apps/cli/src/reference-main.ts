// `npm run reference`: writes anew what is told of the table of commands in docs/command-line.md, and of the route
// objects in docs/api-reference.md.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { apiReference } from "@flipside/api/reference";
import { referenceBegin, referenceEnd, referenceOf } from "./command-line/reference.ts";
import { commands } from "./commands.ts";

const path = fileURLToPath(new URL("../../../docs/command-line.md", import.meta.url));
const page = readFileSync(path, "utf8");
const [before, rest] = page.split(referenceBegin);
const after = rest?.split(referenceEnd)[1];
if (after === undefined) throw new Error(`${path} has no place for the reference: ${referenceBegin} … ${referenceEnd}`);
writeFileSync(path, `${before}${referenceOf(commands)}${after}`);
writeFileSync(fileURLToPath(new URL("../../../docs/api-reference.md", import.meta.url)), apiReference());
