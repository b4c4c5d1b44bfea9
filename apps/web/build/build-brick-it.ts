// The page "Try to brick it" as static files, for a folder of the console and for any static server.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cached, filesBelow, hashOf, hashOfFiles } from "../../agent/build/cache.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { buildDemonstration } from "./demonstration.ts";

const run = promisify(execFile);
const BUILD_MS_MAX = 300_000;

/** What its bundle may hold of. */
const sourceFolders = [
  "apps/web/src",
  "apps/web/brick-it",
  "apps/web/build",
  "apps/power-cut/src",
  "packages/api/src",
  "packages/image-format/src",
  "packages/machine/src",
  "packages/protocol/src",
];

/** `begins` is called when there is something to build. Returns the folder. */
export async function buildBrickIt(begins: () => void): Promise<string> {
  const demonstration = await buildDemonstration();
  const sources = [
    ...sourceFolders.flatMap((folder) => filesBelow(join(repositoryRoot, folder), [""])),
    ...["apps/web/vite.brick-it.config.ts", "apps/web/lingui.config.ts", "package-lock.json"].map((path) =>
      join(repositoryRoot, path),
    ),
  ];
  const hash = hashOf([hashOfFiles(sources, repositoryRoot), demonstration.slice(repositoryRoot.length)]);
  return cached("brick-it", hash, async (outDir) => {
    begins();
    const vite = join(repositoryRoot, "node_modules/vite/bin/vite.js");
    const config = join(repositoryRoot, "apps/web/vite.brick-it.config.ts");
    // The configuration makes the demonstration, by sources that Node knows through tsx; NODE_ENV as for the console.
    const given = ["--import", "tsx", vite, "build", "--config", config, "--outDir", outDir, "--emptyOutDir"];
    await run(process.execPath, [...given, "--logLevel", "error"], {
      cwd: repositoryRoot,
      env: { ...process.env, NODE_ENV: "production" },
      timeout: BUILD_MS_MAX,
    });
  });
}
