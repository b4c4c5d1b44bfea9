// States in words, with the tone and symbol that carry them. Colour is never the only sign.

import { failuresOf } from "@flipside/api/rollout-arithmetic";
import type {
  Command,
  CommandState,
  ConfigurationState,
  EntropyState,
  Health,
  RolloutOrder,
  RolloutState,
  TrustRelation,
  WaveProgress,
  WaveRules,
  WaveState,
} from "@flipside/api/types";
import type { BootReasonName, DeploymentStateName, SlotStateName } from "../format.ts";

export type Tone = "ok" | "warn" | "bad" | "busy" | "idle";
export type IconName =
  | "check"
  | "cross"
  | "clock"
  | "download"
  | "scan"
  | "box"
  | "restart"
  | "flask"
  | "back"
  | "ban"
  | "pause"
  | "play"
  | "empty"
  | "question"
  | "stop"
  | "alert"
  | "offer"
  | "upload"
  | "plus"
  | "search"
  | "copy"
  | "chevron"
  | "key";

export interface StateWords {
  label: string;
  tone: Tone;
  icon: IconName;
  /** One sentence for who does not know the term. */
  means: string;
}

export const deploymentWords: Record<DeploymentStateName, StateWords> = {
  queued: {
    label: "Queued",
    tone: "idle",
    icon: "clock",
    means: "Its wave has begun: it is offered the image as soon as it may be.",
  },
  offered: { label: "Offered", tone: "busy", icon: "offer", means: "The device has been told of the image." },
  downloading: {
    label: "Downloading",
    tone: "busy",
    icon: "download",
    means: "The device writes the image to its idle slot, checking every chunk.",
  },
  verifying: {
    label: "Verifying",
    tone: "busy",
    icon: "scan",
    means: "The device checks the whole image as read back from flash.",
  },
  installed: {
    label: "Installed",
    tone: "busy",
    icon: "box",
    means: "The image is in place and will be tried at the next start.",
  },
  rebooting: { label: "Rebooting", tone: "busy", icon: "restart", means: "The device restarts into the new image." },
  testing: {
    label: "Testing",
    tone: "busy",
    icon: "flask",
    means: "The new image runs on trial until it has proven healthy.",
  },
  confirmed: {
    label: "Confirmed",
    tone: "ok",
    icon: "check",
    means: "The new image runs, is healthy and has reached the server.",
  },
  failed: {
    label: "Failed",
    tone: "bad",
    icon: "cross",
    means: "The update could not be carried out. The former image runs on.",
  },
  "rolled-back": {
    label: "Rolled back",
    tone: "warn",
    icon: "back",
    means: "The new image did not prove healthy; the device went back by itself.",
  },
  cancelled: { label: "Cancelled", tone: "idle", icon: "stop", means: "Withdrawn before the device had installed it." },
  "timed-out": { label: "Timed out", tone: "warn", icon: "clock", means: "Nothing was heard before the deadline." },
  rejected: {
    label: "Rejected",
    tone: "bad",
    icon: "ban",
    means: "The device refused the image before running any of it.",
  },
  unreached: {
    label: "Away",
    tone: "idle",
    icon: "clock",
    means: "The device was away, and its wave went on without it. It is offered the image when it comes back.",
  },
};

/** Queued, in a wave that has not begun. */
export const laterWave: StateWords = {
  label: "Later wave",
  tone: "idle",
  icon: "clock",
  means: "Its wave has not begun.",
};
/** Queued, where nothing but the device is waited for. */
export const queuedOffline: StateWords = {
  label: "Queued, offline",
  tone: "warn",
  icon: "cross",
  means: "Its wave has begun, and the device is not there: it is offered the image when it comes back.",
};

export const revokedRelease: StateWords = {
  label: "Signer revoked",
  tone: "bad",
  icon: "ban",
  means: "No key that is in force signed it: it can't be rolled out any more.",
};
export const archived: StateWords = {
  label: "Archived",
  tone: "idle",
  icon: "box",
  means: "It is over and put away: it is out of lists until it is taken out of the archive.",
};
export const twoBoards: StateWords = {
  label: "Two boards",
  tone: "bad",
  icon: "copy",
  means: "Two boards say that they are this device, and push each other off: no update is offered.",
};
export const lostFile: Record<"missing" | "damaged", StateWords> = {
  missing: {
    label: "File missing",
    tone: "bad",
    icon: "alert",
    means: "The server has lost the image's file: upload the same release again to put it back.",
  },
  damaged: {
    label: "File damaged",
    tone: "bad",
    icon: "alert",
    means: "The image's file is not what was verified: upload the same release again to put it back.",
  },
};
export const keyInForce: StateWords = {
  label: "In force",
  tone: "ok",
  icon: "key",
  means: "The newest trust record names this key.",
};
export const keyRevoked: StateWords = {
  label: "Revoked",
  tone: "idle",
  icon: "ban",
  means: "The newest trust record names this key no more.",
};

/** What has to be said of a device's trust record beside the server's; nothing of one that is the same, or will be. */
export const trustRelationMeans: Partial<Record<TrustRelation, string>> = {
  ahead:
    "Newer than this server's newest record: upload the newer chain on the Trust page. Nothing is offered until then.",
  forked: "Not the record of that version that this server has. Somebody made two; nothing is offered to this device.",
};

export const entropyWords: Record<EntropyState, StateWords> = {
  good: { label: "Good", tone: "ok", icon: "check", means: "The device's noise source passes its health tests." },
  "failed-health": {
    label: "Noise source failed",
    tone: "bad",
    icon: "alert",
    means:
      "It gives what no noise source gives. Random numbers rest on the device key and the boot counter; have the hardware looked at.",
  },
  absent: {
    label: "No noise source",
    tone: "bad",
    icon: "alert",
    means:
      "There is none, or it does not answer. Random numbers rest on the device key and the boot counter; have the hardware looked at.",
  },
};

export const slotWords: Record<SlotStateName, StateWords> = {
  empty: { label: "empty", tone: "idle", icon: "empty", means: "Holds no image." },
  candidate: { label: "candidate", tone: "busy", icon: "flask", means: "Holds an image on trial." },
  confirmed: { label: "confirmed", tone: "ok", icon: "check", means: "Holds an image that has proven itself." },
  failed: { label: "failed", tone: "bad", icon: "cross", means: "Holds an image that did not prove itself." },
};

export const healthWords: Record<Health, StateWords> = {
  healthy: { label: "Healthy", tone: "ok", icon: "check", means: "The application says that it works." },
  unhealthy: {
    label: "Unhealthy",
    tone: "bad",
    icon: "alert",
    means: "The application says that it does not work as it should.",
  },
  unknown: { label: "Unknown", tone: "idle", icon: "question", means: "The application has not said yet." },
};

export const rolloutWords: Record<RolloutState, StateWords> = {
  running: { label: "Running", tone: "busy", icon: "play", means: "Waves start one after the other." },
  paused: { label: "Paused", tone: "warn", icon: "pause", means: "No further device starts. Updates under way go on." },
  completed: { label: "Completed", tone: "ok", icon: "check", means: "Every device that was there has finished." },
  cancelled: { label: "Cancelled", tone: "idle", icon: "stop", means: "No further device gets this release from it." },
  "rolled-back": {
    label: "Rolled back",
    tone: "warn",
    icon: "back",
    means: "Who was updated goes back to what it came from, where that is possible.",
  },
};

export const waveWords: Record<WaveState, StateWords> = {
  waiting: { label: "Waiting", tone: "idle", icon: "clock", means: "Starts when the wave before it has succeeded." },
  running: { label: "Running", tone: "busy", icon: "play", means: "Its devices are being updated." },
  done: { label: "Done", tone: "ok", icon: "check", means: "All of its devices have finished, or are away." },
};

/** How a wave stands: that all of it has ended is said in green only when nothing of it failed or was cancelled. */
export function waveStanding(wave: WaveProgress): StateWords {
  const { state, total, cancelled, succeeded } = wave;
  if (state !== "done") return wordsOf(waveWords, state);
  if (cancelled > 0 && cancelled === total)
    return { label: "Cancelled", tone: "idle", icon: "stop", means: "None of its devices got the image." };
  if (failuresOf(wave).failed > 0)
    return { label: "Done", tone: "warn", icon: "alert", means: "All of it has ended, and not all were updated." };
  return succeeded > 0 || total === 0 ? waveWords.done : { ...waveWords.done, tone: "idle" };
}

/** What a rollout does by itself when too many fail. */
export const thresholdWords: Record<WaveRules["thresholdAction"], string> = {
  pause: "Pause the rollout",
  abort: "Cancel the rollout",
  "roll-back-wave": "Cancel it and roll this wave back",
  "roll-back-all": "Cancel it and roll back all that were updated",
};

export const urgentRollout: StateWords = {
  label: "Urgent",
  tone: "warn",
  icon: "alert",
  means: "Overtakes other rollouts on the devices that both are for.",
};

export const openTarget: StateWords = {
  label: "Stays open",
  tone: "idle",
  icon: "plus",
  means: "Devices that come to match later join its last wave, until somebody closes it.",
};

/** Who is in a rollout's first waves. */
export const orderWords: Record<RolloutOrder, Pick<StateWords, "label" | "means">> = {
  "online-first": {
    label: "Devices that are online",
    means: "The first waves soon show something. Who is away now comes last.",
  },
  "as-listed": { label: "As they are listed", means: "In the order of the device list, online or not." },
  random: { label: "Drawn by lot", means: "The first waves are a fair sample, with those in it that are away." },
};

export const commandWords: Record<CommandState, StateWords> = {
  waiting: { label: "Waiting", tone: "idle", icon: "clock", means: "Told to the device as soon as it is here." },
  sent: { label: "Sent", tone: "busy", icon: "offer", means: "The device has not answered yet." },
  accepted: { label: "Accepted", tone: "busy", icon: "restart", means: "The device is carrying it out." },
  done: { label: "Done", tone: "ok", icon: "check", means: "The device has shown that it was carried out." },
  refused: { label: "Refused", tone: "bad", icon: "ban", means: "The device did not carry it out." },
  failed: {
    label: "Failed",
    tone: "warn",
    icon: "back",
    means: "It could not be carried out; the device is as it was before.",
  },
  expired: {
    label: "Expired",
    tone: "warn",
    icon: "clock",
    means: "Its time passed before the device showed that it was carried out.",
  },
};

export const commandKindWords: Record<Command["kind"], string> = {
  reboot: "Reboot",
  "set-connection": "Change server",
  identify: "Identify",
  "roll-back": "Roll back",
  "collect-logs": "Collect logs",
};

export const configurationWords: Record<ConfigurationState, StateWords> = {
  none: { label: "None set", tone: "idle", icon: "question", means: "Nobody has set a configuration here." },
  waiting: { label: "Waiting", tone: "idle", icon: "clock", means: "Sent to the device as soon as it is here." },
  sent: { label: "Sent", tone: "busy", icon: "offer", means: "The device’s app has not said yet whether it takes it." },
  "in-force": { label: "In force", tone: "ok", icon: "check", means: "The device goes by what was set." },
  refused: { label: "Refused", tone: "bad", icon: "ban", means: "The device does not take what was set." },
};

export const bootReasonWords: Record<BootReasonName, string> = {
  "power-on": "Power came on",
  requested: "Restart was asked for",
  update: "Restart into an update",
  "roll-back": "Went back to the former image",
  trap: "Crash",
  watchdog: "Hang, ended by the watchdog",
  "reset-pin": "Reset line, as by a button",
  unknown: "Unknown reset",
};

/** For a state that a newer server may send: shown by its own name rather than not at all. */
export function wordsOf<K extends string>(table: Record<K, StateWords>, key: K): StateWords {
  return table[key] ?? { label: key, tone: "idle", icon: "question", means: "" };
}
