// The console for a server to serve (its --console-dir): for production, whatever the environment of whoever asks. What
// the same sources were built to before is used again.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cached, filesBelow, hashOfFiles } from "../../agent/build/cache.ts";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";

const run = promisify(execFile);
const BUILD_MS_MAX = 300_000;

/** What its bundle may hold of, beside apps/web. */
const packageSources = [
  "packages/api/src",
  "packages/device-filter/src",
  "packages/image-format/src",
  "packages/image-format/assembly",
];

/** `begins` is called when there is something to build; `step` names the kind of output. Returns the folder. */
export function buildConsole(begins: () => void = () => {}, step = "console"): Promise<string> {
  const web = join(repositoryRoot, "apps/web");
  const sources = [
    ...["apps/web/src", "apps/web/build", "apps/web/public", ...packageSources].flatMap((folder) =>
      filesBelow(join(repositoryRoot, folder), [""]),
    ),
    join(web, "index.html"),
    join(web, "vite.config.ts"),
    join(web, "lingui.config.ts"),
    join(repositoryRoot, "package-lock.json"),
  ];
  return cached(step, hashOfFiles(sources, repositoryRoot), async (outDir) => {
    begins();
    // The console brings it to the worker that looks at release files.
    await buildStrictVerifier();
    const vite = join(repositoryRoot, "node_modules/vite/bin/vite.js");
    // A process of its own: tests have NODE_ENV "test", and with that vite takes the libraries' development builds.
    await run(process.execPath, [vite, "build", web, "--outDir", outDir, "--emptyOutDir", "--logLevel", "error"], {
      env: { ...process.env, NODE_ENV: "production" },
      timeout: BUILD_MS_MAX,
    });
  });
}
