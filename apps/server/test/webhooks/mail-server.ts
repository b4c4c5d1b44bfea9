// A mail server on this machine, which real SMTP is spoken with.

import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { makeServerPair } from "../certificates.ts";

export interface Mail {
  from: string;
  to: string[];
  /** Who has signed in. */
  user: string | undefined;
  isEncrypted: boolean;
  /** With its header, as it came. */
  raw: string;
}

/** The value of a header field, unfolded. */
export const fieldOf = ({ raw }: Mail, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\r\n[ \t].*)*)`, "im")
    .exec(raw.slice(0, raw.indexOf("\r\n\r\n")))?.[1]
    ?.replace(/\r\n/g, "");

/** Its body, where that is sent as it is. */
export const textOf = ({ raw }: Mail): string => raw.slice(raw.indexOf("\r\n\r\n") + 4);

/** What a command is answered in place of yes: code and text. */
type Refusal = [number, string] | undefined;

const refusal = ([responseCode, text]: [number, string]): Error => Object.assign(new Error(text), { responseCode });

export class MailServer {
  readonly received: Mail[] = [];
  /** Connections so far. */
  connections = 0;
  /** What signing in, a recipient and a message are answered. */
  refuses: { auth?: Refusal; recipient?: Refusal; message?: Refusal } = {};
  /** A message is never answered. */
  isSilent = false;
  readonly #server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      ...options,
      ...{ authMethods: ["PLAIN", "LOGIN"], disableReverseLookup: true, closeTimeout: 100 },
      onConnect: (_session, done) => {
        this.connections++;
        done();
      },
      onAuth: ({ username, password }, _session, done) => {
        if (this.refuses.auth !== undefined) return done(refusal(this.refuses.auth));
        if (username === "flipside" && password === "a password") return done(null, { user: username });
        return done(refusal([535, "5.7.8 no such user"]));
      },
      onRcptTo: (_address, _session, done) =>
        this.refuses.recipient === undefined ? done() : done(refusal(this.refuses.recipient)),
      onData: (stream, session, done) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          if (this.isSilent) return;
          if (this.refuses.message !== undefined) return done(refusal(this.refuses.message));
          const { mailFrom, rcptTo } = session.envelope;
          this.received.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            user: session.user as string | undefined,
            isEncrypted: session.secure,
            raw: Buffer.concat(parts).toString(),
          });
          done(null, "2.0.0 queued");
        });
      },
    });
    // A client that ends a connection has a reason, which its own side says.
    this.#server.on("error", () => {});
  }

  /** `options`: beside its certificate, which is one of localhost and 127.0.0.1. */
  static async start(
    folder: string,
    options: SMTPServerOptions = {},
    { port = 0, host = "127.0.0.1" }: { port?: number; host?: string } = {},
  ): Promise<MailServer> {
    const pair = await makeServerPair(folder);
    const [key, cert] = await Promise.all([readFile(pair.keyFile), readFile(pair.certificateFile)]);
    const server = new MailServer({ key, cert, ...options });
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(port, host, resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async until(fits: (server: this) => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!fits(this)) {
      if (Date.now() > deadline) throw new Error(`it never came: ${JSON.stringify(this.received).slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}
