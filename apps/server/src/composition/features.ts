// The features, put together. Each needs only what was made before it: what happens later reaches the others by the
// feed.

import { type Attention, createAttention } from "../features/attention/attention.ts";
import { endingTokens, failingWebhooks, lostFiles, proposals, stops } from "../features/attention/around.ts";
import { devicesByFilter, identityConflicts, trustForks } from "../features/attention/devices.ts";
import { failures, openRollouts } from "../features/attention/rollouts.ts";
import { devicesKeptBack, releaseStateEnds } from "../features/attention/release-states.ts";
import { trustEnd } from "../features/attention/trust-end.ts";
import { createReleaseStateDelivery } from "../features/deployments/release-state-delivery.ts";
import { createReleaseStates, type ReleaseStates } from "../features/release-states/release-states.ts";
import type { Router } from "express";
import type { Feed } from "../changes/feed.ts";
import type { Clock } from "../clock.ts";
import { isDownloading } from "../domain/deployment-transitions.ts";
import type { Logger } from "../logging.ts";
import type { DeviceLink, LinkHandlers } from "../mqtt/device-link.ts";
import type { Storage } from "../storage/storage.ts";
import { Turns } from "../turns.ts";
import { createBoardTrails } from "../features/check-ins/board-trails.ts";
import { createCheckIns } from "../features/check-ins/check-ins.ts";
import { DownloadSlots } from "../features/chunk-delivery/download-slots.ts";
import { type ChunkDelivery, createChunkDelivery } from "../features/chunk-delivery/chunk-delivery.ts";
import { createCommandChannel, type CommandChannel } from "../features/commands/command-channel.ts";
import { type Commands, createCommands } from "../features/commands/commands.ts";
import { type CommandMany, createCommandingMany } from "../features/commands/commanding-many.ts";
import { createDesiring, type Desiring } from "../features/configuration/desiring.ts";
import { createConfigurationFollowing } from "../features/configuration/following.ts";
import { type ConfigurationReading, createConfigurationReading } from "../features/configuration/reading.ts";
import { createEngineRoom, type EngineRoom } from "../features/deployments/engine-room.ts";
import { createTogether } from "../features/deployments/together.ts";
import { createEvidence, type Evidence } from "../features/deployments/evidence.ts";
import { createFetching, type Fetching } from "../features/deployments/fetching.ts";
import { createMemory, type Memory } from "../features/deployments/memory.ts";
import { createOffering, type Offering } from "../features/deployments/offering.ts";
import { createOffers, type Offers } from "../features/deployments/offers.ts";
import { createProgress, type Progress } from "../features/deployments/progress.ts";
import { createDeviceLog, type DeviceLog } from "../features/device-records/device-log.ts";
import { type BoardReplacement, createBoardReplacement } from "../features/devices/board-replacement.ts";
import { type ClearConflict, createClearConflict } from "../features/devices/clear-conflict.ts";
import { createDeviceViewsKept, type DeviceViewsKept } from "../features/devices/device-views.ts";
import { createTaggingMany, type TagMany } from "../features/devices/tagging-many.ts";
import { createDeviceCounts, type DeviceCounts } from "../features/devices/device-counts.ts";
import { createDeviceDeletion, type DeviceDeletion } from "../features/devices/deletion.ts";
import { createDevices, type Devices } from "../features/devices/devices.ts";
import {
  createFleetCounting,
  expiringFleetSamples,
  type FleetCounting,
} from "../features/fleet-history/fleet-history.ts";
import { createFiltering, type Filtering } from "../features/devices/filtering.ts";
import { createLastSeen, type LastSeen } from "../features/device-records/last-seen.ts";
import type { Brake } from "../features/deployments/brake.ts";
import { createHindrances } from "../features/deployments/hindrances.ts";
import { createPassingTime, type PassingTime } from "../features/deployments/passing-time.ts";
import { createWhys, type Whys } from "../features/deployments/why.ts";
import { type EmergencyStop, openEmergencyStop } from "../features/emergency-stop/emergency-stop.ts";
import { loadOtherAgents, type OtherAgent, type OtherAgents } from "../features/device-records/other-agents.ts";
import { createPresence, type Presence } from "../features/device-records/presence.ts";
import { findDevice } from "../features/device-records/store.ts";
import { createDeviceViews, type DeviceViews } from "../features/devices/view.ts";
import { createEnrolment, type Enrolment } from "../features/enrolment/enrolment.ts";
import { createEventHub, type EventHub } from "../features/events/event-hub.ts";
import { type AwsIot, type AwsIotOptions, createAwsIot } from "../features/aws-iot/aws-iot.ts";
import { lookEveryMs } from "../features/aws-iot/notices.ts";
import { createLongPoll, type LongPoll } from "../features/events/long-poll.ts";
import type { Loaders } from "../features/events/marks.ts";
import { createHawkbit, hawkbitPollMsDefault, type HawkbitOptions } from "../features/hawkbit/hawkbit.ts";
import { createRegistration, type Registration } from "../features/hawkbit/registration.ts";
import { createCommon } from "../features/other-agents/common.ts";
import type { AuthSets } from "../features/mender/auth-sets.ts";
import { createMender, menderPollMsDefault, type MenderOptions } from "../features/mender/mender.ts";
import { expiringDeliveries } from "../features/webhooks/deliveries.ts";
import { openWebhookDesk, type WebhookDesk, type WebhookOptions } from "../features/webhooks/webhook-desk.ts";
import { createFileRemoval, type FileRemoval } from "../features/releases/file-removal.ts";
import { createImageStore, type ImageStore } from "../features/releases/image-store.ts";
import { createReleases, type Releases } from "../features/releases/releases.ts";
import { createRehearsals, type Rehearsals } from "../features/rehearsals/rehearsals.ts";
import { expiringRehearsals } from "../features/rehearsals/rehearsal-expiry.ts";
import { createRollBackPieces } from "../features/rollouts/roll-back-pieces.ts";
import { createRollBacks, type RollBacks } from "../features/rollouts/roll-backs.ts";
import { createHealthWatch, type HealthWatch } from "../features/health/health-watch.ts";
import { createMetricHistory, type MetricHistory } from "../features/metric-history/metric-history.ts";
import { createMetricReading, type MetricReading } from "../features/metric-history/reading.ts";
import { expiringHours, expiringPoints } from "../features/metric-history/expiry.ts";
import { expiringDeviceLog } from "../features/device-records/log-expiry.ts";
import { expiringAudit } from "../features/audit/audit-expiry.ts";
import type { Keeping } from "../features/retention/keeping.ts";
import { createRetention, type Retention } from "../features/retention/retention.ts";
import { expiringIdempotentRequests } from "../features/idempotency/idempotency-expiry.ts";
import { expiringProposals } from "../features/two-persons/proposal-expiry.ts";
import { expiringDecisions } from "../features/rollouts/decision-expiry.ts";
import { createJoining, type Joining } from "../features/rollouts/joining.ts";
import { type CarryingOut, createCarryingOut } from "../features/rollouts/carrying-out.ts";
import { createDeletion } from "../features/rollouts/deletion.ts";
import { createPreparation } from "../features/rollouts/preparation.ts";
import { createRollouts, type Rollouts } from "../features/rollouts/rollouts.ts";
import { createInbox, type Inbox } from "../devices-in/inbox.ts";
import { createChannelKeys } from "../features/sessions/channel-keys.ts";
import { createSessions, silenceMaxMs, type Sessions } from "../features/sessions/sessions.ts";
import { createTrustDelivery } from "../features/trust/trust-delivery.ts";
import { createTrustReplacement, type TrustReplacement } from "../features/rollouts/trust-replacement.ts";
import {
  elsewhereOf,
  heardAnywhere,
  mayTakeAnywhere,
  onlineAnywhere,
  progressTold,
  withOtherAgents,
} from "./anywhere.ts";
import type { Foundation } from "./foundation.ts";
import { isCaretaker } from "./members.ts";

export const pollMsDefault = 3_000;
/** Some 20 ms of work on SQLite. */
export const pieceMaxDefault = 100;

interface Sizes {
  keep: Keeping;
  webhooks: WebhookOptions;
  pollMs: number;
  /** Undefined: hawkBit's DDI is not spoken here. */
  hawkbit: HawkbitOptions | undefined;
  /** Undefined: Mender's device API is not spoken here. */
  mender: MenderOptions | undefined;
  /** Undefined: devices of AWS IoT are not served here. */
  awsIot: AwsIotOptions | undefined;
  /** Devices of a rollout that one transaction makes deployments for, or ends. */
  pieceMax: number;
  /** Of wall time, for one. */
  rehearsalDeadlineMs: number;
}

/** What is known of a fleet and kept about it, without a device that is connected. */
interface Fleet {
  deviceLog: DeviceLog;
  lastSeen: LastSeen;
  progress: Progress;
  memory: Memory;
  images: ImageStore;
  releases: Releases;
  releaseStates: ReleaseStates;
  fileRemoval: FileRemoval;
  engineRoom: EngineRoom;
  evidence: Evidence;
  passingTime: PassingTime;
  slots: DownloadSlots;
  offering: Offering;
  whys: Whys;
  emergencyStop: EmergencyStop;
  health: HealthWatch;
  metricHistory: MetricHistory;
  fetching: Fetching;
  rollBacks: RollBacks;
  presence: Presence;
  otherAgents: OtherAgents;
}

/** Held from the offer until the device has all that it downloads. */
function downloadSlots(feed: Feed, clock: Pick<Clock, "steadyMs">): DownloadSlots {
  const slots = new DownloadSlots(clock.steadyMs, (deviceIds) => feed.announce({ kind: "turn", deviceIds }));
  feed.follow((change) => {
    const isOver = change.kind === "deployment" && "moved" in change && !isDownloading(change.moved?.state);
    if (isOver) slots.free(change.deviceId);
  });
  return slots;
}

async function createFleet(foundation: Foundation, { pollMs, pieceMax, hawkbit, mender }: Sizes): Promise<Fleet> {
  const { storage, patient, feed, files, log, clock, trust, verifier, members } = foundation;
  const memory = createMemory(patient, feed);
  const progress = createProgress(storage, log, clock.wallMs, progressTold(members));
  const fileRemoval = createFileRemoval({ storage, files, now: clock.wallMs, log });
  const images = createImageStore({ storage, files, feed, log });
  const engineRoom = createEngineRoom({ clock, log, progress, pieceMax, tellsInOrder: storage.shared === undefined });
  const together = createTogether({ storage: patient, engineRoom });
  const lastSeen = createLastSeen(storage, log, clock);
  const everywhere = members && (() => members.everywhere("emergency-stop"));
  const emergencyStop = await openEmergencyStop({ storage, feed, engineRoom, clock, everywhere });
  // Whoever makes offers asks it.
  const brake: Brake = emergencyStop;
  const slots = downloadSlots(feed, clock);
  const hindrances = createHindrances({ memory, trust, images, brake, clock });
  const otherAgents = await loadOtherAgents(storage.db, feed);
  const othersPollMs: Record<OtherAgent, number> = {
    hawkbit: hawkbit?.pollMs ?? hawkbitPollMsDefault,
    mender: mender?.pollMs ?? menderPollMsDefault,
    "aws-iot": lookEveryMs,
  };
  const presence = createPresence({
    lastSeen: { heardMs: heardAnywhere(lastSeen, members) },
    steadyMs: clock.steadyMs,
    silenceMaxMs(deviceId) {
      const agent = otherAgents.of(deviceId);
      return silenceMaxMs(agent === undefined ? pollMs : othersPollMs[agent]);
    },
  });
  const slotsAnywhere = { mayTake: mayTakeAnywhere(slots, members), max: slots.max };
  const deciding = { storage, engineRoom, memory, hindrances, brake, clock };
  const rollBacks = createRollBacks({ storage, engineRoom, memory, trust, feed, clock, log, pieceMax });
  const deviceLog = createDeviceLog(patient, log, clock);
  return {
    deviceLog,
    lastSeen,
    progress,
    memory,
    images,
    fileRemoval,
    releaseStates: createReleaseStates({ storage, trust, verifier, clock }),
    releases: createReleases({
      storage,
      files,
      store: images,
      trust,
      verifier,
      feed,
      fileRemoval,
      now: clock.wallMs,
      filesAreShared: members !== undefined,
    }),
    engineRoom,
    evidence: createEvidence({ storage: patient, engineRoom, together, memory, progress, feed }),
    passingTime: createPassingTime({ ...deciding, slots: slotsAnywhere, presence, pieceMax }),
    slots,
    offering: createOffering({ ...deciding, storage: patient, together, trust, images, slots }),
    emergencyStop,
    health: createHealthWatch({ storage, memory, engineRoom, presence, log, clock }),
    metricHistory: createMetricHistory({ storage, deviceLog, log, clock }),
    whys: createWhys({ storage, memory, hindrances, presence, lastSeen, slots: slotsAnywhere, brake, clock }),
    fetching: createFetching({ storage: patient, memory, trust, images, brake }),
    rollBacks,
    presence,
    otherAgents,
  };
}

/** What goes on with the devices that are connected to this process. */
interface Conversations {
  turns: Turns;
  sessions: Sessions;
  offers: Offers;
  channel: CommandChannel;
  commands: Commands;
  delivery: ChunkDelivery;
  enrolment: Enrolment;
  handlers: LinkHandlers;
}

/** A file could not be read when it was wanted. */
const lookingAt =
  (images: ImageStore, log: Logger) =>
  (digest: string): void =>
    void images
      .failed(digest)
      .catch((error: unknown) => log.error({ err: error as Error }, "an image could not be looked at"));

function createDelivery(
  { files, feed, log }: Foundation,
  { fetching, deviceLog, images, slots, emergencyStop }: Fleet,
  link: DeviceLink,
  sessions: Sessions,
): ChunkDelivery {
  return createChunkDelivery({
    link,
    imageOf: fetching.imageFor,
    isCurrent: (session) => sessions.of(session.deviceId) === session,
    isStopped: () => emergencyStop.stop !== undefined,
    refused: (deviceId, detail) => deviceLog.add(deviceId, "refused-message", detail),
    pathOf: files.pathOf,
    slots,
    unreadable: lookingAt(images, log),
    feed,
    log,
  });
}

/** Where the broker keeps devices' accounts, an enrolled device needs one. */
const accountsFor =
  (link: DeviceLink, log: Logger) =>
  async (deviceId: string, secret: Buffer): Promise<void> => {
    // Without its account the broker refuses the device, which then enrols again.
    await link.accounts
      ?.setSecret(deviceId, secret.toString("base64url"))
      .catch((error: unknown) =>
        log.error({ err: error as Error, device: deviceId }, "the broker did not take the device's account"),
      );
  };

/** One that is revoked must not have it any more, which ends its connections there, too. */
const accountCloser =
  (link: DeviceLink, log: Logger) =>
  (deviceId: string): void =>
    void link.accounts
      ?.remove(deviceId)
      .catch((error: unknown) =>
        log.error({ err: error as Error, device: deviceId }, "the broker keeps the device's account"),
      );

/** One that is not revoked any more has it again, or may enrol. */
const accountOpener =
  (link: DeviceLink, log: Logger) =>
  (deviceId: string, secret: Buffer | undefined): void => {
    const opened =
      secret === undefined
        ? link.accounts?.mayEnrol([deviceId])
        : link.accounts?.sync([deviceId], [{ id: deviceId, secret: secret.toString("base64url") }]);
    opened?.catch((error: unknown) =>
      log.error({ err: error as Error, device: deviceId }, "the broker did not take the device's account"),
    );
  };

const handlersOf = (inbox: Inbox, sessions: Sessions, storage: Storage): LinkHandlers => ({
  authenticate: (...shown) => sessions.authenticate(...shown),
  channelKeys: createChannelKeys(storage),
  message: (message) => inbox.take(message),
  closed: (deviceId, connection) => sessions.end(deviceId, "the connection is gone", connection),
  refused: (deviceId, what) => inbox.refused(deviceId, what),
});

async function createConversations(
  foundation: Foundation,
  fleet: Fleet,
  link: DeviceLink,
  pollMs: number,
): Promise<Conversations> {
  const { storage, patient, feed, log, clock, trust, verifier, operationsKey, members } = foundation;
  const { deviceLog, lastSeen, memory, evidence, offering, health, metricHistory } = fleet;
  const turns = new Turns();
  const now = clock.steadyMs;
  const began = (deviceId: string): Promise<void> => {
    if (members !== undefined) {
      memory.forgetDevice(deviceId);
      commands.expect(deviceId);
    }
    return health.sessionBegan(deviceId);
  };
  const kept = { storage, patient, deviceLog, feed };
  const sessions = createSessions({ ...kept, memory, verifier, link, now, pollMs, began, owners: members?.owners });
  const releaseStates = createReleaseStateDelivery(fleet.releaseStates, memory);
  const offers = createOffers({ link, sessions, offering, releaseStates, storage, feed, turns, pollMs, log });
  const channel = createCommandChannel({ operationsKey, sessions, link, turns, deviceLog, log });
  const commands = await createCommands({ ...kept, sessions, channel, memory, turns, clock });
  const configuration = createConfigurationFollowing({ patient, channel, memory, deviceLog, clock });
  const trustDelivery = createTrustDelivery({ link, trust, now: clock.steadyMs });
  const checkIns = createCheckIns({
    storage: patient,
    sessions,
    lastSeen,
    deviceLog,
    feed,
    memory,
    boardTrails: createBoardTrails({ memory, deviceLog, clock, isShared: members !== undefined }),
    evidence,
    offers,
    trustDelivery,
    commands,
    configuration,
    channel,
    trust,
    health,
    metricHistory,
    steadyMs: now,
  });
  const delivery = createDelivery(foundation, fleet, link, sessions);
  const enrolment = createEnrolment({
    storage: patient,
    deviceLog,
    now,
    wallMs: clock.wallMs,
    secretAdded: accountsFor(link, log),
  });
  const inbox = createInbox({
    sessions,
    enrolment,
    checkIns,
    evidence,
    commands,
    channel,
    delivery,
    deviceLog,
    lastSeen,
    turns,
    checksCredentials: link.checksCredentials,
    isKnown: async (deviceId) => (await findDevice(patient.db, deviceId)) !== undefined,
    log,
    now,
  });
  const handlers = handlersOf(inbox, sessions, storage);
  return { turns, sessions, offers, channel, commands, delivery, enrolment, handlers };
}

const webhookDeliveriesKeptMs = 14 * 24 * 60 * 60 * 1000;

export interface Features extends Fleet, Conversations {
  rollouts: Rollouts;
  rehearsals: Rehearsals;
  joining: Joining;
  carryingOut: CarryingOut;
  trustReplacement: TrustReplacement;
  devices: Devices;
  desiring: Desiring;
  tagMany: TagMany;
  commandMany: CommandMany;
  deviceViews: DeviceViewsKept;
  configurations: ConfigurationReading;
  deviceCounts: DeviceCounts;
  fleetCounting: FleetCounting;
  attention: Attention;
  boards: BoardReplacement;
  metrics: MetricReading;
  retention: Retention;
  clearConflict: ClearConflict;
  deviceDeletion: DeviceDeletion;
  events: EventHub;
  longPoll: LongPoll;
  webhookDesk: WebhookDesk;
  foreign: Foreign;
}

/** For devices that no agent of ours speaks for. What is undefined is not spoken here. */
export interface Foreign {
  sweep: () => void;
  close: () => void;
  hawkbit: { router: Router; registration: Registration } | undefined;
  mender: { router: Router; authSets: AuthSets } | undefined;
  awsIot: AwsIot | undefined;
}

function createForeign(
  { files, storage, feed, clock, log }: Foundation,
  { slots, emergencyStop, images, ...fleet }: Fleet,
  { turns }: Conversations,
  views: DeviceViews,
  link: DeviceLink,
  sizes: Sizes,
): Foreign {
  const { hawkbit, mender } = sizes;
  const unreadable = lookingAt(images, log);
  const beside = { storage, feed, clock, turns, slots, brake: emergencyStop, pathOf: files.pathOf, unreadable };
  const common = createCommon({ ...fleet, ...beside });
  const awsIot = sizes.awsIot && createAwsIot(sizes.awsIot, common, { link, views, feed, log });
  return {
    awsIot,
    sweep() {
      common.polled.sweep();
      awsIot?.sweep();
    },
    close: () => awsIot?.close(),
    hawkbit: hawkbit && {
      router: createHawkbit(hawkbit, common),
      registration: createRegistration({ ...fleet, storage, views, wallMs: clock.wallMs }),
    },
    mender: mender && createMender(common, beside),
  };
}

/** What people do to rollouts, and what goes on with them beside the messages of devices. */
function createAllOfRollouts(
  { storage, patient, feed, log, clock, trust, members }: Foundation,
  { engineRoom, memory, progress, images, presence, lastSeen, emergencyStop, deviceLog }: Fleet,
  { filtering, isOnline }: { filtering: Filtering; isOnline: (deviceId: string) => boolean },
  { pieceMax, rehearsalDeadlineMs: deadlineMs }: Sizes,
): Pick<Features, "rollouts" | "rehearsals" | "joining" | "carryingOut"> {
  const making = { engineRoom, presence, filtering, clock, pieceMax };
  const planning = { ...making, storage, trust, images, lastSeen };
  return {
    rollouts: createRollouts({ ...planning, progress, brake: emergencyStop }),
    rehearsals: createRehearsals({ storage, clock, log, snapshot: { ...planning, isOnline }, deadlineMs }),
    joining: createJoining({ storage: patient, engineRoom, memory, filtering, feed, clock, log }),
    carryingOut: createCarryingOut({
      storage,
      feed,
      log,
      pieces: [
        createPreparation(making),
        engineRoom.goOn,
        createRollBackPieces({ ...making, storage, memory, trust }),
        createDeletion(pieceMax),
      ],
      isHere: () => isCaretaker(members),
      settled: deviceLog.flush,
    }),
  };
}

const settledLookMs = 500;

const createEvents = (
  { storage: { db }, cursors, feed, log, members }: Foundation,
  loaders: Loaders,
): Pick<Features, "events" | "longPoll"> => ({
  events: createEventHub({ loaders, db, cursors, feed, log }),
  longPoll: createLongPoll({ loaders, db, cursors, feed, lookEveryMs: members && settledLookMs }),
});

function countingOf(
  { storage, clock }: Foundation,
  online: () => readonly string[],
): Pick<Features, "deviceCounts" | "fleetCounting"> {
  const deviceCounts = createDeviceCounts(storage, online);
  return { deviceCounts, fleetCounting: createFleetCounting(storage, deviceCounts, clock.wallMs) };
}

function attentionOf(
  { storage: { db }, clock, trust }: Foundation,
  { whys, images, emergencyStop, releaseStates }: Fleet,
  filtering: Filtering,
): Attention {
  const lookouts = [
    stops(emergencyStop),
    openRollouts(db, whys),
    proposals(db, clock),
    identityConflicts(db, clock),
    trustForks(db, trust),
    devicesKeptBack(db),
    trustEnd(trust),
    releaseStateEnds(releaseStates, clock),
    lostFiles(db, images),
    failures(db),
    devicesByFilter(db, filtering),
    failingWebhooks(db),
    endingTokens(db, clock),
  ];
  return createAttention(lookouts, clock.wallMs);
}

function retentionOf({ storage, log, clock, members }: Foundation, keep: Keeping): Retention {
  const expiring = [
    expiringDeviceLog(keep.deviceLogMs),
    expiringPoints(keep.telemetryRawMs),
    expiringHours(keep.telemetryHoursMs),
    expiringDecisions(keep.decisionsMs),
    expiringAudit(keep.auditMs),
    expiringProposals(keep.auditMs),
    expiringIdempotentRequests,
    expiringDeliveries(webhookDeliveriesKeptMs),
    expiringFleetSamples,
    expiringRehearsals,
  ];
  return createRetention({ storage, log, clock, expiring, isHere: () => isCaretaker(members) });
}

/** Nothing has come from devices or people yet. */
export async function createFeatures(foundation: Foundation, link: DeviceLink, sizes: Sizes): Promise<Features> {
  const { pollMs, pieceMax, keep } = sizes;
  const { storage, feed, log, clock, trust, members } = foundation;
  const fleet = await createFleet(foundation, sizes);
  const conversations = await createConversations(foundation, fleet, link, pollMs);
  const { sessions, channel } = conversations;
  const { deviceLog, lastSeen, progress, releases, evidence } = fleet;
  const { isOnline, online } = withOtherAgents(onlineAnywhere(sessions, members), fleet);
  const elsewhere = members && elsewhereOf(members);
  const views = createDeviceViews({ db: storage.db, lastSeen, progress, isOnline, trust, clock });
  const filtering = createFiltering({ storage, lastSeen, isOnline, online, wallMs: clock.wallMs });
  const { rollouts, ...beside } = createAllOfRollouts(foundation, fleet, { filtering, isOnline }, sizes);
  const loaders = { device: views.one, deployment: views.deployment, rollout: rollouts.summary, release: releases.one };
  const about = { storage, sessions, evidence, deviceLog, link, now: clock.wallMs, elsewhere };
  const features = {
    ...fleet,
    ...conversations,
    rollouts,
    ...beside,
    trustReplacement: createTrustReplacement({
      trust,
      rollouts,
      storage,
      // Others are told that anything may have changed.
      announce: (change) => (members === undefined ? feed.announce(change) : feed.hear(change)),
      everywhere: members && (() => members.everywhere("trust")),
    }),
    devices: createDevices({
      ...about,
      views,
      filtering,
      progress,
      closeAccount: accountCloser(link, log),
      openAccount: accountOpener(link, log),
    }),
    desiring: createDesiring({ storage, channel, filtering, deviceLog, wallMs: clock.wallMs, pieceMax }),
    tagMany: createTaggingMany({ storage, filtering, deviceLog, pieceMax }),
    commandMany: createCommandingMany({ storage, filtering, channel, commands: conversations.commands, pieceMax }),
    deviceViews: createDeviceViewsKept({ storage, filtering, wallMs: clock.wallMs }),
    configurations: createConfigurationReading(storage.db),
    boards: createBoardReplacement({ ...about, views }),
    metrics: createMetricReading({ storage, history: fleet.metricHistory, clock, keepPointsMs: keep.telemetryRawMs }),
    retention: retentionOf(foundation, keep),
    deviceDeletion: createDeviceDeletion({ ...about, lastSeen }),
    clearConflict: createClearConflict({ storage, views, deviceLog }),
    ...countingOf(foundation, online),
    attention: attentionOf(foundation, fleet, filtering),
    ...createEvents(foundation, loaders),
    webhookDesk: await openWebhookDesk({
      ...foundation,
      options: sizes.webhooks,
      isHere: () => isCaretaker(members),
      isShared: members !== undefined,
    }),
    foreign: createForeign(foundation, fleet, conversations, views, link, sizes),
  };
  // One of several does it for all (rounds.ts).
  if (members === undefined) await deviceLog.follow(feed);
  // The chain that the server was started with may be a new one.
  await rollouts.trustReplaced();
  return features;
}
