// Against QEMU's user network (libslirp): a DHCP server, a DNS relay and a TCP of others'.

import { spawnSync } from "node:child_process";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random, seedOf } from "./faults";
import { QemuLink } from "./qemu-link";
import { StreamState } from "./stack";

/**
 * Real time, beside whatever else runs: after losses in a row TCP waits for 8, 16 and 32 s before it tries again (RFC
 * 6298).
 */
const DEADLINE_MS = 110_000;

const isMissing = spawnSync("qemu-system-riscv32", ["--version"]).error !== undefined;
if (isMissing) console.log("skipped: there is no qemu-system-riscv32");

describe.skipIf(isMissing)("against slirp", () => {
  let link: QemuLink;
  let echo: Server;

  beforeAll(async () => {
    echo = createServer((socket) => (socket.on("error", () => {}), socket.pipe(socket)));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    link = await QemuLink.open(
      new Random(seedOf("slirp")),
      "user,id=t",
      Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56),
    );
  });
  afterAll(async () => {
    await link?.close();
    echo?.close();
  });

  it("gets an address, its mask, router and name server by DHCP", async () => {
    expect(link.stack.exports.start()).toBe(0);
    expect(await link.until(() => link.stack.exports.address() !== 0, 15_000)).toBe(true);
    expect(link.stack.exports.address() >>> 0).toBe(0x0a00020f);
  });

  /** Sends bytes to the echo server on the host and expects them back. */
  async function echoes(bytes: number): Promise<void> {
    const { stack } = link;
    const port = (echo.address() as { port: number }).port;
    expect(stack.open(0, "10.0.2.2", port)).toBe(0);
    const sent = link.random.bytes(bytes);
    let written = 0;
    const parts: Buffer[] = [];
    let received = 0;
    const ok = await link.until(() => {
      if (stack.exports.state(0) === StreamState.Open && written < sent.length)
        written += Math.max(0, stack.write(0, sent.subarray(written)));
      const part = stack.read(0);
      if (part) {
        parts.push(Buffer.from(part));
        received += part.length;
      }
      return received >= sent.length;
    }, DEADLINE_MS);
    expect(ok).toBe(true);
    expect(Buffer.concat(parts).equals(sent)).toBe(true);
    stack.exports.close(0);
  }

  it("reaches a server on the host through the router and gets back every byte", async () => {
    await echoes(300_000);
  });
  it("gets back every byte over a link that loses, repeats, reorders, cuts and corrupts", {
    timeout: 120_000,
  }, async () => {
    link.faults = { loss: 0.03, duplicate: 0.05, reorder: 0.1, truncate: 0.01, corrupt: 0.02 };
    await echoes(60_000);
  });
});
