// What devices and servers say of configurations and collected logs: which forms are taken, and what of a check-in is
// kept where a part of it is of no use.

import { checkInMessage, logPartMessage } from "@flipside/protocol/messages";
import { commandMessage, signedCommand } from "@flipside/protocol/server-messages";
import { describe, expect, it, test } from "vitest";

const session = Buffer.alloc(16, 7).toString("base64url");
const digest = "a1".repeat(32);

const checkIn = (more: object): unknown => ({
  boot: 1,
  sequence: 1,
  product: "p",
  hardware: "h",
  revision: 1,
  loader: 1,
  trust: 1,
  bootReason: "power-on",
  uptimeMs: 1,
  floor: 1,
  health: "healthy",
  running: { slot: "a", digest, version: "1.0.0", releaseSequence: 1, state: "confirmed" },
  other: { slot: "b", state: "empty" },
  slotBytes: 65536,
  ...more,
});

test("a configuration's document goes beside the command, and only there", () => {
  const parsed = (document?: Uint8Array): unknown =>
    commandMessage.parse(JSON.parse(signedCommand(session, Buffer.from("ab"), document).payload as string));
  expect(parsed(Buffer.from("{}"))).toEqual({ session, command: "YWI", document: "e30" });
  expect(parsed()).toEqual({ session, command: "YWI" });
});

describe("a check-in", () => {
  const of = (more: object): ReturnType<typeof checkInMessage.parse> => checkInMessage.parse(checkIn(more));

  it("says which configuration is in force, and which was refused", () => {
    const configuration = { number: 7, digest };
    for (const configurationRefused of [
      { number: 8, code: 101, appCode: -0x8000_0000, text: "" },
      { number: 7, code: 101, appCode: 3, text: "x".repeat(64) },
      { number: 8, code: 102 },
    ])
      expect(of({ configuration, configurationRefused })).toMatchObject({ configuration, configurationRefused });
  });

  it.each([
    ["a number of 0", { configuration: { number: 0, digest } }],
    ["a digest that is none", { configuration: { number: 1, digest: "a1" } }],
    ["a refusal without a code", { configurationRefused: { number: 1 } }],
    ["a code of the app's that is no i32", { configurationRefused: { number: 1, code: 101, appCode: 0x8000_0000 } }],
    ["a text that is too long", { configurationRefused: { number: 1, code: 101, text: "x".repeat(65) } }],
    ["a text with a line feed", { configurationRefused: { number: 1, code: 101, text: "a\nb" } }],
  ])("with %s counts without it", (_, more) => {
    expect(of(more)).toEqual(of({}));
  });
});

test("a part of a log is one of at most 64, of at most 1024 characters of ASCII and line feeds", () => {
  const part = { command: "c0".repeat(16), part: 1, parts: 4, text: "a line\n" };
  expect(logPartMessage.parse(part)).toEqual(part);
  for (const change of [
    { part: 0 },
    { part: 5 },
    { part: 65, parts: 65 },
    { command: "c0" },
    { text: "x".repeat(1025) },
    { text: "\t" },
    { text: "ä" },
  ])
    expect(logPartMessage.safeParse({ ...part, ...change }).success, JSON.stringify(change)).toBe(false);
});
