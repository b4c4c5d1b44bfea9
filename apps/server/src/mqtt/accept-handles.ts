// More handles of one listening socket. In each turn of its event loop Node takes one connection from each handle
// (libuv since 1.45, github.com/libuv/libuv/pull/3696), and with thousands of devices at work a turn takes tens of
// milliseconds: a fleet that comes back after an update was let in so slowly that devices gave up, though the server
// had no more to do than before.

import { spawn, type ChildProcess, type SendHandle } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";

/** It is a process of milliseconds. */
const timeoutMs = 10_000;

/**
 * Sends a handle back so many times: what comes out of a channel between processes has a descriptor of its own. Without
 * listening to it, as a `net.Server` that is sent would: connections that it took would be lost.
 */
const echo = `process.on("message", (count, handle) => {
  for (let i = 0; i < count; i++) process.send("handle", handle);
  process.send("done", () => process.disconnect());
});`;

const listenTo = (handle: SendHandle, onConnection: (socket: Socket) => void): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, onConnection);
    server.once("error", reject);
    server.listen(handle, () => {
      server.removeListener("error", reject);
      resolve(server);
    });
  });

/**
 * `count` servers more that take connections of the socket that `server` listens at; whoever closes that one closes
 * these. Rejects when the system has no process for it, or no descriptors.
 */
export async function acceptHandles(
  server: Server,
  count: number,
  onConnection: (socket: Socket) => void,
): Promise<Server[]> {
  // Node has no public name for it.
  const { _handle: handle } = server as unknown as { _handle: SendHandle | null };
  if (!server.listening || handle === null) throw new Error("the server does not listen");
  const child: ChildProcess = spawn(process.execPath, ["-e", echo], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const handles: SendHandle[] = [];
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) =>
        reject(new Error(`the process that was to send them ended: ${signal ?? code}`)),
      );
      child.on("message", (said, each: SendHandle) => {
        if (said === "done") return resolve();
        handles.push(each);
      });
      child.send(count, handle, (error) => error && reject(error));
    });
  } catch (error) {
    for (const each of handles) (each as unknown as { close(): void }).close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return Promise.all(handles.map((each) => listenTo(each, onConnection)));
}
