// Every message that docs/protocol.md writes out, in a line or in a block, is one by its schema, with no member that
// the schema does not know; and every member that a schema knows is in the document.

import { readFileSync } from "node:fs";
import {
  answerMessage,
  checkInMessage,
  enrolBeginMessage,
  enrolProofMessage,
  fetchMessage,
  goneMessage,
  helloMessage,
  logMessage,
  logPartMessage,
  proofMessage,
  stateMessage,
  telemetryMessage,
} from "@flipside/protocol/messages";
import { serverMessages } from "@flipside/protocol/server-messages";
import { deviceLeaves, qosOf, serverLeaves } from "@flipside/protocol/topics";
import { expect, it } from "vitest";
import { z } from "zod";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");

const schemas: Record<string, z.ZodType> = {
  ...serverMessages,
  enrol: z.union([enrolBeginMessage, enrolProofMessage]),
  hello: helloMessage,
  proof: proofMessage,
  "check-in": checkInMessage,
  fetch: fetchMessage,
  state: stateMessage,
  telemetry: telemetryMessage,
  log: z.union([logMessage, logPartMessage]),
  answer: answerMessage,
  gone: goneMessage,
};
const leavesInBytes = ["chunk", "trust"];

/** What stands for a member that the document leaves open (`…`, `<16 bytes>`). */
const base64url = (bytes: number): string => Buffer.alloc(bytes, 7).toString("base64url");
const samples: Record<string, unknown> = {
  session: base64url(16),
  connection: base64url(16),
  nonce: base64url(16),
  serverNonce: base64url(16),
  deviceNonce: base64url(16),
  device: "dev-1",
  publicKey: base64url(32),
  mac: base64url(32),
  signature: base64url(64),
  header: base64url(480),
  signatures: base64url(100),
  permit: base64url(100),
  state: base64url(172),
  measured: base64url(100),
  measuredSignature: base64url(64),
  digest: "a1".repeat(32),
  trustDigest: "a1".repeat(32),
  deployment: "d-1",
  id: "d-1",
  uptimeMs: 1,
  message: "out of memory",
  log: "a line\n",
  text: "a line\n",
};

interface Example {
  leaf: string;
  text: string;
}

/** Objects that follow the name of a leaf, and those that say themselves what they answer. */
function examplesIn(text: string): Example[] {
  const inLine = /`(?<leaf>[a-z-]+)`[^`{]*`(?<object>\{[^`]*\})`/g;
  const inBlock = /→ `(?<leaf>[a-z-]+)`,(?<between>(?:[^`]|`[^`])*?)```json\n(?<object>[^`]*)```/g;
  const first = [inLine, inBlock].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups }) => ({
      leaf: groups!["leaf"]!,
      text: groups!["object"]!.replaceAll(/\n\s*/g, ""),
    })),
  );
  // A refusal follows its answer, and names no leaf.
  const refusals = [...text.matchAll(/(?<=A refusal is\s+`)\{[^`]*\}(?=`)/g)].map(([object]) => ({
    leaf: object.startsWith('{"step"') ? "enrolled" : "challenge",
    text: object.replaceAll(/\n\s*/g, ""),
  }));
  return [...first, ...refusals];
}

/** `"a"|"b"` is one message for each. */
function alternativesOf({ leaf, text }: Example): Example[] {
  const choice = /"[a-z-]+"(?:\|"[a-z-]+")+/.exec(text)?.[0];
  if (choice === undefined) return [{ leaf, text }];
  return choice.split("|").flatMap((each) => alternativesOf({ leaf, text: text.replace(choice, each) }));
}

/** An example as JSON: what it leaves open gets a sample of its member's name. */
function messageOf(text: string): Record<string, unknown> {
  const marked = text.replaceAll(/:(…|n)(?=[,}])/g, ':"…"');
  return JSON.parse(marked, (key, value: unknown) => {
    if (key === "step" && value === "…") return 1;
    if (key === "command" && value === "<base64url>") return base64url(232);
    if (typeof value !== "string" || !/[…<]/.test(value)) return value;
    if (/32 hex digits/.test(value)) return "c0".repeat(16);
    const sample = samples[key];
    if (sample === undefined) throw new Error(`say in this test what stands for ${key} in ${text}`);
    return sample;
  }) as Record<string, unknown>;
}

/** Names of members, at whatever depth. */
const membersOf = (value: unknown): string[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) => [name, ...membersOf(inner)]);

const membersOfSchema = (schema: unknown): string[] =>
  typeof schema !== "object" || schema === null
    ? []
    : Object.entries(schema).flatMap(([key, inner]) => [
        ...(key === "properties" ? Object.keys(inner as object) : []),
        ...membersOfSchema(inner),
      ]);

/** Members of a message that its schema does not know. Throws when it is none by its schema. */
function unknownIn(leaf: string, message: Record<string, unknown>): string[] {
  // `session` of whatever a proven session says is asked for before the schema is.
  const known = new Set([...membersOf(schemas[leaf]!.parse(message)), "session"]);
  return membersOf(message).filter((name) => !known.has(name));
}

const examples = examplesIn(page).filter(({ leaf }) => leaf in schemas);

it.each(examples.flatMap(alternativesOf))("$leaf $text", ({ leaf, text }) => {
  expect(unknownIn(leaf, messageOf(text))).toEqual([]);
});

it("is written out for every leaf whose messages are JSON", () => {
  expect(Object.keys(schemas).concat(leavesInBytes).sort()).toEqual([...deviceLeaves, ...serverLeaves].sort());
  expect([...new Set(examples.map(({ leaf }) => leaf))].sort()).toEqual(Object.keys(schemas).sort());
});

it("has no member that the document does not name", () => {
  for (const [leaf, schema] of Object.entries(schemas)) {
    const members = new Set(membersOfSchema(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })));
    expect(members.size, leaf).toBeGreaterThan(0);
    for (const name of members) expect(page, `${leaf}: ${name}`).toMatch(new RegExp(`["\`.]${name}["\`]`));
  }
});

it("is sent at the quality of service that the table of leaves says", () => {
  for (const leaf of serverLeaves) {
    const row = page.split("\n").find((line) => line.startsWith("| ") && line.split("|")[1]!.includes(`\`${leaf}\``))!;
    expect(Number(row.split("|")[3]), leaf).toBe(qosOf(leaf));
  }
});

it("would not pass with a member misspelt, a value of another form, or a word that is not told", () => {
  expect(unknownIn("offer", messageOf('{"session":"…","pollMs":3000,"deadlineMS":1}'))).toEqual(["deadlineMS"]);
  expect(() => unknownIn("offer", messageOf('{"session":"…","pollMs":"soon"}'))).toThrow("pollMs");
  expect(() => unknownIn("enrolled", messageOf('{"step":1,"nonce":"…","ok":false,"error":"no"}'))).toThrow("error");
});
