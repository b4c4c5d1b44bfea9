// The record of who did what as the command line has it: a server's, or a file that was exported. A file has the place
// where the chain begins in its first line, and a line of the record in each of the others, as JSON.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type ChainedLine, type ChainPart, type ChainPlace, judge } from "@flipside/api/audit-chain";
import type { Client } from "@flipside/api/client";
import { pageMembersMax } from "@flipside/api/limits";
import { CommandFailure } from "../command-line/failures.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const linesAtATime = 1_000;

/** From the oldest line on, a part at a time. */
export async function* ofServer(api: Client): AsyncGenerator<ChainPart> {
  for (let after: string | null | undefined; after !== null; ) {
    const query = { order: "oldest-first" as const, limit: String(pageMembersMax), ...(after ? { after } : {}) };
    const { lines, start, next } = await api("GET /api/v1/audit", { query });
    yield { start, lines: lines.map(({ text, hash }) => ({ text, hash })) };
    after = next;
  }
}

function parsed<T>(path: string, number: number, line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new CommandFailure(`${path}, line ${number}: not JSON; flipside audit export writes such files`);
  }
}

export async function* ofFile(path: string): AsyncGenerator<ChainPart> {
  let start: ChainPlace | undefined;
  let lines: ChainedLine[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    if (start === undefined) ({ start } = parsed<{ start: ChainPlace }>(path, number, line));
    else lines.push(parsed<ChainedLine>(path, number, line));
    if (typeof start?.hash !== "string")
      throw new CommandFailure(`${path} is no exported record: its first line does not say where the chain begins`);
    if (lines.length < linesAtATime) continue;
    yield { start, lines };
    lines = [];
  }
  if (start === undefined) throw new CommandFailure(`${path} is empty`);
  yield { start, lines };
}

/** Where the chain leads. Throws CommandFailure when it does not hold, or not with a place that somebody has noted. */
export async function checked(parts: AsyncIterable<ChainPart>, noted: ChainPlace | undefined): Promise<ChainPlace> {
  const led = await judge(parts, noted, sha256);
  if ("wrong" in led) throw new CommandFailure(led.wrong);
  return led;
}
