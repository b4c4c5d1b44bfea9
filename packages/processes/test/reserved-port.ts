// Ports of the loopback that a test names before anybody listens on them, or on which somebody comes back.
//
// A port that the system has just given for `listen(0)`, and taken back, is one that it may give to the next who asks,
// or to a connection on its way out: between a test's "free" and its server's `listen` lie seconds, with other tests
// beside it. So these lie below the ports that systems give by themselves (Linux: 32768 up,
// /proc/sys/net/ipv4/ip_local_port_range; RFC 6335, section 6: 49152 up), and of two processes only one gets each.

import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const RESERVED_MIN = 16_384;
export const RESERVED_MAX = 32_767;
/** One file for each port that is taken, which holds the id of the process that took it. */
const folder = join(tmpdir(), "flipside-test-ports");

const held = new Set<string>();
let next = RESERVED_MIN + Math.floor(Math.random() * (RESERVED_MAX - RESERVED_MIN + 1));

process.once("exit", () => {
  for (const path of held) rmSync(path, { force: true });
});

/** A port that is this process's until it ends. Throws when all are taken. */
export async function reservePort(): Promise<number> {
  mkdirSync(folder, { recursive: true });
  for (let port = next, tries = RESERVED_MIN; tries <= RESERVED_MAX; tries++) {
    next = port === RESERVED_MAX ? RESERVED_MIN : port + 1;
    if (take(join(folder, String(port))) && (await isFree(port))) return port;
    port = next;
  }
  throw new Error(`Every port from ${RESERVED_MIN} to ${RESERVED_MAX} is taken; who has them is in ${folder}`);
}

export async function reservePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await reservePort());
  return ports;
}

/** Whether the file is this process's now. One whose process is gone is nobody's: it is removed for who comes next. */
function take(path: string): boolean {
  try {
    const file = openSync(path, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
    held.add(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (isAbandoned(path)) rmSync(path, { force: true });
    return false;
  }
}

function isAbandoned(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    // Empty: its process has not yet said who it is.
    if (owner === 0) return false;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Somebody who knows nothing of reservations may listen there. */
function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1" }, () => probe.close(() => resolve(true)));
  });
}
