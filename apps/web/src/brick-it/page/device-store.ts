// The device in the worker, for components: its newest snapshot, what it has told so far, and a way to give it orders.

import { t } from "@lingui/core/macro";
import { useEffect, useState, useSyncExternalStore } from "react";
import { newWorker } from "../../trusted-worker.ts";
import type { FromWorker, ToWorker } from "../bench/worker.ts";
import benchWorker from "../bench/worker.ts?worker&url";
import type { JoiningDevice } from "../joining-device.ts";
import type { Order, Snapshot, TimelineEntry } from "../snapshot.ts";

const TIMELINE_MAX = 300;
const CONSOLE_LINES_MAX = 400;
/** Texts change no faster than they can be read; the drawing of the flash is told of each snapshot. */
const TEXTS_EVERY_MS = 100;

export interface Shown {
  snapshot: Snapshot;
  /** Newest first. */
  timeline: readonly TimelineEntry[];
  /** Oldest first. */
  console: readonly string[];
}

export class DeviceStore {
  /** Of texts. */
  #shown: Shown | undefined;
  #newest: Shown | undefined;
  #failure: string | undefined;
  #timer: number | undefined;
  #entries = 0;
  readonly #worker: Worker;
  readonly #readers = new Set<() => void>();
  readonly #watchers = new Set<(snapshot: Snapshot) => void>();

  /** `joining`: the fleet's; undefined: one with a server in the tab. */
  constructor(seed: number, joining: JoiningDevice | undefined) {
    this.#worker = newWorker(joining === undefined ? benchWorker : mayConnectTo(joining.server.port));
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#told(data);
    this.#worker.onerror = ({ message }) => this.#fail(message || t`The worker could not be started.`);
    this.#send({ kind: "open", base: new URL("./", document.baseURI).href, seed, joining });
  }

  close(): void {
    this.#worker.terminate();
    window.clearTimeout(this.#timer);
  }

  order(order: Order): void {
    this.#send({ kind: "order", order });
  }

  get shown(): Shown | undefined {
    return this.#shown;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  readonly subscribe = (reader: () => void): (() => void) => {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  };

  /** Told of each snapshot, and of the newest at once. */
  watch(watcher: (snapshot: Snapshot) => void): () => void {
    this.#watchers.add(watcher);
    if (this.#newest) watcher({ ...this.#newest.snapshot, touched: [] });
    return () => this.#watchers.delete(watcher);
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #told(message: FromWorker): void {
    if (message.kind === "failed") return this.#fail(message.why);
    const { snapshot } = message;
    const before = this.#newest;
    this.#newest = {
      snapshot,
      timeline: snapshot.timeline.length
        ? [...this.#numbered(snapshot.timeline), ...(before?.timeline ?? [])].slice(0, TIMELINE_MAX)
        : (before?.timeline ?? []),
      console: snapshot.console.length
        ? [...(before?.console ?? []), ...snapshot.console].slice(-CONSOLE_LINES_MAX)
        : (before?.console ?? []),
    };
    for (const watcher of this.#watchers) watcher(snapshot);
    this.#timer ??= window.setTimeout(() => this.#show(), this.#shown ? TEXTS_EVERY_MS : 0);
  }

  /** Newest first, and numbered over all devices. */
  #numbered(entries: readonly TimelineEntry[]): TimelineEntry[] {
    return entries.map((entry) => ({ ...entry, number: ++this.#entries })).toReversed();
  }

  #fail(why: string): void {
    this.#failure = why;
    this.#show();
  }

  #show(): void {
    this.#timer = undefined;
    this.#shown = this.#newest;
    for (const reader of this.#readers) reader();
  }
}

/** The server lets a worker of this address connect to that port, and to nothing else. */
function mayConnectTo(mqttWebSocketPort: number): string {
  const address = new URL(benchWorker, window.location.href);
  address.searchParams.set("mqtt", String(mqttWebSocketPort));
  return address.href;
}

/** Made once for a page and a fleet. */
export function useDeviceStore(seed: number, joining: JoiningDevice | undefined): DeviceStore | undefined {
  const [store, setStore] = useState<DeviceStore>();
  useEffect(() => {
    const opened = new DeviceStore(seed, joining);
    setStore(opened);
    return () => opened.close();
  }, [seed, joining]);
  return store;
}

const noSubscription = (): (() => void) => () => {};

export const useShown = (store: DeviceStore | undefined): Shown | undefined =>
  useSyncExternalStore(store?.subscribe ?? noSubscription, () => store?.shown);

export const useFailure = (store: DeviceStore | undefined): string | undefined =>
  useSyncExternalStore(store?.subscribe ?? noSubscription, () => store?.failure);
