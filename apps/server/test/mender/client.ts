// The real client of Mender (Debian's package `mender-client`), as a plain process. The paths of its scripts and update
// modules are compiled in, so it runs in a mount namespace where folders of the test's own lie over them.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyPair } from "./device.ts";

const program = "/usr/bin/mender";
const compiledIn = {
  identity: "/usr/share/mender/identity",
  inventory: "/usr/share/mender/inventory",
  modules: "/usr/share/mender/modules/v3",
  settings: "/etc/mender",
} as const;
const unshare = ["--mount", ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"])];

function missing(): string | undefined {
  if (process.platform !== "linux" || !existsSync(program))
    return "Mender's client is not installed (apt-get install -y mender-client)";
  const absent = Object.values(compiledIn).find((folder) => !existsSync(folder));
  if (absent !== undefined) return `Mender's client has no folder ${absent}`;
  try {
    execFileSync("unshare", [...unshare, "true"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no mount namespace may be made here (unshare --mount)";
  }
}
export const menderClientMissing = missing();

/** An update module that writes the payload's file over another one, and does what files beside that say. */
const moduleText = (folder: string): string => `#!/bin/sh
set -e
case "$1" in
  NeedsArtifactReboot) cat ${folder}/reboot ;;
  SupportsRollback) echo Yes ;;
  ArtifactInstall)
    test ! -e ${folder}/fails || { echo "it was told to fail" >&2; exit 1; }
    while test -e ${folder}/waits; do sleep 0.1; done
    cp "$2/files/app.bin" ${folder}/installed ;;
  ArtifactRollback) echo back > ${folder}/rolled-back ;;
esac
exit 0
`;

const script = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text);
  await chmod(path, 0o755);
};

export interface ClientSettings {
  identity: Record<string, string>;
  deviceType: string;
  /** What it runs before its first update. */
  artifactName: string;
  /** What its module says of a reboot: "No", or "Yes". */
  reboot?: "No" | "Yes";
}

/** What a client keeps between its starts: `folder` is its own. */
export class MenderClient {
  readonly folder: string;
  /** RSA: what its client makes itself takes a while. */
  readonly keys: KeyPair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  #said = "";
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
  }

  said = (): string => this.#said;
  path = (name: string): string => join(this.folder, name);

  async prepare({ identity, deviceType, artifactName, reboot = "No" }: ClientSettings): Promise<void> {
    for (const name of [...Object.keys(compiledIn), "data"]) await mkdir(this.path(name), { recursive: true });
    const lines = Object.entries(identity).map(([name, value]) => `echo ${name}=${value}`);
    await script(this.path("identity/mender-device-identity"), `#!/bin/sh\n${lines.join("\n")}\n`);
    await script(this.path("modules/copy-file"), moduleText(this.folder));
    await writeFile(this.path("settings/artifact_info"), `artifact_name=${artifactName}\n`);
    await writeFile(this.path("data/device_type"), `device_type=${deviceType}\n`);
    await writeFile(this.path("reboot"), reboot);
    const key = this.keys.privateKey.export({ type: "pkcs1", format: "pem" });
    await writeFile(this.path("data/mender-agent.pem"), key, { mode: 0o600 });
  }

  /** Asks as often as it can. */
  async start(url: string): Promise<void> {
    const settings = {
      ServerURL: url,
      UpdatePollIntervalSeconds: 1,
      InventoryPollIntervalSeconds: 1,
      RetryPollIntervalSeconds: 1,
      UpdateControlMapExpirationTimeSeconds: 60,
      UpdateControlMapBootExpirationTimeSeconds: 60,
    };
    await writeFile(this.path("settings/mender.conf"), JSON.stringify(settings));
    const mounts = Object.entries(compiledIn).map(([name, over]) => `mount --bind ${this.path(name)} ${over}`);
    const flags = `--no-syslog --config ${compiledIn.settings}/mender.conf --data ${this.path("data")}`;
    const command = `${mounts.join(" && ")} && exec ${program} ${flags} --fallback-config ${this.path("none")} daemon`;
    const child = spawn("unshare", [...unshare, "sh", "-c", command], {
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (this.#said += String(data)));
    this.#ended = new Promise((resolve) => void child.once("exit", () => resolve()));
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }
}
