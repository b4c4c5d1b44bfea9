// The table of boot control's transitions: what each row does, tried on records in every state, is what
// docs/boot-control.md says. Whoever changes a row on purpose has the table printed anew: FLIPSIDE_WRITE_COURSES=1.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  BOOT_FLAG_CONTACT_FALLBACK,
  BOOT_FLAG_HEARTBEAT,
  BOOT_FLAG_REBUILT,
  BOOT_FLAG_YIELDED,
  BootRecord,
  SlotState,
} from "../../src/portable/boot-control-record.ts";
import * as transitions from "../../src/portable/boot-control-transitions.ts";

const { changeSlot, countUncleanBoot, forgetAll, raiseFloor } = transitions;
const page = fileURLToPath(new URL("../../../../docs/boot-control.md", import.meta.url));
const source = readFileSync(new URL("../../src/portable/boot-control-transitions.ts", import.meta.url), "utf8");

const rows = Object.entries(transitions).filter((entry): entry is [string, number] => typeof entry[1] === "number");
const states = [SlotState.Empty, SlotState.Candidate, SlotState.Confirmed, SlotState.Failed];
const nameOf = (state: number): string => SlotState[state]!.toLowerCase();
const flags: [number, string][] = [
  [BOOT_FLAG_REBUILT, "made anew"],
  [BOOT_FLAG_CONTACT_FALLBACK, "contact fallback"],
  [BOOT_FLAG_YIELDED, "yielded"],
];
const otherFlags = BOOT_FLAG_HEARTBEAT | 8 | 16 | 32 | 64;

const [TRIES, REASON, GIVEN, UNCLEAN] = [5, 61, 9, 3];

/** A record whose slot `slot` is in `state`, and whose other values are all told from what a row may set them to. */
function recordWith(slot: number, state: number, active: number, flagsSet: number): BootRecord {
  const record = new BootRecord();
  record.setSlot(slot, state, TRIES, REASON);
  record.setSlot(1 - slot, SlotState.Confirmed, 1, 2);
  record.slotDigest(slot).fill(0xaa);
  record.slotDigest(1 - slot).fill(0xbb);
  Object.assign(record, {
    activeSlot: active,
    flags: flagsSet,
    uncleanBoots: UNCLEAN,
    bootCounter: 50,
    lastUncleanBoot: 40,
    securityFloor: 6,
  });
  return record;
}

interface Effect {
  from: string[];
  to: string;
  tries: string;
  reason: string;
  active: string;
  flags: string;
  unclean: string;
}

function stateAfter(row: number, from: readonly SlotState[]): string {
  const after = from.map((state) => {
    const record = recordWith(0, state, 0, 0);
    changeSlot(record, 0, row, GIVEN);
    return record.slotState(0);
  });
  return from.length > 1 && after.every((state, i) => state === from[i])
    ? "the same"
    : [...new Set(after)].map(nameOf).join(" or ");
}

/** What a row does, by trying it. */
function effectOf(row: number): Effect {
  const from = states.filter((state) => changeSlot(recordWith(0, state, 0, 0), 0, row, GIVEN));
  const after = (active: number, set: number): BootRecord => {
    const record = recordWith(0, from[0]!, active, set);
    expect(changeSlot(record, 0, row, GIVEN)).toBe(true);
    return record;
  };
  const record = after(0, 0);
  const all = flags.reduce((sum, [bit]) => sum | bit, otherFlags);
  const tries = { [TRIES]: "", 0: "0", [GIVEN]: "the header's", [TRIES - 1]: "one less", [TRIES + 1]: "one more" };
  const reason = { [REASON]: "", 0: "none", [GIVEN]: "given" };
  const [whenThis, whenOther] = [record.activeSlot, after(1, 0).activeSlot];
  const said = [
    ...flags.filter(([bit]) => (after(0, all).flags & bit) === 0).map(([, name]) => `−${name}`),
    ...flags.filter(([bit]) => (record.flags & bit) !== 0).map(([, name]) => `+${name}`),
  ];
  return {
    from: from.map(nameOf),
    to: stateAfter(row, from),
    tries: tries[record.slotTries(0)]!,
    reason: reason[record.slotReason(0)]!,
    active: whenThis === whenOther ? (whenThis === 0 ? "this" : "the other") : "",
    flags: said.join(", "),
    unclean: record.uncleanBoots === 0 ? "0" : "",
  };
}

/** The comment above a row. */
function meaningOf(name: string): string {
  const comment = new RegExp(String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\nexport const ${name}:`).exec(source)?.[1];
  if (comment === undefined)
    throw new Error(`${name} has no comment in boot-control-transitions.ts: say when it is made`);
  return comment
    .replaceAll(/\n \* ?/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}

function printed(): string {
  const line = (...cells: string[]): string => `| ${cells.join(" | ")} |`;
  const lines = rows.map(([name, row]) => {
    const { from, to, tries, reason, active, flags: said, unclean } = effectOf(row);
    const change = from.length === states.length ? `any → ${to}` : `${from.join(", ")} → ${to}`;
    return line(name.toLowerCase().replaceAll("_", " "), meaningOf(name), change, tries, reason, active, said, unclean);
  });
  const head = ["change", "when", "state", "tries", "reason", "active", "flags", "unclean boots"];
  return [line(...head), line(...head.map(() => "---")), ...lines].join("\n");
}

describe("boot control's transitions", () => {
  test("docs/boot-control.md has the table", () => {
    const text = readFileSync(page, "utf8");
    const table = /(?<=<!-- transitions -->\n)[\s\S]*(?=<!-- end of transitions -->)/;
    expect(text, "docs/boot-control.md has lost the two marks around the table").toMatch(table);
    const wanted = text.replace(table, `${printed()}\n`);
    if (process.env["FLIPSIDE_WRITE_COURSES"] === "1") writeFileSync(page, wanted);
    else expect(text, "the table says something else: FLIPSIDE_WRITE_COURSES=1 prints it anew").toBe(wanted);
  });

  test.each(rows)(
    "%s does the same in each state that it may be made from, to either slot, and nothing besides",
    (_, row) => {
      for (const slot of [0, 1])
        for (const state of states)
          for (const active of [0, 1])
            for (const set of [0, 7 | otherFlags]) {
              const record = recordWith(slot, state, active, set);
              const untouched = structuredClone(record);
              if (!changeSlot(record, slot, row, GIVEN)) {
                expect({ ...record }, "a change that is not made changes nothing").toEqual({ ...untouched });
                continue;
              }
              const mirrored = recordWith(1 - slot, state, 1 - active, set);
              expect(changeSlot(mirrored, 1 - slot, row, GIVEN)).toBe(true);
              expect([
                mirrored.slotState(1 - slot),
                mirrored.slotTries(1 - slot),
                mirrored.slotReason(1 - slot),
                1 - mirrored.activeSlot,
              ]).toEqual([record.slotState(slot), record.slotTries(slot), record.slotReason(slot), record.activeSlot]);
              // The other slot, the flags of copies and heartbeats, the counters: no row's.
              expect([
                record.slotState(1 - slot),
                record.slotTries(1 - slot),
                record.slotReason(1 - slot),
                record.slotDigest(1 - slot)[0],
              ]).toEqual([SlotState.Confirmed, 1, 2, 0xbb]);
              expect(record.flags & otherFlags).toBe(set & otherFlags);
              expect([record.bootCounter, record.lastUncleanBoot, record.securityFloor]).toEqual([50, 40, 6]);
              const isEmptied = record.slotState(slot) === SlotState.Empty && row === transitions.SLOT_EMPTIED;
              expect([...record.slotDigest(slot)]).toEqual(new Array(32).fill(isEmptied ? 0 : 0xaa));
            }
    },
  );

  test("nobody else changes what a record says", () => {
    const agent = fileURLToPath(new URL("../../../../apps/agent/src/", import.meta.url));
    // Which copy is in flux, and what the log writes with each record.
    const others = new Set(["dual-copy.ts", "boot-control/log.ts"]);
    const changing =
      /\bsetSlot\(|\.(activeSlot|flags|securityFloor|uncleanBoots|lastUncleanBoot|(state|tries|reason)[AB]) (=|[|&+-]=) |\.uncleanBoots(\+\+|--)/;
    const found = readdirSync(agent, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && changing.test(readFileSync(join(agent, file), "utf8")),
    );
    expect(
      found.filter((file) => !others.has(file)),
      "use a row of boot-control-transitions.ts",
    ).toEqual([]);
    expect(found.length, "the pattern finds what it should not").toBe(others.size);
  });

  test("a confirmed image fails only for one that holds, and never by another's trial", () => {
    const failing = rows.filter(([, row]) => {
      const record = recordWith(0, SlotState.Confirmed, 0, 0);
      return changeSlot(record, 0, row, GIVEN) && record.slotState(0) === SlotState.Failed;
    });
    expect(failing.map(([name]) => name)).toEqual(["GIVEN_UP"]);
  });

  test("unclean boots are counted up to a limit, the floor is only raised, and a lost log forgets both", () => {
    const record = recordWith(0, SlotState.Confirmed, 0, 7);
    countUncleanBoot(record, 4);
    expect([record.uncleanBoots, record.lastUncleanBoot]).toEqual([4, 50]);
    record.bootCounter = 60;
    countUncleanBoot(record, 4);
    expect([record.uncleanBoots, record.lastUncleanBoot]).toEqual([4, 50]);
    raiseFloor(record, 5);
    expect(record.securityFloor).toBe(6);
    raiseFloor(record, 8);
    expect(record.securityFloor).toBe(8);
    forgetAll(record, false);
    expect([record.securityFloor, record.flags]).toEqual([0, BOOT_FLAG_REBUILT]);
    forgetAll(record, true);
    expect(record.flags).toBe(0);
  });
});
