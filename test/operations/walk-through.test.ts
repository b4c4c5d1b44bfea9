// "From nothing to a rollout" of docs/operations.md, walked as it stands there: each block in its order, in one shell,
// with `npm start` beside it. Only the folder, the port and the one-time password are others.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { missingDeviceTools } from "../../apps/agent/build/run-tool.ts";
import { gone, Product } from "../../apps/demo/test/product.ts";
import { reservePorts } from "../../packages/processes/test/reserved-port.ts";
import { blocksOf, withPlaces } from "./document.ts";
import { Shell } from "./shell.ts";

const HEADING = "From nothing to a rollout";
const START = "npm start -- --devices 9";
const ONE_TIME_PASSWORD = "ONE-TIME-PASSWORD";
/** Devices under way are on trial, and a machine that does other things is slow. */
const BLOCK_TIMEOUT_MS = 180_000;

const lacking = missingDeviceTools();
const missing = lacking.length > 0 ? `${lacking.join(", ")} missing here (npm run setup)` : undefined;
if (missing !== undefined) console.warn(`skipped: the walk through docs/operations.md: ${missing}`);

const folder = mkdtempSync(join(tmpdir(), "flipside-walk-"));
let product: Product | undefined;
let shell: Shell | undefined;

async function stopProduct(): Promise<void> {
  if (product === undefined) return;
  const tree = product.tree();
  // As Ctrl-C does it: to the terminal's group.
  if (product.child.exitCode === null) process.kill(-product.child.pid!, "SIGINT");
  await gone(tree);
  product = undefined;
}

afterAll(async () => {
  shell?.end();
  await stopProduct();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

it.skipIf(missing !== undefined)(
  "an operator comes from nothing through a rollout in two waves, back, a stop, a backup and its restore",
  async () => {
    const [port, mqttPort] = (await reservePorts(2)) as [number, number];
    const places = new Map([
      ["var/", `${folder}/`],
      ["127.0.0.1:8080", `127.0.0.1:${port}`],
    ]);
    // Where `flipside login` keeps the session.
    shell = new Shell({ XDG_CONFIG_HOME: folder });
    const answers: string[] = [];
    let password = "";
    for (const block of blocksOf(HEADING)) {
      if (block.trim() === START) {
        const args = [
          "--devices",
          "9",
          "--folder",
          folder,
          "--port",
          String(port),
          "--mqtt-port",
          String(mqttPort),
          "--mqtt-websocket-port",
          "0",
        ];
        product = await new Product({ args }).up();
        password = /one-time password (\S+)/.exec(product.output)?.[1] ?? "";
        continue;
      }
      if (block.includes("flipside restore")) await stopProduct();
      const said = Object.fromEntries([...places].filter(([place]) => block.includes(place)));
      const isFirstSignIn = block.includes(ONE_TIME_PASSWORD);
      answers.push(
        await shell.run(
          withPlaces(block, { ...said, ...(isFirstSignIn ? { [ONE_TIME_PASSWORD]: password } : {}) }),
          BLOCK_TIMEOUT_MS,
        ),
      );
    }
    const text = answers.join("\n");
    // Each thing that the page says one will see, once in its place.
    const seen = [
      /10 of 10 devices, in waves of 2 \+ 8\n\n/,
      /started: 10 devices in 2 waves[^]*?completed: 10 confirmed, 0 failed[^]*?Autumn: 2\.0\.0, completed/,
      /rolled-back/,
      /All updates were stopped by admin: A customer says that it smells of smoke\.\n/,
      /Autumn: 2\.0\.0, completed/,
      /backed up as of [^\n]*10 devices, 2 releases, 3 rollouts/,
      /restored as of [^\n]*10 devices, 2 releases, 3 rollouts/,
    ];
    let from = 0;
    for (const pattern of seen) {
      const found = pattern.exec(text.slice(from));
      expect(found, `${pattern} in:\n${text.slice(from)}`).not.toBeNull();
      from += found!.index + found![0].length;
    }
    expect(answers.at(-1)).toContain("It is over, with 10 confirmed and 0 failed.");
  },
  600_000,
);
