// The client of both systems: the first byte of an answer from a system that has only just begun to start, and requests
// one behind the other.

import { connect, type Socket } from "node:net";

const HOST = "Host: 127.0.0.1\r\n";
/** A new connection so often, while there is no answer: QEMU itself takes connections at once, the guest later. */
const ATTEMPT_EVERY_MS = 10;
/** Of a connection that was made before the guest listened nothing comes: after so long it is given up. */
const ATTEMPT_MS = 40;

export const get = (path: string, fields = ""): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`);
export const put = (path: string, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`PUT ${path} HTTP/1.1\r\n${HOST}Content-Length: ${value.length}\r\n\r\n`), value]);

/** Resolves at the first byte of an answer. Rejects when none comes in time. */
export function firstByte(port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const sockets = new Set<Socket>();
    const end = (settle: () => void): void => {
      clearInterval(attempts);
      clearTimeout(deadline);
      for (const socket of sockets) socket.destroy();
      settle();
    };
    const attempt = (): void => {
      const socket = connect(port, "127.0.0.1", () => socket.write(get("/status.json", "Connection: close\r\n")));
      sockets.add(socket);
      const givenUp = setTimeout(() => socket.destroy(), ATTEMPT_MS);
      socket.once("data", () => end(resolve));
      socket.on("error", () => {});
      socket.once("close", () => {
        clearTimeout(givenUp);
        sockets.delete(socket);
      });
    };
    const attempts = setInterval(attempt, ATTEMPT_EVERY_MS);
    const deadline = setTimeout(
      () => end(() => reject(new Error(`no answer on port ${port} in ${timeoutMs} ms`))),
      timeoutMs,
    );
  });
}

/** Bytes of the answer at the beginning of `heard`, once it is whole; 100 Continue is none. */
function answerBytes(heard: Buffer): number | undefined {
  const end = heard.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = /\r\nContent-Length: (\d+)/i.exec(heard.subarray(0, end + 2).toString("latin1"));
  const whole = end + 4 + Number(length?.[1] ?? 0);
  return heard.length < whole ? undefined : whole;
}

export class HttpClient {
  #heard: Buffer = Buffer.alloc(0);
  #onData: (() => void) | undefined;
  #failure: Error | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, data]);
      this.#onData?.();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the guest closed the connection")));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#onData?.();
  }

  static async open(port: number): Promise<HttpClient> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new HttpClient(socket);
  }

  /** The answer, head and body; one request at a time. */
  ask(request: Uint8Array): Promise<Buffer> {
    this.socket.write(request);
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const bytes = answerBytes(this.#heard);
        if (bytes === undefined) {
          if (this.#failure) reject(this.#failure);
          return;
        }
        this.#onData = undefined;
        const answer = this.#heard.subarray(0, bytes);
        this.#heard = this.#heard.subarray(bytes);
        resolve(answer);
      };
      this.#onData = look;
      look();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** One request on a connection of its own. */
export async function askOnce(port: number, request: Uint8Array): Promise<Buffer> {
  const client = await HttpClient.open(port);
  try {
    return await client.ask(request);
  } finally {
    client.close();
  }
}

export function expectOk(answer: Buffer): void {
  const line = answer.subarray(0, answer.indexOf("\r\n")).toString("latin1");
  if (!/^HTTP\/1\.[01] 20\d /.test(line)) throw new Error(`refused: ${line}`);
}
