// The real SWUpdate (Debian's package `swupdate`), and a file that it installs: an archive of cpio(5), form "newc",
// whose first member says what is done with the others.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const pathOf = (name: string): string | undefined =>
  ["/usr/bin", "/bin", "/usr/local/bin"].map((folder) => join(folder, name)).find(existsSync);
const program = pathOf("swupdate");

export const swupdateMissing: string | undefined =
  program === undefined
    ? "SWUpdate is not installed (apt-get install -y swupdate)"
    : pathOf("openssl") === undefined
      ? "openssl is not installed (apt-get install -y openssl)"
      : undefined;

const fileMode = 0o100644;

function member(name: string, content: Buffer, inode: number): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  // inode, mode, uid, gid, links, mtime, size, four numbers of devices, length of the name, checksum
  const fields = [inode, fileMode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, nameBytes.length, 0];
  const header = Buffer.from(`070701${fields.map((each) => each.toString(16).padStart(8, "0")).join("")}`);
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return Buffer.concat([padded(Buffer.concat([header, nameBytes])), padded(content)]);
}

const certificateIn = (folder: string): string => join(folder, "certificate.pem");
const keyIn = (folder: string): string => join(folder, "key.pem");

/** Debian's takes what is signed, and nothing else. */
export async function makeKeys(folder: string): Promise<void> {
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "30"];
  await run("openssl", [...request, "-keyout", keyIn(folder), "-out", certificateIn(folder)]);
}

/** Of the description, which has the hashes of all else: CMS, detached. */
async function signatureOf(folder: string, description: string): Promise<Buffer> {
  const [from, to] = [join(folder, "sw-description"), join(folder, "sw-description.sig")];
  await writeFile(from, description);
  const signing = ["cms", "-sign", "-binary", "-nosmimecap", "-outform", "DER", "-md", "sha256"];
  await run("openssl", [
    ...signing,
    "-in",
    from,
    "-out",
    to,
    "-signer",
    certificateIn(folder),
    "-inkey",
    keyIn(folder),
  ]);
  return readFile(to);
}

/** Writes `content` to the file `path`. */
export async function swuFile(folder: string, version: string, content: Buffer, path: string): Promise<Buffer> {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const description = `software = {
  version = "${version}";
  hardware-compatibility: [ "1.0" ];
  files: ( { filename = "app.bin"; path = "${path}"; sha256 = "${sha256}"; } );
};
`;
  return Buffer.concat([
    member("sw-description", Buffer.from(description), 1),
    member("sw-description.sig", await signatureOf(folder, description), 2),
    member("app.bin", content, 3),
    member("TRAILER!!!", Buffer.alloc(0), 0),
  ]);
}

export interface Running {
  /** What it has said so far. */
  said(): string;
  stop(): Promise<void>;
}

const stopMsMax = 10_000;
/** Debian's dies now and then of itself on a busy machine, in the middle of a download that went on. */
const startsMax = 4;

interface Start {
  /** What it says of the device. */
  version: string;
  /** Of its mode for hawkBit. */
  arguments_: readonly string[];
}

async function spawnIn(folder: string, { version, arguments_ }: Start): Promise<ChildProcess> {
  // Of its own: what ends removes its sockets by their names, also when the next one has made them anew.
  const sockets = await mkdtemp(join(folder, "sockets-"));
  const configuration = join(folder, "swupdate.cfg");
  await writeFile(
    configuration,
    `globals : { loglevel = 5; };\nidentify : ( { name = "version"; value = "${version}"; } );\n`,
  );
  const flags = ["-f", configuration, "-k", certificateIn(folder), "-H", "board:1.0", "-l", "5"];
  return spawn(program!, [...flags, "-u", arguments_.join(" ")], {
    env: { PATH: process.env["PATH"], TMPDIR: sockets, RUNTIME_DIRECTORY: sockets },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs until it is stopped: one that dies is started again, as a service manager does. */
export async function startSwupdate(folder: string, start: Start): Promise<Running> {
  let said = "";
  let isStopped = false;
  let child: ChildProcess;
  let ended: Promise<void>;
  async function startOnce(starts: number): Promise<void> {
    child = await spawnIn(folder, start);
    if (isStopped) child.kill("SIGKILL");
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (data) => (said += String(data)));
    ended = new Promise<void>((resolve) =>
      child.once("exit", (code, signal) => {
        resolve();
        if (isStopped) return;
        const how = `SWUpdate ended by itself (${signal ?? code})`;
        said += `\n${how}\n`;
        console.warn(how);
        if (starts < startsMax) void startOnce(starts + 1);
      }),
    );
  }
  await startOnce(1);
  return {
    said: () => said,
    async stop() {
      isStopped = true;
      child.kill("SIGTERM");
      const killing = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
      await ended;
      clearTimeout(killing);
    },
  };
}
