// Somebody's server on this machine that messages are sent to.

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  path: string;
}

type Answer = { status: number; body?: string; headers?: Record<string, string> } | "none";

export class Receiver {
  readonly received: Received[] = [];
  /** What the next ones are answered. */
  answer: (received: Received) => Answer | Promise<Answer> = () => ({ status: 204 });
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", async () => {
        const received = { headers: request.headers, body: Buffer.concat(parts).toString(), path: request.url! };
        this.received.push(received);
        const answer = await this.answer(received);
        if (answer === "none") return;
        response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
  }

  static async start(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(port, "127.0.0.1", resolve));
    receiver.#port = (receiver.#server.address() as AddressInfo).port;
    return receiver;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  get types(): string[] {
    return this.received.map(({ body }) => JSON.parse(body).type);
  }

  async until(fits: (receiver: this) => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!fits(this)) {
      if (Date.now() > deadline) throw new Error(`it never came: ${JSON.stringify(this.received).slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
