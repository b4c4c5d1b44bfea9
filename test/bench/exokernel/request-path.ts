// What a request costs: instructions from the card's interrupt to the answer that the card is given, all instructions
// of it, and how often each byte of a value is copied. One client, one request at a time.

import { openSync, closeSync, readSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { DeviceGuest, Guest } from "./guests.ts";
import { askOnce, expectOk, firstByte, get, HttpClient, put } from "./http-client.ts";
import type { PathWatch } from "./path-plugin.ts";
import { quantile, waitsOf } from "./waits.ts";

const REQUESTS = 200;
const START_TIMEOUT_MS = 60_000;
const IDLE_MS = 1_000;
const REST_INSTRUCTIONS_A_MS = 1_000;
const REST_TRIES_MAX = 60;
const RAM_START = 0x80000000;
export const SMALL_BYTES = 16;
export const LARGE_BYTES = 2048;

const KEY = "/kv/bench";
const small = Buffer.alloc(SMALL_BYTES, "s");
const large = Buffer.alloc(LARGE_BYTES, "l");

export interface RequestCost {
  /** Of all instructions, by request. */
  instructions: number;
  /** From the interrupt to the first frame of the answer; median. */
  interruptToAnswer: number;
}

export interface RequestPathFigures {
  status: RequestCost;
  getSmall: RequestCost;
  getLarge: RequestCost;
  putSmall: RequestCost;
  putLarge: RequestCost;
  /** A connection of its own for each, as Linux beside it has it. */
  statusWithConnection: number;
}

async function costOf(client: HttpClient, watch: PathWatch, request: Uint8Array): Promise<RequestCost> {
  expectOk(await client.ask(request));
  const marksBefore = watch.marks().length;
  const before = watch.instructions();
  for (let i = 0; i < REQUESTS; i++) expectOk(await client.ask(request));
  const instructions = (watch.instructions() - before) / REQUESTS;
  const waits = waitsOf(watch.marks().slice(marksBefore));
  return { instructions: Math.round(instructions), interruptToAnswer: quantile(waits, 0.5) };
}

/**
 * Instructions a millisecond of a guest that has come to rest: Linux calibrates clocks for some seconds after its
 * start.
 */
async function idleRate(watch: PathWatch): Promise<number> {
  for (let tries = 0, quiet = 0; tries < REST_TRIES_MAX; tries++) {
    const before = watch.instructions();
    const from = performance.now();
    await pause(IDLE_MS);
    const rate = (watch.instructions() - before) / (performance.now() - from);
    quiet = rate < REST_INSTRUCTIONS_A_MS ? quiet + 1 : 0;
    if (quiet === 2) return rate;
  }
  throw new Error(`a guest that is asked nothing executes instructions all the time, for ${REST_TRIES_MAX} s`);
}

/** Executed by request over new connections, less what the guest executes while it is asked nothing. */
export async function costWithConnection(guest: Guest, watch: PathWatch): Promise<number> {
  const request = get("/status.json", "Connection: close\r\n");
  expectOk(await askOnce(guest.port, request));
  const idleAMs = await idleRate(watch);
  const before = watch.instructions();
  const from = performance.now();
  for (let i = 0; i < REQUESTS; i++) expectOk(await askOnce(guest.port, request));
  const ms = performance.now() - from;
  return Math.round((watch.instructions() - before - idleAMs * ms) / REQUESTS);
}

/** @param device its program has marks */
export async function measureRequestPath(device: DeviceGuest, watch: PathWatch): Promise<RequestPathFigures> {
  device.start();
  try {
    await firstByte(device.port, START_TIMEOUT_MS);
    const client = await HttpClient.open(device.port);
    const figures = {
      status: await costOf(client, watch, get("/status.json")),
      putSmall: await costOf(client, watch, put(KEY, small)),
      getSmall: await costOf(client, watch, get(KEY)),
    };
    client.close();
    const second = await HttpClient.open(device.port);
    const largeFigures = {
      putLarge: await costOf(second, watch, put(KEY, large)),
      getLarge: await costOf(second, watch, get(KEY)),
    };
    second.close();
    return { ...figures, ...largeFigures, statusWithConnection: await costWithConnection(device, watch) };
  } finally {
    await device.stop();
  }
}

export interface CopyFigures {
  /** Bytes that are copied for each byte of a value, as it comes in and as it goes out. */
  putCopies: number;
  getCopies: number;
  /** Copied for a request to the status page, whatever it is. */
  statusBytes: number;
}

class CopyCounter {
  constructor(
    readonly device: DeviceGuest,
    readonly address: number,
  ) {}

  /** Copied since the start: RAM is a file. */
  read(): number {
    const bytes = Buffer.alloc(8);
    const file = openSync(this.device.unikernel.ramPath, "r");
    readSync(file, bytes, 0, bytes.length, this.address - RAM_START);
    closeSync(file);
    return Number(bytes.readBigUInt64LE());
  }

  async byRequest(client: HttpClient, request: Uint8Array): Promise<number> {
    expectOk(await client.ask(request));
    const before = this.read();
    for (let i = 0; i < REQUESTS; i++) expectOk(await client.ask(request));
    return (this.read() - before) / REQUESTS;
  }
}

/** @param device its program counts copies, at this address (`path_copied`) */
export async function countCopies(device: DeviceGuest, address: number): Promise<CopyFigures> {
  device.start();
  try {
    await firstByte(device.port, START_TIMEOUT_MS);
    const counter = new CopyCounter(device, address);
    const copied = async (client: HttpClient, value: Uint8Array): Promise<{ put: number; get: number }> => ({
      put: await counter.byRequest(client, put(KEY, value)),
      get: await counter.byRequest(client, get(KEY)),
    });
    // A connection for each: the device ends one after a thousand requests.
    const [first, second] = [await HttpClient.open(device.port), await HttpClient.open(device.port)];
    const statusBytes = await counter.byRequest(first, get("/status.json"));
    const ofSmall = await copied(first, small);
    const ofLarge = await copied(second, large);
    for (const client of [first, second]) client.close();
    const byByte = (more: number, less: number): number => (more - less) / (LARGE_BYTES - SMALL_BYTES);
    return {
      putCopies: byByte(ofLarge.put, ofSmall.put),
      getCopies: byByte(ofLarge.get, ofSmall.get),
      statusBytes: Math.round(statusBytes),
    };
  } finally {
    await device.stop();
  }
}
