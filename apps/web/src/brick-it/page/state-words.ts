// What the device is doing, in one sentence.

import { t } from "@lingui/core/macro";
import { inARow } from "../../words/listed.ts";
import type { Snapshot, UpdateView } from "../snapshot.ts";

const states: Record<string, (update: UpdateView) => string> = {
  offered: ({ version }) => t`Version ${version} is offered; the device asks now and then.`,
  // How far, stands at the slot: this sentence is read aloud.
  downloading: ({ version }) => t`Version ${version} is being fetched and written.`,
  verifying: ({ version }) => t`Version ${version} is verified once more, from flash.`,
  installed: ({ version }) => t`Version ${version} is installed as a candidate; the device restarts into it.`,
  rebooting: ({ version }) => t`The device restarts into version ${version}.`,
  testing: ({ version }) => t`Version ${version} is on trial.`,
  confirmed: ({ version }) => t`The update to ${version} is confirmed.`,
  "rolled-back": ({ version }) => t`Version ${version} did not prove itself; the device went back by itself.`,
  rejected: ({ version }) => t`The device refused version ${version}.`,
  failed: ({ version }) => t`Version ${version} could not be installed.`,
};

export function stateInWords(snapshot: Snapshot): string {
  const { phase, runningSlot, slots, update, isArmed, isAuto } = snapshot;
  switch (phase) {
    case "off":
      return update && !update.isOver ? offWithin(update) : t`The power is off.`;
    case "loader":
      return t`The boot loader decides what to start.`;
    case "recovery":
      return t`Nothing can be started: the boot loader is in recovery and waits for a signed image.`;
    case "image": {
      const [version, slot] = [slots[runningSlot!].version ?? snapshot.factoryVersion, runningSlot!.toUpperCase()];
      const sentences = [
        t`It runs ${version} from slot ${slot}.`,
        update ? states[update.state]?.(update) : t`Nothing is to be installed.`,
        isArmed && !isAuto ? t`Power will go at an operation that is still to come.` : undefined,
      ];
      return inARow(...sentences.filter((each) => each !== undefined));
    }
  }
}

const offWithin = ({ version }: UpdateView): string => t`The power is off, and the update to ${version} is not over.`;
