// States in words, with the tone and symbol that carry them. Colour is never the only sign.

import { t } from "@lingui/core/macro";
import { failuresOf } from "@flipside/api/rollout-arithmetic";
import type { Channel } from "@flipside/api/channels";
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
    label: t`Queued`,
    tone: "idle",
    icon: "clock",
    means: t`Its wave has begun: it is offered the image as soon as it may be.`,
  },
  offered: { label: t`Offered`, tone: "busy", icon: "offer", means: t`The device has been told of the image.` },
  downloading: {
    label: t`Downloading`,
    tone: "busy",
    icon: "download",
    means: t`The device writes the image to its idle slot, checking every chunk.`,
  },
  verifying: {
    label: t`Verifying`,
    tone: "busy",
    icon: "scan",
    means: t`The device checks the whole image as read back from flash.`,
  },
  installed: {
    label: t`Installed`,
    tone: "busy",
    icon: "box",
    means: t`The image is in place and will be tried at the next start.`,
  },
  rebooting: { label: t`Rebooting`, tone: "busy", icon: "restart", means: t`The device restarts into the new image.` },
  testing: {
    label: t`Testing`,
    tone: "busy",
    icon: "flask",
    means: t`The new image runs on trial until it has proven healthy.`,
  },
  confirmed: {
    label: t`Confirmed`,
    tone: "ok",
    icon: "check",
    means: t`The new image runs, is healthy and has reached the server.`,
  },
  failed: {
    label: t`Failed`,
    tone: "bad",
    icon: "cross",
    means: t`The update could not be carried out. The former image runs on.`,
  },
  "rolled-back": {
    label: t`Rolled back`,
    tone: "warn",
    icon: "back",
    means: t`The new image did not prove healthy; the device went back by itself.`,
  },
  cancelled: {
    label: t`Cancelled`,
    tone: "idle",
    icon: "stop",
    means: t`Withdrawn before the device had installed it.`,
  },
  "timed-out": { label: t`Timed out`, tone: "warn", icon: "clock", means: t`Nothing was heard before the deadline.` },
  rejected: {
    label: t`Rejected`,
    tone: "bad",
    icon: "ban",
    means: t`The device refused the image before running any of it.`,
  },
  unreached: {
    label: t`Away`,
    tone: "idle",
    icon: "clock",
    means: t`The device was away, and its wave went on without it. It is offered the image when it comes back.`,
  },
};

/** Queued, in a wave that has not begun. */
export const laterWave: StateWords = {
  label: t`Later wave`,
  tone: "idle",
  icon: "clock",
  means: t`Its wave has not begun.`,
};
/** Queued, where nothing but the device is waited for. */
export const queuedOffline: StateWords = {
  label: t`Queued, offline`,
  tone: "warn",
  icon: "cross",
  means: t`Its wave has begun, and the device is not there: it is offered the image when it comes back.`,
};

export const revokedRelease: StateWords = {
  label: t`Signer revoked`,
  tone: "bad",
  icon: "ban",
  means: t`No key that is in force signed it: it can't be rolled out any more.`,
};
export const archived: StateWords = {
  label: t`Archived`,
  tone: "idle",
  icon: "box",
  means: t`It is over and put away: it is out of lists until it is taken out of the archive.`,
};
export const twoBoards: StateWords = {
  label: t`Two boards`,
  tone: "bad",
  icon: "copy",
  means: t`Two boards say that they are this device, and push each other off: no update is offered.`,
};
export const lostFile: Record<"missing" | "damaged", StateWords> = {
  missing: {
    label: t`File missing`,
    tone: "bad",
    icon: "alert",
    means: t`The server has lost the image's file: upload the same release again to put it back.`,
  },
  damaged: {
    label: t`File damaged`,
    tone: "bad",
    icon: "alert",
    means: t`The image's file is not what was verified: upload the same release again to put it back.`,
  },
};
export const keyInForce: StateWords = {
  label: t`In force`,
  tone: "ok",
  icon: "key",
  means: t`The newest trust record names this key.`,
};
export const keyRevoked: StateWords = {
  label: t`Revoked`,
  tone: "idle",
  icon: "ban",
  means: t`The newest trust record names this key no more.`,
};

/** What has to be said of a device's trust record beside the server's; nothing of one that is the same, or will be. */
export const trustRelationMeans: Partial<Record<TrustRelation, string>> = {
  ahead: t`Newer than this server's newest record: upload the newer chain on the Trust page. Nothing is offered until then.`,
  forked: t`Not the record of that version that this server has. Somebody made two; nothing is offered to this device.`,
};

export const entropyWords: Record<EntropyState, StateWords> = {
  good: { label: t`Good`, tone: "ok", icon: "check", means: t`The device's noise source passes its health tests.` },
  "failed-health": {
    label: t`Noise source failed`,
    tone: "bad",
    icon: "alert",
    means: t`It gives what no noise source gives. Random numbers rest on the device key and the boot counter; have the hardware looked at.`,
  },
  absent: {
    label: t`No noise source`,
    tone: "bad",
    icon: "alert",
    means: t`There is none, or it does not answer. Random numbers rest on the device key and the boot counter; have the hardware looked at.`,
  },
};

export const channelWords: Record<Channel, StateWords> = {
  psk: {
    label: t`TLS, own key`,
    tone: "ok",
    icon: "check",
    means: t`TLS 1.3 by the device’s own key: both ends have proved themselves, and its secret is never sent.`,
  },
  tls: {
    label: t`TLS, certificate`,
    tone: "ok",
    icon: "check",
    means: t`TLS, where the server proves itself by its certificate and the device by a password.`,
  },
  clear: {
    label: t`in clear`,
    tone: "warn",
    icon: "alert",
    means: t`MQTT without TLS: whoever is on the way reads all of it, the device’s secret as well. Give the device a server’s address with tls: before it.`,
  },
  websocket: {
    label: t`WebSocket`,
    tone: "idle",
    icon: "question",
    means: t`MQTT within WebSocket: as private as the proxy before the server makes it.`,
  },
  broker: {
    label: t`through a broker`,
    tone: "idle",
    icon: "question",
    means: t`The broker between the device and this server knows whether it comes by TLS.`,
  },
};

export const slotWords: Record<SlotStateName, StateWords> = {
  empty: { label: t`empty`, tone: "idle", icon: "empty", means: t`Holds no image.` },
  candidate: { label: t`candidate`, tone: "busy", icon: "flask", means: t`Holds an image on trial.` },
  confirmed: { label: t`confirmed`, tone: "ok", icon: "check", means: t`Holds an image that has proven itself.` },
  failed: { label: t`failed`, tone: "bad", icon: "cross", means: t`Holds an image that did not prove itself.` },
};

export const healthWords: Record<Health, StateWords> = {
  healthy: { label: t`Healthy`, tone: "ok", icon: "check", means: t`The application says that it works.` },
  unhealthy: {
    label: t`Unhealthy`,
    tone: "bad",
    icon: "alert",
    means: t`The application says that it does not work as it should.`,
  },
  unknown: { label: t`Unknown`, tone: "idle", icon: "question", means: t`The application has not said yet.` },
};

export const rolloutWords: Record<RolloutState, StateWords> = {
  running: { label: t`Running`, tone: "busy", icon: "play", means: t`Waves start one after the other.` },
  paused: {
    label: t`Paused`,
    tone: "warn",
    icon: "pause",
    means: t`No further device starts. Updates under way go on.`,
  },
  completed: { label: t`Completed`, tone: "ok", icon: "check", means: t`Every device that was there has finished.` },
  cancelled: {
    label: t`Cancelled`,
    tone: "idle",
    icon: "stop",
    means: t`No further device gets this release from it.`,
  },
  "rolled-back": {
    label: t`Rolled back`,
    tone: "warn",
    icon: "back",
    means: t`Who was updated goes back to what it came from, where that is possible.`,
  },
};

export const waveWords: Record<WaveState, StateWords> = {
  waiting: { label: t`Waiting`, tone: "idle", icon: "clock", means: t`Starts when the wave before it has succeeded.` },
  running: { label: t`Running`, tone: "busy", icon: "play", means: t`Its devices are being updated.` },
  done: { label: t`Done`, tone: "ok", icon: "check", means: t`All of its devices have finished, or are away.` },
};

/** How a wave stands: that all of it has ended is said in green only when nothing of it failed or was cancelled. */
export function waveStanding(wave: WaveProgress): StateWords {
  const { state, total, cancelled, succeeded } = wave;
  if (state !== "done") return wordsOf(waveWords, state);
  if (cancelled > 0 && cancelled === total)
    return { label: t`Cancelled`, tone: "idle", icon: "stop", means: t`None of its devices got the image.` };
  if (failuresOf(wave).failed > 0)
    return { label: t`Done`, tone: "warn", icon: "alert", means: t`All of it has ended, and not all were updated.` };
  return succeeded > 0 || total === 0 ? waveWords.done : { ...waveWords.done, tone: "idle" };
}

/** What a rollout does by itself when too many fail. */
export const thresholdWords: Record<WaveRules["thresholdAction"], string> = {
  pause: t`Pause the rollout`,
  abort: t`Cancel the rollout`,
  "roll-back-wave": t`Cancel it and roll this wave back`,
  "roll-back-all": t`Cancel it and roll back all that were updated`,
};

export const urgentRollout: StateWords = {
  label: t`Urgent`,
  tone: "warn",
  icon: "alert",
  means: t`Overtakes other rollouts on the devices that both are for.`,
};

export const openTarget: StateWords = {
  label: t`Stays open`,
  tone: "idle",
  icon: "plus",
  means: t`Devices that come to match later join its last wave, until somebody closes it.`,
};

/** Who is in a rollout's first waves. */
export const orderWords: Record<RolloutOrder, Pick<StateWords, "label" | "means">> = {
  "online-first": {
    label: t`Devices that are online`,
    means: t`The first waves soon show something. Who is away now comes last.`,
  },
  "as-listed": { label: t`As they are listed`, means: t`In the order of the device list, online or not.` },
  random: { label: t`Drawn by lot`, means: t`The first waves are a fair sample, with those in it that are away.` },
};

export const commandWords: Record<CommandState, StateWords> = {
  waiting: { label: t`Waiting`, tone: "idle", icon: "clock", means: t`Told to the device as soon as it is here.` },
  sent: { label: t`Sent`, tone: "busy", icon: "offer", means: t`The device has not answered yet.` },
  accepted: { label: t`Accepted`, tone: "busy", icon: "restart", means: t`The device is carrying it out.` },
  done: { label: t`Done`, tone: "ok", icon: "check", means: t`The device has shown that it was carried out.` },
  refused: { label: t`Refused`, tone: "bad", icon: "ban", means: t`The device did not carry it out.` },
  failed: {
    label: t`Failed`,
    tone: "warn",
    icon: "back",
    means: t`It could not be carried out; the device is as it was before.`,
  },
  expired: {
    label: t`Expired`,
    tone: "warn",
    icon: "clock",
    means: t`Its time passed before the device showed that it was carried out.`,
  },
};

export const commandKindWords: Record<Command["kind"], string> = {
  reboot: t`Reboot`,
  "set-connection": t`Change server`,
  identify: t`Identify`,
  "roll-back": t`Roll back`,
  "collect-logs": t`Collect logs`,
};

export const configurationWords: Record<ConfigurationState, StateWords> = {
  none: { label: t`None set`, tone: "idle", icon: "question", means: t`Nobody has set a configuration here.` },
  waiting: { label: t`Waiting`, tone: "idle", icon: "clock", means: t`Sent to the device as soon as it is here.` },
  sent: {
    label: t`Sent`,
    tone: "busy",
    icon: "offer",
    means: t`The device’s app has not said yet whether it takes it.`,
  },
  "in-force": { label: t`In force`, tone: "ok", icon: "check", means: t`The device goes by what was set.` },
  refused: { label: t`Refused`, tone: "bad", icon: "ban", means: t`The device does not take what was set.` },
};

export const bootReasonWords: Record<BootReasonName, string> = {
  "power-on": t`Power came on`,
  requested: t`Restart was asked for`,
  update: t`Restart into an update`,
  "roll-back": t`Went back to the former image`,
  trap: t`Crash`,
  watchdog: t`Hang, ended by the watchdog`,
  "reset-pin": t`Reset line, as by a button`,
  unknown: t`Unknown reset`,
};

/** For a state that a newer server may send: shown by its own name rather than not at all. */
export function wordsOf<K extends string>(table: Record<K, StateWords>, key: K): StateWords {
  return table[key] ?? { label: key, tone: "idle", icon: "question", means: "" };
}
