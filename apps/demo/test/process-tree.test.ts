import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hasCommand, missingDeviceTools } from "../../agent/build/run-tool.ts";
import { reservePorts } from "../../../packages/processes/test/reserved-port.ts";
import { gone, isListening, Product } from "./product.ts";

const missing = missingDeviceTools();
if (missing.length > 0) console.warn(`skipped: QEMU is not among the processes here (${missing.join(", ")} missing)`);
const hasScript = hasCommand("script");
if (!hasScript) console.warn("skipped: a closed terminal needs script (util-linux)");

let folder: string;
let ports: [http: number, mqtt: number];
let product: Product | undefined;
let tree = new Map<number, string>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-tree-"));
  ports = (await reservePorts(2)) as [number, number];
});
afterEach(() => {
  for (const id of [...(product?.tree().keys() ?? []), ...tree.keys()]) {
    try {
      process.kill(id, "SIGKILL");
    } catch {
      // gone, as it should be
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** On the folder and the ports of the one before: it comes up only if that left neither held. */
async function start(inTerminal = false): Promise<Product> {
  product = new Product({
    args: [
      "--folder",
      folder,
      "--port",
      String(ports[0]),
      "--mqtt-port",
      String(ports[1]),
      "--mqtt-websocket-port",
      "0",
      "--devices",
      "1",
    ],
    inTerminal,
  });
  await product.up();
  tree = product.tree();
  const commands = [...tree.values()].join("\n");
  expect(commands).toContain("apps/server/src/main.ts");
  if (missing.length === 0) expect(commands).toContain("qemu-system-riscv32");
  for (const port of ports) expect(await isListening(port)).toBe(true);
  return product;
}

function idOf(part: string): number {
  const found = [...tree].filter(
    ([, command]) => command.includes(part) && !command.startsWith("sh ") && !command.includes("esbuild"),
  );
  expect(
    found.map(([, command]) => command),
    part,
  ).toHaveLength(1);
  return found[0]![0];
}

async function expectAllGone(): Promise<void> {
  await gone(tree);
  for (const port of ports) expect(await isListening(port), `port ${port}`).toBe(false);
}

describe("whatever ends npm start ends server, fleet and QEMU, and frees ports and folder", () => {
  test("a second start on the folder meanwhile is told who has it, and harms nothing; then TERM to npm", async () => {
    const first = await start();
    const second = new Product({
      args: ["--folder", folder, "--port", "0", "--mqtt-port", "0", "--mqtt-websocket-port", "0"],
    });
    expect(await second.ended).toBe(1);
    expect(second.output).toMatch(
      new RegExp(
        `The folder ${folder} is in use by process ${idOf("apps/demo/src/main.ts")} since \\S+Z \\(npm start -- --folder ${folder} `,
      ),
    );
    for (const port of ports) expect(await isListening(port)).toBe(true);
    first.child.kill("SIGTERM");
    await expectAllGone();
  }, 300_000);

  test.each([
    ["TERM to the group", () => process.kill(-product!.child.pid!, "SIGTERM")],
    ["INT to the group, as Ctrl-C", () => process.kill(-product!.child.pid!, "SIGINT")],
    ["kill -9 of npm", () => product!.child.kill("SIGKILL")],
    [
      "kill -9 of launcher and demo at once",
      () => [idOf("scripts/start.mjs"), idOf("apps/demo/src/main.ts")].forEach((id) => process.kill(id, "SIGKILL")),
    ],
  ])(
    "%s",
    async (_name, end) => {
      await start();
      end();
      await expectAllGone();
    },
    300_000,
  );

  test.skipIf(!hasScript)(
    "a terminal that is closed",
    async () => {
      const { child } = await start(true);
      // The terminal's other end dies with `script`, and the kernel hangs up (SIGHUP).
      child.kill("SIGKILL");
      await expectAllGone();
    },
    300_000,
  );
});
