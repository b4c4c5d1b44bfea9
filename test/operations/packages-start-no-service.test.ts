// What the setup installs by apt must not start a service on this machine: the setup itself, with an apt-get that asks
// what Debian's packages ask (invoke-rc.d(8)) before they start one. In a mount namespace where /usr/sbin is empty, so
// that this machine's own policy is neither in the way nor touched.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";

const POLICY = "/usr/sbin/policy-rc.d";
const FORBIDDEN = 101;

const inNamespace = (script: string) =>
  spawnSync("unshare", ["-rm", "/bin/sh", "-c", `mount -t tmpfs none /usr/sbin && ${script}`], {
    timeout: 60_000,
    encoding: "utf8",
  });
const missing =
  inNamespace('[ -z "$(ls /usr/sbin)" ]').status === 0 ? undefined : "no mount namespace can be made here";
if (missing !== undefined) console.warn(`skipped: a setup that starts no services: ${missing}`);

let tree: string;
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "flipside-setup-"));
  for (const folder of ["scripts", "bin", "node_modules"]) mkdirSync(join(tree, folder));
  for (const name of ["package.json", "package-lock.json", "scripts/setup.mjs"])
    copyFileSync(join(repositoryRoot, name), join(tree, name));
  // As if the packages were installed.
  const lock = createHash("sha256")
    .update(readFileSync(join(tree, "package-lock.json")))
    .update(process.versions.modules)
    .digest("hex");
  writeFileSync(join(tree, "node_modules/.flipside-lock"), lock);
});
afterAll(() => rmSync(tree, { recursive: true }));

/**
 * Runs the setup after `before`: what its apt-get was told and saw, a line each, and then what is left in /usr/sbin.
 */
function setUp(install: string, before = ":"): string[] {
  const log = join(tree, "log");
  writeFileSync(log, "");
  writeFileSync(
    join(tree, "bin/apt-get"),
    `#!/bin/sh\necho "$1" >> ${log}\n[ "$1" = install ] || exit 0\n${POLICY} mosquitto start\necho "status $?" >> ${log}\n${install}\n`,
  );
  chmodSync(join(tree, "bin/apt-get"), 0o755);
  // What outlives the setup has two seconds to put things right.
  const after = `for i in 1 2 3 4 5 6 7 8; do [ -e ${POLICY} ] && sleep 0.25; done; ls /usr/sbin >> ${log}; cat ${POLICY} >> ${log} 2>/dev/null; true`;
  const { status, stderr } = inNamespace(
    `{ ${before}; PATH=${join(tree, "bin")} ${process.execPath} ${join(tree, "scripts/setup.mjs")}; ${after}; }`,
  );
  expect(status, stderr).toBe(0);
  return readFileSync(log, "utf8").trimEnd().split("\n");
}

it.skipIf(missing !== undefined).each([
  ["goes through", ""],
  ["fails", "exit 100"],
  ["is stopped by a signal to its shell", "kill -TERM $PPID"],
  ["loses the setup by kill -9", "kill -9 $(/bin/sed -n 's/^PPid:[^0-9]*//p' /proc/$PPID/status)"],
])("no service may start while packages are installed, and any afterwards, where that %s", (_, install) => {
  expect(setUp(install)).toEqual(["update", "install", `status ${FORBIDDEN}`]);
});

it.skipIf(missing !== undefined)("a policy that the machine has holds, and stays", () => {
  const policy = "#!/bin/sh\nexit 104";
  const own = join(tree, "policy");
  writeFileSync(own, policy, { mode: 0o755 });
  expect(setUp("", `cp -p ${own} ${POLICY}`)).toEqual([
    "update",
    "install",
    "status 104",
    "policy-rc.d",
    ...policy.split("\n"),
  ]);
});
