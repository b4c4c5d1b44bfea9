// JSON as it comes from a server: taken exactly when JSON.parse takes it and it is within what the reader promises
// (UTF-8, depth, no half surrogates), and what members say is what JSON.parse says.

import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { type OpenTarget, text, Violation } from "../engine/target.ts";

const DEPTH_MAX = 31;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Told {
  values: number;
  /** Of the root, with names that occur once there. */
  members: Map<string, unknown>;
  repeated: Set<string>;
  /** Of members that are numbers: as written. */
  numbers: Map<string, string>;
}

/** What a document says, by JSON.parse and a tokenizer of our own; undefined when it is none that the reader takes. */
function toldBy(input: Uint8Array): Told | undefined {
  let document: string;
  let root: unknown;
  try {
    document = utf8.decode(input);
    root = JSON.parse(document);
  } catch {
    return undefined;
  }
  const told: Told = { values: 0, members: new Map(), repeated: new Set(), numbers: new Map() };
  let depth = 0;
  let name: string | undefined;
  let expectsName = false;
  const kinds: boolean[] = [];
  for (const [token] of document.matchAll(/"(?:[^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|[{}[\],:]/gs)) {
    if (token === "{" || token === "[") {
      told.values++;
      if (++depth > DEPTH_MAX) return undefined;
      kinds.push(token === "{");
      expectsName = token === "{";
    } else if (token === "}" || token === "]") {
      depth--;
      kinds.pop();
      expectsName = false;
    } else if (token === ",") expectsName = kinds.at(-1)!;
    else if (token === ":") expectsName = false;
    else {
      const isString = token.startsWith('"');
      if (isString && /\p{Surrogate}/u.test(JSON.parse(token) as string)) return undefined;
      if (expectsName) {
        if (depth === 1) {
          name = JSON.parse(token) as string;
          if (told.members.has(name)) told.repeated.add(name);
          told.members.set(name, (root as Record<string, unknown>)[name]);
        }
        continue;
      }
      told.values++;
      if (depth === 1 && kinds[0] && !isString) told.numbers.set(name!, token);
    }
  }
  return told;
}

const ARGUMENT = -1;
const ABSENT = -3;

const seeds = text(
  "{}",
  "[]",
  "null",
  "true",
  "-0",
  "1e5",
  '"\\ud83d\\ude00\\u00e9\\n"',
  ' [1, 2.5, [], {}, "a"] ',
  "[".repeat(31) + "]".repeat(31),
  "[".repeat(32) + "]".repeat(32),
  '{"session":"AAAAAAAAAAAAAAAAAAAAAA","pollMs":3000,"deployment":"d1","attempt":1,"sizeBytes":131072,"header":"RlNJTQ","signatures":"RlNTRw","permit":"RlNQTQ","deadlineMs":600000}',
  '{"session":"AAAAAAAAAAAAAAAAAAAAAA","accepted":false,"error":"session-unknown"}',
  '{"session":"x","accepted":true,"mac":"AAAA"}',
  '{"attempt":4294967295,"sizeBytes":-9223372036854775808,"digest":"' + "0f".repeat(32) + '"}',
  '{"attempt":4294967296,"sizeBytes":9223372036854775808}',
  '{"attempt":1,"attempt":1}',
  '{"a":{"attempt":2},"attempt":3,"deployment":"\\u0064\\"\\\\\\/\\b\\f\\n\\r\\t"}',
  '{"step":1,"nonce":"AA","serverNonce":"AA","mac":"AA"}',
);

const dictionary = [
  ...text(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\u",
    "\\ud800",
    "\\udc00",
    '\\"',
    "true",
    "false",
    "null",
    "0",
    "-",
    ".",
    "e",
    "E+",
    '"attempt":',
    '"sizeBytes":',
    '"deployment":',
    '"header":',
    '"digest":',
    '"accepted":',
    '"error":',
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "é",
    "😀",
    '{"',
    '"}',
    "  ",
    "\t\n\r",
  ),
  Uint8Array.of(0xef, 0xbb, 0xbf),
  Uint8Array.of(0xc0, 0x80),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
];

export const json: OpenTarget = async (patches = []) => {
  const instance = new FuzzInstance(await compileForFuzzing(assemblyEntry("json"), 2, patches));
  const address = (name: string): number => (instance.exports[name] as unknown as WebAssembly.Global).value as number;
  const answers = address("answers");
  const texts = address("texts");
  const start = instance.save();
  const decoded = (at: number, length: number): Buffer =>
    Buffer.from(instance.memory.slice(texts + at, texts + at + length));

  /** Each member with what the reader must answer: undefined for an error. */
  function check(told: Told): void {
    const integer = (name: string, low: bigint, high: bigint): bigint | undefined => {
      const written = told.numbers.get(name);
      if (written === undefined || !/^-?\d+$/.test(written)) return undefined;
      const value = BigInt(written);
      return value >= low && value <= high ? value : undefined;
    };
    const string = (name: string): string | undefined =>
      typeof told.members.get(name) === "string" ? (told.members.get(name) as string) : undefined;
    const expectNumber = (index: number, name: string, expected: bigint | undefined): void =>
      expectAnswer(index, name, expected, () => "");
    const expectAnswer = (index: number, name: string, expected: bigint | undefined, more: () => string): void => {
      const error = Number(instance.view.getBigInt64(answers + 16 * index + 8, true));
      const value = instance.view.getBigInt64(answers + 16 * index, true);
      if (told.repeated.has(name)) {
        if (error !== ARGUMENT) throw new Violation(`"${name}" occurs twice and is read without an error`);
        return;
      }
      if (!told.members.has(name)) {
        if (error !== ABSENT) throw new Violation(`"${name}" is not there, and the error is ${error}`);
        return;
      }
      if (expected === undefined ? error === 0 : error !== 0 || value !== expected)
        throw new Violation(`"${name}" is read wrong`);
      if (expected !== undefined && more() !== "") throw new Violation(`"${name}" is read wrong: ${more()}`);
    };
    // As strings were escaped they may say the same in more than one way; the plain readers (base64url, hex) take no
    // escapes.
    expectNumber(0, "attempt", integer("attempt", 0n, 0xffffffffn));
    expectNumber(1, "sizeBytes", integer("sizeBytes", -(2n ** 63n), 2n ** 63n - 1n));
    const deployment = string("deployment");
    const bytes = deployment === undefined ? undefined : Buffer.from(deployment);
    expectAnswer(2, "deployment", bytes && bytes.length <= 48 ? BigInt(bytes.length) : undefined, () =>
      decoded(0, bytes!.length).equals(bytes!) ? "" : "other text",
    );
    const accepted = told.members.get("accepted");
    expectNumber(5, "accepted", typeof accepted === "boolean" ? BigInt(accepted) : undefined);
    const error = told.members.get("error");
    expectNumber(6, "error", typeof error === "string" ? BigInt(error === "session-unknown") : undefined);
  }

  return {
    name: "json",
    instance,
    inputBytesMax: 8192,
    seeds,
    dictionary,
    share: 0.15,
    run(input) {
      const ptr = instance.put(input);
      let values: number;
      try {
        values = instance.exports.run!(ptr, input.length);
        if (values >= 0) instance.exports.members!();
      } catch (error) {
        instance.restore(start);
        throw error;
      }
      const told = toldBy(input);
      if (told === undefined) {
        if (values >= 0) throw new Violation("a document is taken that JSON.parse or the reader's own rules refuse");
        return;
      }
      if (values < 0) throw new Violation("a document is refused that JSON.parse and the reader's own rules take");
      if (values !== told.values) throw new Violation(`the walk finds ${values} values of ${told.values}`);
      check(told);
    },
  };
};
