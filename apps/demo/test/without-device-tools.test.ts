// A machine on which nothing but npm packages can be had: macOS, Fedora, a laptop without root.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ConsoleClient } from "../../../test/end-to-end/console-client.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { gone, Product, until } from "./product.ts";

const UPDATE_TIMEOUT_MS = 60_000;

let folder: string;
/** A PATH with what npm itself needs, and nothing else. */
let path: string;
let product: Product | undefined;

function link(...commands: string[]): void {
  for (const command of commands) {
    const found = (process.env["PATH"] ?? "")
      .split(delimiter)
      .map((part) => join(part, command))
      .find((candidate) => existsSync(candidate));
    if (found !== undefined) symlinkSync(found, join(path, command));
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "flipside-plain-"));
  path = join(folder, "bin");
  mkdirSync(path);
  link("npm", "sh", "env", "ps", "basename", "dirname", "sed", "uname", "bash", "cut", "head", "readlink");
  symlinkSync(process.execPath, join(path, "node"));
});
afterEach(async () => {
  const tree = product?.tree();
  product?.child.kill("SIGTERM");
  if (tree) await gone(tree);
  product = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("without the tools for the unikernel", () => {
  test("npm start brings up console and virtual devices, which take an update, and says in one line what the unikernel would take", async () => {
    product = await new Product({
      args: [
        "--folder",
        join(folder, "var"),
        "--port",
        "0",
        "--mqtt-port",
        "0",
        "--mqtt-websocket-port",
        "0",
        "--devices",
        "2",
      ],
      environment: { PATH: path },
    }).up();
    expect(product.output).toMatch(
      /^setup: no unikernel here, only virtual devices: its tools are missing\. What it would take: .*qemu-system-misc.*wabt/m,
    );
    expect(product.output).toContain("Fleet: 2 devices (2 virtual)");
    expect(product.output).not.toContain("Console of the unikernel");
    const url = product.url.replace("localhost", "127.0.0.1");
    expect(await (await fetch(url)).text()).toContain('<div id="root">');

    const client = new ConsoleClient(url);
    await client.signIn("admin", /one-time password (\S+)/.exec(product.output)![1]!, "a password of my own");
    const onVersion = (version: string) => async (): Promise<boolean> =>
      (await client.devices()).filter(
        ({ online, running }) => online && running?.version === version && running.state === "confirmed",
      ).length === 2;
    await until("two devices on 1.0.0", UPDATE_TIMEOUT_MS, onVersion("1.0.0"));
    const release = await client.uploadRelease(
      new Uint8Array(readFileSync(join(folder, "var/releases/flipside-demo-2.0.0.release"))),
    );
    await client.createRollout({
      name: "first",
      releaseId: release.id,
      target: { all: true },
      waves: [{ percent: 100 }],
    });
    await until("two devices confirmed on 2.0.0", UPDATE_TIMEOUT_MS, onVersion("2.0.0"));
  }, 400_000);

  test("npm start -- --auto and a release for a unikernel say what is missing, and a release for virtual devices is built", () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, args, {
        cwd: repositoryRoot,
        encoding: "utf8",
        env: { ...process.env, PATH: path, FLIPSIDE_SETUP: "no" },
        timeout: 120_000,
      });
    const auto = run("scripts/start.mjs", "--auto");
    expect([auto.status, auto.stderr]).toEqual([
      1,
      expect.stringContaining(
        "--auto tells the story of a unikernel beside virtual devices, and qemu-system-riscv32, ",
      ),
    ]);

    const args = [
      "scripts/build-release.mjs",
      "--version",
      "3.0.0",
      "--sequence",
      "3",
      "--keys",
      join(folder, "keys"),
      "--out",
      join(folder, "3.release"),
    ];
    const whole = run(...args);
    expect([whole.status, whole.stderr]).toEqual([1, expect.stringContaining("--virtual-only")]);
    const virtual = run(...args, "--virtual-only");
    expect([virtual.status, virtual.stdout]).toEqual([0, expect.stringMatching(/virtual/)]);
    expect(existsSync(join(folder, "3.release"))).toBe(true);
  }, 240_000);

  test("the power-cut campaign runs a story with every cut", () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        "scripts/power-cut.mjs",
        "--story",
        "ordinary-start",
        "--single",
        "--deep",
        "0",
        "--processes",
        "1",
        "--seed",
        "1",
      ],
      {
        cwd: repositoryRoot,
        encoding: "utf8",
        env: { ...process.env, PATH: path, FLIPSIDE_SETUP: "no" },
        timeout: 200_000,
      },
    );
    expect([status, stdout, stderr]).toEqual([
      0,
      expect.stringMatching(/[1-9]\d* scenarios, .* 0 bricks, 0 violations/),
      expect.anything(),
    ]);
  }, 240_000);
});

const bringsSqlite = Number(process.versions["napi"]) >= 10;
if (bringsSqlite)
  console.warn(`skipped in part: on Node ${process.versions.node} SQLite comes ready, so no compiler can be missed`);

describe("without a compiler", () => {
  /**
   * The setup itself, in a tree whose packages are not installed, beside an npm that ends as one without a compiler
   * does.
   */
  function setUp(npmStatus: number, ...present: string[]): string {
    const tree = mkdtempSync(join(folder, "tree-"));
    mkdirSync(join(tree, "scripts"));
    for (const name of ["package.json", "package-lock.json", "scripts/setup.mjs"])
      copyFileSync(join(repositoryRoot, name), join(tree, name));
    const bin = join(tree, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "npm"), `#!/bin/sh\necho 'npm error gyp ERR! not found: make' >&2\nexit ${npmStatus}\n`);
    for (const name of present) writeFileSync(join(bin, name), "#!/bin/sh\n");
    for (const name of ["npm", ...present]) chmodSync(join(bin, name), 0o755);
    const { status, stderr } = spawnSync(process.execPath, [join(tree, "scripts/setup.mjs")], {
      encoding: "utf8",
      env: { PATH: bin },
      timeout: 60_000,
    });
    expect(status).toBe(1);
    return stderr;
  }

  test.skipIf(bringsSqlite)(
    "what SQLite needs and is not there is named before npm begins and again when it fails, with the commands to get it",
    () => {
      // npm goes on without an optional package that could not be built: that is no success here.
      for (const npmStatus of [1, 0]) {
        const said = setUp(npmStatus, "dnf", "make");
        const missing =
          "better-sqlite3 may have to be compiled, and a C++ compiler, python3 are missing here. To get them: sudo dnf install -y gcc-c++ make python3";
        expect(said.split(missing)).toHaveLength(3);
        expect(said.indexOf(missing)).toBeLessThan(said.indexOf("npm error gyp ERR!"));
        expect(said).toContain("Node 22.14 or later");
      }
      expect(setUp(0, "c++", "make", "python3")).toContain(
        "better-sqlite3 could be neither fetched nor compiled for this Node",
      );
      expect(setUp(1, "xcode-select", "c++", "python3")).toContain(
        "and make is missing here. To get them: xcode-select --install",
      );
    },
  );

  test("where all of it is there, npm's own message is left to speak", () => {
    const said = setUp(1, "c++", "make", "python3");
    expect(said).not.toContain("better-sqlite3 may have to be compiled");
    expect(said).toContain("`npm ci` failed; its own message is above");
  });
});
