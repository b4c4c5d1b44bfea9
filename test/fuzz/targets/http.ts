// A hostile client's byte stream to the device's HTTP server: the answers are those of a second reading of the
// documents, in their order, whatever it is cut into.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { insert } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, text, Violation } from "../engine/target.ts";
import { type Reading, readingOf } from "./http-reading.ts";

/** Of assembly/http.ts. */
const KEYS_MAX = 2;
const VALUE_BYTES_MAX = 64;

const HOST = "Host: 10.0.2.15\r\n";
const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const put = (key: string, value: string, fields = ""): string =>
  `PUT /kv/${key} HTTP/1.1\r\n${HOST}Content-Length: ${value.length}\r\n${fields}\r\n${value}`;
const requests = [
  get("/"),
  get("/status.json", "Connection: close\r\n"),
  get("/kv/"),
  get("/kv/a"),
  get("http://10.0.2.15/kv/a?x"),
  put("a", "one"),
  put("b", "x".repeat(VALUE_BYTES_MAX), "Expect: 100-continue\r\n"),
  put("c", ""),
  `DELETE /kv/a HTTP/1.1\r\n${HOST}\r\n`,
  `HEAD /kv/a HTTP/1.1\r\n${HOST}\r\n`,
  "GET / HTTP/1.0\r\n\r\n",
  `PUT /kv/a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
];
const words = [
  "\r\n",
  "Content-Length: ",
  "Transfer-Encoding: chunked\r\n",
  HOST,
  "Connection: close\r\n",
  " HTTP/1.0",
  "/kv/",
  "0",
  "\n",
  " ",
  "\t",
  ":",
];

interface Heard {
  status: number;
  body: string;
  isLast: boolean;
}

/** What was sent, by its own words. 100 Continue depends on the pieces, and is left out. */
function answersIn(sent: string, reading: Reading): Heard[] {
  const heard: Heard[] = [];
  for (let at = 0; at < sent.length; ) {
    const end = sent.indexOf("\r\n\r\n", at);
    const head = sent.slice(at, end + 2);
    const status = Number(/^HTTP\/1\.1 (\d{3}) [A-Za-z ]+\r\n/.exec(head)?.[1]);
    if (end < 0 || Number.isNaN(status)) throw new Violation(`no answer: ${JSON.stringify(sent.slice(at, at + 80))}`);
    at = end + 4;
    if (status === 100) continue;
    const expected = reading.answers[heard.length];
    const said = Number(/\r\nContent-Length: (\d+)\r\n/.exec(head)?.[1] ?? 0);
    // What can't be read as a request may have begun as a HEAD.
    const length = expected ? (expected.isHead ? 0 : said) : Math.min(said, sent.length - at);
    if (at + length > sent.length) throw new Violation(`an answer's body of ${length} bytes is cut short`);
    const body = sent.slice(at, at + length);
    at += length;
    heard.push({ status, body, isLast: /\r\nConnection: close\r\n/.test(head) });
    if (heard.length > reading.answers.length + 1) break;
  }
  return heard;
}

function judge(reading: Reading, heard: Heard[], hasEnded: boolean): void {
  const said = JSON.stringify(heard.map(({ status }) => status));
  const expected = JSON.stringify(reading.answers.map(({ status }) => status));
  reading.answers.forEach(({ status, body }, i) => {
    if (heard[i]?.status !== status) throw new Violation(`answers ${said}, expected ${expected}`);
    if (body !== undefined && heard[i]!.body !== body)
      throw new Violation(`answer ${i} gives ${JSON.stringify(heard[i]!.body)}, kept was ${JSON.stringify(body)}`);
  });
  const more = heard.slice(reading.answers.length);
  if (more.length > (reading.isUnclear ? 1 : 0)) throw new Violation(`answers ${said}, expected ${expected}`);
  for (const { status } of more)
    if (status < 400 || !hasEnded) throw new Violation(`what is no request is answered ${status}, and goes on`);
  if (heard.some(({ isLast }, i) => isLast !== (hasEnded && i === heard.length - 1)))
    throw new Violation("Connection: close is said of another answer than the last one");
  if (reading.ends && !hasEnded) throw new Violation("the connection goes on where it has to end");
}

export const http: OpenTarget = async (patches = []) => {
  const instance = new FuzzInstance(await compileForFuzzing(assemblyEntry("http"), 2, patches));
  const start = instance.save();
  const output = (instance.exports.output as unknown as WebAssembly.Global).value as number;
  const told = (input: Uint8Array, piece: number, random: number, reading: Reading): string => {
    instance.restore(start);
    const bytes = instance.exports.run!(instance.put(input), input.length, piece, random);
    const sent = Buffer.from(instance.memory.subarray(output, output + bytes)).toString("latin1");
    const hasEnded = instance.exports.hasEnded!() === 1;
    judge(reading, answersIn(sent, reading), hasEnded);
    if (hasEnded && instance.exports.placesBeingWritten!() !== 0)
      throw new Violation("a connection that has ended keeps a place for a value");
    return sent.replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "");
  };
  return {
    name: "http",
    instance,
    inputBytesMax: 2048,
    seeds: [
      ...requests,
      put("a", "1") + get("/kv/a") + put("a", "22") + get("/kv/a"),
      put("a", "1") + put("b", "2") + put("c", "3"),
      `\r\n${get("/")}${requests.join("")}`,
    ].map((seed) => text(seed)[0]!),
    dictionary: text(...words, ...requests),
    share: 0.05,
    mutate(draft: Draft, random: SeededRandom) {
      const line = Buffer.from(draft.bytes.buffer, draft.bytes.byteOffset, draft.length).indexOf(
        "\r\n",
        random.below(draft.length + 1),
      );
      const at = line < 0 ? random.below(draft.length + 1) : line + 2 * random.below(2);
      insert(draft, at, text(random.pick(random.below(3) === 0 ? requests : words))[0]!);
    },
    run(input) {
      const reading = readingOf(input, KEYS_MAX, VALUE_BYTES_MAX);
      const whole = told(input, 4096, 0, reading);
      // Of the input itself, so that it replays.
      const random = input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7);
      for (const [piece, seed] of [
        [1, 0],
        [0, random],
      ] as const)
        if (told(input, piece, seed, reading) !== whole)
          throw new Violation("in pieces, it is answered something else than when the input comes whole");
    },
  };
};
