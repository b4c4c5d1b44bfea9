// `npm run build`: the console, ready to be served (--console-dir), in apps/web/dist; and in its folder brick-it the
// page that needs no server but one that sends files.

import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { buildServed } from "./build-served.ts";

const dist = join(repositoryRoot, "apps/web/dist");
const built = await buildServed(() => console.log("building console and page; a first time takes half a minute"));
rmSync(dist, { recursive: true, force: true });
cpSync(built, dist, { recursive: true });
console.log(`console: ${dist}\n"Try to brick it", for any static server: ${join(dist, "brick-it")}`);
