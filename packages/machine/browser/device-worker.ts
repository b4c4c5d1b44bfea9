// The thread of one virtual device in a browser (machine-in-worker.ts), whose flash is memory. The first message is
// what it is made of; each after it came on the serial line.

import { MemoryCells } from "../src/flash/cells.ts";
import type { Machine } from "../src/machine.ts";
import { type MachineData, machineInWorker } from "../src/machine-in-worker.ts";
import { browserClock } from "./browser-clock.ts";
import { relayAt } from "./relayed-streams.ts";
import { WebSocketStreams } from "./websocket-streams.ts";

export interface BrowserDeviceData extends MachineData {
  relay: string;
}

let machine: Machine | undefined;

self.onmessage = ({ data }: MessageEvent<BrowserDeviceData | Uint8Array>) => {
  if (data instanceof Uint8Array) return machine?.serial(data);
  machine = machineInWorker(
    data,
    new MemoryCells(new Uint8Array(data.flash)),
    {
      clock: browserClock,
      entropy: (target) => void crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
      openStreams: (onEvent) => new WebSocketStreams(relayAt(data.relay), onEvent),
    },
    (message) => self.postMessage(message),
  );
  machine.powerOn();
};
