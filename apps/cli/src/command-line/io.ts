// What a command has of the world around it: its three streams, its environment, and who sits there.

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CommandFailure } from "./failures.ts";

export interface Io {
  environment: Record<string, string | undefined>;
  /** Results: standard output. */
  out(text: string): void;
  /** What is said beside them: standard error. */
  error(text: string): void;
  /** Whether standard error is a terminal, on which a line can be written over. */
  hasTerminal: boolean;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Asks the person at the terminal, without showing what is typed; undefined: nobody is there. */
  askHidden(question: string): Promise<string | undefined>;
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}

/** readline echoes what is typed to its output; here that goes nowhere. */
function askOnTerminal(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reading = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    let answered = false;
    reading.once("line", (line) => {
      answered = true;
      reading.close();
      resolve(line);
    });
    reading.once("close", () => {
      process.stderr.write("\n");
      if (!answered) reject(new CommandFailure("nothing was typed"));
    });
  });
}

/** Those of this process. */
export const processIo = (): Io => ({
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  hasTerminal: process.stderr.isTTY === true,
  readInput: () => readAll(process.stdin),
  askHidden: async (question) => (process.stdin.isTTY ? askOnTerminal(question) : undefined),
});
