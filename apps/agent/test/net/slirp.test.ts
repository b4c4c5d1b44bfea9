// Against QEMU's user network (libslirp): a DHCP server, a DNS relay and a TCP of others'.

import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random, seedOf } from "./faults";
import { QemuLink } from "./qemu-link";
import { StreamState } from "./stack";

describe("against slirp", () => {
  let link: QemuLink;
  let echo: Server;

  beforeAll(async () => {
    echo = createServer((socket) => (socket.on("error", () => {}), socket.pipe(socket)));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    link = await QemuLink.open(new Random(seedOf("slirp")), "user,id=t", Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56));
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

  it("reaches a server on the host through the router and gets back every byte", async () => {
    const { stack } = link;
    const port = (echo.address() as { port: number }).port;
    expect(stack.open(0, "10.0.2.2", port)).toBe(0);
    const sent = link.random.bytes(100_000);
    let written = 0;
    const parts: Buffer[] = [];
    let received = 0;
    const ok = await link.until(() => {
      if (stack.exports.state(0) === StreamState.Open && written < sent.length) written += Math.max(0, stack.write(0, sent.subarray(written)));
      const part = stack.read(0);
      if (part) {
        parts.push(Buffer.from(part));
        received += part.length;
      }
      return received >= sent.length;
    }, 15_000);
    expect(ok).toBe(true);
    expect(Buffer.concat(parts).equals(sent)).toBe(true);
    stack.exports.close(0);
  });
});
