// The client's end of an HTTP connection of the device, in Wasm on Node, and what it hears as answers.
import type { Guest } from "../text/assembly-module.ts";

// biome-ignore format: a table, row by row
type Names =
  | "allocated" | "open" | "forget" | "setName" | "give" | "unread" | "end" | "setRoom" | "poll" | "isServed" | "outputPtr"
  | "takeOutput" | "placesBeingWritten";

export const SECOND_US = 1_000_000n;
const ROOM = 4096;

export interface Answer {
  status: number;
  fields: Map<string, string>;
  body: string;
}

/** Splits what a server sent into answers by their own words; what is left over is an error. */
export function answersIn(sent: Buffer, isHead = false): Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; at < sent.length; ) {
    const end = sent.indexOf("\r\n\r\n", at);
    if (end < 0) throw new Error(`an answer's head has no end: ${sent.subarray(at).toString("latin1")}`);
    const [statusLine, ...lines] = sent.subarray(at, end).toString("latin1").split("\r\n");
    const match = /^HTTP\/1\.1 (\d{3}) [A-Za-z ]+$/.exec(statusLine!);
    if (!match) throw new Error(`no status line: ${statusLine}`);
    const fields = new Map(lines.map((line) => /^([^:]+): (.*)$/.exec(line)!.slice(1) as [string, string]));
    at = end + 4;
    const bytes = isHead ? 0 : Number(fields.get("Content-Length") ?? 0);
    if (at + bytes > sent.length) throw new Error(`a body of ${bytes} bytes was cut short`);
    answers.push({ status: Number(match[1]), fields, body: sent.subarray(at, at + bytes).toString("latin1") });
    at += bytes;
  }
  return answers;
}

export class Client {
  now = 0n;

  constructor(
    readonly guest: Guest<Names>,
    readonly which = 0,
  ) {}

  connect(): void {
    this.guest.call.open(this.which, this.now);
  }

  /** Gives bytes and lets the server do what it can at once; what it said. */
  say(bytes: string | Uint8Array, room = ROOM): Buffer {
    const data = Buffer.from(bytes as string, "latin1");
    // One behind the other: what is not read yet stays.
    const left = this.guest.call.unread(this.which);
    if (left !== 0) throw new Error(`${left} bytes given before were not read`);
    this.guest.call.give(this.which, this.guest.put(data, this.which << 16), data.length);
    return this.poll(room);
  }

  poll(room = ROOM): Buffer {
    const parts: Buffer[] = [];
    for (;;) {
      this.guest.call.setRoom(this.which, room);
      const next = this.guest.call.poll(this.which, this.now) as unknown as bigint;
      const heard = Buffer.from(this.guest.bytes(this.guest.call.outputPtr(), this.guest.call.takeOutput(this.which)));
      parts.push(heard);
      // What was sent makes room for more.
      if ((next > this.now && heard.length === 0) || room < ROOM) return Buffer.concat(parts);
    }
  }

  get isServed(): boolean {
    return this.guest.call.isServed(this.which) === 1;
  }

  /** A new connection that says this, whole or in pieces of so many bytes; its answers. */
  ask(bytes: string | Uint8Array, piece = Number.POSITIVE_INFINITY): Answer[] {
    this.connect();
    const data = Buffer.from(bytes as string, "latin1");
    const heard: Buffer[] = [];
    for (let at = 0; at < data.length && this.isServed; ) {
      const end = Math.min(data.length, at + piece);
      heard.push(this.say(data.subarray(at, end)));
      at = end;
    }
    return answersIn(Buffer.concat(heard), data.subarray(0, 5).toString() === "HEAD ");
  }
}
