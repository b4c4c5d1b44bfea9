// What the worker tells the page of the device, and what the page asks of it.

import type { FleetConnection } from "./bench/fleet-side.ts";
import type { Flavour } from "./bench/geometry.ts";
import type { DamageableZone } from "./bench/damageable-zones.ts";
import type { Tone } from "./bench/loader-words.ts";

/** What power may leave of the operation that it fails at; "drawn": any way that there is. */
export const tears = ["drawn", "prefix", "subset", "unstable", "neighbours", "nothing", "everything"] as const;
export type TearChoice = (typeof tears)[number];

export const speeds = ["slow", "brisk", "fast"] as const;
export type Speed = (typeof speeds)[number];

export interface TimelineEntry {
  number: number;
  /** Of the device's own time since it was made. */
  atMs: number;
  tone: Tone;
  /** Who says it. */
  who: "power" | "loader" | "device" | "server" | "hand" | "judge";
  text: string;
  /** What the loader has decided. */
  isDecision: boolean;
}

export interface SlotView {
  state: "empty" | "candidate" | "confirmed" | "failed" | "unknown";
  version: string | undefined;
  triesLeft: number;
  /** Why it failed. */
  why: string | undefined;
}

export interface UpdateView {
  version: string;
  /** As the device reports it, or as a check-in has proved it. */
  state: string;
  chunksDone: number;
  chunksTotal: number;
  isOver: boolean;
}

/** The fleet that the device has joined. */
export interface FleetView {
  connection: FleetConnection;
  /** By the tab's clock. */
  sinceMs: number;
}

export interface Counters {
  powerCuts: number;
  powerUps: number;
  /** Power-ups that ended with nothing running, although the flash holds what may run. */
  bricked: number;
  /** Invariants of docs/power-cut.md that did not hold, in the judge's words. */
  violations: string[];
  confirmed: number;
  rolledBack: number;
  refused: number;
  /** Erases and programs of flash. */
  operations: number;
}

export interface Snapshot {
  isOn: boolean;
  phase: "off" | "loader" | "image" | "recovery";
  /** Of each page a place in `pageKinds` (page-map.ts). */
  kinds: Uint8Array;
  /** Pages that were erased or programmed since the snapshot before. */
  touched: { page: number; isErase: boolean }[];
  wornSectors: number[];
  runningSlot: "a" | "b" | undefined;
  slots: { a: SlotView; b: SlotView };
  update: UpdateView | undefined;
  /** Undefined: this device can't be updated further, and has to be made anew. */
  nextVersion: string | undefined;
  /** That the factory has put into slot A. */
  factoryVersion: string;
  /** Undefined: its server is in the tab. */
  fleet: FleetView | undefined;
  counters: Counters;
  isArmed: boolean;
  /** More than one sector was damaged by hand: the campaign claims nothing of that. */
  isVouchedFor: boolean;
  seed: number;
  isAuto: boolean;
  /** New ones, oldest first. */
  timeline: TimelineEntry[];
  console: string[];
}

export type Order =
  | { kind: "power-on" }
  | { kind: "pull" }
  | { kind: "pull-at-next"; operation: "any" | "program" | "erase"; tear: TearChoice }
  | { kind: "disarm" }
  | { kind: "update"; flavour: Flavour }
  | { kind: "flip-bits"; zone: DamageableZone }
  | { kind: "wear-out"; zone: DamageableZone }
  | { kind: "make-anew"; seed: number }
  | { kind: "auto"; seed: number }
  | { kind: "stop-auto" }
  | { kind: "speed"; speed: Speed };
