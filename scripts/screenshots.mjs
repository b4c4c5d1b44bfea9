// `npm run screenshots`: set up what is missing, then make the pictures of README and docs anew, from the product as
// its tests drive it (test/console): with a unikernel in QEMU and 24 virtual devices, and every screen in both themes.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { checkNode, installDeviceTools, installPackages, installTestTools, root } from "./setup.mjs";

checkNode();
installPackages();
installDeviceTools();
installTestTools();

const product = "build-output/screenshots";
const screens = "build-output/screens";
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "test/console/console.test.ts",
    "test/console/every-screen.test.ts",
  ],
  { cwd: root, stdio: "inherit", env: { ...process.env, FLIPSIDE_SCREENSHOTS: join(root, product) } },
);
if (status !== 0) process.exit(status ?? 1);

/** In docs/images → where the tests have left it. */
const pictures = {
  "console.png": `${product}/desktop-devices-updating.png`,
  "rollout.png": `${product}/desktop-rollout-in-progress.png`,
  "overview.png": `${screens}/overview-light-desk.png`,
};
for (const [name, from] of Object.entries(pictures)) {
  if (!existsSync(join(root, from))) {
    process.stderr.write(`${from} was not made: was a test skipped? It says why above.\n`);
    process.exit(1);
  }
  copyFileSync(join(root, from), join(root, "docs/images", name));
}
process.stdout.write(
  `Pictures of the product: ${product}; of every screen: ${screens}; in docs/images: ${Object.keys(pictures).join(", ")}\n`,
);
