// The record of who did what as the command line has it: a server's, or a file that was exported. A file has the place
// where the chain begins in its first line, and a line of the record in each of the others, as JSON.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type ChainedLine, type ChainPlace, follow } from "@flipside/api/audit-chain";
import type { Client } from "@flipside/api/client";
import { pageMembersMax } from "@flipside/api/limits";
import { CommandFailure } from "../command-line/failures.ts";

export interface Part {
  /** The chain begins behind it. */
  start: ChainPlace;
  lines: ChainedLine[];
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const linesAtATime = 1_000;

/** From the oldest line on, a part at a time. */
export async function* ofServer(api: Client): AsyncGenerator<Part> {
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

export async function* ofFile(path: string): AsyncGenerator<Part> {
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
export async function checked(parts: AsyncIterable<Part>, noted: ChainPlace | undefined): Promise<ChainPlace> {
  let place: ChainPlace | undefined;
  let hashThen: string | undefined;
  for await (const { start, lines } of parts) {
    const from = (place ??= start);
    if (noted?.number === from.number) hashThen = from.hash;
    const led = follow(from, lines, sha256);
    if ("wrong" in led) throw new CommandFailure(`the record was changed: ${led.wrong}`);
    if (noted !== undefined && noted.number > from.number && noted.number <= led.number)
      hashThen = lines[noted.number - from.number - 1]!.hash;
    place = led;
  }
  if (place === undefined) throw new CommandFailure("there is no record");
  if (noted === undefined || hashThen === noted.hash) return place;
  throw new CommandFailure(
    hashThen === undefined
      ? `line ${noted.number} is not in the record, which ends with line ${place.number}: lines were taken away`
      : `the record was changed: line ${noted.number} had another hash when it was noted`,
  );
}
