// What the device is doing, in one sentence.

import type { Snapshot, UpdateView } from "../snapshot.ts";

const states: Record<string, (update: UpdateView) => string> = {
  offered: ({ version }) => `Version ${version} is offered; the device asks now and then.`,
  // How far, stands at the slot: this sentence is read aloud.
  downloading: ({ version }) => `Version ${version} is being fetched and written.`,
  verifying: ({ version }) => `Version ${version} is verified once more, from flash.`,
  installed: ({ version }) => `Version ${version} is installed as a candidate; the device restarts into it.`,
  rebooting: ({ version }) => `The device restarts into version ${version}.`,
  testing: ({ version }) => `Version ${version} is on trial.`,
  confirmed: ({ version }) => `The update to ${version} is confirmed.`,
  "rolled-back": ({ version }) => `Version ${version} did not prove itself; the device went back by itself.`,
  rejected: ({ version }) => `The device refused version ${version}.`,
  failed: ({ version }) => `Version ${version} could not be installed.`,
};

export function stateInWords(snapshot: Snapshot): string {
  const { phase, runningSlot, slots, update, isArmed, isAuto } = snapshot;
  const armed = isArmed && !isAuto ? " Power will go at an operation that is still to come." : "";
  const updating = update ? ` ${states[update.state]?.(update) ?? ""}` : "";
  switch (phase) {
    case "off":
      return update && !update.isOver
        ? `The power is off, and the update to ${update.version} is not over.`
        : "The power is off.";
    case "loader":
      return "The boot loader decides what to start.";
    case "recovery":
      return "Nothing can be started: the boot loader is in recovery and waits for a signed image.";
    case "image": {
      const version = slots[runningSlot!].version ?? snapshot.factoryVersion;
      return `It runs ${version} from slot ${runningSlot!.toUpperCase()}.${updating || " Nothing is to be installed."}${armed}`;
    }
  }
}
