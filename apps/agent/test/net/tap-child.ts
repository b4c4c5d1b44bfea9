// Runs inside the network namespace that tap.test.ts makes: `tap-child.ts <scenario> <seed>`. Prints one line of JSON.

import { execFile, spawn } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { Random, type Faults } from "./faults";
import { QemuLink } from "./qemu-link";
import { StreamState, TcpState } from "./stack";

const KERNEL = "10.9.0.1";
const STACK = "10.9.0.2";
/** Behind the kernel's router, over a path that takes 1300 bytes. */
const FAR = "10.9.1.2";
const FAULTS: Faults = { loss: 0.05, duplicate: 0.03, reorder: 0.1, truncate: 0.01, corrupt: 0.02 };

const [scenario, seed] = [process.argv[2]!, Number(process.argv[3])];
const random = new Random(seed);
const link = await QemuLink.open(
  random,
  "tap,id=t,ifname=tap0,script=no,downscript=no",
  Uint8Array.of(0x52, 0x54, 0, 9, 9, 9),
);
const { stack } = link;
process.on("SIGTERM", () => void link.close().then(() => process.exit(1)));

/** Both ends write all of their data and then read all of the other's; true when both got every byte. */
async function exchange(handle: number, socket: Socket, bytes: number): Promise<boolean> {
  const fromStack = random.bytes(bytes);
  const fromKernel = random.bytes(bytes);
  const atKernel: Buffer[] = [];
  const atStack: Buffer[] = [];
  let kernelCount = 0;
  let stackCount = 0;
  let written = 0;
  socket.on("data", (data: Buffer) => {
    atKernel.push(data);
    kernelCount += data.length;
  });
  socket.write(fromKernel);
  const done = await link.until(() => {
    if (written < bytes) written += Math.max(0, stack.write(handle, fromStack.subarray(written)));
    const part = stack.read(handle);
    if (part && part.length > 0) {
      atStack.push(Buffer.from(part));
      stackCount += part.length;
    }
    return stackCount >= bytes && kernelCount >= bytes;
  }, 25_000);
  if (!done)
    process.stderr.write(
      `stack got ${stackCount}, kernel got ${kernelCount} of ${bytes}; ${JSON.stringify(stack.counters())}\n`,
    );
  return done && Buffer.concat(atKernel).equals(fromStack) && Buffer.concat(atStack).equals(fromKernel);
}

/** Our stack connects to a server of the kernel's. */
async function active(bytes: number): Promise<boolean> {
  const server = createServer();
  const arrived = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, KERNEL, resolve));
  try {
    stack.open(0, KERNEL, (server.address() as { port: number }).port);
    if (!(await link.until(() => stack.exports.state(0) === StreamState.Open, 20_000))) return false;
    const socket = await arrived;
    socket.on("error", () => {});
    const ok = await exchange(0, socket, bytes);
    socket.destroy();
    stack.exports.close(0);
    return ok;
  } finally {
    server.close();
  }
}

/** The kernel connects to our listener. */
async function passive(bytes: number): Promise<boolean> {
  const socket = connect(80, STACK);
  socket.on("error", () => {});
  try {
    let handle = -1;
    if (!(await link.until(() => (handle = stack.exports.accept()) >= 0, 20_000))) return false;
    return await exchange(handle, socket, bytes);
  } finally {
    socket.destroy();
  }
}

const PYTHON_PING = `
import os, socket, struct, sys
def checksum(b):
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return s ^ 0xffff
data = os.urandom(int(sys.argv[2]))
request = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + data
request = request[:2] + struct.pack("!H", checksum(request)) + request[4:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(2)
s.sendto(request, (sys.argv[1], 0))
while True:
    reply = s.recv(65536)[20:]
    if reply[0] == 0 and reply[4:] == request[4:]: break
`;

/** By ping where it is installed, else through a raw socket of Python's. */
async function ping(bytes: number): Promise<boolean | string> {
  const run = (file: string, args: string[]) =>
    new Promise<string>((resolve) =>
      execFile(file, args, (error) => resolve(error === null ? "" : String(error.code ?? error.message))),
    );
  let problem = await run("ping", ["-n", "-c", "1", "-W", "2", "-s", String(bytes), STACK]);
  if (problem === "ENOENT") problem = await run("python3", ["-c", PYTHON_PING, STACK, String(bytes)]);
  return problem === "" || problem;
}

async function ended(): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true });
  const arrived = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, KERNEL, resolve));
  stack.open(0, KERNEL, (server.address() as { port: number }).port);
  const socket = await arrived;
  let gotEnd = false;
  socket.on("end", () => ((gotEnd = true), socket.end())).resume();
  await link.until(() => stack.exports.state(0) === StreamState.Open, 5000);
  stack.exports.close(0);
  const closed = await link.until(() => stack.exports.tcpState(0) === TcpState.Closed, 10_000);
  server.close();
  return gotEnd && closed && stack.exports.failure(0) === 0;
}

/** Says its port; sends so many bytes to whoever connects, and "!" when it has got as many. */
const FAR_SERVER = `
const bytes = Number(process.argv[1]);
require("node:net").createServer((socket) => {
  let got = 0;
  socket.on("error", () => {}).write(Buffer.alloc(bytes, "."));
  socket.on("data", (data) => (got += data.length) >= bytes && got - data.length < bytes && socket.write("!"));
}).listen(0, function () { console.log(this.address().port); });
`;

/**
 * Both ways to a host behind a router of the kernel's: it says when our packets are too large for the path, and what is
 * too large for it on the way to us vanishes. Nothing for six seconds has us connect again, as MQTT's pings would. */
async function narrow(bytes: number): Promise<object> {
  stack.exports.configureStatic(0x0a090002, 0xffffff00, 0x0a090001, 0);
  const far = spawn(
    "ip",
    ["netns", "exec", process.env["FAR_NAMESPACE"]!, process.execPath, "-e", FAR_SERVER, String(bytes)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const port = await new Promise<number>((resolve) =>
      far.stdout.once("data", (text) => resolve(Number(String(text)))),
    );
    for (let connections = 1; connections <= 3; ++connections) {
      stack.open(0, FAR, port);
      let sent = 0;
      let got = 0;
      let heardAt = performance.now();
      let isWhole = false;
      await link.until(() => {
        if (sent < bytes) sent += Math.max(0, stack.write(0, new Uint8Array(Math.min(bytes - sent, 4096))));
        const part = stack.read(0);
        if (part && part.length > 0) {
          got += part.length;
          heardAt = performance.now();
          isWhole = got === bytes + 1 && part.at(-1) === 0x21;
        }
        return isWhole || performance.now() - heardAt > 6000;
      }, 20_000);
      stack.exports.close(0);
      if (isWhole) return { isWhole, connections, pathsNarrowed: stack.counter("PathsNarrowed") };
      if (sent < bytes) return { isWhole, sent };
      await link.until(() => false, 300);
    }
    return { isWhole: false };
  } finally {
    far.kill("SIGKILL");
  }
}

const scenarios: Record<string, () => Promise<object>> = {
  ping: async () => ({ small: await ping(16), large: await ping(1400) }),
  clean: async () => ({ active: await active(1_000_000), passive: await passive(300_000) }),
  faults: async () => {
    link.faults = FAULTS;
    return { active: await active(150_000), passive: await passive(100_000) };
  },
  refused: async () => {
    const weRefuse = await new Promise((resolve) =>
      connect(81, STACK).on("error", (error: NodeJS.ErrnoException) => resolve(error.code)),
    );
    stack.open(0, KERNEL, 9);
    const theyRefuse = await link.until(() => stack.exports.state(0) === StreamState.Closed, 3000);
    return { weRefuse, theyRefuse, endsInOrder: await ended() };
  },
  narrow: () => narrow(50_000),
};

try {
  stack.exports.configureStatic(0x0a090002, 0xffffff00, 0, 0);
  // QEMU's ends are open after a moment; what is sent before is lost.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const started = performance.now();
  const result = await scenarios[scenario]!();
  console.log(JSON.stringify({ ...result, ms: Math.round(performance.now() - started), counters: stack.counters() }));
} finally {
  await link.close();
}
process.exit(0);
